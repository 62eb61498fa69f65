"""One page about a table: what its density assumes, shows, doubts, fills and draws."""

from __future__ import annotations

from chainrule.table_report.page import report_page, write_report

__all__ = ["report_page", "write_report"]

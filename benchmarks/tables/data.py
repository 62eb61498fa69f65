"""Where the tables of the benchmarks lie."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def folder() -> Path:
    """The folder of the tables, from CHAINRULE_DATA; without it, the program ends with exit code 2."""
    data = os.environ.get("CHAINRULE_DATA")
    if not data or not (Path(data) / "tabular").is_dir():
        print("CHAINRULE_DATA must name the folder that holds tabular/*.csv.gz", file=sys.stderr)
        raise SystemExit(2)
    return Path(data) / "tabular"

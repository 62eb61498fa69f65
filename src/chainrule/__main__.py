"""``python -m chainrule``: the command line, also for launchers such as ``torchrun``."""

from __future__ import annotations

from chainrule.cli.main import main

if __name__ == "__main__":
    main()

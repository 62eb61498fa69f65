"""The circumstances of a measurement: commit, machine, versions."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import torch

from chainrule.version import version

RESULTS = Path(__file__).parent / "results"


def circumstances() -> dict[str, Any]:
    """Commit, versions, processor and threads of this run."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=RESULTS.parent
    )
    return {
        "commit": done.stdout.strip() or "unknown",
        "date": time.strftime("%Y-%m-%d"),
        "chainrule": version(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "threads": torch.get_num_threads(),
    }


def write(name: str, rows: list[dict[str, Any]]) -> Path:
    """Writes the rows with their circumstances as JSON under benchmarks/results."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(
        json.dumps({"circumstances": circumstances(), "rows": rows}, indent=1, ensure_ascii=False)
        + "\n"
    )
    return path


def write_part(name: str, part: str, rows: list[dict[str, Any]], **facts: Any) -> Path:
    """Writes a part of a file of results; other parts stay, and rows about other things.

    Each row says the commit and the date of its run. ``facts`` are further circumstances.
    """
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    parts: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    now = circumstances() | facts
    stamped = {row["what"]: row | {"commit": now["commit"], "date": now["date"]} for row in rows}
    kept = {row["what"]: row for row in parts.get(part, {}).get("rows", [])}
    parts[part] = {"circumstances": now, "rows": list((kept | stamped).values())}
    path.write_text(json.dumps(parts, indent=1, ensure_ascii=False) + "\n")
    return path

"""Draws the picture of docs/tables.md: marginals of a made table, and of draws by two versions.

Usage: python -m benchmarks.tables.marginals

Both versions fit the same rows with effort quick. Version 0.1.0 is unpacked under build/.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import chainrule as cr
from benchmarks.speed.default_fit.versions import ROOT, environment, sources

PICTURE = ROOT / "docs" / "pictures" / "marginals.png"
ROWS, DRAWN, SEED = 2_000, 20_000, 100
GRAY, BLUE = "#9a9a9a", "#2b6cb0"
FIRST_DAY = np.datetime64("2022-01-03")  # a Monday
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def made(rows: int = ROWS, seed: int = SEED) -> pd.DataFrame:
    """Invoices: incomes over decades, shares between 0 and 1, adult ages, business days."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 91, rows)
    income = np.exp(rng.normal(10 + 0.01 * (age - 50), 1, rows)).round(2)
    week, weekday = rng.integers(0, 104, rows), rng.integers(0, 5, rows)
    return pd.DataFrame(
        {
            "income": income,
            "share": rng.beta(0.5, 0.5, rows),
            "age": age,
            "day": (FIRST_DAY + 7 * week + weekday).astype("datetime64[ns]"),
        }
    )


def draws(path: str) -> None:
    """Fits the made table with the version that runs, and writes draws to a file."""
    density = cr.fit(made(), effort="quick", seed=SEED, verbose=False)
    density.sample(DRAWN, seed=SEED).to_pickle(path)


def of_both() -> dict[str, pd.DataFrame]:
    """Draws of version 0.1.0 and of ours."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, source in sources().items():
            path = str(Path(folder) / f"{name}.pickle")
            command = [sys.executable, "-m", "benchmarks.tables.marginals", path]
            subprocess.run(command, cwd=ROOT, env=environment(source, 1), check=True)
            found[name] = pd.read_pickle(path)
    return found


def _weekdays(dates: Any) -> np.ndarray:
    return dates.dt.day_of_week.to_numpy()


# column: title, bins, and what is counted
PANELS: dict[str, tuple[str, np.ndarray, Callable[[Any], Any]]] = {
    "income": ("income", np.linspace(-60_000, 180_000, 61), np.asarray),
    "share": ("share", np.linspace(-0.3, 1.3, 65), np.asarray),
    "age": ("age", np.arange(4.5, 106.5, 2), np.asarray),
    "day": ("day of the week", np.arange(-0.5, 7), _weekdays),
}


def figure(table: pd.DataFrame, drawn: dict[str, pd.DataFrame]) -> Any:
    """The table's histograms in gray and the draws' as lines: 0.1.0 above, ours below."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    rows = (("first", "0.1.0"), ("ours", "now"))
    found, axes = plt.subplots(2, len(PANELS), figsize=(11, 4.6), sharex="col", sharey="col")
    for place, (line, (version, said)) in enumerate(zip(axes, rows, strict=True)):
        for panel, (name, (title, bins, of)) in zip(line, PANELS.items(), strict=True):
            for frame, options in (
                (table, {"color": GRAY, "alpha": 0.6, "label": "table"}),
                (drawn[version], {"color": BLUE, "histtype": "step", "label": "draws"}),
            ):
                values = of(frame[name])
                weights = np.full(len(values), 1 / len(values))
                panel.hist(values, bins, weights=weights, **options)
            panel.set_yticks([])
            panel.spines[["top", "right", "left"]].set_visible(False)
            if place == 0:
                panel.set_title(title, fontsize=10)
            if name == "day":
                panel.set_xticks(range(7), DAYS, fontsize=8)
        line[0].set_ylabel(said, fontsize=11)
    axes[0, 1].legend(fontsize=8, frameon=False)
    found.tight_layout()
    return found


def main(arguments: list[str]) -> None:
    """Draws the picture, or, with a path, fits and draws with the version that runs."""
    if arguments:
        draws(arguments[0])
        return
    figure(made(), of_both()).savefig(PICTURE, dpi=110)
    print(f"written to {PICTURE}")


if __name__ == "__main__":
    main(sys.argv[1:])

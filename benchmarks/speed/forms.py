"""The time of the lecture's two forms of a network, as the number of columns grows.

Usage: python -m benchmarks.speed.forms

In the masked form, each of n steps multiplies all of W. In the recursive form, a row costs n·d in
all. The least of five runs of each counts. The run fails if the ratio does not grow with n. It
takes seconds on an idle machine.
"""

from __future__ import annotations

import torch

from benchmarks.record import write
from chainrule.report.lecture import time_forms


def main() -> None:
    """Prints and writes the ratios; fails if they do not grow."""
    torch.set_num_threads(1)
    timings = time_forms()
    rows = [
        {"columns": t.n, "masked_ms": 1e3 * t.masked_s, "recursive_ms": 1e3 * t.recursive_s}
        for t in timings
    ]
    for row, timing in zip(rows, timings, strict=True):
        row["masked_over_recursive"] = timing.ratio
        print(f"{timing.n:5} columns: masked ÷ recursive {timing.ratio:.1f}")
    print(f"written to {write('forms', rows)}")
    assert timings[-1].ratio > timings[0].ratio, "the recursion saves nothing"


if __name__ == "__main__":
    main()

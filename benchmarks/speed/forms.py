"""How the lecture's two forms of one network part as columns grow: `python -m benchmarks.speed.forms`.

Masked, each of n steps multiplies all of W; by the recursion a row costs n·d in all. The least of five runs of each; the run
fails where the ratio does not grow with n. Seconds on an idle machine.
"""

from __future__ import annotations

import torch

from benchmarks.record import write
from chainrule.report.lecture import time_forms


def main() -> None:
    """Prints and writes the ratios; fails where they do not grow."""
    torch.set_num_threads(1)
    timings = time_forms()
    rows = [{"columns": t.n, "masked_ms": 1e3 * t.masked_s, "recursive_ms": 1e3 * t.recursive_s} for t in timings]
    for row, timing in zip(rows, timings, strict=True):
        row["masked_over_recursive"] = timing.ratio
        print(f"{timing.n:5} columns: masked ÷ recursive {timing.ratio:.1f}")
    print(f"written to {write('forms', rows)}")
    assert timings[-1].ratio > timings[0].ratio, "the recursion saves nothing"


if __name__ == "__main__":
    main()

"""The most memory that one training step takes beyond what was there, in MB: `python -m benchmarks.speed.memory 1000`.

In a process of its own, which loads the compiled kernels by a step of four rows first and gives up the buffers that this
step left. Outputs, the loss and all gradients count. Linux only: it resets this process's high-water mark.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from benchmarks.speed.problems import problem, step
from chainrule.ops.nade import cpu, dispatch


def status_mb(field: str) -> float:
    """A figure of this process in MB, by the name that Linux gives it: VmRSS, VmHWM."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) / 1024


def main(rows: int) -> None:
    """Prints one number."""
    step(dispatch.outputs, problem(4, 784, 500, 0.13))
    cpu._scratch.clear()
    tensors = problem(rows, 784, 500, 0.13)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before = status_mb("VmRSS")
    result = step(dispatch.outputs, tensors)
    print(status_mb("VmHWM") - before)
    del result


if __name__ == "__main__":
    main(int(sys.argv[1]))

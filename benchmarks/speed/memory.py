"""The peak memory of one training step in MB, beyond the memory in use before.

Usage: python -m benchmarks.speed.memory 1000

It runs in a separate process. A step of four rows loads the compiled kernels first, and its buffers
are released. Outputs, the loss and all gradients count. It needs Linux, because it resets the
process's high-water mark.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from benchmarks.speed.problems import problem, step
from chainrule.ops.compiled import calls
from chainrule.ops.nade import dispatch


def status_mb(field: str) -> float:
    """A figure of this process in MB, by its name in Linux: VmRSS or VmHWM."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) / 1024


def main(rows: int) -> None:
    """Prints the number."""
    step(dispatch.outputs, problem(4, 784, 500, 0.13))
    calls._scratch.clear()
    tensors = problem(rows, 784, 500, 0.13)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before = status_mb("VmRSS")
    result = step(dispatch.outputs, tensors)
    print(status_mb("VmHWM") - before)
    del result


if __name__ == "__main__":
    main(int(sys.argv[1]))

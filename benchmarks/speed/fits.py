"""The time of fitting a hundred rows, compared with the bare steps of a network of that size.

Usage: python -m benchmarks.speed.fits

A fit of effort quick takes some hundred steps, as many validations, and work that is done once.
Processor time with one thread is measured, since other work on the machine hardly changes it. Fits
and bare steps take turns within one run. The run fails if a fit takes ten times its 600 bare steps.
It takes ten seconds on an idle machine.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from benchmarks.record import write
from chainrule.sklearn import DensityEstimator, Imputer, OutlierDetector

STEPS, TURNS, MOST = 600, 5, 10.0


def bare_step() -> Callable[[], None]:
    """A training step of layers as wide as those of such a fit, in the plainest form."""
    layers = [nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 64)]
    network, rows = nn.Sequential(*layers), torch.ones(32, 64)
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)

    def step() -> None:
        optimizer.zero_grad()
        network(rows).logsumexp(1).mean().backward()
        optimizer.step()

    return step


def a_hundred_rows() -> np.ndarray:
    """Four columns of numbers; the second is twice the first with noise."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=100)
    return np.stack(
        [x, 2 * x + 0.1 * rng.normal(size=100), rng.normal(size=100), rng.exponential(size=100)],
        axis=1,
    )


def seconds(work: Callable[[], object]) -> float:
    """The processor seconds of a call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def steps() -> None:
    """Runs the bare steps."""
    step = bare_step()
    for _ in range(STEPS):
        step()


def main() -> None:
    """Prints and writes the ratios; fails if one is too large."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    table, rows = a_hundred_rows(), []
    for estimator in (DensityEstimator, OutlierDetector, Imputer):
        fit = lambda: estimator(effort="quick", random_state=0).fit(table)  # noqa: B023, E731
        fit()  # compilations and imports
        turns = [(seconds(fit), seconds(steps)) for _ in range(TURNS)]
        ratio = statistics.median(mine / bare for mine, bare in turns)
        rows.append(
            {
                "what": f"{estimator.__name__}.fit, 100 rows of 4 columns, effort quick ÷ {STEPS} "
                "bare steps",
                "measured": ratio,
                "most": MOST,
                "fit_ms": 1e3 * statistics.median(mine for mine, _ in turns),
                "bare_ms": 1e3 * statistics.median(bare for _, bare in turns),
            }
        )
        print(f"{rows[-1]['what']}: {ratio:.2f} (at most {MOST:g})")
    print(f"written to {write('fits', rows)}")
    assert all(row["measured"] < MOST for row in rows), "a fit has become slow"


if __name__ == "__main__":
    main()

"""NADE with 500 hidden units on binarized MNIST, for 20 epochs.

Usage: python -m benchmarks.likelihood.binarized_mnist

It trains on the published fixed binarization, stops by validation rows, and reads the test rows
once. It also times a step of the textbook loop, and prints the ratio. A run takes a few minutes on
two cores.
"""

from __future__ import annotations

import time

import numpy as np
import torch

from benchmarks.record import write
from benchmarks.speed.problems import problem, step
from chainrule import FitConfig, datasets, fit
from chainrule.ops.nade import reference

HIDDEN, BATCH = 500, 100
CONFIG = FitConfig(hidden_size=HIDDEN, epochs=20, batch_size=BATCH)
TEXTBOOK_STEPS = 5


def textbook_step_s(batch: np.ndarray) -> float:
    """Seconds of one training step of the textbook loop."""
    _, parameters = problem(len(batch), batch.shape[1], HIDDEN, 0.13)
    of_batch = torch.from_numpy(batch).float(), parameters
    step(reference.recursive, of_batch)
    began = time.perf_counter()
    for _ in range(TEXTBOOK_STEPS):
        step(reference.recursive, of_batch)
    return (time.perf_counter() - began) / TEXTBOOK_STEPS


def main() -> None:
    """Prints the results and writes benchmarks/results/binarized_mnist.json."""
    mnist = datasets.load("binarized-mnist")
    batch = mnist.train[:BATCH]
    textbook_s = [textbook_step_s(batch)]
    density = fit(mnist.train, mnist.valid, network="nade", seed=0, config=CONFIG)
    textbook_s.append(textbook_step_s(batch))
    log_prob = density.log_prob(mnist.test, strict=True)  # of bits alone, as published
    record = density.training
    steps = len(record["history"]) * -(-len(mnist.train) // BATCH)
    seconds = density.seconds or 0.0
    textbook_run_s = steps * sum(textbook_s) / len(textbook_s)
    row = {
        "data": "binarized-mnist",
        "network": "NADE",
        "config": record["config"],
        "seed": record["seed"],
        "epochs": len(record["history"]),
        "train_nats": record["history"][-1]["train_nats"],
        "valid_nats": record["valid_nats"],
        "test_nats": -float(log_prob.mean()),
        "test_standard_error": float(log_prob.std(ddof=1) / len(log_prob) ** 0.5),
        "independent_valid_nats": record["independent_valid_nats"],
        "seconds": seconds,
        "textbook_step_s": textbook_s,
        "textbook_over_this": textbook_run_s / seconds,
    }
    print(
        f"binarized MNIST, NADE 500, {row['epochs']} epochs: validation {row['valid_nats']:.2f}, "
        f"test {row['test_nats']:.2f} ± {row['test_standard_error']:.2f} nats; {seconds:.0f} s, "
        "validation included, where the textbook loop's steps alone would take "
        f"{textbook_run_s:.0f} s ({row['textbook_over_this']:.1f} times as long)"
    )
    print(f"written to {write('binarized_mnist', [row])}")


if __name__ == "__main__":
    main()

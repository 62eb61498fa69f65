"""``chainrule demo``: the main job on images of digits, with pictures."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from chainrule import datasets
from chainrule.cli.checks import require_seed
from chainrule.cli.shown import print_line, print_table
from chainrule.datasets import Dataset
from chainrule.errors import ChainruleError, unknown_choice
from chainrule.training.config import FitConfig

if TYPE_CHECKING:
    from chainrule.density import Density

NAME = "demo"
EXAMPLES = """\b
Examples:
  chainrule demo
  chainrule demo --side 32
  chainrule demo --data binarized-mnist
"""
DATA = ("digits", "mnist", "binarized-mnist")
SIZES = {
    "digits": (200, 100),
    "mnist": (500, 30),
    "binarized-mnist": (500, 30),
}  # hidden units, epochs
LARGE_DIGITS_EPOCHS = 30  # for digits enlarged to 1024 pixels
PAGE = "play.html"


def run(
    data: Annotated[
        str, typer.Option(help="digits (embedded), mnist or binarized-mnist.")
    ] = "digits",
    side: Annotated[
        int | None, typer.Option(help="Pixels per side: 32 gives the lecture's 1024.")
    ] = None,
    hidden_size: Annotated[
        int | None, typer.Option(help="Hidden units (default 200; 500 for MNIST).")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Largest number of epochs (default 100; 30 for MNIST).")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the model and the pictures.")] = Path(
        "chainrule-demo"
    ),
    seed: Annotated[int, typer.Option(help="Makes the demo reproducible.")] = 0,
) -> None:
    """Train a NADE on real digits, compute exact likelihoods, and draw and complete digits."""
    if data not in DATA:
        raise ChainruleError(unknown_choice("data set of the demo", data, DATA))
    if out.exists() and not out.is_dir():
        raise ChainruleError(f"{out}: a file; name a folder with --out")
    require_seed(seed)
    _require_side(side, datasets.IMAGE_SHAPES[data])
    began = time.perf_counter()
    digits = resized(datasets.load(data), side)
    usual_hidden, usual_epochs = SIZES[data]
    if data == "digits" and digits.train.shape[1] > 256:
        usual_epochs = LARGE_DIGITS_EPOCHS
    config = FitConfig(
        hidden_size=usual_hidden if hidden_size is None else hidden_size,
        epochs=usual_epochs if epochs is None else epochs,
        # MNIST's best epochs come late, when the learning rate has decayed. Training therefore
        # runs the whole schedule.
        patience=FitConfig.patience if data == "digits" else 0,
    )
    out.mkdir(parents=True, exist_ok=True)

    from chainrule.report.demo import draw_pictures
    from chainrule.training import fit

    height, width = digits.image_shape or (1, digits.train.shape[1])
    print_line(
        f"{data}: {len(digits.train):,} training images of {height} × {width} pixels; "
        f"NADE with {config.hidden_size} hidden units, at most {config.epochs} epochs"
    )
    density = fit(digits.train, digits.valid, network="nade", seed=seed, config=config)
    density.save(out / "model.chainrule")
    _print_results(density, digits)
    _print_forms()
    draw_pictures(density, digits, out, seed)
    drawn = sorted(path.name for path in out.iterdir() if path.suffix in (".png", ".gif"))
    print_line(f"pictures: {', '.join(drawn)}")
    _write_page(density, digits, out / PAGE)
    print_line(
        f"model and pictures are in {out}{os.sep}; the whole demo took "
        f"{time.perf_counter() - began:.0f} s"
    )
    print(f"next: chainrule check {out / 'model.chainrule'}", flush=True)  # to be copied as it is


def resized(digits: Dataset, side: int | None) -> Dataset:
    """Enlarges images to side × side pixels: repeats pixels if side is a multiple, otherwise adds a
    margin of empty pixels.
    """
    height, width = digits.image_shape or (0, 0)
    if side is None or (side, side) == (height, width):
        return digits
    _require_side(side, (height, width))

    def grow(rows: np.ndarray) -> np.ndarray:
        images = rows.reshape(-1, height, width)
        if side % height == 0 and side % width == 0:
            return (
                images.repeat(side // height, axis=1)
                .repeat(side // width, axis=2)
                .reshape(len(rows), -1)
            )
        top, left = (side - height) // 2, (side - width) // 2
        around = ((0, 0), (top, side - height - top), (left, side - width - left))
        return np.pad(images, around).reshape(len(rows), -1)

    return Dataset(
        digits.name, grow(digits.train), grow(digits.valid), grow(digits.test), (side, side)
    )


def _require_side(side: int | None, shape: tuple[int, int]) -> None:
    """Raises ChainruleError if images of this height and width are larger than the side."""
    if side is not None and side < max(shape):
        height, width = shape
        raise ChainruleError(
            f"--side {side} is smaller than the images of {height} × {width} pixels"
        )


def _write_page(density: Density, digits: Dataset, path: Path) -> None:
    """Writes the page on which the network draws.

    The demo's own digits are small. If MNIST is on this machine, the page has a small NADE of it.
    """
    from chainrule.report.digits import digits_density
    from chainrule.view import write_play

    shape = digits.image_shape
    if shape == datasets.IMAGE_SHAPES["digits"] and datasets.is_here("mnist"):
        print_line("training a small NADE on MNIST, for a page of 28 × 28 pixels")
        density, shape = digits_density("mnist"), datasets.IMAGE_SHAPES["mnist"]
    write_play(density.model, path, shape=shape, training=density.training)
    height, width = shape or (1, len(density.schema.columns))
    print_line(
        f"{path}: paint half a digit of {height} × {width} pixels, and watch the network draw the "
        "rest; open it in a browser"
    )


def _print_results(density: Density, digits: Dataset) -> None:
    import torch

    from chainrule.baselines import IndependentColumns
    from chainrule.report.lecture import full_table_numbers

    n = digits.train.shape[1]
    independent = IndependentColumns(n).double()
    independent.initialize_from(torch.from_numpy(digits.train).double())
    with torch.no_grad():
        alone = independent.log_prob(torch.from_numpy(digits.test).double()).numpy()
    numbers = sum(p.numel() for p in density.model.network.parameters())
    rows = [("uniform", f"{n * math.log(2):.2f}", f"{n:.1f}", "0")]
    for name, nats, count in (
        ("independent columns", -alone, f"{n:,}"),
        ("NADE", -density.log_prob(digits.test), f"{numbers:,}"),
    ):
        error = nats.std(ddof=1) / len(nats) ** 0.5
        rows.append(
            (name, f"{nats.mean():.2f} ± {error:.2f}", f"{nats.mean() / math.log(2):.1f}", count)
        )
    rows.append(("full table", "", "", full_table_numbers(n)))
    columns = ("model", "nats per image", "bits per image", "numbers")
    print_table(
        columns, rows, title=f"−log p of {len(digits.test):,} test images", numbers=columns[1:]
    )
    hidden = density.training["config"]["hidden_size"]
    print_line(
        f"NADE's numbers: 2nd + 2d + n = 2·{n}·{hidden} + 2·{hidden} + {n} = "
        f"{2 * n * hidden + 2 * hidden + n:,}\n"
    )


def _print_forms() -> None:
    from chainrule.report.lecture import time_forms

    timings = time_forms()
    rows = [
        (t.n, f"{t.masked_s * 1e3:.1f} ms", f"{t.recursive_s * 1e3:.1f} ms", f"{t.ratio:.1f}")
        for t in timings
    ]
    columns = ("n", "masked, O(n²d)", "recursive, O(nd)", "masked ÷ recursive")
    print_table(columns, rows, title="the same numbers in two ways", numbers=columns)
    ratios = [timing.ratio for timing in timings]
    print_line(
        "Time grows as n² with masks, and as n if each step reuses the sum of the step before."
    )
    if ratios == sorted(ratios):
        print_line("The ratio grows with n, as the lecture says.\n")
    else:
        print_line("(This machine is too busy to time them: the ratio should grow with n.)\n")

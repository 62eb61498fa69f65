"""The pictures of ``chainrule demo``: digits that a NADE draws, completes and finds surprising."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from chainrule.datasets import Dataset
from chainrule.density import Density
from chainrule.networks import NADE
from chainrule.progress import progress_bar
from chainrule.report import lecture, pictures
from chainrule.rng import generator_from
from chainrule.view.dense import train_dense


def draw_pictures(density: Density, digits: Dataset, folder: Path, seed: int) -> None:
    """Writes the demo's pictures of a NADE that was fitted to ``digits`` into a folder, with
    progress.
    """
    demo = Demo(density, digits, seed)
    steps: tuple[Callable[[Path], None], ...] = (
        demo.samples,
        demo.drawing,
        demo.completions,
        demo.learning_curve,
        demo.surprise,
        demo.dependence,
    )
    with progress_bar("drawing pictures", len(steps)) as advance:
        for step in steps:  # the sequence matters: all steps draw from one generator
            step(folder)
            advance(1)


@dataclass
class Demo:
    """A fitted NADE, the images it was fitted to, and a seed for its pictures."""

    density: Density
    digits: Dataset
    seed: int

    def __post_init__(self) -> None:
        network = self.density.model.network.cpu()
        assert isinstance(network, NADE)
        self.network = network
        self.shape = self.digits.image_shape or (1, len(self.density.schema.columns))
        self.generator = generator_from(self.seed)
        self.picked = np.random.default_rng(self.seed).permutation(len(self.digits.test))

    def samples(self, folder: Path) -> None:
        """Draws 48 test images beside 48 drawn ones."""
        drawn = self.density.table(self.network.sample(48, generator=self.generator))
        figure = pictures.samples(self.digits.test[self.picked[:48]], drawn, self.shape)
        pictures.save(figure, folder / "samples.png")

    def drawing(self, folder: Path) -> None:
        """Draws one image at nine stages, and as an animation."""
        frames = min(len(self.density.schema.columns), 64) + 1
        stages = lecture.stages_of_drawing(self.density, frames, self.generator)
        strip = [stages[k] for k in np.linspace(0, len(stages) - 1, 9).round().astype(int)]
        pictures.save(pictures.drawing(strip, self.shape), folder / "drawing.png")
        pictures.drawing_animation(stages, self.shape, folder / "drawing.gif")

    def completions(self, folder: Path) -> None:
        """Draws six test images, each with six completions of its lower half."""
        height, width = self.shape
        upper = np.arange(height * width) < width * (height // 2)
        originals = self.digits.test[self.picked[:6]]
        given = (self._codes(originals).repeat_interleave(6, dim=0), torch.from_numpy(upper)[None])
        completed = self.density.table(
            self.network.sample(36, given=given, generator=self.generator)
        )
        figure = pictures.completions(
            originals, upper, completed.reshape(6, 6, height * width), self.shape
        )
        pictures.save(figure, folder / "completions.png")

    def learning_curve(self, folder: Path) -> None:
        """Draws nats by epoch, beside independent columns."""
        record = self.density.training
        figure = pictures.learning_curve(record["history"], record["independent_valid_nats"])
        pictures.save(figure, folder / "learning_curve.png")

    def surprise(self, folder: Path) -> None:
        """Draws the most and the least likely test images, with the bits of each pixel."""
        with torch.no_grad():
            batches = self._codes(self.digits.test).split(500)
            cells = [self.network.log_prob_columns(x) for x in batches]
        bits = -torch.cat(cells).double().numpy() / math.log(2)
        figure = pictures.likely_and_unlikely(self.digits.test, bits, self.shape)
        pictures.save(figure, folder / "surprise.png")

    def dependence(self, folder: Path) -> None:
        """Draws which outputs depend on which pixels, for NADE and for a dense network."""
        hidden_size = max(500, self.density.training["config"]["hidden_size"])
        dense = train_dense(self._codes(self.digits.train).float(), hidden_size, seed=self.seed)
        nats = lecture.reconstruction_nats(dense, self._codes(self.digits.test).float())
        leak = (
            "fully connected: each output depends on its own pixel\n"
            f"({nats:.1f} nats, but no likelihood: it leaks)"
        )
        probe = self._codes(self.digits.test[self.picked[:4]]).float()
        order = self.network.order.numpy()
        panels = [
            (title, lecture.dependence_of(logits, probe)[np.ix_(order, order)])
            for title, logits in (
                (
                    "NADE: each output depends on earlier pixels only",
                    self.network.conditional_params,
                ),
                (leak, dense),
            )
        ]
        pictures.save(pictures.dependence(panels), folder / "dependence.png")

    def _codes(self, rows: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(self.density.codes(rows))

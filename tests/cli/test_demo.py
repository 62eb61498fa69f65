"""``chainrule demo``: which digits its page draws."""

import numpy as np
import pytest
import torch

import chainrule as cr
from chainrule.cli import demo
from chainrule.datasets import Dataset
from chainrule.density import Density
from chainrule.model import Model
from chainrule.report import digits
from chainrule.table import Binary, Schema
from chainrule.view import page


def density_of(count):
    columns = tuple(Binary(name=f"x{k}", levels=(0, 1), dtype="uint8") for k in range(count))
    network = cr.NADE(count, hidden_size=3, generator=torch.Generator().manual_seed(0))
    return Density(Model(Schema(columns), network))


@pytest.mark.parametrize(
    ("side", "mnist", "shown"),
    [(8, False, 8), (8, True, 28), (10, True, 10)],
    ids=["alone", "beside MNIST", "enlarged"],
)
def test_the_page_has_28_pixels_a_side_if_mnist_is_here(
    side, mnist, shown, tmp_path, monkeypatch, capsys
):
    asked = []
    monkeypatch.setattr(page, "DENSE_STEPS", 1)
    monkeypatch.setattr(cr.datasets, "is_here", lambda name: mnist and name == "mnist")
    monkeypatch.setattr(
        digits, "digits_density", lambda name: asked.append(name) or density_of(28 * 28)
    )
    rows = np.zeros((1, side * side), dtype=np.uint8)
    images = Dataset("digits", rows, rows, rows, (side, side))
    demo._write_page(density_of(side * side), images, tmp_path / "play.html")
    held = (tmp_path / "play.html").read_text(encoding="utf-8")
    assert f'"height":{shown},"width":{shown},' in held
    assert asked == ["mnist"] * (shown == 28)
    assert f"a digit of {shown} × {shown} pixels" in capsys.readouterr().out

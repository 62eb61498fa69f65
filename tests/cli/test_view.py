"""``chainrule view``: the page of a model file, and models that have none."""

import polars as pl
import torch
from helpers.command_line import chainrule

import chainrule as cr
from chainrule.density import Density
from chainrule.model import Model
from chainrule.table import Binary, Schema


def test_it_writes_the_page_of_a_model(tmp_path):
    columns = tuple(Binary(name=f"x{k}", levels=(0, 1), dtype="uint8") for k in range(6))
    network = cr.NADE(6, hidden_size=3, generator=torch.Generator().manual_seed(0))
    Density(Model(Schema(columns), network)).save(tmp_path / "m.chainrule")
    words = "view", "m.chainrule", "-o", "p.html", "--shape", "3x2"
    code, out, errors = chainrule(*words, cwd=tmp_path)
    assert (code, out, errors) == (0, "", "p.html: open it in a browser\n")
    assert '"height":3,"width":2' in (tmp_path / "p.html").read_text(encoding="utf-8")


def test_one_order_over_other_columns_has_no_page(tmp_path):
    table = pl.DataFrame({"age": [1.5, 2.25, 31.0] * 20, "smokes": [0, 1, 1] * 20})
    config = cr.FitConfig(epochs=1)
    density = cr.fit(table, network="made", seed=0, config=config, verbose=False)
    density.save(tmp_path / "m.chainrule")
    code, _, errors = chainrule("view", "m.chainrule", cwd=tmp_path)
    assert code == 2
    assert errors.startswith("chainrule: column 'age' is of kind 'real'; the page draws pixels")
    assert not (tmp_path / "play.html").exists()

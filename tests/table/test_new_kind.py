"""A new kind of column, grades, takes a leaf, a line of the registry, and a conditional."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.conditionals import DiscretizedLogisticMixture, LogisticMixture
from chainrule.errors import FormatError, SchemaError
from chainrule.model import column_of
from chainrule.table import COLUMNS, AbstractColumn, AbstractLevels, Schema
from chainrule.table.columns import Cells
from chainrule.table.values.cells import as_labels, objects_of, shown


@dataclass(frozen=True, kw_only=True)
class Grade(AbstractLevels):
    """Labels in a sequence: the code is the rank, so that near grades are alike."""

    kind: ClassVar[str] = "grade"
    options: ClassVar[tuple[str, ...]] = ("sequence",)
    holds_labels: ClassVar[bool] = True

    @property
    def reads_as_written(self) -> bool:
        return True

    @classmethod
    def as_requested(cls, cells: Cells, reason: str) -> AbstractColumn:
        levels = tuple(cells.options["sequence"])
        known = [label for label in as_labels(cells.values) if label is not None]
        return cls(
            name=cells.name, dtype=cells.dtype, reason=reason, levels=levels, rows=len(known)
        )

    @property
    def domain_as_text(self) -> str:
        return f"{self.levels[0]} to {self.levels[-1]}"

    def encode(self, values, where, *, strict=True):
        ranks = {name: float(rank) for rank, name in enumerate(self.level_names)}
        codes = np.array([np.nan if v is None else ranks.get(v, np.inf) for v in as_labels(values)])
        if strict and np.isinf(codes).any():
            row = int(np.flatnonzero(np.isinf(codes))[0])
            raise SchemaError(
                f"column {self.name!r}: value {shown(values, row)} at {where(row)} is no grade"
            )
        return codes

    def decode(self, codes):
        return objects_of(self.levels)[codes.astype(np.int64)]

    def fields_to_json(self) -> dict[str, Any]:
        return {"levels": list(self.levels)}

    @classmethod
    def fields_from_json(cls, spec: Mapping[str, Any]) -> dict[str, Any]:
        return {"levels": tuple(map(str, spec["levels"]))}


@pytest.fixture
def listed(monkeypatch):
    """Grades are a kind while a test runs."""
    monkeypatch.setitem(COLUMNS, Grade.kind, Grade)


@pytest.fixture
def registered(listed):
    @column_of.register(Grade)
    def _(column, mixture, components):
        last = len(column.levels) - 1
        return DiscretizedLogisticMixture(components, 0, last, last / 2, last / 4)


GRADES = ("poor", "fair", "good", "excellent")


def table(rows: int = 200) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    rank = rng.integers(0, 4, rows)
    return pl.DataFrame(
        {"grade": [GRADES[k] for k in rank], "price": np.round(rank + rng.normal(size=rows), 2)}
    )


KINDS = {"grade": {"kind": "grade", "sequence": GRADES}}


def conditional_modes(density, holes):
    return density.conditional(holes.tail(3), "grade").to_numpy().argmax(1)


def test_every_question_is_answered_of_a_new_kind(registered, tmp_path):
    config = cr.FitConfig(hidden_size=8, epochs=2, components=2)
    density = cr.fit(table(), kinds=KINDS, seed=0, config=config, verbose=False)
    grade = density.schema.columns[0]
    assert isinstance(grade, Grade)
    assert (grade.rows, grade.outside_share) == (200, 1 / 201)
    density.save(tmp_path / "grades.chainrule")
    density = cr.load(tmp_path / "grades.chainrule")
    assert density.schema.columns[0] == grade
    every = pl.DataFrame(
        {"grade": GRADES, "price": [None] * 4}, schema_overrides={"price": pl.Float64}
    )
    p = np.exp(density.log_prob(every, strict=True))
    assert p.sum() == pytest.approx(1, abs=1e-9)
    marginal = density.marginal("grade")
    assert marginal["grade"].to_list() == list(GRADES)
    assert np.allclose(np.exp(marginal["log_prob"].to_numpy()), p, rtol=0, atol=1e-9)
    conditional = density.conditional(table(3), "grade")
    assert conditional.columns == list(GRADES)
    assert np.allclose(conditional.to_numpy().sum(1), 1, rtol=0, atol=1e-9)
    drawn = density.sample(20, seed=1)
    assert drawn.schema == table().schema
    assert set(drawn["grade"]) <= set(GRADES)
    holes = table(6).with_columns(pl.when(pl.int_range(6) < 3).then(pl.col("grade")).alias("grade"))
    for how in ("draw", "best"):
        filled = density.impute(holes, how=how)
        assert filled["grade"].head(3).to_list() == holes["grade"].head(3).to_list()
        assert set(filled["grade"].tail(3)) <= set(GRADES)
    assert set(filled["grade"].tail(3)) == {GRADES[k] for k in conditional_modes(density, holes)}
    assert density.table(density.codes(table(9)))["grade"].to_list() == table(9)["grade"].to_list()
    assert density.compare(density, table(9)).nats == 0


def test_what_a_new_kind_cannot_hold_is_outside(registered):
    config = cr.FitConfig(hidden_size=4, epochs=1, components=1)
    density = cr.fit(table(), kinds=KINDS, seed=0, config=config, verbose=False)
    odd = pl.DataFrame({"grade": ["superb"], "price": [1.0]})
    with pytest.warns(
        UserWarning, match="such as 'superb' at row 0: its values are poor to excellent"
    ):
        outside = density.log_prob(odd)
    assert np.isfinite(outside).all()
    with pytest.raises(SchemaError, match="column 'grade': value 'superb' at row 0 is no grade"):
        density.log_prob(odd, strict=True)


def test_a_kind_that_is_not_registered_is_named(listed):
    schema = cr.infer_schema(table(), kinds=KINDS)
    spec = schema.to_json()
    assert Schema.from_json(spec) == schema
    spec["columns"][0]["kind"] = "mark"
    with pytest.raises(FormatError, match="column 'grade': kind 'mark' is unknown"):
        Schema.from_json(spec)
    with pytest.raises(SchemaError, match="option 'most' is unknown"):
        cr.infer_schema(table(), kinds={"grade": {"kind": "grade", "most": 3}})

    @dataclass(frozen=True, kw_only=True)
    class Rank(AbstractLevels):
        kind: ClassVar[str] = "rank"
        as_requested = encode = decode = domain_as_text = fields_to_json = fields_from_json = None

    with pytest.raises(
        TypeError, match="column 'x': no conditional is registered for columns of kind 'rank'"
    ):
        column_of(Rank(name="x", dtype="String", levels=GRADES), LogisticMixture, 1)

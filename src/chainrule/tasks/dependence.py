"""How much two columns say about each other, by the model: the mutual information of all pairs."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import torch

from chainrule.errors import ShapeError, whole_number
from chainrule.missing import complete_codes, draw_like, is_flag
from chainrule.model import Model
from chainrule.networks import AbstractNetwork
from chainrule.progress import progress_bar
from chainrule.rng import generator_from
from chainrule.table.frames.build import build

ROWS = 2_000  # that are drawn from the model by default
LN2 = math.log(2)


@dataclass(frozen=True)
class Information:
    """Mutual information of columns.

    Attributes:
        names: of the D columns.
        bits: (D, D), symmetric; the diagonal is NaN.
        errors: (D, D), standard errors of the bits.
        entropies: (D,), the bits of each column alone; NaN for numbers that have a density.
    """

    names: tuple[str, ...]
    bits: np.ndarray
    errors: np.ndarray
    entropies: np.ndarray

    def most(self, i: int, j: int) -> float | None:
        """The bits that two columns have in common at most; None if neither is discrete.

        Where both of an orderless network's ways of writing p(a, b) exceed it, it is their mean.
        """
        known = self.entropies[[i, j]]
        known = known[~np.isnan(known)]
        return float(max(known.min(), self.bits[i, j])) if len(known) else None

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The numbers of each two columns, those with most bits first."""
        return sorted(combinations(range(len(self.names)), 2), key=lambda pair: -self.bits[pair])


def dependence(
    model: Model, *, given: Sequence[Hashable] = (), rows: int = ROWS, seed: int = 0
) -> Any:
    """Returns how much each pair of columns says about each other, as a frame, most bits first.

    The frame has the columns ``first``, ``second``, ``bits`` and ``standard_error``. Bits are the
    mutual information, the mean of log2 p(a, b) / (p(a) p(b)) over rows that the model draws. It is
    0 if the columns are independent, whatever their kinds, units and scales. A pair of binary
    columns has at most 1 bit. An estimate may be slightly below 0.

    p(a, b) is p(a) p(b | a) in half of the terms, and p(b) p(a | b) in the other half. An orderless
    network learns both. They agree but for errors of learning, which the standard error lacks: it
    is that of the drawn rows alone. Missing cells are not counted: rows are drawn complete.

    With ``given``, all probabilities are also given these columns of each drawn row. The bits are
    then the conditional mutual information: what two columns say about each other that the given
    ones do not say already. It is 0 if they are independent wherever the given columns are equal.

    Args:
        model: the fitted model.
        given: columns that are known, by name; none by default.
        rows: how many rows are drawn.
        seed: decides which rows are drawn.

    Raises:
        EvidenceError: a network of one order, which knows no conditionals of single columns.
        SchemaError: a given column that the model does not know.
        ShapeError: fewer than two columns are not given, or fewer than two rows are asked for.
    """
    found = information(model, given=given, rows=rows, seed=seed)
    pairs = found.pairs
    columns = {
        "first": np.array([found.names[i] for i, _ in pairs], dtype=object),
        "second": np.array([found.names[j] for _, j in pairs], dtype=object),
        "bits": np.array([found.bits[pair] for pair in pairs], dtype=np.float64),
        "standard_error": np.array([found.errors[pair] for pair in pairs], dtype=np.float64),
    }
    container = model.schema.container if model.schema.container != "numpy" else "polars"
    return build(columns, {}, container)


def information(
    model: Model, *, given: Sequence[Hashable] = (), rows: int = ROWS, seed: int = 0
) -> Information:
    """Returns the mutual information of all pairs; the arguments are those of ``dependence``."""
    rows = whole_number(rows, "rows", least=2, what="a whole number of rows to draw")
    flags = is_flag(model.schema)
    from_the_first = flags | _given(model, given)  # columns that are known
    asked = np.flatnonzero(~from_the_first)
    for column in asked:  # a network of one order says which evidence it lacks
        known = from_the_first[None].copy()
        known[0, column] = True
        model.require_evidence(known, name="known")
    network, codes = model.in_float64(), complete_codes(model.schema)
    with torch.no_grad():
        drawn = draw_like(model.schema, network, rows, codes, flags, generator_from(seed)).double()
        device = next(network.parameters()).device
        always = torch.from_numpy(from_the_first).to(device)
        alone = _nats(network, drawn, always, asked)  # (D, N), of p(a)
        gained = np.zeros((len(asked), len(asked), rows))
        with progress_bar("comparing columns", len(asked)) as advance:
            for place, column in enumerate(asked):
                known = always.clone()
                known[column] = True
                gained[place] = _nats(network, drawn, known, asked) - alone
                advance(1)
    each = (gained + gained.transpose(1, 0, 2)) / (2 * LN2)
    bits, errors = each.mean(2), each.std(2, ddof=1) / math.sqrt(rows)
    np.fill_diagonal(bits, np.nan)
    np.fill_diagonal(errors, np.nan)
    names = tuple(model.schema.columns[k].name for k in asked)
    x = drawn.cpu().numpy()
    has_mass = [model.schema.columns[k].is_mass(x[:, k]).all() for k in asked]
    entropies = np.where(has_mass, -alone.mean(1) / LN2, np.nan)
    return Information(names, bits, errors, entropies)


def _given(model: Model, given: Sequence[Hashable]) -> np.ndarray:
    """The mask (D,) of given columns, checked."""
    if isinstance(given, str):
        raise ShapeError(f"given = {given!r}: pass a list of columns, such as [{given!r}]")
    found = np.zeros(len(model.schema.columns), dtype=bool)
    found[[model.schema.number(each) for each in given]] = True
    left = len(model.schema.columns_without_flags) - int(found.sum())
    if given and left < 2:
        raise ShapeError(f"given = {list(given)!r}: leave at least two columns to compare")
    return found


def _nats(
    network: AbstractNetwork, x: torch.Tensor, known: torch.Tensor, asked: np.ndarray
) -> np.ndarray:
    """log p of each asked column's codes given those of the known columns (D,), (A, N) nats.

    Known columns themselves get 0.
    """
    given = known.expand(x.shape)
    walk = network.walk(network.columns.filled(x, given), given)
    found = np.zeros((len(asked), len(x)))
    for place, column in enumerate(asked.tolist()):
        if not bool(known[column]):
            found[place] = walk.distribution(column).log_prob(x[:, column]).cpu().numpy()
    return found

"""Probabilities of rows: how rare a row is among rows with the same known cells, right on rows that were held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from chainrule.errors import EvidenceError, FormatError
from chainrule.missing import is_flag, there
from chainrule.model import Model
from chainrule.progress import progress_bar
from chainrule.rng import generator_from
from chainrule.table import Codes, Schema
from chainrule.tasks.answer import Batch, parts
from chainrule.tasks.curves import Curve
from chainrule.tasks.ranks import Draws, Reference, references
from chainrule.tasks.score import nats

SEED = 1  # of the cells that are hidden from rows held out
DRAWS = 150, 8000  # rows drawn, at least and at most
DRAWN_CELLS = 500_000  # at most so many cells are drawn
DEFAULT_DRAWS = 1000
DEFAULT_SCORES, LEAST_SCORES, SOME_COLUMNS = 5_000, 1_200, 15  # rows scored; fewer where there are more columns
SHARES_HIDDEN = 0.0, 1 / 3, 2 / 3  # of the cells: how many are hidden from the rows held out
TIMES = 2  # how often a row is asked with a share of its cells hidden, each time with others
FEWEST_ROWS = 5  # of a knot, whatever min_count is
MOST_KNOTS = 16  # about
LEAST_SHARE = 1e-6  # of all the weight, where rows weigh next to nothing
FARTHEST = 12.0  # log-odds: farther out a rank counts as this in a mean over rows
SLOPES = 0.2, 1.0  # of the lower tail
CHANCE = 2.0  # squared standard errors by which chance lets a curve deviate from the identity
INNER = -1.0  # log-odds between which and the lowest knot the slope is measured
DIGITS = 3  # of knots
LEAST_APART = 2 * 10.0**-DIGITS  # of knots, so that they still increase once they are rounded
PRIOR = 1.0  # log-odds over which the tail's slope is taken to be 1, beside those of the rows


@dataclass(frozen=True)
class Calibration:
    """What turns the score of a row into the probability of a row that is no likelier, among those with the same known cells.

    A score becomes its rank among rows drawn from the model, and the rank a probability by rows that were held out of
    training: ranks of an overfitted model are too low. How much too low depends on how many cells are known, so there is a curve
    for each of a few shares of hidden cells; between them they are interpolated. Every knot is a mean over at least ``min_count``
    rows, and no row is part of two knots of a curve.

    Attributes:
        draws: how many rows are drawn to rank others among.
        complete: from the score of a complete row to the log-odds of its rank; None: it is made when asked for.
        hidden: shares of hidden cells, increasing.
        curves: for each share a curve from the log-odds of the rank to those of the probability. Without any, they are equal.
    """

    draws: int
    complete: Curve | None = None
    hidden: tuple[float, ...] = ()
    curves: tuple[Curve, ...] = ()

    def __post_init__(self) -> None:
        if not 2 <= self.draws <= DRAWS[1]:
            raise FormatError(f"a calibration by {self.draws} draws; 2 to {DRAWS[1]} are possible")
        if len(self.hidden) != len(self.curves) or not (np.diff(self.hidden) > 0).all():
            raise FormatError("a calibration has a curve for each share of hidden cells, and these increase")

    def __call__(self, log_odds: np.ndarray, hidden: float) -> np.ndarray:
        """Log-odds of the probabilities, of the shape of the log-odds of ranks, for rows with this share of hidden cells."""
        if not self.curves:
            return log_odds
        place = float(np.interp(hidden, self.hidden, np.arange(len(self.hidden))))
        low = min(int(place), max(len(self.curves) - 2, 0))
        if place == low:
            return self.curves[low](log_odds)
        part = place - low
        return (1 - part) * self.curves[low](log_odds) + part * self.curves[low + 1](log_odds)

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        return {
            "draws": self.draws,
            "complete": None if self.complete is None else self.complete.to_json(),
            "hidden": list(self.hidden),
            "curves": [curve.to_json() for curve in self.curves],
        }

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> Calibration:
        """The calibration that ``to_json`` described.

        Raises:
            FormatError: it is none.
        """
        try:
            complete = None if spec["complete"] is None else Curve.from_json(spec["complete"])
            curves = tuple(Curve.from_json(each) for each in spec["curves"])
            return cls(int(spec["draws"]), complete, tuple(float(share) for share in spec["hidden"]), curves)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise FormatError(f"not a calibration: {error}") from error


def row_log_p(
    model: Model, table: Any, calibration: Calibration | None = None, *, show_progress: bool = True
) -> np.ndarray:
    """log of the probability of a row that is no likelier, among rows with the same known cells; (N,) float64, at most 0.

    Ordinary rows have uniform probabilities whatever is missing, if cells are missing independently of their values: a
    hundredth of them has one below 0.01. The further a row lies out, the lower; among rows with the same known cells the sequence
    is that of ``score``. A row without known cells has 0.

    A cell outside its column stands in none of the M rows that are drawn. So each divides the probability by M + 1, as in a test
    by simulation, and a row is judged by that and its other cells.

    Complete rows cost as much as a score. Every other pattern of known cells in the table costs the score of some hundred to some
    thousand drawn rows more, ``calibration.draws`` at most.

    Args:
        model: the fitted model.
        table: rows of the columns that were fitted, or a path, of which a part at a time is in memory.
        calibration: what a fit keeps in ``training["calibration"]``; None: the ranks among the draws are the probabilities.
        show_progress: a bar on stderr where a person watches.

    Raises:
        EvidenceError: holes that a fixed order cannot marginalise.
    """
    calibration = calibration or Calibration(default_draws(model))
    found = [_log_p(part.rows, calibration) for part in parts(model, table, ranges=False, show_progress=show_progress)]
    return np.concatenate([np.empty(0), *found])


def _log_p(rows: Batch, calibration: Calibration) -> np.ndarray:
    """As ``row_log_p``, of rows that are encoded."""
    log_odds, scores = np.full(len(rows), np.inf), nats(rows)
    groups = [(reference, own) for reference, own in references(rows) if reference.known.any()]
    draws = Draws(rows, calibration.draws)
    with progress_bar("ranking", len(groups), show=rows.show_progress) as advance:
        for reference, own in groups:
            whole = calibration.complete if reference.known.all() else None
            ranks = (whole or draws.curve(reference))(scores[own])
            log_odds[own] = calibration(ranks, _hidden(rows.model.schema, reference.known))
            advance(1)
    log_p = -np.logaddexp(0.0, -log_odds) - rows.codes.outside.sum(1) * np.log1p(calibration.draws)
    return np.maximum(log_p, -np.finfo(np.float64).max)


def learned(
    model: Model,
    codes: Codes,
    *,
    min_count: int,
    weight: np.ndarray | None = None,
    scores: int | None = None,
) -> Calibration | None:
    """The calibration by rows that training did not see, or None where ``scores`` are too few for one.

    Rows are asked as they are, and with a third and two thirds of their cells hidden at random, by patterns that rows share. A
    network of one order is asked with the last columns of its order hidden, an ensemble of several orders as rows are.

    Args:
        model: the fitted model.
        codes: rows held out, with or without holes.
        min_count: of how many rows a knot is the mean, at least; never fewer than 5.
        weight: how much each row counts, (N,) above zero; default all the same.
        scores: about how many rows may be scored, drawn ones among them; default 5,000, fewer of more than 15 columns.
    """
    width = len(model.schema.columns)
    budget = scores or max(LEAST_SCORES, DEFAULT_SCORES * SOME_COLUMNS // max(width, SOME_COLUMNS))
    plan = _planned(model, len(codes), budget)
    if plan is None:
        return None
    shares, times, number, rows = plan
    draws, generator = Draws(Batch.of(model, codes), number), generator_from(SEED)
    some = torch.randperm(len(codes), generator=generator).numpy()[:rows]
    codes = codes.take(some)
    counts = np.ones(rows) if weight is None else np.asarray(weight, dtype=np.float64)[some] / np.max(weight)
    found = Calibration(max(number, default_draws(model)), complete=draws.curve(_complete(model.schema)))
    curves: dict[float, Curve] = {}
    for share in shares:
        log_odds, asked, hidden = _held_out(
            model, codes, draws, found.complete, share, times if share else 1, budget // len(shares), generator
        )
        curve = calibration_curve(log_odds, asked, counts, max(min_count, FEWEST_ROWS))
        if curve is not None:
            curves[hidden] = curve
    return replace(found, hidden=tuple(sorted(curves)), curves=tuple(curves[share] for share in sorted(curves)))


def calibration_curve(log_odds: np.ndarray, asked: np.ndarray, weight: np.ndarray, rows: int) -> Curve | None:
    """From the log-odds of a rank to those of the share of rows held out that have no higher one; None of too few rows.

    Knots are means over rows next to each other, from the lowest on; there are about 16. Farther out than the lowest knot the
    log-odds fall in proportion to the rank's, as fast as they do above it, but no faster than the rank's.

    The curve is drawn towards the identity by the share 2 / z², z its largest deviation at a knot in standard errors: by as
    much as chance explains (after James & Stein, "Estimation with quadratic loss", 1961). So few rows do not spoil right ranks.

    Args:
        log_odds: of ranks (n,).
        asked: which rows have them, int (n,); a row may have several.
        weight: of the rows.
        rows: so many different ones, at least, are in the mean that is a knot.
    """
    if not len(asked):
        return None
    least = rows * int(np.bincount(asked).max())  # a row may be there several times
    order = np.argsort(log_odds, kind="stable")
    x, upto = log_odds[order].clip(-FARTHEST, FARTHEST).round(6), np.cumsum(weight[asked[order]])
    last = np.searchsorted(x, x, side="right") - 1  # of the ranks that are equal
    share = (upto[last] / (upto[-1] + weight[asked].mean())).clip(LEAST_SHARE, 1 - LEAST_SHARE)
    y = np.log(share) - np.log1p(-share)
    ends, size, start = [], least, 0
    while start < len(x):
        end = int(last[min(start + size, len(x)) - 1]) + 1
        end = len(x) if len(x) - end < least else end
        ends.append(end)
        size, start = max(least, min(size * 3 // 2, len(x) // MOST_KNOTS)), end
    at, to, parts = _knots_apart(x, y, ends)
    if parts < 2:
        return None
    inner = min(int((to < INNER).sum()), len(to) - 1)
    below = float(np.clip((to[inner] - to[0] + PRIOR) / (at[inner] - at[0] + PRIOR), *SLOPES))
    errors = 1 / (len(np.unique(asked)) * np.exp(to) / (1 + np.exp(to)) ** 2)  # squared, of the log-odds of shares
    kept = max(0.0, 1 - CHANCE / float(((to - at) ** 2 / errors).max()))
    to, below = at + kept * (to - at), 1 + kept * (below - 1)
    return Curve(tuple(at.round(DIGITS).tolist()), tuple(to.round(DIGITS).tolist()), below, 1.0)


def _knots_apart(x: np.ndarray, y: np.ndarray, ends: list[int]) -> tuple[np.ndarray, np.ndarray, int]:
    """The means (K,) of ranks and of shares between the ends, and K; parts whose means nearly agree become one part."""
    while True:
        bins = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
        at, to = (np.array([each[part].mean() for part in bins]) for each in (x, y))
        near = np.flatnonzero((np.diff(at) < LEAST_APART) | (np.diff(to) < LEAST_APART))
        if not len(near):
            return at, to, len(bins)
        del ends[int(near[0])]


def default_draws(model: Model) -> int:
    """How many rows are drawn where no calibration says it."""
    return int(np.clip(DRAWN_CELLS // len(model.schema.columns), DRAWS[0], DEFAULT_DRAWS))


def _planned(model: Model, rows: int, scores: int) -> tuple[tuple[float, ...], int, int, int] | None:
    """Which shares of cells are hidden, by how many patterns each, how many rows are drawn, and how many of those held out are
    asked; None where the scores are too few."""
    one_order = not model.takes_any_evidence and _order(model) is not None
    plans = [(SHARES_HIDDEN, TIMES)] if model.takes_any_evidence else []
    plans += [(SHARES_HIDDEN, 1)] if one_order or plans else []
    for shares, times in [*plans, (SHARES_HIDDEN[:1], 1)]:
        patterns = 1 + (len(shares) - 1) * times  # of a table without holes
        asked = min(rows, scores // (2 * patterns))
        drawn = min((scores - patterns * asked) // (patterns + 1), DRAWS[1], DRAWN_CELLS // len(model.schema.columns))
        if drawn >= DRAWS[0]:
            return shares, times, drawn, asked
    return None


def _held_out(
    model: Model,
    codes: Codes,
    draws: Draws,
    complete: Curve | None,
    share: float,
    times: int,
    budget: int,
    generator: torch.Generator,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Log-odds of the ranks (n,) of rows with this share of their cells hidden, the rows' numbers, and the share in the mean.

    Every pattern serves all rows in which its cells are known, those with the most known cells first; patterns are drawn until
    each row was asked so many times, or as many scores are spent as the budget has.
    """
    flags, order = is_flag(model.schema), None if model.takes_any_evidence else _order(model)
    own = np.flatnonzero(~flags)
    to_hide = min(max(1, round(share * len(own))), len(own) - 1) if share else 0
    done, spent, found = np.zeros(len(codes), dtype=int), 0, []
    for row in np.argsort(-codes.observed.sum(1), kind="stable").tolist():
        while done[row] < times and spent < budget and not (share and to_hide == 0):
            known = codes.observed[row].copy()
            more = to_hide - int((~known[own]).sum())
            if more > 0 and order is not None:
                known[order[len(order) - to_hide :]] = False
            elif more > 0:
                there = own[known[own]]
                known[there[torch.randperm(len(there), generator=generator)[:more].numpy()]] = False
            if not known.any():
                break
            told = codes.observed[row] & flags
            same = codes.observed[:, known].all(1) & (codes.values[:, told] == codes.values[row, told]).all(1)
            rows = np.flatnonzero(same & (done < times))
            reference = Reference(known, np.zeros_like(known), np.where(told, codes.values[row], 0.0), told)
            curve = complete if known.all() and complete else draws.curve(reference)
            part = Codes(codes.values[rows], np.broadcast_to(known, (len(rows), len(known))).copy())
            found.append((curve(draws.scores(part)), rows, _hidden(model.schema, known)))
            spent += len(rows) + draws.number_for(reference)
            done[rows] += (
                1 if more > 0 and order is None else times
            )  # what cannot be hidden otherwise is not asked again
    if not found:
        return np.empty(0), np.empty(0, dtype=int), share
    log_odds, rows, hidden = zip(*found, strict=True)
    mean = np.average(hidden, weights=[len(each) for each in rows])
    return np.concatenate(log_odds), np.concatenate(rows), round(float(mean), DIGITS)


def _order(model: Model) -> np.ndarray | None:
    """The one order of the network; None of an ensemble of several."""
    try:
        return model.network.order.cpu().numpy()
    except EvidenceError:
        return None


def _complete(schema: Schema) -> Reference:
    """That of rows without holes."""
    flags = is_flag(schema)
    return Reference(np.ones_like(flags), np.zeros_like(flags), there(schema), flags)


def _hidden(schema: Schema, known: np.ndarray) -> float:
    """The share of a row's cells that are not known."""
    return float((~known[~is_flag(schema)]).mean())

"""The probability of a row, which says how rare it is among rows with the same known cells.

It is calibrated on held-out rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from chainrule.errors import EvidenceError, FormatError
from chainrule.missing import complete_codes, is_flag
from chainrule.model import Model
from chainrule.progress import progress_bar
from chainrule.rng import generator_from
from chainrule.table import Codes, Schema
from chainrule.tasks.answer import Batch, chunks
from chainrule.tasks.curves import Curve
from chainrule.tasks.oddness import Usual
from chainrule.tasks.ranks import (
    LIKELIHOOD,
    ODDNESS,
    Draws,
    Ranking,
    Reference,
    measured,
    references,
)

SEED = 1  # for the choice of hidden cells
DRAWS = 150, 8000  # least and largest number of drawn rows
DRAWN_CELLS = 500_000  # largest number of drawn cells
DEFAULT_DRAWS = 1000
# Number of scored rows: the default up to SOME_COLUMNS columns (fewer with more columns), and the
# least.
DEFAULT_SCORES, LEAST_SCORES, SOME_COLUMNS = 5_000, 1_200, 15
SHARES_HIDDEN = 0.0, 1 / 3, 2 / 3  # shares of cells that are hidden in held-out rows
TIMES = 2  # patterns of hidden cells per row and share
FEWEST_ROWS = 5  # rows per knot, even if min_count is smaller
MOST_KNOTS = 16  # approximate
LEAST_SHARE = 1e-6  # least share of the weight, for rows of tiny weight
FARTHEST = 12.0  # log-odds to which ranks are clipped in a mean over rows
SLOPES = 0.2, 1.0  # bounds of the lower tail's slope
CHANCE = 2.0  # squared standard errors by which a curve may deviate from the identity by chance
INNER = -1.0  # the tail's slope is measured from the lowest knot to this log-odds
CAUTION = 25.0  # held-out rows at which p-values below all of theirs count for half
DIGITS = 3  # digits of a knot after the point
LEAST_APART = 2 * 10.0**-DIGITS  # distance of knots, so that they increase after rounding
PRIOR = 1.0  # weight of a slope of 1 for the tail, in log-odds


@dataclass(frozen=True)
class Calibration:
    """The map from what is measured of a row to the probability of a row as odd or odder.

    That probability is among rows with the same known cells. A row is ranked among rows drawn from
    the model. Held-out rows turn the rank into a probability, because an overfitted
    model gives new rows ranks that are too low. The correction depends on the number of known
    cells. There is therefore a curve for each of a few shares of hidden cells, and they are
    interpolated. Every knot is a mean over at least ``min_count`` rows, and no row belongs to two
    knots of a curve.

    Attributes:
        draws: how many rows are drawn for the ranks.
        complete: the ranking of complete rows among them; None makes it when needed.
        hidden: shares of hidden cells, increasing.
        curves: for each share, a curve from the log-odds of the rank to those of the probability.
            Without curves they are equal.
        by: what rows are ranked by, "likelihood" or "oddness".
        rows: how many held-out rows the curves are from.
    """

    draws: int
    complete: Ranking | None = None
    hidden: tuple[float, ...] = ()
    curves: tuple[Curve, ...] = ()
    by: str = LIKELIHOOD
    rows: int = 0

    def __post_init__(self) -> None:
        if not 2 <= self.draws <= DRAWS[1]:
            raise FormatError(f"a calibration by {self.draws} draws; 2 to {DRAWS[1]} are possible")
        if len(self.hidden) != len(self.curves) or not (np.diff(self.hidden) > 0).all():
            raise FormatError(
                "a calibration has a curve for each share of hidden cells, and these increase"
            )
        if self.by not in (LIKELIHOOD, ODDNESS):
            raise FormatError(f"a calibration by {self.by!r}, which is not known here")
        if self.complete is not None and (self.complete.usual is None) == (self.by == ODDNESS):
            raise FormatError("a calibration by oddness says what is usual, and no other does")

    def __call__(self, log_odds: np.ndarray, hidden: float) -> np.ndarray:
        """Maps log-odds of ranks to log-odds of probabilities, for a share of hidden cells."""
        if not self.curves:
            return log_odds
        place = float(np.interp(hidden, self.hidden, np.arange(len(self.hidden))))
        low = min(int(place), max(len(self.curves) - 2, 0))
        if place == low:
            return self.curves[low](log_odds)
        upper = place - low
        return (1 - upper) * self.curves[low](log_odds) + upper * self.curves[low + 1](log_odds)

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        complete, usual = self.complete, None if self.complete is None else self.complete.usual
        return {
            "by": self.by,
            "rows": self.rows,
            "draws": self.draws,
            "complete": None if complete is None else complete.curve.to_json(),
            "usual": None if usual is None else usual.to_json(),
            "hidden": list(self.hidden),
            "curves": [curve.to_json() for curve in self.curves],
        }

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> Calibration:
        """Returns the calibration that ``to_json`` described.

        Files of older versions rank by likelihood and do not say so.

        Raises:
            FormatError: the description is not a calibration.
        """
        try:
            usual = None if spec.get("usual") is None else Usual.from_json(spec["usual"])
            complete = None if spec["complete"] is None else Curve.from_json(spec["complete"])
            return cls(
                int(spec["draws"]),
                None if complete is None else Ranking(complete, usual),
                tuple(float(share) for share in spec["hidden"]),
                tuple(Curve.from_json(each) for each in spec["curves"]),
                str(spec.get("by", LIKELIHOOD)),
                int(spec.get("rows", 0)),
            )
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise FormatError(f"not a calibration: {error}") from error


def row_log_p(
    model: Model, table: Any, calibration: Calibration | None = None, *, progress: bool = True
) -> np.ndarray:
    """Returns the log-probability of a row as odd or odder, among rows with the same known cells:
    (N,) float64, at most 0.

    Ordinary rows have uniform probabilities, so that one in a hundred is below 0.01. This holds for
    any pattern of missing cells, if cells are missing independently of their values. Odder rows
    have lower probabilities. A row is odd by ``oddness``, which depends neither on units nor on
    whether values repeat. A network of one order cannot be asked that, and ranks by ``score``; so
    do models of earlier versions. A row without known cells has 0.

    With n held-out rows, p-values below 1/(n + 1) follow the tail of the drawn rows; ``cautious``
    raises them.

    The M drawn rows contain no value that its column cannot hold. Each such cell therefore divides
    the probability by M + 1, as in a test by simulation. The row's other cells are ranked as usual.

    Complete rows cost a few scores. Every other pattern of known cells costs as much as up to
    ``calibration.draws`` rows more, some hundred to some thousand.

    Args:
        model: the fitted model.
        table: rows of the columns that were fitted, or a path, which is read in chunks.
        calibration: what a fit keeps in ``training["calibration"]``. With None the ranks among the
            draws are the probabilities.
        progress: whether a progress bar is shown on stderr.

    Raises:
        EvidenceError: missing cells that a network of one order cannot marginalise.
    """
    calibration = calibration or default_calibration(model)
    asked = chunks(model, table, ranges=False, progress=progress)
    return np.concatenate([np.empty(0), *(log_p_of(chunk.rows, calibration) for chunk in asked)])


def log_p_of(rows: Batch, calibration: Calibration) -> np.ndarray:
    """Returns what ``row_log_p`` returns, for encoded rows."""
    log_odds, found = np.full(len(rows), np.inf), measured(rows, calibration.by)
    groups = [
        (reference, members) for reference, members in references(rows) if reference.observed.any()
    ]
    draws = Draws(rows, calibration.draws, calibration.by)
    with progress_bar("ranking", len(groups), progress=rows.progress) as advance:
        for reference, members in groups:
            ranking = calibration.complete if reference.observed.all() else None
            ranks = (ranking or draws.ranking(reference))(found[members])
            log_odds[members] = calibration(ranks, _hidden(rows.model.schema, reference.observed))
            advance(1)
    log_p = -np.logaddexp(0.0, -log_odds) - rows.codes.outside.sum(1) * np.log1p(calibration.draws)
    return np.maximum(log_p, -np.finfo(np.float64).max)


def cautious(log_p: np.ndarray, rows: int) -> np.ndarray:
    """Returns the logs of p-values (n,), with those below 1/(rows + 1) raised towards it.

    So many held-out rows show no smaller p-value; smaller ones follow the tail of drawn rows. Rows
    that a model draws are more ordinary than new rows if it learned from few. The deviation of log
    p is therefore multiplied by rows / (rows + 25). Small tables then call one in a hundred
    ordinary rows odd, as they should, and large ones lose little.

    Args:
        log_p: logs of p-values, at most 0.
        rows: how many held-out rows calibrated them; with 0, nothing changes.
    """
    if not rows:
        return log_p
    least = -np.log1p(rows)
    return np.where(log_p < least, least + rows / (rows + CAUTION) * (log_p - least), log_p)


def fit_calibration(
    model: Model,
    codes: Codes,
    *,
    min_count: int,
    weight: np.ndarray | None = None,
    scores: int | None = None,
) -> Calibration | None:
    """Fits a calibration to rows that training did not see.

    Returns None if ``scores`` allows too few of them.

    Rows are scored as they are, and with a third and two thirds of their cells hidden at random.
    Patterns of hidden cells are shared between rows. For a network of one order, the last columns
    of the order are hidden. For an ensemble of several orders, no cells are.

    Args:
        model: the fitted model.
        codes: held-out rows, with or without missing cells.
        min_count: least number of rows whose mean is a knot; values below 5 count as 5.
        weight: weights of the rows, (N,) above zero; default all equal.
        scores: about how many rows may be scored, drawn ones included; default 5,000, fewer with
            more than 15 columns.
    """
    width = len(model.schema.columns)
    budget = scores or max(LEAST_SCORES, DEFAULT_SCORES * SOME_COLUMNS // max(width, SOME_COLUMNS))
    plan = _planned(model, len(codes), budget)
    if plan is None:
        return None
    shares, times, number, rows = plan
    draws, generator = Draws(Batch.of(model, codes), number, best_by(model)), generator_from(SEED)
    some = torch.randperm(len(codes), generator=generator).numpy()[:rows]
    codes = codes.take(some)
    weights = np.ones(rows)
    if weight is not None:
        weights = np.asarray(weight, dtype=np.float64)[some] / np.max(weight)
    found = Calibration(
        max(number, default_draws(model)),
        complete=draws.ranking(_complete(model.schema)),
        by=best_by(model),
        rows=rows,
    )
    curves: dict[float, Curve] = {}
    for share in shares:
        log_odds, asked, hidden = _held_out(
            model, codes, draws, found.complete, share, times if share else 1,
            budget // len(shares), generator,
        )  # fmt: skip
        curve = calibration_curve(log_odds, asked, weights, max(min_count, FEWEST_ROWS))
        if curve is not None:
            curves[hidden] = curve
    hidden_shares = tuple(sorted(curves))
    return replace(
        found, hidden=hidden_shares, curves=tuple(map(curves.__getitem__, hidden_shares))
    )


def calibration_curve(
    log_odds: np.ndarray, asked: np.ndarray, weight: np.ndarray, rows: int
) -> Curve | None:
    """Returns the curve from the log-odds of a rank to those of its calibrated probability.

    Returns None for too few rows.

    The probability is the share of held-out rows whose rank is at most as high. Knots are means
    over about 16 groups of neighbouring rows, from the lowest on. Below the lowest knot the curve
    is a line. Its slope is that above the knot, but at most 1.

    The curve is shrunk towards the identity by the share 2 / z², where z is its largest deviation
    at a knot in standard errors. That is as much as chance explains (after James & Stein,
    "Estimation with quadratic loss", 1961). So few rows do not spoil correct ranks.

    Args:
        log_odds: log-odds of ranks (n,).
        asked: the rows they belong to, int (n,); a row may occur several times.
        weight: weights of the rows.
        rows: least number of different rows whose mean is a knot.
    """
    if not len(asked):
        return None
    least = rows * int(np.bincount(asked).max())  # a row may occur several times
    order = np.argsort(log_odds, kind="stable")
    x, upto = log_odds[order].clip(-FARTHEST, FARTHEST).round(6), np.cumsum(weight[asked[order]])
    last = np.searchsorted(x, x, side="right") - 1  # index of the last of equal ranks
    share = (upto[last] / (upto[-1] + weight[asked].mean())).clip(LEAST_SHARE, 1 - LEAST_SHARE)
    y = np.log(share) - np.log1p(-share)
    ends, size, start = [], least, 0
    while start < len(x):
        end = int(last[min(start + size, len(x)) - 1]) + 1
        end = len(x) if len(x) - end < least else end
        ends.append(end)
        size, start = max(least, min(size * 3 // 2, len(x) // MOST_KNOTS)), end
    at, to = _knots_apart(x, y, ends)
    if len(at) < 2:
        return None
    inner = min(int((to < INNER).sum()), len(to) - 1)
    below = float(np.clip((to[inner] - to[0] + PRIOR) / (at[inner] - at[0] + PRIOR), *SLOPES))
    # Squared standard errors of the log-odds of shares.
    errors = 1 / (len(np.unique(asked)) * np.exp(to) / (1 + np.exp(to)) ** 2)
    kept = max(0.0, 1 - CHANCE / float(((to - at) ** 2 / errors).max()))
    to, below = at + kept * (to - at), 1 + kept * (below - 1)
    return Curve(tuple(at.round(DIGITS).tolist()), tuple(to.round(DIGITS).tolist()), below, 1.0)


def _knots_apart(x: np.ndarray, y: np.ndarray, ends: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the means (K,) of ranks and of shares between the ends.

    Groups whose means nearly agree are joined.
    """
    while True:
        bins = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
        at, to = (np.array([each[rows].mean() for rows in bins]) for each in (x, y))
        near = np.flatnonzero((np.diff(at) < LEAST_APART) | (np.diff(to) < LEAST_APART))
        if not len(near):
            return at, to
        del ends[int(near[0])]


def best_by(model: Model) -> str:
    """Returns what rows are ranked by: oddness, if the network answers what that asks."""
    return ODDNESS if model.any_evidence else LIKELIHOOD


def default_calibration(model: Model) -> Calibration:
    """Returns a calibration without held-out rows: ranks are the probabilities."""
    return Calibration(default_draws(model), by=best_by(model))


def default_draws(model: Model) -> int:
    """Returns how many rows are drawn without a calibration."""
    return int(np.clip(DRAWN_CELLS // len(model.schema.columns), DRAWS[0], DEFAULT_DRAWS))


def _planned(
    model: Model, rows: int, scores: int
) -> tuple[tuple[float, ...], int, int, int] | None:
    """Returns shares of hidden cells, patterns per share, and the numbers of drawn and of held-out
    rows.

    Returns None if ``scores`` is too small.
    """
    one_order = not model.any_evidence and _order(model) is not None
    plans = [(SHARES_HIDDEN, TIMES)] if model.any_evidence else []
    plans += [(SHARES_HIDDEN, 1)] if one_order or plans else []
    for shares, times in [*plans, (SHARES_HIDDEN[:1], 1)]:
        patterns = 1 + (len(shares) - 1) * times  # for a table without missing cells
        asked = min(rows, scores // (2 * patterns))
        drawn = min(
            (scores - patterns * asked) // (patterns + 1),
            DRAWS[1],
            DRAWN_CELLS // len(model.schema.columns),
        )
        if drawn >= DRAWS[0]:
            return shares, times, drawn, asked
    return None


def _held_out(
    model: Model,
    codes: Codes,
    draws: Draws,
    complete: Ranking | None,
    share: float,
    times: int,
    budget: int,
    generator: torch.Generator,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Returns log-odds of ranks (n,) with a share of cells hidden, the rows' indices, and the mean
    share.

    Every pattern serves all rows in which its cells are known; rows with the most known cells come
    first. Patterns are drawn until each row was scored ``times`` times, or until the budget of
    scores is spent.
    """
    flags, order = is_flag(model.schema), None if model.any_evidence else _order(model)
    no_flags = np.flatnonzero(~flags)
    to_hide = min(max(1, round(share * len(no_flags))), len(no_flags) - 1) if share else 0
    done, spent, found = np.zeros(len(codes), dtype=int), 0, []
    for row in np.argsort(-codes.observed.sum(1), kind="stable").tolist():
        while done[row] < times and spent < budget and not (share and to_hide == 0):
            observed = codes.observed[row].copy()
            more = to_hide - int((~observed[no_flags]).sum())
            if more > 0 and order is not None:
                observed[order[len(order) - to_hide :]] = False
            elif more > 0:
                may_hide = no_flags[observed[no_flags]]
                chosen = torch.randperm(len(may_hide), generator=generator)[:more].numpy()
                observed[may_hide[chosen]] = False
            if not observed.any():
                break
            given = codes.observed[row] & flags
            same_flags = (codes.values[:, given] == codes.values[row, given]).all(1)
            rows = np.flatnonzero(codes.observed[:, observed].all(1) & same_flags & (done < times))
            values = np.where(given, codes.values[row], 0.0)
            reference = Reference(observed, np.zeros_like(observed), values, given)
            ranking = complete if observed.all() and complete else draws.ranking(reference)
            asked = Codes(
                codes.values[rows], np.broadcast_to(observed, (len(rows), len(observed))).copy()
            )
            log_odds = ranking(draws.measured(asked))
            found.append((log_odds, rows, _hidden(model.schema, observed)))
            spent += len(rows) + draws.number_for(reference)
            # Rows whose hidden cells are not random are scored once.
            done[rows] += 1 if more > 0 and order is None else times
    if not found:
        return np.empty(0), np.empty(0, dtype=int), share
    each, rows, hidden = zip(*found, strict=True)
    mean = np.average(hidden, weights=[len(some) for some in rows])
    return np.concatenate(each), np.concatenate(rows), round(float(mean), DIGITS)


def _order(model: Model) -> np.ndarray | None:
    """Returns the one order of the network; None for an ensemble of several orders."""
    try:
        return model.network.order.cpu().numpy()
    except EvidenceError:
        return None


def _complete(schema: Schema) -> Reference:
    """Returns the reference of complete rows."""
    flags = is_flag(schema)
    return Reference(np.ones_like(flags), np.zeros_like(flags), complete_codes(schema), flags)


def _hidden(schema: Schema, observed: np.ndarray) -> float:
    """Returns the share of a row's cells that are not known."""
    return float((~observed[~is_flag(schema)]).mean())

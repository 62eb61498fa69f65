"""The comparison itself: every family is trained, scored on the same test rows, timed, drawn from,
completed and probed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from chainrule.errors import ChainruleError, EvidenceError
from chainrule.networks import AbstractNetwork
from chainrule.networks.trainable import AbstractTrainable
from chainrule.report.comparison.abstraction import Probe, most_frequent, pixels, probed
from chainrule.report.comparison.claims import Claims, mean_correlation
from chainrule.report.comparison.data import Data
from chainrule.report.comparison.effort import Effort
from chainrule.report.comparison.families import FAMILIES, generator_of
from chainrule.report.comparison.families.base import AbstractFamily
from chainrule.report.comparison.likelihood import Likelihood, likelihood_of
from chainrule.report.comparison.names import require_family
from chainrule.rng import generator_from

TIMED = 1000  # rows that are scored and drawn to measure the time
SHOWN, COMPLETED, TIMES = 40, 6, 4  # samples; half images that are completed; completions of each


@dataclass(frozen=True)
class Entry:
    """The results of one family on one table.

    Attributes:
        family: the family.
        network: the trained network.
        how: how it was trained.
        likelihood: the likelihood of the test rows.
        parameters: number of learned parameters.
        train_s, score_s, draw_s: seconds to train, to score 1000 rows and to draw 1000.
        once_s: seconds that scoring takes once, for any number of rows: an RBM's partition
            function.
        drawn: drawn rows (n, D).
        completed: completions (lines, times, D) of test rows whose first half is known, or None.
        complete_s: seconds they took.
        half_nats: mean log p of the second half of the test rows given the first, if it is exact;
            else None.
        refused: why there are no completions.
        probes: the results of the classifier on its representations.
        claims: the lecture's statements about it, measured.
    """

    family: AbstractFamily[Any]
    network: AbstractTrainable
    how: str
    likelihood: Likelihood
    parameters: int
    train_s: float
    score_s: float
    draw_s: float
    once_s: float
    drawn: torch.Tensor
    completed: torch.Tensor | None
    complete_s: float
    half_nats: float | None
    refused: str
    claims: Claims
    probes: list[Probe] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Returns the numbers, with the likelihood's mark, as a JSON object."""
        return {
            "family": self.family.name,
            "title": self.family.title,
            "log_likelihood": self.likelihood.to_json(),
            "parameters": self.parameters,
            "seconds": {
                "train": self.train_s,
                "score_1000_rows": self.score_s,
                "score_once": self.once_s,
                "draw_1000_rows": self.draw_s,
            },
            "trained_by": self.how,
            "completes_half_a_row": self.completed is not None,
            "second_half_given_first_nats": self.half_nats,
            "measured": self.claims.to_json(),
            "representations": [probe.to_json() for probe in self.probes],
        }


@dataclass(frozen=True)
class FamilyReport:
    """All families on one table.

    Attributes:
        data: the rows.
        effort: how much each family was given.
        seed: seed of all draws.
        entries: the results, in the order of ``FAMILIES``.
        refused: families that do not suit this table, by name, with the reason.
        pixels: the result of the classifier on the columns themselves; None without labels.
        dependence: mean |correlation| between columns of the training rows.
        majority: accuracy of always predicting the most frequent label of the training rows; None
            without labels.
    """

    data: Data
    effort: Effort
    seed: int
    entries: list[Entry]
    refused: dict[str, str]
    pixels: Probe | None
    dependence: float
    majority: float | None = None

    @property
    def best_exact(self) -> Entry | None:
        """The family with the highest exact likelihood, with which others are compared."""
        exact = [entry for entry in self.entries if entry.likelihood.kind == "exact"]
        return max(exact, key=lambda entry: entry.likelihood.nats, default=None)

    @property
    def probes(self) -> list[Probe]:
        """The results of the classifier on every family's representations."""
        return [probe for entry in self.entries for probe in entry.probes]

    def _less(self, entry: Entry) -> dict[str, Any] | None:
        best = self.best_exact
        if best is None:
            return None
        nats, error = entry.likelihood.less(best.likelihood)
        return {
            "than": best.family.name,
            "mark": entry.likelihood.mark,
            "nats_per_row": nats,
            "standard_error": error,
        }

    def to_json(self) -> dict[str, Any]:
        """Returns everything but rows and networks, as a JSON object."""
        return {
            "data": self.data.name,
            "rows": {
                "train": len(self.data.train),
                "valid": len(self.data.valid),
                "test": len(self.data.test),
            },
            "columns": len(self.data.columns),
            "rows_left_out": self.data.left_out,
            "columns_left_out": dict(self.data.unmodelled),
            "rows_without_label": self.data.unlabelled,
            "effort": vars(self.effort),
            "seed": self.seed,
            "threads": torch.get_num_threads(),
            "mean_absolute_correlation": self.dependence,
            "families": [
                entry.to_json() | {"less_the_best_exact": self._less(entry)}
                for entry in self.entries
            ],
            "not_for_this_table": self.refused,
            "raw_columns": None if self.pixels is None else self.pixels.to_json(),
            "most_frequent_label": self.majority,
        }


def compare(
    data: Data,
    names: Sequence[str] | None,
    effort: Effort,
    *,
    seed: int = 0,
    progress: bool = True,
) -> FamilyReport:
    """Trains and measures families on a table; no choice depends on the test rows.

    Args:
        data: the rows.
        names: names of families; None takes all that suit this table.
        effort: how much each is given.
        seed: seed of all draws.
        progress: whether progress bars are shown on stderr.

    Raises:
        ChainruleError: there is no such family, or it does not suit this table.
    """
    chosen, refused = families_for(data, names)
    entries = [_entry(family, data, effort, seed, progress) for family in chosen]
    of_columns, majority = None, None
    if data.labels is not None:
        what = "the columns themselves"
        of_columns = probed(what, pixels(data), data, seed=seed, progress=progress)
        majority = most_frequent(data)
    dependence = mean_correlation(data.train.x[:TIMED], data.columns)  # of as many as are drawn
    return FamilyReport(data, effort, seed, entries, refused, of_columns, dependence, majority)


def families_for(
    data: Data, names: Sequence[str] | None
) -> tuple[list[AbstractFamily[Any]], dict[str, str]]:
    """Returns the families to compare, and the reasons why others do not suit this table.

    It raises the same errors as ``compare``.
    """
    for name in names or ():
        require_family(name, list(FAMILIES))
        if (why := FAMILIES[name].refuses(data.columns)) is not None:
            raise ChainruleError(f"family {name!r} {why}; leave it out of --families")
    chosen = [family for name, family in FAMILIES.items() if names is None or name in names]
    refused = {
        family.name: why for family in chosen if (why := family.refuses(data.columns)) is not None
    }
    return [family for family in chosen if family.name not in refused], refused


def _entry(
    family: AbstractFamily[Any], data: Data, effort: Effort, seed: int, progress: bool
) -> Entry:
    generator = generator_of(seed, family.name)
    if family.compiles:  # compiles before training is timed
        few = replace(data, train=data.train.take(slice(0, 2)), valid=data.valid.take(slice(0, 1)))
        brief = replace(effort, epochs=1)
        family.fit(few, brief, generator=generator_from(0), progress=False)
    began = time.perf_counter()
    fitted = family.fit(data, effort, generator=generator, progress=progress)
    net = fitted.network
    train_s = time.perf_counter() - began
    began = time.perf_counter()
    ask = family.ask(net, effort, generator=generator, progress=progress)
    once_s = time.perf_counter() - began if family.has_partition_function else 0.0
    few = data.test.x[torch.arange(TIMED) % len(data.test)]
    with torch.no_grad():
        ask(few[:10])  # compiles or caches before scoring is timed
        began = time.perf_counter()
        for batch in few.split(200):
            ask(batch)
        score_s = time.perf_counter() - began
        draw(net, 2, generator)
        began = time.perf_counter()
        drawn = draw(net, TIMED, generator)
        draw_s = time.perf_counter() - began
    likelihood = likelihood_of(ask, data.test, family.title, progress=progress)
    began = time.perf_counter()
    completed, why = completions(net, data, generator_from(seed))
    complete_s = time.perf_counter() - began
    half = half_nats(net, data) if completed is not None else None
    claims = family.measure(net, data, drawn, generator)
    parameters = net.count_parameters()
    probes = []
    if data.labels is not None:
        for what, represent in family.represent(net).items():
            what = f"{family.title}: {what}"
            probes.append(probed(what, represent, data, seed=seed, progress=progress))
    return Entry(
        family=family,
        network=net,
        how=fitted.how,
        likelihood=likelihood,
        parameters=parameters,
        train_s=train_s,
        score_s=score_s,
        draw_s=draw_s,
        once_s=once_s,
        drawn=drawn[:SHOWN],
        completed=completed,
        complete_s=complete_s,
        half_nats=half,
        refused=why,
        claims=claims,
        probes=probes,
    )


def draw(net: AbstractTrainable, n: int, generator: torch.Generator) -> torch.Tensor:
    """Draws n rows from any family."""
    return net.sample(n, generator=generator)  # type: ignore[operator]


def first_half(data: Data) -> torch.Tensor:
    """Returns the mask (D,) of the cells that are given to a completion: the upper half of an
    image, or the first half of a row.
    """
    known = torch.zeros(len(data.columns), dtype=torch.bool)
    height, width = data.image_shape or (len(data.columns), 1)
    known[: height // 2 * width] = True
    return known


def completions(
    net: AbstractTrainable, data: Data, generator: torch.Generator
) -> tuple[torch.Tensor | None, str]:
    """Completes the first half of test rows several times, (lines, times, D).

    Returns None and the reason if that is not possible.
    """
    known = first_half(data)
    rows = data.test.x[:: max(1, len(data.test) // COMPLETED)][:COMPLETED]
    try:
        values = rows.repeat_interleave(TIMES, dim=0)
        drawn = net.sample(len(values), given=(values, known[None]), generator=generator)  # type: ignore[operator]
    except EvidenceError as error:
        return None, str(error)
    return drawn.view(len(rows), TIMES, -1), ""


@torch.no_grad()
def half_nats(net: AbstractTrainable, data: Data) -> float | None:
    """Returns mean log p(second half | first half) of the test rows.

    Returns None if it is not exact, or if a column is continuous. Nats in the table's units are
    known of whole rows, not of the halves of continuous ones.
    """
    is_discrete = all(each.is_discrete for each in data.columns.conditionals)
    if not isinstance(net, AbstractNetwork) or not is_discrete:
        return None
    known, total = first_half(data), 0.0
    for x in data.test.x.split(200):
        total += float(net.log_prob(x, given=known).double().sum())
    return total / len(data.test)

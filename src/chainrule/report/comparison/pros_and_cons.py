"""The lecture's comparison of hidden-variable and autoregressive models: each sentence with the
number that checks it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chainrule.report.comparison.claims import CONDITIONED
from chainrule.report.comparison.run import COMPLETED, TIMED, TIMES, Entry, FamilyReport
from chainrule.report.lecture import full_table_numbers


@dataclass(frozen=True)
class Cell:
    """A statement of the table, and the section below that has the number."""

    text: str
    section: str
    good: bool | None = None  # for and against; None: neither


@dataclass(frozen=True)
class Line:
    """A question and its answer for each family."""

    question: str
    cells: list[Cell]


@dataclass(frozen=True)
class Sentence:
    """A claim of the lecture, what was measured, and the section that has the number."""

    claim: str
    measured: str
    section: str


@dataclass(frozen=True)
class ProsAndCons:
    """The table at the top: families and lines."""

    titles: list[str]
    lines: list[Line]


def pros_and_cons(comparison: FamilyReport) -> ProsAndCons:
    """Returns a column for each of the lecture's families that was trained, each cell with its
    number.
    """
    entries = [entry for entry in comparison.entries if entry.family.is_in_table]
    questions: list[tuple[str, Callable[[FamilyReport, Entry], Cell]]] = [
        ("What is assumed independent", _independence),
        ("How likely is this row", _density),
        ("What training minimises", _training),
        ("Drawing 1000 rows", _drawing),
        ("Completing half a row", _completing),
        ("A representation of the row", _representing),
    ]
    if comparison.data.labels is None:
        questions.pop()
    lines = [
        Line(question, [of(comparison, entry) for entry in entries]) for question, of in questions
    ]
    return ProsAndCons([entry.family.title for entry in entries], lines)


def _independence(comparison: FamilyReport, entry: Entry) -> Cell:
    claims = entry.claims
    if claims.hidden_variables is None:
        columns = len(comparison.data.columns)
        return Cell(
            f"nothing: the chain rule over {columns} columns in {entry.parameters:,} numbers",
            "measured",
            True,
        )
    left = (
        f"|correlation| {claims.dependence_given_hidden:.3f} is left of {comparison.dependence:.3f}"
    )
    return Cell(
        f"the columns given {claims.hidden_variables} hidden variables: {left}", "measured", None
    )


def _density(comparison: FamilyReport, entry: Entry) -> Cell:
    found = entry.likelihood
    words = {"exact": "exact", "estimate": "estimated", "bound": "bounded from below"}[found.kind]
    return Cell(f"{words}: {found.mark} {found.nats:.2f} nats", "likelihood", found.kind == "exact")


def _training(comparison: FamilyReport, entry: Entry) -> Cell:
    family, claims = entry.family, entry.claims
    took = f"{entry.train_s:,.0f} s" if entry.train_s >= 10 else f"{entry.train_s:.1f} s"
    what = family.objective(entry.network, claims, comparison.effort)
    section = "seconds" if claims.gap is None else "measured"
    return Cell(f"{what}, {took}", section, family.is_trained_on_likelihood)


def _drawing(comparison: FamilyReport, entry: Entry) -> Cell:
    claims = entry.claims
    good = None
    if claims.chain is not None:
        good = False
    elif claims.steps_to_draw == 1:
        good = True
    return Cell(f"{entry.family.drawing(claims)}: {entry.draw_s:.2g} s", "seconds", good)


def _completing(comparison: FamilyReport, entry: Entry) -> Cell:
    way = entry.family.completing(entry.network)
    if entry.completed is None:
        return Cell(f"{way}: 0 rows", "completions", False)
    if entry.half_nats is not None:
        return Cell(f"{way}: log p {entry.half_nats:.2f} nats", "completions", True)
    took = f"{COMPLETED * TIMES} in {entry.complete_s:.2g} s"
    good = None if entry.claims.chain is not None else True
    return Cell(f"{way}: {took}", "completions", good)


def _representing(comparison: FamilyReport, entry: Entry) -> Cell:
    best = max(entry.probes, key=lambda probe: probe.valid_accuracy)
    of_columns = comparison.pixels
    assert of_columns is not None
    designed = "made for it" if entry.claims.hidden_variables is not None else "not made for it"
    right = f"label predicted from {best.size:,} numbers, {100 * best.accuracy:.1f} % correct"
    text = f"{designed}: {right}; from the columns {100 * of_columns.accuracy:.1f} %"
    more, error = best.less(of_columns)
    return Cell(text, "abstraction", more > 0 if abs(more) > 2 * error else None)


def sentences(comparison: FamilyReport) -> list[Sentence]:
    """Returns the lecture's sentences that these families can check, in its order."""
    entries = comparison.entries
    latent = [entry for entry in entries if entry.claims.hidden_variables is not None]
    chained = [entry for entry in entries if entry.family.is_autoregressive]
    found = _of_latent(comparison, latent) if latent else []
    for entry in entries:
        if entry.claims.chain is not None:
            found += _of_markov_chains(entry)
        if entry.claims.gap is not None:
            found += _of_bounds(entry)
    return found + (_of_chains(comparison, chained, latent) if chained else [])


def _of_latent(comparison: FamilyReport, latent: list[Entry]) -> list[Sentence]:
    n = len(comparison.data.columns)
    given = "; ".join(
        f"{entry.family.title}: mean |correlation| between columns "
        f"{entry.claims.dependence_given_hidden:.3f} for rows drawn given one state of its hidden "
        f"variables, {entry.claims.dependence:.3f} for all drawn rows, {comparison.dependence:.3f} "
        "for the data"
        for entry in latent
    )
    return [
        Sentence(
            "Models with hidden variables assume that the visible ones are independent given "
            "these.",
            f"{given}; {0.8 / CONDITIONED**0.5:.3f} is what {CONDITIONED} independent rows show "
            "by chance",
            "measured",
        ),
        Sentence(
            "There are usually far fewer hidden variables than visible ones.",
            "; ".join(
                f"{entry.family.title}: {entry.claims.hidden_variables} for {n} columns"
                for entry in latent
            ),
            "measured",
        ),
    ]


def _of_markov_chains(rbm: Entry) -> list[Sentence]:
    chain = rbm.claims.chain or {}
    energies = ", ".join(f"{value:+.1f} after {steps}" for steps, value in chain.items())
    return [
        Sentence(
            "A Boltzmann machine needs costly sampling by Markov chains.",
            f"{rbm.claims.steps_to_draw} steps and {rbm.draw_s:.2g} s for {TIMED} rows; the "
            f"chain's mean −free energy minus that of the data: {energies} steps, nats",
            "measured",
        )
    ]


def _of_bounds(vae: Entry) -> list[Sentence]:
    return [
        Sentence(
            "A variational autoencoder is trained on a lower bound instead of the likelihood.",
            f"the bound it is trained on lies {vae.claims.gap:.2f} nats below the one of 500 "
            "draws, which is still a bound",
            "measured",
        )
    ]


def _of_chains(
    comparison: FamilyReport, chained: list[Entry], latent: list[Entry]
) -> list[Sentence]:
    n, of_columns = len(comparison.data.columns), comparison.pixels
    bits = comparison.data.columns.is_binary
    counts = "; ".join(f"{entry.family.title}: {entry.parameters:,}" for entry in chained)
    listed = [entry for entry in chained if entry.claims.exactness is not None]
    exact = "; ".join(
        f"{entry.family.title} is off by at most {entry.claims.exactness:.0e}" for entry in listed
    )
    exact = f"over all completions of the last columns the probabilities sum to one: {exact}"
    if not listed:
        exact = "no columns to list"
    if of_columns is None:
        abstract, section = "no labels here to judge by", "likelihood"
    else:
        probes = [probe for entry in (*latent, *chained) for probe in entry.probes]
        read = "; ".join(f"{probe.what}: {100 * probe.accuracy:.1f} %" for probe in probes)
        abstract = f"{read}; the columns themselves: {100 * of_columns.accuracy:.1f} %"
        section = "abstraction"
    drawn = "; ".join(
        f"{entry.family.title} {entry.draw_s:.2g} s for {TIMED} rows"
        for entry in (*chained, *latent)
    )
    return [
        Sentence(
            "Autoregressive models assume no independence; the chain rule as a table has "
            "exponentially many numbers.",
            f"{full_table_numbers(n)} numbers as a table of {n} bits; {counts}" if bits else counts,
            "likelihood",
        ),
        Sentence(
            "The probability of a row can be computed: it is the product of the outputs.",
            exact,
            "measured",
        ),
        Sentence(
            "Hidden vectors of an autoregressive model are not made for abstraction: the last, "
            "their mean, or all.",
            abstract,
            section,
        ),
        Sentence(
            "Drawing from an autoregressive model is slow, one column after the other.",
            f"{n} steps: {drawn}",
            "seconds",
        ),
    ]

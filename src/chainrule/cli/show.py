"""``chainrule show``: describes the content of a model file."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.checks import require_model
from chainrule.cli.shown import print_table
from chainrule.cli.tables import ModelArgument, print_json
from chainrule.errors import EvidenceError
from chainrule.headline import headline, is_exact

if TYPE_CHECKING:
    from chainrule.networks.columns import Columns
    from chainrule.table import Schema

NAME = "show"
EXAMPLES = """\b
Examples:
  chainrule show m.chainrule
  chainrule show m.chainrule --json
"""

MOST_COLUMNS = 30
ANSWERS = {
    "complete": "log-likelihood of complete rows; samples",
    "prefix": "log-likelihood of rows whose known cells come first in the order; samples given "
    "such cells",
    "any": "any evidence: log-likelihoods, samples and conditionals given any cells; known cells "
    "come first in the order",
}


def run(
    model: ModelArgument,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything but the arrays as JSON.")
    ] = False,
) -> None:
    """Describe a model file: columns, network, how it was trained and what it reached."""
    require_model(model)

    from chainrule.density import load

    density = load(model)
    network, schema, training = density.model.network, density.model.schema, density.training
    parameters = sum(p.numel() for p in network.parameters())
    try:
        order = network.order.tolist()
    except EvidenceError:  # an ensemble of several orders
        order = None
    if as_json:
        print_json(
            {
                **density.model.to_json(),
                "parameters": parameters,
                "order": order,
                "training": dict(training),
            }
        )
        return
    facts = [
        *_columns(schema, network.columns),
        ("network", f"{type(network).__name__}({network.extra_repr()})"),
    ]
    facts.append(("parameters", f"{parameters:,}"))
    facts.append(
        ("order", "several: each member has its own" if order is None else _order(schema, order))
    )
    answers = "any" if density.model.any_evidence else "complete" if order is None else "prefix"
    facts.append(("answers exactly", ANSWERS[answers]))
    facts += _training(training, len(schema.columns))
    print_table(("fact", "value"), facts, title=str(model), header=False)
    if by_column := training.get("columns"):
        _print_columns(schema, by_column)
    if training.get("history"):
        _print_curve(training)


def _columns(schema: Schema, columns: Columns) -> list[tuple[str, str]]:
    """Returns facts about the columns and their conditionals."""
    from chainrule.table import Binary

    kinds = Counter(column.kind for column in schema.columns)
    flipped = sum(column.is_flipped for column in schema.columns)
    facts = [
        (
            "columns",
            f"{', '.join(f'{n} {kind}' for kind, n in kinds.items())}: {_some(schema.names)}",
        )
    ]
    if schema.left_out:
        facts.append(("left out", _some([f"{out.name} ({out.reason})" for out in schema.left_out])))
    if kinds[Binary.kind]:
        facts.append(
            ("binary", f"code 0 is the more frequent value; that is 1 in {flipped} of the columns")
        )
    components = [
        count for conditional in columns.conditionals if (count := conditional.component_count)
    ]
    if components:
        with_atoms = sum(bool(column.atom_codes()) for column in schema.columns)
        facts.append(
            ("numbers", f"mixtures of {components[0]} components; {with_atoms} with atoms")
        )
    return facts


def _order(schema: Schema, order: list[int]) -> str:
    if order == list(range(len(order))):
        return "natural"
    return _some([schema.names[k] for k in order])


def _groups(groups: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Returns the fact that rows were held out by group, if they were."""
    if not groups:
        return []
    column = groups["column"]
    by = "a key of each row" if column is None else repr(column)
    return [("groups", f"{groups['number']:,} by {by}, none divided by the validation")]


def _training(training: Mapping[str, Any], width: int) -> list[tuple[str, str]]:
    """Returns facts about how a network was trained and what it reached, as far as the record has
    them.
    """
    reached = headline(training)
    needed = {"history", "train_rows", "valid_rows", "skipped_steps", "seed"}
    if reached is None or not training.keys() >= needed:
        return []
    exact, alone = is_exact(training), _nats(training["independent_valid_nats"], width)
    rows = f"{training['valid_rows']:,} rows"
    facts = [
        ("training", f"{training['train_rows']:,} rows, {len(training['history'])} epochs"),
        *_groups(training.get("groups")),
        ("seed", str(training["seed"])),
        ("validation", f"{reached}; {f'exact, on {rows}' if exact else training['valid_is']}"),
        (
            "bits per column",
            f"{'' if exact else '≈ '}{training['valid_nats'] / math.log(2) / width:.4f}",
        ),
        ("independent columns", f"{'' if exact else '≈ '}{alone}"),
    ]
    if spread := training.get("order_spread"):
        facts.append(
            (
                f"spread over {spread['orders']} orders",
                f"{spread['between_orders']:.3f} nats between their means, "
                f"{spread['within_rows']:.3f} within a row, each exact; {spread['rows']} "
                "validation rows",
            )
        )
    return [
        *facts,
        ("skipped steps", f"{training['skipped_steps']} with a non-finite loss or gradient"),
    ]


def _nats(nats: float, columns: int) -> str:
    return f"{nats:.3f} nats per row, {nats / math.log(2) / columns:.4f} bits per column"


def _print_columns(schema: Schema, by_column: dict[str, Any]) -> None:
    """Prints what each column costs in bits, alone and given the cells before it."""
    rows = []
    for column, nats, alone in zip(
        schema.columns, by_column["nats"], by_column["independent_nats"], strict=True
    ):
        bits = [None if value is None else value / math.log(2) for value in (alone, nats)]
        gain = None if bits[0] is None or bits[1] is None else bits[0] - bits[1]
        rows.append((column, *bits, gain))
    title = f"bits per column, {by_column['rows']} validation rows"
    if len(rows) > MOST_COLUMNS:
        rows = sorted(rows, key=lambda row: -(row[3] or 0.0))[:MOST_COLUMNS]
        title += f"; the {MOST_COLUMNS} of {len(schema.columns)} with the largest gain"
    columns = ("column", "kind", "alone", "given those before", "gain")
    cells = [
        (c.name, c.kind, *("" if value is None else f"{value:.3f}" for value in bits))
        for c, *bits in rows
    ]
    print_table(columns, cells, title=title, numbers=columns[2:])


def _print_curve(training: Mapping[str, Any]) -> None:
    """Prints the nats of about every tenth epoch, and last those of the weights that were kept."""
    history, rows = training["history"], []
    error = training.get("curve_standard_error")
    estimated = "curve_standard_error" in training or "orders" in training.get("valid_is", "")
    every = max(1, len(history) // 10)
    for record in history:
        if record["epoch"] % every == 0 or record["epoch"] in (1, len(history)):
            nats = [
                "not finite" if record[k] is None else f"{record[k]:.3f}"
                for k in ("train_nats", "valid_nats")
            ]
            rows.append((record["epoch"], *(f"≈ {each}" if estimated else each for each in nats)))
    if isinstance(training.get("valid_nats"), float):
        rows.append(
            ("kept", "", f"{'' if is_exact(training) else '≈ '}{training['valid_nats']:.3f}")
        )
    title = "training curve, nats per row"
    if estimated:
        title += "; ≈: estimated in orders drawn at random" + (
            f", ± {error:.3f}" if isinstance(error, float) else ""
        )
    print_table(columns := ("epoch", "train", "validation"), rows, title=title, numbers=columns)


def _some(names: tuple[str, ...] | list[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f", … {names[-1]}" if len(names) > most else "")

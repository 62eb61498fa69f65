"""``chainrule show``: what a model file holds."""

from __future__ import annotations

import math
from collections import Counter
from typing import Annotated, Any

import typer

from chainrule.cli.tables import ModelArgument, print_json
from chainrule.errors import EvidenceError
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
    "prefix": "log-likelihood of rows whose known cells come first in the order; samples given such cells",
    "any": "any evidence: log-likelihoods, samples and conditionals given any cells, known cells first, then in the order",
}


def run(
    model: ModelArgument,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything but the arrays as JSON.")] = False,
) -> None:
    """Describe a model file: columns, network, how it was trained and what it reached."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from chainrule.density import load

    density = load(model)
    network, schema, training = density.model.network, density.model.schema, density.training
    parameters = sum(p.numel() for p in network.parameters())
    try:
        order = network.order.tolist()
    except EvidenceError:  # an ensemble of several
        order = None
    if as_json:
        print_json({**density.model.to_json(), "parameters": parameters, "order": order, "training": dict(training)})
        return
    width = len(schema.columns)
    kinds = Counter(column.kind for column in schema.columns)
    flipped = sum(column.levels == (1, 0) for column in schema.columns)
    facts = Table(title=escape(str(model)), show_header=False, title_justify="left")
    facts.add_row("columns", f"{', '.join(f'{n} {kind}' for kind, n in kinds.items())}: {_some(schema.names)}")
    if schema.left_out:
        facts.add_row("left out", _some([f"{out.name} ({out.reason})" for out in schema.left_out]))
    if kinds["binary"]:
        facts.add_row("binary", f"code 0 is the more frequent value; that is 1 in {flipped} of the columns")
    parts = [parts for c in network.columns.conditionals if (parts := _parts(c))]
    if parts:
        facts.add_row(
            "numbers", f"mixtures of {parts[0]} parts; {sum(map(bool, (c.atoms for c in schema.columns)))} with atoms"
        )
    facts.add_row("network", escape(f"{type(network).__name__}({network.extra_repr()})"))
    facts.add_row("parameters", f"{parameters:,}")
    if order is None:
        facts.add_row("order", "several: each member has its own")
    else:
        facts.add_row("order", "natural" if order == list(range(width)) else _some([schema.names[k] for k in order]))
    answers = "any" if density.model.takes_any_evidence else "complete" if order is None else "prefix"
    facts.add_row("answers exactly", ANSWERS[answers])
    if training.keys() >= {
        "valid_nats",
        "independent_valid_nats",
        "history",
        "train_rows",
        "valid_rows",
        "skipped_steps",
        "seed",
    }:
        nats, independent, epochs = training["valid_nats"], training["independent_valid_nats"], len(training["history"])
        facts.add_row("training", f"{training['train_rows']:,} rows, {epochs} epochs")
        facts.add_row("seed", str(training["seed"]))
        exact = training.get("valid_is", "exact")
        facts.add_row("validation", f"{_nats(nats, width)}, on {training['valid_rows']:,} rows ({exact})")
        facts.add_row("independent columns", _nats(independent, width))
        if spread := training.get("order_spread"):
            facts.add_row(
                f"spread over {spread['orders']} orders",
                f"{spread['between_orders']:.3f} nats between their means, {spread['within_rows']:.3f} within a row; "
                f"{spread['rows']} validation rows, {spread['nats']:.3f} nats in the mean (exact in each order)",
            )
        facts.add_row("skipped steps", f"{training['skipped_steps']} with a non-finite loss or gradient")
    console = Console()
    console.print(facts)
    if by_column := training.get("columns"):
        console.print(_columns(schema, by_column))
    if training.get("history"):
        console.print(_curve(training["history"]))


def _parts(conditional: Any) -> int:
    """How many parts a conditional of numbers mixes; 0 for others."""
    return _parts(conditional.base) if hasattr(conditional, "base") else getattr(conditional, "parts", 0)


def _nats(nats: float, columns: int) -> str:
    return f"{nats:.3f} nats per row, {nats / math.log(2) / columns:.4f} bits per column"


def _columns(schema: Schema, by_column: dict[str, Any]) -> object:
    """A table of what each column costs in bits, alone and given the cells before it."""
    from rich.table import Table
    from rich.text import Text

    rows = []
    for column, nats, alone in zip(schema.columns, by_column["nats"], by_column["independent_nats"], strict=True):
        bits = [None if value is None else value / math.log(2) for value in (alone, nats)]
        gain = None if bits[0] is None or bits[1] is None else bits[0] - bits[1]
        rows.append((column, *bits, gain))
    title = f"bits per column, {by_column['rows']} validation rows"
    if len(rows) > MOST_COLUMNS:
        rows = sorted(rows, key=lambda row: -(row[3] or 0.0))[:MOST_COLUMNS]
        title += f"; the {MOST_COLUMNS} of {len(schema.columns)} that the others tell most of"
    table = Table(title=title, title_justify="left")
    for name in ("column", "kind"):
        table.add_column(name)
    for name in ("alone", "given those before", "gain"):
        table.add_column(name, justify="right")
    for column, *bits in rows:
        table.add_row(Text(column.name), column.kind, *("" if value is None else f"{value:.3f}" for value in bits))
    return table


def _curve(history: list[dict[str, Any]]) -> object:
    from rich.table import Table

    table = Table(title="training curve, nats per row", title_justify="left")
    for name in ("epoch", "train", "validation"):
        table.add_column(name, justify="right")
    every = max(1, len(history) // 10)
    for record in history:
        if record["epoch"] % every == 0 or record["epoch"] in (1, len(history)):
            nats = ["not finite" if record[k] is None else f"{record[k]:.3f}" for k in ("train_nats", "valid_nats")]
            table.add_row(str(record["epoch"]), *nats)
    return table


def _some(names: tuple[str, ...] | list[str], most: int = 6) -> str:
    from rich.markup import escape

    return escape(", ".join(names[:most]) + (f", … {names[-1]}" if len(names) > most else ""))

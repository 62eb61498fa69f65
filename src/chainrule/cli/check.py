"""``chainrule check``: tests a model file against the library's promises."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from chainrule.cli.checks import require_model, require_seed
from chainrule.cli.shown import print_table
from chainrule.cli.tables import ModelArgument, print_json

NAME = "check"
EXAMPLES = """\b
Examples:
  chainrule check m.chainrule
"""


def run(
    model: ModelArgument,
    seed: Annotated[int, typer.Option(help="Seed of the rows that are drawn for the tests.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Test a model: no leak, probabilities that sum to 1, a sampler that agrees, files that keep
    every bit.

    Exits with 1 if a test fails.
    """
    require_model(model)
    require_seed(seed)

    from chainrule.density import load
    from chainrule.testing import check

    results = check(load(model), seed=seed)
    if as_json:
        print_json([asdict(result) for result in results])
    else:
        rows = [
            (result.name, "pass" if result.passed else "FAIL", result.detail) for result in results
        ]
        print_table(("promise", "kept", "figure"), rows, title=str(model))
    if not all(result.passed for result in results):
        raise typer.Exit(1)

"""What the page may ask, wherever it stands, and its content."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chainrule.errors import ChainruleError
from chainrule.explorer.answers import Answers, CellsError, columns
from chainrule.explorer.tables import OWN
from chainrule.html_pages import App, app_of
from chainrule.model import Model

DRAWN = 5  # rows like the one that is shown
MISUSES = (ChainruleError, KeyError, TypeError, ValueError)  # of a question; the page shows why

Answer = Callable[[Answers, Mapping[str, Any], bytes], dict[str, Any]]


def explorer_app(model: Model, tables: Sequence[Mapping[str, Any]], *, served: bool) -> App:
    """Returns the page about a model.

    Args:
        model: a fitted model that takes any evidence.
        tables: whose rows it can open: ``Answers.tables``.
        served: whether a server of this machine answers, or a notebook.
    """
    return app_of(
        "chainrule.explorer",
        "A row, cell by cell",
        scripts=("page.js",),
        data={
            "columns": columns(model),
            "tables": list(tables),
            "left_out": [
                {"name": str(each.name), "reason": each.reason} for each in model.schema.left_out
            ],
        },
        served=served,
    )


def answer(answers: Answers, question: str, asked: Any, file: bytes = b"") -> dict[str, Any]:
    """Returns the answer to a question of the page, as JSON.

    Args:
        answers: about one model.
        question: a name of ``QUESTIONS``.
        asked: its arguments, a JSON object.
        file: the CSV file of "load".

    Raises:
        ChainruleError: a question that cannot be answered.
        KeyError: no such question, or a missing argument.
        TypeError, ValueError: an argument of another type.
    """
    if not isinstance(asked, dict):
        raise ChainruleError("the question is no JSON object")
    return QUESTIONS[question](answers, asked, file)


def refusal(error: Exception) -> dict[str, Any]:
    """Returns what the page is told if a question cannot be answered, as JSON.

    ``error`` says why. ``cells`` says it of each cell that its column cannot hold, by column.
    """
    cells = error.cells if isinstance(error, CellsError) else {}
    return {"error": str(error), "cells": cells}


def _row(answers: Answers, asked: Mapping[str, Any], _: bytes) -> dict[str, Any]:
    return answers.row(asked["cells"], asked.get("row"), _table(asked))


def _open(answers: Answers, asked: Mapping[str, Any], _: bytes) -> dict[str, Any]:
    return {"cells": answers.open(int(asked["row"]), _table(asked))}


def _typical(answers: Answers, asked: Mapping[str, Any], _: bytes) -> dict[str, Any]:
    return {"nats": answers.typical(asked["known"], _table(asked))}


def _similar(answers: Answers, asked: Mapping[str, Any], _: bytes) -> dict[str, Any]:
    seed = int(asked["seed"])
    return {"rows": answers.similar(asked["cells"], DRAWN, seed, _table(asked))}


def _load(answers: Answers, asked: Mapping[str, Any], file: bytes) -> dict[str, Any]:
    table = answers.load(file, str(asked["name"]))
    return {"table": table, "tables": answers.tables}


def _wrong(answers: Answers, asked: Mapping[str, Any], _: bytes) -> dict[str, Any]:
    return answers.wrong(_table(asked))


def _table(asked: Mapping[str, Any]) -> int:
    return int(asked.get("table", OWN))


LOAD = "load"  # the question whose body is a file
QUESTIONS: dict[str, Answer] = {
    "row": _row,
    "open": _open,
    "typical": _typical,
    "similar": _similar,
    LOAD: _load,
    "wrong": _wrong,
}

"""What the page may ask, wherever it stands, and its content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chainrule.errors import ChainruleError
from chainrule.explorer.answers import Answers, columns
from chainrule.html_pages import App, app_of
from chainrule.model import Model

DRAWN = 5  # rows like the one that is shown
MISUSES = (ChainruleError, KeyError, TypeError, ValueError)  # of a question; the page shows why

Answer = Callable[[Answers, Mapping[str, Any], bytes], dict[str, Any]]


def explorer_app(model: Model, rows: int, *, served: bool) -> App:
    """Returns the page about a model.

    Args:
        model: a fitted model that takes any evidence.
        rows: how many rows of a table it can open.
        served: whether a server of this machine answers, or a notebook.
    """
    return app_of(
        "chainrule.explorer",
        "A row, cell by cell",
        scripts=("page.js",),
        data={"columns": columns(model), "rows": rows},
        served=served,
    )


def answer(answers: Answers, question: str, asked: Any, file: bytes = b"") -> dict[str, Any]:
    """Returns the answer to a question of the page, as JSON.

    Args:
        answers: about one model.
        question: a name of ``QUESTIONS``.
        asked: its arguments, a JSON object.
        file: the CSV file that "wrong" is asked about; empty for the table that is open.

    Raises:
        ChainruleError: a question that cannot be answered.
        KeyError: no such question, or a missing argument.
        TypeError, ValueError: an argument of another type.
    """
    if not isinstance(asked, dict):
        raise ChainruleError("the question is no JSON object")
    return QUESTIONS[question](answers, asked, file)


def _row(answers: Answers, asked: Mapping[str, Any], _: bytes) -> dict[str, Any]:
    return answers.row(asked["cells"], asked.get("row"))


def _open(answers: Answers, asked: Mapping[str, Any], _: bytes) -> dict[str, Any]:
    return {"cells": answers.open(int(asked["row"]))}


def _similar(answers: Answers, asked: Mapping[str, Any], _: bytes) -> dict[str, Any]:
    return {"rows": answers.similar(asked["cells"], DRAWN, int(asked["seed"]))}


def _wrong(answers: Answers, _: Mapping[str, Any], file: bytes) -> dict[str, Any]:
    if file:
        answers.load(file)
    return {"findings": answers.wrong(), "rows": answers.rows}


QUESTIONS: dict[str, Answer] = {
    "row": _row,
    "open": _open,
    "similar": _similar,
    "wrong": _wrong,
}

"""The page about a model, as a widget of a notebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from chainrule.errors import EvidenceError, ShapeError
from chainrule.explorer import MISUSES, Answers, answer, explorer_app, refusal
from chainrule.html_pages import App
from chainrule.model import Model
from chainrule.view import play_app

if TYPE_CHECKING:
    from anywidget import AnyWidget

Answer = Callable[[str, Any, bytes], Mapping[str, Any]]


def widget_of(
    model: Model,
    table: Any = None,
    *,
    shape: Sequence[int] | None = None,
    training: Mapping[str, Any] | None = None,
) -> AnyWidget:
    """Returns the page about a model as a widget, which a notebook shows.

    Args:
        model: a fitted model.
        table: rows that the page begins with, of a model that takes any evidence.
        shape: height and width of the picture, of a model of one order over bits.
        training: the training record, from which the page of pictures takes what to compare with.

    Raises:
        EvidenceError: a table, of a model of one order.
        ImportError: anywidget is not installed.
        SchemaError: a table without the model's columns, or a model that has no page.
        ShapeError: a shape, of a model that draws no picture; or one that does not hold the
            columns.
    """
    _require_anywidget()
    if not model.any_evidence:
        if table is not None:
            raise EvidenceError(
                "a network of one order has a page of pictures, without a table; leave out table"
            )
        return _widget(play_app(model, shape=shape, training=training), None)
    if shape is not None:
        raise ShapeError(
            f"shape {tuple(shape)}: the page of this model has no picture; leave it out"
        )
    answers = Answers(model, table)
    return _widget(explorer_app(model, answers.tables, served=False), partial(answer, answers))


def _require_anywidget() -> None:
    try:
        import anywidget  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "density.view() shows a widget of the package anywidget, which is not installed: "
            "pip install anywidget"
        ) from error


def _widget(app: App, answer: Answer | None) -> AnyWidget:
    """A widget that shows a page, and answers its questions."""
    import anywidget
    import traitlets

    class View(anywidget.AnyWidget):
        page = traitlets.Dict().tag(sync=True)

        @override
        def __repr__(self) -> str:
            return f"View of the page {app.title!r}"

    page = {"content": app.content, "style": app.style, "data": dict(app.data)}
    view = View(_esm=app.module(), page=page)
    if answer is not None:
        view.on_msg(lambda _, message, files: view.send(_answered(answer, message, files)))
    return view


def _answered(
    answer: Answer, message: Mapping[str, Any], files: Sequence[bytes | memoryview]
) -> dict[str, Any]:
    """The message that answers a question: it has the same ``id``."""
    number = message.get("id")
    try:
        file = bytes(files[0]) if files else b""
        return {"id": number, "answer": answer(message["question"], message["asked"], file)}
    except MISUSES as error:
        return {"id": number, **refusal(error)}

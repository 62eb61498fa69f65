"""Orders in which the chain rule visits the columns: ``order[i]`` is the column drawn at step i."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from chainrule.errors import ShapeError, unknown_choice, whole_number
from chainrule.rng import generator_from

Order = Sequence[int] | torch.Tensor | str | None

WORDS = ("natural", "random", "reverse")


def make_order(
    order: Order, columns: int, generator: torch.Generator | None = None
) -> torch.Tensor:
    """An int64 permutation (D,) of the columns.

    Args:
        order: None or "natural"; "random"; "reverse", which draws the last column first; or a
            permutation, which is checked.
        columns: D, the number of columns.
        generator: the source of a random order; None is a fresh one.

    Raises:
        ShapeError: the order is another word, or not a permutation of the columns.

    >>> make_order([2, 0, 1], 3)
    tensor([2, 0, 1])
    >>> make_order("reverse", 3)
    tensor([2, 1, 0])
    """
    if order is None:
        return torch.arange(columns, device="cpu")
    if isinstance(order, str):
        if order == "natural":
            return torch.arange(columns, device="cpu")
        if order == "random":
            return torch.randperm(columns, generator=generator_from(generator), device="cpu")
        if order == "reverse":
            return torch.arange(columns, device="cpu").flip(0)
        raise ShapeError(
            f"{unknown_choice('order', order, WORDS)}, or give None or a permutation of "
            f"0 … {columns - 1}"
        )
    if not isinstance(order, torch.Tensor) and any(isinstance(name, str) for name in order):
        raise ShapeError(
            "order holds names; order_by_name(order, names) makes a permutation of them"
        )
    steps = torch.as_tensor(order, device="cpu")
    if (
        steps.shape != (columns,)
        or steps.is_floating_point()
        or steps.sort().values.tolist() != list(range(columns))
    ):
        shown = steps.tolist() if steps.numel() <= 12 else f"of {steps.numel()} entries"
        raise ShapeError(
            f"order {shown} is not a permutation of the {columns} columns 0 … {columns - 1}"
        )
    return steps.to(torch.int64, copy=True)  # the caller's tensor may change


def order_to_json(order: torch.Tensor) -> list[int] | None:
    """An order (D,) as JSON: a list of columns, or null for the natural order.

    >>> order_to_json(torch.tensor([1, 0])), order_to_json(torch.tensor([0, 1]))
    ([1, 0], None)
    """
    steps = order.tolist()
    return None if steps == list(range(len(steps))) else steps


def order_from_json(spec: object) -> list[int] | None:
    """An order, as constructors accept it, from the result of ``order_to_json``.

    Raises:
        ShapeError: the JSON is neither null nor a list of whole numbers. Words are refused because
            "random" would give another order each time.
    """
    if spec is not None and not (
        isinstance(spec, list) and all(type(column) is int for column in spec)
    ):
        raise ShapeError(f"order {str(spec)[:40]!r} is neither null nor a list of columns")
    return spec


def order_by_name(wanted: Sequence[str], names: Sequence[str]) -> torch.Tensor:
    """The int64 permutation (D,) that draws the columns named in ``wanted`` first.

    All other columns follow in their natural order.

    Args:
        wanted: the names of any number of columns, the first drawn first.
        names: the names of the D columns, by column.

    Raises:
        ShapeError: a wanted name is not a column's or comes twice, or two columns share a name.

    Examples:
        >>> order_by_name(["income", "age"], ["age", "sex", "income"])
        tensor([2, 0, 1])
    """
    _require_names(wanted, "wanted", "say in wanted once when it is drawn")
    _require_names(names, "names", "give each column a name of its own")
    column_of = {name: column for column, name in enumerate(names)}
    for name in wanted:
        if name not in column_of:
            raise ShapeError(unknown_choice("column", name, names))
    first = [column_of[name] for name in wanted]
    placed = set(first)
    return torch.tensor(
        first + [k for k in range(len(names)) if k not in placed], dtype=torch.int64
    )


def names_in_order(order: Sequence[int] | torch.Tensor, names: Sequence[str]) -> tuple[str, ...]:
    """The names of the D columns in the order they are drawn.

    Names, unlike column numbers, stay valid if a table's columns are rearranged. ``order_by_name``
    converts them back.

    Args:
        order: a permutation (D,) of the columns.
        names: the names of the D columns, by column.

    Raises:
        ShapeError: the order is not a permutation of the D columns, or two columns share a name.

    Examples:
        >>> names_in_order([2, 0, 1], ["age", "sex", "income"])
        ('income', 'age', 'sex')
    """
    _require_names(names, "names", "give each column a name of its own")
    return tuple(names[int(column)] for column in make_order(order, len(names)))


def raster_order(height: int, width: int, *, by: str = "rows") -> torch.Tensor:
    """The int64 permutation (height · width,) that draws an image line by line from the top left.

    Images are stored row by row: pixel (r, c) is column r · width + c. "rows" is therefore the
    natural order.

    Args:
        height: rows of pixels, at least 1.
        width: pixels in each row, at least 1.
        by: the lines: "rows", each from the left, or "columns", each from the top.

    Raises:
        ShapeError: a size is not a whole number of at least 1, or ``by`` is another word.

    Examples:
        >>> raster_order(2, 3, by="columns")
        tensor([0, 3, 1, 4, 2, 5])
    """
    if by not in ("rows", "columns"):
        raise ShapeError(unknown_choice("by", by, ("rows", "columns")))
    pixels = _pixels(height, width)
    return (pixels if by == "rows" else pixels.T).flatten()


def spiral_order(height: int, width: int, *, inward: bool = True) -> torch.Tensor:
    """The int64 permutation (height · width,) that draws an image along a clockwise spiral.

    The spiral runs inward from the top left pixel. Each pixel but the first touches the one drawn
    before it; in a raster, the first pixel of a line does not. Images are stored row by row: pixel
    (r, c) is column r · width + c.

    Args:
        height: rows of pixels, at least 1.
        width: pixels in each row, at least 1.
        inward: False reverses the path: outward from its inner end, anticlockwise.

    Raises:
        ShapeError: a size is not a whole number of at least 1.

    Examples:
        >>> spiral_order(3, 3)
        tensor([0, 1, 2, 5, 8, 7, 6, 3, 4])
    """
    rest, sides = _pixels(height, width), []
    while rest.numel():
        sides.append(rest[0])
        rest = rest[1:].rot90()  # anticlockwise: the spiral's next side becomes the first row
    path = torch.cat(sides)
    return path if inward else path.flip(0)


def _pixels(height: int, width: int) -> torch.Tensor:
    """The columns of an image stored row by row, int64 (height, width)."""
    height = whole_number(height, "height", least=1)
    width = whole_number(width, "width", least=1)
    return torch.arange(height * width).reshape(height, width)


def _require_names(names: Sequence[str], what: str, remedy: str) -> None:
    """Raises ShapeError unless ``names`` is a sequence of different names, and not one string."""
    if isinstance(names, str):
        raise ShapeError(
            f"{what} = {names!r} is one string; pass a list of column names such as [{names!r}]"
        )
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ShapeError(f"column {name!r} comes twice in {what}; {remedy}")
        seen.add(name)

"""A page on which a NADE draws a picture pixel by pixel; it loads nothing from elsewhere."""

from __future__ import annotations

import base64
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from chainrule.atomic import write_bytes
from chainrule.errors import SchemaError, ShapeError
from chainrule.headline import is_exact
from chainrule.html_pages import App, app_of
from chainrule.model import Model
from chainrule.networks import NADE
from chainrule.rng import generator_from
from chainrule.view.dense import train_dense

WEIGHTS = ("input_weight", "hidden_bias", "first_hidden", "output_weight", "output_bias")
DENSE_WEIGHTS = ("encoder", "hidden_bias", "decoder", "output_bias")
MOST_PIXELS = 4096  # each is an element of the page
# The fully connected network: hidden units by pixels, rows and steps of its training.
DENSE_HIDDEN = {256: 100, MOST_PIXELS: 200}
DENSE_ROWS, DENSE_STEPS, DENSE_RATE, DENSE_SEED = 2000, 1500, 3e-3, 0


def write_play(
    model: Model,
    path: str | os.PathLike[str],
    *,
    shape: Sequence[int] | None = None,
    training: Mapping[str, Any] | None = None,
) -> Path:
    """Writes the page of ``play_page`` to a file, and returns its path."""
    target = Path(path)
    write_bytes(target, play_page(model, shape=shape, training=training).encode())
    return target


def play_page(
    model: Model,
    *,
    shape: Sequence[int] | None = None,
    training: Mapping[str, Any] | None = None,
) -> str:
    """Returns an HTML page on which a NADE over bits draws a picture pixel by pixel.

    A reader paints pixels, steps, and sees the numbers of each step. The page holds the network's
    weights and computes in float64, as scoring does. A fully connected network stands beside it,
    trained on rows that the model draws. ``density.view()`` shows the same in a notebook.

    Args:
        model: a model of binary columns whose network is a ``NADE``, such as ``density.model``.
        shape: height and width of the picture. By default it is a square, or as near to one as the
            columns allow.
        training: the training record, ``density.training``. With one, the page says how many rows
            the network was trained on, and compares pictures with held-out rows.

    Raises:
        SchemaError: a column is not binary, or the network is no NADE.
        ShapeError: the shape does not hold the columns.

    Examples:
        >>> from chainrule.table import Binary, Schema
        >>> columns = [Binary(name=name, levels=(0, 1), dtype="uint8") for name in "abcd"]
        >>> net = NADE(4, hidden_size=3, generator=generator_from(0))
        >>> page = play_page(Model(Schema(tuple(columns)), net))
        >>> "<title>A network that draws one pixel at a time</title>" in page
        True
    """
    return play_app(model, shape=shape, training=training).page()


def play_app(
    model: Model,
    *,
    shape: Sequence[int] | None = None,
    training: Mapping[str, Any] | None = None,
) -> App:
    """Returns what ``play_page`` shows, for a page or a notebook."""
    network = _network_of(model)
    data = _data(model, network, _shape_of(len(network.columns), shape))
    data["trained"] = _trained(training or {})
    return app_of(
        "chainrule.view",
        "A network that draws one pixel at a time",
        scripts=("nade.js", "strips.js", "numbers.js", "compared.js", "page.js"),
        data=data,
        usually_on=sum(data["flipped"]),
        permuted=data["order"] != sorted(data["order"]),
        parameters=sum(each.numel() for each in network.parameters()),
    )


def _network_of(model: Model) -> NADE:
    """The model's network, if the page can show it."""
    for column in model.schema.columns:
        if column.kind != "binary" or column.is_flag:
            raise SchemaError(
                f"column {column.name!r} is of kind {column.kind!r}; the page draws pixels that "
                "are on or off, so every column must be binary and without missing cells"
            )
    network = model.bare()
    if not isinstance(network, NADE) or not network.columns.is_binary:
        raise SchemaError(
            f"the network is of class {type(network).__name__}; the page shows the recursion of "
            "one NADE. Fit the table with network='nade' (chainrule fit TABLE --network nade)"
        )
    if len(network.columns) > MOST_PIXELS:
        raise SchemaError(
            f"{len(network.columns)} columns; the page has room for {MOST_PIXELS} pixels"
        )
    return network


def _shape_of(count: int, shape: Sequence[int] | None) -> tuple[int, int]:
    if shape is None:
        width = math.isqrt(count - 1) + 1
        return -(-count // width), width
    height, width = (*shape, 0, 0)[:2]
    if len(shape) != 2 or height < 1 or width < 1 or height * width != count:
        raise ShapeError(
            f"shape {tuple(shape)}: the model has {count} columns; give a height and a width whose "
            f"product is {count}"
        )
    return height, width


def _data(model: Model, network: NADE, shape: tuple[int, int]) -> dict[str, Any]:
    """What the page holds: the picture's form, the order, and the weights of both networks."""
    columns = model.schema.columns
    flipped = torch.tensor([column.is_flipped for column in columns])
    rows = model.bare().sample(DENSE_ROWS, generator=generator_from(DENSE_SEED)).cpu()
    hidden = next(units for most, units in DENSE_HIDDEN.items() if len(network.columns) <= most)
    pixels = (rows.bool() ^ flipped).float()
    dense = train_dense(
        pixels, hidden, steps=DENSE_STEPS, learning_rate=DENSE_RATE, seed=DENSE_SEED
    )
    return {
        "height": shape[0],
        "width": shape[1],
        "names": [column.name for column in columns],
        "flipped": flipped.int().tolist(),
        "order": network.order.tolist(),
        "hidden": network.hidden_size,
        "activation": network.activation,
        "weights": _packed(_weights(network, flipped)),
        "dense": {
            "hidden": hidden,
            "weights": _packed([getattr(dense, name).bfloat16() for name in DENSE_WEIGHTS]),
        },
    }


def _weights(network: NADE, flipped: torch.Tensor) -> list[torch.Tensor]:
    """The weights for pixels, of which 1 is on, in place of codes, of which 1 is the rarer value.

    V and c of flipped columns change their sign: σ(−y) = 1 − σ(y), without rounding. W and b stay.
    An input of −W x + W would move the constant W into b; but it counts from the next step on only,
    and b counts in every step. So the page multiplies W of a flipped column by 1 − x.
    """
    signs = 1 - 2 * flipped.to(network.output_bias)
    W, b, first_hidden, V, c = (getattr(network, name) for name in WEIGHTS)
    return [W, b, first_hidden, V * signs[:, None], c * signs]


def _trained(training: Mapping[str, Any]) -> dict[str, float] | None:
    """The rows of the training and what its held-out rows have in nats; None if it tells no more
    than estimates.
    """
    names = {
        "rows": "train_rows",
        "valid_rows": "valid_rows",
        "valid_nats": "valid_nats",
        "independent_nats": "independent_valid_nats",
    }
    found = {name: training.get(key) for name, key in names.items()}
    if not is_exact(training) or not all(isinstance(each, int | float) for each in found.values()):
        return None
    return {name: each for name, each in found.items() if each is not None}


def _packed(tensors: Sequence[torch.Tensor]) -> dict[str, Any]:
    """Tensors one after the other in their own precision, little-endian, as base64."""
    flat = torch.cat([each.detach().cpu().flatten() for each in tensors])
    bits = flat.dtype.itemsize * 8
    numbers = flat.view(torch.int16).numpy() if bits == 16 else flat.numpy()
    data = numbers.astype(numbers.dtype.newbyteorder("<"), copy=False).tobytes()
    return {"bits": bits, "base64": base64.b64encode(data).decode()}

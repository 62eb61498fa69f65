"""The options of a fit: a frozen dataclass whose fields are also the options of the command line.

Each option is described and checked here, once. This module imports no torch, so that the command
line can list its options quickly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from typing import Any

from chainrule.errors import choice, fraction, not_negative, positive, share, sizes, whole_number

# Orders that are learned from the rows, with the name of the search for each.
LEARNED_ORDERS = {"greedy": "greedy", "mutual-information": "mutual information"}


def _option(default: Any, check: Callable[[Any, str], Any], text: str) -> Any:
    """A field with its help text and its check; a default of None is not checked."""
    return field(default=default, metadata={"check": check, "help": text})


_count = partial(whole_number, least=1)


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """Options of a fit. A recipe decides what is None, by effort and table; see ``recipes``."""

    hidden_size: int | None = _option(
        None,
        _count,
        "Hidden units of NADE, and of each layer of other networks (default: by the effort; 200 "
        "of nade and made).",
    )
    hidden_sizes: tuple[int, ...] | None = _option(
        None,
        sizes,
        "Units of each hidden layer of made and orderless (default: two layers of hidden_size).",
    )
    activation: str | None = _option(
        None,
        partial(choice, choices=("sigmoid", "relu")),
        "sigmoid or relu (default: sigmoid of NADEs, relu of other networks).",
    )
    order: str | None = _option(
        None,
        partial(choice, choices=("natural", "reverse", "random", *LEARNED_ORDERS)),
        "Order of the columns: natural, reverse, random (drawn from the seed), or learned from "
        "the training rows: greedy or mutual-information (default: natural; of committee by "
        "search).",
    )
    conditional: str = _option(
        "gaussian",
        partial(choice, choices=("gaussian", "laplace", "logistic")),
        "Mixture of real columns: gaussian, logistic or laplace.",
    )
    components: int = _option(10, _count, "Components of each mixture.")
    dropout: float | None = _option(
        None,
        partial(share, of="hidden units"),
        "Share of hidden units of orderless switched off in a training step (default: by the "
        "rows).",
    )
    input_dropout: float | None = _option(
        None,
        partial(share, of="columns"),
        "Share of columns withheld from the hidden units in a training step of nade (default: 0) "
        "or committee (default: by search).",
    )
    members: int | None = _option(
        None,
        _count,
        "Networks whose conditionals are averaged, of orderless and committee (default: by the "
        "rows and the effort).",
    )
    orders: int | None = _option(
        None,
        _count,
        "Orders among the members of committee: the first as order says, the others random; with "
        "several, all cells of a row must be known (default: 1 where order is set, else by "
        "search).",
    )
    trees: int = _option(
        3,
        partial(whole_number, least=0, what="a whole number of trees"),
        "Latent trees mixed with a committee of binary columns, at most: each must gain on the "
        "validation rows; none without a search.",
    )
    epochs: int | None = _option(
        None,
        _count,
        "Passes over the training rows, at most (default: by the rows and the effort; 100 of "
        "nade and made).",
    )
    batch_size: int | None = _option(
        None, _count, "Rows per step (default: by the rows; 100 of nade and made)."
    )
    learning_rate: float | None = _option(
        None,
        positive,
        "AdamW's learning rate at its highest (default: 1e-2 of NADEs over binary columns, else "
        "2e-3; of committee by search).",
    )
    decay: str = _option(
        "cosine",
        partial(choice, choices=("cosine", "none")),
        "Learning rate over the epochs: cosine falls to zero, none stays.",
    )
    weight_decay: float | None = _option(
        None,
        not_negative,
        "AdamW's decay of the weight matrices, biases have none (default: 0.01 of nade and made, "
        "0.3 of orderless or, for the first of several members, 0.15 and for the last up to five "
        "times as much; by search of committee).",
    )
    clip_norm: float = _option(
        10.0,
        not_negative,
        "Longest gradient, to which longer ones are scaled down; 0 for no limit.",
    )
    patience: int | None = _option(
        None,
        partial(whole_number, least=0, what="a whole number of epochs"),
        "Epochs without a better validation likelihood after which training stops; 0 never stops "
        "(default: 10 of nade and made, else 0).",
    )
    valid_fraction: float = _option(
        0.1,
        fraction,
        "Share of the rows held out for validation where no validation table is given.",
    )

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None or each.default is not None:
                object.__setattr__(self, each.name, each.metadata["check"](value, each.name))

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        sizes = None if self.hidden_sizes is None else list(self.hidden_sizes)
        return asdict(self) | {"hidden_sizes": sizes}

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> FitConfig:
        """The configuration that ``to_json`` described."""
        return cls(**spec)


# The documentation, the command line and Python's help share one text.
FitConfig.__doc__ = "\n".join(
    [
        str(FitConfig.__doc__),
        "",
        "Attributes:",
        *(f"    {each.name}: {each.metadata['help']}" for each in fields(FitConfig)),
        "",
        "Examples:",
        "    >>> FitConfig(hidden_size=100, epochs=20).epochs",
        "    20",
        "    >>> FitConfig(order='sideways')",
        "    Traceback (most recent call last):",
        "    chainrule.errors.ShapeError: order 'sideways' is unknown; choose one of ...",
    ]
)

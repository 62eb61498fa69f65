"""What a fit can be told: one frozen value whose fields are the command line's flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from chainrule.errors import ShapeError, unknown_choice, whole_number
from chainrule.ops.activations import ACTIVATIONS

LEARNED_ORDERS = {"greedy": "greedy", "mutual-information": "mutual information"}  # and what the search calls them


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """Options of a fit. Where one is None, it follows from the network, the effort and the table: see ``training.rules``, and
    of a committee ``training.recipes``, whose numbers are not those given here for one-order networks.

    Attributes:
        hidden_size: hidden units H of NADE, and of each layer of other networks; None: 200 of one-order networks.
        hidden_sizes: units of each hidden layer of MADE and the orderless network; None: two layers of ``hidden_size``.
        activation: "sigmoid" or "relu"; None: sigmoid for NADE, relu for the others.
        order: "natural", "reverse", "random" (drawn from the seed), or learned from the training rows: "greedy" or
            "mutual-information" (see ``networks.orders.search_order``). None: natural; of a committee what a race finds.
        conditional: the mixture of real columns: "gaussian", "logistic" or "laplace".
        components: parts of each mixture.
        dropout: share of hidden units of an orderless network that are switched off at random while training; None: by
            the rows.
        input_dropout: share of the columns that a step of a NADE, or of a committee's, withholds from its hidden units; None:
            of one NADE none, of a committee what a race finds.
        members: networks of which an orderless one or a committee is made; each of its conditionals is the mean of theirs.
            None: by the rows and the effort.
        orders: of a committee: in how many orders its members are, taking turns; with several it is an ensemble, of complete rows
            only. The first order is ``order``, the others are random. None: by trial, one or each its own; one where
            ``order`` is set.
        epochs: passes over the training rows, at most; None: 100 of one-order networks.
        batch_size: rows per step; None: 100 of one-order networks.
        learning_rate: AdamW's, at its highest; None: 1e-2 for NADE over binary columns, else 2e-3.
        decay: "cosine" lets the learning rate fall to zero over the epochs; "none" keeps it.
        weight_decay: AdamW's decoupled decay of the weight matrices; biases and first_hidden have none. None: 1e-2 of
            one-order networks.
        clip_norm: longest gradient; longer ones are scaled down to it. Zero turns this off.
        patience: epochs without a better validation likelihood after which training stops. Zero turns this off. None: 10
            of NADE and MADE, off for others.
        valid_fraction: share of the rows held out for validation where no validation table is given.
    """

    hidden_size: int | None = None
    hidden_sizes: tuple[int, ...] | None = None
    activation: str | None = None
    order: str | None = None
    conditional: str = "gaussian"
    components: int = 10
    dropout: float | None = None
    input_dropout: float | None = None
    members: int | None = None
    orders: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    decay: str = "cosine"
    weight_decay: float | None = None
    clip_norm: float = 10.0
    patience: int | None = None
    valid_fraction: float = 0.1

    def __post_init__(self) -> None:
        choices = {
            "decay": ("cosine", "none"),
            "conditional": ("gaussian", "laplace", "logistic"),
        }
        if self.activation is not None:
            choices["activation"] = tuple(ACTIVATIONS)
        if self.order is not None:
            choices["order"] = ("natural", "reverse", "random", *LEARNED_ORDERS)
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ShapeError(unknown_choice(name, getattr(self, name), allowed))
        for name in ("hidden_size", "components", "members", "orders", "epochs", "batch_size"):
            if getattr(self, name) is not None:
                whole_number(getattr(self, name), name, least=1)
        if self.hidden_sizes is not None:
            object.__setattr__(self, "hidden_sizes", tuple(self.hidden_sizes))
            if not self.hidden_sizes:
                raise ShapeError("hidden_sizes is empty; pass the size of each hidden layer, or None")
            for size in self.hidden_sizes:
                whole_number(size, "hidden_sizes", least=1, what="whole numbers of hidden units")
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise ShapeError(f"dropout = {self.dropout!r}: pass a share of hidden units, at least 0 and below 1")
        if self.input_dropout is not None and not 0 <= self.input_dropout < 1:
            raise ShapeError(f"input_dropout = {self.input_dropout!r}: pass a share of columns, at least 0 and below 1")
        if self.patience is not None:
            whole_number(self.patience, "patience", least=0, what="a whole number of epochs")
        if self.learning_rate is not None and not 0 < self.learning_rate < float("inf"):
            raise ShapeError(f"learning_rate = {self.learning_rate!r}: pass a number above zero")
        for name in ("weight_decay", "clip_norm"):
            if getattr(self, name) is not None and not 0 <= getattr(self, name) < float("inf"):
                raise ShapeError(f"{name} = {getattr(self, name)!r}: pass a number, zero or more")
        if not 0 < self.valid_fraction < 1:
            raise ShapeError(f"valid_fraction = {self.valid_fraction!r}: pass a number between 0 and 1")

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        sizes = None if self.hidden_sizes is None else list(self.hidden_sizes)
        return asdict(self) | {"hidden_sizes": sizes}

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> FitConfig:
        """The configuration that ``to_json`` described."""
        return cls(**spec)

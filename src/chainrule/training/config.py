"""What a fit can be told: one frozen value whose fields are the command line's flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from chainrule.errors import ShapeError, unknown_choice, whole_number
from chainrule.ops.nade.reference import ACTIVATIONS


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """Options of a fit.

    Attributes:
        hidden_size: hidden units H.
        activation: "sigmoid" or "relu".
        order: "natural" or "random" (drawn from the seed).
        epochs: passes over the training rows, at most.
        batch_size: rows per step.
        learning_rate: AdamW's, at its highest.
        decay: "cosine" lets the learning rate fall to zero over the epochs; "none" keeps it.
        weight_decay: AdamW's decoupled decay of the weight matrices; biases and first_hidden have none.
        clip_norm: longest gradient; longer ones are scaled down to it. Zero turns this off.
        patience: epochs without a better validation likelihood after which training stops. Zero turns this off.
        valid_fraction: share of the rows held out for validation where no validation table is given.
    """

    hidden_size: int = 200
    activation: str = "sigmoid"
    order: str = "natural"
    epochs: int = 100
    batch_size: int = 100
    learning_rate: float = 1e-2
    decay: str = "cosine"
    weight_decay: float = 1e-2
    clip_norm: float = 10.0
    patience: int = 10
    valid_fraction: float = 0.1

    def __post_init__(self) -> None:
        choices = {"activation": tuple(ACTIVATIONS), "order": ("natural", "random"), "decay": ("cosine", "none")}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ShapeError(unknown_choice(name, getattr(self, name), allowed))
        for name in ("hidden_size", "epochs", "batch_size"):
            whole_number(getattr(self, name), name, least=1)
        whole_number(self.patience, "patience", least=0, what="a whole number of epochs")
        if not 0 < self.learning_rate < float("inf"):
            raise ShapeError(f"learning_rate = {self.learning_rate!r}: pass a number above zero")
        for name in ("weight_decay", "clip_norm"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ShapeError(f"{name} = {getattr(self, name)!r}: pass a number, zero or more")
        if not 0 < self.valid_fraction < 1:
            raise ShapeError(f"valid_fraction = {self.valid_fraction!r}: pass a number between 0 and 1")

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> FitConfig:
        """The configuration that ``to_json`` described."""
        return cls(**spec)

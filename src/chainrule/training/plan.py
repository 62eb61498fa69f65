"""The plan of a fit: the network's sizes and the options of training, all decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from chainrule.errors import ShapeError
from chainrule.training.config import FitConfig


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A ``FitConfig`` without open values.

    Fields mean the same, and the defaults suit a network of one order. ``hidden_sizes`` is empty if
    the network has one layer, which has ``hidden_size`` units.
    """

    hidden_size: int = 200
    hidden_sizes: tuple[int, ...] = ()
    activation: str = "sigmoid"
    order: str = "natural"
    conditional: str = "gaussian"
    components: int = 10
    dropout: float = 0.0
    input_dropout: float = 0.0
    members: int = 1
    orders: int = 1
    trees: int = 3
    epochs: int = 100
    batch_size: int = 100
    learning_rate: float = 1e-2
    decay: str = "cosine"
    weight_decay: float = 1e-2
    clip_norm: float = 10.0
    patience: int = 0
    valid_fraction: float = 0.1

    def following(self, config: FitConfig) -> Plan:
        """This plan with the values that the configuration sets.

        >>> Plan(epochs=7, members=3).following(FitConfig(epochs=5)).epochs
        5
        """
        asked = {field.name: getattr(config, field.name) for field in fields(config)}
        return replace(self, **{name: value for name, value in asked.items() if value is not None})

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object, which ``FitConfig.from_json`` can also read."""
        return asdict(self) | {"hidden_sizes": list(self.hidden_sizes) or None}

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> Plan:
        """The plan that ``to_json`` described; raises ShapeError if a value is wrong or missing."""
        config = FitConfig.from_json(spec)
        left_open = [
            name
            for name, value in config.to_json().items()
            if value is None and name != "hidden_sizes"
        ]
        if left_open:
            raise ShapeError(f"{', '.join(left_open)}: no value")
        return cls().following(config)

"""A family: which tables it suits, how it is trained and asked, and what the lecture says of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import torch
from typing_extensions import override

from chainrule.networks import AbstractNetwork, Columns
from chainrule.networks.trainable import AbstractTrainable
from chainrule.report.comparison.abstraction import Represent
from chainrule.report.comparison.claims import Claims, error_of_sums, mean_correlation
from chainrule.report.comparison.data import Data
from chainrule.report.comparison.effort import Effort
from chainrule.report.comparison.likelihood import Ask

Trained = TypeVar("Trained", bound=AbstractTrainable)
Exact = TypeVar("Exact", bound=AbstractNetwork)


@dataclass(frozen=True)
class Fitted(Generic[Trained]):
    """A trained network, and a sentence that says how it was trained."""

    network: Trained
    how: str


class AbstractFamily(ABC, Generic[Trained]):
    """One way to model a table.

    Attributes:
        name: the name in commands.
        title: the name that people read.
        compiles: whether its training is compiled when first used.
        is_in_table: whether the lecture's table of pros and cons has a column for it.
        is_autoregressive: whether the lecture's sentences on autoregressive models are about it.
        has_partition_function: whether scoring first computes a number once, for all rows.
        is_trained_on_likelihood: whether training minimises −log p or an unbiased estimate of it.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    compiles: ClassVar[bool] = False
    is_in_table: ClassVar[bool] = False
    is_autoregressive: ClassVar[bool] = False
    has_partition_function: ClassVar[bool] = False
    is_trained_on_likelihood: ClassVar[bool] = False

    def refuses(self, columns: Columns) -> str | None:
        """Returns the reason why the family does not suit these columns, or None."""
        return None

    @abstractmethod
    def fit(
        self, data: Data, effort: Effort, *, generator: torch.Generator, progress: bool = True
    ) -> Fitted[Trained]:
        """Builds and trains a network with the generator's draws."""

    @abstractmethod
    def ask(
        self,
        network: Trained,
        effort: Effort,
        *,
        generator: torch.Generator,
        progress: bool = True,
    ) -> Ask:
        """Returns the function that computes the likelihood of rows (n, D)."""

    @abstractmethod
    def represent(self, network: Trained) -> dict[str, Represent]:
        """Returns the representations of a row, by name; empty for a family without any."""

    @abstractmethod
    def measure(
        self, network: Trained, data: Data, drawn: torch.Tensor, generator: torch.Generator
    ) -> Claims:
        """Measures the lecture's statements; ``drawn`` are rows drawn from the network, (n, D)."""

    @abstractmethod
    def objective(self, network: Trained, claims: Claims, effort: Effort) -> str:
        """Returns what training minimises, for the table of pros and cons."""

    @abstractmethod
    def completing(self, network: Trained) -> str:
        """Returns how half a row is completed, for the table of pros and cons."""

    def drawing(self, claims: Claims) -> str:
        """Returns how a row is drawn, for the table of pros and cons."""
        if claims.steps_to_draw == 1:
            return "all columns at once"
        return f"one column after the other, {claims.steps_to_draw} steps"


class AbstractExactFamily(AbstractFamily[Exact]):
    """A family whose likelihood is computed exactly."""

    is_trained_on_likelihood = True

    @override
    def ask(
        self,
        network: Exact,
        effort: Effort,
        *,
        generator: torch.Generator,
        progress: bool = True,
    ) -> Ask:
        return network.log_prob

    @override
    def represent(self, network: Exact) -> dict[str, Represent]:
        return {}

    @override
    @torch.no_grad()
    def measure(
        self, network: Exact, data: Data, drawn: torch.Tensor, generator: torch.Generator
    ) -> Claims:
        return Claims(
            mean_correlation(drawn, data.columns),
            exactness=error_of_sums(network, data),
            steps_to_draw=self.steps_to_draw(data.columns),
        )

    def steps_to_draw(self, columns: Columns) -> int:
        """Returns the number of sequential steps that a row takes."""
        return len(columns)

    @override
    def objective(self, network: Exact, claims: Claims, effort: Effort) -> str:
        return "−log p itself"

    @override
    def completing(self, network: Exact) -> str:
        if network.any_evidence:
            return "any half, exactly"
        return "exactly, where it comes first in the order"

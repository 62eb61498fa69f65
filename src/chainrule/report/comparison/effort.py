"""How much each family is given: hidden units, passes over the rows, and draws."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.report.comparison.data import Data
from chainrule.report.comparison.names import EFFORTS

STEPS = 30_000  # training steps that suffice for 50,000 images
LEAST_EPOCHS, MOST_EPOCHS = 20, 100


@dataclass(frozen=True)
class Effort:
    """How much each family is given: the same hidden units, the same passes over the same rows.

    Attributes:
        hidden_size: units of each hidden layer.
        latent_size: numbers in a VAE's z.
        epochs: passes over the training rows.
        batch_size: rows per step.
        gibbs_steps: Gibbs steps in each step of an RBM's training.
        draws: draws of z per row for a VAE's likelihood.
        distributions: distributions between independent columns and an RBM, by which its partition
            function is estimated.
    """

    hidden_size: int
    latent_size: int
    epochs: int
    batch_size: int = 100
    gibbs_steps: int = 10
    draws: int = 5000
    distributions: int = 10_000

    def training_steps(self, rows: int) -> int:
        """Returns the number of training steps over so many rows.

        >>> Effort(hidden_size=8, latent_size=2, epochs=3, batch_size=100).training_steps(250)
        9
        """
        return self.epochs * -(-rows // self.batch_size)


def effort_for(name: str, data: Data) -> Effort:
    """Returns the effort of a name for this table: 200 units up to 256 columns, else 500.

    More rows get fewer passes.
    """
    width, batches = len(data.columns), -(-len(data.train) // 100)
    epochs = min(MOST_EPOCHS, max(LEAST_EPOCHS, STEPS // batches))
    units, latent, distributions = (200, 20, 10_000) if width <= 256 else (500, 50, 30_000)
    return Effort(
        units,
        min(latent, width),
        max(1, round(EFFORTS[name] * epochs)),
        draws=500 if name == "quick" else 5000,
        distributions=distributions,
    )

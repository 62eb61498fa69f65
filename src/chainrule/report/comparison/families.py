"""The families that are compared: which tables they suit, how each is built and trained, and with
how much effort.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from chainrule.baselines import (
    FVSBN,
    RBM,
    VAE,
    BernoulliMixture,
    ChowLiuTree,
    FullCovarianceMixture,
    IndependentColumns,
    contrastive_divergence,
)
from chainrule.conditionals import GaussianMixture
from chainrule.networks import MADE, NADE, AbstractNetwork, Columns, OrderlessNADE
from chainrule.networks.trainable import AbstractTrainable
from chainrule.report.comparison.data import Data
from chainrule.rng import generator_from
from chainrule.training.loop import train
from chainrule.training.plan import Plan
from chainrule.training.state import State, make_state

STEPS = 30_000  # training steps that suffice for 50,000 images
LEAST_EPOCHS, MOST_EPOCHS = 20, 100
FEW_STEPS = 1200  # an RBM that trains longer gets a lower learning rate
MANY_STEPS = 5000  # a NADE over bits that trains longer gets half the learning rate
WARM_UP = 1 / 3  # share of a VAE's epochs in which the divergence's weight rises to 1
COMPONENTS = (1, 2, 5, 10, 20, 50, 100)  # numbers of mixture components, chosen on validation rows


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


EFFORTS = {
    "quick": 0.2,
    "standard": 1.0,
    "best": 4.0,
}  # number of passes relative to the standard effort


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


@dataclass(frozen=True)
class Family:
    """One way to model a table.

    Attributes:
        name: the name in commands.
        title: the name that people read.
        refuses: the reason why it does not suit these columns, or None.
        fitted: builds and trains it with the generator's draws.
        how: a description of its training.
        compiles: whether its training is compiled when first used.
    """

    name: str
    title: str
    refuses: Callable[[Columns], str | None]
    fitted: Callable[[Data, Effort, torch.Generator, bool], AbstractTrainable]
    how: str
    compiles: bool = False


def _any(columns: Columns) -> None:
    return None


def _bits(columns: Columns) -> str | None:
    return None if columns.is_binary else "is for tables whose columns are all binary"


def _discrete(columns: Columns) -> str | None:
    good = all(conditional.is_listed for conditional in columns.conditionals)
    return None if good else "is for tables whose columns are all binary or categorical"


def _real(columns: Columns) -> str | None:
    good = all(isinstance(conditional, GaussianMixture) for conditional in columns.conditionals)
    return None if good else "is for tables whose columns are all real, without atoms or steps"


def _independent(
    data: Data, effort: Effort, generator: torch.Generator, progress: bool
) -> AbstractTrainable:
    return _counted(IndependentColumns(data.columns), data)


def _tree(
    data: Data, effort: Effort, generator: torch.Generator, progress: bool
) -> AbstractTrainable:
    return _counted(ChowLiuTree(data.columns), data)


def _mixture(
    data: Data, effort: Effort, generator: torch.Generator, progress: bool
) -> AbstractTrainable:
    return _best_mixture(
        lambda components: BernoulliMixture(data.columns, components, generator=generator), data
    )


def _gaussians(
    data: Data, effort: Effort, generator: torch.Generator, progress: bool
) -> AbstractTrainable:
    width = len(data.columns)
    return _best_mixture(
        lambda components: FullCovarianceMixture(width, components, generator=generator), data
    )


def _fvsbn(
    data: Data, effort: Effort, generator: torch.Generator, progress: bool
) -> AbstractTrainable:
    return _descended(
        FVSBN(data.columns), data, effort, generator, progress, "FVSBN", learning_rate=3e-3
    )


def _rbm(
    data: Data, effort: Effort, generator: torch.Generator, progress: bool
) -> AbstractTrainable:
    machine = RBM(data.columns, effort.hidden_size, generator=generator)
    machine.initialize_from(data.train.x)
    return contrastive_divergence(
        machine,
        data.train.x,
        steps=effort.gibbs_steps,
        persistent=True,
        epochs=effort.epochs,
        batch_size=effort.batch_size,
        learning_rate=_rbm_rate(_steps(data, effort)),
        generator=generator,
        progress=progress,
    )


def _steps(data: Data, effort: Effort) -> int:
    return effort.epochs * -(-len(data.train) // effort.batch_size)


def _rbm_rate(steps: int) -> float:
    """Returns the learning rate: fewer steps must be larger; 0.8 is still stable for centred
    gradients.
    """
    return min(0.8, 0.8 * (FEW_STEPS / steps) ** 0.5)


def _vae(
    data: Data, effort: Effort, generator: torch.Generator, progress: bool
) -> AbstractTrainable:
    net = VAE(
        data.columns,
        effort.latent_size,
        hidden_sizes=(effort.hidden_size,) * 2,
        generator=generator,
    )
    warm = max(1, round(WARM_UP * effort.epochs))

    def weigh(epoch: int) -> None:
        net.divergence_weight = min(1.0, (epoch + 1) / warm)

    weigh(0)
    return _descended(
        net,
        data,
        effort,
        generator,
        progress,
        "VAE",
        learning_rate=1e-3,
        after_epoch=lambda state: weigh(state.epoch),
    )


def _nade(
    data: Data, effort: Effort, generator: torch.Generator, progress: bool
) -> AbstractTrainable:
    net = NADE(data.columns, effort.hidden_size, input_dropout=0.1, generator=generator)
    rate = 2e-3 if _bits(data.columns) else 5e-3 if _steps(data, effort) > MANY_STEPS else 1e-2
    return _descended(net, data, effort, generator, progress, "NADE", learning_rate=rate)


def _made(
    data: Data, effort: Effort, generator: torch.Generator, progress: bool
) -> AbstractTrainable:
    net = MADE(data.columns, (effort.hidden_size,) * 2, generator=generator)
    return _descended(net, data, effort, generator, progress, "MADE", learning_rate=1e-3)


def _orderless(
    data: Data, effort: Effort, generator: torch.Generator, progress: bool
) -> AbstractTrainable:
    net = OrderlessNADE(data.columns, (effort.hidden_size,) * 2, generator=generator)
    return _descended(net, data, effort, generator, progress, "orderless NADE", learning_rate=1e-3)


def _counted(net: AbstractNetwork, data: Data) -> AbstractNetwork:
    net.initialize_from(data.train.x)
    return net.eval()


def _best_mixture(build: Callable[[int], AbstractNetwork], data: Data) -> AbstractNetwork:
    """Returns the mixture whose number of components is best on validation rows.

    More are tried while they are better.
    """
    best, best_nats = None, -float("inf")
    for components in COMPONENTS:
        if components > max(1, len(data.train) // 10):
            break
        net = _counted(build(components), data)
        with torch.no_grad():
            nats = float(net.log_prob(data.valid.x).double().mean())
        if not nats > best_nats:
            break
        best, best_nats = net, nats
    assert best is not None  # one component is always tried
    return best


def _descended(
    net: AbstractTrainable,
    data: Data,
    effort: Effort,
    generator: torch.Generator,
    progress: bool,
    title: str,
    *,
    learning_rate: float,
    after_epoch: Callable[[State], None] | None = None,
) -> AbstractTrainable:
    """Trains by gradients of ``training_loss``, and keeps the weights of the best epoch on
    validation rows.
    """
    net.initialize_from(data.train.x)
    plan = Plan(epochs=effort.epochs, batch_size=effort.batch_size, learning_rate=learning_rate)
    train(
        make_state(net, plan, generator),
        data.train,
        data.valid,
        plan,
        after_epoch=after_epoch,
        what=f"training {title}",
        progress=progress,
    )
    return net.eval()


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("independent", "independent columns", _any, _independent, "counting"),
        Family("tree", "Chow-Liu tree", _discrete, _tree, "counting"),
        Family(
            "mixture",
            "mixture of Bernoullis",
            _bits,
            _mixture,
            f"expectation maximisation, number of components chosen on validation rows among {COMPONENTS}",
        ),
        Family(
            "gaussians",
            "mixture of Gaussians",
            _real,
            _gaussians,
            f"expectation maximisation, number of components chosen on validation rows among {COMPONENTS}",
        ),
        Family("fvsbn", "logistic autoregression (FVSBN)", _any, _fvsbn, "−log p, AdamW at 0.003"),
        Family(
            "rbm",
            "RBM",
            _bits,
            _rbm,
            "persistent contrastive divergence; the last weights, since its likelihood cannot be computed to choose by",
        ),
        Family(
            "vae",
            "VAE",
            _any,
            _vae,
            "the evidence lower bound, with a smaller weight of the divergence in the first third of the passes, AdamW at 0.001",
        ),
        Family(
            "nade",
            "NADE",
            _any,
            _nade,
            "−log p, input dropout of 0.1, AdamW at 0.01 over bits (0.005 if in many steps), else 0.002",
            True,
        ),
        Family("made", "MADE", _any, _made, "−log p, AdamW at 0.001"),
        Family(
            "orderless",
            "orderless NADE",
            _any,
            _orderless,
            "the mean of −log p over orders, AdamW at 0.001",
        ),
    )
}


def generator_of(seed: int, family: str) -> torch.Generator:
    """Returns a family's own generator, so that its numbers do not depend on which others are
    compared.
    """
    return generator_from(seed * len(FAMILIES) + list(FAMILIES).index(family))

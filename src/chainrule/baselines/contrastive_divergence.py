"""Contrastive divergence (CD) trains an RBM; persistent CD (PCD) keeps its Markov chains.

The gradient of −log p is E_data[∂F/∂θ] − E_model[∂F/∂θ], where F is the free energy. A few steps of
Gibbs sampling approximate the second mean. CD starts them at the data, PCD at the rows of the step
before. Both gradients are biased, and neither has a loss to monitor. ``RBM.log_prob`` evaluates the
result.

Sources: Hinton, "Training Products of Experts by Minimizing Contrastive Divergence", Neural
Computation 2002; Tieleman, "Training Restricted Boltzmann Machines using Approximations to the
Likelihood Gradient", ICML 2008. Centring: Montavon & Müller, "Deep Boltzmann Machines and the
Centering Trick", 2012.
"""

from __future__ import annotations

import math

import torch

from chainrule.baselines.rbm import RBM
from chainrule.errors import ShapeError, whole_number
from chainrule.progress import progress_bar
from chainrule.rng import generator_from

SLOW = 0.99  # decay of the running mean of each hidden unit


@torch.no_grad()
def contrastive_divergence(
    rbm: RBM,
    x: torch.Tensor,
    *,
    steps: int = 1,
    persistent: bool = False,
    epochs: int = 20,
    batch_size: int = 100,
    learning_rate: float = 0.05,
    weight_decay: float = 0.0,
    generator: torch.Generator | None = None,
    progress: bool = False,
) -> RBM:
    """Trains an RBM in place on rows x (N, D) and returns it.

    The learning rate falls to zero along a quarter of a cosine. Gradients are centred: they use
    columns and hidden units minus their means. This leaves the model family unchanged and improves
    the conditioning.

    Args:
        rbm: the machine to train. ``initialize_from`` starts it at independent columns.
        x: complete rows of 0 and 1.
        steps: steps of Gibbs sampling per gradient: the k of CD-k.
        persistent: whether chains continue from the last step (PCD) instead of the data (CD).
        epochs: passes over the rows.
        batch_size: rows per step; also the number of persistent chains.
        learning_rate: the initial learning rate.
        weight_decay: fraction of the weights subtracted per step, times the learning rate.
        generator: source of batches and chains; None is a fresh one.
        progress: whether to show a progress bar on stderr, if that is a terminal.

    Raises:
        ShapeError: x has no rows or cells other than 0 and 1, or an option is out of range.

    Examples:
        >>> rows = torch.tensor([[0.0, 0.0], [1.0, 1.0]]).repeat(50, 1)
        >>> generator = generator_from(0)
        >>> rbm = RBM(2, 4, generator=generator)
        >>> rbm = contrastive_divergence(rbm, rows, epochs=5, persistent=True, generator=generator)
        >>> rbm.log_prob(rows[:2], generator=generator).value.shape
        torch.Size([2])
    """
    x = rbm.check_rows(x)
    steps = whole_number(steps, "steps", least=1, what="a whole number of steps of Gibbs sampling")
    epochs = whole_number(epochs, "epochs", least=0, what="a whole number of passes")
    batch_size = whole_number(batch_size, "batch_size", least=1, what="a whole number of rows")
    if not 0 < learning_rate < float("inf"):
        raise ShapeError(f"learning_rate = {learning_rate!r}: pass a number above zero")
    if not len(x):
        raise ShapeError("x has no rows to train on")
    if not bool(((x == 0) | (x == 1)).all()):
        row = int((~((x == 0) | (x == 1)).all(1)).nonzero()[0])
        raise ShapeError(
            f"row {row} of x has a cell that is neither 0 nor 1; an RBM is trained on complete "
            "binary rows"
        )
    generator = generator_from(generator)
    W, b, c = rbm.weight, rbm.visible_bias, rbm.hidden_bias
    column_mean, unit_mean = x.mean(0), rbm.hidden_given(x[:1000]).mean(0)
    chains = rbm.gibbs(
        x[torch.randint(len(x), (batch_size,), generator=generator)], 1, generator=generator
    )
    total = epochs * -(-len(x) // batch_size)
    done = 0
    with progress_bar("training an RBM", total, progress=progress) as advance:
        for _ in range(epochs):
            for chosen in torch.randperm(len(x), generator=generator).split(batch_size):
                rate = learning_rate * math.cos(math.pi / 2 * done / total)
                data = x[chosen]
                h_data = rbm.hidden_given(data)
                model = chains = rbm.gibbs(
                    chains if persistent else data, steps, generator=generator
                )
                h_model = rbm.hidden_given(model)
                unit_mean = SLOW * unit_mean + (1 - SLOW) * h_data.mean(0)
                rise = (data - column_mean).t() @ (h_data - unit_mean) / len(data)
                fall = (model - column_mean).t() @ (h_model - unit_mean) / len(model)
                step_W = rise - fall - weight_decay * W
                step_b = data.mean(0) - model.mean(0) - step_W @ unit_mean
                step_c = h_data.mean(0) - h_model.mean(0) - column_mean @ step_W
                W += rate * step_W
                b += rate * step_b
                c += rate * step_c
                done += 1
                advance(1)
    return rbm

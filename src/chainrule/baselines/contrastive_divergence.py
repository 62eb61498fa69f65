"""Contrastive divergence, with chains that begin at the data or that persist: how an RBM is trained.

The gradient of −log p is ⟨∂F/∂θ⟩ of the data less ⟨∂F/∂θ⟩ of the model; the second mean is over rows that Gibbs sampling has
reached after a few steps, from the data (CD) or from where the last step left it (PCD). Both are biased; nothing that is
minimised can be watched, which is why ``log_prob`` is asked afterwards.

Sources: Hinton, "Training Products of Experts by Minimizing Contrastive Divergence", Neural Computation 2002; Tieleman, "Training
Restricted Boltzmann Machines using Approximations to the Likelihood Gradient", ICML 2008; centred: Montavon & Müller, "Deep
Boltzmann Machines and the Centering Trick", 2012.
"""

from __future__ import annotations

import math

import torch

from chainrule.baselines.rbm import RBM
from chainrule.errors import ShapeError, whole_number
from chainrule.progress import progress_bar
from chainrule.rng import generator_from

SLOW = 0.99  # how much of its running mean a hidden unit keeps in a step


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
    show_progress: bool = False,
) -> RBM:
    """Trains an RBM in place on rows x (N, D) and returns it; the learning rate falls to zero along a quarter of a cosine.

    Gradients are of columns and units less their means, which changes no distribution and conditions the problem far better.

    Args:
        rbm: where to begin; ``initialize_from`` makes it independent columns.
        x: complete rows of 0 and 1.
        steps: of Gibbs sampling between data and model: the k of CD-k.
        persistent: chains go on from where they are, instead of beginning at the data.
        epochs: passes over the rows.
        batch_size: rows a step, and chains.
        learning_rate: at the beginning.
        weight_decay: share of the weights that a step of rate 1 takes away.
        generator: source of batches and chains; None is a fresh one.
        show_progress: a bar on stderr where a person watches.

    Raises:
        ShapeError: no rows, or numbers that make no sense.

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
            f"row {row} of x has a cell that is neither 0 nor 1; an RBM is trained on complete binary rows"
        )
    generator = generator_from(generator)
    W, b, c = rbm.weight, rbm.visible_bias, rbm.hidden_bias
    column_mean, unit_mean = x.mean(0), rbm.hidden_given(x[:1000]).mean(0)
    chains = rbm.gibbs(x[torch.randint(len(x), (batch_size,), generator=generator)], 1, generator=generator)
    total = epochs * -(-len(x) // batch_size)
    done = 0
    with progress_bar("training an RBM", total, show=show_progress) as advance:
        for _ in range(epochs):
            for chosen in torch.randperm(len(x), generator=generator).split(batch_size):
                rate = learning_rate * math.cos(math.pi / 2 * done / total)
                data = x[chosen]
                h_data = rbm.hidden_given(data)
                model = chains = rbm.gibbs(chains if persistent else data, steps, generator=generator)
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

"""What the lecture says of each family, as numbers that are measured on it.

Of models with hidden variables: that given these the columns are independent; that sampling needs a Markov chain, or training a
bound. Of autoregressive ones: that nothing is assumed independent, that the likelihood is exact, and that sampling takes a step a
column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from chainrule.baselines import RBM, VAE
from chainrule.networks import AbstractNetwork
from chainrule.networks.trainable import AbstractTrainable
from chainrule.report.comparison.data import Data

CONDITIONED = 1000  # rows drawn given one and the same state of the hidden variables
CHAIN = (1, 10, 100, 1000)  # steps of a Markov chain after which its rows are looked at
LOOKED_AT = 200
EXACT_ROWS = 100


@dataclass(frozen=True)
class Claims:
    """The measured part; what does not apply to a family is None.

    Attributes:
        dependence: mean |correlation| between columns of drawn rows.
        dependence_given_hidden: the same of rows drawn given one state of the hidden variables: what independence leaves.
        hidden_variables: how many there are.
        chain: mean −free energy of rows after so many steps of the Markov chain, less that of training rows, nats.
        gap: nats per row by which the bound of many draws lies above the one that training uses.
        exactness: largest |difference| between log_prob and the product of the D conditionals, nats, in float64.
        steps_to_draw: how many steps, one after the other, a row takes.
    """

    dependence: float
    dependence_given_hidden: float | None = None
    hidden_variables: int | None = None
    chain: dict[int, float] | None = None
    gap: float | None = None
    exactness: float | None = None
    steps_to_draw: int = 1

    def to_json(self) -> dict[str, Any]:
        """Those that apply."""
        return {name: value for name, value in vars(self).items() if value is not None}


@torch.no_grad()
def claims_of(net: AbstractTrainable, data: Data, drawn: torch.Tensor, generator: torch.Generator) -> Claims:
    """Measures what applies to a family; ``drawn`` are rows of it, (n, D)."""
    dependence = mean_correlation(drawn)
    if isinstance(net, RBM):
        h = torch.bernoulli(net.hidden_given(data.train.x[:1]), generator=generator)
        p = net.visible_given(h).expand(CONDITIONED, -1)
        given = mean_correlation(torch.bernoulli(p, generator=generator))
        return Claims(dependence, given, net.hidden_size, chain=_chain(net, data, generator), steps_to_draw=CHAIN[-1])
    if isinstance(net, VAE):
        z = net.encode(data.train.x[:1])[0].expand(CONDITIONED, -1)
        uniform = torch.rand(CONDITIONED, len(data.columns), generator=generator, dtype=torch.float64)
        each = [d.conditional.sample(d.params, uniform[:, k]) for k, d in enumerate(net.conditionals(z))]
        given = mean_correlation(torch.stack(each, dim=1))
        rows = data.valid.x[:LOOKED_AT]
        many = net.log_prob(rows, n_draws=500, generator=generator).value
        one = torch.stack([-net.training_loss(rows, generator=generator) for _ in range(20)]).mean(0)
        return Claims(dependence, given, net.latent_size, gap=float((many - one).double().mean()))
    assert isinstance(net, AbstractNetwork)
    wide, few = type(net).from_config(net.config()).double(), data.valid.x[:EXACT_ROWS].double()
    wide.load_state_dict(net.state_dict())
    product = sum(d.log_prob(few[:, k]) for k, d in enumerate(wide.eval().conditionals(few)))
    off = float((wide.log_prob(few) - product).abs().max())
    return Claims(dependence, exactness=off, steps_to_draw=len(data.columns))


def mean_correlation(x: torch.Tensor) -> float:
    """Mean |correlation| over all pairs of columns that vary; of independent ones about 0.8 / √N. Rows (N, D)."""
    centred = x.double() - x.double().mean(0)
    norm = centred.norm(dim=0)
    varying = norm > 1e-9 * (1 + x.double().abs().amax(0))
    if int(varying.sum()) < 2:
        return 0.0
    unit = centred[:, varying] / norm[varying]
    correlation = (unit.t() @ unit).abs()
    pairs = correlation.shape[0] * (correlation.shape[0] - 1)
    return float((correlation.sum() - correlation.diagonal().sum()) / pairs)


def _chain(net: RBM, data: Data, generator: torch.Generator) -> dict[int, float]:
    """How far the rows of a chain still are, in mean free energy, from rows of the data."""
    alone = torch.sigmoid(net.base_bias).expand(LOOKED_AT, -1)
    x, done, found = torch.bernoulli(alone, generator=generator), 0, {}
    at_data = float(net.free_energy(data.train.x[:CONDITIONED]).double().mean())
    for steps in CHAIN:
        x = net.gibbs(x, steps - done, generator)
        done = steps
        found[steps] = at_data - float(net.free_energy(x).double().mean())
    return found

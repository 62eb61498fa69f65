"""Conditionals of every kind, and small networks of every kind with random parameters.

The laws are tested on all of them.
"""

import math

import torch

from chainrule import (
    MADE,
    NADE,
    Atoms,
    Bernoulli,
    Categorical,
    ChainTable,
    Committee,
    DiscretizedLogisticMixture,
    Ensemble,
    GaussianMixture,
    IndependentColumns,
    LaplaceMixture,
    LogisticMixture,
    OrderlessNADE,
)
from chainrule.baselines import FVSBN, BernoulliMixture, ChowLiuTree, FullCovarianceMixture
from chainrule.conditionals import AbstractConditional, Calendar, Tied
from chainrule.leaves.warps import Log, Logit, Quantiles, SymmetricLog
from chainrule.networks import AbstractNetwork, Columns, LatentTree
from chainrule.networks.ties import Ranges
from chainrule.rng import generator_from
from chainrule.table.ties import FunctionalTie, LinearTie

FEW = DiscretizedLogisticMixture(2, least=0, most=2, center=1.0)
MIXED = [
    Bernoulli(),
    Categorical(3),
    FEW,
    Atoms((1.0,), FEW),
    Categorical(2),
    Bernoulli(),
]  # 216 rows
LABELS = [Bernoulli(), Categorical(3), Categorical(2), Bernoulli(), Categorical(4)]
UNLISTED = [
    Categorical(2, unlisted=2),
    Bernoulli(),
    Categorical(3, unlisted=0, rows=9),
    Bernoulli(),
]
REAL = [
    GaussianMixture(2),
    Bernoulli(),
    LaplaceMixture(1),
    LogisticMixture(2),
]  # tests integrate the density over two or three of these
OPEN = [
    GaussianMixture(3),
    Categorical(3),
    DiscretizedLogisticMixture(2),
    Atoms((0.0,), GaussianMixture(2)),
    Bernoulli(),
]
# A sum, an order, and a label that another column determines; 180 rows.
_SUM = LinearTie((0, 1, 2), (1, 1, -1), 0, 0)
_ORDER = LinearTie((0, 2), (1, -1), -math.inf, 0)
_MAP = FunctionalTie(1, 3, (1, -1, 0))
TIED = Columns.of(
    [
        Tied(FEW, (0.9, 0.8)),
        Tied(FEW, (0.9,)),
        Tied(Atoms((1.0,), DiscretizedLogisticMixture(2, least=0, most=4)), (0.9, 0.8), 0.05),
        Tied(Bernoulli(), (0.95,)),
        Bernoulli(),
    ],
    [
        Ranges(0, (_SUM, _ORDER), ((1, 0.0, 2.0), (2, 0.0, 4.0))),
        Ranges(1, (_SUM,)),
        Ranges(2, (_SUM, _ORDER), ((0, 0.0, 2.0), (1, 0.0, 2.0))),
        Ranges(3, (_MAP,)),
    ],
)
# Every conditional, in several forms.
CONDITIONALS = [
    Bernoulli(),
    Categorical(1),
    Categorical(5),
    Categorical(4, unlisted=0, rows=20),
    Categorical(4, unlisted=3),
    GaussianMixture(1),
    GaussianMixture(4),
    GaussianMixture(2, center=50.0, spread=7.0),
    LogisticMixture(3),
    LaplaceMixture(1),
    LaplaceMixture(3),
    DiscretizedLogisticMixture(1),
    DiscretizedLogisticMixture(3, center=3.0, spread=2.0),
    DiscretizedLogisticMixture(2, least=0, center=1.0),
    DiscretizedLogisticMixture(2, least=0, most=9, center=4.0, spread=3.0),
    DiscretizedLogisticMixture(1, least=4, most=4, center=4.0),
    DiscretizedLogisticMixture(2, least=-2, most=7, center=40.0, spread=3.0),
    DiscretizedLogisticMixture(2, least=0, most=60, center=1.0, warp=Log(-0.5)),
    DiscretizedLogisticMixture(1, most=300, center=2.0, spread=0.7, warp=Log(0.0, 2.0)),
    DiscretizedLogisticMixture(3, -300, 300, center=1.0, warp=SymmetricLog(3.0, 2.0)),
    DiscretizedLogisticMixture(2, warp=Logit(-0.5, 20.5)),
    DiscretizedLogisticMixture(2, least=1, spread=2.0, warp=Quantiles((0, 5, 9), (-10, 0, 20))),
    GaussianMixture(1, least=0.0, most=1.0),
    GaussianMixture(3, center=1.0, spread=2.0, least=-0.5),
    LogisticMixture(2, most=0.5),
    LogisticMixture(2, center=5.0, spread=3.0, least=-1.0, most=2.0),
    LaplaceMixture(2, least=-0.5, most=4.0),
    LaplaceMixture(1, least=3.0),
    Atoms((0.0,), GaussianMixture(2)),
    Atoms((0.0, 1.0), GaussianMixture(2, least=0.0, most=1.0)),
    Atoms((0.0,), DiscretizedLogisticMixture(2, least=0, most=60, center=1.0, warp=Log(-0.5))),
    Atoms((1.5, -1.0), LaplaceMixture(1)),
    Atoms((0.0, 7.0), DiscretizedLogisticMixture(2, center=3.0, spread=2.0)),
    Atoms((3.0,), DiscretizedLogisticMixture(1, least=0, most=9, center=4.0)),
    Calendar(DiscretizedLogisticMixture(2, center=10.0, spread=2.0), 19_770, -40, 60),
    Calendar(DiscretizedLogisticMixture(1, spread=0.3), -30, -9, 20, slots=6, bins=3),
    Calendar(DiscretizedLogisticMixture(1, spread=0.4), 400, 300, 330, slots=4),
    Calendar(DiscretizedLogisticMixture(2, least=-7, most=40, spread=9.0), 12_000, -7, 40),
    Calendar(DiscretizedLogisticMixture(1, least=-4, spread=0.5), 7, -30, 20, slots=2, bins=2),
    Atoms((2.0,), Calendar(DiscretizedLogisticMixture(2, spread=2.0), 11_000, -90, 90)),
    # Their ranges are parameters, and random ones here: empty, of one value, or of some.
    Tied(Bernoulli(), (0.9,)),
    Tied(Categorical(5), (0.9, 0.5)),
    Tied(Categorical(4, unlisted=3), (0.99,), 0.01),
    Tied(DiscretizedLogisticMixture(3, center=3.0, spread=2.0), (0.9, 0.8)),
    Tied(DiscretizedLogisticMixture(2, least=0, most=9, center=4.0, spread=3.0), (0.9, 0.8, 0.7)),
    Tied(DiscretizedLogisticMixture(2, least=0, most=60, warp=Log(-0.5)), (0.5, 0.9), 0.2),
    Tied(Atoms((0.0, 7.0), DiscretizedLogisticMixture(2, center=3.0, spread=2.0)), (0.9, 0.8)),
    Tied(Calendar(DiscretizedLogisticMixture(2, center=10.0, spread=2.0), 19_770, -40, 60), (0.9,)),
    Tied(DiscretizedLogisticMixture(2, -300, 300, center=1.0, warp=SymmetricLog(3.0, 2.0)), (0.9,)),
    Tied(DiscretizedLogisticMixture(2, warp=Logit(-0.5, 20.5)), (0.9, 0.6)),
    Tied(
        Calendar(DiscretizedLogisticMixture(1, spread=0.3), -30, -9, 20, slots=6, bins=3),
        (0.9,),
    ),
    Tied(
        Atoms((2.0,), Calendar(DiscretizedLogisticMixture(2, spread=2.0), 11_000, -90, 90)), (0.8,)
    ),
    Tied(DiscretizedLogisticMixture(2, warp=Quantiles((0, 5, 9), (-10, 0, 20))), (0.9,)),
]

# Mixtures around what relations predict: their shifts and stretches are parameters, too.
CENTRED = [
    GaussianMixture(2, centred=True),
    GaussianMixture(2, center=1.0, spread=2.0, least=-0.5, centred=True),
    LogisticMixture(2, center=0.5, spread=3.0, least=-1.0, most=2.0, centred=True),
    LaplaceMixture(2, most=4.0, centred=True),
    DiscretizedLogisticMixture(2, center=3.0, spread=2.0, centred=True),
    DiscretizedLogisticMixture(2, least=0, most=9, center=4.0, spread=3.0, centred=True),
    DiscretizedLogisticMixture(2, least=0, most=60, center=1.0, warp=Log(-0.5), centred=True),
    Atoms((0.0, 7.0), DiscretizedLogisticMixture(2, center=3.0, spread=2.0, centred=True)),
    Tied(Atoms((7.0,), DiscretizedLogisticMixture(2, spread=2.0, centred=True)), (0.9,)),
]


def plausible(conditional: AbstractConditional, params: torch.Tensor) -> torch.Tensor:
    """Parameters (..., width), with a shift and a stretch as a relation gives them if centred."""
    if conditional not in CENTRED:
        return params
    params, (shift, log_stretch) = params.clone(), conditional.evidence_slots[-2:]
    params[..., shift] = params[..., shift].clamp(-0.5, 0.5)  # within all bounds
    params[..., log_stretch] = -params[..., log_stretch].abs().clamp(max=3)
    return params


def randomized(network: AbstractNetwork, seed: int, scale: float = 1.0) -> AbstractNetwork:
    generator = generator_from(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, scale, generator=generator)
    return network


def nade(
    columns: object, hidden_size: int, seed: int = 0, scale: float = 1.0, **options: object
) -> AbstractNetwork:
    generator = generator_from(seed)
    return randomized(
        NADE(columns, hidden_size=hidden_size, generator=generator, **options), seed, scale
    )


def made(
    columns: object, *hidden_sizes: int, seed: int = 0, scale: float = 1.0, **options: object
) -> AbstractNetwork:
    generator = generator_from(seed)
    return randomized(MADE(columns, hidden_sizes, generator=generator, **options), seed, scale)


def orderless(
    columns: object, *hidden_sizes: int, seed: int = 0, scale: float = 1.0, **options: object
) -> OrderlessNADE:
    generator = generator_from(seed)
    return randomized(
        OrderlessNADE(columns, hidden_sizes, generator=generator, **options), seed, scale
    )


def committee(*members: AbstractNetwork, weights: object = None) -> Committee:
    return Committee(members, weights)


def full_covariance(columns: int, seed: int, order: object = None) -> FullCovarianceMixture:
    generator = generator_from(seed)
    net = randomized(
        FullCovarianceMixture(columns, components=3, order=order, generator=generator), seed
    )
    with torch.no_grad():
        net.covariance.copy_(
            net.covariance @ net.covariance.transpose(1, 2) + 0.1 * torch.eye(columns)
        )
    return net


NETWORKS = {
    "nade": lambda: nade(8, 6),
    "nade random order": lambda: nade(8, 6, seed=1, order="random"),
    "nade reversed": lambda: nade(7, 5, seed=2, order=list(range(7))[::-1]),
    "nade relu": lambda: nade(8, 6, seed=3, activation="relu"),
    "nade relu random order": lambda: nade(8, 5, seed=4, activation="relu", order="random"),
    "nade one hidden unit": lambda: nade(6, 1, seed=5),
    "nade one column": lambda: nade(1, 4, seed=6),
    "nade two columns": lambda: nade(2, 3, seed=7, order=[1, 0]),
    "nade untrained": lambda: NADE(8, hidden_size=4, generator=generator_from(8)),
    "nade saturated": lambda: nade(6, 4, seed=9, scale=30.0),
    "nade mixed": lambda: nade(MIXED, 5, seed=13),
    "nade mixed random order": lambda: nade(MIXED, 5, seed=14, order="random", activation="relu"),
    "nade unlisted": lambda: nade(UNLISTED, 5, seed=15, order="random"),
    "made": lambda: made(8, 14, 14, seed=16),
    "made random order": lambda: made(8, 14, 9, seed=17, order="random"),
    "made narrow": lambda: made(8, 3, 2, seed=18, order="random"),
    "made one unit": lambda: made(6, 1, seed=19),
    "made one column": lambda: made(1, 4, 3, seed=20),
    "made two columns": lambda: made(2, 3, seed=21, order=[1, 0], activation="sigmoid"),
    "made not direct": lambda: made(7, 12, 13, seed=22, direct=False, activation="sigmoid"),
    "made residual": lambda: made(8, 14, 14, 14, seed=23, residual=True, order="random"),
    "made untrained": lambda: MADE(8, [9, 9], generator=generator_from(24)),
    "made mixed": lambda: made(MIXED, 15, 15, seed=25, order="random"),
    "made unlisted": lambda: made(UNLISTED, 9, seed=26),
    "orderless": lambda: orderless(8, 12, 12, seed=28),
    "orderless random order": lambda: orderless(
        8, 12, 9, seed=29, order="random", activation="sigmoid"
    ),
    "orderless one layer": lambda: orderless(7, 12, seed=30),
    "orderless one column": lambda: orderless(1, 4, seed=31),
    "orderless two columns": lambda: orderless(2, 5, 3, seed=32, order=[1, 0]),
    "orderless untrained": lambda: OrderlessNADE(
        6, [9, 9], generator=generator_from(33), dropout=0.5
    ),
    "orderless mixed": lambda: orderless(MIXED, 12, 12, seed=34, order="random"),
    "nade tied": lambda: nade(TIED, 5, seed=60),
    "nade tied random order": lambda: nade(TIED, 5, seed=61, order="random"),
    "made tied": lambda: made(TIED, 15, seed=62, order="random"),
    "orderless tied": lambda: orderless(TIED, 12, 12, seed=63, order="random"),
    "orderless members tied": lambda: orderless(TIED, 9, seed=64, members=2),
    "committee tied": lambda: committee(nade(TIED, 5, seed=65), made(TIED, 7, seed=66)),
    "orderless members": lambda: orderless(8, 12, 9, seed=36, members=3),
    "orderless members mixed": lambda: orderless(MIXED, 9, 9, seed=37, order="random", members=2),
    "orderless unlisted": lambda: orderless(UNLISTED, 12, seed=35, order="random"),
    "committee": lambda: committee(
        nade(8, 6, seed=38), nade(8, 4, seed=39), nade(8, 5, seed=40, activation="relu")
    ),
    "committee mixed random order": lambda: committee(
        nade(MIXED, 5, seed=41, order=[4, 1, 0, 5, 3, 2]),
        made(MIXED, 15, seed=42, order=[4, 1, 0, 5, 3, 2]),
        weights=[3, 1],
    ),
    "committee unlisted": lambda: committee(nade(UNLISTED, 5, seed=43), nade(UNLISTED, 4, seed=44)),
    "committee of one": lambda: committee(nade(6, 4, seed=45, order="random")),
    "chain table": lambda: randomized(ChainTable(6), 10),
    "chain table random order": lambda: randomized(
        ChainTable(7, order="random", generator=generator_from(11)), 11
    ),
    "independent columns": lambda: randomized(IndependentColumns(8), 12),
    "independent mixed": lambda: randomized(IndependentColumns(MIXED), 27),
    "fvsbn": lambda: randomized(FVSBN(8), 46),
    "fvsbn mixed random order": lambda: randomized(
        FVSBN(MIXED, order="random", generator=generator_from(47)), 47
    ),
    "fvsbn unlisted": lambda: randomized(FVSBN(UNLISTED), 48),
    "tree": lambda: randomized(ChowLiuTree(8, parents=[2, 0, -1, 2, 1, 1, 4, -1]), 49),
    "tree mixed": lambda: randomized(ChowLiuTree(LABELS, parents=[3, 0, 0, -1, 2]), 50),
    "tree unlisted": lambda: randomized(ChowLiuTree(UNLISTED, parents=[2, 0, -1, 0]), 51),
    "mixture of Bernoullis": lambda: randomized(BernoulliMixture(8, components=4), 52),
    "mixture of Bernoullis random order": lambda: randomized(
        BernoulliMixture(7, components=3, order="random", generator=generator_from(53)), 53
    ),
    "latent tree": lambda: randomized(
        LatentTree(8, states=3, parents=[2, 0, -1, 2, 1, 1, 4, 0]), 54
    ),
    "latent tree random order": lambda: randomized(
        LatentTree(7, states=2, order="random", generator=generator_from(55)), 55
    ),
    "latent tree of one column": lambda: randomized(LatentTree(1, states=4), 56),
}

# Networks whose rows cannot be enumerated: columns of reals or of unbounded integers.
OPEN_NETWORKS = {
    "nade real": lambda: nade(REAL[:2], 5, seed=0, order=[1, 0]),
    "nade real first": lambda: nade(REAL[2:], 5, seed=1),
    "nade open": lambda: nade(OPEN, 6, seed=2, order="random"),
    "made real": lambda: made(REAL[:2], 7, seed=3),
    "made real last": lambda: made(REAL[2:], 7, 6, seed=4, order=[1, 0]),
    "made open": lambda: made(OPEN, 15, 15, seed=5, order="random"),
    "orderless real": lambda: orderless(REAL[:2], 9, 9, seed=7),
    "orderless real last": lambda: orderless(REAL[2:], 9, seed=8, order=[1, 0]),
    "orderless members real": lambda: orderless(REAL[:2], 9, 9, seed=10, members=2),
    "orderless members open": lambda: orderless(OPEN, 12, seed=11, order="random", members=3),
    "orderless open": lambda: orderless(OPEN, 12, 12, seed=9, order="random"),
    "committee real": lambda: committee(
        nade(REAL[:2], 5, seed=12), made(REAL[:2], 7, seed=13), weights=[1, 2]
    ),
    "committee open": lambda: committee(nade(OPEN, 6, seed=14), nade(OPEN, 5, seed=15)),
    "independent open": lambda: randomized(IndependentColumns(OPEN), 6),
    "fvsbn real": lambda: randomized(FVSBN(REAL[:2]), 16),
    "fvsbn open": lambda: randomized(FVSBN(OPEN, order="random", generator=generator_from(17)), 17),
    "full covariance real": lambda: full_covariance(2, 18),
    "full covariance random order": lambda: full_covariance(4, 19, order="random"),
}

# Networks with conditionals that may not depend on all earlier columns. Independent columns depend
# on none, a tree on the parent only. Saturated units are constant, untrained ones nearly so. A
# single relu unit may be off in every row.
FLAT = ("independent", "tree", "saturated", "untrained", "one unit")
DEPENDENT = [name for name in (*NETWORKS, *OPEN_NETWORKS) if not any(word in name for word in FLAT)]


def eonade(columns: object, orders: int, seed: int) -> Ensemble:
    net = orderless(columns, 9, 8, seed=seed)
    return Ensemble(
        [
            net.with_order(torch.randperm(len(net.columns), generator=generator_from(k)))
            for k in range(orders)
        ]
    )


ENSEMBLES = {
    "two orders": lambda: Ensemble([nade(6, 4, seed=1), made(6, 9, seed=2, order="random")]),
    "one order": lambda: Ensemble(
        [
            nade(6, 4, seed=3, order=[1, 0, 5, 3, 2, 4]),
            made(6, 9, seed=4, order=[1, 0, 5, 3, 2, 4]),
        ],
        [3, 1],
    ),
    "mixed columns": lambda: Ensemble(
        [nade(MIXED, 4, seed=5, order="random"), orderless(MIXED, 9, seed=6)], [1.0, 2.0]
    ),
    "orders of one network": lambda: eonade(6, 4, seed=7),
    "orderless and its orders": lambda: Ensemble([eonade(5, 2, seed=8), orderless(5, 7, seed=9)]),
    "committees": lambda: Ensemble(
        [
            committee(nade(6, 4, seed=12), nade(6, 3, seed=13)),
            committee(
                nade(6, 4, seed=14, order="reverse"),
                made(6, 9, seed=15, order="reverse"),
                weights=[2, 1],
            ),
        ]
    ),
    "committee and latent trees": lambda: Ensemble(
        [
            committee(nade(6, 4, seed=18, order="reverse"), nade(6, 3, seed=19, order="reverse")),
            randomized(LatentTree(6, states=3, parents=[2, 0, 4, 2, -1, 3], order="reverse"), 20),
            randomized(LatentTree(6, states=2, order="reverse"), 21),
        ],
        [3, 1, 2],
    ),
    "tied": lambda: Ensemble(
        [orderless(TIED, 9, seed=16), orderless(TIED, 7, seed=17, order="random")]
    ),
    "unlisted": lambda: Ensemble(
        [orderless(UNLISTED, 9, seed=10), orderless(UNLISTED, 7, seed=11, order="random")]
    ),
}

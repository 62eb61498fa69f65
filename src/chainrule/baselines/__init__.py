"""Simple densities to compare networks with, and other model families of the lecture."""

from __future__ import annotations

from chainrule.baselines.bernoulli_mixture import BernoulliMixture
from chainrule.baselines.chain_table import ChainTable
from chainrule.baselines.chow_liu import ChowLiuTree
from chainrule.baselines.contrastive_divergence import contrastive_divergence
from chainrule.baselines.files import load, save
from chainrule.baselines.full_covariance import FullCovarianceMixture
from chainrule.baselines.fvsbn import FVSBN
from chainrule.baselines.independent import IndependentColumns
from chainrule.baselines.rbm import RBM
from chainrule.baselines.vae import VAE

__all__ = [
    "FVSBN",
    "RBM",
    "VAE",
    "BernoulliMixture",
    "ChainTable",
    "ChowLiuTree",
    "FullCovarianceMixture",
    "IndependentColumns",
    "contrastive_divergence",
    "load",
    "save",
]

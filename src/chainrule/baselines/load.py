"""Baselines back from files."""

from __future__ import annotations

import os

from chainrule import fileformat
from chainrule.baselines.bernoulli_mixture import BernoulliMixture
from chainrule.baselines.chain_table import ChainTable
from chainrule.baselines.chow_liu import ChowLiuTree
from chainrule.baselines.full_covariance import FullCovarianceMixture
from chainrule.baselines.fvsbn import FVSBN
from chainrule.baselines.independent import IndependentColumns
from chainrule.baselines.rbm import RBM
from chainrule.baselines.saved import KIND, AbstractSaved
from chainrule.baselines.vae import VAE
from chainrule.errors import FormatError
from chainrule.networks.rebuild import network_from_json

BASELINES: dict[str, type[AbstractSaved]] = {
    each.__name__: each
    for each in (
        BernoulliMixture,
        ChainTable,
        ChowLiuTree,
        FVSBN,
        FullCovarianceMixture,
        IndependentColumns,
        RBM,
        VAE,
    )
}


def load(path: str | os.PathLike[str]) -> AbstractSaved:
    """The baseline in a file that its ``save`` wrote, with the same numbers to the bit.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: it is truncated, edited, or not a file of a baseline.
    """
    contents = fileformat.read(path, kind=KIND)
    try:
        return network_from_json(contents.content, contents.arrays, BASELINES, what="baseline")
    except FormatError as error:
        raise FormatError(f"{os.fspath(path)}: {error}") from error

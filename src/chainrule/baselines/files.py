"""Baselines in files, by the same format as fitted tables."""

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
from chainrule.baselines.vae import VAE
from chainrule.errors import ChainruleError, FormatError, unknown_choice
from chainrule.networks.rebuild import network_from_json, network_to_json
from chainrule.networks.trainable import AbstractTrainable
from chainrule.version import version

KIND = "baseline"

BASELINES: dict[str, type[AbstractTrainable]] = {
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


def save(network: AbstractTrainable, path: str | os.PathLike[str]) -> None:
    """Writes columns, class, configuration and tensors of a baseline to a file, which appears only when complete.

    Raises:
        ChainruleError: a network that is no baseline.
    """
    if type(network) is not BASELINES.get(name := type(network).__name__):
        raise ChainruleError(unknown_choice("baseline", name, BASELINES))
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}
    fileformat.write(path, fileformat.Contents(KIND, network_to_json(network), arrays, version()))


def load(path: str | os.PathLike[str]) -> AbstractTrainable:
    """The baseline in a file that ``save`` wrote, with the same numbers to the bit.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: it is truncated, edited, or not a file of a baseline.
    """
    contents = fileformat.read(path, kind=KIND)
    try:
        return network_from_json(contents.content, contents.arrays, BASELINES, what="baseline")
    except FormatError as error:
        raise FormatError(f"{os.fspath(path)}: {error}") from error

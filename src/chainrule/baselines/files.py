"""Saving and loading baselines, in the file format of fitted densities."""

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
    """Writes the columns, class, configuration and tensors of a baseline to a file.

    The file appears only when it is complete.

    Raises:
        ChainruleError: the network is not a baseline.

    Examples:
        >>> import tempfile
        >>> from chainrule.baselines import IndependentColumns, load, save
        >>> net = IndependentColumns(2)
        >>> net.initialize_from(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(net, f"{folder}/columns.chainrule")
        ...     loaded = load(f"{folder}/columns.chainrule")
        >>> type(loaded).__name__
        'IndependentColumns'
    """
    if type(network) is not BASELINES.get(name := type(network).__name__):
        raise ChainruleError(unknown_choice("baseline", name, BASELINES))
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}
    fileformat.write(path, fileformat.Contents(KIND, network_to_json(network), arrays, version()))


def load(path: str | os.PathLike[str]) -> AbstractTrainable:
    """Reads a baseline from a file written by ``save``; all its numbers are bitwise the same.

    Raises:
        FileNotFoundError: the file does not exist.
        FormatError: the file is truncated, edited, or does not hold a baseline.
    """
    contents = fileformat.read(path, kind=KIND)
    try:
        return network_from_json(contents.content, contents.arrays, BASELINES, what="baseline")
    except FormatError as error:
        raise FormatError(f"{os.fspath(path)}: {error}") from error

"""Baselines back from files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

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
from chainrule.errors import FormatError, unknown_choice

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
    contents, name = fileformat.read(path, kind=KIND), os.fspath(path)
    cls = contents.content.get("class")
    if not isinstance(cls, str) or cls not in BASELINES:
        raise FormatError(f"{name}: {unknown_choice('baseline', cls, BASELINES)}")
    try:
        _require_sizes(BASELINES[cls], contents.content["config"], contents.arrays, name)
        built = BASELINES[cls].from_config(contents.content["config"])
        tensors = {key: torch.from_numpy(array.copy()) for key, array in contents.arrays.items()}
        if broken := [key for key, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())]:
            raise FormatError(f"{name}: array {broken[0]!r} holds values that are not finite; the model is no density")
        types = {tensor.dtype for tensor in tensors.values() if tensor.is_floating_point()}
        for dtype in types:
            built = built.to(dtype)
        expected = {key: (tuple(tensor.shape), tensor.dtype) for key, tensor in built.state_dict().items()}
        for key, (shape, dtype) in expected.items():
            found = tensors.get(key)
            if found is None or (tuple(found.shape), found.dtype) != (shape, dtype):
                has = "absent" if found is None else f"{found.dtype} of shape {tuple(found.shape)}"
                raise FormatError(f"{name}: array {key!r} is {has}; expected {dtype} of shape {shape}")
        built.load_state_dict(tensors)
        built.require_density()
    except FormatError:
        raise
    except (LookupError, TypeError, AttributeError, ValueError, RuntimeError, OverflowError) as error:
        raise FormatError(f"{name}: the baseline cannot be rebuilt from its description: {error}") from error
    return built.eval()


def _require_sizes(cls: type[AbstractSaved], config: Any, arrays: Mapping[str, np.ndarray], name: str) -> None:
    """Raises FormatError before a baseline is built that is larger than the file it is said to come from."""
    described, held = config["columns"], sum(array.size for array in arrays.values())
    columns = described if isinstance(described, int) else sum(int(run["times"]) for run in described)
    if columns > held:
        raise FormatError(f"{name}: the description has {columns} columns, the arrays {held} numbers in all")
    layers = config.get("hidden_sizes", ())
    if isinstance(layers, Sequence) and len(layers) > len(arrays):
        raise FormatError(
            f"{name}: the description has {len(layers)} hidden layers, the file {len(arrays)} arrays in all"
        )
    with torch.device("meta"):  # shapes without memory
        expected = {key: tuple(tensor.shape) for key, tensor in cls.from_config(config).state_dict().items()}
    for key, shape in expected.items():
        found = arrays.get(key)
        if found is None or found.shape != shape:
            has = "absent" if found is None else f"{found.dtype} of shape {found.shape}"
            raise FormatError(f"{name}: array {key!r} is {has}; the description says {shape}")

"""Baselines in files, by the same format as fitted tables."""

from __future__ import annotations

import os

from chainrule import fileformat
from chainrule.networks.rebuild import network_to_json
from chainrule.networks.trainable import AbstractTrainable
from chainrule.version import version

KIND = "baseline"


class AbstractSaved(AbstractTrainable):
    """A module that writes itself to a file; ``chainrule.baselines.load`` reads it."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes columns, class, configuration and tensors to a file, which appears only when complete."""
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in self.state_dict().items()}
        fileformat.write(path, fileformat.Contents(KIND, network_to_json(self), arrays, version()))

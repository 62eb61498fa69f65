"""Baselines in files: what a network is, and its tensors, by the same format as fitted tables."""

from __future__ import annotations

import os

from chainrule import fileformat
from chainrule.networks.trainable import AbstractTrainable
from chainrule.version import version

KIND = "baseline"


class AbstractSaved(AbstractTrainable):
    """A module that writes itself to a file; ``chainrule.baselines.load`` reads it."""

    def require_density(self) -> None:
        """Raises ShapeError where tensors of the right shapes make no density; what a file is asked when it is read."""
        return

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes class, configuration and tensors to a file, which appears only when complete."""
        content = {"class": type(self).__name__, "config": self.config()}
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in self.state_dict().items()}
        fileformat.write(path, fileformat.Contents(KIND, content, arrays, version()))

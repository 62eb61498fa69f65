"""Layers: what networks use of ``torch.nn``."""

from __future__ import annotations

from chainrule.tensors.nn import functional
from chainrule.tensors.nn.modules import Module, ModuleList, Parameter, ParameterList

__all__ = ["Module", "ModuleList", "Parameter", "ParameterList", "functional"]

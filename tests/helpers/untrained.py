"""Untrained densities, for tests of the types and names of answers."""

import json
import warnings

import torch

from chainrule.density import Density
from chainrule.model import Model, columns_of
from chainrule.networks import OrderlessNADE
from chainrule.table import infer_schema


def untrained(table, **options):
    """An untrained density over the table's columns; ignores warnings about left-out columns."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* left out ")
        schema = infer_schema(table, **options)
    generator = torch.Generator().manual_seed(0)
    columns = columns_of(schema, components=2)
    return Density(Model(schema, OrderlessNADE(columns, hidden_sizes=(2,), generator=generator)))


def as_from_a_file(density):
    """The density rebuilt from its JSON and arrays, as loading a file does."""
    spec = json.loads(json.dumps(density.model.to_json()))
    return Density(Model.from_parts(spec, density.model.arrays()))

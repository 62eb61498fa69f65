"""Densities whose networks have seen no row: what they answer has the types and names of their table all the same."""

import json
import warnings

import torch

from chainrule.density import Density
from chainrule.model import Model, columns_of
from chainrule.networks import OrderlessNADE
from chainrule.table import infer_schema


def untrained(table, **options):
    """A density of the table's columns, of two hidden units; columns that are left out are no concern."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* left out ")
        schema = infer_schema(table, **options)
    generator = torch.Generator().manual_seed(0)
    columns = columns_of(schema, components=2)
    return Density(Model(schema, OrderlessNADE(columns, hidden_sizes=(2,), generator=generator)))


def as_from_a_file(density):
    """The density that its description as JSON makes, as a file would hold it."""
    spec = json.loads(json.dumps(density.model.to_json()))
    return Density(Model.from_parts(spec, density.model.arrays()))

"""Columns that say where cells of another column are missing: the one place that knows of them.

A fit with ``missing="informative"`` gives such a flag to each column with missing cells. A flag is a binary column, known
wherever its column is in the table. Networks do not know flags: for them they are columns as others are.
"""

from __future__ import annotations

import numpy as np
import torch

from chainrule.networks import AbstractNetwork
from chainrule.table import Codes, Schema


def is_flag(schema: Schema) -> np.ndarray:
    """Which columns are flags, bool (D,)."""
    return np.array([column.is_flag for column in schema.columns])


def flags_first(schema: Schema) -> list[int]:
    """The numbers of all columns, flags first: in this order what is missing is drawn before what is not."""
    return np.argsort(~is_flag(schema), kind="stable").tolist()


def there(schema: Schema) -> np.ndarray:
    """Codes (D,) of a row without missing cells: those of its flags; zero in other columns."""
    return _codes(schema, missing=False)


def missing(schema: Schema, values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The cells (N, D) that their known flag calls missing, bool; values and known cells (N, D)."""
    found, absent = np.zeros(values.shape, dtype=bool), _codes(schema, missing=True)
    for k, flag in schema.flags.items():
        found[:, k] = known[:, flag] & (values[:, flag] == absent[flag])
    return found


def present(schema: Schema, codes: Codes, cells: np.ndarray) -> Codes:
    """The codes with flags that say that these cells (N, D) are there: a cell that is asked for or filled is not missing."""
    if not (found := schema.flags):
        return codes
    values, observed, said = codes.values.copy(), codes.observed.copy(), there(schema)
    for k, flag in found.items():
        values[cells[:, k], flag], observed[cells[:, k], flag] = said[flag], True
    return Codes(values, observed, codes.outside)


def given(schema: Schema, codes: Codes) -> Codes:
    """The codes of given cells: a cell that is not given is drawn, and its flag, which would call it missing, is unknown."""
    observed = codes.observed.copy()
    for k, flag in schema.flags.items():
        observed[:, flag] &= codes.observed[:, k]
    return Codes(codes.values, observed, codes.outside)


def draw(
    schema: Schema,
    network: AbstractNetwork,
    n: int,
    given: tuple[torch.Tensor, torch.Tensor] | None,
    temperature: float,
    generator: torch.Generator,
) -> torch.Tensor:
    """n rows (n, D), given codes and which of them are known, as of the network's ``sample``.

    A network that takes any evidence draws flags first and then the cells that are not missing. Those that are missing
    stay open, so that the others do not depend on them.
    """
    if not schema.flags or not network.any_evidence:
        return network.sample(n, given=given, temperature=temperature, generator=generator)
    with torch.no_grad():
        n, values, known = network.check_draws(n, given, temperature)
        own = torch.from_numpy(~is_flag(schema)).to(known.device)
        values = network.complete(values, known, temperature, generator, asked=~(known | own))
        with_flags = known | ~own
        asked = ~(with_flags | _missing(schema, values, with_flags))
        return network.complete(values, with_flags, temperature, generator, asked=asked)


def draw_like(
    schema: Schema, network: AbstractNetwork, n: int, codes: np.ndarray, told: np.ndarray, generator: torch.Generator
) -> torch.Tensor:
    """n rows (n, D) with the flags ``told``, bool (D,), at these codes (D,), if the network takes them as given.

    A network of one order draws its flags itself.
    """
    with torch.no_grad():
        if not told.any() or not network.any_evidence:
            return network.sample(n, generator=generator)
        given = torch.from_numpy(codes)[None], torch.from_numpy(told)[None]
        n, values, known = network.check_draws(n, given, 1.0)
        return network.complete(values, known, 1.0, generator, asked=~(known | _missing(schema, values, known)))


def _missing(schema: Schema, values: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """The cells (N, D) that their known flag calls missing, bool."""
    found = missing(schema, values.cpu().numpy(), known.cpu().numpy())
    return torch.from_numpy(found).to(values.device)


def _codes(schema: Schema, *, missing: bool) -> np.ndarray:
    """Codes (D,) of flags of missing cells, or of cells that are there; zero in other columns."""
    columns = enumerate(schema.columns)
    codes = [schema.flag_code(k, missing=missing) if column.is_flag else 0 for k, column in columns]
    return np.array(codes, dtype=np.float64)

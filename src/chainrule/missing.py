"""Flag columns, which say whether another column's cell is missing.

This module alone knows of them. A fit with ``missing="informative"`` adds a flag for each column
with missing cells. A flag is a binary column. It is known wherever its column is in the table. For
networks, flags are ordinary columns.
"""

from __future__ import annotations

import numpy as np
import torch

from chainrule.networks import AbstractNetwork
from chainrule.rng import Source
from chainrule.table import Codes, Schema


def is_flag(schema: Schema) -> np.ndarray:
    """Returns which columns are flags, bool (D,)."""
    return np.array([column.is_flag for column in schema.columns])


def flags_first(schema: Schema) -> list[int]:
    """Returns the indices of all columns, flags first: missingness is drawn before values."""
    return np.argsort(~is_flag(schema), kind="stable").tolist()


def complete_codes(schema: Schema) -> np.ndarray:
    """Returns codes (D,) of the flags of a complete row; zero in other columns."""
    return _codes(schema, missing=False)


def missing(schema: Schema, values: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Returns the mask (N, D) of cells that an observed flag marks as missing.

    The arguments values and observed are (N, D).
    """
    is_missing, codes = np.zeros(values.shape, dtype=bool), _codes(schema, missing=True)
    for k, flag in schema.flags.items():
        is_missing[:, k] = observed[:, flag] & (values[:, flag] == codes[flag])
    return is_missing


def present(schema: Schema, codes: Codes, cells: np.ndarray) -> Codes:
    """Returns codes in which the flags of the cells (N, D) say "not missing".

    These are cells that are asked for or filled.
    """
    if not schema.flags:
        return codes
    values, observed, complete = codes.values.copy(), codes.observed.copy(), complete_codes(schema)
    for k, flag in schema.flags.items():
        values[cells[:, k], flag], observed[cells[:, k], flag] = complete[flag], True
    return Codes(values, observed, codes.outside)


def present_codes(schema: Schema) -> dict[int, tuple[int, float]]:
    """Returns, for each column with a flag, the flag's index and its code of "not missing"."""
    complete = complete_codes(schema)
    return {k: (flag, float(complete[flag])) for k, flag in schema.flags.items()}


def missing_codes(schema: Schema) -> dict[int, tuple[int, float]]:
    """Returns, for each column with a flag, the flag's index and its code of "missing"."""
    codes = _codes(schema, missing=True)
    return {k: (flag, float(codes[flag])) for k, flag in schema.flags.items()}


def given(schema: Schema, codes: Codes) -> Codes:
    """Returns the codes of given cells, without the flags of all other cells.

    The other cells are drawn, not missing.
    """
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
    generator: Source,
) -> torch.Tensor:
    """Draws n rows (n, D), given codes and the mask of given cells.

    A network that takes any evidence draws flags first, and then the cells that are not missing.
    Missing cells are not drawn, so that other cells do not depend on them.
    """
    if not schema.flags or not network.any_evidence:
        return network.sample(n, given=given, temperature=temperature, generator=generator)
    with torch.no_grad():
        n, values, is_given = network.check_draws(n, given, temperature)
        flags = torch.from_numpy(is_flag(schema)).to(is_given.device)
        values = network.complete(values, is_given, temperature, generator, asked=flags & ~is_given)
        given_or_flag = is_given | flags
        asked = ~(given_or_flag | _missing(schema, values, given_or_flag))
        return network.complete(values, given_or_flag, temperature, generator, asked=asked)


def draw_like(
    schema: Schema,
    network: AbstractNetwork,
    n: int,
    codes: np.ndarray,
    given: np.ndarray,
    generator: torch.Generator,
) -> torch.Tensor:
    """Draws n rows (n, D) given flags, whose codes (D,) are the same for all rows.

    The flags are those in the mask ``given`` (D,). A network of one order cannot condition on
    flags, and draws them.
    """
    with torch.no_grad():
        if not given.any() or not network.any_evidence:
            return network.sample(n, generator=generator)
        cells = torch.from_numpy(codes)[None], torch.from_numpy(given)[None]
        n, values, is_given = network.check_draws(n, cells, 1.0)
        asked = ~(is_given | _missing(schema, values, is_given))
        return network.complete(values, is_given, 1.0, generator, asked=asked)


def _missing(schema: Schema, values: torch.Tensor, observed: torch.Tensor) -> torch.Tensor:
    """Returns the mask (N, D) of cells that an observed flag marks as missing."""
    found = missing(schema, values.cpu().numpy(), observed.cpu().numpy())
    return torch.from_numpy(found).to(values.device)


def _codes(schema: Schema, *, missing: bool) -> np.ndarray:
    """Returns codes (D,) of the flags of missing cells, or of cells that are not missing.

    Codes of other columns are zero.
    """
    columns = enumerate(schema.columns)
    codes = [schema.flag_code(k, missing=missing) if column.is_flag else 0 for k, column in columns]
    return np.array(codes, dtype=np.float64)

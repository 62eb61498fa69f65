"""Chainrule's promises as functions for tests: of a new network, or of a model file."""

from __future__ import annotations

from chainrule.testing.check import CheckResult, check
from chainrule.testing.laws import (
    all_rows,
    assert_agrees,
    assert_autoregressive,
    assert_jacobian_triangular,
    assert_marginals,
    assert_pure,
    assert_sampler_matches,
    assert_sums_to_one,
    chi_squared_p_value,
    flip_responses,
    integrate,
    multiplicities,
)

__all__ = [
    "CheckResult",
    "all_rows",
    "assert_agrees",
    "assert_autoregressive",
    "assert_jacobian_triangular",
    "assert_marginals",
    "assert_pure",
    "assert_sampler_matches",
    "assert_sums_to_one",
    "check",
    "chi_squared_p_value",
    "flip_responses",
    "integrate",
    "multiplicities",
]

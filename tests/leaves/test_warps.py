"""Laws of warps: increasing, inverted, differentiable, exact in differences, for all arrays."""

import math

import numpy as np
import pytest
import torch

from chainrule.errors import FormatError, ShapeError
from chainrule.leaves.warps import (
    WARPS,
    Log,
    Logit,
    Quantiles,
    SymmetricLog,
    warp_from_json,
)

ALL = [
    Log(),
    Log(origin=-0.5, unit=3.0),
    SymmetricLog(),
    SymmetricLog(center=50.0, unit=0.1),
    Logit(),
    Logit(17.5, 90.5),
    Quantiles((0.0, 1.0, 9.0), (-1.0, 0.0, 1.0)),
    Quantiles((-5.0, 0.0, 0.1, 0.2, 30.0), (-2.0, -1.0, 0.5, 0.6, 2.0)),
]


def inside(warp, count=2001, dtype=np.float64):
    """Numbers of which each has an image."""
    z = np.linspace(-12, 12, count)
    return warp.inverse(z).astype(dtype)


def test_every_warp_is_here():
    assert {type(warp) for warp in ALL} == set(WARPS.values())


@pytest.mark.parametrize("warp", ALL, ids=repr)
def test_the_inverse_undoes_and_the_map_increases(warp):
    z = np.linspace(-12, 12, 2001)
    x = warp.inverse(z)
    assert (np.diff(x) > 0).all()
    assert ((x > warp.low) & (x < warp.high)).all()
    # In the far tail of a share, one bit of x is many of z.
    error = np.exp(-warp.log_slope(x)) * np.abs(warp.forward(x) - z)
    assert (error <= 1e-14 * (1 + np.abs(x))).all()


@pytest.mark.parametrize("warp", ALL, ids=repr)
def test_the_slope_is_the_derivative_also_at_the_points_of_a_map(warp):
    x = inside(warp)
    if isinstance(warp, Quantiles):
        x = np.concatenate([x, warp.xs])
    step = 1e-7 * np.exp(-warp.log_slope(x))
    slope = (warp.forward(x + step / 2) - warp.forward(x - step / 2)) / step
    np.testing.assert_allclose(np.exp(warp.log_slope(x)), slope, rtol=1e-3)


@pytest.mark.parametrize("warp", ALL, ids=repr)
def test_ends_have_infinite_images_and_what_lies_beyond_has_no_density(warp):
    beyond = [end + by for end, by in ((warp.low, 0), (warp.low, -3), (warp.low, -1e9))]
    beyond = np.array([*beyond, warp.high, warp.high + 3, warp.high + 1e9])
    np.testing.assert_array_equal(warp.forward(beyond), [-math.inf] * 3 + [math.inf] * 3)
    np.testing.assert_array_equal(warp.log_slope(beyond), [-math.inf] * 6)
    ends = warp.inverse(np.array([-math.inf, math.inf]))
    np.testing.assert_array_equal(ends, [warp.low, warp.high])
    assert np.isnan(warp.forward(np.array([math.nan]))).all()


@pytest.mark.parametrize("warp", ALL, ids=repr)
@pytest.mark.parametrize("step", [1e-9, 1e-3, 1.0])
def test_differences_do_not_cancel(warp, step):
    """In float32 they are those of float64; the difference of two images would be noise."""
    x = inside(warp, dtype=np.float32)
    exact = x.astype(np.float64)
    within = (exact - step / 2 > warp.low) & (exact + step / 2 < warp.high)
    near = np.minimum(exact - warp.low, warp.high - exact) > 1e-4 * (1 + np.abs(exact))
    x, exact = x[within & near], exact[within & near]
    finer = exact.astype(np.longdouble)
    want = warp.forward(finer + step / 2) - warp.forward(finer - step / 2)
    got = warp.difference(exact, step)
    rounding = 1e-14 if type(warp) is Quantiles else 1e-17
    np.testing.assert_allclose(got, want, rtol=1e-8, atol=rounding)
    np.testing.assert_allclose(warp.difference(x, step), got, rtol=2e-3 if step == 1 else 3e-4)
    narrow = step * np.exp(warp.log_slope(exact))
    if step == 1e-9:
        np.testing.assert_allclose(got, narrow, rtol=1e-6 if type(warp) is not Quantiles else 1e-3)


@pytest.mark.parametrize("warp", [Log(0.0), Logit(0.0, 10.0)], ids=repr)
def test_differences_at_the_ends_are_infinite_and_beyond_them_zero(warp):
    x = np.array([0.0, 0.5, -0.5, -7.0])
    np.testing.assert_array_equal(warp.difference(x, 1.0), [math.inf, math.inf, 0.0, 0.0])
    if warp.high < math.inf:
        x = np.array([10.0, 9.5, 10.5, 17.0])
        np.testing.assert_array_equal(warp.difference(x, 1.0), [math.inf, math.inf, 0.0, 0.0])


@pytest.mark.parametrize("warp", ALL, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tensors_and_arrays_have_the_same_images(warp, dtype):
    x = np.concatenate([inside(warp, dtype=dtype), np.array([-3.0, 0, 1, 1e6, math.inf], dtype)])
    t = torch.from_numpy(x)
    z = warp.forward(x)
    pairs = [
        (z, warp.forward(t, torch)),
        (warp.log_slope(x), warp.log_slope(t, torch)),
        (warp.difference(x, 1.0), warp.difference(t, 1.0, torch)),
        (warp.inverse(z), warp.inverse(torch.from_numpy(z), torch)),
    ]
    for of_numpy, of_torch in pairs:
        assert of_numpy.dtype == of_torch.numpy().dtype == dtype
        np.testing.assert_allclose(
            of_torch.numpy(),
            of_numpy,
            rtol=1e-4 if dtype is np.float32 else 1e-12,
            atol=1e-6 if dtype is np.float32 else 1e-13,
        )


@pytest.mark.parametrize("warp", ALL, ids=repr)
def test_json_round_trip(warp):
    assert warp_from_json(warp.to_json()) == warp


def test_slopes_fall_on_either_side_of_the_steepest_number():
    for warp in ALL:
        if warp.steepest is None:
            continue
        x = inside(warp)
        for side in (x[x > warp.steepest], -np.sort(-x[x < warp.steepest])):
            assert (np.diff(warp.log_slope(side)) < 0).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Log(unit=0.0), "unit = 0.0: pass a number above zero"),
        (lambda: Log(origin=math.inf), "origin = inf: pass a finite number"),
        (lambda: Logit(1.0, 1.0), "least = 1.0 is not below most = 1.0"),
        (lambda: SymmetricLog(unit=-1), "unit = -1: pass a number above zero"),
        (lambda: Quantiles((0.0,), (0.0,)), "xs = (0.0,): pass two numbers or more"),
        (
            lambda: Quantiles((0.0, 1.0), (1.0, 1.0)),
            "zs = (1.0, 1.0): pass finite numbers, each larger than the one before",
        ),
        (lambda: Quantiles((0, 1, 2), (0, 1)), "xs has 3 numbers and zs 2: pass pairs"),
    ],
)
def test_impossible_warps_are_refused(make, message):
    with pytest.raises(ShapeError) as error:
        make()
    assert str(error.value) == message


def test_unknown_json_is_a_format_error():
    with pytest.raises(FormatError, match="warp 'Logg' is unknown"):
        warp_from_json({"kind": "Logg"})

"""Laws of encodings: finite inputs of the stated width, the same each time, and nothing lost that a
network should read.
"""

import math

import pytest
import torch

from chainrule.conditionals import (
    ENCODINGS,
    AtomFlags,
    Atoms,
    Bernoulli,
    Categorical,
    DiscretizedLogisticMixture,
    GaussianMixture,
    Identity,
    Joined,
    OneHot,
    Periodic,
    PiecewiseLinear,
    Standardised,
    encoding_from_json,
)
from chainrule.errors import FormatError, ShapeError
from chainrule.leaves.warps import Log, Logit
from chainrule.networks import NADE, Columns, OrderlessNADE
from chainrule.rng import generator_from

# Each encoding with values that it must tell apart.
ENCODED = {
    Identity(): (0.0, 1.0),
    OneHot(1): (0.0, 1.0),
    OneHot(4): (0.0, 1.0, 2.0, 3.0, 4.0),
    Standardised(): (-2.0, 0.0, 1.5),
    Standardised(10.0, 2.0, low=8.0, high=14.0): (8.0, 9.0, 11.5, 14.0),
    AtomFlags((0.0,)): (0.0, 3.0),
    AtomFlags((1.5, -1.0)): (-1.0, 1.5, 0.0),
    Periodic((7.0,)): (0.0, 1.0, 3.5, 6.5),
    Periodic((24.0, 168.0)): (0.0, 24.0, 48.0, 30.0, 167.0),
    PiecewiseLinear((0.0, 2.5, 6.0)): (0.0, 1.0, 2.5, 4.0, 6.0),
    PiecewiseLinear((-1.0, 0.0, 0.25)): (-1.0, -0.5, 0.1, 0.25),
    Joined((AtomFlags((0.0,)), Standardised(low=-1.0, high=1.0), Periodic((1.5,)))): (
        0.0,
        -1.0,
        1.0,
        0.5,
    ),
    OneHot(2) + OneHot(3): (0.0, 1.0, 2.0, 3.0),
}


def test_every_encoding_is_tested():
    assert {type(each).__name__ for each in ENCODED} == set(ENCODINGS)


@pytest.mark.parametrize("encoding", ENCODED, ids=repr)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_inputs_are_finite_and_the_same_each_time(encoding, dtype):
    """Also far out, and in any shape: a value is encoded by itself."""
    x = torch.tensor([*ENCODED[encoding], -1e30, 1e30, -0.5, 1e4], dtype=dtype)
    inputs = encoding.encode(x)
    assert inputs.shape == (len(x), encoding.width)
    assert inputs.dtype == dtype
    assert bool(inputs.isfinite().all())
    assert torch.equal(encoding.encode(x), inputs)
    assert torch.equal(encoding.encode(x[None, :, None]), inputs[None, :, None])
    for k in range(len(x)):
        assert torch.equal(encoding.encode(x[k]), inputs[k])


@pytest.mark.parametrize("encoding", ENCODED, ids=repr)
def test_values_are_told_apart(encoding):
    """By more than what rounding may hide; values that are no evidence have zeros alone."""
    x = torch.tensor(ENCODED[encoding], dtype=torch.float32)
    inputs = encoding.encode(x)
    gaps = torch.cdist(inputs, inputs) + torch.eye(len(x))
    assert float(gaps.min()) > 1e-3
    known = encoding.is_evidence(x)
    assert known.dtype == torch.bool
    assert bool((inputs[~known] == 0).all())
    assert int((~known).sum()) == (1 if "OneHot" in repr(encoding) else 0)


@pytest.mark.parametrize("encoding", [each for each in ENCODED if each.is_one_hot], ids=repr)
def test_a_code_of_a_one_hot_encoding_sets_its_own_input(encoding):
    assert torch.equal(
        encoding.encode(torch.arange(float(encoding.width))), torch.eye(encoding.width)
    )


@pytest.mark.parametrize("encoding", ENCODED, ids=repr)
def test_json_round_trip(encoding):
    assert encoding_from_json(encoding.to_json()) == encoding


def test_unknown_or_misspelt_json_is_a_format_error():
    with pytest.raises(FormatError, match=r"encoding 'OneHt' is unknown.*nearest: 'OneHot'"):
        encoding_from_json({"kind": "OneHt"})
    with pytest.raises(FormatError, match=r"does not take the options \['wide'\]"):
        encoding_from_json({"kind": "Identity", "wide": 3})
    with pytest.raises(FormatError, match=r"encoding 'PiecewiseLinear': knots = \(1.0,\)"):
        encoding_from_json({"kind": "Joined", "of": [{"kind": "PiecewiseLinear", "knots": [1.0]}]})
    with pytest.raises(FormatError, match=r"encoding 'Bernoulli' is unknown"):
        encoding_from_json({"kind": "Joined", "of": [{"kind": "Bernoulli"}]})


def test_periods_are_sines_then_cosines():
    x = torch.tensor([0.0, 6.0, 30.0, 168.0], dtype=torch.float64)
    inputs = Periodic((24.0, 168.0)).encode(x)
    angle = 2 * math.pi * x[:, None] / torch.tensor([24.0, 168.0])
    assert torch.allclose(inputs, torch.cat([angle.sin(), angle.cos()], 1), atol=1e-12)


def test_a_piece_is_filled_from_its_lower_knot_to_its_upper():
    x = torch.tensor([-5.0, 0.0, 1.0, 4.0, 7.0, 99.0], dtype=torch.float64)
    inputs = PiecewiseLinear((0.0, 4.0, 10.0)).encode(x)
    assert inputs[:, 0].tolist() == [0, 0, 0.25, 1, 1, 1]
    assert inputs[:, 1].tolist() == [0, 0, 0, 0, 0.5, 1]


def test_beyond_its_range_a_value_is_read_as_the_ranges_end():
    encoding = Standardised(10.0, 2.0, low=8.0, high=14.0)
    assert encoding.encode(torch.tensor([0.0, 9.0, 99.0])).tolist() == [[-1.0], [-0.5], [2.0]]
    assert bool(encoding.encode(torch.tensor([math.nan])).isnan().all())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OneHot(0), "values = 0: pass the number of codes, at least 1"),
        (lambda: Standardised(spread=0.0), "spread = 0.0: pass a number above zero"),
        (lambda: Standardised(center=math.inf), "center = inf: pass a finite number"),
        (lambda: Standardised(low=2.0, high=1.0), "low = 2.0 is above high = 1.0"),
        (lambda: AtomFlags(()), "values = (): pass the atoms, at least one"),
        (
            lambda: AtomFlags((1.0, 1.0)),
            "values = (1.0, 1.0): atoms are finite numbers, each named once",
        ),
        (lambda: Periodic((0.0,)), "periods = (0.0,): pass lengths above zero"),
        (lambda: PiecewiseLinear((0.0,)), "knots = (0.0,): pass two numbers or more"),
        (
            lambda: PiecewiseLinear((2.0, 1.0)),
            "knots = (2.0, 1.0): pass finite numbers, each larger than the one before",
        ),
        (
            lambda: PiecewiseLinear((0.0, math.inf)),
            "knots = (0.0, inf): pass finite numbers, each larger than the one before",
        ),
        (
            lambda: PiecewiseLinear((0.0, 1.0, 1.0 + 1e-9)),
            "knots = (0.0, 1.0, 1.000000001): some are the same number in float32, in which "
            "networks compute",
        ),
        (lambda: Joined(()), "of = (): pass the encodings to join, at least one"),
    ],
)
def test_impossible_encodings_are_refused(make, message):
    with pytest.raises(ShapeError) as error:
        make()
    assert str(error.value) == message


def test_conditionals_have_a_default_encoding():
    assert Bernoulli().encoding() == Identity()
    assert Categorical(3, unlisted=2).encoding() == OneHot(3)
    assert GaussianMixture(2, center=1.0, spread=3.0).encoding() == Standardised(1.0, 3.0)
    whole = DiscretizedLogisticMixture(2, center=1.0, spread=3.0)
    assert whole.encoding() == Standardised(1.0, 3.0)
    assert Atoms((2.0, 0.0), whole).encoding() == AtomFlags((0.0, 2.0)) + Standardised(1.0, 3.0)


def test_sums_of_sums_are_flat():
    one, two, three = Identity(), Periodic((2.0,)), AtomFlags((0.0,))
    assert (one + two) + three == one + (two + three) == Joined((one, two, three))
    with pytest.raises(ShapeError, match="is no encoding to join"):
        Joined((one + two, three))


SPEC = [
    (GaussianMixture(2), Standardised(low=-1.0, high=1.0) + PiecewiseLinear((-1.0, 0.0, 1.0))),
    Bernoulli(),
    (Categorical(3), Identity()),
    (Bernoulli(), OneHot(2)),
    (Bernoulli(), OneHot(2)),
]


def test_columns_take_conditionals_alone_or_with_an_encoding():
    columns = Columns.of(SPEC)
    assert columns.input_widths == (3, 1, 1, 2, 2)
    assert columns.encodings[1] == Identity()
    runs = columns.to_json()
    assert [run["times"] for run in runs] == [1, 1, 1, 2]
    assert ["encoding" in run for run in runs] == [True, False, True, True]
    assert Columns.from_json(runs) == columns != Columns.of([GaussianMixture(2), *SPEC[1:]])
    assert Columns.of(3).is_binary
    assert not Columns.of([(Bernoulli(), OneHot(2))]).is_binary
    for wrong in (
        Identity(),
        (Identity(), Bernoulli()),
        (Bernoulli(),),
        (Bernoulli(), Bernoulli()),
        None,
    ):
        with pytest.raises(
            ShapeError,
            match=r"columns\[1\] = .* is not a conditional such as chainrule.Bernoulli\(\), nor",
        ):
            Columns.of([Bernoulli(), wrong])


@pytest.mark.parametrize("network", [NADE, OrderlessNADE])
def test_an_encoding_changes_what_others_read_and_not_how_a_column_is_scored(network):
    """What lies beyond the range of the first column changes its own likelihood alone."""
    net = (
        network(SPEC, hidden_sizes=[6], generator=generator_from(1))
        if network is OrderlessNADE
        else network(SPEC, hidden_size=6, generator=generator_from(1))
    )
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(generator=generator_from(2))
    x = torch.tensor(
        [[1.0, 1.0, 2.0, 0.0, 1.0], [9.0, 1.0, 2.0, 0.0, 1.0], [0.5, 1.0, 2.0, 0.0, 1.0]]
    )
    cells = net.log_prob_columns(x).detach()
    assert torch.allclose(cells[0, 1:], cells[1, 1:])
    assert float(cells[0, 0]) != float(cells[1, 0])
    assert not torch.allclose(cells[0, 1:], cells[2, 1:])
    drawn = net.sample(50, generator=generator_from(3))
    assert bool(net.log_prob(drawn).isfinite().all())


def test_a_warp_is_applied_before_numbers_are_standardised_and_ends_have_finite_inputs():
    encoding = Standardised(1.0, 2.0, warp=Log())
    x = torch.tensor([0.0, 1.0, 100.0], dtype=torch.float64)
    want = [(math.log(each) - 1) / 2 for each in (0.25, 1.0, 100.0)]  # ¼ inside the end
    assert encoding.encode(x)[:, 0].tolist() == pytest.approx(want)
    clipped = Standardised(1.0, 2.0, high=10.0, warp=Log())
    assert float(clipped.encode(x)[2]) == pytest.approx((math.log(10) - 1) / 2)
    assert encoding_from_json(clipped.to_json()) == clipped
    with pytest.raises(ShapeError, match="warp = 'log': pass a warp, such as Log"):
        Standardised(warp="log")


@pytest.mark.parametrize("warp", [Logit(2.0**24 - 0.5, 2.0**24 + 16.5), Logit(-0.5, 2.0**25 + 0.5)])
def test_inputs_are_finite_at_ends_that_float32_does_not_hold(warp):
    x = torch.tensor([math.ceil(warp.least), math.floor(warp.most)])
    far = Standardised(warp=warp).encode(x.double())
    assert float(far[0]) < -3
    assert float(far[1]) > 3
    torch.testing.assert_close(Standardised(warp=warp).encode(x.float()), far.float())

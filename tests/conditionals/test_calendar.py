"""The calendar: its weights by hand, months outside the range, and times of day."""

import datetime
import math

import pytest
import torch

from chainrule.conditionals import Calendar, DiscretizedLogisticMixture
from chainrule.errors import ShapeError
from chainrule.rng import generator_from

EPOCH = datetime.date(1970, 1, 1)
FIRST = (datetime.date(2023, 12, 10) - EPOCH).days
BASE = DiscretizedLogisticMixture(2, center=80.0, spread=60.0)
CENTRED = DiscretizedLogisticMixture(2, center=80.0, spread=60.0, centred=True)
BOUNDED = DiscretizedLogisticMixture(2, least=10, most=133, center=80.0, spread=60.0)


def by_hand(conditional, params, days):
    """p(day) of one row, month by month, with the calendar of Python."""
    width = conditional.base.param_width
    m, w = params[:width], params[width : width + 39].tolist()
    found = []
    for day in days:
        date = EPOCH + datetime.timedelta(days=conditional.first + day)
        month = []
        one = date.replace(day=1)
        while one.month == date.month:
            after = one + datetime.timedelta(days=1)
            code = (one - EPOCH).days - conditional.first
            mass = conditional.base.log_prob(m[None], torch.tensor([float(code)]).double()).exp()
            weight = w[one.weekday()] + w[7 + one.day - 1] + (after.month != one.month) * w[38]
            month.append((one, float(mass), float(mass) * math.exp(weight)))
            one = after
        total, weighted = sum(each[1] for each in month), sum(each[2] for each in month)
        found.append(total * next(each[2] for each in month if each[0] == date) / weighted)
    return torch.tensor(found, dtype=torch.float64)


def test_days_of_a_month_are_weighted_by_weekday_day_and_last_day():
    conditional = Calendar(BASE, FIRST, 0, 200)
    params = torch.randn(4, conditional.param_width, generator=generator_from(0)).double()
    days = torch.arange(-5.0, 180.0).double()
    logs = conditional.log_prob(params[:, None], days.expand(4, -1))
    for row in range(4):
        want = by_hand(conditional, params[row], range(-5, 180))
        torch.testing.assert_close(logs[row].exp(), want, rtol=1e-9, atol=1e-15)


def test_months_at_the_bounds_are_weighted_over_their_days_within():
    conditional = Calendar(BOUNDED, FIRST, 0, 200)
    params = torch.randn(4, conditional.param_width, generator=generator_from(4)).double()
    days = torch.arange(10.0, 134.0).double()
    logs = conditional.log_prob(params[:, None], days.expand(4, -1))
    torch.testing.assert_close(logs.exp().sum(1), torch.ones(4).double())
    for row in range(4):
        want = by_hand(conditional, params[row], range(10, 134))
        torch.testing.assert_close(logs[row].exp(), want, rtol=1e-9, atol=1e-15)
    beyond = torch.tensor([9.0, 134.0, -4e3, 4e3]).double()
    assert bool((conditional.log_prob(params, beyond) == -math.inf).all())
    assert list(conditional.months) == [-9, 22, 53, 82, 113, 143]


@pytest.mark.parametrize("away", [-1e3, 1e3])
def test_components_far_outside_leave_dates_within_the_bounds(away):
    conditional = Calendar(BOUNDED, FIRST, 0, 200)
    params = torch.randn(1, conditional.param_width, generator=generator_from(5)).double()
    params[:, 2:4] = away
    days = torch.arange(10.0, 134.0).double()
    p = conditional.log_prob(params[:, None], days[None]).exp()[0]
    assert abs(float(p.sum()) - 1) < 1e-9
    assert float(conditional.mean(params)) == pytest.approx(float((p * days).sum()), rel=1e-9)
    uniforms = torch.tensor([0.0, 0.5, 1 - 2**-53]).double()
    drawn = conditional.sample(params.expand(3, -1), uniforms)
    assert bool(conditional.log_prob(params.expand(3, -1), drawn).isfinite().all())


def test_days_asked_one_by_one_and_many_at_once_agree():
    conditional = Calendar(BASE, FIRST, 0, 200, slots=24, bins=24)
    params = torch.randn(3, conditional.param_width, generator=generator_from(1)).double()
    x = torch.arange(-100.0, 6000.0, 7.0).double()
    at_once = conditional.log_prob(params[:, None], x.expand(3, -1))
    alone = torch.stack([conditional.log_prob(params, each.expand(3)) for each in x], 1)
    torch.testing.assert_close(at_once, alone, rtol=1e-10, atol=1e-10)


def test_each_month_keeps_its_mass_and_months_outside_have_no_weights():
    conditional = Calendar(BASE, FIRST, 30, 60)
    params = torch.randn(1, conditional.param_width, generator=generator_from(2)).double()
    width = conditional.base.param_width
    january = torch.arange(22.0, 53.0).double()  # from 1 January 2024
    both = [
        conditional.log_prob(params[:, None], january[None]).exp(),
        BASE.log_prob(params[:, None, :width], january[None]).exp(),
    ]
    assert float(both[0].sum()) == pytest.approx(float(both[1].sum()), rel=1e-12)
    assert float((both[0] / both[1] - 1).abs().max()) > 0.5
    far = torch.tensor([[21.0 - 31, 300.0, 5e6]]).double()
    torch.testing.assert_close(
        conditional.log_prob(params[:, None], far),
        BASE.log_prob(params[:, None, :width], far),
    )


def test_times_have_the_probability_of_their_part_of_the_day():
    conditional = Calendar(BASE, FIRST, 0, 99, slots=48, bins=4)
    params = torch.zeros(1, conditional.param_width).double()
    params[0, -4:] = torch.tensor([0.1, 0.2, 0.3, 0.4]).double().log()
    day = 33 * 48
    x = torch.tensor([day + 0.0, day + 11, day + 12, day + 47]).double()
    p = conditional.log_prob(params[:, None], x[None]).exp()[0]
    torch.testing.assert_close(p / p[0], torch.tensor([1.0, 1.0, 2.0, 4.0]).double())
    assert conditional.log_prob(params, torch.tensor([day + 0.5]).double()) == -math.inf


def test_gradients_are_finite_far_from_the_range_and_on_it():
    conditional = Calendar(BASE, FIRST, 0, 99, slots=2, bins=2)
    params = torch.randn(5, conditional.param_width, generator=generator_from(3))
    params.requires_grad_()
    x = torch.tensor([0.0, 57.0, 198.0, -4e5, 4e5])
    conditional.log_prob(params, x).sum().backward()
    assert bool(params.grad.isfinite().all())
    assert bool((params.grad[1:3, 6:].abs().sum(1) > 0).all())


def test_initial_weights_are_those_of_the_rows():
    """Business days of a year, of which none is a Saturday or a Sunday."""
    conditional = Calendar(DiscretizedLogisticMixture(3, center=150.0, spread=80.0), FIRST, 0, 365)
    days = torch.arange(0.0, 365.0).double()
    business = days[(days + FIRST + 3) % 7 < 5][:, None]
    params = conditional.initial_params(business)
    p = conditional.log_prob(params[:, None], days[None]).exp()[0]
    assert float(p[(days + FIRST + 3) % 7 >= 5].sum()) < 2e-3
    few = conditional.initial_params(business[:10])
    assert bool((few[:, 9:] == 0).all())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Calendar(BASE, 0, 0, 9, slots=10, bins=4),
            "bins = 4: pass a divisor of slots = 10",
        ),
        (lambda: Calendar(BASE, 0, 9, 0), "low = 9 is above high = 0"),
        (
            lambda: Calendar(BOUNDED, 0, 200, 300),
            f"low = 200 to high = 300: no day is within the bounds of {BOUNDED!r}",
        ),
        (
            lambda: Calendar(BASE, 10**7, 0, 9),
            "days 10000000 to 10000009 are not of the years 1 to 9999",
        ),
        (
            lambda: Calendar(BASE, 0, 0, 99_999),
            "low = 0 to high = 99999: pass a range of at most 12000 days",
        ),
        (
            lambda: Calendar(CENTRED, 0, 0, 9),
            f"base = {CENTRED!r} is centred, which no calendar is; leave it out",
        ),
        (
            lambda: Calendar("days", 0, 0, 9),
            "base = 'days': pass a DiscretizedLogisticMixture of days, without a warp",
        ),
    ],
)
def test_impossible_calendars_are_refused(make, message):
    with pytest.raises(ShapeError) as error:
        make()
    assert str(error.value) == message

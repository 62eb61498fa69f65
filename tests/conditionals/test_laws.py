"""Laws of conditionals: normalised, sampled as they score, and every summary in agreement with the
density.
"""

import math
from dataclasses import replace

import pytest
import torch
from helpers.registry import CENTRED, plausible
from helpers.registry import CONDITIONALS as NOT_CENTRED
from helpers.tolerances import KOLMOGOROV, QUADRATURE

from chainrule.conditionals import (
    CONDITIONALS as ALL,
)
from chainrule.conditionals import (
    Atoms,
    Bernoulli,
    Categorical,
    DiscretizedLogisticMixture,
    Distribution,
    GaussianMixture,
    LaplaceMixture,
    LogisticMixture,
    Tied,
    conditional_from_json,
)
from chainrule.conditionals.ranges import clamped
from chainrule.errors import ChainruleError, FormatError, ShapeError
from chainrule.rng import generator_from
from chainrule.testing import chi_squared_p_value, integrate
from chainrule.testing.laws import LEAST_P_VALUE

CONDITIONALS = NOT_CENTRED + CENTRED
LISTED = [c for c in CONDITIONALS if c.support() is not None]
INTEGERS = [c for c in CONDITIONALS if c.is_discrete and c.support() is None]
DENSITIES = [c for c in CONDITIONALS if not c.is_discrete]
ORDERED = [c for c in CONDITIONALS if c.is_ordered]
LOGITS = torch.tensor(
    [-300.0, -80.0, -25.0, -1.0, 0.0, 0.5, 21.0, 80.0, 300.0], dtype=torch.float64
)[:, None]
LOG_2 = math.log(2)
WINDOW = 400  # integers on either side that hold all but nothing at the scales of ``params_of``


def params_of(conditional, rows=6, seed=0, scale=1.5):
    params = torch.randn(
        rows, conditional.param_width, generator=generator_from(seed), dtype=torch.float64
    )
    return plausible(conditional, params * scale)


def base_of(conditional):
    return getattr(conditional, "base", conditional)


def warp_of(conditional):
    return getattr(base_of(conditional), "warp", None)


def bounds_of(conditional):
    base = base_of(conditional)
    return getattr(base, "least", None), getattr(base, "most", None)


def is_bounded(conditional):
    return bounds_of(conditional) != (None, None)


def has_closed_entropy(conditional):
    return getattr(conditional, "components", 2) == 1 and not is_bounded(conditional)


def masses(conditional, params):
    """Values (M,) that hold all mass of a discrete conditional, and the mass of each, (rows, M)."""
    if (support := conditional.support()) is not None:
        values = torch.tensor(support, dtype=torch.float64)
        times = torch.tensor(conditional.multiplicities(), dtype=torch.float64)
    else:
        values = torch.arange(-WINDOW, WINDOW + 1, dtype=torch.float64)
        times = torch.ones(len(values), dtype=torch.float64)
    logs = conditional.log_prob(params[:, None], values.expand(len(params), -1))
    return values, logs.exp() * times


def expectation(conditional, params, of, jumps=None):
    """E[of(value)] of a conditional that is no mass function, (rows,): atoms by their mass, the
    rest by quadrature.
    """
    total = integrate(conditional, params, of, jumps=jumps)
    for atom in conditional.atoms:
        at = torch.full((len(params),), atom, dtype=torch.float64)
        total = total + conditional.log_prob(params, at).exp() * of(at[:, None])[:, 0]
    return total


def test_what_is_listed_saturated_and_ordered():
    untied = [c.base if isinstance(c, Tied) else c for c in CONDITIONALS]
    assert {type(c) for c in untied if c.is_listed} == {Bernoulli, Categorical}
    assert {type(c) for c in untied if not c.is_ordered} == {Categorical}
    assert all(c.is_listed == c.base.is_listed for c in CONDITIONALS if isinstance(c, Tied))
    assert all(c.is_ordered == c.base.is_ordered for c in CONDITIONALS if isinstance(c, Tied))
    assert [c for c in CONDITIONALS if c.is_saturated] == [
        Bernoulli(),
        Categorical(1),
        Categorical(5),
    ]


@pytest.mark.parametrize("conditional", CONDITIONALS, ids=repr)
def test_a_saturated_family_has_every_distribution_over_its_support(conditional):
    """Up to a constant that is added to all logarithms."""
    values = torch.tensor(conditional.support() or (0.0,), dtype=torch.float64)
    logs = torch.randn(6, len(values), generator=generator_from(6), dtype=torch.float64) * 3
    if not conditional.is_saturated:
        with pytest.raises(
            ChainruleError, match="does not contain every distribution over its support"
        ):
            conditional.params_of(logs)
        return
    params = conditional.params_of(logs)
    assert params.shape == (6, conditional.param_width)
    found = Distribution.of(conditional, params).log_prob_grid(values.expand(6, -1))
    torch.testing.assert_close(found, logs.log_softmax(1))


@pytest.mark.parametrize("conditional", CONDITIONALS, ids=repr)
def test_one_component_answers_as_the_conditional_does_and_equal_ones_as_one(conditional):
    params = params_of(conditional)
    one = Distribution.of(conditional, params)
    x, uniform = (
        conditional.sample(params, torch.full((6,), 0.3).double()),
        torch.full((6,), 0.7).double(),
    )
    assert torch.equal(one.log_prob(x), conditional.log_prob(params, x))
    assert torch.equal(one.draw(uniform), conditional.sample(params, uniform))
    assert torch.equal(one.mode(), conditional.mode(params))
    assert torch.equal(one.mean(), conditional.mean(params))
    many = Distribution.mixture(
        torch.tensor([0.5, 0.3, 0.2]).double().log().expand(6, -1), [one, one, one]
    )
    assert many.components == 3
    torch.testing.assert_close(many.log_prob(x), one.log_prob(x))
    torch.testing.assert_close(many.tail_bound(x), one.tail_bound(x))
    if conditional.is_ordered:
        torch.testing.assert_close(many.cdf(x), one.cdf(x))
        torch.testing.assert_close(many.quantile(0.3), one.quantile(0.3))


@pytest.mark.parametrize("conditional", CONDITIONALS, ids=repr)
def test_draws_of_a_mixture_follow_its_components_by_their_weights(conditional):
    """Each component with its weight's share of the uniforms, and by what is left of them."""
    n, params = 30000, params_of(conditional, rows=2, seed=5)
    weight = torch.tensor([0.3, 0.7], dtype=torch.float64)
    d = Distribution(conditional, params[None].expand(n, -1, -1), weight.log().expand(n, -1))
    drawn = d.draw((torch.arange(n, dtype=torch.float64) + 0.5) / n)
    inside = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    split = inside < 0.3
    for k, own, left in (
        (0, drawn[split], inside[split] / 0.3),
        (1, drawn[~split], (inside[~split] - 0.3) / 0.7),
    ):
        want = conditional.sample(params[k].expand(len(own), -1), left)
        assert float((own - want).abs().quantile(0.999)) < 1e-6


def test_every_kind_is_tested():
    assert {type(c).__name__ for c in CONDITIONALS} == set(ALL)


@pytest.mark.parametrize("conditional", LISTED + INTEGERS, ids=repr)
@pytest.mark.parametrize("scale", [0.1, 1.5, 20.0])
def test_masses_sum_to_one_and_agree_with_mean_and_mode(conditional, scale):
    if scale == 20.0 and conditional in INTEGERS:
        scale = 3.0  # wider ones have more integers than the window
    params = params_of(conditional, scale=scale)
    values, p = masses(conditional, params)
    assert float((p.sum(1) - 1).abs().max()) < 1e-12
    d = Distribution.of(conditional, params)
    if not conditional.is_ordered:
        listed = p[:, : len(conditional.candidates())]
        assert torch.equal(d.mode(), values[listed.argmax(1)])
        assert torch.equal(d.mean(), d.mode())
        return
    exact = 0.05 if warp_of(conditional) is not None else 1e-9  # a warped mean is a quadrature
    torch.testing.assert_close(d.mean(), (p * values).sum(1), rtol=exact, atol=exact)
    at_mode = d.log_prob(d.mode()).exp()
    assert bool((at_mode <= p.amax(1) * (1 + 1e-12)).all())
    if getattr(conditional, "components", 2) == 1 or isinstance(conditional, Bernoulli):
        torch.testing.assert_close(at_mode, p.amax(1), rtol=1e-12, atol=0)


@pytest.mark.parametrize("conditional", CONDITIONALS, ids=repr)
@pytest.mark.parametrize("scale", [0.1, 1.5])
def test_quadrature_gives_expectations(conditional, scale):
    """Weights sum to one; of what can be listed every expectation is exact, of numbers the mean and
    the entropy nearly.
    """
    params = params_of(conditional, scale=scale)
    values, weights = conditional.quadrature(params)
    assert float((weights.sum(-1) - 1).abs().max()) < 1e-12
    d = Distribution.of(conditional, params)
    surprise = -(weights * torch.where(weights > 0, d.log_prob_grid(values), 0)).sum(1)
    if conditional.is_discrete:
        _, p = masses(conditional, params)
        times = (
            1
            if conditional.support() is None
            else torch.tensor(conditional.multiplicities(), dtype=torch.float64)
        )
        entropy = -(p * torch.where(p > 0, p / times, 1.0).log()).sum(1)
        exact = 1e-12 if conditional.is_listed else 0.08
        assert float((surprise - entropy).abs().max()) < exact
        return
    total = expectation(conditional, params, lambda x: -d.log_prob_grid(x))
    assert float((surprise - total).abs().max()) < 0.02
    torch.testing.assert_close((weights * values).sum(1), d.mean(), rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("conditional", CONDITIONALS, ids=repr)
def test_quadrature_of_a_mixture_of_several_takes_hardly_more_values(conditional):
    params = [params_of(conditional, seed=seed) for seed in range(3)]
    parts = tuple(Distribution.of(conditional, each) for each in params)
    weight = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    d = Distribution.mixture(weight.log().expand(len(params[0]), -1), parts)
    values, weights = d.quadrature()
    assert values.shape[1] <= 1.5 * parts[0].quadrature()[0].shape[1] + 12
    assert float((weights.sum(1) - 1).abs().max()) < 1e-12
    surprise = -(weights * torch.where(weights > 0, d.log_prob_grid(values), 0)).sum(1)
    if conditional.is_discrete:
        each, _ = masses(conditional, params[0])
        p, times = (
            d.log_prob_grid(each.expand(len(values), -1)).exp(),
            torch.tensor(conditional.multiplicities() or 1),
        )
        exact = -(times * p * torch.where(p > 0, p, 1.0).log()).sum(1)
        tolerance = 1e-12 if conditional.is_listed else 0.08
    else:
        exact = sum(
            w * expectation(conditional, own, lambda x: -d.log_prob_grid(x))
            for w, own in zip(weight, params, strict=True)
        )
        tolerance = 0.15  # fewer values, and here of mixtures of one part
    assert float((surprise - exact).abs().max()) < tolerance


@pytest.mark.parametrize("conditional", LISTED, ids=repr)
def test_likelihoods_of_the_support_are_those_of_its_values(conditional):
    params = params_of(conditional)
    values = params.new_tensor(conditional.support())
    each = conditional.log_prob(params[:, None], values.expand(len(params), -1))
    torch.testing.assert_close(conditional.log_support(params), each, rtol=1e-12, atol=1e-12)
    found = Distribution(
        conditional, params.unflatten(0, (-1, 2)), params.new_full((len(params) // 2, 2), -LOG_2)
    )
    mixed = (each.unflatten(0, (-1, 2)) - LOG_2).logsumexp(1)
    torch.testing.assert_close(found.log_support(), mixed, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("conditional", LISTED, ids=repr)
def test_entropy_of_what_can_be_listed(conditional):
    params = params_of(conditional)
    if not isinstance(conditional, Bernoulli | Categorical):
        with pytest.raises(ChainruleError, match="without closed form"):
            conditional.entropy(params)
        return
    values = torch.tensor(conditional.support(), dtype=torch.float64)
    logs = conditional.log_prob(params[:, None], values.expand(len(params), -1))
    times = torch.tensor(conditional.multiplicities(), dtype=torch.float64)
    torch.testing.assert_close(conditional.entropy(params), -(times * logs.exp() * logs).sum(1))


@pytest.mark.parametrize("conditional", DENSITIES, ids=repr)
@pytest.mark.parametrize("scale", [0.1, 1.5, 20.0])
def test_densities_integrate_to_one_and_agree_with_mean_and_entropy(conditional, scale):
    params = params_of(conditional, scale=scale)
    one = expectation(conditional, params, torch.ones_like)
    assert float((one - 1).abs().max()) < QUADRATURE
    mean = expectation(conditional, params, lambda x: x)
    torch.testing.assert_close(conditional.mean(params), mean, rtol=1e-5, atol=1e-5)
    if has_closed_entropy(conditional):
        entropy = integrate(
            conditional, params, lambda x: -conditional.log_prob(params[:, None], x)
        )
        torch.testing.assert_close(conditional.entropy(params), entropy, rtol=1e-5, atol=1e-5)
    else:
        with pytest.raises(ChainruleError):
            conditional.entropy(params)
    if getattr(conditional, "components", 2) == 1:
        around = conditional.log_prob(
            params[:, None], conditional.mode(params)[:, None] + torch.tensor([-1e-3, 0, 1e-3])
        )
        assert bool((around[:, 1:2] >= around).all())


@pytest.mark.parametrize("conditional", ORDERED, ids=repr)
def test_cdf_is_the_integral_of_the_density(conditional):
    params = params_of(conditional)
    points = torch.linspace(0.02, 0.98, 9, dtype=torch.float64)
    for q in points.tolist():
        x = conditional.quantile(params, torch.full((len(params),), q, dtype=torch.float64))
        for at in (x, x + 0.25):
            got = conditional.cdf(params, at)
            if conditional.is_discrete:
                values, p = masses(conditional, params)
                want = torch.where(values <= at[:, None], p, 0).sum(1)
            else:
                want = expectation(
                    conditional, params, lambda v, at=at: (v <= at[:, None]).double(), at[:, None]
                )
            assert float((got - want).abs().max()) < (
                1e-12 if conditional.is_discrete else QUADRATURE
            )


@pytest.mark.parametrize("conditional", ORDERED, ids=repr)
def test_quantile_is_the_smallest_value_that_reaches_it(conditional):
    params = params_of(conditional, rows=40)
    for q in (1e-6, 0.03, 0.31, 0.5, 0.77, 0.999):
        level = torch.full((40,), q, dtype=torch.float64)
        x = conditional.quantile(params, level)
        assert bool((conditional.cdf(params, x) >= level - 1e-12).all())
        step = 1.0 if conditional.is_discrete else 1e-6
        assert bool((conditional.cdf(params, x - step) < level + 1e-12).all())


@pytest.mark.parametrize("conditional", CONDITIONALS, ids=repr)
def test_draws_follow_the_distribution(conditional):
    """χ² where values can be listed, Kolmogorov and Smirnov's test against the cdf elsewhere."""
    n = 20000
    for seed in range(3):
        params = params_of(conditional, rows=1, seed=seed)
        uniforms = torch.rand(n, generator=generator_from(seed + 10), dtype=torch.float64)
        drawn = conditional.sample(params.expand(n, -1), uniforms)
        if conditional.is_discrete:
            values, p = masses(conditional, params)
            if (
                isinstance(conditional, Categorical) and conditional.unlisted == 0
            ):  # what no row had is never drawn
                values, p = values[: conditional.values], p[:, : conditional.values]
            counts = (drawn[:, None] == values).sum(0).double()
            assert counts.sum() == n
            assert chi_squared_p_value(counts, p[0] / p.sum() * n) > LEAST_P_VALUE
        else:
            for atom in conditional.atoms:
                share = float((drawn == atom).double().mean())
                p = float(conditional.log_prob(params, torch.tensor([atom]).double()).exp())
                assert abs(share - p) < 5 * math.sqrt(p * (1 - p) / n)
            x = drawn.sort().values
            steps = torch.arange(1, n + 1, dtype=torch.float64) / n
            cdf = conditional.cdf(params.expand(n, -1), x)
            last = (
                torch.searchsorted(x, x, right=True).double() / n
            )  # ties at an atom count once, at their end
            off = (
                (cdf - last).abs()
                if conditional.atoms
                else torch.maximum((cdf - steps).abs(), (cdf - steps + 1 / n).abs())
            )
            assert float(off.max()) * math.sqrt(n) < KOLMOGOROV


@pytest.mark.parametrize("conditional", CONDITIONALS, ids=repr)
def test_uniforms_at_the_ends_give_values_of_the_support(conditional):
    params = params_of(conditional, rows=30, scale=4.0)
    for u in (0.0, 1e-300, 1 - 2**-53):
        drawn = conditional.sample(params, torch.full((30,), u, dtype=torch.float64))
        assert bool(drawn.isfinite().all())
        assert bool(conditional.log_prob(params, drawn).isfinite().all())


@pytest.mark.parametrize("conditional", CONDITIONALS, ids=repr)
def test_a_temperature_sharpens(conditional):
    """Towards zero every draw is the mode, or a component's location; at one nothing changes."""
    params = params_of(conditional, rows=200)
    uniforms = torch.rand(200, generator=generator_from(1), dtype=torch.float64)
    assert torch.equal(
        conditional.sample(params, uniforms), conditional.sample(params, uniforms, 1.0)
    )
    cold = conditional.sample(params, uniforms, 1e-4)
    if isinstance(conditional, Bernoulli | Categorical):
        assert torch.equal(cold, conditional.mode(params))
    elif isinstance(conditional, GaussianMixture) and has_closed_entropy(conditional):
        warm, hot = conditional.sample(params, uniforms), conditional.sample(params, uniforms, 3.0)
        torch.testing.assert_close(
            hot - conditional.mean(params), 3 * (warm - conditional.mean(params))
        )


def test_a_temperature_divides_every_logit_and_multiplies_every_scale():
    """Of parts, and of atoms, that lie far apart: at ½ the shares are softmax(2 l), and the spread
    within a part is halved.
    """
    uniforms = torch.rand(40000, generator=generator_from(4), dtype=torch.float64)
    rho = math.log(math.expm1(2 - 1e-3))  # scales of 2
    params = torch.tensor([[0.0, 1.0, -50.0, 50.0, rho, rho]], dtype=torch.float64).expand(
        40000, -1
    )
    shares = torch.tensor([0.0, 2.0], dtype=torch.float64).softmax(0)
    for family in (GaussianMixture, LogisticMixture, LaplaceMixture, DiscretizedLogisticMixture):
        warm, cold = (family(2).sample(params, uniforms, t) for t in (1.0, 0.5))
        assert abs(float((cold > 0).double().mean() - shares[1])) < 0.01
        spreads = [float(drawn[drawn > 0].std()) for drawn in (warm, cold)]
        assert spreads[1] / spreads[0] == pytest.approx(0.5, abs=0.03), family
    few = Atoms((-9.0, 0.0), GaussianMixture(1))
    params = torch.tensor([[0.0, -1.0, 1.0, 0.0, 50.0, rho]], dtype=torch.float64).expand(40000, -1)
    drawn = few.sample(params, uniforms, 0.5)
    for value, share in zip(
        (-9.0, 0.0), torch.tensor([0.0, -2.0, 2.0], dtype=torch.float64).softmax(0), strict=False
    ):
        assert abs(float((drawn == value).double().mean() - share)) < 0.01


@pytest.mark.parametrize("conditional", CONDITIONALS, ids=repr)
def test_far_values_and_parameters_give_numbers(conditional):
    """Parameters of ±1e4 and values far out: no NaN in values or gradients, and no overflow but
    −inf.
    """
    for scale in (0.0, 1e2, 1e4):
        params = params_of(conditional, rows=8, scale=scale).requires_grad_()
        values = (
            [0.0, 1.0, 4.0, -3.0, 1e6] if conditional.support() is None else conditional.support()
        )
        for x in values:
            logs = conditional.log_prob(params, torch.full((8,), x, dtype=torch.float64))
            assert not bool(logs.isnan().any())
            (gradient,) = torch.autograd.grad(logs[logs.isfinite()].sum(), params)
            assert bool(gradient.isfinite().all())


@pytest.mark.parametrize("conditional", CONDITIONALS, ids=repr)
def test_float32_agrees_with_float64(conditional):
    params = params_of(conditional, rows=50)
    uniforms = torch.rand(50, generator=generator_from(2), dtype=torch.float64)
    x = conditional.sample(params.float(), uniforms)
    assert x.dtype == torch.float32
    wide, narrow = (
        conditional.log_prob(params.float().double(), x.double()),
        conditional.log_prob(params.float(), x),
    )
    assert narrow.dtype == torch.float32
    torch.testing.assert_close(narrow.double(), wide, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("conditional", NOT_CENTRED, ids=repr)
def test_initial_parameters_have_the_moments_of_the_data(conditional):
    generator = generator_from(3)
    if (support := conditional.support()) is not None:
        seen = len(support) - (
            getattr(conditional, "unlisted", None) == 0
        )  # else no training row is unlisted
        index = torch.randint(0, seen, (4000, 3), generator=generator)
        x = torch.tensor(support, dtype=torch.float64)[index]
    else:
        x = (
            torch.randn(4000, 3, generator=generator, dtype=torch.float64)
            * torch.tensor([1.0, 2.0, 5.0])
            + 3
        )
        if conditional.is_discrete:
            x = x.round()
        x = clamped(x, *bounds_of(conditional))
        for atom in conditional.atoms:
            x[::7] = atom
    params = conditional.initial_params(x)
    assert params.shape == (3, conditional.param_width)
    if not conditional.is_ordered:
        listed = conditional.candidates()
        values = torch.tensor(listed, dtype=torch.float64).expand(3, -1)
        logs = conditional.log_prob(params[:, None], values)
        shares = torch.stack([(x == v).double().mean(0) for v in listed], 1)
        assert float((logs.exp() - shares).abs().max()) < (
            2e-3 if listed == conditional.support() else 0.1
        )
        return
    if warp_of(conditional) is not None:  # the moments are those of the images
        image = base_of(conditional).encoding().encode
        values, weights = conditional.quadrature(params)
        found = (weights * image(values)[..., 0]).sum(1)
        torch.testing.assert_close(found, image(x)[..., 0].mean(0), rtol=0.1, atol=0.1)
        return
    bounded = is_bounded(conditional) or isinstance(conditional, Atoms)
    # times of day do not depend on the day
    bounded |= any(getattr(each, "slots", 1) > 1 for each in (conditional, base_of(conditional)))
    torch.testing.assert_close(
        conditional.mean(params), x.mean(0), rtol=0.4 if bounded else 1e-3, atol=1e-2
    )
    if not conditional.is_discrete and not bounded:
        second = integrate(conditional, params, lambda v: v**2)
        torch.testing.assert_close(
            second - conditional.mean(params) ** 2, x.var(0, unbiased=False), rtol=1e-4, atol=1e-6
        )


@pytest.mark.parametrize("conditional", CONDITIONALS, ids=repr)
def test_constant_columns_start_finite(conditional):
    bounds = bounds_of(conditional)
    value = conditional.support()[0] if conditional.support() is not None else 2.0
    value = float(clamped(torch.tensor(value), *bounds))
    params = conditional.initial_params(torch.full((5, 2), value, dtype=torch.float64))
    logs = conditional.log_prob(params, torch.full((2,), value, dtype=torch.float64))
    assert bool(params.isfinite().all())
    assert bool(logs.isfinite().all())


@pytest.mark.parametrize("conditional", CONDITIONALS, ids=repr)
def test_what_stands_where_a_cell_is_unknown_is_in_the_support(conditional):
    placeholder = torch.tensor([conditional.placeholder], dtype=torch.float64)
    assert bool(conditional.log_prob(params_of(conditional, rows=1), placeholder).isfinite())
    assert bool(conditional.encoding().encode(placeholder).isfinite().all())


@pytest.mark.parametrize("conditional", CONDITIONALS, ids=repr)
def test_json_round_trip(conditional):
    assert conditional_from_json(conditional.to_json()) == conditional


BOUNDED = [c for c in CONDITIONALS if is_bounded(c) and base_of(c) is c]


@pytest.mark.parametrize("conditional", BOUNDED, ids=repr)
def test_bounds_truncate_and_no_mass_piles_up_on_them(conditional):
    """All values keep their ratios; what lay beyond is spread over them in proportion."""
    whole = replace(conditional, least=None, most=None)
    params = params_of(conditional, rows=40)
    low, high = bounds_of(conditional)
    x = torch.linspace(
        low if low is not None else high - 9,
        high if high is not None else low + 9,
        50,
        dtype=torch.float64,
    )
    x = (x.round().unique() if conditional.is_discrete else x).expand(40, -1)
    gap = conditional.log_prob(params[:, None], x) - whole.log_prob(params[:, None], x)
    assert bool((gap > -1e-12).all())
    torch.testing.assert_close(gap, gap[:, :1].expand_as(gap), rtol=1e-9, atol=1e-9)
    step = 1.0 if conditional.is_discrete else 1e-6
    for end, side in ((low, -step), (high, step)):
        if end is not None:
            beyond = torch.full((40,), end + side, dtype=torch.float64)
            assert bool((conditional.log_prob(params, beyond) == -math.inf).all())


@pytest.mark.parametrize("away", [-1e3, 1e3])
@pytest.mark.parametrize("conditional", BOUNDED, ids=repr)
def test_components_far_outside_leave_a_distribution_within_the_bounds(conditional, away):
    """A thousand scales beyond a bound, where all that remains is the rim of a tail."""
    K = conditional.components
    params = torch.zeros(1, conditional.param_width, dtype=torch.float64)
    params[:, K : 2 * K] = away
    params[:, 2 * K : 3 * K] = -1.0
    x = conditional.quantile(params, torch.tensor([0.5], dtype=torch.float64))
    low, high = bounds_of(conditional)
    rim = low if away < 0 else high
    if conditional.is_discrete:
        values, p = masses(conditional, params)
        assert abs(float(p.sum()) - 1) < 1e-9
        mean = float((p * values).sum())
    elif rim is None:  # the components lie within the bounds
        assert abs(float(integrate(conditional, params, torch.ones_like)) - 1) < QUADRATURE
        mean = float(integrate(conditional, params, lambda v: v))
    else:
        v = rim + (x - rim) * torch.linspace(0, 41, 100_001).double()
        v = clamped(v, low, high).sort().values
        p = conditional.log_prob(params, v).exp()
        assert abs(float(torch.trapezoid(p, v)) - 1) < 1e-6
        mean = float(torch.trapezoid(p * v, v))
    if warp_of(conditional) is None:
        assert float(conditional.mean(params)) == pytest.approx(mean, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("scale", [1e-3, 1e-2, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("bounds", [(None, None), (-3, None), (None, 40), (-3, 40)])
def test_discretised_masses_sum_to_one_at_any_scale(scale, bounds):
    """Σ over a window of integers, and what the cdf says lies outside it."""
    conditional = DiscretizedLogisticMixture(1, *bounds, least_scale=1e-4)
    rho = math.log(math.expm1(scale - 1e-4)) if scale < 30 else scale
    params = torch.tensor([[0.0, 0.3 / scale, rho]], dtype=torch.float64)
    low, high = max(-5000, bounds[0] or -5000), min(5000, bounds[1] or 5000)
    v = torch.arange(low, high + 1, dtype=torch.float64)
    inside = conditional.log_prob(params, v).exp().sum()
    ends = torch.tensor([low - 1.0, high], dtype=torch.float64)
    below, upto = conditional.cdf(params.expand(2, -1), ends)
    assert abs(float(inside + below + (1 - upto)) - 1) < 1e-12
    for outside in (
        *([] if bounds[0] is None else [bounds[0] - 1.0]),
        *([] if bounds[1] is None else [bounds[1] + 1.0]),
        0.5,
    ):
        assert (
            float(conditional.log_prob(params, torch.tensor([outside], dtype=torch.float64)))
            == -math.inf
        )


def test_gradients_by_the_location_stay_bounded_when_the_scale_shrinks():
    """At the floor of 1e-3, a scale away from the location: ∂/∂δ is of order one, where ∂/∂μ is a
    thousand.
    """
    for family in (GaussianMixture, LogisticMixture, LaplaceMixture):
        params = torch.tensor([[0.0, 0.0, -30.0]], dtype=torch.float64, requires_grad=True)
        family(1).log_prob(params, torch.tensor([1e-3], dtype=torch.float64)).sum().backward()
        assert 0.1 < float(params.grad[0, 1].abs()) < 2


def test_an_unlisted_value_is_less_likely_than_any_listed():
    """And above zero, whatever the logits; the rare levels share their code."""
    for conditional in (Categorical(4, unlisted=0, rows=20), Categorical(4, unlisted=3)):
        for scale in (0.1, 3.0, 50.0):
            params = params_of(conditional, rows=50, scale=scale)
            logs = conditional.log_prob(params[:, None], torch.arange(5).double().expand(50, -1))
            assert bool((logs[:, 4] < logs[:, :4].amin(1)).all())
            assert bool(logs[:, 4].isfinite().all())
        assert conditional.encoding().encode(torch.tensor([4.0])).tolist() == [[0.0, 0.0, 0.0, 0.0]]
        assert conditional.encoding().is_evidence(torch.tensor([3.0, 4.0])).tolist() == [
            True,
            False,
        ]
    logit = torch.log(
        torch.tensor(4 / 21, dtype=torch.float64)
    )  # logsumexp of four zeros, less log 21
    got = Categorical(4, unlisted=0, rows=20).log_prob(
        torch.zeros(1, 4).double(), torch.tensor([4.0]).double()
    )
    assert float(got) == pytest.approx(float(logit - torch.log(4 + logit.exp())))


def test_bernoulli_far_logits_are_exact():
    """Against the closed form in high precision: nothing is clamped, nothing rounds to zero too
    early.
    """
    d = Distribution.of(Bernoulli(), LOGITS)
    for z, got in zip(
        LOGITS[:, 0].tolist(), d.log_prob(torch.ones(len(LOGITS)).double()).tolist(), strict=True
    ):
        want = z - math.log1p(math.exp(z)) if z < 0 else -math.log1p(math.exp(-z))
        assert got == pytest.approx(want, rel=1e-14, abs=0)


def test_an_atoms_jump_is_its_quantile_when_all_of_the_base_lies_below():
    """p = ¼, ½, ¼ for the atoms 0 and 1 and a narrow base between: from ½ on the answer is 1."""
    conditional = Atoms((0.0, 1.0), GaussianMixture(1))
    params = torch.tensor([[0.0, math.log(2), 0.0, 0.0, 50.0, -5.0]], dtype=torch.float64)
    for q, want in ((0.2, 0.0), (0.55, 1.0), (0.8, 1.0), (0.99, 1.0)):
        assert float(conditional.quantile(params, torch.tensor([q], dtype=torch.float64))) == want
    assert 0.2 < float(conditional.quantile(params, torch.tensor([0.4], dtype=torch.float64))) < 0.6
    whole = Atoms((0.0, 5.0), DiscretizedLogisticMixture(1, spread=0.1))
    params = torch.tensor([[0.0, math.log(2), 0.0, 0.0, 100.0, -5.0]], dtype=torch.float64)
    assert float(whole.quantile(params, torch.tensor([0.8], dtype=torch.float64))) == 5.0


@pytest.mark.parametrize("conditional", ORDERED, ids=repr)
def test_quantiles_of_many_random_parameters_and_levels(conditional):
    params = params_of(conditional, rows=3000, seed=9, scale=2.0)
    q = torch.rand(3000, generator=generator_from(8), dtype=torch.float64)
    x = conditional.quantile(params, q)
    assert bool((conditional.cdf(params, x) >= q - 1e-10).all())
    assert bool(
        (conditional.cdf(params, x - (1.0 if conditional.is_discrete else 1e-7)) < q + 1e-10).all()
    )


@pytest.mark.parametrize("family", [GaussianMixture, LaplaceMixture, LogisticMixture])
def test_tails_of_the_cdf_keep_their_precision(family):
    params = torch.tensor([[0.0, 0.0, 0.5413248546129181]], dtype=torch.float64)
    for q in (1e-3, 1e-9, 1e-14, 1e-100):
        level = torch.tensor([q], dtype=torch.float64)
        assert float(family(1).cdf(params, family(1).quantile(params, level))) == pytest.approx(
            q, rel=1e-6
        )


def test_bound_distributions_draw_and_answer():
    bound = Distribution.of(GaussianMixture(2), params_of(GaussianMixture(2), rows=500))
    again = [bound.sample(generator_from(1)) for _ in range(2)]
    assert torch.equal(*again)
    assert bound.quantile(0.5).shape == bound.cdf(bound.mode()).shape == (500,)
    with pytest.raises(ShapeError, match=r"q = 1.0: quantiles are for numbers above 0 and below 1"):
        bound.quantile(1.0)
    with pytest.raises(ChainruleError, match="no order among its values"):
        Distribution.of(Categorical(3), torch.zeros(1, 3)).quantile(0.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Categorical(0),
            "values = 0: pass the number of values of a categorical column, at least 1",
        ),
        (
            lambda: Categorical(3, unlisted=0),
            "rows = None: pass the number of training rows, which unlisted=0 needs, at least 1",
        ),
        (
            lambda: GaussianMixture(0),
            "components = 0: pass a whole number of mixture components, at least 1",
        ),
        (lambda: GaussianMixture(1, spread=0.0), "spread = 0.0: pass a number above zero"),
        (
            lambda: DiscretizedLogisticMixture(1, least=0.5),
            "least = 0.5: pass an integer, or None for no bound",
        ),
        (
            lambda: GaussianMixture(1, least=2.0, most=1.0),
            "least = 2.0 is above most = 1.0",
        ),
        (
            lambda: GaussianMixture(1, least=2.0, most=2.0),
            "least = most = 2.0: a density needs a range",
        ),
        (
            lambda: DiscretizedLogisticMixture(1, warp=3),
            "warp = 3: pass a warp, such as Log(), or None",
        ),
        (lambda: Atoms((), GaussianMixture(1)), "values = (): pass the atoms, at least one"),
        (
            lambda: Atoms((1.0, 1.0), GaussianMixture(1)),
            "values = (1.0, 1.0): atoms are finite numbers, each named once",
        ),
    ],
)
def test_impossible_conditionals_are_refused(make, message):
    with pytest.raises(ShapeError) as error:
        make()
    assert str(error.value) == message


def test_unknown_or_misspelt_json_is_a_format_error():
    with pytest.raises(
        FormatError, match=r"conditional 'Bernouli' is unknown.*nearest: 'Bernoulli'"
    ):
        conditional_from_json({"kind": "Bernouli"})
    with pytest.raises(FormatError, match=r"does not take the options \['width'\]"):
        conditional_from_json({"kind": "Bernoulli", "width": 3})
    with pytest.raises(FormatError, match=r"conditional 'GaussianMixture': components = 'many'"):
        conditional_from_json({"kind": "GaussianMixture", "components": "many"})


@pytest.mark.parametrize(
    "conditional",
    [
        GaussianMixture(1, 2.0, 3.0),
        LogisticMixture(1),
        LaplaceMixture(1),
        DiscretizedLogisticMixture(1, center=3.0, spread=2.0),
    ],
)
def test_what_lies_farther_out_is_the_smaller_tail(conditional):
    x = torch.arange(-20.0, 21.0, dtype=torch.float64)
    params = params_of(conditional, rows=1).double().expand(len(x), -1)
    before = conditional.cdf(params, x - 1 if conditional.is_discrete else x)
    wanted = torch.minimum(conditional.cdf(params, x), 1 - before).clamp(max=0.5)
    assert torch.allclose(conditional.tail_bound(params, x), wanted, rtol=1e-9, atol=1e-14)
    with_atom = Atoms((1.0,), conditional)
    logits = torch.tensor([0.0, math.log(3.0)], dtype=torch.float64).expand(len(x), 2)
    assert torch.allclose(
        with_atom.tail_bound(torch.cat([logits, params], 1), x),
        0.75 * wanted,
        rtol=1e-9,
        atol=1e-14,
    )
    assert (Bernoulli().tail_bound(torch.zeros(3, 1), torch.ones(3)) == 0).all()


@pytest.mark.parametrize("scale", [0.26, 0.5, 0.79, 0.95])
def test_members_that_agree_expect_what_each_of_them_expects(scale):
    one = DiscretizedLogisticMixture(1)
    params = torch.tensor(
        [[0.0, 0.3, math.log(math.expm1(scale - one.least_scale))]], dtype=torch.float64
    )
    d = Distribution.mixture(
        torch.full((1, 3), 1 / 3, dtype=torch.float64).log(), (Distribution.of(one, params),) * 3
    )
    values, weights = d.quadrature()
    _, p = masses(one, params)
    entropy = -(p * torch.where(p > 0, p, 1.0).log()).sum(1)
    assert abs(float(-(weights * d.log_prob_grid(values)).sum(1) - entropy)) < 0.02


FAMILIES = {
    "categories": [Categorical(2), Categorical(5), Categorical(3)],
    "categories whose unlisted are counted": [
        Categorical(4, unlisted=0, rows=9),
        Categorical(2, unlisted=0, rows=50),
    ],
    "categories whose unlisted are learned": [
        Categorical(2, unlisted=3),
        Categorical(6, unlisted=1, rows=50),
    ],
    "integers": [
        DiscretizedLogisticMixture(3, center=c, spread=s)
        for c, s in ((0.0, 1.0), (5.0, 40.0), (-2.0, 0.3))
    ],
    "atoms among integers": [
        Atoms((0.0, 3.0), DiscretizedLogisticMixture(2, center=1.0)),
        Atoms((-1.0, 2.0), DiscretizedLogisticMixture(2, spread=9.0)),
    ],
    "atoms among numbers": [Atoms((0.0,), GaussianMixture(2)), Atoms((0.5,), GaussianMixture(2))],
}


def test_few_values_are_not_filled_up_to_many():
    sizes = [Categorical(values).batch_key[-1] for values in (1, 2, 8, 9, 32, 33, 128, 129, 900)]
    assert sizes == [0, 0, 0, 1, 1, 2, 2, 3, 4]


@pytest.mark.parametrize("members", FAMILIES.values(), ids=FAMILIES)
def test_a_family_is_scored_at_once_as_each_of_its_members_is(members):
    """To the last few bits, gradients too; also of values that are no codes."""
    assert len({each.batch_key for each in members}) == 1
    x = torch.tensor([0.0, 1.0, 2.0, 3.0, 0.5, -1.0, 7.0, 40.0], dtype=torch.float64)[
        :, None
    ].expand(-1, len(members))
    own = [params_of(each, rows=len(x), seed=k).requires_grad_() for k, each in enumerate(members)]
    got = members[0].log_prob_columns(members, own, x)
    want = torch.stack(
        [each.log_prob(p, x[:, k]) for k, (each, p) in enumerate(zip(members, own, strict=True))],
        dim=1,
    )
    torch.testing.assert_close(got, want, rtol=1e-12, atol=1e-12)
    slopes = [torch.autograd.grad(logs[logs.isfinite()].sum(), own) for logs in (got, want)]
    for one, two in zip(*slopes, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-10, atol=1e-12, equal_nan=True)  # of no code


@pytest.mark.parametrize("conditional", ORDERED, ids=repr)
def test_a_range_has_its_mass_and_draws_within_it_follow_the_distribution(conditional):
    params = params_of(conditional, rows=1)
    low, middle, high = (
        conditional.quantile(params, torch.full((1,), q, dtype=torch.float64))
        for q in (0.2, 0.5, 0.8)
    )
    below = low - 1 if conditional.is_discrete else torch.nextafter(low, low - 1)
    before = conditional.cdf(params, below)
    mass = conditional.cdf(params, high) - before
    infinite = torch.full_like(low, torch.inf)
    n = 4000
    uniform = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    one = Distribution.of(conditional, params)
    several = Distribution.mixture(torch.tensor([[0.3, 0.7]]).double().log(), [one, one])
    for of in (one, several):
        assert torch.allclose(of.log_between(low, high).exp(), mass, atol=1e-9)
        assert torch.allclose(of.log_between(-infinite, infinite), torch.zeros_like(mass))
        assert torch.allclose(of.within(low, high).log_mass.exp(), mass, atol=1e-9)
        drawn = of.repeated(n).within(low.expand(n), high.expand(n)).draw(uniform)
        assert bool(((low <= drawn) & (drawn <= high)).all())
        repeated = of.within(low, high).draw(uniform, torch.zeros(n, dtype=torch.int64))
        assert torch.allclose(repeated, drawn, rtol=1e-9, atol=1e-9)
        for value in (low, middle):
            share = (conditional.cdf(params, value) - before) / mass
            # Each component, atom or tie has uniforms of its own.
            assert abs(float((drawn <= value).double().mean() - share)) < 0.01

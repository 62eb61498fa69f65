"""Nats of columns, and the spread of the likelihood over orders."""

import statistics

import numpy as np
import pytest
import torch

import chainrule as cr
from chainrule.networks.orders import make_order
from chainrule.networks.spread import nats_of_cells, order_spread
from chainrule.rng import generator_from
from chainrule.table import encode, log_scales, read_table


def test_the_spread_over_orders_is_that_of_exact_likelihoods(generator):
    net = cr.OrderlessNADE(3, [6], generator=generator).double()
    with torch.no_grad():  # far from agreement
        for parameter in net.parameters():
            parameter.normal_(generator=generator)
    x = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]).double()
    found = order_spread(net, x)
    drawn = [make_order("random", 3, g) for g in [generator_from(1)] for _ in range(15)]
    nats = torch.stack(
        [-net.with_order(order).log_prob(x).detach() for order in [net.order, *drawn]]
    )
    assert (found.orders, found.rows) == (16, 2)
    assert found.nats == pytest.approx(float(nats.mean()), rel=1e-12)
    assert found.between_orders == pytest.approx(statistics.stdev(nats.mean(1).tolist()), rel=1e-9)
    within = [statistics.variance(row) for row in nats.T.tolist()]
    assert found.within_rows == pytest.approx(statistics.mean(within) ** 0.5, rel=1e-9)
    assert found.within_rows > 0.1
    one = order_spread(cr.OrderlessNADE(1, [6], generator=generator), torch.ones(1, 1))
    assert (one.rows, one.between_orders, one.within_rows) == (1, 0.0, 0.0)


def test_columns_cost_what_rows_cost(generator):
    """In each order the nats of the cells add up to those of the rows, holes or not."""
    net = cr.OrderlessNADE(3, [6], generator=generator).double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(generator=generator)
    x = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]).double()
    order, drawn = (
        [2, 0, 1],
        [make_order("random", 3, g) for g in [generator_from(1)] for _ in range(15)],
    )
    assert torch.allclose(
        net.with_order(order).log_prob_columns(x).sum(1), net.with_order(order).log_prob(x)
    )
    assert not torch.allclose(net.with_order(order).log_prob_columns(x), net.log_prob_columns(x))
    for observed in (None, torch.tensor([[True, False, True], [True, False, True]])):
        cells = nats_of_cells(net, x, observed)
        assert cells.shape == (16, 2, 3)
        for order, nats in zip([net.order, *drawn], cells, strict=True):
            assert torch.allclose(nats.sum(1), -net.with_order(order).log_prob(x, observed))
    assert float(cells[:, :, 1].abs().sum()) == 0


@pytest.mark.parametrize("objective", ["any", "likelihood"])
def test_what_columns_cost_is_recorded_in_the_units_of_the_table(objective):
    rows = np.random.default_rng(0).normal(size=(60, 2)) * 1000
    config = cr.FitConfig(hidden_size=4, components=2, epochs=2)
    density = cr.fit(rows, rows[:30], objective=objective, seed=0, config=config)
    columns = density.training["columns"]
    assert columns["rows"] == 30
    nats = (
        density.training["order_spread"]["nats"]
        if objective == "any"
        else -density.log_prob(rows[:30]).mean()
    )
    assert sum(columns["nats"]) == pytest.approx(nats, rel=1e-6)
    assert sum(columns["independent_nats"]) == pytest.approx(
        density.training["independent_valid_nats"], rel=1e-6
    )
    rows[:30, 1] = np.nan
    if objective == "any":
        assert cr.fit(rows, rows[:30], seed=0, config=config).training["columns"]["nats"][1] is None


def test_the_spread_is_recorded_in_the_units_of_the_table():
    rows = np.random.default_rng(0).normal(size=(60, 2)) * 1000
    config = cr.FitConfig(hidden_size=4, components=2, epochs=2)
    density = cr.fit(rows, rows[:30], objective="any", seed=0, config=config)
    spread = density.training["order_spread"]
    codes = encode(read_table(rows[:30]), density.schema).values
    found = order_spread(density.model.network, torch.from_numpy(codes).float())
    assert spread["within_rows"] == pytest.approx(found.within_rows)
    scales = log_scales(density.schema, codes).sum(1).mean()
    assert spread["nats"] == pytest.approx(found.nats - scales, rel=1e-6)
    assert cr.fit(rows, network="nade", seed=0, config=config).training["order_spread"] is None

"""Which ties are found: planted ones, with broken rows, and none in permuted columns."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from chainrule.table.ties import FunctionalTie, LinearTie, ProductTie, QuotientTie
from chainrule.table.ties.find import find
from chainrule.table.ties.sheet import DATE, LABEL, NUMBER, Sheet, Variable

CENT, DAY, HOUR = Fraction(1, 100), Fraction(86_400), Fraction(3600)


class Planted:
    """Columns with ties of known texts; ``broken`` is the share of rows with another value."""

    def __init__(self, rows, broken=0.0, seed=0):
        self.rng = np.random.default_rng(seed)
        self.rows, self.broken = rows, broken
        self.codes, self.variables, self.texts = [], [], []

    def add(self, name, codes, measure=NUMBER, step=Fraction(1), origin=Fraction(0), text=None):
        codes = np.asarray(codes, dtype=np.float64)
        if text is not None:
            wrong = self.rng.random(self.rows) < self.broken
            codes = np.where(wrong, self.rng.permutation(codes), codes)
            self.texts.append(text)
        self.variables.append(Variable(len(self.codes), name, measure, step, origin))
        self.codes.append(codes)
        return codes

    def cents(self, name, **options):
        drawn = np.round(100 * self.rng.gamma(2, 50, self.rows))
        return self.add(name, drawn, step=CENT, **options)

    @property
    def sheet(self):
        return Sheet(tuple(self.variables), np.column_stack(self.codes))

    @property
    def permuted(self):
        codes = np.column_stack([self.rng.permutation(column) for column in self.codes])
        return Sheet(tuple(self.variables), codes)


def half_up(codes):
    return np.floor(codes + 0.5)


def forty(rows, broken, seed):
    """Forty relations among columns as tables of orders, stays and people have them."""
    table = Planted(rows, broken, seed)
    rng = table.rng
    for k in range(4):
        base = table.cents(f"paid{k}")
        table.add(f"again{k}", base, step=CENT, text=f"again{k} = paid{k}")
        fee = table.cents(f"fee{k}")
        sums = base + fee
        table.add(f"sum{k}", sums, step=CENT, text=f"sum{k} = paid{k} + fee{k}")
        stock = table.add(f"stock{k}", rng.integers(500, 900, rows))
        sold = table.add(f"sold{k}", rng.integers(0, 500, rows))
        table.add(f"left{k}", stock - sold, text=f"stock{k} = sold{k} + left{k}")
        net = table.cents(f"net{k}")
        rate = (19, 7, 25, 50)[k]
        tax = half_up(net * rate / 100)
        table.add(f"tax{k}", tax, step=CENT, text=f"tax{k} = {rate} % of net{k}, rounded")
        start = table.add(f"start{k}", rng.integers(0, 700, rows), DATE, DAY)
        nights = table.add(f"nights{k}", rng.integers(1, 30, rows))
        text = f"end{k} − start{k} = nights{k} (days)"
        table.add(f"end{k}", start + nights, DATE, DAY, text=text)
        low = table.add(f"low{k}", np.round(rng.normal(60, 15, rows)))
        high = low + np.round(rng.exponential(20, rows))
        table.add(f"high{k}", high, text=f"low{k} ≤ high{k}")
        city = table.add(f"city{k}", rng.integers(0, 12, rows), LABEL)
        text = f"city{k} determines country{k}"
        table.add(f"country{k}", rng.integers(0, 4, 12)[city.astype(int)], LABEL, text=text)
        euros = table.add(f"dozens{k}", rng.integers(1, 400, rows))
        factor = (12, 60, 24, 1000)[k]
        table.add(f"pieces{k}", euros * factor, text=f"pieces{k} = {factor} × dozens{k}")
        number = table.add(f"number{k}", rng.integers(1, 9, rows))
        price = table.cents(f"price{k}")
        text = f"total{k} = number{k} × price{k}"
        table.add(f"total{k}", number * price, step=CENT, text=text)
        sent = table.add(f"sent{k}", rng.integers(0, 7000, rows), DATE, HOUR)
        table.add(f"due{k}", sent + 24 * 14, DATE, HOUR, text=f"due{k} = sent{k} + 14 days")
    return table


@pytest.mark.parametrize("broken", [0.0, 0.01, 0.03])
@pytest.mark.parametrize("rows", [1000, 4000])
def test_forty_planted_ties_are_found(rows, broken):
    table = forty(rows, broken, seed=1)
    found = {tie.text: tie for tie in find(table.sheet, min_count=5)}
    assert len(table.texts) == 40
    missed = [text for text in table.texts if text not in found]
    assert len(missed) <= 2, missed
    for tie in found.values():
        assert 1 - broken - 0.02 <= tie.share <= 1
    # Only orders that follow are found besides, such as price ≤ total.
    others = [text for text in found if text not in table.texts and "≤" not in text]
    assert not others


@pytest.mark.parametrize("seed", range(3))
def test_permuted_columns_have_no_ties(seed):
    assert find(forty(1000, 0.0, seed).permuted, min_count=5) == ()


def test_few_or_nearly_constant_values_give_no_ties():
    rng, table = np.random.default_rng(0), Planted(3000)
    for k in range(12):
        table.add(f"bit{k}", rng.random(3000) < 0.03, LABEL)
        table.add(f"zero{k}", np.where(rng.random(3000) < 0.03, rng.integers(1, 90, 3000), 0))
        table.add(f"few{k}", rng.integers(0, 3, 3000))
        table.add(f"rare{k}", rng.poisson(0.02, 3000))
        table.add(f"constant{k}", np.full(3000, 7.0))
    assert find(table.sheet, min_count=5) == ()


def test_columns_that_are_merely_related_have_no_ties():
    rng, table = np.random.default_rng(0), Planted(5000)
    common = rng.normal(0, 100, 5000)
    for k in range(6):  # the later ones are larger in 95 to 99.9 % of the rows
        table.add(f"x{k}", np.round(common + rng.normal(25 * k, 10, 5000)))
    table.add("label", np.digitize(common + rng.normal(0, 20, 5000), [-100, 0, 100]), LABEL)
    found = [tie.text for tie in find(table.sheet, min_count=5) if tie.share < 0.9995]
    assert found == []


@pytest.mark.parametrize("broken", [0.0, 0.02])
def test_of_a_few_copies_any_computes_any(broken):
    table = Planted(1000, broken)
    first = table.cents("a")
    for name, factor in zip("bcd", (1, 2, 1), strict=True):
        table.add(name, first * factor, step=CENT, text=f"{name} = {factor} × a")
    ties = find(table.sheet, min_count=5)
    pairs = [set(tie.columns) for tie in ties]
    assert sorted(map(sorted, pairs)) == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    assert {"b = a", "c = 2 × a", "c = 2 × b", "d = b"} <= {tie.text for tie in ties}
    known = np.zeros(table.sheet.codes.shape, bool)
    for tie in ties:
        known[:] = False
        known[:, tie.columns[1]] = True  # the only known cell
        low, high = tie.interval(tie.columns[0], table.sheet.codes, known)
        computed = (low == high) & (low == table.sheet.codes[:, tie.columns[0]])
        assert computed.mean() == tie.share


def test_of_many_copies_a_spanning_set_is_kept():
    table = Planted(1000)
    first = table.cents("a")
    for name in "bcdefgh":
        table.add(name, first, step=CENT)
    ties = find(table.sheet, min_count=5)
    assert len(ties) == 7
    assert {column for tie in ties for column in tie.columns} == set(range(8))


def test_a_sum_and_its_rearrangements_are_one():
    table = Planted(1000)
    parts = table.cents("b") + table.cents("c")
    table.add("a", parts, step=CENT)
    equations = [t for t in find(table.sheet, min_count=5) if t.text.count("=")]
    assert [(t.text, t.coefficients, t.least, t.most) for t in equations] == [
        ("a = b + c", (1, -1, -1), 0.0, 0.0)
    ]


def test_grids_of_different_steps_and_origins_are_joined_exactly():
    table = Planted(1000)
    rng = table.rng
    big = table.add("big", rng.integers(0, 100, 1000), step=Fraction(5, 2), origin=Fraction(10))
    small = table.add("small", rng.integers(0, 900, 1000), step=Fraction(1, 4))
    total = big * Fraction(5, 2) + 10 + small * Fraction(1, 4) - 3
    table.add("all", [float((value + 3) * 4) for value in total], step=Fraction(1, 4), origin=-3)
    (tie,) = (tie for tie in find(table.sheet, min_count=5) if "=" in tie.text)
    assert tie.text == "all = big + small − 3"
    assert tie.share == 1


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (lambda net: half_up(net * 1.19), "b = 1.19 × a, rounded"),
        (lambda net: half_up(net / 3), "b = 1/3 × a, rounded"),
        (lambda net: np.floor(net * 0.07), "b = 7 % of a, rounded down"),
        (lambda net: np.round(net * 0.5), "b = 50 % of a, rounded"),  # half to even
        (lambda net: net * 3, "b = 3 × a"),
        (lambda net: net + 500, "b = a + 5"),
        (lambda net: 500 - net, "b = −a + 5"),
        (lambda net: net * 9 + 3200, "b = 9 × a + 32"),
    ],
)
def test_words_of_pairs(made, text):
    table = Planted(1000)
    net = table.cents("a")
    table.add("b", made(net), step=CENT)
    assert text in [tie.text for tie in find(table.sheet, min_count=5)]


def test_of_two_columns_the_finer_one_follows_from_the_coarser_one():
    """Inches to 0.01 follow from centimeters to 0.1; the other way, four inches have one cm."""
    table = Planted(1000)
    tenths = table.add("cm", table.rng.normal(1700, 100, 1000).round(), step=Fraction(1, 10))
    table.add("inch", half_up(tenths * 10 / 2.54), step=CENT)
    (tie,) = find(table.sheet, min_count=5)
    assert tie.text == "inch = 50/127 × cm, rounded"


def test_three_columns_that_add_up_to_a_constant():
    table = Planted(1000)
    rng = table.rng
    a = table.add("a", rng.integers(0, 50, 1000))
    b = table.add("b", rng.integers(0, 50, 1000))
    table.add("c", 100 - a - b)
    assert "c + a + b = 100" in [tie.text for tie in find(table.sheet, min_count=5)]


def test_a_rare_fee_makes_a_sum_and_no_copy():
    table = Planted(4000)
    price = table.cents("price")
    fee = np.where(table.rng.random(4000) < 0.04, 100.0 * table.rng.integers(1, 6, 4000), 0)
    table.add("fee", fee, step=CENT)
    table.add("total", price + fee, step=CENT)
    texts = [tie.text for tie in find(table.sheet, min_count=5)]
    assert "total = price + fee" in texts
    assert "total = price" not in texts


def test_dates_are_counted_in_whole_days():
    table = Planted(1000)
    start = table.add("a", table.rng.integers(0, 9000, 1000), DATE, HOUR)
    apart = table.rng.integers(0, 240, 1000)
    table.add("b", start + apart, DATE, HOUR)
    table.add("days", apart // 24)
    texts = [tie.text for tie in find(table.sheet, min_count=5)]
    assert "b − a = days (days, rounded down)" in texts
    assert "a ≤ b" in texts


def test_missing_cells_hide_no_tie():
    table = forty(4000, 0.0, seed=2)
    codes = table.sheet.codes.copy()
    codes[table.rng.random(codes.shape) < 0.1] = np.nan
    found = {tie.text: tie.share for tie in find(Sheet(table.sheet.variables, codes), min_count=5)}
    assert len([text for text in table.texts if found.get(text) == 1]) >= 38


@pytest.mark.parametrize("missing", [0.25, 0.4])
def test_dates_of_which_many_are_missing_are_counted(missing):
    table = Planted(2000)
    start = table.add("a", table.rng.integers(0, 700, 2000), DATE, DAY)
    nights = table.add("nights", table.rng.integers(1, 15, 2000))
    table.add("b", start + nights, DATE, DAY)
    codes = table.sheet.codes.copy()
    codes[table.rng.random(codes.shape) < missing] = np.nan  # most rows lack one of the three
    (tie,) = find(Sheet(table.sheet.variables, codes), min_count=5)
    assert (tie.text, tie.share) == ("b − a = nights (days)", 1.0)


@pytest.mark.parametrize(
    "names", [("n", "t", "g"), ("net amount", "tax", "all"), ("n", "tax", "g")]
)
def test_names_do_not_choose_among_ratios(names):
    table, (net, tax, gross) = Planted(1000), names
    base = table.cents(net)
    rounded = half_up(base * 0.19)
    table.add(tax, rounded, step=CENT)
    table.add(gross, base + rounded, step=CENT)
    assert {tie.text for tie in find(table.sheet, min_count=5)} == {
        f"{gross} = {net} + {tax}",
        f"{tax} = 19 % of {net}, rounded",
        f"{gross} = 1.19 × {net}, rounded",
    }


def test_a_level_is_mapped_if_enough_rows_have_it():
    rng, table = np.random.default_rng(0), Planted(2000)
    city = rng.integers(0, 10, 2000)
    city[:4], city[4:9] = 10, 11  # four rows and five
    table.add("city", city, LABEL)
    table.add("country", city // 3, LABEL)
    (tie,) = find(table.sheet, min_count=5)
    assert isinstance(tie, FunctionalTie)
    assert tie.levels == (*(k // 3 for k in range(10)), -1, 3)


def test_codes_of_few_rows_are_not_counted_by_the_length_of_a_list():
    table = Planted(2000)
    product = table.rng.integers(0, 20, 2000)
    product[0] = 8347
    table.add("product", product)
    table.add("shop", product % 7, LABEL)
    (tie,) = find(table.sheet, min_count=5)
    assert isinstance(tie, FunctionalTie)
    assert tie.levels == tuple(k % 7 for k in range(20))


def test_a_constant_belongs_to_min_count_rows():
    table = Planted(150)
    table.add("b", table.cents("a") + 8347, step=CENT)
    assert [tie.text for tie in find(table.sheet, min_count=75)] == ["b = a + 83.47"]
    assert find(table.sheet, min_count=76) == ()


def test_a_number_of_few_values_determines_another():
    table = Planted(2000)
    product = table.add("product", table.rng.integers(0, 20, 2000))
    prices = table.rng.integers(100, 9000, 20)
    prices[10:] = prices[:10]
    table.add("price", prices[product.astype(int)], step=CENT)
    assert "product determines price" in [tie.text for tie in find(table.sheet, min_count=5)]


def test_of_columns_that_determine_each_other_no_detour_is_kept():
    table = Planted(2000)
    city = table.add("city", table.rng.integers(0, 12, 2000), LABEL)
    table.add("country", city // 3, LABEL)
    table.add("continent", city // 6, LABEL)
    assert [tie.text for tie in find(table.sheet, min_count=5)] == [
        "city determines country",
        "country determines continent",
    ]


def test_of_columns_with_the_same_levels_those_with_the_first_are_kept():
    table = Planted(2000)
    code = table.add("code", table.rng.integers(0, 12, 2000), LABEL)
    table.add("name", 11 - code, LABEL)
    table.add("sign", (code + 5) % 12, LABEL)
    assert [tie.text for tie in find(table.sheet, min_count=5)] == [
        "code and name determine each other",
        "code and sign determine each other",
        "code and name determine each other",
        "code and sign determine each other",
    ]


def test_of_orders_no_detour_is_kept():
    table = Planted(2000)
    rng = table.rng
    a = table.add("a", rng.integers(0, 100, 2000))
    b = table.add("b", a + np.round(rng.exponential(30, 2000)))
    table.add("c", b + np.round(rng.exponential(30, 2000)))
    assert [tie.text for tie in find(table.sheet, min_count=5)] == ["a ≤ b", "b ≤ c"]


def test_a_rounded_product_allows_half_a_step():
    table = Planted(2000)
    hours = table.add("hours", table.rng.integers(1, 4000, 2000), step=CENT)
    wage = table.cents("wage")
    table.add("pay", half_up(hours * wage / 100), step=CENT)
    (tie,) = (tie for tie in find(table.sheet, min_count=5) if "×" in tie.text)
    assert tie == ProductTie((0, 1, 2), (1, 1, 100), (0, 0, 0), 50, 1.0, tie.text)
    assert tie.text == "pay = hours × wage, rounded"


def reordered(table, order):
    """The sheet of a table with its columns in another order."""
    codes = np.stack([table.codes[k] for k in order], axis=1)
    variables = [replace(table.variables[k], number=to) for to, k in enumerate(order)]
    return Sheet(tuple(variables), codes)


def percentages(rows, broken=0.0, seed=0):
    """Taxes of two percentages, prices with a percentage, and with a share, in cents."""
    table = Planted(rows, broken, seed)
    rng = table.rng
    net = table.cents("net")
    percent = table.add("percent", rng.choice([7, 19], rows))
    table.add("tax", half_up(net * percent / 100), step=CENT, text="tax = net × percent ÷ 100")
    before = table.cents("before")
    more = table.add("more", rng.integers(1, 60, rows))
    after = half_up(before * (100 + more) / 100)
    table.add("after", after, step=CENT, text="after = before × (100 + more) ÷ 100")
    cost = table.cents("cost")
    rate = table.add("rate", rng.integers(1, 40, rows), step=CENT)
    table.add(
        "paid", half_up(cost * (100 + rate) / 100), step=CENT, text="paid = cost × (1 + rate)"
    )
    return table


@pytest.mark.parametrize("broken", [0.0, 0.03])
@pytest.mark.parametrize("order", [range(9), range(8, -1, -1)], ids=["last", "first"])
def test_percentages_of_a_column_are_found_wherever_they_stand(broken, order):
    table = percentages(2000, broken)
    sheet = reordered(table, order)
    ties = [tie for tie in find(sheet, min_count=5) if len(tie.columns) == 3]
    found = {tie.text.replace("percent × net", "net × percent"): tie for tie in ties}
    assert set(found) == {f"{text}, rounded" for text in table.texts}
    for tie in found.values():
        assert tie.share >= 1 - broken - 0.01
        low, high = tie.interval(tie.columns[2], sheet.codes, sheet.known)
        assert (low == high).mean() > 0.9


def discounts(rows, broken=0.0, seed=0, without=0.3):
    """Prices less a percentage and less a share, in cents, of which some rows have none."""
    table = Planted(rows, broken, seed)
    rng = table.rng
    price = table.cents("price")
    percent = table.add("percent", rng.choice([5, 10, 33, 50], rows) * (rng.random(rows) > without))
    text = "net = price × (100 − percent) ÷ 100, rounded"
    table.add("net", half_up(price * (100 - percent) / 100), step=CENT, text=text)
    list_price = table.cents("list")
    rate = table.add("rate", rng.integers(1, 60, rows) * (rng.random(rows) > without), step=CENT)
    paid = half_up(list_price * (100 - rate) / 100)
    table.add("paid", paid, step=CENT, text="paid = list × (1 − rate), rounded")
    return table


@pytest.mark.parametrize("without", [0.0, 0.85])
@pytest.mark.parametrize("broken", [0.0, 0.01, 0.03])
@pytest.mark.parametrize("order", [range(6), range(5, -1, -1)], ids=["last", "first"])
def test_discounts_are_found_in_every_direction(broken, order, without):
    table = discounts(2000, broken, without=without)
    sheet = reordered(table, order)
    ties = find(sheet, min_count=5)  # and so net ≤ price in nearly all rows
    assert {tie.text for tie in ties} == set(table.texts)
    for tie in ties:
        assert isinstance(tie, ProductTie)
        assert tie.share >= 1 - broken - 0.01
        for column in tie.columns:
            low, high = tie.interval(column, sheet.codes, sheet.known)
            own = sheet.codes[:, column]
            assert ((low <= own) & (own <= high)).mean() == tie.share
            assert np.median(high - low) <= 1  # a price has two neighbours with one net


@pytest.mark.parametrize("seed", range(5))
def test_permuted_columns_have_no_discounts(seed):
    assert find(discounts(1000, seed=seed).permuted, min_count=5) == ()


def test_a_discount_that_follows_from_a_sum_and_a_product_is_not_kept():
    table = Planted(2000)
    price = table.cents("price")
    percent = table.add("percent", table.rng.choice([5, 10, 60], 2000))
    less = table.add("less", half_up(price * percent / 100), step=CENT)
    table.add("net", price - less, step=CENT)
    found = [tie.text for tie in find(table.sheet, min_count=5)]
    assert found == ["price = less + net", "less = price × percent ÷ 100, rounded"]


@pytest.mark.parametrize("seed", range(5))
def test_permuted_columns_have_no_percentages(seed):
    assert find(percentages(1000, seed=seed).permuted, min_count=5) == ()


def test_a_product_that_follows_from_a_sum_and_a_product_is_not_kept():
    table = Planted(2000)
    net = table.cents("net")
    percent = table.add("percent", table.rng.choice([7, 19], 2000))
    tax = table.add("tax", half_up(net * percent / 100), step=CENT)
    table.add("gross", net + tax, step=CENT)
    found = [tie.text for tie in find(table.sheet, min_count=5)]
    assert found == ["gross = net + tax", "tax = net × percent ÷ 100, rounded"]


def quotients(rows, broken=0.0, seed=0):
    """A rate, a percentage and a price per piece: quotients, rounded."""
    table = Planted(rows, broken, seed)
    rng = table.rng
    hits = table.add("hits", rng.integers(1, 100, rows))
    tries = table.add("tries", hits + rng.integers(0, 100, rows))
    text = "rate = hits ÷ tries, rounded"
    table.add("rate", np.round(1000 * hits / tries), step=Fraction(1, 1000), text=text)
    seen = table.add("seen", rng.integers(50, 900, rows))
    bought = table.add("bought", rng.binomial(seen.astype(int), rng.random(rows)))
    text = "percent = 100 × bought ÷ seen, rounded"
    table.add("percent", np.round(1000 * bought / seen), step=Fraction(1, 10), text=text)
    pieces = table.add("pieces", rng.integers(1, 20, rows))
    total = table.add("total", np.round(np.exp(rng.normal(8, 1, rows))), step=CENT)
    text = "price = total ÷ pieces, rounded"
    table.add("price", np.round(total / pieces), step=CENT, text=text)
    return table


@pytest.mark.parametrize("broken", [0.0, 0.03])
@pytest.mark.parametrize("order", [range(9), range(8, -1, -1)], ids=["last", "first"])
def test_rounded_quotients_are_found_wherever_they_stand(broken, order):
    table = quotients(2000, broken)
    sheet = reordered(table, order)
    found = {tie.text: tie for tie in find(sheet, min_count=5) if len(tie.columns) == 3}
    assert set(found) == set(table.texts)
    for tie in found.values():
        assert isinstance(tie, QuotientTie)
        assert tie.share >= 1 - broken - 0.01
        low, high = tie.interval(tie.columns[2], sheet.codes, sheet.known)
        assert (low == high).mean() > 0.9  # one value, but between two that are as near


@pytest.mark.parametrize("seed", range(5))
def test_permuted_columns_have_no_quotients(seed):
    assert find(quotients(1000, seed=seed).permuted, min_count=5) == ()


@pytest.mark.parametrize("zeros", [0.02, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("order", [range(3), range(2, -1, -1)], ids=["last", "first"])
@pytest.mark.parametrize("is_missing", [False, True])
def test_a_quotient_is_found_beside_divisors_of_zero(zeros, order, is_missing):
    """There, the price is 0 or missing, and the tie says nothing. Most divisors are 1 or 0."""
    table = Planted(2000)
    pieces = table.rng.choice([1, 2, 3, 7], 2000, p=[0.7, 0.1, 0.1, 0.1])
    pieces[table.rng.random(2000) < zeros] = 0
    total = table.cents("total")
    table.add("pieces", pieces)
    price = np.round(total / np.maximum(pieces, 1))
    price[pieces == 0] = np.nan if is_missing else 0
    table.add("price", price, step=CENT)
    sheet = reordered(table, order)
    ties = find(sheet, min_count=5)
    assert "price ≤ total" not in [tie.text for tie in ties]  # it follows
    (tie,) = (tie for tie in ties if len(tie.columns) == 3)
    assert (tie.text, tie.share) == ("price = total ÷ pieces, rounded", 1.0)
    low, high = tie.interval(tie.columns[2], sheet.codes, sheet.known)
    assert ((low <= high) == (pieces > 0)).all()


def test_rows_with_a_divisor_of_zero_hide_no_broken_quotient():
    """There, the product hits = tries × rate holds as well, so that it holds in more rows."""
    table = Planted(4000)
    tries = table.rng.integers(20, 200, 4000) * (table.rng.random(4000) < 0.1)
    hits = table.add("hits", table.rng.binomial(tries, 0.4))
    table.add("tries", tries)
    rate = np.round(100 * hits / np.maximum(tries, 1))
    rows = np.flatnonzero(tries)
    rate[rows[::33]] += 30
    table.add("rate", rate, step=CENT)
    (tie,) = (tie for tie in find(table.sheet, min_count=5) if len(tie.columns) == 3)
    assert tie.text == "rate = hits ÷ tries, rounded"
    assert tie.share == pytest.approx(1 - len(rows[::33]) / len(rows))


def test_a_product_that_is_exact_is_no_quotient():
    """Nor is one that is rounded: hours and a wage leave one value of the pay."""
    table = Planted(2000)
    number = table.add("number", table.rng.integers(1, 30, 2000))
    price = table.cents("price")
    table.add("total", number * price, step=CENT)
    hours = table.add("hours", table.rng.integers(100, 4000, 2000), step=CENT)
    wage = table.cents("wage")
    table.add("pay", half_up(hours * wage / 100), step=CENT)
    found = [tie.text for tie in find(table.sheet, min_count=5) if "≤" not in tie.text]
    assert found == ["total = number × price", "pay = hours × wage, rounded"]


def test_a_quotient_of_numbers_that_do_not_count_from_zero():
    """Codes count from other origins, and a step may be several units."""
    table = Planted(2000)
    dozens = table.add(
        "dozens", table.rng.integers(0, 90, 2000), step=Fraction(12), origin=Fraction(12)
    )
    boxes = table.add("boxes", table.rng.integers(0, 9, 2000), origin=Fraction(2))
    each = 100 * 12 * (dozens + 1) / (boxes + 2)
    table.add("each", np.round(each / 50), step=Fraction(1, 2))
    (tie,) = (tie for tie in find(table.sheet, min_count=5) if len(tie.columns) == 3)
    assert (tie.text, tie.share) == ("each = dozens ÷ boxes, rounded", 1.0)


def test_an_order_that_follows_from_a_quotient_is_not_listed():
    table = Planted(1500)
    total = table.cents("total")
    pieces = table.add("pieces", table.rng.integers(1, 8, 1500))
    table.add("price", np.round(total / pieces), step=CENT)
    assert [tie.text for tie in find(table.sheet, min_count=5)] == [
        "price = total ÷ pieces, rounded"
    ]
    some = Sheet(table.sheet.variables[::2], table.sheet.codes)
    found = {tie.text: tie.is_in_part for tie in find(some, min_count=5)}
    assert found == {"price ≤ total": False, "price = total": True}  # of a single piece


def test_ties_depend_on_the_rows_alone():
    table = forty(1000, 0.01, seed=3)
    assert find(table.sheet, min_count=5) == find(table.sheet, min_count=5)


def test_shares_are_those_of_all_rows():
    table = Planted(20_000, broken=0.03)
    base = table.cents("a")
    table.add("b", base, step=CENT, text="b = a")
    (tie,) = find(table.sheet, min_count=5)
    assert isinstance(tie, LinearTie)
    assert tie.share == (table.codes[0] == table.codes[1]).mean()


def test_an_order_that_follows_from_a_product_is_not_listed():
    table = Planted(1500)
    price = table.cents("price")
    number = table.add("number", table.rng.integers(1, 8, 1500))
    table.add("total", price * number, step=CENT)
    assert [tie.text for tie in find(table.sheet, min_count=5)] == ["total = price × number"]
    some = Sheet(table.sheet.variables[::2], table.sheet.codes)
    found = {tie.text: tie.is_in_part for tie in find(some, min_count=5)}
    assert found == {"price ≤ total": False, "total = price": True}  # of a single piece

"""The page on which a NADE draws, in a real browser: its numbers are those of Python."""

import base64
import json
import re
from itertools import product

import numpy as np
import polars as pl
import pytest
import torch
from helpers.browser import Page

import chainrule as cr
from chainrule.density import Density
from chainrule.errors import SchemaError, ShapeError
from chainrule.model import Model, columns_of
from chainrule.networks import MADE
from chainrule.table import Binary, Schema, infer_schema
from chainrule.view import play_page, write_play

SIDE = 6
SEEDS = 4000  # draws whose frequencies are compared with probabilities


def density_of(columns, hidden_size, *, class_=cr.NADE, flipped=(), **options):
    """A density over bits with random weights, large enough that pixels depend on each other."""
    levels = [(1, 0) if column in flipped else (0, 1) for column in range(columns)]
    schema = Schema(
        tuple(Binary(name=f"x{k}", levels=each, dtype="uint8") for k, each in enumerate(levels))
    )
    generator = torch.Generator().manual_seed(0)
    network = class_(columns, hidden_size, generator=generator, **options)
    with torch.no_grad():
        for weights in network.parameters():
            weights.add_(torch.randn(weights.shape, generator=generator))
    return Density(Model(schema, network))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A density of pictures as a file holds it: some columns are flipped, in a random order."""
    path = tmp_path_factory.mktemp("model") / "m.chainrule"
    flipped = range(0, SIDE * SIDE, 3)
    density_of(SIDE * SIDE, 40, flipped=flipped, order="random").save(path)
    return cr.load(path)


@pytest.fixture(scope="module")
def page(pictures, tmp_path_factory):
    return write_play(pictures.model, tmp_path_factory.mktemp("page") / "play.html")


@pytest.fixture(scope="module")
def opened(page, tmp_path_factory):
    with Page(page, tmp_path_factory.mktemp("browser"), width=1440) as driven:
        yield driven


@pytest.fixture
def driven(opened, page):
    """The page, as it is when it has been opened."""
    opened.resize(1440)
    opened.tell("Page.reload")
    opened.open(page)
    return opened


def held(text):
    """The data that a page holds."""
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text)
    return json.loads(found)


def shown(driven):
    """The pixels of the picture: 1 on, 0 off, −1 unknown."""
    return driven.run(
        "cells.map(cell => !cell.classList.contains('on') && !cell.classList.contains('off') ? -1 "
        ": Number(cell.classList.contains('on')))"
    )


def played(driven):
    """Plays to the end, as fast as the page can."""
    driven.run("state.speed = 100")
    driven.click("#play")
    ended(driven)


def ended(driven):
    """Waits until the picture is drawn."""
    driven.wait(f"state.step === {SIDE * SIDE} && !playing")


def number(text):
    return float(text.replace("−", "-").replace(",", ""))


def digits_of(p):
    """A probability as the page shows it."""
    return "< 0.001" if p < 0.0005 else "> 0.999" if p > 0.9995 else f"= {p:.3f}"


def test_numbers_are_those_of_python(pictures, driven):
    """log p, the logits of on and the hidden units, by the kept sum and by the mask."""
    network = pictures.model.in_float64()
    rows = np.random.default_rng(0).integers(0, 2, (200, SIDE * SIDE))
    flipped = np.array([column.is_flipped for column in pictures.schema.columns])
    assert 0 < flipped.sum() < len(flipped)
    codes = torch.from_numpy(rows ^ flipped).double()
    found = driven.run(f"{json.dumps(rows.tolist())}.map(row => net.logProb(row))")
    assert np.abs(found - network.log_prob(codes).numpy()).max() < 1e-9
    assert np.abs(found - pictures.log_prob(rows, strict=True)).max() < 1e-9
    of_codes = network.conditional_params(codes[:20]).numpy()
    logits = np.where(flipped, -of_codes, of_codes)[:, network.order]  # by step
    for way in ("logits", "maskedLogits"):
        some = driven.run(f"{json.dumps(rows[:20].tolist())}.map(row => [...net.{way}(row)])")
        assert np.abs(some - logits).max() < 1e-9
    hidden = network.hidden(codes[:1])[0, network.order].numpy()
    walk = f"[...Array({SIDE * SIDE}).keys()].map(step => {{ const walk = net.walkTo(step, row); "
    row = json.dumps(rows[0].tolist())
    some = driven.run(f"(row => {walk} walk.logit(); return [...walk.h]; }}))({row})")
    assert np.abs(np.array(some) - hidden).max() < 1e-9


@pytest.fixture(scope="module")
def eight(tmp_path_factory):
    """All pictures of eight pixels with their probabilities, and a page of their density."""
    density = density_of(8, 5, flipped=(2,), activation="relu", order=[3, 1, 0, 2, 7, 5, 6, 4])
    folder = tmp_path_factory.mktemp("eight")
    at = write_play(density.model, folder / "play.html", shape=(2, 4))
    rows = np.array(list(product((0, 1), repeat=8)))
    network = density.model.in_float64()
    codes = rows ^ np.array([column.is_flipped for column in density.schema.columns])
    probabilities = network.log_prob(torch.from_numpy(codes).double()).exp().numpy()
    with Page(at, folder, width=1440) as driven:
        yield driven, rows, probabilities, network.order.numpy()


def test_completions_of_eight_pixels_have_probability_one(eight):
    driven, rows, probabilities, _ = eight
    found = np.exp(driven.run(f"{json.dumps(rows.tolist())}.map(row => net.logProb(row))"))
    assert found.sum() == pytest.approx(1, abs=1e-12)
    assert np.abs(found - probabilities).max() < 1e-9
    assert driven.run("document.querySelectorAll('[role=row]').length") == 2


def test_draws_are_as_frequent_as_they_are_probable(eight):
    """Free ones, and given the first two pixels in the order; the seeds are fixed."""
    driven, rows, probabilities, order = eight
    draw = (
        f"[...Array({SEEDS}).keys()].map(seed => complete(new Walk(net), %s, new Int8Array(8), "
        "seed, 1).reduce((all, bit) => 2 * all + bit))"
    )
    fixed = np.full(8, -1)
    for _ in range(2):
        agrees = ((fixed < 0) | (rows == fixed)).all(1)
        expected = np.where(agrees, probabilities, 0) / probabilities[agrees].sum()
        found = driven.run(draw % f"Int8Array.from({fixed.tolist()})")
        frequent = np.bincount(found, minlength=256) / SEEDS
        error = np.sqrt(expected * (1 - expected) / SEEDS)
        # Two draws more, of rows that are expected less than once.
        assert (np.abs(frequent - expected) <= 4 * error + 2 / SEEDS).all()
        likely = expected > 0.01
        assert (((frequent - expected)[likely] / error[likely]) ** 2).mean() < 2
        fixed[order[:2]] = (0, 1)


@pytest.mark.parametrize("gaps", [False, True])
def test_painted_pixels_survive_and_the_sum_is_log_p_of_the_picture(gaps, pictures, driven):
    """Pixels are painted by mouse and by key, in a half that is known and beyond it."""
    order = pictures.model.network.order.tolist()
    driven.click("#half")
    before = shown(driven)
    known = sum(pixel >= 0 for pixel in before)
    assert 18 <= known < 30
    assert [before[column] >= 0 for column in order] == [True] * known + [False] * (36 - known)
    if gaps:
        driven.click("#gaps")
    early, late = order[4], order[30]
    driven.click(f"input[value='{1 - before[early]}']")
    driven.click(f"#cell-{early}")
    driven.click(f"#cell-{late}")
    driven.press("0")
    wanted = {
        **{column: before[column] for column in order[:known]},
        early: 1 - before[early],
        **({} if gaps else dict.fromkeys(order[known:30], 0)),
        late: 0,
    }
    assert {column: pixel for column, pixel in enumerate(shown(driven)) if pixel >= 0} == wanted
    played(driven)
    row = np.array(shown(driven))
    assert (row >= 0).all()
    assert {column: row[column] for column in wanted} == wanted
    nats = driven.run("document.querySelector('#log-said b').textContent")
    expected = pictures.log_prob(row[None], strict=True)[0]
    assert number(nats.removesuffix(" nats")) == pytest.approx(expected, abs=0.0051)
    assert driven.run("row.total") == pytest.approx(expected, abs=1e-9)
    driven.click("#another")  # plays at once: a click on Play would stop it
    ended(driven)
    again = np.array(shown(driven))
    assert {column: again[column] for column in wanted} == wanted
    if gaps:
        assert (again != row).any()


def test_a_stroke_settles_what_is_before_it(pictures, driven):
    """Drawn pixels keep their value, others become off; so the known ones are a prefix."""
    order = pictures.model.network.order.tolist()
    driven.click("#half")
    known = driven.run("prefix()")
    for _ in range(2):
        driven.click("#step")
    before = shown(driven)
    assert before[order[known]] >= 0
    driven.click(f"#cell-{order[33]}")
    wanted = [before[column] for column in order[: known + 2]]
    wanted += [0] * (33 - known - 2) + [1, -1, -1]
    assert [shown(driven)[column] for column in order] == wanted
    assert driven.run("[prefix(), state.step]") == [34, 34]
    assert driven.run("document.getElementById('gap').hidden") is True


def test_a_step_shows_its_numbers(pictures, driven):
    """The shown sums lead from one step to the next, and to the shown pixel."""
    driven.click("#nothing")
    text = "document.getElementById({!r}).textContent".format
    for step in range(4):
        assert driven.run(text("numbers-title")) == f"How pixel {step + 1} is decided"
        p, u, y = driven.run(
            "[sigmoid(row.y[state.step]), uniform(state.seed, state.step), row.y[state.step]]"
        )
        assert number(driven.run(text("y-said")).split("=")[1]) == pytest.approx(y, abs=0.0051)
        column = pictures.model.network.order[step]
        pixel = int(u < p)
        said = driven.run(text("p-said"))
        assert f") {digits_of(p)}." in said
        assert said.endswith(f"So Step will draw x = {pixel}: {['off', 'on'][pixel]}.")
        before = shown(driven)
        driven.click("#step")
        before[column] = pixel
        assert shown(driven) == before
        added = driven.run(text("column-said"))
        flipped = pictures.schema.columns[column].is_flipped
        assert f"x = {pixel}" in added
        assert (f"1 − x = {1 - pixel} counts" in added) == flipped
        assert ("its column of W is added." in added) == (pixel != flipped)
        factor = f"(1 − x{step + 1})" if flipped else f"x{step + 1}"
        assert driven.run(text("column-name")) == f"+ {factor} · W{step + 1}"
    driven.click("input[value=masked]")
    counts = driven.run("[...document.querySelectorAll('#counts span')].map(s => s.textContent)")
    assert list(map(number, counts)) == [4 * 2 * 40, 4 * (36 + 1) * 40]
    said = driven.run(text("ways-said"))
    assert "40 + 40 = 80" in said
    assert f"36 · 40 + 40 = {36 * 40 + 40:,}, 18.5 times as many." in said
    assert driven.run(text("a-name")).startswith("a = b + Σ")
    assert said.endswith(f"{36 * 80:,} against {36 * (36 * 40 + 40):,}.")
    assert driven.run("document.getElementById('line-masked').hidden") is False


def test_evidence_that_is_no_prefix_is_explained(driven):
    hidden = "document.getElementById('gap').hidden"
    assert driven.run(hidden) is True
    driven.click("#later")
    assert driven.run(hidden) is False
    said = driven.run("document.getElementById('gap-said').textContent")
    assert said.startswith("Pixel 1 is not known, but 18 later pixels are (dotted).")
    assert driven.run("document.querySelectorAll('.unheeded').length") == 18
    map_said = "document.getElementById('map-said').textContent"
    assert "This is not p(on | dotted pixels)" in driven.run(map_said)
    driven.run("go(36)")  # what was drawn before them did not look at them
    assert driven.run("document.querySelectorAll('.unheeded').length") == 18
    said = driven.run("document.getElementById('gap-said').textContent")
    assert said.startswith("Pixel 1 was not known, but 18 later pixels were (dotted). NADE drew")
    shown_fill = "document.getElementById('fill').checkVisibility()"
    assert driven.run(shown_fill) is False
    driven.run("go(0)")
    assert driven.run(shown_fill) is True
    answer = driven.run("document.getElementById('gap-answer').innerHTML")
    assert "all 2<sup>18</sup> ways to fill the 18 unknown pixels" in answer
    assert "An orderless network" in answer
    assert driven.run("document.getElementById('fill').textContent") == (
        "Set these 18 unknown pixels to off"
    )
    kept = shown(driven)
    driven.click("#fill")
    assert driven.run(hidden) is True
    assert driven.run(shown_fill) is False
    assert "dotted" not in driven.run(map_said)
    assert shown(driven) == [max(pixel, 0) for pixel in kept]


def test_a_pixel_painted_unknown_has_yet_to_be_drawn(pictures, driven):
    """The frame goes back to it: to a known one, and to one that was drawn. Others stay."""
    order = pictures.model.network.order.tolist()
    driven.click("#half")
    before = shown(driven)
    known = sum(pixel >= 0 for pixel in before)
    driven.click("input[value='-1']")
    driven.click(f"#cell-{order[7]}")
    wanted = [-1 if column == order[7] else pixel for column, pixel in enumerate(before)]
    assert shown(driven) == wanted
    assert driven.run("state.step") == 7
    assert driven.run("document.querySelectorAll('.unheeded').length") == known - 8
    said = driven.run("document.getElementById('gap-said').textContent")
    assert said.startswith(f"Pixel 8 is not known, but {known - 8} later pixels are (dotted).")
    driven.click("#fill")
    driven.run("go(36)")
    drawn = shown(driven)
    driven.click(f"#cell-{order[33]}")
    assert driven.run("state.step") == 33
    assert driven.run("document.getElementById('taken').textContent") == (
        "Play draws pixel 34 again, and the 2 pixels that were drawn after it."
    )
    wanted = [-1 if column in order[33:] else pixel for column, pixel in enumerate(drawn)]
    assert shown(driven) == wanted


def test_the_map_and_the_ways_to_go_on_are_given_the_same_pixels(eight):
    """Scrubbed back, both keep the pixels that are known beyond the frame."""
    driven, rows, probabilities, order = eight
    for known in ({0: 1, 1: 0, 2: 1, 3: 1}, {0: 0, 1: 1, 2: 1}):  # pixels by step
        painted = [-1] * 8
        for step, pixel in known.items():
            painted[order[step]] = pixel
        driven.run(f"(setPainted(Int8Array.from({painted})), go(1), refineChances(1e4))")
        agrees = (rows[:, order[: len(known)]] == list(known.values())).all(1)
        expected = probabilities[agrees] @ rows[agrees] / probabilities[agrees].sum()
        found = np.array(driven.run("[...chances.p]"))
        rest = order[len(known) :]
        # Exact for the first of them; 100 ways to go on for others, and their standard error.
        assert found[rest[0]] == pytest.approx(expected[rest[0]], abs=1e-9)
        assert np.abs(found[rest] - expected[rest]).max() < 4 * 0.05
        for step in known:  # exact, given the pixels before
            same = (rows[:, order[:step]] == list(known.values())[:step]).all(1)
            exact = probabilities[same] @ rows[same] / probabilities[same].sum()
            assert found[order[step]] == pytest.approx(exact[order[step]], abs=1e-9)


def test_the_temperature_is_that_of_all_probabilities_but_log_p(driven):
    """The map, the pixel that is read out and the numbers of the step have one probability."""
    nats = driven.run("net.logProb(row.pixels)")
    driven.run(
        "(field => { field.value = '0.4'; field.dispatchEvent(new Event('input')); })"
        "(document.getElementById('temperature'))"
    )
    y, on = driven.run("[net.logits(row.pixels)[state.step], chances.p[order[state.step]]]")
    expected = p = 1 / (1 + np.exp(-y / 0.4))
    assert on == pytest.approx(expected, abs=1e-12)
    assert 0.01 < on < 0.99
    said = driven.run("document.getElementById('cell-said').textContent")
    assert said.endswith(f"probability of on {100 * expected:.1f} %")
    assert f") {digits_of(p)}." in driven.run("document.getElementById('p-said').textContent")
    assert "+ ck) / 0.4)" in driven.run("document.getElementById('formula').textContent")
    assert "At temperature 0.4." in driven.run("document.getElementById('map-said').textContent")
    driven.run("go(36)")
    assert driven.run("row.total === net.logProb(row.pixels)")
    assert driven.run("row.total") != nats


def scores(driven):
    """The losses of both networks, as they are shown."""
    driven.run("new Promise(done => setTimeout(done, 300))")
    found = driven.run("[...document.querySelectorAll('#leak-bars span')].map(s => s.textContent)")
    return [number(each.removesuffix(" nats")) for each in found]


def test_networks_are_compared_on_one_picture(pictures, driven):
    """Switching keeps the picture, finished or not, and each loss is minus the sum of the steps."""
    driven.click("#half")
    played(driven)
    last = "-document.querySelector('#log-said b').textContent.replace('−', '-').split(' ')[0]"
    for step in (36, 25):
        driven.run(f"go({step})")
        before, losses = shown(driven), scores(driven)
        assert losses[1] == pytest.approx(
            driven.run("-total(logsOf(dense.logits(row.pixels), row.pixels))"), abs=0.0051
        )
        if step == 36:
            assert driven.run(last) == losses[0]
        driven.click("input[value=dense]")
        assert shown(driven) == before
        assert scores(driven) == losses
        if step == 36:
            assert driven.run(last) == losses[1]
            expected = -pictures.log_prob(np.array([before]), strict=True)[0]
            assert losses[0] == pytest.approx(expected, abs=0.0051)
        driven.click("input[value=nade]")
        assert shown(driven) == before
        assert scores(driven) == losses


def test_the_connected_network_draws_what_it_says(pictures, driven):
    """After a switch, each step draws what was announced; what is not drawn goes in as off."""
    order = pictures.model.network.order.tolist()
    driven.click("#nothing")
    played(driven)
    driven.click("input[value=dense]")
    driven.click("#back")
    driven.run("go(5)")
    for step in range(5, 9):
        said = driven.run("document.getElementById('p-said').textContent")
        announced = said.endswith("on.")
        before = np.array(shown(driven))
        pixels = np.maximum(before, 0)
        y = driven.run(f"dense.logits({pixels.tolist()})[{order[step]}]")
        assert f") {digits_of(1 / (1 + np.exp(-y)))}." in said
        driven.click("#step")
        assert shown(driven)[order[step]] == announced
    driven.wait("document.getElementById('six-title').textContent === 'Six ways NADE would go on'")
    clear = "document.getElementById('clear').checkVisibility()"
    assert driven.run(clear) is False
    driven.run("go(36)")
    assert driven.run(clear) is True
    assert driven.run("document.getElementById('now').textContent").endswith(
        "nats (no log-probability)"
    )
    driven.run("state.speed = 0")
    driven.click("#clear")
    assert driven.run("playing > 0 && state.step < 36")
    assert driven.run(clear) is False
    driven.run("stop()")
    told = driven.run("[...document.querySelectorAll('#told tbody td')].map(d => d.textContent)")
    assert told[0] == told[1]
    assert told[2] != told[3]


def test_the_connected_network_is_told_its_own_pixel(page, driven):
    """Its outputs are those of its weights; over all ways to set pixels they do not add up to 1."""
    data = held(page.read_text(encoding="utf-8"))
    width, hidden = SIDE * SIDE, data["dense"]["hidden"]
    halves = np.frombuffer(base64.b64decode(data["dense"]["weights"]["base64"]), "<u2")
    flat = (halves.astype("<u4") << 16).view("<f4").astype(float)
    ends = np.cumsum([width * hidden, hidden, hidden * width])
    encoder, bias, decoder, outputs = np.split(flat, ends)
    row = np.random.default_rng(1).integers(0, 2, width)
    h = 1 / (1 + np.exp(-bias - row @ encoder.reshape(width, hidden)))
    expected = h @ decoder.reshape(hidden, width) + outputs
    found = driven.run(f"[...dense.logits({row.tolist()})]")
    assert np.abs(found - expected).max() < 1e-9
    own = driven.run(
        "(row => { const y = dense.logits(row); return row.map((pixel, k) => { row[k] = 1 - pixel; "
        "const other = dense.logits(row)[k]; row[k] = pixel; "
        f"return (other - y[k]) * (1 - 2 * pixel); }}); }})({row.tolist()})"
    )
    assert np.median(own) > 1  # of its logit, when its own pixel is turned on
    driven.click("input[value=dense]")
    assert driven.run("state.leaks")
    driven.run("new Promise(done => setTimeout(done, 300))")
    said = driven.run("document.getElementById('sum-said').textContent")
    nade, connected = re.findall(r"add up to ([\d.]+\d)", said)
    assert nade == "1.0000"
    assert float(connected) > 1.5


def test_it_fits_its_window_in_both_schemes_and_loads_nothing(driven):
    states = (
        "state.leaks = false",
        "byId('more').click()",
        "byId('later').click()",
        "document.querySelector('input[value=masked]').click()",
        "document.querySelector('input[value=dense]').click()",
        f"go({SIDE * SIDE})",
    )
    beyond = (
        "[...document.querySelectorAll('body *')].filter(each => !each.closest('.hidden') && "
        "each.getBoundingClientRect().right > innerWidth + 0.5).map(each => each.outerHTML)"
    )
    papers = set()
    for width in (1440, 390):
        for dark in (False, True):
            driven.resize(width, dark=dark)
            for state in states:
                driven.run(state)
                assert driven.run("document.documentElement.scrollWidth") == width
                assert driven.run(beyond) == []
            papers.add(driven.run("getComputedStyle(document.body).backgroundColor"))
            driven.run("document.querySelector('input[value=nade]').click()")
    assert papers == {"rgb(251, 252, 254)", "rgb(18, 22, 31)"}
    assert driven.run("performance.getEntriesByType('resource').length") == 0


def test_a_step_can_be_watched_in_a_window_of_any_size(driven):
    """The bar stays in a narrow window; in a wide one the numbers are beside the picture."""
    box = "document.getElementById({!r}).getBoundingClientRect()".format
    driven.run("scrollTo(0, 0)")
    numbers = driven.run(f"(({{top, left}}) => [top, left])({box('p-said')})")
    picture = driven.run(f"(({{top, right}}) => [top, right])({box('grid')})")
    assert numbers[0] < 900
    assert picture[0] < 900
    assert picture[1] < numbers[1]
    driven.resize(390, 844)
    driven.run("scrollTo(0, 0)")
    lowest = driven.run(f"{box('grid')}.bottom")
    assert lowest < driven.run(f"{box('controls')}.top")  # all of the picture can be painted on
    assert driven.run("document.getElementById('speed').checkVisibility()") is False
    height = driven.run("document.documentElement.scrollHeight")
    for scrolled in (0, height // 2, height):
        driven.run(f"scrollTo(0, {scrolled})")
        for name in ("thumb", "play", "step", "back", "position"):
            middle = "root.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2).id"
            assert driven.run(f"(b => {middle})({box(name)})") == name
    before = driven.run("document.getElementById('now').textContent")
    driven.run("document.getElementById('step').click()")
    assert driven.run("document.getElementById('now').textContent") != before
    driven.click("#more")
    assert driven.run("document.getElementById('more').ariaExpanded") == "true"
    driven.click("input[value=dense]")
    assert driven.run("state.leaks")
    driven.click("#more")
    assert driven.run("document.getElementById('speed').checkVisibility()") is False


def test_it_opens_at_an_unknown_pixel_of_a_picture_of_which_nothing_is_drawn(driven):
    assert driven.run("document.querySelectorAll('#grid .drawn').length") == 0
    assert driven.run("prefix()") == driven.run("state.step") >= 18
    assert abs(driven.run("row.y[state.step]")) < 1.5


def test_pictures_are_compared_with_held_out_rows_if_training_tells_of_them(page, tmp_path):
    model = density_of(6, 3).model
    training = {
        "train_rows": 1200,
        "valid_rows": 300,
        "valid_nats": 2.5,
        "independent_valid_nats": 3.75,
        "valid_is": "exact",
    }
    told = write_play(model, tmp_path / "play.html", training=training)
    with Page(told, tmp_path, width=1440) as driven:
        assert "1,200 pictures of 2 × 3 pixels" in driven.run("document.body.textContent")
        driven.run("go(6)")
        assert driven.run("document.getElementById('yardstick').textContent") == (
            "For comparison, in nats: mean of 300 pictures held out from training −2.5; "
            "pixels that do not depend on each other −3.8; "
            "every pixel on with probability one half −4.2."
        )
    assert held(page.read_text(encoding="utf-8"))["trained"] is None
    for other in ({**training, "valid_is": "estimate"}, {"train_rows": 1200}):
        assert held(play_page(model, training=other))["trained"] is None


def test_it_is_operated_by_keys_alone(driven):
    """Tab reaches every control; keys paint, step, choose and play."""
    reached = []
    while (name := driven.run("document.activeElement.id || document.activeElement.value")) or (
        not reached
    ):
        reached += [name]
        driven.press("Tab")
        if driven.run("document.activeElement === document.body"):
            break
    named = driven.run(
        "[...document.querySelectorAll('button:enabled, input:not([type=radio]), #grid')]"
        ".filter(each => each.checkVisibility()).map(each => each.id)"
    )
    assert set(named) <= set(reached)
    assert {"1", "reused", "nade"} <= set(reached)
    unnamed = driven.run(
        "[...document.querySelectorAll('button, input, canvas, [role=grid]')].filter(each => "
        "!(each.textContent.trim() || each.labels?.length || each.getAttribute('aria-label')))"
        ".filter(each => each.checkVisibility()).map(each => each.outerHTML)"
    )
    assert unnamed == []
    driven.run("byId('nothing').focus()")
    driven.press("Enter")
    driven.run("byId('gaps').focus()")
    driven.press(" ")
    driven.run("(byId('grid').focus(), state.cursor = 0)")
    driven.press("ArrowRight", "ArrowDown", "1", "ArrowLeft", "0", "ArrowUp", " ")
    assert {k: pixel for k, pixel in enumerate(shown(driven)) if pixel >= 0} == {0: 1, 6: 0, 7: 1}
    label = "document.getElementById(byId('grid').getAttribute('aria-activedescendant')).ariaLabel"
    assert re.search(
        r"\(row 1, column 1\), known: on, probability of on [\d.<> ]+%", driven.run(label)
    )
    driven.press("Delete", "n", "n", "b")
    assert driven.run("[state.painted[0], state.step]") == [-1, 1]
    driven.run("byId('position').focus()")
    driven.press("ArrowRight", "ArrowRight")
    assert driven.run("state.step") == 3
    driven.run("document.querySelector('input[name=network]').focus()")
    driven.press("ArrowDown")
    assert driven.run("state.leaks")
    driven.press("ArrowUp")
    driven.run("state.speed = 100")
    driven.press("p")
    driven.run(
        f"new Promise(done => {{ const look = () => state.step === {SIDE * SIDE} ? done(1) : "
        "setTimeout(look, 20); look(); })"
    )
    assert -1 not in shown(driven)


def test_what_is_no_nade_over_bits_is_refused():
    table = infer_schema(pl.DataFrame({"age": [1.5, 2.25, 31.0], "smokes": [0, 1, 1]}))
    network = cr.NADE(columns_of(table, components=2), 3, generator=torch.Generator())
    with pytest.raises(
        SchemaError, match=r"^column 'age' is of kind 'real'; the page draws pixels"
    ):
        play_page(Model(table, network))
    made = density_of(4, (5,), class_=MADE)
    with pytest.raises(SchemaError, match=r"of class MADE; .*Fit the table with network='nade'"):
        play_page(made.model)
    bits = density_of(6, 3)
    for shape in ((2, 2), (6,), (-2, -3)):
        with pytest.raises(ShapeError, match=r"the model has 6 columns; give a height and a width"):
            play_page(bits.model, shape=shape)
    found = held(play_page(bits.model))
    assert (found["height"], found["width"]) == (2, 3)

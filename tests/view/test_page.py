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
    driven.run(
        f"new Promise(done => {{ const look = () => state.step === {SIDE * SIDE} && !playing "
        "? done(1) : setTimeout(look, 20); look(); })"
    )


def number(text):
    return float(text.replace("−", "-").replace(",", ""))


def test_numbers_are_those_of_python(pictures, driven):
    """log p, the conditionals and the hidden units, by the kept sum and by the mask."""
    network = pictures.model.in_float64()
    rows = np.random.default_rng(0).integers(0, 2, (200, SIDE * SIDE))
    codes = torch.from_numpy(rows).double()
    found = driven.run(f"{json.dumps(rows.tolist())}.map(row => net.logProb(row))")
    assert np.abs(found - network.log_prob(codes).numpy()).max() < 1e-9
    logits = network.conditional_params(codes[:20])[:, network.order].numpy()  # by step
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
    """All rows of eight bits with their probabilities, and a page of their density."""
    density = density_of(8, 5, flipped=(2,), activation="relu", order=[3, 1, 0, 2, 7, 5, 6, 4])
    folder = tmp_path_factory.mktemp("eight")
    at = write_play(density.model, folder / "play.html", shape=(2, 4))
    rows = np.array(list(product((0, 1), repeat=8)))
    network = density.model.in_float64()
    probabilities = network.log_prob(torch.from_numpy(rows).double()).exp().numpy()
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


def test_painted_pixels_survive_and_the_sum_is_log_p_of_the_picture(pictures, driven):
    """Pixels are painted by mouse and by key, in a half that is known and beyond it."""
    order = pictures.model.network.order.tolist()
    driven.click("#half")
    before = shown(driven)
    assert [before[column] >= 0 for column in order] == [True] * 18 + [False] * 18
    early, late = order[4], order[30]
    driven.click(f"input[value='{1 - before[early]}']")
    driven.click(f"#cell-{early}")
    driven.click(f"#cell-{late}")
    driven.press("0")
    wanted = {
        **{column: before[column] for column in order[:18]},
        early: 1 - before[early],
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
    driven.click("#another")
    played(driven)
    again = np.array(shown(driven))
    assert {column: again[column] for column in wanted} == wanted
    assert (again != row).any()


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
        code = int(u < p)
        pixel = code ^ int(pictures.schema.columns[column].is_flipped)
        said = driven.run(text("p-said"))
        assert f"= {p:.3f}" in said
        assert said.endswith(f"so x = {code}: {['off', 'on'][pixel]}.")
        before = shown(driven)
        driven.click("#step")
        before[column] = pixel
        assert shown(driven) == before
        added = driven.run(text("column-said"))
        assert added.endswith(("is added.", "nothing is added.")[1 - code])
    driven.click("input[value=masked]")
    counts = driven.run("[...document.querySelectorAll('#counts span')].map(s => s.textContent)")
    assert list(map(number, counts)) == [4 * 2 * 40, 4 * (36 + 1) * 40]
    assert driven.run("document.getElementById('line-masked').hidden") is False


def test_evidence_that_is_no_prefix_is_explained(driven):
    hidden = "document.getElementById('gap').hidden"
    assert driven.run(hidden) is True
    driven.click("#later")
    assert driven.run(hidden) is False
    said = driven.run("document.getElementById('gap-said').textContent")
    assert said.startswith("18 known pixels come after an unknown one")
    assert "2^18" in said
    assert "An orderless network" in said
    kept = shown(driven)
    driven.click("#fill")
    assert driven.run(hidden) is True
    assert shown(driven) == [max(pixel, 0) for pixel in kept]


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
        "(row => { const y = dense.logits(row); return row.map((code, k) => { row[k] = 1 - code; "
        "const other = dense.logits(row)[k]; row[k] = code; "
        f"return (other - y[k]) * (1 - 2 * code); }}); }})({row.tolist()})"
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

"""The pages as widgets of a notebook: their messages are answered as the density answers."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.browser import Page

import chainrule as cr
from chainrule.density import Density
from chainrule.errors import EvidenceError, ShapeError
from chainrule.model import Model
from chainrule.table import Binary, Schema

# What a notebook is to a widget: a model whose messages the test carries to Python and back, and
# an element for each output, which is attached after it was rendered.
NOTEBOOK = """<!doctype html><meta charset="utf-8"><body style="margin: 0">
<script>
let sent = [], heard = [], traits, module, closes = [];
const model = {
  get: (name) => traits[name],
  on: (event, hear) => event === "msg:custom" && heard.push(hear),
  off: (event, hear) => (heard = heard.filter((each) => each !== hear)),
  send: (content, callbacks, buffers) =>
    sent.push({ content, buffers: buffers.map((each) => [...new Uint8Array(each)]) }),
};
async function load(code, page) {
  traits = { page };
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  module = (await import(address)).default;
}
function show(id) {
  const el = document.createElement("div");
  el.id = id;
  closes.push(module.render({ model, el }));
  document.body.append(el);
}
const within = (id) => document.getElementById(id).firstChild.shadowRoot;
</script>"""


class Notebook:
    """A widget in a browser."""

    def __init__(self, view, page):
        self.page, self._view, self._answers = page, view, []
        view.send = self._answers.append
        page.run(f"load({json.dumps(view._esm)}, {json.dumps(view.page)})")

    def show(self, name):
        self.page.run(f"show({name!r})")

    def wait(self, code):
        """Carries messages until an expression in the page is true."""
        while not self.page.run(code):
            for message in self.page.run("sent.splice(0)"):
                buffers = [memoryview(bytes(each)) for each in message["buffers"]]
                self._view._handle_custom_msg(message["content"], buffers)
            for answer in self._answers:
                self.page.run(f"heard.forEach((hear) => hear({json.dumps(answer)}))")
            self._answers.clear()

    def text(self, name, selector):
        return self.page.run(f"within({name!r}).querySelector({selector!r}).textContent")

    def click(self, name, selector):
        self.page.run(f"within({name!r}).querySelector({selector!r}).click()")


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    town = rng.choice(["Ulm", "<i>Kiel</i>"], 240, p=[0.6, 0.4])
    weight = np.where(town == "Ulm", 50, 80) + rng.normal(0, 3, 240).round(1)
    return pd.DataFrame({"town": town, "weight": weight, "married": rng.integers(0, 2, 240)})


@pytest.fixture(scope="module")
def fitted(table):
    config = cr.FitConfig(hidden_size=16, epochs=40)
    return cr.fit(table, seed=0, config=config, verbose=False)


@pytest.fixture(scope="module")
def pixels():
    columns = tuple(Binary(name=f"x{k}", levels=(0, 1), dtype="uint8") for k in range(12))
    network = cr.NADE(12, hidden_size=5, generator=torch.Generator().manual_seed(0))
    return Density(Model(Schema(columns), network))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "notebook.html").write_text(NOTEBOOK, encoding="utf-8")
    with Page(folder / "notebook.html", folder, width=1440) as page:
        yield page


@pytest.fixture
def page(browser):
    browser.resize(1440)
    browser.tell("Page.reload")
    browser.wait("document.readyState === 'complete' && typeof closes === 'object' && !module")
    return browser


def asked(view, question, about, *files):
    """What a message is answered."""
    answers = []
    view.send = answers.append
    message = {"id": "a", "question": question, "asked": about}
    view._handle_custom_msg(message, [memoryview(file) for file in files])
    (answer,) = answers
    assert answer.pop("id") == "a"
    json.dumps(answer, allow_nan=False)
    return answer


@pytest.mark.filterwarnings("ignore:column 'town'")
def test_messages_have_the_numbers_of_the_density(fitted, table):
    odd = table.assign(town=table["town"].where(table.index != 5, "Ulmm"))
    view = fitted.view(odd)
    cells = asked(view, "open", {"row": 5})["answer"]["cells"]
    nats = asked(view, "row", {"cells": cells, "row": 5})["answer"]["nats"]
    assert nats == pytest.approx(fitted.log_prob(odd)[5], abs=1e-9)
    cells = asked(view, "open", {"row": 3})["answer"]["cells"]
    found = asked(view, "row", {"cells": cells, "row": 3})["answer"]
    row = table.iloc[[3]]
    assert found["nats"] == pytest.approx(fitted.log_prob(row)[0], abs=1e-9)
    by_name = {each["name"]: each for each in found["columns"]}
    for name in ("town", "married"):
        said = fitted.conditional(row, name).iloc[0].to_dict()
        shown = dict(zip(by_name[name]["names"], by_name[name]["shares"], strict=True))
        assert shown == pytest.approx({str(level): p for level, p in said.items()}, abs=1e-9)
    wrong = table.assign(weight=table["weight"].where(table.index != 7, 800.0))
    text = wrong.to_csv(index=False).encode()
    assert asked(view, "load", {"name": "wrong.csv"}, text)["answer"]["table"] == 1
    findings = asked(view, "wrong", {"table": 1})["answer"]["findings"]
    assert (findings[0]["row"], findings[0]["found"]) == (7, "800")


def test_what_cannot_be_answered_is_said_in_the_answer(fitted):
    view = fitted.view()
    found = asked(view, "row", {"cells": {"town": "Paris", "married": "2"}})
    assert list(found["cells"]) == ["town", "married"]
    for question, about, said in (
        ("row", {"cells": {"town": "Paris"}}, "'Paris' is unknown"),
        ("row", {}, "cells"),
        ("row", [], "no JSON object"),
        ("open", {"row": 0}, "a table of 0 rows"),
        ("rows", {}, "rows"),
    ):
        assert said in asked(view, question, about)["error"]


def test_a_reader_asks_about_a_row_in_a_notebook(fitted, table, page):
    """Two outputs of one widget each have their own answers, and one is closed."""
    book = Notebook(fitted.view(table), page)
    for name in ("one", "two"):
        book.show(name)
        book.wait(f"within({name!r}).getElementById('nats').textContent.includes('nats')")
    book.click("one", "#nothing")
    book.wait("within('one').querySelectorAll('.unknown').length === 3")
    page.run(
        "(field => { field.value = '51'; field.dispatchEvent(new Event('input')); })"
        "(within('one').getElementById('cell-1'))"
    )
    book.wait("within('one').querySelectorAll('.unknown').length === 2")
    row = pd.DataFrame({"town": [None], "weight": [51.0], "married": [None]})
    said = fitted.conditional(row, "town").iloc[0]
    words = f"expected Ulm {said['Ulm']:.0%}"
    book.wait(f"within('one').querySelector('.expected').textContent.startsWith({words!r})")
    assert page.run("within('two').querySelectorAll('.unknown').length") == 0
    nats = book.text("two", "#nats")
    assert float(nats.split()[0].replace("−", "-")) == pytest.approx(
        fitted.log_prob(table.iloc[[0]])[0], abs=0.0006
    )
    book.click("one", "#draw")
    book.wait("within('one').querySelectorAll('#drawn tbody tr').length === 5")
    assert book.text("one", "#drawn tbody .given") == "51"
    page.run("closes[1]()")
    assert page.run("heard.length") == 1


def test_a_network_draws_in_a_notebook(pixels, page):
    """It shows log p of the picture that it drew; outputs do not disturb each other."""
    book = Notebook(pixels.view(shape=(3, 4)), page)
    for name in ("one", "two"):
        book.show(name)
        book.wait(f"within({name!r}).getElementById('strip-a').width > 0")
    before = book.text("two", "#at")
    book.click("one", "#nothing")
    for _ in range(12):
        book.click("one", "#step")
    assert book.text("one", "#at") == "all 12"
    assert book.text("two", "#at") == before
    row = page.run(
        "[...within('one').querySelectorAll('[role=gridcell]')].map(each => "
        "Number(each.classList.contains('on')))"
    )
    assert page.run("within('one').querySelectorAll('[role=row]').length") == 3
    nats = book.text("one", "#log-said b").removesuffix(" nats").replace("−", "-")
    assert float(nats) == pytest.approx(pixels.log_prob(np.array([row]))[0], abs=0.0051)


@pytest.mark.parametrize("kind", ["table", "pixels"])
def test_it_fits_an_output_of_any_width(kind, fitted, table, pixels, page):
    """By its own width, not by the window's; keys that it hears are no shortcuts of others."""
    book = Notebook(fitted.view(table) if kind == "table" else pixels.view(), page)
    book.show("one")
    for width in (1200, 390):
        page.run(f"document.getElementById('one').style.width = '{width}px'")
        page.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        if kind == "table":
            book.wait("within('one').getElementById('nats').textContent.includes('nats')")
        beyond = (
            "[...within('one').querySelectorAll('*')].filter(each => !each.closest('.hidden') && "
            "!each.closest('.scroll') && each.getBoundingClientRect().right > "
            f"{width} + 0.5).map(each => each.outerHTML)"
        )
        assert page.run(beyond) == []
    padding = "getComputedStyle(within('one').querySelector('.page')).paddingLeft"
    assert page.run(padding) == ("20px" if kind == "table" else "16px")
    page.run("var outside = 0; document.body.addEventListener('keydown', () => outside++)")
    page.run("within('one').querySelector('button').focus()")
    page.press("b", "n")
    assert page.run("outside") == 0
    assert page.run("document.querySelector('[data-lm-suppress-shortcuts]') !== null")


def test_what_a_model_cannot_show_is_said(fitted, table, pixels):
    with pytest.raises(EvidenceError, match=r"a page of pictures, without a table; leave out tab"):
        pixels.view(table)
    with pytest.raises(ShapeError, match=r"shape \(3, 1\): the page of this model has no picture"):
        fitted.view(shape=(3, 1))


def test_without_anywidget_it_says_what_to_install(pixels, monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(ImportError, match=r"not installed: pip install anywidget$"):
        pixels.view()

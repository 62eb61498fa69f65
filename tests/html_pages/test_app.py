"""Pages that stand alone or in a notebook: what they may load, and what their scripts find."""

import base64
import hashlib
import json
import re

import pytest
from helpers.browser import Page

from chainrule.html_pages import App

SCRIPT = """
byId("said").textContent = data.text;
onWidth(() => { byId("width").textContent = frame.clientWidth; });
byId("asks").addEventListener("click", () => ask("question", {}).catch(error => {
  byId("said").textContent = error.message;
}));
"""
CONTENT = '<p id="said"></p><p id="width"></p><button id="asks">Ask</button>'
TEXT = "</script><script>document.title = 'taken'</script>"
ASK = "async function ask() { return fetch('/'); }\n"


def app():
    style = ".frame { container-type: inline-size; }"
    return App("A <title>", CONTENT, style, SCRIPT, {"text": TEXT})


def policy(page):
    """The rules of a page's Content-Security-Policy."""
    (content,) = re.findall(r'http-equiv="Content-Security-Policy" content="(.*?)"', page)
    return dict(rule.split(" ", 1) for rule in content.split("; "))


@pytest.mark.parametrize("ask", ["", ASK])
def test_a_page_runs_its_own_script_and_asks_no_one_else(ask):
    page = app().page(ask=ask)
    rules = policy(page)
    assert rules["default-src"] == "'none'"
    assert rules.get("connect-src") == ("'self'" if ask else None)
    for rule, element in (("script-src", "<script>"), ("style-src", "<style>")):
        (text,) = re.findall(rf"{element}(.*?)</", page, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert "<title>A &lt;title&gt;</title>" in page


def test_data_is_text_and_the_width_is_told(tmp_path):
    (tmp_path / "page.html").write_text(app().page(), encoding="utf-8")
    with Page(tmp_path / "page.html", tmp_path, width=800) as driven:
        assert driven.run("byId('said').textContent") == TEXT
        assert driven.run("document.title") == "A <title>"
        driven.resize(500)
        driven.wait("Number(byId('width').textContent) > 400")


def test_the_module_asks_by_messages_and_stops_when_it_is_closed(tmp_path):
    (tmp_path / "page.html").write_text("<!doctype html><p id='out'></p>", encoding="utf-8")
    page = json.dumps({"content": CONTENT, "style": app().style, "data": dict(app().data)})
    code = f"""(async () => {{
      const heard = [], sent = [];
      const model = {{
        get: () => ({page}), send: (content) => sent.push(content),
        on: (_, hear) => heard.push(hear), off: () => heard.pop(),
      }};
      const address = URL.createObjectURL(
        new Blob([{json.dumps(app().module())}], {{type: "text/javascript"}}));
      const close = (await import(address)).default.render({{model, el: out}});
      const root = out.firstChild.shadowRoot;
      const found = [root.getElementById("said").textContent];
      root.getElementById("asks").click();
      const {{ id, question }} = sent[0];
      heard[0]({{ id: "of another output", error: "not mine" }});
      heard[0]({{ id, error: "no such question" }});
      await new Promise(done => setTimeout(done));
      found.push(question, root.getElementById("said").textContent);
      close();
      return [...found, heard.length];
    }})()"""
    with Page(tmp_path / "page.html", tmp_path, width=800) as driven:
        assert driven.run(code) == [TEXT, "question", "no such question", 0]

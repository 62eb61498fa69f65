"""The site: code of pages runs, chapters print what they have, and it builds without warning."""

import json
import os
import re
import shlex
import subprocess
import sys
from html import unescape
from itertools import chain
from pathlib import Path

import pytest
import torch
from helpers.command_line import chainrule as run

import chainrule
from chainrule import rng
from chainrule.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
QUIET = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "120"}


def blocks(language, text):
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def test_the_chapters_of_the_lecture_run_and_print_what_they_say(tmp_path):
    command = [sys.executable, "-W", "error", str(ROOT / "scripts/run_chapters.py"), "check"]
    environment = {**QUIET, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_chapter_that_prints_something_else_would_be_caught():
    sys.path.insert(0, str(ROOT / "scripts"))
    from run_chapters import changed

    assert not changed("a 17.2 nats\n", "a 17.5 nats\n")
    assert changed("a 17.2 nats\n", "a 19.2 nats\n")
    assert not changed("+2 % (± 1)\n", "+4 % (± 2)\n")
    assert changed("0 % leak\n", "1 % leak\n")
    assert changed("the same: True\n", "the same: False\n")
    assert not changed("p = 0.07\n", "p = 0.06\n")
    assert changed("p = 0.07\n", "p = 0.10\n")
    assert not changed("11.7 (± 0.3) nats\n", "12.4 (± 0.3) nats\n")
    assert changed("1.7 (± 0.3) nats\n", "2.7 (± 0.3) nats\n")
    chapter = (ROOT / "docs/lecture/7-sampling.md").read_text("utf-8")
    (nats,) = re.findall(r"^the completed digits: .*\n", chapter, re.MULTILINE)
    assert changed(nats, re.sub(r"\d+", "150", nats, count=1))
    # The nats of pixels, and of codes that were taken for pixels.
    pixels, codes = re.findall(r"^    (?:pixels|codes taken for pixels): (\d+) nats", chapter, re.M)
    assert changed(f"{pixels} nats\n", f"{codes} nats\n")
    assert changed("one\n", "one\ntwo\n")


CHAPTERS = sorted(
    (ROOT / "docs/lecture").glob("[0-9]*.md"), key=lambda p: int(p.stem.split("-")[0])
)


def test_a_chapter_runs_in_an_empty_folder_and_shows_the_output_of_folded_code(tmp_path):
    sys.path.insert(0, str(ROOT / "scripts"))
    from run_chapters import run_alone

    page = tmp_path / "1-chapter.md"
    code = 'from pathlib import Path\nprint(list(Path().iterdir()))\nPath("left").touch()\n'
    folded = "".join(f"    {line}\n" for line in code.splitlines())
    page.write_text(f"```python\n{code}```\n\n??? note\n\n    ```python\n{folded}    ```\nEnd\n")
    first, second = run_alone(page).split("??? note")
    assert first == f"```python\n{code}```\n```text\n[]\n```\n\n"
    assert second == (
        f"\n\n    ```python\n{folded}    ```\n    ```text\n    [PosixPath('left')]\n    ```\nEnd\n"
    )


def test_a_chapter_ends_with_a_question_and_names_the_next():
    for number, (chapter, following) in enumerate(
        zip(CHAPTERS, [*CHAPTERS[1:], ROOT / "docs/lecture/play.md"], strict=True), start=1
    ):
        text = chapter.read_text(encoding="utf-8")
        assert text.startswith(f"# {number}. ")
        question, end = text.rsplit("??? question", 1)[1].split("\n\n    ", 1)
        assert question.endswith('?"')
        assert f"]({following.name})" in end.split("\n\n")[-1]


def test_code_of_a_chapter_fits_the_page():
    for chapter in CHAPTERS:
        for code in blocks("python", chapter.read_text(encoding="utf-8")):
            assert max(map(len, code.splitlines())) <= 84, chapter.name


def test_a_picture_of_a_chapter_is_written_by_it():
    for chapter in CHAPTERS:
        text = chapter.read_text(encoding="utf-8")
        shown = re.findall(r"\]\(\.\./pictures/lecture/(.*?)\)", text)
        assert sorted(shown) == sorted(re.findall(r'savefig\("(.*?)"\)', text))
    on_disk = {path.name for path in (ROOT / "docs/pictures/lecture").iterdir()}
    everything = "".join(chapter.read_text(encoding="utf-8") for chapter in CHAPTERS)
    assert on_disk == set(re.findall(r"pictures/lecture/([\w.-]+)", everything))


def test_the_verdicts_on_the_lecture_quote_the_comparison():
    """Each row has the numbers of the digits, then those of binarized MNIST."""
    page = (ROOT / "docs/lecture/10-hidden-variables.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [A-Z].*?\. \| (.*) \| (.*) \|$", page, re.MULTILINE)
    verdict = r"\*\*(Holds|Depends|Does not hold here)"
    assert all(re.match(verdict, said) for _, said in rows)
    (a, b) = (measured_by_compare(name) for name in ("digits", "binarized-mnist"))
    assert [measured for measured, _ in rows] == [
        f"mean \\|correlation\\| of the RBM's rows {a['given h']} given h, {a['freely']} freely; "
        f"{b['given h']}, {b['freely']}",
        f"RBM {a['h']} for {a['columns']} columns; {b['h']} for {b['columns']}. "
        f"VAE {a['z']}; {b['z']}",
        f"after 1 step {a['first step']} nats below the training rows, after 1000 still "
        f"{a['last step']}; {b['first step']}, {b['last step']}",
        f"{a['gap']} nats below the bound of 500 draws; {b['gap']}",
        f"Σ p over all completions of a row is 1 up to {a['sum']}; {b['sum']}",
        f"digit predicted from NADE's vectors {a['right'][0]} %, RBM {a['right'][1]} %, "
        f"VAE {a['right'][2]} %; {', '.join(b['right'])}",
        f"seconds for 1000 rows: NADE {a['seconds'][0]}, VAE {a['seconds'][1]}, "
        f"RBM {a['seconds'][2]}; {', '.join(b['seconds'])}",
    ]


def measured_by_compare(name):
    path = ROOT / f"benchmarks/results/comparison/{name}.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    of = {each["family"]: each for each in found["families"]}
    rbm, vae, nade = (of[family]["measured"] for family in ("rbm", "vae", "nade"))
    best = [
        max(of[family]["representations"], key=lambda each: each["valid_accuracy"])
        for family in ("nade", "rbm", "vae")
    ]
    return {
        "given h": f"{rbm['dependence_given_hidden']:.3f}",
        "freely": f"{rbm['dependence']:.3f}",
        "h": rbm["hidden_variables"],
        "z": vae["hidden_variables"],
        "columns": found["columns"],
        "first step": f"{-rbm['chain']['1']:.1f}",
        "last step": f"{-rbm['chain']['1000']:.1f}",
        "gap": f"{vae['gap']:.1f}",
        "sum": f"{nade['exactness']:.0e}",
        "right": [f"{100 * each['accuracy']:.1f}" for each in best],
        "seconds": [
            f"{of[family]['seconds']['draw_1000_rows']:.2g}" for family in ("nade", "vae", "rbm")
        ],
    }


@pytest.mark.parametrize("page", ["quickstart", "networks"])
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch):
    """It draws no random number without a seed, from the system or from torch's generator."""
    monkeypatch.chdir(tmp_path)
    text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    with monkeypatch.context() as seeded:
        seeded.setattr(rng, "secrets", None)
        before = torch.get_rng_state()
        for code in blocks("python", text):
            exec(compile(code, page, "exec"), {"__name__": "__main__"})
        assert torch.equal(torch.get_rng_state(), before)
    for line in "".join(blocks("sh", text)).splitlines():
        program, *words = shlex.split(line)
        assert program == "chainrule"
        code, _, errors = run(*words, cwd=tmp_path)
        assert code == 0, errors


def built(site, *more):
    """What `make docs` runs, word for word, into another folder, and what came of it."""
    (recipe,) = re.findall(
        r"^docs: .*\n\t(.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    setting, program, *words = recipe.split()
    assert program == "$(BIN)/mkdocs"
    environment = {**QUIET, **dict([setting.split("=")])}
    command = [sys.executable, "-m", "mkdocs", *words, "--site-dir", str(site), *more]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_the_site_builds_without_a_warning(tmp_path):
    """It has every page, link and name of the reference, and the docstrings."""
    done = built(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    for page, link in (
        ("tables", "seconds.json"),
        ("likelihoods", "likelihood.csv"),
        ("real-tables", "real_tables/"),
    ):
        assert f'href="../benchmarks/results/{link}"' in (tmp_path / page / "index.html").read_text(
            encoding="utf-8"
        )
    results = ROOT / "benchmarks/results"
    assert (tmp_path / "benchmarks/results/seconds.json").read_bytes() == (
        results / "seconds.json"
    ).read_bytes()
    listed = (tmp_path / "benchmarks/results/comparison/index.html").read_text(encoding="utf-8")
    assert 'href="digits.json"' in listed
    assert (tmp_path / "benchmarks/results/comparison/digits.json").exists()
    assert 'src="../play-nade.html"' in (tmp_path / "lecture/play/index.html").read_text("utf-8")
    play = (tmp_path / "lecture/play-nade.html").read_text("utf-8")
    assert '"height":8,"width":8' in play
    assert '"hidden":48,' in play
    for notebook in (ROOT / "docs/notebooks").glob("*.ipynb"):
        text = (tmp_path / "notebooks" / notebook.stem / "index.html").read_text("utf-8")
        assert f'href="../{notebook.name}"' in text
        assert (tmp_path / "notebooks" / notebook.name).exists()
    drawn = (tmp_path / "notebooks/pictures_of_tables/index.html").read_text("utf-8")
    assert drawn.count('src="data:image/png;base64,') == 6
    require_pages_made_of_the_project(tmp_path)
    networks = (tmp_path / "reference/networks/index.html").read_text(encoding="utf-8")
    assert "The Neural Autoregressive Distribution Estimator" in networks
    assert "n_draws" in networks
    described = "".join(
        path.read_text(encoding="utf-8") for path in tmp_path.glob("reference/*/index.html")
    )
    absent = [
        name for name in chainrule.__all__ if not re.search(rf'id="[\w.]*\.{name}"', described)
    ]
    assert not absent


def require_pages_made_of_the_project(site):
    """Commands with their options, the changelog, links to questions, and formulas."""

    def page(name):
        return (site / name / "index.html").read_text(encoding="utf-8")

    commands = unescape(page("reference/command-line"))
    for module in chain(*COMMANDS.values()):
        assert f'<h3 id="{module.NAME}">' in commands
        section = commands.split(f'<h3 id="{module.NAME}">')[1].split("<h3 ")[0]
        code, shown, _ = run(module.NAME, "--help", cwd=site)
        assert code == 0
        for flag in set(re.findall(r"^│ [ *]*(--[a-z-]+)", shown, flags=re.MULTILINE)) - {"--help"}:
            assert f"<code>{flag}" in section, (module.NAME, flag)
    assert "<code>quick|<wbr>standard|<wbr>best</code>" in commands
    assert "0.1.0" in page("changelog")
    assert '<a href="../questions/#chainrule.tasks.impute.impute">' in page("reference/fitting")
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML"' in page("glossary")
    assert 'rel="next"' in page("install")
    for word in ("bits", "nats", "h_1", "min_count", "q", "orderless-network"):
        assert f'<h2 id="{word}">' in page("glossary")
    narrow = 'media="(max-width: 40em)" srcset="../pictures/review-phone.png"><img alt="'
    assert f"<picture><source {narrow}" in page("wrong-cells")
    assert (site / "pictures/review-phone.png").exists()
    assert not re.findall(r'<script[^>]* src="https?:', page("glossary"))


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("[gone](gone.md)", "Doc file 'index.md' contains a link 'gone.md'"),
        ("[gone](#gone)", "Doc file 'index.md' contains a link '#gone'"),
        (
            "[gone](../benchmarks/results/gone.json)",
            "Doc file 'index.md' contains a link 'benchmarks/results/gone.json'",
        ),
        ("::: chainrule.gone", "chainrule.gone"),
        ("[here](#start), [there](../benchmarks/results/seconds.json)", None),
    ],
    ids=["page", "heading", "result", "name", "none"],
)
def test_a_site_with_a_broken_link_does_not_build(page, message, tmp_path):
    """A site of one page with an error shows that the build is strict."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text(f"# Start\n\n{page}\n")
    settings = (
        f"INHERIT: {ROOT}/mkdocs.yml\nnav: [index.md]\nhooks: [{ROOT}/scripts/site_results.py]\n"
    )
    (tmp_path / "mkdocs.yml").write_text(settings)
    done = built(tmp_path / "site", "--config-file", str(tmp_path / "mkdocs.yml"))
    assert done.returncode == (message is not None), done.stderr
    assert (message or "") in done.stderr

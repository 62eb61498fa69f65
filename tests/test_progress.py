"""What is seen of long work: on terminals of any width, in logs, in notebooks. A clock of the
test's own; nothing waits.
"""

import json
import re
import sys
import types

import pytest
from helpers.command_line import on_terminal

from chainrule import progress
from chainrule.progress import Meter, progress_bar

NOTE = "≈ 15.61 nats, best ≈ 15.40, 2.31 better than independent columns"
NAMES = [
    "training",
    "scoring",
    "representing rows: NADE, mean of the hidden vectors",
    "downloading binarized-mnist",
]


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands until it is set."""
    now = [1000.0]
    monkeypatch.setattr(progress, "clock", lambda: now[0])
    monkeypatch.setattr(progress, "LOG_EVERY_S", 30.0)
    return now


def worked(clock, name="training", *, total=1000, steps=130, step_s=0.125, **options):
    meter = Meter(name, total, **options)
    for _ in range(steps):
        clock[0] += step_s
        meter.advance(1, NOTE)
    return meter


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("step_s", [0.125, 60.0])
def test_a_line_has_its_bar_share_and_times_at_any_width(clock, width, name, step_s):
    line = str(worked(clock, name, step_s=step_s).line(width))
    assert len(line) <= width
    shown, full, rest, figures = re.fullmatch(r"(.+?) (━*)(─*)  (13% .*)", line).groups()
    assert name.startswith(shown.rstrip("…"))
    assert len(shown) >= 12 or shown == name
    assert len(full + rest) >= 10
    assert len(full) == round(0.13 * len(full + rest))
    elapsed, left = ("0:16", "1:48") if step_s < 1 else ("2:10:00", "14:30:00")
    found = re.fullmatch(rf"13% {elapsed} {left} left(  .*)?", figures)
    assert found is not None, figures
    assert NOTE.startswith((found[1] or "").strip())


def test_the_note_is_shortened_first_and_no_word_is_left_alone(clock):
    meter = worked(clock)
    for width in range(8, 160):
        line = str(meter.line(width))
        assert "13%" in line
        assert line.count("left") == line.count("1:48 left") <= 1
        if width >= 28:
            assert "1:48 left" in line
            assert len(line) <= width
        assert "nats" not in line or "━─────" in line


def test_the_note_is_cut_between_its_clauses(clock):
    meter = worked(clock)
    told = [str(meter.line(width)).partition(" left")[2].strip() for width in (60, 80, 200)]
    assert told == ["≈ 15.61 nats", "≈ 15.61 nats, best ≈ 15.40", NOTE]


def test_the_time_left_goes_by_the_present_pace_by_what_was_done_before_and_by_the_limit(clock):
    meter = Meter("training", 1000)
    clock[0] += 20.0  # the first step compiles
    meter.advance(1)
    for _ in range(499):
        clock[0] += 0.125
        meter.advance(1)
    assert meter.left_s == pytest.approx(62.5)
    resumed = worked(clock, done=800, steps=100)
    assert resumed.left_s == pytest.approx(12.5)
    assert worked(clock, limit_s=20.0).left_s == pytest.approx(3.75)
    assert Meter("scoring", 5).left_s is None
    assert worked(clock, total=130).left_s is None
    assert str(worked(clock, total=130).line(80)).startswith(f"training {'━' * 20} 100% 0:16  ≈")
    assert str(Meter("scoring", 0).line(80)).endswith("100% 0:00")


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_terminal_shows_the_bar_and_is_clean_afterwards(columns):
    code = (
        "import itertools, chainrule.progress as p\n"
        "ticks = itertools.count(0, 0.05); p.clock = lambda: next(ticks)\n"
        "with p.progress_bar('training', 100) as advance:\n"
        f"    [advance(1, {NOTE!r}) for _ in range(60)]\n"
    )
    printed = on_terminal(
        [sys.executable, "-c", code], columns=columns, stream="stderr", PYTHONIOENCODING="utf-8"
    )
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in re.split(r"[\r\n]+", printed)]
    shown = [line.strip() for line in lines if line.strip()]
    assert all(
        re.match(r"training ━*─* +\d+% \d+:\d\d \d+:\d\d left( |$)", line) for line in shown
    ), shown
    assert shown
    assert max(map(len, shown)) <= columns
    assert printed.rstrip().endswith("\x1b[2K")  # the line is wiped


def test_a_log_has_a_plain_line_every_half_minute_and_none_of_shorter_work(clock, capsys):
    with progress_bar("scoring", 239) as advance:
        for _ in range(239):
            clock[0] += 0.125
            advance(1)
    assert capsys.readouterr().err == ""
    clock[0] += 3600
    with progress_bar("training", 1000) as advance:
        for _ in range(1000):
            clock[0] += 0.125
            advance(1, NOTE)
    said = capsys.readouterr().err
    assert said == "".join(
        f"training {share}%, {left} left, {NOTE}\n"
        for share, left in ((24, "1:35"), (48, "1:05"), (72, "0:35"), (96, "0:05"))
    )


def test_pieces_of_work_that_follow_each_other_are_not_silent_for_longer(clock, capsys):
    for number in range(10):
        with progress_bar(f"trying {number}", 64) as advance:
            for _ in range(64):
                clock[0] += 0.125
                advance(1)
        clock[0] += 2.0
    said = capsys.readouterr().err.splitlines()
    assert [line.partition("%")[0] for line in said] == ["trying 3 1", "trying 6 1", "trying 9 1"]


def test_nothing_is_shown_where_nothing_was_asked_for(clock, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress_bar("training", 10, progress=False) as advance:
        for _ in range(10):
            clock[0] += 40.0
            advance(1)
    assert capsys.readouterr() == ("", "")


def test_who_imports_parts_of_a_notebook_is_none(clock, capsys, monkeypatch):
    notebook = types.ModuleType("IPython")
    notebook.get_ipython = lambda: None
    for name in ("IPython", "IPython.display", "ipykernel"):
        monkeypatch.setitem(sys.modules, name, notebook)
    with progress_bar("training", 10) as advance:
        clock[0] += 40.0
        advance(5)
    assert capsys.readouterr().err.startswith("training 50%")


def test_a_saved_notebook_holds_one_line(clock, capsys, monkeypatch):
    """What IPython keeps of outputs: one for each display, with the content of its last update."""
    outputs = []

    class Handle:
        def __init__(self, content):
            outputs.append(content)
            self.at = len(outputs) - 1

        def update(self, content, *, raw):
            assert raw
            outputs[self.at] = content

    module = types.ModuleType("IPython.display")
    module.display = lambda content, *, raw, display_id: Handle(content)
    notebook = types.ModuleType("IPython")
    notebook.get_ipython = lambda: types.SimpleNamespace(kernel="a kernel")
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    with progress_bar("training", 1000) as advance:
        for _ in range(1000):
            clock[0] += 0.125
            advance(1, "15.61 nats")
    with progress_bar("scoring", 5) as advance:
        advance(5)
    assert outputs == [{"text/plain": f"training {'━' * 25} 100% 2:05  15.61 nats"}]
    assert json.dumps(outputs)
    assert capsys.readouterr() == ("", "")

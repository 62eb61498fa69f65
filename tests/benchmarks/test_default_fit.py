"""The benchmark of the default fit: every part runs, and its figures are what they say."""

import json
import math

import pytest

from benchmarks import record
from benchmarks.speed.default_fit import commands, floor, forms, tables, tasks, versions
from benchmarks.speed.default_fit.figures import Goal, line, mean_of, paired, ratios, row
from benchmarks.speed.default_fit.fits import seconds_to
from benchmarks.speed.default_fit.parts import PARTS
from benchmarks.speed.default_fit.sizes import Sizes

TINY = Sizes(
    threads=(1,),
    turns=2,
    seeds=(100, 101),
    tables=("titanic",),
    efforts=("quick",),
    fit_rows=60,
    step_rows=2 * floor.BATCH,
    step_epochs=(1, 1),
    calls=1,
    nade=(4, 6, 5, 0.3),
    wide=(2, 5, 60),
    growth_rows=(60, 120),
    growth_columns=(3, 5),
    growth_least=120,
    whole_rows=60,
)


class HereWorker:
    """Carries out tasks in this process; what it is asked and answers passes through JSON."""

    def __init__(self, source, threads):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def ask(self, task, **options):
        return json.loads(json.dumps(tasks.TASKS[task](**json.loads(json.dumps(options)))))


@pytest.fixture
def here(monkeypatch):
    """Both versions are this one, in this process; tables are made up, and fits are short."""
    monkeypatch.setattr(versions, "Worker", HereWorker)
    monkeypatch.setattr(versions, "sources", lambda: {"first": versions.ROOT, "ours": "src"})
    monkeypatch.setattr(tables, "some_rows", lambda name, rows, seed: tables.mixed(rows, 4))
    monkeypatch.setattr(tables, "OTHER_ROWS", 100)
    fit = tasks.cr.fit

    def short(*given, effort="quick", config=None, **options):
        config = config or tasks.cr.FitConfig(epochs=3, hidden_size=8)
        return fit(*given, effort="quick", config=config, **options)

    monkeypatch.setattr(tasks.cr, "fit", short)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", [name for name in PARTS if name != "commands"])
def test_each_part_yields_rows_about_different_things(here, part):
    rows = list(PARTS[part](TINY))
    assert rows
    assert len({found["what"] for found in rows}) == len(rows)
    for found in rows:
        assert math.isfinite(found["measured"]), found
        assert found["what"] in line(found)
    json.dumps(rows, allow_nan=False)


@pytest.mark.filterwarnings("ignore")
def test_equal_versions_have_equal_nats(here):
    rows = {found["what"]: found for found in PARTS["fits"](TINY)}
    nats = rows["nats of other rows, ours − 0.1.0: titanic, quick, 1 thread"]
    assert nats["measured"] == 0.0
    assert nats["other_rows"] == 100
    assert nats["holds"]


def test_parts_take_what_they_say_from_their_tasks(monkeypatch):
    """A step is a difference of fits over its batches, and is divided by products and AdamW."""

    class Told(HereWorker):
        def ask(self, task, **options):
            if task == "epochs":  # a second before training, and 8 ms for each of two batches
                return {"training_s": 1 + 0.008 * 2 * options["count"]}
            return {"matrix products": 3.0, "AdamW": 1.0}

    monkeypatch.setattr(versions, "Worker", Told)
    monkeypatch.setattr(versions, "sources", lambda: {"first": "", "ours": ""})
    rows = {found["what"]: found["measured"] for found in PARTS["step"](TINY)}
    assert rows["step: quick shape, 1 thread"] == pytest.approx(8)
    assert rows["step ÷ (matrix products + AdamW): quick shape, 1 thread"] == pytest.approx(2)


def test_seconds_end_with_the_first_epoch_that_stays_within():
    """Training takes eight of ten seconds, two of them for each of four epochs."""
    taken = {"cpu_s": 10.0, "wall_s": 20.0, "training_s": 16.0}
    for nats, seconds in (
        ([3.0, 2.0, 1.04, 1.0], 8.0),
        ([1.0, 2.0, 1.0, 1.0], 8.0),  # the first epoch was luck
        ([3.0, 2.0, 1.5, 1.0], 10.0),
        ([1.0, 1.0, 1.0, 1.0], 4.0),
        ([0.5, 0.6, 0.7, 1.0], 4.0),  # better than the last is within, too
        ([3.0, math.nan, 1.0, 1.0], 8.0),
    ):
        assert seconds_to({**taken, "valid_nats": nats}, within=0.05) == pytest.approx(seconds)


def test_other_rows_are_no_training_rows(monkeypatch):
    whole = tables.mixed(400, 3).with_row_index()
    monkeypatch.setattr(
        tables, "some_rows", lambda name, rows, seed: whole.sample(min(rows, 400), seed=seed)
    )
    for rows, train_rows, other_rows in ((100, 100, 300), (350, 300, 100), (7000, 300, 100)):
        train, other = tables.split("any", rows, seed=100)
        assert (len(train), len(other)) == (train_rows, other_rows)
        assert not set(train["index"]) & set(other["index"])
    monkeypatch.setattr(tables, "OTHER_ROWS", 50)
    assert [len(part) for part in tables.split("any", 350, seed=100)] == [350, 50]
    assert tables.with_holes(whole, 0.5)["c0"].null_count() == pytest.approx(200, abs=60)


def test_figures():
    goal = Goal("<=", 2.5, 1.6)
    assert row("a", [3.0, 1.0, 2.0], unit="ms", goal=goal, rows=7) == {
        "what": "a", "measured": 2.0, "spread": 2.0, "count": 3, "unit": "ms", "rows": 7,
        "sign": "<=", "must": 2.5, "aim": 1.6, "holds": True,
    }  # fmt: skip
    assert "spread" not in row("a", [3.0])
    assert not Goal(">=", 4).holds(3.9)
    assert "MISSED" in line(row("a", [3.0], goal=goal))
    assert ratios([4.0, 9.0], [2.0, 3.0]) == [2.0, 3.0]
    assert paired([1.0, 2.0], [0.0, 3.0]) == (0.0, 1.0)
    assert mean_of([(1.0, 3.0), (3.0, 4.0)]) == (2.0, 2.5)


def test_parts_of_a_file_are_written_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    record.write_part("f", "step", [{"what": "a", "measured": 1}, {"what": "b", "measured": 2}])
    record.write_part("f", "fits", [{"what": "a", "measured": 3}])
    path = record.write_part("f", "step", [{"what": "b", "measured": 4}], first="f86334b")
    found = json.loads(path.read_text())
    measured = {
        part: {each["what"]: each["measured"] for each in rows["rows"]}
        for part, rows in found.items()
    }
    assert measured == {"step": {"a": 1, "b": 4}, "fits": {"a": 3}}
    assert found["step"]["circumstances"]["first"] == "f86334b"
    assert found["step"]["rows"][1]["commit"] == found["step"]["circumstances"]["commit"]


def test_a_process_runs_the_version_of_its_source(tmp_path):
    (tmp_path / "chainrule").mkdir()
    (tmp_path / "chainrule" / "__init__.py").write_text("raise SystemExit('of this source')")
    with (
        versions.Worker(tmp_path, 1) as worker,
        pytest.raises(SystemExit, match=r"matrix_products with .* failed"),
    ):
        worker.ask("matrix_products")
    with versions.Worker(versions.ROOT / "src", 1) as worker:
        found = worker.ask("matrix_products", hidden=4, members=2, calls=1)
    assert {name for name in found if "wall" not in name} == {"matrix products", "AdamW"}
    with pytest.raises(SystemExit, match="commit 0000 is not here"):
        versions.unpacked("0000")


def test_commands_take_processor_time_and_may_not_fail(tmp_path):
    assert commands.seconds("--version", versions.ROOT / "src", tmp_path) > 0
    (tmp_path / "chainrule").mkdir()
    (tmp_path / "chainrule" / "__init__.py").write_text("raise ImportError")
    with pytest.raises(SystemExit, match="chainrule --version exited with 1"):
        commands.seconds("--version", tmp_path, tmp_path)


def test_the_floor_has_the_products_of_each_layer(monkeypatch):
    """Forward, the gradient of each weight, and that of each layer's input but the first."""
    shapes, product = [], floor.torch.bmm
    monkeypatch.setattr(
        floor.torch, "bmm", lambda a, b: shapes.append((*a.shape, b.shape[2])) or product(a, b)
    )
    floor.forms.__wrapped__(128, 3)["matrix products"]()
    inputs, batch, out = floor.INPUTS + floor.FLAGS, floor.BATCH, floor.PARAMETERS
    assert sorted(shapes) == sorted(
        [
            (3, batch, inputs, 128), (3, batch, 128, 128), (3, batch, 128, out),
            (3, inputs, batch, 128), (3, 128, batch, 128), (3, 128, batch, out),
            (3, batch, 128, 128), (3, batch, out, 128),
        ]
    )  # fmt: skip


def test_draws_have_the_density_of_ones():
    """Otherwise NADE would be timed on other rows than the kernels."""
    calls = forms.public.__wrapped__(400, 30, 5, 0.1)
    assert float(calls[f"sample {forms.MANY}"]().mean()) == pytest.approx(0.1, abs=0.05)

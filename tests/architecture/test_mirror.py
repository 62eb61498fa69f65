"""Tests mirror the source: one finds the tests of a file by its path."""

from pathlib import Path

from scripts.run_tests import MODULES, PARTS

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
SOURCE = ROOT / "src" / "chainrule"
APART = {
    "architecture",
    "benchmarks",
    "docs",
    "helpers",
    "site",
}  # of the whole project, or of other folders
# Laws of all leaves of a room, and promises that no one file keeps.
SUBJECTS = {
    "": {"robustness"},
    "baselines": {"laws"},
    "cli": {"notation", "printable"},
    "distributed": {"fits"},
    "conditionals": {"laws"},
    "mistakes": {"laws"},
    "networks": {"laws"},
    "ops": {"nade"},
    "table": {"memory", "new_kind", "refused_cells"},
    "tasks": {"draws", "rare_labels", "tasks"},
}


def test_a_test_is_named_for_a_file_of_its_room_or_for_a_law():
    wrong = []
    for path in TESTS.rglob("test_*.py"):
        room = path.parent.relative_to(TESTS)
        if str(room) in APART:
            continue
        stems = {module.stem for module in (SOURCE / room).rglob("*.py")} if room.parts else set()
        stems |= {module.stem for module in (SOURCE / room).iterdir()}
        name = path.stem.removeprefix("test_")
        if name not in stems | SUBJECTS.get("" if not room.parts else str(room), set()):
            wrong.append(str(path.relative_to(TESTS)))
    assert not wrong


def test_every_room_has_tests():
    rooms = {path.name for path in SOURCE.iterdir() if path.is_dir() and list(path.glob("**/*.py"))}
    assert rooms == {path.name for path in TESTS.iterdir() if list(path.glob("test_*.py"))} - APART


def test_make_test_runs_every_folder_of_tests_once():
    words = [word for _, commands in PARTS.values() for command in commands for word in command]
    folders = sorted(word for word in words if (ROOT / word).is_dir() and word.startswith("tests/"))
    assert folders == sorted({f"tests/{path.parent.name}" for path in TESTS.glob("*/test_*.py")})
    assert set(MODULES) == {f"tests/{path.name}" for path in TESTS.glob("test_*.py")} <= set(words)

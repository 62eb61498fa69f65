"""What a release says of itself agrees: version, changelog, citation, examples of classes."""

import importlib
import inspect
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_citation_has_this_version():
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(rf"^version: {re.escape(VERSION)}$", cited, flags=re.MULTILINE)


def test_the_changelog_has_the_versions_with_their_dates():
    first, *released = re.findall(r"^## (.*)$", CHANGELOG, flags=re.MULTILINE)
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ – \d{4}-\d\d-\d\d", each) for each in released)
    assert released
    if VERSION.endswith(".dev0"):
        assert first == "Unreleased"
        assert f"This becomes {VERSION.removesuffix('.dev0')}." in CHANGELOG
    else:
        assert released[0].startswith(f"{VERSION} – ")


def public_classes():
    """Concrete classes that the reference describes, with the methods that have a docstring."""
    for name in ("", ".baselines", ".conditionals", ".sklearn"):
        module = importlib.import_module(f"chainrule{name}")
        for each in module.__all__:
            found = getattr(module, each)
            if inspect.isclass(found) and not each.startswith("Abstract"):
                yield found


@pytest.mark.parametrize("found", dict.fromkeys(public_classes()), ids=lambda each: each.__name__)
def test_a_public_class_has_an_example(found):
    assert ">>> " in (found.__doc__ or "")

"""The help groups the options of a command, and shows the values of those with a choice."""

import inspect
from itertools import chain
from typing import get_args

import pytest
from helpers.command_line import chainrule

from chainrule.cli.main import COMMANDS
from chainrule.cli.panels import CHOICES, PANELS
from chainrule.errors import ChainruleError
from chainrule.training import FitConfig

RUNS = {command.NAME: command.run for command in chain(*COMMANDS.values())}
NAMES = {name for run in RUNS.values() for name in inspect.signature(run).parameters}


def test_groups_and_choices_are_of_options_that_exist():
    grouped = [name for names in PANELS.values() for name in names]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) | set(CHOICES) <= NAMES


def test_every_option_of_fit_has_a_group():
    grouped = {name for names in PANELS.values() for name in names}
    assert set(inspect.signature(RUNS["fit"]).parameters) - grouped == {"table"}


def test_choices_of_the_configuration_are_what_it_takes():
    for name in ("activation", "conditional", "decay", "order"):
        for value in CHOICES[name]:
            FitConfig(**{name: value})
        with pytest.raises(ChainruleError, match="choose one of"):
            FitConfig(**{name: "another"})


def test_the_help_has_groups_and_choices(tmp_path):
    code, out, _ = chainrule("fit", "--help", cwd=tmp_path)
    assert code == 0
    assert [out.index(f"─ {panel} ─") for panel in PANELS]
    lines = {line.split()[1]: line for line in out.splitlines() if line.startswith("│ --")}
    assert "quick|standard|best" in lines["--effort"]
    assert "unknown|informative" in lines["--missing"]
    assert "NAME=KIND" in lines["--kind"]
    code, out, _ = chainrule("score", "--help", cwd=tmp_path)
    assert "─ How the table is read ─" in out
    assert "─ Network ─" not in out


def test_the_help_of_the_program_has_every_command_in_a_group(tmp_path):
    code, out, _ = chainrule("--help", cwd=tmp_path)
    assert code == 0
    for panel, commands in COMMANDS.items():
        part = out.split(f"─ {panel} ─")[1].split("╰")[0]
        assert [each.NAME for each in commands] == [
            line.split()[1] for line in part.splitlines()[1:] if line[2:3].strip()
        ]


def test_an_option_with_a_choice_shows_all_of_it_in_its_help():
    """A long list of choices is in the text of the option."""
    for name, choices in CHOICES.items():
        for run in RUNS.values():
            parameter = inspect.signature(run, eval_str=True).parameters.get(name)
            if parameter is None:
                continue
            text = get_args(parameter.annotation)[1].help
            assert all(choice in text for choice in choices) or len("|".join(choices)) <= 20

"""Rooms import the modules of their names when the names are used."""

import importlib

import pytest

ROOMS = ["chainrule", "chainrule.report.comparison", "chainrule.table", "chainrule.tasks",
         "chainrule.training"]  # fmt: skip


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_of_a_room_is_there_and_others_are_refused(room):
    module = importlib.import_module(room)
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match=f"module '{room}' has no attribute 'guess'"):
        _ = module.guess

"""Processes that a launcher starts together: what is refused."""

from helpers.command_line import typed


def test_what_works_in_one_process_says_so(tmp_path):
    for words in (("datasets",), ("fit", "digits", "-o", "m.chainrule")):
        code, printed, errors = typed(*words, cwd=tmp_path, WORLD_SIZE="2", RANK="1")
        assert (code, printed) == (2, "")
        assert errors == (
            f"chainrule: WORLD_SIZE = 2: chainrule {words[0]} works in one process; start it "
            "without torchrun, or unset WORLD_SIZE\n"
        )
    assert typed("datasets", cwd=tmp_path, WORLD_SIZE="1", RANK="0")[0] == 0

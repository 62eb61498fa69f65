"""Processes that a launcher starts together: what is refused, and what one process tells itself."""

import pytest
from helpers.command_line import typed
from helpers.rank_threads import run_ranks

from chainrule.ranks import ALONE, OtherRankError, joined


def test_what_works_in_one_process_says_so(tmp_path):
    code, printed, errors = typed("datasets", cwd=tmp_path, WORLD_SIZE="2", RANK="0")
    assert (code, printed) == (2, "")
    assert errors == (
        "chainrule: WORLD_SIZE = 2: chainrule datasets works in one process; start it without "
        "torchrun, or unset WORLD_SIZE\n"
    )
    assert typed("datasets", cwd=tmp_path, WORLD_SIZE="1", RANK="0")[0] == 0


def test_processes_that_do_not_know_where_they_meet_are_refused(tmp_path):
    words = ("fit", "digits", "-o", "m.chainrule")
    code, printed, errors = typed(*words, cwd=tmp_path, WORLD_SIZE="2", RANK="0")
    assert (code, printed) == (2, "")
    assert errors == (
        "chainrule: WORLD_SIZE = 2, but MASTER_ADDR and MASTER_PORT not set: start the processes "
        "by torchrun, or unset WORLD_SIZE\n"
    )
    assert not list(tmp_path.iterdir())


def test_one_process_is_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined() as ranks:
        assert ranks is ALONE
    assert ALONE.of_first(lambda: 3) == 3
    assert ALONE.teams(1) == (ALONE, 0)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_work_is_shared_and_results_keep_their_order(size):
    done = []

    def square(k):
        done.append(k)
        return k * k

    found = run_ranks(size, lambda ranks: ranks.each(range(5), square))
    assert found == [[0, 1, 4, 9, 16]] * size
    assert sorted(done) == list(range(5))


def test_a_failure_of_the_first_rank_is_told():
    def divide(ranks):
        with pytest.raises(ZeroDivisionError if ranks.is_first else OtherRankError) as failed:
            ranks.of_first(lambda: 1 / 0)
        return str(failed.value)

    assert run_ranks(2, divide) == ["division by zero", "process 0 of 2: division by zero"]

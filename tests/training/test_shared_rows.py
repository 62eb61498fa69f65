"""Ranks of a machine share encoded rows, and machines with other rows are refused."""

import numpy as np
import pytest
import torch
from helpers.rank_threads import run_ranks
from helpers.some_tables import mixed

from chainrule.errors import ChainruleError
from chainrule.ranks import OtherRankError
from chainrule.rng import generator_from
from chainrule.training import shared_rows
from chainrule.training.config import FitConfig
from chainrule.training.data import training_data


def read(generator, seed=0, n=400):
    table = mixed(n, seed=seed, holes=0.15)
    return training_data(
        table,
        None,
        FitConfig(),
        learns_from_missing=True,
        generator=generator,
        sample_weight=np.arange(len(table)) % 3,
    )


def shared(ranks, calls, **options):
    generator = generator_from(0 if ranks.rank % 2 == 0 else 5)  # of leaders alike

    def reading():
        calls.append(ranks.rank)
        return read(generator, **options)

    data = shared_rows.shared_by(ranks, reading, generator)
    return data, torch.rand(1, generator=generator)


def test_one_rank_reads_and_all_have_the_rows():
    calls = []
    alone = read(generator_from(0))
    (first, drawn), (second, same) = run_ranks(2, lambda ranks: shared(ranks, calls))
    assert calls == [0]
    assert torch.equal(drawn, same)
    for data in (first, second):
        for name in ("train", "valid"):
            for field in ("x", "observed", "weight", "scale_nats"):
                want = getattr(getattr(alone, name), field)
                assert torch.equal(getattr(getattr(data, name), field), want)
        assert data.schema == alone.schema
        assert data.columns == alone.columns
        assert torch.equal(data.initial, alone.initial)
    assert len(first.valid_table) == len(alone.valid_table)
    assert len(second.valid_table) == 0


def test_each_machine_reads_and_another_table_is_refused():
    calls = []

    def of_machines(ranks, seeds):
        ranks.machine = f"machine {ranks.rank // 2}"
        return shared(ranks, calls, seed=seeds[ranks.rank // 2])

    found = run_ranks(4, lambda ranks: of_machines(ranks, (0, 0)))
    assert sorted(calls) == [0, 2]
    assert all(torch.equal(found[0][0].train.x, data.train.x) for data, _ in found)
    with pytest.raises(ChainruleError, match=r"the rows on machine 1 differ from those on mach"):
        run_ranks(4, lambda ranks: of_machines(ranks, (0, 1)))


def test_a_table_that_cannot_be_read_is_an_error_everywhere():
    def failing(ranks):
        with pytest.raises(ChainruleError) as failed:
            shared(ranks, [], n=0)
        return type(failed.value), str(failed.value)

    (kind, message), (other, told) = run_ranks(2, failing)
    assert kind is not OtherRankError
    assert (other, told) == (OtherRankError, f"process 0 of 2: {message}")


def test_a_file_that_is_not_what_was_written_is_refused(tmp_path):
    data = read(generator_from(0))
    shards = shared_rows.written(data, tmp_path)
    rows = shared_rows.mapped(tmp_path, shards)
    assert torch.equal(rows["train"].x, data.train.x)
    path = tmp_path / "train.x"
    changed = bytearray(path.read_bytes())
    changed[100] ^= 1
    path.write_bytes(changed)
    with pytest.raises(ChainruleError, match=r"train\.x: these rows are not those"):
        shared_rows.mapped(tmp_path, shards)

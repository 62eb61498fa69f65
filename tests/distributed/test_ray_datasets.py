"""Ray datasets are answered block by block, lazily, as one process answers them whole."""

import pandas as pd
import pyarrow as pa
import pytest
from helpers.distributed_questions import ASKED, require_answer_of_one_process

import chainrule as cr
from chainrule import distributed
from chainrule.errors import SchemaError

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install .[ray]")
data_of_ray = pytest.importorskip("ray.data")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of Ray about itself


@pytest.fixture(scope="module")
def engine():
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    data_of_ray.DataContext.get_current().enable_progress_bars = False
    yield ray
    ray.shutdown()


@pytest.fixture
def data(engine, frame):
    return data_of_ray.from_arrow(pa.Table.from_pandas(frame, preserve_index=False))


@pytest.mark.parametrize("name", ASKED)
def test_a_block_is_answered_as_one_process_answers_it(density, data, frame, name):
    asked = ASKED[name](density, data)
    assert isinstance(asked, data_of_ray.Dataset)
    found = pa.concat_tables(ray.get(asked.to_arrow_refs()))
    require_answer_of_one_process(found, name, density, frame)


def test_the_schema_is_that_of_the_whole(engine, frame):
    whole = pa.Table.from_pandas(frame, preserve_index=False)
    how = {"kinds": {"id": "leave out"}, "min_count": 3}
    found = distributed.infer_schema(data_of_ray.from_arrow(whole).repartition(5), **how)
    assert str(found) == str(cr.infer_schema(whole, **how))


def test_draws_do_not_depend_on_blocks(density, data):
    one, more = (
        distributed.sample(density, data.repartition(blocks), key="id", seed=3, keep=["id"])
        .to_pandas()
        .sort_values("id", ignore_index=True)
        for blocks in (1, 7)
    )
    pd.testing.assert_frame_equal(one, more, rtol=1e-9, check_dtype=False)


def test_what_does_not_fit_is_refused_before_work_starts(density, data):
    with pytest.raises(SchemaError, match="the table has no column 'height'"):
        distributed.score(density, data.drop_columns(["height"]))
    with pytest.raises(SchemaError, match="key names 'ID'"):
        distributed.sample(density, data, key="ID")

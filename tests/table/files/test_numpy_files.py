"""Arrays are written part by part."""

import numpy as np
import pytest

from chainrule.table.files.numpy_files import read_npy, write_npy


@pytest.mark.parametrize("shapes", [[(3, 2)], [(3, 2), (0, 2), (95, 2)], [(1,)] * 12])
def test_parts_are_one_array(tmp_path, shapes):
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=shape) for shape in shapes]
    write_npy(tmp_path / "x.npy", iter(parts))
    assert np.array_equal(read_npy(tmp_path / "x.npy"), np.concatenate(parts))
    np.save(tmp_path / "y.npy", np.concatenate(parts))
    assert (tmp_path / "x.npy").read_bytes() == (tmp_path / "y.npy").read_bytes()


def test_a_part_of_another_type_changes_the_type_of_all(tmp_path):
    parts = [
        np.array([[1, 2]], dtype=np.int8),
        np.array([[300, 4]]),
        np.array([[0.5, np.nan]]),
        np.array([[7, 8]]),
    ]
    write_npy(tmp_path / "x.npy", iter(parts))
    found = read_npy(tmp_path / "x.npy")
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, np.concatenate(parts))


def test_a_part_that_fails_leaves_no_file(tmp_path):
    def parts():
        yield np.zeros((2, 2))
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        write_npy(tmp_path / "x.npy", parts())
    assert not list(tmp_path.iterdir())

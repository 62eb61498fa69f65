"""Keys of rows do not depend on the type that holds them."""

import numpy as np
import pyarrow as pa
import pytest

from chainrule.tasks.row_keys import keys_of


@pytest.mark.parametrize("kind", [pa.int8(), pa.int32(), pa.int64(), pa.uint64()])
def test_an_integer_is_the_number_of_its_row(kind):
    keys = keys_of(pa.chunked_array([pa.array([0, 7], kind), pa.array([100], kind)]), "id")
    assert keys.tolist() == [[0, 0], [7, 0], [100, 0]]


def test_negative_and_large_numbers_have_keys_of_their_own():
    signed = keys_of(pa.chunked_array([[-1, -(2**63), 2**63 - 1]]), "id")
    assert len(np.unique(signed, axis=0)) == 3
    unsigned = keys_of(pa.chunked_array([pa.array([2**64 - 2], pa.uint64())]), "id")
    assert unsigned.tolist() == [[2**64 - 2, 0]]


def test_texts_have_the_same_keys_in_any_type():
    words = pa.array(["a", "b", "1", "ünder"])
    expected = keys_of(pa.chunked_array([words]), "id")
    assert len(np.unique(expected, axis=0)) == 4
    assert (expected[:, 1] >= 2**63).all()  # so that none is an integer's
    for other in (words.cast(pa.large_string()), words.dictionary_encode(), words.cast("binary")):
        assert (keys_of(pa.chunked_array([other]), "id") == expected).all()

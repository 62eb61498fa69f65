"""Matrix products take one thread inside, and what they took before outside."""

import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from chainrule.tensors.threads import one_thread


def threads(api="blas"):
    np.eye(2) @ np.eye(2)
    return [each["num_threads"] for each in ThreadpoolController().select(user_api=api).info()]


def test_the_limit_ends_with_the_outermost_answer():
    with ThreadpoolController().limit(limits=2):
        before, others = threads(), threads("openmp")
        with one_thread():
            with one_thread():
                assert set(threads()) <= {1}
            assert set(threads()) <= {1}
            assert threads("openmp") == others  # PyTorch's
        assert threads() == before


def test_the_limit_ends_with_an_error():
    before = threads()
    with pytest.raises(ValueError, match="some"), one_thread():
        raise ValueError("some")
    assert threads() == before


def test_the_limit_lasts_until_the_last_of_overlapping_answers_ends():
    with ThreadpoolController().limit(limits=2):
        before = threads()
        first, second = one_thread(), one_thread()
        first.__enter__()
        beside = threading.Thread(target=second.__enter__)
        beside.start()
        beside.join()
        first.__exit__(None, None, None)
        assert set(threads()) <= {1}
        second.__exit__(None, None, None)
        assert threads() == before

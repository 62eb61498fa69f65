"""Calls of kernels reuse the memory of results, and announce compilation."""

import sys

import torch

from chainrule.ops.compiled import calls


def test_compiling_is_announced_where_a_person_watches(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    calls._announce()
    assert capsys.readouterr().err == "chainrule: compiling CPU kernels, once on this machine …\n"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    calls._announce()
    assert capsys.readouterr().err == ""


def test_memory_of_results_serves_again_only_when_no_view_of_it_is_left():
    calls._free.clear()
    shape = (3, calls.REUSED_BYTES[0] // 4)
    one = calls.empty(*shape)
    view, where = torch.from_numpy(one)[1, 5:], one.ctypes.data
    view.fill_(7)
    del one
    other = calls.empty(*shape)
    other[:] = 1
    assert other.ctypes.data != where
    assert bool((view == 7).all())
    del view
    assert calls.empty(*shape).ctypes.data == where  # gone at once, too
    assert calls.empty(*shape).ctypes.data == where
    assert calls.empty(3, shape[1] + 1).ctypes.data != where  # of another size
    assert calls.empty(2).base is None  # small ones are plain arrays

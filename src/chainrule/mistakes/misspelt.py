"""A label with a typing mistake."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
from typing_extensions import override

from chainrule.mistakes.base import AbstractUndo, Form
from chainrule.mistakes.edits import edit, near


class Misspelt(AbstractUndo):
    """One or two typing mistakes in a listed label.

    A mistake leaves a character out, adds or replaces one, replaces one wherever it occurs,
    exchanges two neighbours or writes other capitals; see ``edits``. Two mistakes are a tenth as
    frequent. The column's form says how often mistakes bring in each character.
    """

    name = "misspelt"
    holds = ("labels",)
    rate = 0.005

    @override
    def sentence(self, found: str, suggested: str) -> str:
        return f"{found} is {suggested}, misspelt"

    @override
    def originals(self, values: np.ndarray, form: Form) -> tuple[np.ndarray, np.ndarray]:
        originals = np.full((len(values), len(form.levels)), None, dtype=object)
        log_share = np.full(originals.shape, -np.inf)
        listed = set(form.levels)
        texts = [value if isinstance(value, str) else "" for value in values.tolist()]
        rows: dict[str, list[int]] = defaultdict(list)
        for row, text in enumerate(texts):
            if text and text not in listed:
                rows[text].append(row)
        different = sorted(rows)
        for value, level, found in near(different, form.levels):
            at = rows[different[value]]
            originals[at, level] = form.levels[level]
            log_share[at, level] = found.log_share(form.letters, form.other_letter)
        return originals, log_share

    @override
    def results(self, value: object, form: Form) -> dict[object, float]:
        """Some of the results: characters left out, exchanged, or replaced by "x"."""
        assert isinstance(value, str)
        places = range(len(value))
        found = {value[:k] + value[k + 1 :] for k in places}
        found |= {value[:k] + "x" + value[k + 1 :] for k in places}
        found |= {value.replace(character, "x") for character in set(value)}
        found |= {value[:k] + value[k + 1] + value[k] + value[k + 2 :] for k in places[:-1]}
        edits = {v: edit(v, value) for v in found - set(form.levels) - {value}}
        return {
            v: math.exp(each.log_share(form.letters, form.other_letter))
            for v, each in edits.items()
            if v and each is not None
        }

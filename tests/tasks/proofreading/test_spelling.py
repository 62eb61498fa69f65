"""Misspelt labels are told from rare ones by their letters, and by how many rows have them."""

import numpy as np
import pytest

from chainrule.tasks.proofreading.letters import Letters
from chainrule.tasks.proofreading.spelling import Words, learned

CITIES = {"birmingham": 300, "montgomery": 200, "huntsville": 150, "gadsden": 100, "dothan": 80}


def words(counts, least=5):
    """The labels of a column with these counts."""
    cells = [label for label, count in counts.items() for _ in range(count)]
    return Words.of(cells, [label for label, count in counts.items() if count >= least])


def real(counts):
    """The probability of each label that it is no misspelt one."""
    (spelling,), _ = learned([words(counts)])
    return spelling.real


@pytest.mark.parametrize("written", [str.lower, str.upper])
def test_mistakes_of_rare_labels_are_told_from_rare_names(written):
    """In capitals as well; txscaloosx has no listed original."""
    wrong = {"birminghxm": 1, "montxomery": 1, "huntsvixxe": 2, "gxdsden": 1, "dothxn": 1}
    counts = CITIES | wrong | {"mobile": 2, "auburn": 1, "txscaloosx": 1}
    found = real({written(label): count for label, count in counts.items()})
    assert max(found[written(label)] for label in [*wrong, "txscaloosx"]) < 0.1
    assert min(found[written(label)] for label in [*CITIES, "mobile", "auburn"]) > 0.9


def test_a_level_of_several_rows_is_misspelt_if_its_letters_are_those_of_mistakes():
    wrong = {"birminghxm": 8, "montxomery": 1, "huntsvixxe": 1, "gxdsden": 1, "dothxn": 1}
    assert real(CITIES | wrong)["birminghxm"] < 0.1


@pytest.mark.parametrize(
    "counts",
    [
        {"ann": 20, "anna": 300, "bea": 100, "eva": 100, "ida": 80, "ina": 30},
        {"s": 600, "c": 100, "q": 60},
        {f"scip-inf-{k}": 40 + 60 * (k == 1) for k in range(1, 8)},
        {f"{k} patients": 5 if k % 3 == 0 else 1 for k in range(10, 200)},
        {"male": 600, "female": 90},
    ],
    ids=["names", "letters", "codes", "numbers", "two levels"],
)
def test_labels_that_are_alike_are_real(counts):
    found = real(counts)
    assert min(found.values()) > 0.3
    assert np.mean(list(found.values())) > 0.9


def test_a_table_without_labels_has_no_spelling():
    spellings, alphabet = learned([])
    assert spellings == []
    assert alphabet.other == pytest.approx(1 / 27)


def test_characters_of_mistakes_are_learned():
    wrong = {"birminghxm": 1, "montxomery": 1, "huntsvixxe": 1, "gxdsden": 1, "dothxn": 1}
    _, alphabet = learned([words(CITIES | wrong)])
    assert alphabet.shares["x"] > 4 * alphabet.other
    assert sum(alphabet.shares.values()) < 1


def test_the_probabilities_of_short_texts_sum_to_at_most_one():
    letters = Letters(["ab", "aa", "ba"], np.ones(3))
    texts = [a + b for a in "abcdefghijklmnopqrstuvwxyz" for b in "abcdefghijklmnopqrstuvwxyz"]
    total = sum(np.exp(letters.log_prob(text)) for text in texts)
    assert 0.01 < total <= 1


def test_a_label_is_no_evidence_for_its_own_letters():
    labels = ["alpha", "beta", "qzqzq"]
    with_it, without = Letters(labels, np.ones(3)), Letters(labels[:2], np.ones(2))
    assert with_it.log_prob("qzqzq") == pytest.approx(without.log_prob("qzqzq"), abs=3)
    assert with_it.log_prob("qzqzqz") > without.log_prob("qzqzqz") + 3

"""The cells that the page lists are those of ``proofread``, by one threshold."""

import pytest
from helpers.towns import EVIL, towns

from chainrule.explorer import Answers


def wrong():
    frame = towns().astype({EVIL: object, "weight": object})
    frame.loc[17, "weight"], frame.loc[44, "weight"] = 800.0, "abc"
    frame.loc[10, EVIL] = "<i>Keil</i>"
    return frame


@pytest.mark.filterwarnings("ignore:column ")
def test_findings_are_those_of_proofread(fitted):
    answers = Answers(fitted.model, wrong())
    found, said = answers.wrong(), fitted.proofread(wrong())
    assert found["sure"]
    assert found["all"] == len(said) == len(found["findings"])
    for each, row in zip(found["findings"], said.itertuples(), strict=True):
        assert (each["row"], each["column"], each["found"]) == (row.row, row.column, row.found)
        assert (each["suggested"], each["q"]) == (row.suggested, row.q)
    words = {each["row"]: each["said"] for each in found["findings"]}
    assert words[10].endswith("; expected <i>Kiel</i>")
    assert words[17].startswith("the decimal point of ")
    assert words[44].startswith("weight takes ")
    assert "; expected " in words[44]


def test_a_table_without_findings_has_its_oddest_cells(fitted):
    """They are not called wrong, and nothing is suggested."""
    assert not len(fitted.proofread(towns()))
    found, said = Answers(fitted.model, towns()).wrong(), fitted.oddest(towns())
    assert not found["sure"]
    assert [each["bits"] for each in found["findings"]] == pytest.approx(list(said["bits"]))
    first, row = found["findings"][0], said.iloc[0]
    assert (first["row"], first["column"], first["suggested"]) == (row["row"], row["column"], None)
    assert first["said"] == f"rare given the rest of its row; expected {row['expected']}"

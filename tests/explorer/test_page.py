"""The page in a browser: what a reader changes, mistypes, drops and clicks."""

import json

import pytest
from helpers.browser import Page
from helpers.towns import towns

from chainrule.explorer import Explorer

LOADED = "document.getElementById('nats').textContent.includes('nats')"


@pytest.fixture
def driven(fitted, tmp_path):
    towns().to_csv(tmp_path / "towns.csv", index=False)
    with (
        Explorer(fitted.model, tmp_path / "towns.csv") as explorer,
        Page(explorer.address, tmp_path, width=1440) as page,
    ):
        page.wait(LOADED)
        page.explorer = explorer
        yield page


def text(page, selector):
    return page.run(f"document.querySelector({selector!r}).textContent")


def typed(**cells):
    """JavaScript that fills fields by their numbers, all before any answer comes."""
    return ";".join(
        f"(field => {{ field.value = {value!r}; field.dispatchEvent(new Event('input')); }})"
        f"(document.getElementById('cell-{name[1:]}'))"
        for name, value in cells.items()
    )


def drop(page, name, content):
    page.run(f"void load(new File([{json.dumps(content)}], {name!r}))")


def wrong_csv():
    wrong = towns(60, seed=1).astype({"weight": object})
    wrong.loc[17, "weight"], wrong.loc[44, "weight"] = 800.0, "abc"
    return wrong.to_csv(index=False)


def test_two_fields_that_change_at_once_both_count(fitted, driven):
    driven.run(typed(c1="51.5", c2="2024-02-03"))
    row = towns().iloc[[0]].assign(weight=51.5, day="2024-02-03").astype({"day": "datetime64[ns]"})
    said = f"{fitted.log_prob(row)[0]:.3f}".replace("-", "−")
    driven.wait(f"document.getElementById('nats').textContent.startsWith({said!r})")
    assert driven.run("[...document.querySelectorAll('.about')].map(a => a.textContent)")[1] == (
        f"Row 0 has {towns()['weight'][0]:g}. Restore"
    )
    driven.click(".column:nth-child(2) .about button")
    driven.wait(f"document.getElementById('cell-1').value === '{towns()['weight'][0]:g}'")
    assert driven.run("document.activeElement.id") == "cell-1"


def test_wrong_entries_are_said_where_they_stand(driven):
    driven.run(typed(c1="heavy", c2="soon"))
    driven.wait("document.querySelectorAll('.wrong').length === 2")
    assert text(driven, ".wrong .about") == "weight: 'heavy' is no number, such as 12.5."
    assert driven.run("document.getElementById('cell-2').getAttribute('aria-invalid')") == "true"
    assert text(driven, "#nats") == "—"
    faded = "getComputedStyle(document.querySelector('.column:not(.wrong) svg')).opacity"
    assert float(driven.run(faded)) < 0.5
    for width in (390, 1440):
        driven.resize(width)
        assert driven.run("document.documentElement.scrollWidth") <= width
    driven.run(typed(c1="51", c2="2024-02-03"))
    driven.wait(f"{LOADED} && !document.querySelector('.wrong')")
    assert float(driven.run(faded)) == 1


def test_a_finding_of_a_dropped_table_is_marked_and_mended(driven):
    drop(driven, "few.csv", wrong_csv())
    driven.wait("document.getElementById('found').textContent.startsWith('few.csv: 2 cells')")
    assert driven.run("state.table") == 0  # the row that is shown stays
    found = "[...document.querySelectorAll('#findings button')].find(b => b.textContent.includes"
    assert " · q " in driven.run(f"{found}('row 17 · weight = 800')).textContent")
    driven.run(f"{found}('row 44')).focus()")
    driven.press("Enter")
    driven.wait("document.activeElement.id === 'cell-1'")
    assert driven.run("document.getElementById('table').selectedOptions[0].label") == (
        "few.csv (60 rows)"
    )
    assert text(driven, ".found label") == "weight"
    assert text(driven, ".found .bits") == "not a value of this column"
    assert text(driven, ".found .about").startswith("Probably wrong: weight takes ")
    for width in (390, 1440):
        driven.resize(width)
        assert driven.run("document.documentElement.scrollWidth") <= width
    box = "(box => box.top >= 0 && box.bottom <= innerHeight)"
    driven.wait(f"{box}(document.querySelector('.found').getBoundingClientRect())")
    suggested = text(driven, ".found .about button").removeprefix("Use ")
    driven.click(".found .about button")
    driven.wait(f"document.getElementById('cell-1').value === '{suggested}'")
    driven.wait("!document.querySelector('.found')")
    assert text(driven, ".column:nth-child(2) .about") == "Row 44 has abc. Restore"
    drop(driven, "other.csv", "a,b\n1,2\n")
    driven.wait("!document.getElementById('drop-error').hidden")
    assert text(driven, "#drop-error").startswith("other.csv: column(s) 'a', 'b' are not in the")
    assert driven.run("document.querySelectorAll('#findings button').length") == 2
    driven.run(
        "(field => { field.value = '0'; field.dispatchEvent(new Event('change')); })"
        "(document.getElementById('table'))"
    )
    driven.wait("state.table === 0 && document.getElementById('number').value === '0'")
    driven.run("openRow(239)")
    driven.wait("document.getElementById('number').value === '239'")
    driven.open(driven.explorer.address + "#again")  # a new page begins with the opened table
    driven.tell("Page.reload")
    driven.wait(f"document.readyState === 'complete' && {LOADED}")
    assert text(driven, "#range") == "of 0 … 239"
    assert driven.run("document.querySelectorAll('#table option').length") == 2


def test_rows_are_drawn_if_a_cell_is_unknown(driven):
    driven.click("#draw")
    driven.wait("document.getElementById('draw-said').textContent.startsWith('All cells')")
    assert driven.run("document.querySelectorAll('#drawn tr').length") == 0
    toggle = ".column:nth-child(2) .cell button"
    assert text(driven, toggle) == "make unknown"
    driven.click(toggle)
    driven.wait("document.querySelectorAll('.unknown').length === 1")
    assert text(driven, toggle) == f"restore {towns()['weight'][0]:g}"
    driven.click("#draw")
    driven.wait("document.querySelectorAll('#drawn tbody tr').length === 5")
    assert driven.run("document.querySelectorAll('#drawn .new').length") == 5
    driven.click(toggle)
    driven.wait("!document.querySelector('.unknown')")
    assert driven.run("document.querySelector('#drawn').classList.contains('stale')")


def test_log_p_is_compared_with_the_rows_of_the_table(fitted, driven):
    driven.wait("document.getElementById('typical').textContent !== ''")
    whole = towns().dropna()
    said = sorted(fitted.log_prob(whole))
    middle = f"{said[len(said) // 2]:.1f}".replace("-", "−")
    own = fitted.log_prob(whole.iloc[[0]])[0]
    odder = round(100 * sum(each > own for each in said) / len(said))
    assert text(driven, "#typical") == f"typical: {middle} nats; odder than {odder} % of the rows"


def test_quick_steps_are_all_taken(driven):
    driven.run("for (let k = 0; k < 5; k++) document.getElementById('after').click()")
    driven.wait("document.getElementById('number').value === '5'")
    driven.run("openRow(1000)")
    driven.wait("!document.getElementById('error').hidden")
    assert text(driven, "#error") == "row 1000 of a table of 240 rows; rows count from 0"
    assert driven.run("document.getElementById('number').value") == "5"

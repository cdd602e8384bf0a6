"""The query of docs/bi.md that compares two nights, on both engines."""

from __future__ import annotations

import re

import pytest
from moved_figures import NEXT, after_third, three_nights
from worked_dossiers import LATER, NIGHT

import onestop
from onestop.schema.project import PROJECT_ROOT
from onestop.warehouse import open_warehouse

KEY = ("indicator_code", "method_code", "unit_code", "period_type", "period_basis", "period_start")


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def warehouse(request, kept, tmp_path_factory):
    if request.param == "duckdb":
        url = kept.copy(after_third, tmp_path_factory.mktemp("two") / "var").warehouse
    else:
        url = request.getfixturevalue("postgres").make_database()
    with open_warehouse(url) as opened:
        if request.param == "postgresql":
            three_nights(opened)
        yield opened


def history_on(warehouse, night):
    """The rows of the history that held on a night."""
    return warehouse.rows(
        "select * from mart.indicator_history where valid_from <= :night"
        " and (valid_to is null or valid_to > :night)",
        {"night": night},
    )


def stated(warehouse, night):
    """The numerator and denominator of each figure, as a night stated them."""
    return {
        tuple(row[name] for name in KEY): (row["numerator"], row["denominator"])
        for row in history_on(warehouse, night)
    }


def test_every_night_has_its_figures_as_it_stated_them(warehouse):
    nights = [
        row["as_of_date"] for row in warehouse.rows("select as_of_date from audit.publication")
    ]
    assert sorted(nights) == [NIGHT, NEXT, LATER]
    for night in nights:
        found = warehouse.rows(
            "select * from mart.indicator_as_of where as_of_date = :night", {"night": night}
        )
        history = history_on(warehouse, night)
        columns = [name for name in history[0] if name not in ("valid_from", "valid_to")]
        assert sorted(found[0]) == sorted([*columns, "as_of_date"])

        def cells(rows, columns=columns):
            return sorted(str([row[name] for name in columns]) for row in rows)

        assert cells(found) == cells(history)


@pytest.mark.parametrize("nights", [(NIGHT, NEXT), (NEXT, LATER), (NIGHT, LATER)])
def test_the_documented_query_lists_the_figures_that_differ(warehouse, nights):
    text = (PROJECT_ROOT / "docs" / "bi.md").read_text(encoding="utf-8")
    [query] = re.findall(r"```sql\n(with figure as.*?)```", text, re.DOTALL)
    for stated_date, night in zip(("2022-11-23", "2022-11-24"), nights, strict=True):
        assert stated_date in query
        query = query.replace(stated_date, str(night))
    earlier, later = (stated(warehouse, night) for night in nights)
    nothing = (None, None)
    expected = {
        figure: (earlier.get(figure, nothing), later.get(figure, nothing))
        for figure in earlier.keys() | later.keys()
        if earlier.get(figure, nothing) != later.get(figure, nothing)
    }
    found = {
        tuple(row[name] for name in KEY): tuple(
            (row[f"numerator_{side}"], row[f"denominator_{side}"]) for side in ("earlier", "later")
        )
        for row in warehouse.rows(query)
    }
    assert found == expected
    assert found


def test_an_earlier_night_shows_the_nights_up_to_it(kept, tmp_path):
    settings = kept.copy(after_third, tmp_path / "var")
    for night, shown in {NIGHT: [NIGHT], NEXT: [NIGHT, NEXT], LATER: [NIGHT, NEXT, LATER]}.items():
        published = onestop.open_published(settings.warehouse, as_of=night)
        found = published.table("indicator_as_of", unit_code="CITY", period_type="month")
        assert sorted(set(found["as_of_date"])) == shown
        assert len(published.table("indicator_history", unit_code="CITY")) > 0

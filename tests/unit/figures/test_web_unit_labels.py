"""Units of one name are told apart wherever they stand side by side."""

from __future__ import annotations

import html
import re

import pytest
from kept_installations import copied
from web_site import NIGHT, SINCE, browser

from onestop.figures.explain.items import unit_names_in
from onestop.figures.unit_names import label_column
from onestop.marts.published import open_published
from onestop.warehouse import open_warehouse

NAME = "UBND phường Minh Khai"


@pytest.fixture(scope="module")
def namesakes(site, tmp_path_factory):
    """The installation with two units of one name, and their labels."""
    changed = copied(site, tmp_path_factory.mktemp("namesakes") / "var")
    with open_warehouse(f"duckdb:///{changed.published}") as warehouse:
        rows = warehouse.rows(
            "select unit_code from mart.changed_after_overdue group by unit_code"
            " order by count(*) desc, unit_code limit 2"
        )
        labels = {row["unit_code"]: f"{NAME} ({row['unit_code']})" for row in rows}
        for code, label in labels.items():
            warehouse.execute(
                "update mart.unit set unit_name = :name, unit_label = :label"
                " where unit_code = :code",
                {"name": NAME, "label": label, "code": code},
            )
    assert len(labels) == 2
    return changed, labels


@pytest.mark.parametrize(
    "path",
    [
        "/units?level=all",
        "/audit",
        "/restatements",
        "/difference",
        "/open?unit=CITY&band=age_above_40",
        f"/figure?indicator=on_time_rate&unit=CITY&from={SINCE}&to={NIGHT}",
    ],
)
def test_a_page_tells_two_units_of_one_name_apart(namesakes, path):
    settings, labels = namesakes
    page = html.unescape(browser(settings, reads_record=True).get(path).text)
    assert all(label in page for label in labels.values())
    assert re.findall(rf"{NAME}(?! \()", page) == []


@pytest.mark.parametrize(
    "path",
    [f"/figure?indicator=on_time_rate&unit={{}}&from={SINCE}&to={NIGHT}", "/unit?code={}"],
)
def test_the_heading_of_a_page_says_which_of_two_units_it_is_about(namesakes, path):
    settings, labels = namesakes
    for code, label in labels.items():
        page = html.unescape(browser(settings).get(path.format(code)).text)
        assert label in page
        assert re.findall(rf"{NAME}(?! \()", page) == []


def test_the_link_to_the_unit_above_says_which_one_it_is(namesakes, tmp_path):
    settings, labels = namesakes
    above, below = copied(settings, tmp_path / "var"), [*labels]
    with open_warehouse(f"duckdb:///{above.published}") as warehouse:
        warehouse.execute(
            "update mart.unit set parent_unit_code = :above where unit_code = :below",
            {"above": below[0], "below": below[1]},
        )
    page = html.unescape(browser(above).get(f"/unit?code={below[1]}").text)
    assert f">{labels[below[0]]}</a>" in page


def test_lists_of_items_tell_two_units_of_one_name_apart(namesakes):
    settings, labels = namesakes
    with open_published(settings) as warehouse:
        assert labels.items() <= unit_names_in(warehouse, "en").items()


def test_marts_of_an_earlier_release_have_names_alone(namesakes, tmp_path):
    settings, _ = namesakes
    earlier = copied(settings, tmp_path / "var")
    with open_warehouse(f"duckdb:///{earlier.published}") as warehouse:
        warehouse.execute("alter table mart.unit drop column unit_label")
        assert label_column(warehouse) == "unit_name"
    page = html.unescape(browser(earlier, reads_record=True).get("/units?level=all").text)
    assert page.count(NAME) == 2

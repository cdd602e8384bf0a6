"""The pages are the same on PostgreSQL as on DuckDB."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from published_marts import settings_in
from web_site import NIGHT, REJECTED, SINCE, browser, build_site, publish_site

SPAN = f"from={SINCE}&to={NIGHT}"
PAGES = [
    "/",
    "/?lang=en",
    "/units?level=all",
    "/units?indicator=counter_waiting_time&level=all&sort=name",
    "/unit?code=CITY",
    "/unit?code=DISTRICT",
    "/unit?code=H24.31",
    "/open?unit=CITY&band=age_above_40",
    f"/figure?{SPAN}",
    f"/figure?unit=H24.31&{SPAN}&role=denominator",
    f"/figure?indicator=counter_waiting_time&{SPAN}",
    f"/figure?indicator=closed_out_overdue&{SPAN}",
    "/figure?method=load&from=2022-07-15&to=2022-08-14",
    "/figure?method=qd_766_paused_in_time&from=2022-07-15&to=2022-07-31&lang=en",
    "/figure?indicator=supplement_late&from=2022-01-01&to=2022-12-31",
    "/figure?indicator=procedures_published_rate&from=2022-08-01&to=2022-08-31",
    f"/figure.csv?{SPAN}",
    f"/figure.csv?indicator=procedures_published_rate&{SPAN}&lang=en",
    "/report?code=half_year&issue=1",
    "/nights",
    f"/night?date={NIGHT}",
    f"/delivery?id={REJECTED}",
    "/quarantine?state=open",
    "/quarantine.csv",
    "/rule?code=DOS-R07",
    "/audit",
    "/audit?unit=H24.31&strength=strong",
    "/signs.csv",
    "/restatements",
    f"/restatements?night={NIGHT}&type=half_year&basis=calendar&start={SINCE}",
    "/difference",
    "/publications",
    "/dictionary",
    "/dictionary?table=mart.indicator_value",
    "/dictionary?table=mart.processing_time",
    "/dictionary?table=audit.night_step",
    "/dictionary?table=ref.target&lang=en",
    "/dictionary?part=codes",
    "/dictionary?q=ho so",
]


@pytest.fixture(scope="module")
def readers(kept, postgres, tmp_path_factory):
    """Browsers on the same site, on each engine."""
    embedded = kept.copy(publish_site, tmp_path_factory.mktemp("site") / "var")
    served = replace(
        settings_in(tmp_path_factory.mktemp("served")), warehouse=postgres.make_database()
    )
    build_site(served)
    reader = postgres.make_login("onestop_auditor")  # as the API server of the containers
    served = replace(served, warehouse=postgres.as_login(served.warehouse, reader))
    return [browser(settings, reads_record=True) for settings in (embedded, served)]


def without_clocks(text):
    """The text without the moments of publication, which are those of the test."""
    return re.sub(r"(công bố|published|lúc|at)? ?\d+[/ ]\w+[/ ]\d{4} \d\d:\d\d", "", text)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_the_same_on_both_engines(readers, page):
    embedded, served = (reader.get(page) for reader in readers)
    assert (embedded.status_code, served.status_code) == (200, 200)
    assert without_clocks(served.text) == without_clocks(embedded.text)


#: The parameters of each page.
PARAMETERS = {
    "units": "indicator method level sort order q page",
    "unit": "code",
    "open": "unit band page",
    "figure": "indicator method unit from to role reason q page of",
    "figure.csv": "unit role q",
    "report": "code issue",
    "nights": "page",
    "night": "date",
    "delivery": "id",
    "quarantine": "night feed rule state delivery page",
    "rule": "code",
    "audit": "unit kind strength page",
    "restatements": "unit night type basis start page",
    "difference": "from to unit indicator",
    "publications": "page",
    "dictionary": "table part q",
}
ODD = "'\0\"%_\\;--${x}:unit{}" + "9" * 40


@pytest.mark.parametrize("page", PARAMETERS)
def test_odd_parameters_are_answered_on_both_engines_without_a_fault(readers, page):
    for name in PARAMETERS[page].split():
        for reader in readers:
            answer = reader.get(f"/{page}", params={name: ODD})
            assert answer.status_code in {200, 404}, (name, answer.text)

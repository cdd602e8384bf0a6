"""Links from Airflow's pages to ours, and the time zone that its pages begin with."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.testclient import TestClient

from onestop import airflow_pages as pages
from onestop.schema.time_zone import LOCAL_ZONE

#: Airflow's own page, as far as it matters here.
PAGE = '<html><body><div id="root" style="height: 100%"></div></body></html>'


def link(monkeypatch, dag_id, night="2022-11-24"):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/")
    monkeypatch.setattr(pages, "_night_of", lambda _dag, _run: night)
    key = SimpleNamespace(dag_id=dag_id, run_id="scheduled__x")
    return pages.NightPageLink().get_link(None, ti_key=key)


@pytest.mark.parametrize(
    ("dag_id", "page"),
    [
        ("onestop_nightly", "https://airflow.example/onestop/night?date=2022-11-24"),
        ("onestop_watch", "https://airflow.example/onestop/night?date=2022-11-24"),
        ("onestop_replay", "https://airflow.example/onestop/nights"),
        ("onestop_report", "https://airflow.example/onestop/"),
        ("payroll", ""),
    ],
)
def test_our_tasks_lead_to_the_page_of_their_night_and_those_of_others_nowhere(
    monkeypatch, dag_id, page
):
    assert link(monkeypatch, dag_id) == page


def test_a_run_without_a_night_leads_to_the_list_of_nights(monkeypatch):
    assert link(monkeypatch, "onestop_nightly", None) == "https://airflow.example/onestop/nights"


def test_a_partition_key_stays_within_its_parameter(monkeypatch):
    address = link(monkeypatch, "onestop_nightly", "x&lang=en#y")
    assert address == "https://airflow.example/onestop/night?date=x%26lang%3Den%23y"


@pytest.fixture
def client():
    app = FastAPI()
    app.add_middleware(pages.TimeZoneOfPages, time_zone=LOCAL_ZONE.key)
    app.get("/")(lambda: HTMLResponse(PAGE))
    policy = {"Content-Security-Policy": "default-src 'none'"}
    app.get("/onestop/")(lambda: HTMLResponse(PAGE, headers=policy))
    app.get("/api")(lambda: JSONResponse({"page": PAGE}))
    return TestClient(app)


def test_a_browser_without_a_choice_shows_the_city_s_time(client):
    answer = client.get("/")
    [stored] = re.findall(r'setItem\("timezone",(".*?[^\\]")\)', answer.text)
    assert json.loads(json.loads(stored)) == LOCAL_ZONE.key
    assert 'getItem("timezone")===null' in answer.text
    assert answer.text.replace(re.search("<script>.*</script>", answer.text)[0], "") == PAGE
    assert int(answer.headers["content-length"]) == len(answer.content)


@pytest.mark.parametrize("path", ["/onestop/", "/api"])
def test_other_answers_are_left_as_they_are(client, path):
    answer = client.get(path)
    assert (answer.json()["page"] if path == "/api" else answer.text) == PAGE


def test_an_airflow_in_utc_is_left_alone(monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__DEFAULT_TIMEZONE", "utc")
    assert pages.page_middlewares() == []
    monkeypatch.setenv("AIRFLOW__CORE__DEFAULT_TIMEZONE", LOCAL_ZONE.key)
    [one] = pages.page_middlewares()
    assert one["kwargs"] == {"time_zone": LOCAL_ZONE.key}

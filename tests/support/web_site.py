"""An installation to look at in the browser, and a browser without Airflow."""

from __future__ import annotations

import datetime as dt
import hashlib
import html
import random
import re
import warnings
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from published_marts import settings_in
from random_worlds import build_world
from recorded_world import put_record

from onestop.figures.web import make_app
from onestop.gate.unpublished import note_unpublished
from onestop.marts.compute import compute_marts
from onestop.marts.publish import publish_marts
from onestop.record.issued_reports import IssuedReport, record_issue
from onestop.said import said_both
from onestop.warehouse import open_warehouse

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # a deprecation warning about the HTTP client
    from starlette.testclient import TestClient

if TYPE_CHECKING:
    from pathlib import Path

    from httpx import Response
    from kept_installations import KeptInstallations

    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

SINCE = dt.date(2022, 1, 1)
BEFORE, NIGHT, UNPUBLISHED = dt.date(2022, 6, 30), dt.date(2022, 7, 31), dt.date(2022, 8, 1)
#: A delivery of the last night with rejected rows, and one that was refused.
REJECTED, REFUSED = "one_stop.dossiers.20220731.0a", "one_stop.visits.20220731.0b"
_MOMENT = "timestamptz '2022-08-01 01:10:00+07'"
#: The steps of the last night: the step, its file, how long it took, and what came of it.
STEPS_OF_THE_NIGHT = (
    ("load", "north/dossiers_20220731.json", None, "killed"),
    ("load", "north/dossiers_20220731.json", dt.timedelta(seconds=1), "done"),
    ("compute", None, dt.timedelta(seconds=3), "done"),
)
STEPS_BEGAN = dt.datetime(2022, 8, 1, 1, 0, tzinfo=dt.timezone(dt.timedelta(hours=7)))
REPORT_FILES = {
    "scorecard.html": b"<!doctype html><title>x</title><p>the scorecard</p>",
    "scorecard.csv": b"a,b\n",
    "report.json": b"{}",
}


def publish_site(folder: Path, _: KeptInstallations) -> None:
    """Publish two nights of a world at random, with refusals, rejected rows and a report."""
    build_site(settings_in(folder))


def build_site(settings: Settings) -> None:
    """Build the site of :func:`publish_site` in an empty warehouse."""
    world = build_world(random.Random(3).choice, dossiers=60, tickets=300).as_known_on(NIGHT)
    with open_warehouse(settings.warehouse) as warehouse:
        put_record(warehouse, world)
        _put_deliveries(warehouse)
        for night in (BEFORE, NIGHT):
            compute_marts(warehouse, night)
            publish_marts(warehouse, night)
        _put_runs(warehouse)
        _put_report(warehouse, settings)
        warehouse.publish_copy(settings.published)
    message = said_both(vi="không có tệp hồ sơ", en="no dossiers file")
    run = {"as_of_date": UNPUBLISHED, "state": "missing_delivery", "message": message}
    note_unpublished(settings.folders.unpublished_nights, [run])
    for name in ("index.html", "index.en.html", "2022-07-31/index.html"):
        page = settings.folders.reports / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("<!doctype html><title>x</title><body><p>the report</p>", encoding="utf-8")


def _put_deliveries(warehouse: Warehouse) -> None:
    columns = (
        "delivery_id, attempt, state, source, feed, night, kind, file_name, sha256, size_bytes,"
        " known_from, format, rows_read, rows_accepted, rows_rejected, rows_repeated, rows_blank,"
        " warnings, refused_rule, reason_vi, reason_en, settled_at"
    )
    digest = hashlib.sha256(b"").hexdigest()
    warehouse.execute(
        f"insert into audit.delivery ({columns}) values ('{REJECTED}', 1, 'loaded', 'one_stop',"
        f" 'dossiers', date '{NIGHT}', 'delta', 'north/dossiers_20220731.json', '{digest}', 1234,"
        f" date '{NIGHT}', 'json', 120, 100, 12, 5, 3, 2, null, null, null, {_MOMENT})"
    )
    warehouse.execute(
        f"insert into audit.delivery ({columns}) values ('{REFUSED}', 1, 'refused', 'one_stop',"
        f" 'visits', date '{NIGHT}', 'delta', 'visits_20220731.csv', '{digest}', 99,"
        f" date '{NIGHT}', 'csv', 0, 0, 0, 0, 0, 0, 'FILE-F03', 'Thiếu cột', 'A column is missing',"
        f" {_MOMENT})"
    )
    rules = {"DOS-R07": ("Ngày hẹn trả trước ngày tiếp nhận", "Due before receipt")}
    for rule, (vi, en) in rules.items():
        warehouse.execute(
            "insert into audit.validation_result (delivery_id, attempt, rule_code, severity,"
            " expectation_type, is_success, rows_checked, rows_failed, message_vi, message_en)"
            f" values ('{REJECTED}', 1, '{rule}', 'error', 'x', false, 115, 12, :vi, :en)",
            {"vi": vi, "en": en},
        )
        for number in range(12):
            warehouse.execute(
                "insert into audit.rejected_row (delivery_id, row_number, source, feed, night,"
                " key_text, rule_code, message_vi, message_en, offending, state, state_changed_at)"
                f" values ('{REJECTED}', :number, 'one_stop', 'dossiers', date '{NIGHT}', :key,"
                f" '{rule}', :vi, :en, :offending, :state, {_MOMENT})",
                {
                    "number": number + 10,
                    "key": f"=H24.{number}",
                    "vi": vi,
                    "en": en,
                    "offending": '{"due_date": "<script>alert(1)</script>"}',
                    "state": "replayed" if number == 3 else "open",
                },
            )


def _put_runs(warehouse: Warehouse) -> None:
    for night, state, message, message_vi in (
        (BEFORE, "published", "", ""),
        (BEFORE + dt.timedelta(days=7), "checks_failed", "SUM-F01 failed", "SUM-F01 không đạt"),
        (NIGHT, "published", "", ""),
    ):
        warehouse.execute(
            "insert into audit.night_run (as_of_date, state, message, message_vi,"
            " delivery_count, refused_count, changed_at, computed, computed_why, computed_why_vi)"
            f" values (:night, :state, :message, :message_vi, 2, 1, {_MOMENT}, 'all',"
            " 'no night before', 'không có đêm trước')",
            {"night": night, "state": state, "message": message, "message_vi": message_vi},
        )
    for number, (step, file_name, seconds, outcome) in enumerate(STEPS_OF_THE_NIGHT):
        began_at = STEPS_BEGAN + dt.timedelta(minutes=number)
        warehouse.execute(
            "insert into audit.night_step (step_id, as_of_date, step, file_name, began_at,"
            " ended_at, outcome, rows_done, process) values (:step || :outcome, :night, :step,"
            " :file_name, :began_at, :ended_at, :outcome, 120, 'worker-1:4711')",
            {
                "step": step,
                "night": NIGHT,
                "file_name": file_name,
                "began_at": began_at,
                "ended_at": None if seconds is None else began_at + seconds,
                "outcome": outcome,
            },
        )


def _put_report(warehouse: Warehouse, settings: Settings) -> None:
    issue = IssuedReport(
        report_code="half_year",
        issue_number=1,
        plan_code="3818/QĐ-UBND",
        title_vi="Báo cáo 6 tháng năm 2022",
        title_en="Report for the first half of 2022",
        period_type="half_year",
        period_basis="calendar",
        period_start=SINCE,
        period_end=BEFORE,
        as_of_date=BEFORE,
        publication_id=1,
        last_day_date=dt.date(2022, 6, 9),
        is_late=True,
        issued_at=dt.datetime(2022, 7, 1, 1, tzinfo=dt.UTC),
        folder="reports/half_year/1",
        delivery_count=2,
        figures_sha256="",
        content_sha256="",
    )
    record_issue(warehouse, issue, REPORT_FILES)
    folder = settings.published.parent / issue.folder
    folder.mkdir(parents=True)
    for name, data in REPORT_FILES.items():
        (folder / name).write_bytes(data)
    (folder / "not_issued.txt").write_text("x", encoding="utf-8")


def crawl(client: TestClient, start: str = "/", *, of_each: int = 4) -> dict[str, Response]:
    """The answers of a page, and of every page of the site that its links lead to.

    Of addresses that differ only in their parameters, a few are visited.

    Args:
        client: of :func:`browser`.
        start: the first address.
        of_each: how many addresses of one path are visited.
    """
    answers: dict[str, Response] = {}
    waiting, visits = [start], Counter()
    while waiting:
        address = waiting.pop(0)
        path = urlsplit(address).path
        if address in answers or visits[path] >= of_each:
            continue
        visits[path] += 1
        answers[address] = client.get(address)
        if "text/html" in answers[address].headers.get("content-type", ""):
            links = re.findall(r'href="([^"#]+)', answers[address].text)
            inside = (urljoin(address, html.unescape(link)) for link in links)
            waiting += [link for link in inside if link.startswith("/")]
    return answers


def browser(settings: Settings, guard=lambda: None, *, reads_record: bool = False) -> TestClient:
    """A browser on the pages of an installation.

    Args:
        settings: of the installation.
        guard: raises 401 or 403 without permission.
        reads_record: whether deliveries, quarantine and audit pages are shown.
    """
    app = make_app(
        lambda: settings,
        guard=guard,
        login_url=lambda page: f"/login?next={page}",
        reads_record=lambda: reads_record,
    )
    return TestClient(app, follow_redirects=False)

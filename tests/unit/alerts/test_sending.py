"""Which alerts are sent: each once, again when it changed, and once when it is resolved."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from dataclasses import replace

import pytest
from alert_worlds import BEFORE, MORNING, NIGHT, World, build_empty_world

from onestop.alerts import (
    due_messages,
    email_html,
    email_subject,
    print_alerts,
    record_messages,
    report_alerts,
    webhook_body,
)
from onestop.marts.published import NothingPublishedError
from onestop.warehouse import open_warehouse

LINKS = {"Trang của đêm": "https://airflow.example/onestop/night?date=2022-11-24"}


@pytest.fixture
def world(kept, tmp_path):
    settings = kept.copy(build_empty_world, tmp_path / "copy")
    with open_warehouse(settings.warehouse) as warehouse:
        made = World(warehouse, settings)
        made.publish(NIGHT)
        yield made


def sent_now(world, channel="email", night=NIGHT, alerts=None, **limits):
    """What is due through a channel; it is recorded as sent."""
    alerts = list(world.alerts().values()) if alerts is None else alerts
    due = due_messages(world.warehouse, night, alerts, channel, **limits)
    record_messages(world.warehouse, due, channel)
    return [(alert.code, alert.is_resolved) for alert in due]


def test_an_alert_is_sent_once_and_again_when_it_changed(world):
    world.deliver("a.csv", refused_by="FILE-F01")
    assert sent_now(world) == [("delivery_refused", False)]
    assert sent_now(world) == []
    world.deliver("b.csv", refused_by="FILE-F01")
    assert sent_now(world) == [("delivery_refused", False)]
    assert sent_now(world) == []


def test_an_alert_that_ceases_is_reported_once_and_may_come_again(world):
    world.deliver("a.csv", refused_by="FILE-F01")
    sent_now(world)
    world.deliver("a.csv")
    assert sent_now(world) == [("delivery_refused", True)]
    assert sent_now(world) == []
    world.deliver("a.csv", refused_by="FILE-F01")
    assert sent_now(world) == [("delivery_refused", False)]


def test_each_channel_gets_every_alert(world):
    world.deliver("a.csv", refused_by="FILE-F01")
    assert sent_now(world, "email") == sent_now(world, "webhook") == [("delivery_refused", False)]


def test_kinds_that_were_not_looked_for_are_neither_sent_nor_resolved(world):
    world.deliver("a.csv", refused_by="FILE-F01")
    assert sent_now(world, codes={"publication_late"}) == []
    sent_now(world)
    assert sent_now(world, alerts=[], codes={"publication_late"}) == []


def test_what_cannot_cease_is_not_reported_as_resolved(world):
    world.deliver("a.csv", refused_by="FILE-F01")
    [alert] = world.alerts().values()
    assert sent_now(world, alerts=[replace(alert, code="below_target", previous=BEFORE)])
    assert sent_now(world, alerts=[]) == []


def test_a_report_that_is_not_issued_is_an_alert_of_no_single_night(world):
    world.warehouse.execute("delete from audit.report where report_code = 'half_year'")
    first = report_alerts(world.warehouse, NIGHT, world.settings, now=MORNING)
    assert sent_now(world, alerts=first) == [("report_late", False)]
    after = NIGHT + dt.timedelta(days=1)
    then = report_alerts(world.warehouse, after, world.settings, now=MORNING + dt.timedelta(days=1))
    assert sent_now(world, night=after, alerts=then) == []
    world.issue_reports("half_year")
    assert sent_now(world, night=after, alerts=[]) == [("report_late", True)]


def test_what_was_sent_is_kept_with_its_text_and_counts(world):
    world.deliver("a.csv", refused_by="FILE-F01")
    sent_now(world, "webhook")
    [row] = world.warehouse.rows("select * from audit.alert")
    assert (row["as_of_date"], row["sent_by"], row["alert_state"]) == (NIGHT, "webhook", "raised")
    assert json.loads(row["alert_counts"]) == {"files": 1}
    assert "a.csv: FILE-F01" in row["alert_vi"]
    assert "a.csv: FILE-F01" in row["alert_en"]


def test_messages_are_in_both_languages_with_counts_remedy_and_links(world):
    world.deliver("a.csv", refused_by="FILE-F01")
    [alert] = world.alerts().values()
    assert email_subject(alert) == (
        "[onestop] Tệp bị từ chối, đêm 24/11/2022 / Files were refused, night 24 Nov 2022"
    )
    assert email_subject(alert, ["en"]) == "[onestop] Files were refused, night 24 Nov 2022"
    body = webhook_body(alert, LINKS)
    for text in (email_html(alert, LINKS), body["text"]):
        for part in ("Tệp rỗng", "The file is empty", "xuất lại tệp", "export the file again"):
            assert part in text
        assert LINKS["Trang của đêm"] in text
    assert (body["counts"], body["state"]) == ({"files": 1}, "raised")


def test_a_file_s_name_is_text_in_the_message(world):
    world.deliver("<img src=x>{{ 7*7 }}{night}.csv", refused_by="FILE-F01")
    [alert] = world.alerts().values()
    html = email_html(alert, LINKS)
    assert "<img" not in html
    assert "&lt;img src=x&gt;{{ 7*7 }}{night}.csv" in html


def test_a_resolved_alert_says_so_and_asks_for_nothing(world):
    world.deliver("a.csv", refused_by="FILE-F01")
    [alert] = world.alerts().values()
    assert email_subject(alert.resolved(), ["en"]) == (
        "[onestop] Resolved: Files were refused, night 24 Nov 2022"
    )
    assert "<ul>" not in email_html(alert.resolved(), {})


def printed(settings, **options):
    page = io.StringIO()
    print_alerts(settings, file=page, **options)
    return page.getvalue()


def test_the_terminal_shows_alerts_and_when_they_were_sent(world):
    world.deliver("a.csv", refused_by="FILE-F01")
    world.end("published")
    settings = world.settings
    world.warehouse.close()
    assert "Files were refused, night 24 Nov 2022 (not sent)" in printed(settings, lang="en")
    with open_warehouse(settings.warehouse) as world.warehouse:
        sent_now(world)
    assert re.search(r"\(đã gửi: email \d\d/\d\d/20\d\d \d\d:\d\d\)", printed(settings))
    [one] = json.loads(printed(settings, form="json"))
    assert (one["code"], one["sent"][0]["sent_by"]) == ("delivery_refused", "email")
    [row] = csv.DictReader(io.StringIO(printed(settings, form="csv")))
    assert row["line_en"] == "a.csv: FILE-F01: The file is empty; export it again"


def test_every_line_of_an_alert_is_indented(world):
    world.deliver("a.csv", refused_by="FILE-F01")
    world.end("published")
    settings = world.settings
    world.warehouse.close()
    heading, *lines = printed(settings).rstrip().splitlines()
    assert not heading.startswith(" ")
    assert len(lines) > 2  # the remedy does not fit one line
    assert all(line.startswith("  ") for line in lines)


def test_a_night_without_alerts_says_so(world):
    settings = world.settings
    world.warehouse.close()
    assert printed(settings, lang="en") == "Night 24 Nov 2022: no alerts\n"


def test_a_night_before_the_first_one_is_said_to_be_unknown_and_nothing_else(world):
    settings = world.settings
    world.warehouse.close()
    said = printed(settings, night=NIGHT - dt.timedelta(days=400), lang="en").split()
    assert " ".join(said) == (
        "Night 20 Oct 2021 was not run and has no files; `onestop nights` lists the nights"
    )


def test_before_the_first_night_there_is_nothing_to_show(tmp_path, world):
    settings = replace(world.settings, warehouse=f"duckdb:///{tmp_path / 'none.duckdb'}")
    with pytest.raises(NothingPublishedError, match="no night was run yet"):
        printed(settings)

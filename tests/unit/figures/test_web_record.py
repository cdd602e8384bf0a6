"""The pages of the record: nights, deliveries, quarantine, audit."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import html
import io
import json
import re
from dataclasses import replace
from types import SimpleNamespace
from urllib.parse import urljoin

import pytest
from kept_installations import copied
from web_site import BEFORE, NIGHT, REFUSED, REJECTED, REPORT_FILES, UNPUBLISHED, browser

from onestop.figures.difference import FigureChange
from onestop.figures.listing import print_deliveries, print_nights
from onestop.figures.web import audit
from onestop.figures.web.audit import (
    changes_of,
    read_audit,
    read_difference,
    read_restatements,
    signs_csv,
)
from onestop.figures.web.nights import (
    AMOUNTS,
    SEVERITIES,
    _counts_from,
    _values,
    quarantine_csv,
    read_delivery,
    read_night,
    read_nights,
    read_quarantine,
    read_rule,
)
from onestop.figures.web.site import Visit
from onestop.marts.published import open_published
from onestop.readers import FILE_RULES
from onestop.record.night_steps import noted, noting_steps
from onestop.said import whole
from onestop.schema.number_text import day
from onestop.schema.reference import read_reference
from onestop.warehouse import open_warehouse


@pytest.fixture
def warehouse(site):
    with open_published(site) as warehouse:
        yield warehouse


@pytest.fixture
def auditor(site):
    return browser(site, reads_record=True)


def of(path, **query):
    return Visit("vi", path, {name.rstrip("_"): str(value) for name, value in query.items()})


def test_every_night_is_listed_with_what_became_of_its_rows(warehouse, site):
    values = read_nights(warehouse, site, of("nights"))
    assert [row["night"] for row in values["waiting"]] == [UNPUBLISHED]
    nights = {row["night"]: row for row in values["nights"]}
    sums = warehouse.rows(
        "select night, cast(sum(rows_read) as bigint) as read, count(distinct delivery_id) as files"
        " from audit.delivery where night in (:first, :last) and state = 'loaded' group by night",
        {"first": BEFORE, "last": NIGHT},
    )
    for row in sums:
        assert nights[row["night"]]["rows_read"] == row["read"]
        assert nights[row["night"]]["files"] == row["files"] + (row["night"] == NIGHT)
    last = nights[NIGHT]
    assert (last["state"], last["refused"], last["rows_rejected"]) == ("published", 1, 12)
    assert sum(last[f"rows_{name}"] or 0 for name in AMOUNTS) == last["rows_read"]


def test_a_night_s_files_are_the_same_number_on_its_page_among_the_nights_and_in_the_terminal(
    auditor, warehouse, site, capsys
):
    [among] = [
        row for row in read_nights(warehouse, site, of("nights"))["nights"] if row["night"] == NIGHT
    ]
    own = read_night(warehouse, site, of("night", date=NIGHT))
    assert own["files"] == (len(own["deliveries"]), 1) == (among["files"], among["refused"])
    text = auditor.get(f"/night?date={NIGHT}&lang=en").text
    assert f"Files of the night: {among['files']}, 1 refused" in text
    assert "based on all files loaded until this night:" in text
    print_nights(site, form="json")
    [listed] = [row for row in json.loads(capsys.readouterr().out) if row["night"] == str(NIGHT)]
    assert (listed["files"], listed["files_refused"]) == own["files"]


def test_a_failed_night_keeps_its_trace_after_a_later_one_is_published(auditor):
    failed = BEFORE + dt.timedelta(days=7)
    assert "07/07/2022" in auditor.get("/nights").text
    for lang, reason in (("vi", "SUM-F01 không đạt"), ("en", "SUM-F01 failed")):
        assert reason in auditor.get("/nights", params={"lang": lang}).text
        assert reason in auditor.get("/night", params={"date": failed, "lang": lang}).text


@pytest.mark.parametrize(
    ("lang", "listed", "own"),
    [
        ("vi", "không có đêm trước", "chưa đêm nào được công bố"),
        ("en", "no night before", "no night is published yet"),
    ],
)
def test_why_all_dossiers_were_counted_is_in_the_reader_s_language(auditor, lang, listed, own):
    assert listed in auditor.get("/nights", params={"lang": lang}).text
    assert own in auditor.get("/night", params={"date": BEFORE, "lang": lang}).text


def test_what_a_rule_only_notes_and_an_alert_have_a_word_of_their_own(auditor):
    nights = auditor.get("/nights").text
    assert ">Lưu ý</th>" in nights
    assert "cảnh báo" not in nights.lower()
    assert {texts["vi"] for texts in SEVERITIES.values()} >= {"lưu ý"}
    night = auditor.get("/night", params={"date": str(NIGHT)}).text.lower()
    assert night.count("cảnh báo") == night.count("cảnh báo đã gửi") == 1


def test_an_unpublished_night_has_a_page_that_leads_to_its_report(auditor):
    page = auditor.get("/night", params={"date": UNPUBLISHED}).text
    assert "không có tệp hồ sơ" in page
    assert "Đêm này chưa công bố" in page
    page = auditor.get("/night", params={"date": NIGHT}).text
    [link] = re.findall(r'href="(reports/[^"]*)"', page)
    assert auditor.get(f"/{link}").status_code == 200


def test_a_night_shows_how_long_its_steps_took_and_which_died(warehouse, site, auditor):
    times = read_night(warehouse, site, of("night", date=NIGHT))["times"]
    load, compute = times.steps
    assert (load.step, load.seconds, load.share, load.outcome) == ("load", 1, 0.25, "done")
    assert load.outcome_text("vi") == "xong; trước đó bị dừng giữa chừng: 1"
    assert (compute.step, compute.seconds, compute.share, compute.rows) == ("compute", 3, 0.75, 120)
    page = auditor.get("/night", params={"date": NIGHT}).text.replace("\u00a0", " ")
    for text in (
        "các bước cộng lại 4,00 giây",
        "3,00 giây",
        "75,0 %",
        "tính số liệu",
        "bị dừng giữa chừng",
        "worker-1:4711",
    ):
        assert text in page, text


def test_a_night_that_failed_shows_the_steps_that_are_not_in_the_readers_copy_yet(site, auditor):
    with noting_steps(site.folders.steps, UNPUBLISHED):
        noted("require")(lambda night: night)(UNPUBLISHED)
    page = auditor.get("/night", params={"date": UNPUBLISHED}).text
    assert "xét đủ tệp hay chưa" in page


def test_a_night_leads_to_its_run_in_airflow(auditor):
    page = auditor.get("/night", params={"date": NIGHT}).text
    assert f'href="../dags/onestop_nightly/runs?partition_key_pattern={NIGHT}"' in page


@pytest.mark.parametrize("path", ["index.html", "2022-07-31/index.html"])
def test_a_validation_report_leads_back_to_the_nights(auditor, path):
    page = auditor.get(f"/reports/{path}").text
    [link] = re.findall(r'href="([^"]*)"', page)
    assert urljoin(f"/reports/{path}", link) == "/nights"
    assert "<p>the report</p>" in page


def test_a_night_lists_its_deliveries_rules_and_the_reason_of_a_refusal(warehouse, site, auditor):
    values = read_night(warehouse, site, of("night", date=NIGHT))
    deliveries = {row["delivery_id"]: row for row in values["deliveries"]}
    assert deliveries[REJECTED]["rows_rejected"] == 12
    assert deliveries[REFUSED]["state"] == "refused"
    assert [(row["rule_code"], row["rows_failed"]) for row in values["rules"]] == [
        ("FILE-F03", 1),
        ("DOS-R07", 12),
    ]
    page = auditor.get("/night", params={"date": NIGHT, "lang": "en"}).text
    assert "FILE-F03: A column is missing" in page
    assert page.count("no row is loaded") == 1
    page = auditor.get("/delivery", params={"id": REFUSED, "lang": "en"}).text
    assert "no row of it is loaded" in page
    assert "row by row" not in page  # it was not read
    assert "Rules: 1 found something, 0 passed" in page.replace("\u00a0", " ")


def test_a_rule_that_refuses_an_unread_file_is_among_the_rules_by_night_and_has_a_page(
    warehouse, site, auditor
):
    [file_rule, row_rule] = read_nights(warehouse, site, of("nights"))["rules"]["rows"]
    title = FILE_RULES["FILE-F03"].vi
    assert (file_rule["rule_code"], file_rule["message"], file_rule["cells"]) == (
        "FILE-F03",
        title,
        {NIGHT: 1},
    )
    assert row_rule["rule_code"] == "DOS-R07"
    page = auditor.get("/rule", params={"code": "FILE-F03"})
    assert page.status_code == 200
    assert html.escape(title) in page.text


def test_a_rule_on_the_number_of_rows_has_no_title_with_the_numbers_of_one_night(site, tmp_path):
    changed = copied(site, tmp_path / "var")
    with open_warehouse(f"duckdb:///{changed.published}") as warehouse:
        warehouse.execute(
            "insert into audit.validation_result by name select * replace ('DOS-F05' as rule_code,"
            " 'critical' as severity, 'Daily count of dossiers: 9, usual 362' as message_en)"
            " from audit.validation_result where rule_code = 'DOS-R07'"
        )
    reader = browser(changed, reads_record=True)
    for path, asked in (("/nights", {}), ("/rule", {"code": "DOS-F05"})):
        page = reader.get(path, params=asked | {"lang": "en"}).text
        assert "Daily count of dossiers" in page
        assert "usual 362" not in page
    # what it finds is a file, and no row
    assert "Files checked" in page
    found = r"DOS-F05</a>.*?</tr>"
    of_night = reader.get("/night", params={"date": str(NIGHT), "lang": "en"}).text
    assert '<td class="number">1 file</td>' in re.search(found, of_night)[0]
    of_file = reader.get("/delivery", params={"id": REJECTED, "lang": "en"}).text
    assert '<td class="number">whole file</td>' in re.search(found, of_file)[0]


@pytest.mark.parametrize(
    ("loaded", "since", "replays"),
    [
        ([], None, []),
        ([(102, NIGHT)], NIGHT, []),
        ([(102, BEFORE), (103, NIGHT)], BEFORE, [(1, NIGHT)]),
        # a replay may only close rows that the mapping leaves out now
        ([(102, BEFORE), (102, NIGHT)], BEFORE, []),
    ],
)
def test_rows_of_a_replay_count_from_a_later_night_than_those_of_the_file(loaded, since, replays):
    attempts = [{"rows_accepted": rows, "known_from": night} for rows, night in loaded]
    assert _counts_from(attempts) == {"known_from": since, "replays": replays}


def test_the_page_of_a_night_writes_the_dates_of_a_sentence_as_all_others(site, tmp_path):
    changed = copied(site, tmp_path / "var")
    with open_warehouse(f"duckdb:///{changed.published}") as warehouse:
        warehouse.execute(
            "update audit.publication set computed = 'all',"
            " computed_why = 'not those of night 2022-06-30',"
            " computed_why_vi = 'không còn như ở đêm 2022-06-30'"
        )
    reader = browser(changed, reads_record=True)
    for lang, text in (
        ("vi", "không còn như ở đêm 30/06/2022"),
        ("en", "not those of night 30 Jun 2022"),
    ):
        page = reader.get("/night", params={"date": str(NIGHT), "lang": lang}).text
        assert text in page.replace("\xa0", " ")


def test_a_replayed_file_says_from_when_which_rows_count(site, tmp_path):
    changed = copied(site, tmp_path / "var")
    since = NIGHT + dt.timedelta(days=3)
    with open_warehouse(f"duckdb:///{changed.published}") as warehouse:
        warehouse.execute(
            "insert into audit.delivery by name select * replace (2 as attempt, rows_accepted + 1"
            " as rows_accepted, rows_rejected - 1 as rows_rejected, cast(:since as date) as"
            " known_from) from audit.delivery where delivery_id = :id",
            {"since": since, "id": REJECTED},
        )
    reader = browser(changed, reads_record=True)
    for path, name, value in (("/night", "date", NIGHT), ("/delivery", "id", REJECTED)):
        text = reader.get(path, params={name: str(value), "lang": "en"}).text
        replayed = f"1 row accepted later, counting from the night of {day(since, 'en')}"
        assert replayed in text
        assert "counts from the night of" not in text


def test_a_night_lists_the_late_files_of_earlier_nights_that_count_from_it_on(site, tmp_path):
    changed = copied(site, tmp_path / "var")
    with open_warehouse(f"duckdb:///{changed.published}") as warehouse:
        for name, state in (("visits.late", "loaded"), ("visits.unread", "refused")):
            warehouse.execute(
                "insert into audit.delivery by name select * replace (:id as delivery_id,"
                " :id as sha256, :state as state, cast(:before as date) as night, 40 as rows_read,"
                " 33 as rows_accepted, 7 as rows_rejected, :name as file_name)"
                " from audit.delivery where delivery_id = :refused",
                {
                    "id": name,
                    "state": state,
                    "before": BEFORE,
                    "name": f"{name}.csv",
                    "refused": REFUSED,
                },
            )
        late = read_night(warehouse, changed, of("night", date=NIGHT))["late"]
        assert [(row["delivery_id"], row["state"], row["night"]) for row in late] == [
            ("visits.late", "loaded", BEFORE),
            ("visits.unread", "refused", BEFORE),
        ]
        assert not read_night(warehouse, changed, of("night", date=BEFORE))["late"]
    reader = browser(changed, reads_record=True)
    for lang, title in (
        ("vi", "Tệp của các đêm trước: đến muộn, sửa lại hoặc nạp lại (2)"),
        ("en", "Files of earlier nights: late, corrected or replayed (2)"),
    ):
        page = reader.get("/night", params={"date": str(NIGHT), "lang": lang}).text
        page = page.replace("<wbr>", "")
        [table] = re.findall(r'<h2 id="late">.*?</table>', page, re.DOTALL)
        assert title in table
        first, second = re.findall(r"<tr><th.*?</tr>", table.partition("<tbody>")[2], re.DOTALL)
        assert f"night?date={BEFORE}" in first
        assert all(text in first for text in ("visits.late.csv", ">33<", ">7<"))
        assert "FILE-F03" in second
        assert ">33<" not in second


def test_a_difference_calls_only_figures_with_data_unchanged(warehouse):
    figures = [
        FigureChange(code, "", "", BEFORE, NIGHT, pair, pair, ())
        for code, pair in (("on_time_rate", (3, 4)), ("pci_rank", None), ("papi_rank", (0, 0)))
    ]
    difference = SimpleNamespace(figures=figures, has_items=False, reference_changes=[])
    values = {"unchanged": [], "figures": [], "items": []}
    audit._add_difference(warehouse, values, difference, "en")
    [title] = warehouse.rows(
        "select distinct title_en from ref.indicator where indicator_code = 'on_time_rate'"
    )
    assert values["unchanged"] == [title["title_en"]]


@pytest.fixture
def exported_again(site, tmp_path):
    """The site with a later export of a loaded and of a refused file, and a refused one of it."""
    changed = copied(site, tmp_path / "var")
    modified, settled = "timestamptz '2022-08-01 {}:00:00+07'", "settled_at + interval '{}' hour"
    with open_warehouse(f"duckdb:///{changed.published}") as warehouse:
        warehouse.execute(
            f"update audit.delivery set file_modified_at = {modified.format('01')}"
            " where delivery_id = :id",
            {"id": REJECTED},
        )
        for old, new, state, hour in (
            (REJECTED, "dossiers.later", "loaded", "02"),
            (REJECTED, "dossiers.unread", "refused", "03"),
            (REFUSED, "visits.later", "loaded", "02"),
        ):
            warehouse.execute(
                f"insert into audit.delivery by name select * replace ('{new}' as delivery_id,"
                f" '{new}' as sha256, '{state}' as state, 7000 as rows_read,"
                f" {modified.format(hour)} as file_modified_at,"
                f" {settled.format(int(hour))} as settled_at)"
                " from audit.delivery where delivery_id = :id",
                {"id": old},
            )
    return changed


def test_a_file_that_was_exported_again_leads_to_the_file_that_replaced_it(exported_again):
    with open_published(exported_again) as warehouse:
        values = read_night(warehouse, exported_again, of("night", date=NIGHT))
    replaced = {
        row["delivery_id"]: row["replaced_by"] and row["replaced_by"]["delivery_id"]
        for row in values["deliveries"]
    }
    assert replaced == {
        REJECTED: "dossiers.later",
        "dossiers.later": None,
        "dossiers.unread": None,
        REFUSED: "visits.later",
        "visits.later": None,
    }
    with open_published(exported_again) as warehouse:
        [night] = [
            row
            for row in read_nights(warehouse, exported_again, of("nights"))["nights"]
            if row["night"] == NIGHT
        ]
    assert night["rows_read"] == 2 * 7000, "a replaced file is not added to its successor"
    reader = browser(exported_again, reads_record=True)
    text = reader.get("/night", params={"date": str(NIGHT), "lang": "en"}).text
    assert "2 refused (1 replaced)" in text
    assert text.count("replaced by a later file of this name") == 2
    for old, new in ((REJECTED, "dossiers.later"), (REFUSED, "visits.later")):
        text = reader.get("/delivery", params={"id": old, "lang": "en"}).text
        assert "This file is replaced by a later file of this name" in text
        assert re.search(rf'href="delivery\?[^"]*id={new}\b[^"]*">7,000', text)
        assert "replaced by" not in reader.get("/delivery?lang=en", params={"id": new}).text


def test_the_terminal_tells_a_replaced_file_from_its_replacement(exported_again, capsys):
    with open_warehouse(f"duckdb:///{exported_again.published}") as warehouse:
        warehouse.execute(
            "update audit.delivery set known_from = night + 3 where delivery_id = 'dossiers.later'"
        )
    settings = replace(exported_again, warehouse=f"duckdb:///{exported_again.published}")
    print_deliveries(settings, night=NIGHT, form="json")
    listed = json.loads(capsys.readouterr().out)
    assert {row["delivery_id"]: row["replaced_by"] for row in listed} == {
        REJECTED: "dossiers.later",
        "dossiers.later": None,
        "dossiers.unread": None,
        REFUSED: "visits.later",
        "visits.later": None,
    }
    for lang, replaced, since in (
        ("vi", "đã được thay bằng tệp sau cùng tên", "tính từ đêm"),
        ("en", "replaced by a later file of this name", "counts from night"),
    ):
        print_deliveries(settings, lang=lang, night=NIGHT)
        text = " ".join(capsys.readouterr().out.split())
        assert text.count(replaced) == 2
        assert text.count(f"{since} {day(NIGHT + dt.timedelta(days=3), lang)}") == 1


def test_a_corrected_and_a_replayed_file_are_not_called_late(exported_again):
    with open_warehouse(f"duckdb:///{exported_again.published}") as warehouse:
        warehouse.execute(
            "update audit.delivery set known_from = :since where delivery_id = 'dossiers.later'",
            {"since": UNPUBLISHED},
        )
        warehouse.execute(
            "insert into audit.delivery by name select * replace (2 as attempt,"
            " cast(:since as date) as known_from)"
            " from audit.delivery where delivery_id = 'visits.later'",
            {"since": UNPUBLISHED},
        )
        warehouse.execute(
            "insert into audit.delivery by name select * replace ('visits.late' as delivery_id,"
            " 'visits_late.csv' as file_name, cast(:since as date) as known_from)"
            " from audit.delivery where delivery_id = 'visits.later' and attempt = 1",
            {"since": UNPUBLISHED},
        )
    page = browser(exported_again, reads_record=True).get(f"/night?date={UNPUBLISHED}&lang=en").text
    [table] = re.findall(r'<h2 id="late">.*?</table>', page, re.DOTALL)
    rows = re.findall(r"<tr><th.*?</tr>", table.partition("<tbody>")[2], re.DOTALL)
    found = {
        re.search(r"delivery\?[^\"]*id=([\w.]+)", row).group(1): [
            word for word in ("late<", "corrected: ", "replayed<") if word in row
        ]
        for row in rows
    }
    assert found == {
        "dossiers.later": ["corrected: "],
        "visits.later": ["replayed<"],
        "visits.late": ["late<"],
    }


def test_what_rules_found_in_a_replaced_file_is_counted_on_its_own_page_only(exported_again):
    def found():
        with open_published(exported_again) as warehouse:
            rules = {
                rule["rule_code"]: rule["cells"].get(NIGHT)
                for rule in read_nights(warehouse, exported_again, of("nights"))["rules"]["rows"]
            }
            own = read_night(warehouse, exported_again, of("night", date=NIGHT))["rules"]
            [page] = [
                row
                for row in read_rule(warehouse, exported_again, of("rule", code="DOS-R07"))["rows"]
                if row["night"] == NIGHT
            ]
        counted = {row["rule_code"]: row["rows_failed"] for row in own}
        return rules, counted, (page["files"], page["rows_checked"], page["rows_failed"])

    with open_warehouse(f"duckdb:///{exported_again.published}") as warehouse:
        warehouse.execute(
            "insert into audit.validation_result by name select * replace ('dossiers.later' as"
            " delivery_id, 100 as rows_checked, 0 as rows_failed, true as is_success)"
            " from audit.validation_result where delivery_id = :id and rule_code = 'DOS-R07'",
            {"id": REJECTED},
        )
    rules, counted, page = found()
    assert page == (1, 100, 0)
    assert "DOS-R07" not in counted
    assert not rules.get("DOS-R07")
    assert rules["FILE-F03"] == counted["FILE-F03"], "a refusal is shown, though it is replaced"
    with open_published(exported_again) as warehouse:
        own = read_delivery(warehouse, exported_again, of("delivery", id=REJECTED))["failed"]
    assert "DOS-R07" in {row["rule_code"] for row in own}


def test_a_file_without_a_time_counts_after_others_of_its_name_on_each_engine(site, tmp_path):
    changed = copied(site, tmp_path / "var")
    with open_warehouse(f"duckdb:///{changed.published}") as warehouse:
        warehouse.execute(
            "insert into audit.delivery by name select * replace ('visits.untimed' as delivery_id,"
            " 'visits.untimed' as sha256, null as file_modified_at, 1000 as warnings)"
            " from audit.delivery where delivery_id = :id",
            {"id": REFUSED},
        )
        warehouse.execute(
            "update audit.delivery set file_modified_at = settled_at where delivery_id = :id",
            {"id": REFUSED},
        )
    found = []
    for order in ("nulls_last", "nulls_last_on_asc_first_on_desc"):  # the latter is PostgreSQL's
        with open_published(changed) as warehouse:
            warehouse.execute(f"set default_null_order = '{order}'")
            nights = read_nights(warehouse, changed, of("nights"))["nights"]
        found.append([row["warnings"] for row in nights if row["night"] == NIGHT])
    assert found[0] == found[1]
    assert found[0][0] < 1000


def test_a_delivery_accounts_for_every_row_it_read(warehouse, site, auditor):
    values = read_delivery(warehouse, site, of("delivery", id=REJECTED))
    assert sum(amount for _, amount in values["amounts"]) == values["delivery"]["rows_read"] == 120
    assert [(row["state"], row["rows_found"]) for row in values["rejected"]] == [
        ("open", 11),
        ("replayed", 1),
    ]
    assert "FILE-F03" in auditor.get("/delivery", params={"id": REFUSED}).text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 12),
        ({"state": "open"}, 11),
        ({"state": "replayed"}, 1),
        ({"rule": "DOS-R07"}, 12),
        ({"feed": "visits"}, 0),
        ({"delivery": REJECTED, "night": NIGHT}, 12),
    ],
)
def test_the_quarantine_is_filtered_and_its_csv_has_the_same_rows(warehouse, site, query, count):
    visit = of("quarantine", **query)
    values = read_quarantine(warehouse, site, visit)
    assert values["page"].total == len(values["rows"]) == count
    rows = list(
        csv.DictReader(io.StringIO(quarantine_csv(warehouse, visit)[1].decode("utf-8-sig")))
    )
    assert [row["row_number"] for row in rows] == [str(r["row_number"]) for r in values["rows"]]
    assert not [row for row in rows if row["key_text"].startswith("=")]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"rule": "NO-R01"}, "; there are DOS-R07, FILE-F03"),
        ({"rule": "DOS-R70"}, "; did you mean DOS-R07? There are DOS-R07, FILE-F03"),
        ({"state": "lost"}, "; there are left_out, open, replayed, superseded"),
        ({"feed": "x"}, "; there are declarations, dossiers, procedures, units, visits"),
        ({"night": "2031-01-01"}, "; there are deliveries from "),
        ({"delivery": f"{REJECTED}x"}, f"; did you mean {REJECTED}"),
    ],
)
def test_a_filter_that_does_not_exist_is_refused_with_what_exists(auditor, query, text):
    answer = auditor.get("/quarantine", params=query | {"lang": "en"})
    assert answer.status_code == 404
    assert text in html.unescape(answer.text).replace("\xa0", " ")
    assert "onestop " not in re.sub(r"<[^>]*>", "", answer.text)  # a terminal's remedy


def test_values_from_files_are_escaped(auditor):
    page = auditor.get("/quarantine").text
    assert "&lt;script&gt;" in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("lang", "names"),
    [
        ("vi", ["Mã hồ sơ", "Ngày tiếp nhận, nguyên văn trong tệp", "Hạn trả hiện hành", "Đêm"]),
        (
            "en",
            ["Dossier code", "Received, as written in the file", "Calendar date of the"],
        ),
    ],
)
def test_values_of_rejected_rows_have_the_names_of_the_dictionary(lang, names):
    asked = ("dossier_code", "received_at_text", "due_date", "night_date", "of_tomorrow")
    shown = [
        name for name, _ in _values("dossiers", json.dumps(dict.fromkeys(asked, "x")), lang, {})
    ]
    for name, expected in zip(shown, names, strict=False):
        assert name.startswith(expected)
    assert shown[-1] == "of_tomorrow"


@pytest.mark.parametrize(("lang", "text"), [("vi", "23/11/2022"), ("en", "23 Nov 2022")])
def test_a_date_that_was_read_is_shown_as_one_and_as_written_otherwise(lang, text):
    found = {"due_date": "2022-11-23", "due_at_text": "2022-11-23", "night_date": "x"}
    found |= {"status": "resolved", "status_text": "resolved"}
    texts = {"resolved": "Done"}
    values = [value for _, value in _values("dossiers", json.dumps(found), lang, texts)]
    assert values == [text, "2022-11-23", "x", "Done", "resolved"]


@pytest.mark.parametrize(
    ("lang", "names"),
    [
        ("vi", "hồ sơ · biến động trong ngày"),
        ("en", "dossiers · changes of the day"),
    ],
)
def test_files_have_the_names_of_their_feed_and_kind(auditor, warehouse, lang, names):
    rows = warehouse.rows("select distinct feed, kind from audit.delivery")
    assert {"feed": "dossiers", "kind": "delta"} in rows
    page = auditor.get("/night", params={"date": NIGHT.isoformat(), "lang": lang}).text
    assert names in page
    assert "· delta" not in page
    assert f"{names} ·" in auditor.get("/delivery", params={"id": REJECTED, "lang": lang}).text
    offered = auditor.get("/quarantine", params={"lang": lang}).text
    assert f'<option value="dossiers">{names.partition(" ·")[0]}</option>' in offered


def test_a_rules_page_has_its_history_by_night(auditor):
    page = auditor.get("/rule", params={"code": "DOS-R07"}).text
    assert "Ngày hẹn trả trước ngày tiếp nhận" in page
    assert "31/07/2022" in page
    assert auditor.get("/rule", params={"code": "DOS-R99"}).status_code == 404


def test_the_rate_beside_a_sign_has_its_year_and_its_counts(warehouse, site, auditor):
    rows = read_audit(warehouse, site, of("audit"))["rows"]
    row = next(row for row in rows if row["denominator"] and row["denominator"] < 1000)
    year, page = row["received_date"].year, auditor.get("/audit?lang=en").text
    counts = rf"\({row['numerator']} / {row['denominator']}\)"
    assert re.search(rf"{year}: [\d.]+% {counts}", page)
    assert "without it: " in page
    assert re.search(r">[^<]+ \(\d+ strong / \d+ signs?\)</option>", page)


def test_signs_are_listed_the_strongest_first_and_add_up(warehouse, site):
    values = read_audit(warehouse, site, of("audit"))
    total = warehouse.value("select count(*) from mart.changed_after_overdue")
    assert values["page"].total == total > 0
    strengths = [row["strength"] for row in values["rows"]]
    assert strengths == sorted(strengths)
    assert len(set(strengths)) == 2
    by_unit = sum(
        read_audit(warehouse, site, of("audit", unit=row["unit_code"]))["page"].total
        for row in values["units"]
    )
    assert by_unit == total
    chosen = of("audit", strength="strong")
    rows = list(csv.DictReader(io.StringIO(signs_csv(warehouse, chosen)[1].decode("utf-8-sig"))))
    assert len(rows) == strengths.count("strong")


def test_a_sign_names_the_evidence_before_and_after(warehouse, site, auditor):
    page = auditor.get("/audit").text
    for row in read_audit(warehouse, site, of("audit"))["rows"]:
        for delivery in filter(None, (row["delivery_before"], row["delivery_after"])):
            assert f"delivery?id={delivery}" in page


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (("processing", None), ("returned", "resolved"), ("Processing", "Result returned")),
        (
            ("processing", None),
            ("returned", "returned_unprocessed"),
            ("Processing", "Returned unprocessed"),
        ),
        (
            ("resolved", "resolved"),
            ("resolved", "returned_unprocessed"),
            ("Resolved", "Returned unprocessed"),
        ),
        (("returned", "resolved"), ("returned", "resolved"), None),
    ],
)
def test_a_dossier_that_was_returned_without_a_result_is_not_shown_with_one(before, after, shown):
    row = dict.fromkeys(
        ("due_at_before", "due_at_after", "resolved_at_before", "resolved_at_after")
    )
    for side, (status, end) in (("before", before), ("after", after)):
        row |= {f"status_{side}": status, f"closing_class_{side}": end}
    statuses, classes = (
        {line[name]: line["label_en"] for line in read_reference()[name]}
        for name in ("status", "closing_class")
    )
    assert list(changes_of(row, statuses, classes, "en")) == ([("status", *shown)] if shown else [])


def test_restatements_are_those_of_the_mart_and_lead_to_their_dossiers(warehouse, site):
    values = read_restatements(warehouse, site, of("restatements"))
    total = warehouse.value(
        "select count(*) from mart.restatement where unit_code = 'CITY' and field_code = 'ALL'"
    )
    assert values["page"].total == total > 0
    row = next(row for row in values["rows"] if row["dossier_count"])
    asked = of(
        "restatements", night=row["restated_night"], type=row["period_type"],
        basis=row["period_basis"], start=row["period_start"],
    )  # fmt: skip
    dossiers = read_restatements(warehouse, site, asked)["dossiers"]
    assert len(dossiers) == row["dossier_count"]


@pytest.mark.parametrize("night", [None, NIGHT])
def test_restatements_say_how_many_figures_by_field_are_not_listed(warehouse, auditor, night):
    chosen = "true" if night is None else f"restated_night = date '{night}'"
    counts = {
        row["is_by_field"]: row["figures"]
        for row in warehouse.rows(
            "select field_code <> 'ALL' as is_by_field, count(*) as figures from mart.restatement"
            f" where unit_code = 'CITY' and {chosen} group by field_code <> 'ALL'"
        )
    }
    asked = {"night": night.isoformat()} if night else {}
    for lang, over_all, by_field in (
        ("vi", "con số gộp mọi lĩnh vực", "theo từng lĩnh vực, không liệt kê"),
        ("en", "figures over all fields together", "those by field are not listed"),
    ):
        page = auditor.get("/restatements", params=asked | {"lang": lang}).text
        [line] = re.findall(rf'<p class="soft">([^<]* {over_all} [^<]*)</p>', page)
        number = {side: whole(counts[side], lang) for side in counts}
        shown = line.replace("\xa0", " ")
        assert shown.endswith(f" · {number[False]} {over_all} · {by_field}: {number[True]}")
    # the last night changed none of the periods that only the first had
    none = auditor.get("/restatements", params={"night": BEFORE.isoformat()}).text
    assert "không liệt kê" not in none


def test_restatements_name_figures_and_methods_instead_of_their_codes(warehouse, site, auditor):
    codes = {
        row["code"]
        for row in warehouse.rows(
            "select method_code as code from mart.restatement"
            " union select indicator_code from mart.restatement"
        )
    }
    assert {"form_06a", "received_total"} <= codes
    first, last = (
        read_restatements(warehouse, site, of("restatements", page=page))["rows"]
        for page in (1, 999)
    )
    assert not codes & {row[name] for row in first + last for name in ("title", "method")}
    assert last[-1]["title"] == "Biểu số II.06a/VPCP/KSTT"
    assert re.match(r"\(\d+\) ", last[-1]["method"])
    row = next(row for row in first if row["dossier_count"])
    asked = {"night": row["restated_night"], "type": row["period_type"]}
    asked |= {"basis": row["period_basis"], "start": row["period_start"]}
    page = auditor.get("/restatements", params=asked).text
    assert row["method_code"] not in page
    span = f"{row['period_start']:%d/%m/%Y} – {row['period_end']:%d/%m/%Y}"
    assert re.search(rf"Hồ sơ làm đổi kỳ [^<]+ {span}: ", page)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"type": "zzz"}, "không có loại kỳ zzz"),
        ({"basis": "zzz"}, "không có cơ sở kỳ zzz"),
        ({"start": "2022-05-02"}, "không đổi con số nào của kỳ như vậy từ ngày 02/05/2022"),
        ({"start": ""}, "một kỳ được hỏi theo đêm"),
        ({"night": ""}, "một kỳ được hỏi theo đêm"),
    ],
)
def test_a_period_that_was_not_restated_is_refused_instead_of_an_empty_list(
    warehouse, site, auditor, wrong, text
):
    row = read_restatements(warehouse, site, of("restatements"))["rows"][0]
    asked = {"night": row["restated_night"], "type": row["period_type"]}
    asked |= {"basis": row["period_basis"], "start": row["period_start"]}
    assert auditor.get("/restatements", params=asked).status_code == 200
    answer = auditor.get("/restatements", params={**asked, **wrong})
    assert answer.status_code == 404
    assert text in answer.text


def test_a_night_that_changed_no_figure_stays_chosen(auditor):
    page = auditor.get("/restatements", params={"night": BEFORE.isoformat()}).text
    assert f'<option value="{BEFORE}" selected>30/06/2022 (0)</option>' in page


def test_a_restated_dossier_says_what_its_two_files_state_differently(warehouse, site):
    stated = (
        "select * from core.dossier_version where dossier_code = :code and not is_vanished"
        " and delivery_id = :delivery and row_number is not distinct from :row"
    )
    found = set()
    for period in warehouse.rows(
        "select distinct restated_night as night, period_type as type, period_basis as basis,"
        " period_start as start from mart.restatement_dossier"
    ):
        for row in read_restatements(warehouse, site, of("restatements", **period))["dossiers"]:
            if not (row["delivery_before"] and row["delivery_after"]):
                assert row["classed"] == []
                continue
            before, after = (
                warehouse.rows(
                    stated,
                    {
                        "code": row["dossier_code"],
                        "delivery": row[f"delivery_{side}"],
                        "row": row[f"row_{side}"],
                    },
                )[0]
                for side in ("before", "after")
            )
            differ = {name for name, _, _ in row["classed"]}
            for column, name in (("service_level", "mức độ"), ("channel", "kênh")):
                assert (name in differ) is (before[column] != after[column]), row
            if not (row["closed_before"] or row["closed_after"]):
                assert "kết quả số hóa" not in differ  # it counts where the dossier was closed
            found |= set(row["classed"])
    assert found, "no restated dossier differs in its class"


def test_a_dossier_whose_files_state_the_same_says_so(warehouse, site, auditor, monkeypatch):
    same = {"dossier_code": "D1", "unit_name": "U", "text_before": "A", "text_after": "A"}
    same["classed"] = []
    for name in ("unit", "class", "received", "due", "closed", "delivery", "file", "row"):
        same |= {f"{name}_before": None, f"{name}_after": None}
    row = read_restatements(warehouse, site, of("restatements"))["rows"][0]
    asked = {"night": row["restated_night"], "type": row["period_type"], "lang": "en"}
    asked |= {"basis": row["period_basis"], "start": row["period_start"]}
    text = "both files state the same"
    for changed, is_said in (
        ({}, True),
        ({"class_after": "late", "text_after": "B"}, False),
        ({"classed": [("channel", "Counter", "Online")]}, False),
    ):
        listed = [{**same, **changed}]
        monkeypatch.setattr(audit, "_read_restated_dossiers", lambda *_, listed=listed: listed)
        assert (text in auditor.get("/restatements", params=asked).text) is is_said


def test_an_end_after_a_restated_period_does_not_look_like_a_deleted_one(
    warehouse, site, auditor, monkeypatch
):
    row = next(
        row
        for row in read_restatements(warehouse, site, of("restatements"))["rows"]
        if row["dossier_count"]
    )
    named = ("class", "text", "unit", "received", "due", "closed", "delivery", "file", "row")
    dossier = dict.fromkeys(f"{name}_{side}" for name in named for side in ("before", "after"))
    dossier |= {"dossier_code": "D1", "unit_name": "U", "closed_before": dt.date(2022, 3, 2)}
    dossier |= {"class_before": "early", "text_before": "Early", "classed": []}
    asked = {"night": row["restated_night"], "type": row["period_type"]}
    asked |= {"basis": row["period_basis"], "start": row["period_start"]}
    last = {"en": day(row["period_end"], "en"), "vi": day(row["period_end"], "vi")}
    still_open = {"class_after": "open_overdue", "text_after": "Open, overdue"}
    for lang, after, said in (
        ("en", still_open, f"ended: 2 Mar 2022 → not at the end of {last['en']}"),
        ("vi", still_open, f"kết thúc: 02/03/2022 → chưa kết thúc vào cuối ngày {last['vi']}"),
        ("en", {}, "Early → not in this period"),
        ("vi", {}, "Early → không thuộc kỳ này"),
    ):
        listed = [dossier | after]
        monkeypatch.setattr(audit, "_read_restated_dossiers", lambda *_, listed=listed: listed)
        page = auditor.get("/restatements", params=asked | {"lang": lang}).text.replace("\xa0", " ")
        assert said in page
        heading = re.search(r'<h2 id="dossiers">(.*?)</h2>', page)[1]
        stood = "as they stood at the end of" if lang == "en" else "như ở cuối ngày"
        assert heading.endswith(f": 1, {stood} {last[lang]}")


def test_the_difference_of_neighbouring_nights_is_the_recorded_one_and_adds_up(warehouse, site):
    values = read_difference(warehouse, site, of("difference"))
    assert values["is_recorded"]
    assert (values["before"], values["after"]) == (BEFORE, NIGHT)
    assert values["figures"]
    for figure in values["figures"]:
        for amount in ("numerator_change", "denominator_change"):
            assert sum(row[amount] for row in figure["causes"]) == figure[amount]


def test_the_difference_of_one_indicator_lists_its_items(after_two_nights):
    with open_published(after_two_nights) as warehouse:
        asked = of("difference", indicator="on_time_rate")
        values = read_difference(warehouse, after_two_nights, asked)
    [figure] = values["figures"]
    assert not values["is_recorded"]
    assert len(values["items"]) == figure["item_count"] > 0
    change = sum(row["item"].change[0] for row in values["items"])
    assert change == figure["numerator_change"]


def test_publications_are_listed_with_their_hashes(auditor, warehouse):
    page = auditor.get("/publications").text
    rows = warehouse.rows("select figures_sha256 from audit.publication")
    assert len(rows) == 2
    assert all(row["figures_sha256"] in page for row in rows)
    assert "report?code=half_year&amp;issue=1" in page
    assert "<code>onestop verify --as-of …</code>" in page


@pytest.mark.parametrize(
    ("lang", "text"),
    [("vi", "chưa tiếp nhận, chưa có trong con số nào"), ("en", "not received yet, which are in")],
)
def test_publications_say_why_equal_hashes_may_have_other_numbers_of_dossiers(
    auditor, warehouse, lang, text
):
    assert text in auditor.get("/publications", params={"lang": lang}).text
    unreceived = warehouse.value("select count(*) from mart.counted_dossier where not is_received")
    counted = warehouse.value(
        "select dossier_count from audit.publication where as_of_date = :night", {"night": NIGHT}
    )
    assert unreceived > 0
    assert counted == warehouse.value("select count(*) from mart.counted_dossier")


def test_the_files_of_an_issued_report_are_served_to_every_reader(site):
    reader = browser(site)
    page = reader.get("/report", params={"code": "half_year", "issue": 1}).text
    assert "Số liệu tạm tính" not in page, "its period was over"
    for name, data in REPORT_FILES.items():
        assert f"issued/half_year/1/{name}" in page
        assert hashlib.sha256(data).hexdigest() in page, "an auditor compares the whole hash"
        assert reader.get(f"/issued/half_year/1/{name}").content == data
    assert reader.get("/issued/half_year/1/").content == REPORT_FILES["scorecard.html"]


@pytest.mark.parametrize(
    "path",
    [
        "half_year/1/not_issued.txt",
        "half_year/1/..%2f..%2f..%2fonestop.duckdb",
        "half_year/1/%2e%2e/1/report.json",
        "half_year/1/%2fetc%2fpasswd",
        "half_year/2/report.json",
        "half_year/1x/report.json",
        "..%2f..%2f/1/report.json",
        "half_year/1/report.json%00",
    ],
)
def test_only_files_that_were_issued_are_served(site, path):
    assert browser(site).get(f"/issued/{path}").status_code == 404


@pytest.mark.parametrize("name", ["index.csv", ".publication", "..%2fonestop.duckdb", "%2e%2e"])
def test_only_lists_of_what_falls_due_are_served_beside_them(site, name):
    folder = site.published.parent / "due_soon"
    folder.mkdir(exist_ok=True)
    (folder / "index.csv").write_text("unit_code\n", encoding="utf-8")
    (folder / ".publication").write_text("1", encoding="utf-8")
    expected = 200 if name == "index.csv" else 404
    assert browser(site).get(f"/due_soon/{name}").status_code == expected

"""Validation reports: their content, their bounded number, and that no script can run in them."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pytest
from lxml import html
from staged_files import a_delivery, write_staged
from test_dossiers_suite import CLEAN, other
from test_mart_suites import GOOD, form, put, put_reference

from onestop.gate import (
    UsualVolume,
    check_marts,
    keep_unread,
    load_suite,
    render_data_docs,
    render_reports,
    validate_delivery,
)
from onestop.gate.results import write_result
from onestop.gate.suite import MART_SUITES
from onestop.said import said_text

NIGHT = dt.date(2022, 6, 30)
RULES = len(load_suite("dossiers").rules)
SCRIPT = "<script>alert(1)</script>"
IMAGE = "<img src=x onerror=alert(1)>"


def validate(folder: Path, rows, *, usual=None, rows_blank=0, unknown=(), **delivery):
    landed = a_delivery(**delivery)
    staged = write_staged(
        folder / f"{landed.delivery_id}.duckdb",
        landed,
        rows,
        rows_blank=rows_blank,
        columns_unknown=list(unknown),
    )
    return validate_delivery(landed, staged, folder / "results", landed.night, usual=usual)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A night with a passed, a refused and a hostile delivery, whose marts are not published."""
    folder = tmp_path_factory.mktemp("site")
    validate(
        folder,
        [CLEAN, CLEAN, other(received_at=None, received_at_text="Người Nộp Mẫu 0912345678")],
        rows_blank=3,
        usual=UsualVolume(4, "trung vị của 4 thứ Năm", "median of 4 Thursdays"),
    )
    bad = [other(dossier_code=f"{SCRIPT}{n}", status=None, status_text=IMAGE) for n in range(1060)]
    hostile = f"dossiers_20220630_{SCRIPT.replace('/', '')}.json"
    validate(folder, bad, file_name=hostile, unknown=[SCRIPT, "$cột"])
    with duckdb.connect() as connection:
        put_reference(connection)
        for suite, rows in {**GOOD, "form_06a": form(received_total=13)}.items():
            put(connection, suite, rows)
            (folder / "suites").mkdir(exist_ok=True)
            shutil.copy(MART_SUITES / f"{suite}.json", folder / "suites")
        check_marts(connection, NIGHT, results=folder / "results", expectations=folder / "suites")
    render_reports(folder / "results", folder / "reports")
    return folder / "reports"


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


@pytest.mark.parametrize("page", ["index.html", "index.en.html"])
def test_the_nights_warnings_by_rule_add_up_to_its_warnings(site, page):
    tree = html.fromstring((site / str(NIGHT) / page).read_text(encoding="utf-8"))
    by_rule = [
        int("".join(filter(str.isdigit, row.xpath("string(td[3])"))))
        for row in tree.xpath("//tr[td[contains(@class, 'code warning')]]")
    ]
    total = tree.xpath("string(//ul[@class='counts']/li[last()]/b)")
    assert by_rule
    assert sum(by_rule) == int("".join(filter(str.isdigit, total)))


def folders(site: Path) -> list[str]:
    return sorted(path.name for path in site.iterdir() if path.is_dir())


def text(page: Path) -> str:
    body = html.parse(page).getroot().find("body")
    return " ".join(" ".join(body.itertext()).split())


def delivery_page(site: Path, title: str, ending: str = "1.html") -> Path:
    for page in (site / "2022-06-30").glob(f"*{ending}"):
        if html.parse(page).findtext(".//h1") == title:
            return page
    raise AssertionError(title)


def test_the_first_page_lists_the_night_with_its_problems(site):
    shown = text(site / "index.html")
    assert "30/06/2022 2 1 bị từ chối 6 1 1 1 3" in shown
    assert "1 tệp bị từ chối · số liệu chưa công bố" in shown
    assert "30 Jun 2022 2 1 refused 6 1 1 1 3" in text(site / "index.en.html")


def test_the_nights_page_shows_files_rules_and_the_checks_of_the_marts(site):
    shown = text(site / "2022-06-30" / "index.en.html")
    assert "dossiers_20220630.json Daily count: 2, usual 4 (median of 4 Thursdays)" in shown
    assert "Refused: DOS-F03" in shown
    assert "DOS-R11 The status code is not in the list 1,060" in shown
    assert "Not published" in shown
    assert "F6A-F01 form_06a Column (3) is not (4) + (5) + (6)" in shown


def test_a_deliverys_page_shows_the_counts_the_rules_and_their_first_rows(site):
    shown = text(delivery_page(site, "dossiers_20220630.json"))
    assert "6 dòng đã đọc 1 nhận 1 bị loại 1 lặp lại 3 trống, tiêu đề, cuối trang" in shown
    assert "Số dòng trong ngày: 2, thường là 4 (trung vị của 4 thứ Năm)" in shown
    assert "DOS-R06 Ngày tiếp nhận không đọc được" in shown
    assert "dòng received_at_text 3 xxxxx xxx xxx •••78" in shown
    assert f"{RULES - 1} quy tắc không bị vi phạm" in shown


@pytest.mark.parametrize(
    ("usual", "passed", "is_judged"),
    [
        (UsualVolume(1, "trung vị của 4 thứ Năm", "median of 4 Thursdays"), RULES, True),
        (None, RULES - 1, False),
    ],
)
def test_a_number_of_rows_that_was_not_judged_is_not_among_the_unbroken_rules(
    tmp_path, usual, passed, is_judged
):
    validate(tmp_path, [CLEAN], usual=usual)
    render_reports(tmp_path / "results", tmp_path / "reports")
    for ending, unbroken, unjudged in (
        ("1.html", "quy tắc không bị vi phạm", "DOS-F05 không xét số dòng"),
        ("1.en.html", "rules that are not broken", "DOS-F05 did not judge the number of rows"),
    ):
        shown = text(delivery_page(tmp_path / "reports", "dossiers_20220630.json", ending))
        assert f"{passed} {unbroken}" in shown
        assert (unjudged not in shown) == is_judged


def test_the_problem_of_an_unreadable_row_is_described_in_the_language_of_the_page(tmp_path):
    unreadable = dict.fromkeys((*CLEAN, "dossier_code")) | {"read_problem": "too_few_cells (7/8)"}
    validate(tmp_path, [CLEAN, unreadable])
    render_reports(tmp_path / "results", tmp_path / "reports")
    for ending, sentence in [
        ("1.html", "read_problem 2 Dòng thiếu ô so với tiêu đề (7/8)"),
        ("1.en.html", "read_problem 2 The row has fewer cells than the header (7/8)"),
    ]:
        shown = text(delivery_page(tmp_path / "reports", "dossiers_20220630.json", ending))
        assert sentence in shown


def test_a_refused_deliverys_page_says_why_and_what_to_do(site):
    page = next(
        page
        for page in pages(site)
        if page.name.endswith(".1.en.html") and "The whole file is refused" in text(page)
    )
    shown = text(page)
    assert (
        "The whole file is refused by rule DOS-F03 Too many rows rejected: 1,060 of 1,060" in shown
    )
    assert "the first ones: 1, 2, 3, 4, 5." in shown
    assert "deliver the file again." in shown


def test_data_docs_show_every_rule_with_its_query_and_its_rows(site):
    [page] = [
        page
        for page in (site / "2022-06-30" / "data_docs").glob("one_stop*")
        if "dossiers_20220630.json" in text(page)
    ]
    shown = text(page)
    assert f"{RULES} rules, {RULES - 1} not broken" in shown
    assert "DOS-R06 Ngày tiếp nhận không đọc được The date of receipt cannot be read" in shown
    assert "from {batch} where received_at is null and received_at_text is not null" in shown
    assert "dòng / rows: 3" in shown


def test_no_page_can_run_a_script_or_load_external_files(site):
    found = pages(site)
    assert len(found) == 2 + 2 + 2 * 2 + 3
    for page in found:
        root = html.parse(page).getroot()
        assert (
            root.xpath("//script | //iframe | //object | //embed | //form | //img | //link") == []
        )
        for element in root.iter():
            assert not [name for name in element.attrib if name.startswith("on")], page.name
            for name in ("href", "src"):
                target = element.get(name, "")
                assert not target.startswith(("http", "//", "javascript:", "data:")), page.name
        [policy] = root.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
        assert policy.startswith("default-src 'none'")


def test_hostile_text_is_shown_as_text(site):
    hostile = [page for page in pages(site) if "alert(1)" in text(page)]
    assert len(hostile) > 3
    for page in hostile:
        assert SCRIPT not in page.read_text()
        assert IMAGE not in page.read_text()


def test_every_link_between_the_pages_has_a_target(site):
    for page in pages(site):
        for target in html.parse(page).getroot().xpath("//a/@href"):
            if not target.startswith("#"):
                assert (page.parent / unquote(target)).is_file(), (page.name, target)


def test_no_page_shows_values_that_may_identify_a_person(site):
    for page in pages(site):
        content = page.read_text()
        assert "Mẫu" not in content
        assert "0912345678" not in content


def test_pages_are_written_once_and_only_for_the_nights_that_are_kept(tmp_path):
    validate(tmp_path, [CLEAN])
    [result] = (tmp_path / "results" / "2022-06-30").glob("*.json")
    document = json.loads(result.read_text())
    for number in range(1, 29):
        write_result(tmp_path / "results" / f"2022-07-{number:02}", result.name[:-7], document)
    site = tmp_path / "reports"
    render_reports(tmp_path / "results", site, keep=2)
    assert sorted(path.name for path in site.iterdir() if path.is_dir()) == [
        "2022-07-27",
        "2022-07-28",
    ]
    before = {page: page.stat().st_mtime_ns for page in pages(site) if "index" not in page.name}
    write_result(tmp_path / "results" / "2022-07-29", result.name[:-7], document)
    render_reports(tmp_path / "results", site, keep=2)
    assert sorted(path.name for path in site.iterdir() if path.is_dir()) == [
        "2022-07-28",
        "2022-07-29",
    ]
    kept = {page for page in before if page.exists() and page.parent.name == "2022-07-28"}
    assert kept
    assert all(page.stat().st_mtime_ns == before[page] for page in kept)


def test_a_nights_pages_are_listed_and_not_asked_for_one_by_one(tmp_path, monkeypatch):
    # on object storage each question is a request, and a night may have hundreds of files
    validate(tmp_path, [CLEAN])
    validate(tmp_path, [CLEAN], file_name="dossiers_20220630_2.json")
    asked, exists = [], Path.exists

    def counted(path, **named):
        asked.append(path.name)
        return exists(path, **named)

    monkeypatch.setattr(Path, "exists", counted)
    render_reports(tmp_path / "results", tmp_path / "reports")
    assert len(pages(tmp_path / "reports")) > 6
    assert [name for name in asked if name.endswith(".html")] == []


def test_an_unchanged_night_is_not_read_and_only_its_deleted_pages_are_written(
    tmp_path, monkeypatch
):
    validate(tmp_path, [CLEAN])
    results, site = tmp_path / "results", tmp_path / "reports"
    runs = [ended("published")]
    shown = text(render_reports(results, site, runs=runs))
    with monkeypatch.context() as patched:
        patched.setattr("onestop.gate.reports.read_result", None)
        assert text(render_reports(results, site, runs=runs)) == shown
    page = site / "2022-06-30" / "index.html"
    written = page.read_bytes()
    page.unlink()
    render_reports(results, site, runs=runs)
    assert page.read_bytes() == written
    render_reports(results, site, runs=[ended("checks_failed", "an identity is broken")])
    assert "an identity is broken" in text(page)


def test_a_site_with_data_docs_from_the_validation_needs_no_great_expectations(
    tmp_path, monkeypatch
):
    validate(tmp_path, [CLEAN])
    [result] = (tmp_path / "results").rglob("*.json")
    render_data_docs(result, tmp_path / "reports")
    monkeypatch.setattr("onestop.gate.reports.load_engine", None)
    render_reports(tmp_path / "results", tmp_path / "reports")
    assert len(list((tmp_path / "reports").rglob("data_docs/*.html"))) == 1


def test_data_docs_are_not_added_to_the_pages_of_another_release(tmp_path):
    validate(tmp_path, [CLEAN])
    [result] = (tmp_path / "results").rglob("*.json")
    site = tmp_path / "reports"
    (site / "2022-06-29").mkdir(parents=True)
    (site / ".made_with").write_text("another release")
    render_data_docs(result, site)
    assert not list(site.rglob("*.html"))
    render_reports(tmp_path / "results", site)
    assert [folder.name for folder in site.iterdir() if folder.is_dir()] == ["2022-06-30"]


def test_a_delivery_validated_again_shows_its_last_result(tmp_path):
    for number, rows in enumerate(([CLEAN, other(status=None)], [CLEAN, other()])):
        (tmp_path / str(number)).mkdir()
        landed = a_delivery()
        staged = write_staged(tmp_path / str(number) / "d.duckdb", landed, rows)
        validate_delivery(landed, staged, tmp_path / "results", NIGHT)
    render_reports(tmp_path / "results", tmp_path / "reports")
    shown = text(tmp_path / "reports" / "2022-06-30" / "index.en.html")
    assert "Validated 2 times; this is the last result. 2 2 0" in shown


def test_an_unreadable_file_has_a_page_too(tmp_path):
    broken = a_delivery(file_name="dossiers_20220630.zip")
    keep_unread(broken, tmp_path / "results", "FILE-F04", "Tệp hỏng [cut short]", "cut short")
    render_reports(tmp_path / "results", tmp_path / "reports")
    night = tmp_path / "reports" / "2022-06-30"
    assert "dossiers_20220630.zip 0 – – – – 0 Từ chối: FILE-F04" in text(night / "index.html")
    assert "1 refused" in text(tmp_path / "reports" / "index.en.html")
    shown = text(night / f"{broken.delivery_id}.1.en.html")
    assert "The whole file is refused by rule FILE-F04 cut short" in shown
    assert "The rows of the file could not be read, so they were not checked." in shown
    assert broken.sha256 in shown
    assert "Data Docs" not in shown


def test_a_file_copied_at_the_second_attempt_is_listed_once(tmp_path):
    in_vain = a_delivery(delivery_id="one_stop.dossiers.20220630.unread-1", sha256="")
    keep_unread(in_vain, tmp_path / "results", "FILE-F09", "Đĩa đầy", "the disk is full")
    validate(tmp_path, [CLEAN])
    render_reports(tmp_path / "results", tmp_path / "reports")
    shown = text(tmp_path / "reports" / "2022-06-30" / "index.html")
    assert shown.count(in_vain.file_name) == 1
    assert "FILE-F09" not in shown


def ended(state, message="why", night=NIGHT):
    return {"as_of_date": night, "state": state, "message": said_text(message)}


def result_cell(page: Path) -> tuple[str, str]:
    """The text and the colour of the night's result on the first page."""
    cell = html.parse(page).getroot().xpath("//tbody/tr[1]/td[last()]")[0]
    return " ".join(cell.text_content().split()), cell.get("class")


def test_a_published_night_is_not_red_because_of_a_refused_file(tmp_path):
    validate(tmp_path, [CLEAN])
    bad = [other(dossier_code=f"X{n}", status=None) for n in range(60)]
    validate(tmp_path, bad, file_name="dossiers_20220630_sua.json")
    runs = [ended("published")]
    page = render_reports(tmp_path / "results", tmp_path / "reports", runs=runs)
    assert result_cell(page) == ("Đã công bố", "status met")
    assert "30/06/2022 2 1 bị từ chối" in text(page)


def test_a_night_without_its_file_is_listed_with_what_is_missing(tmp_path):
    runs = [ended("missing_delivery", "one_stop has delivered no dossiers file")]
    page = render_reports(tmp_path / "results", tmp_path / "reports", runs=runs)
    shown, colour = result_cell(page)
    assert shown.startswith("Chưa công bố: thiếu tệp của đêm")
    assert shown.endswith("one_stop has delivered no dossiers file")
    assert colour == "status not_met"
    night = text(tmp_path / "reports" / "2022-06-30" / "index.en.html")
    assert "Not published: a file of the night is missing" in night


def test_data_docs_of_an_accepted_delivery_begin_with_the_verdict(tmp_path):
    warned = other(channel=None)  # a warning: the row is accepted
    validate(tmp_path, [CLEAN, warned])
    render_reports(tmp_path / "results", tmp_path / "reports")
    (docs,) = (tmp_path / "reports" / "2022-06-30" / "data_docs").glob("*.html")
    shown = text(docs)
    assert "Đạt: nhận 2 dòng, loại 0 dòng – Passed: 2 rows accepted, 0 rejected" in shown
    assert "Failed" not in shown
    assert "Success Percent" not in shown
    assert "00:00" not in shown


def test_without_any_result_the_first_page_says_so(tmp_path):
    page = render_reports(tmp_path / "results", tmp_path / "reports")
    assert "Chưa có đêm nào được kiểm tra." in text(page)

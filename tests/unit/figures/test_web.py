"""The web pages, requested without Airflow."""

from __future__ import annotations

import datetime as dt
import html
import os
import re
from dataclasses import replace

import pytest
from bench_pages import unmeasured
from fastapi import HTTPException
from published_marts import Figure, publish, settings_in
from web_site import REJECTED, TestClient, browser, crawl

from onestop.figures.web import make_app
from onestop.figures.web.site import question_said
from onestop.gate.unpublished import note_unpublished
from onestop.marts.published import EarlierReleaseError
from onestop.said import said_both, said_text

FIGURES = [
    Figure("on_time_rate", "cohort", "CITY", 97_400, 100_000, 98, ">=", "not_met"),
    Figure("on_time_rate", "cohort", "DEPARTMENT", 17_000, 17_020, 98, ">=", "met"),
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    settings = publish(tmp_path_factory.mktemp("published"), FIGURES)
    settings.folders.reports.mkdir(parents=True)
    (settings.folders.reports / "index.html").write_text("<p>the report</p>", encoding="utf-8")
    return settings


#: Paths that only readers of the record may open.
RECORD_PAGES = [
    "/audit",
    "/delivery",
    "/difference",
    "/night",
    "/nights",
    "/publications",
    "/quarantine",
    "/quarantine.csv",
    "/reports/index.html",
    "/restatements",
    "/rule",
    "/signs.csv",
]


#: A value for each parameter of a path, and for each page that needs some.
PARAMETERS = {
    "{path:path}": "index.html",
    "{unknown:path}": "no/such/page",
    "{code}/{number}/{name:path}": "half_year/1/scorecard.csv",
    "{name}": "index.csv",
}
QUERIES = {
    "/report": "code=half_year&issue=1",
    "/unit": "code=CITY",
    "/open": "unit=CITY&band=age_to_5",
    "/delivery": f"id={REJECTED}",
    "/rule": "code=DOS-R07",
}


def all_paths(settings):
    """An address of each route."""
    app = make_app(lambda: settings, guard=lambda: None, login_url=lambda page: page)
    paths = [route.path for route in app.routes]
    assert len(paths) == len(set(paths))
    for parameter, value in PARAMETERS.items():
        paths = [path.replace(parameter, value) for path in paths]
    assert not [path for path in paths if "{" in path]
    return [f"{path}?{QUERIES[path]}" if path in QUERIES else path for path in paths]


def test_the_benchmark_measures_every_route(settings):
    app = make_app(lambda: settings, guard=lambda: None, login_url=lambda page: page)
    assert unmeasured(route.path for route in app.routes) == ["/{unknown:path}"]


def test_the_page_shows_figure_counts_target_and_verdict_in_vietnamese(settings):
    answer = browser(settings).get("/")
    assert answer.status_code == 200
    for text in ["97,40 %", "97.400 / 100.000", "≥ 98 %", "Chưa đạt", "30/06/2022", "I.2.đ"]:
        assert text in answer.text.replace("\u00a0", " "), text


def test_a_night_that_is_not_published_is_named_above_the_figures(tmp_path):
    settings = publish(tmp_path, FIGURES)
    runs = [
        {"as_of_date": dt.date(2022, month, day), "state": state, "message": said_text("why")}
        for month, day, state in (
            (7, 1, "missing_delivery"),
            (6, 30, "published"),
            (6, 29, "checks_failed"),
        )
    ]
    note_unpublished(settings.folders.unpublished_nights, runs)
    page = browser(settings).get("/").text
    assert "01/07/2022: Chưa công bố: thiếu tệp của đêm" in page
    assert "29/06/2022" not in page
    note_unpublished(
        settings.folders.unpublished_nights, [{**runs[0], "state": "published"}, *runs]
    )
    assert "Chưa công bố" not in browser(settings).get("/").text


@pytest.mark.parametrize(
    ("lang", "state", "reason"),
    [
        ("vi", "Chưa công bố: thiếu tệp của đêm", "one_stop chưa gửi tệp hồ sơ"),
        ("en", "Not published: a file of the night", "one_stop has delivered no dossiers file"),
    ],
)
def test_a_night_without_its_file_is_named_before_anything_is_published(
    tmp_path, lang, state, reason
):
    settings = settings_in(tmp_path)
    message = said_both(
        vi="one_stop chưa gửi tệp hồ sơ", en="one_stop has delivered no dossiers file"
    )
    run = {"as_of_date": dt.date(2022, 7, 1), "state": "missing_delivery", "message": message}
    note_unpublished(settings.folders.unpublished_nights, [run])
    settings.folders.reports.mkdir(parents=True)
    (settings.folders.reports / "index.html").write_text("<p>the report</p>", encoding="utf-8")
    auditor = browser(settings, reads_record=True)
    page = auditor.get("/", params={"lang": lang}).text
    assert f": {state}" in page
    assert reason in page
    assert 'href="reports/index.html' in page


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/figure", 200), ("/figure.csv", 404), ("/signs.csv", 404),
     ("/issued/q3/1/scorecard.html", 404)],
)  # fmt: skip
def test_before_the_first_night_every_address_says_so_and_names_no_folder(tmp_path, path, status):
    answer = browser(settings_in(tmp_path), reads_record=True).get(path)
    assert answer.status_code == status
    assert "Chưa đêm nào được công bố" in answer.text
    assert str(tmp_path) not in answer.text


def test_coverage_and_document_stand_beside_the_verdict(tmp_path):
    waits = Figure("counter_waiting_time", "visit_mean", "CITY", 600, 1, 1800, "<=", "met")
    settings = publish(tmp_path, [replace(waits, coverage=16)])
    page = browser(settings).get("/").text.replace("\u00a0", " ")
    assert "Số liệu của 16,00 % đơn vị có Bộ phận Một cửa" in page


def test_the_scorecard_page_is_in_english_on_request(settings):
    answer = browser(settings).get("/", params={"lang": "en"})
    for text in ["97.40%", "97,400 / 100,000", "Not met", "Clause"]:
        assert text in answer.text.replace("\u00a0", " "), text


def test_every_page_is_refused_to_a_stranger(site):
    def not_logged_in():
        raise HTTPException(401, "no token")

    client = browser(site, not_logged_in)
    for path in all_paths(site):
        answer = client.get(path)
        assert answer.status_code == 307, path
        assert answer.headers["location"] == f"/login?next={path}"
        assert not answer.content


def test_every_page_is_refused_to_a_user_without_permission(site):
    def without_permission():
        raise HTTPException(403, "not for you")

    client = browser(site, without_permission)
    for path in all_paths(site):
        assert client.get(path).status_code == 403, path


def test_pages_of_the_record_are_refused_to_readers_of_figures_and_have_no_link(site):
    client, auditor = browser(site), browser(site, reads_record=True)
    record = [path for path in all_paths(site) if client.get(path).status_code == 403]
    assert sorted(path.partition("?")[0] for path in record) == RECORD_PAGES
    for path in all_paths(site):
        assert auditor.get(path).status_code in {200, 404}, path
        if path not in record:
            links = re.findall(r'href="([^"?]*)', client.get(path).text)
            assert not [link for link in links if f"/{link}".startswith(tuple(RECORD_PAGES))], path


@pytest.mark.parametrize("reads_record", [False, True])
def test_every_link_of_the_site_leads_somewhere(site, reads_record):
    answers = crawl(browser(site, reads_record=reads_record), of_each=2)
    assert len(answers) > 20
    assert [address for address, answer in answers.items() if answer.status_code != 200] == []


@pytest.mark.parametrize(
    ("path", "status", "vi", "en"),
    [
        ("/nope", 404, "không có trang nào ở địa chỉ này", "there is no page at this address"),
        ("/nope/deeper", 404, "không có trang nào ở địa chỉ này", "there is no page"),
        ("/report", 404, "chưa chọn báo cáo nào; trang Tổng quan", "no report is chosen; the over"),
        ("/unit", 404, "chưa chọn đơn vị nào; xem trang Đơn vị", "no unit is chosen; see the page"),
        ("/issued/x/1/", 404, "báo cáo x không có lần ban hành 1", "no issue 1 of report x"),
        ("/nights", 403, "trang này dành cho vai trò", "this page is for the roles"),
        ("/open", 200, "Hồ sơ đang giải quyết:", "Open dossiers:"),
    ],
)
def test_an_address_that_shows_nothing_says_so_in_the_reader_s_language(site, path, status, vi, en):
    for lang, words, others in (("vi", vi, en), ("en", en, vi)):
        answer = browser(site).get(path, params={"lang": lang})
        text = html.unescape(answer.text)
        assert answer.status_code == status
        assert words in text
        assert others not in text
        assert re.search(r'href="(\.\./)*\./(\?lang=en)?"', text), "no way back"


@pytest.mark.parametrize(
    ("path", "again", "vi", "en"),
    [
        (
            "/figure?from=2022-11-24&to=2022-01-01",
            "figure",
            "khoảng ngày kết thúc (01/01/2022) trước khi bắt đầu (24/11/2022)",
            "the span ends (1 Jan 2022) before it begins (24 Nov 2022)",
        ),
        ("/figure?indicator=zzz", "figure", "không có chỉ tiêu zzz", "no indicator zzz"),
        ("/figure?method=zzz", "figure", "không có cách đếm zzz", "no method zzz"),
        ("/figure?unit=zzz", "figure", "31/07/2022 không có zzz", "no unit zzz"),
        (
            "/figure?role=zzz",
            "figure",
            "không có phần của con số zzz; có: denominator, numerator, left_out",
            "no part of a figure zzz; there are denominator, numerator, left_out",
        ),
        ("/figure.csv?unit=zzz", "figure", "31/07/2022 không có zzz", "no unit zzz"),
        (
            "/units?indicator=zzz",
            "units",
            "chỉ tiêu zzz không có",
            "for indicator zzz; there are on_",
        ),
        (
            "/units?method=zzz",
            "units",
            "có cách đếm zzz; có: cohort",
            "on_time_rate; there are cohort",
        ),
        (
            "/units?level=zzz",
            "units",
            "cấp zzz; có: department",
            "no level zzz; there are department",
        ),
        ("/units?sort=zzz", "units", "không có cách sắp xếp zzz", "no way to sort zzz"),
        ("/units?order=zzz", "units", "không có cách sắp xếp zzz", "no way to sort zzz"),
        ("/open?band=zzz", "open", "không có khoảng zzz", "no band zzz"),
        ("/quarantine?rule=zzz", "quarantine", "không có mã quy tắc zzz", "no rule code zzz"),
        ("/quarantine?state=zzz", "quarantine", "không có trạng thái zzz", "no state zzz"),
        ("/quarantine?feed=zzz", "quarantine", "không có loại dữ liệu zzz", "no feed zzz"),
        ("/quarantine?night=zzz", "quarantine", "zzz không phải là ngày", "zzz is no date"),
        (
            "/figure?reason=zzz",
            "figure",
            "không có mục nào vì lý do zzz; có: ",
            "no item of this figure has the reason zzz; there are ",
        ),
        ("/figure.csv?reason=zzz", "figure", "vì lý do zzz; có: ", "reason zzz; there are "),
        ("/figure.xlsx?reason=zzz", "figure", "vì lý do zzz; có: ", "reason zzz; there are "),
        (
            "/restatements?type=zzz",
            "restatements",
            "không có loại kỳ zzz; có: month, quarter",
            "no kind of period zzz; there are month, quarter",
        ),
        (
            "/restatements?basis=zzz",
            "restatements",
            "không có cơ sở kỳ zzz; có: calendar, government",
            "no basis of periods zzz; there are calendar, government",
        ),
        ("/restatements?night=2022-07-02", "restatements", "02/07/2022", "2 Jul 2022 is not"),
        ("/restatements?start=2022-05-01", "restatements", "một kỳ được hỏi", "a period is asked"),
        ("/audit?kind=zzz", "audit", "không có loại dấu hiệu zzz", "no kind of sign zzz"),
        ("/audit?strength=zzz", "audit", "không có độ chắc chắn", "no strength of signs zzz"),
        ("/signs.csv?kind=zzz", "audit", "không có loại dấu hiệu zzz", "no kind of sign zzz"),
        (
            "/difference?from=2022-06-30&to=2022-07-31&indicator=zzz",
            "difference",
            "không có chỉ tiêu zzz",
            "no indicator zzz",
        ),
        ("/difference?from=2022-01-01", "difference", "đêm 01/01/2022", "night 1 Jan 2022"),
    ],
)
def test_a_wrong_parameter_is_refused_in_a_reader_s_words_with_a_way_to_choose_again(
    site, path, again, vi, en
):
    for lang, words in (("vi", vi), ("en", en)):
        answer = browser(site, reads_record=True).get(f"{path}&lang={lang}")
        text = html.unescape(answer.text)
        message = re.search(r'<p class="message">.*?</p>', text, re.DOTALL)[0]
        assert answer.status_code == 404
        assert words in message
        assert not re.search(r"--\w|`|docs/|mart\.|\d{4}-\d\d-\d\d", message), "a terminal's remedy"
        suffix = "?lang=en" if lang == "en" else ""
        assert f'href="{again}{suffix}"' in text
        assert f'href="dictionary{suffix}"' in text


@pytest.mark.parametrize(
    ("path", "page", "choices"),
    [
        ("/units?indicator=online_share_all&level=zzz", "units", "indicator=online_share_all"),
        ("/audit?unit=COMMUNE&kind=zzz", "audit", "unit=COMMUNE"),
        (
            "/figure?indicator=level4_provision_rate&unit=H24.31&from=2022-05-01&to=2022-05-31",
            "figure",
            "indicator=level4_provision_rate&unit=CITY&from=2022-05-01&to=2022-05-31",
        ),
        (
            "/figure?indicator=digitisation_rollout_district&unit=CITY",
            "figure",
            "indicator=digitisation_rollout_district&unit=DISTRICT",
        ),
    ],
)
def test_to_choose_again_keeps_what_was_right(site, path, page, choices):
    reader = browser(site, reads_record=True)
    answer = reader.get(path)
    assert answer.status_code == 404
    again = f"{page}?{choices}"
    assert f'href="{again}"' in html.unescape(answer.text)
    assert reader.get(f"/{again}").status_code == 200


def test_a_figure_of_another_level_is_named_by_its_title_and_says_what_to_choose(site):
    asked = {"indicator": "level4_provision_rate", "unit": "H24.31", "lang": "en"}
    text = browser(site).get("/figure", params=asked).text
    assert "Eligible procedures provided at level 4 is a figure of a level of government" in text
    assert "choose Whole city, Departments, Districts or Communes" in text


@pytest.mark.parametrize("name", ["path", "self", "query"])
@pytest.mark.parametrize("page", ["/", "/units", "/figure", "/audit", "/quarantine", "/open"])
def test_a_parameter_of_any_name_is_passed_over(site, page, name):
    reader = browser(site, reads_record=True)
    assert reader.get(page, params={name: "x", "page": "1"}).status_code == 200


def test_a_question_that_waits_for_the_next_night_says_so_without_a_command():
    waits = EarlierReleaseError("no night was run yet", remedy="run `onestop night` first")
    shown = question_said(waits)
    assert shown.in_language("vi") == (
        "chưa chạy đêm nào; trang này trả lời được sau đêm công bố tiếp theo"
    )
    assert (
        shown == "no night was run yet; this page has an answer again after the next published"
        " night"
    )


def test_a_page_that_takes_no_such_request_and_one_that_fails_say_so(site, monkeypatch):
    client = browser(site)
    answer = client.post("/units")
    assert (answer.status_code, "trang chỉ để xem" in answer.text) == (405, True)
    monkeypatch.setattr("onestop.figures.web.app.find_night", lambda *_: 1 / 0)
    quiet = TestClient(client.app, raise_server_exceptions=False)
    answer = quiet.get("/units?lang=en")
    assert answer.status_code == 500
    assert "a fault of the pages" in answer.text
    assert "division" not in answer.text


def test_nobody_reads_the_record_by_default(settings):
    app = make_app(lambda: settings, guard=lambda: None, login_url=lambda page: page)
    assert TestClient(app).get("/reports/index.html").status_code == 403


@pytest.mark.parametrize("host", ["evil.example:80@good.example", "[::1"])
def test_no_answer_names_the_host_that_a_request_names(site, host):
    def not_logged_in():
        raise HTTPException(401, "no token")

    for guard in (not_logged_in, lambda: None):
        client = browser(site, guard)
        for path in [*all_paths(site), "/units/", "//evil.example/units"]:
            answer = client.get(path, headers={"Host": host, "X-Forwarded-Host": host})
            assert host not in answer.headers.get("location", ""), path
            assert f"//{host}" not in answer.text


@pytest.mark.parametrize("path", ["//evil.example", "//evil.example/units", "/%5cevil.example"])
def test_the_login_never_leads_to_another_server(settings, path):
    def not_logged_in():
        raise HTTPException(401, "no token")

    answer = browser(settings, not_logged_in).get(f"http://testserver{path}")
    assert "next=//" not in answer.headers.get("location", "")
    assert "next=/\\" not in answer.headers.get("location", "")


def test_the_language_is_kept_across_the_login(settings):
    def not_logged_in():
        raise HTTPException(401, "no token")

    answer = browser(settings, not_logged_in).get("/", params={"lang": "en"})
    assert answer.headers["location"] == "/login?next=/?lang=en"


def test_no_page_runs_a_script_or_loads_external_files(settings):
    answer = browser(settings).get("/")
    assert "default-src 'none'; style-src 'self'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert " style=" not in answer.text
    assert "<style" not in answer.text


def test_only_files_of_the_reports_folder_are_served(settings):
    client = browser(settings, reads_record=True)
    assert client.get("/reports/index.html").text == "<p>the report</p>"
    assert client.get("/reports/").text == "<p>the report</p>"
    for path in ["missing.html", "%2e%2e/%2e%2e/warehouse.duckdb", "..%2f..%2fwarehouse.duckdb"]:
        assert client.get(f"/reports/{path}").status_code == 404, path
    secret = settings.work / "secret.txt"
    secret.write_text("x", encoding="utf-8")
    (settings.folders.reports / "link.txt").symlink_to(secret)
    assert client.get("/reports/link.txt").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "%00",
        "index.html%00.txt",
        "a" * 300,
        "a/" * 3000,
        "%ff%fe",
        "loop",
        "index.html/more",
        "pipe",
        "%5c..%5cwarehouse.duckdb",
        "~root",
    ],
)
def test_an_odd_address_is_not_found(settings, path):
    loop, pipe = settings.folders.reports / "loop", settings.folders.reports / "pipe"
    if not pipe.exists():
        loop.symlink_to(loop)
        os.mkfifo(pipe)
    client = browser(settings, reads_record=True)
    assert client.get(f"/reports/{path}").status_code == 404


def test_a_hard_link_to_a_file_outside_the_reports_is_not_served(settings):
    secret = settings.work / "second.txt"
    secret.write_text("x", encoding="utf-8")
    (settings.folders.reports / "second.txt").hardlink_to(secret)
    client = browser(settings, reads_record=True)
    assert client.get("/reports/second.txt").status_code == 404


@pytest.mark.parametrize("path", ["/", "/reports/index.html", "/reports/missing.html"])
def test_every_page_has_headers_that_bar_scripts_framing_and_caching(settings, path):
    headers = browser(settings).get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_before_the_first_publication_the_page_says_so(tmp_path):
    answer = browser(settings_in(tmp_path)).get("/")
    assert answer.status_code == 200
    assert "Chưa đêm nào được công bố" in answer.text
    answer = browser(settings_in(tmp_path)).get("/", params={"lang": "en"})
    assert "No night is published yet" in answer.text


def test_markup_in_a_message_is_escaped(site):
    answer = browser(site).get("/unit", params={"lang": "en", "code": "<script>alert(1)</script>"})
    assert "&lt;script&gt;" in answer.text
    assert "<script>" not in answer.text

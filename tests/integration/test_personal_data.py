"""Personal data stays in landing: it is planted in every feed and searched in every output."""

from __future__ import annotations

import datetime as dt
import os
import zipfile
from urllib.parse import urlsplit

import pytest
from commands import run_command, run_with_new_interpreter
from planted_exports import MARKS, SHIFTED_MARKS, marks_in, write_planted_exports
from published_marts import settings_in
from web_site import browser, crawl

from onestop.federation.packaging import package_night
from onestop.federation.signing import make_key
from onestop.sample import write_sample

pytestmark = pytest.mark.whole_night

NIGHT = dt.date(2022, 11, 15)
COMMANDS = [
    ["night", str(NIGHT)],
    ["replay"],
    ["deliveries"],
    ["deliveries", "--lang", "en", "--limit", "500"],
    ["rejected", "--limit", "500"],
    ["rejected", "--lang", "en", "--limit", "500"],
    ["scorecard"],
    ["explain", "on_time_rate", "--unit", "CITY", "--from", "2022-01-01", "--to", "2022-11-15"],
    [
        "explain",
        "counter_waiting_time",
        "--unit",
        "CITY",
        "--from",
        "2022-11-01",
        "--to",
        str(NIGHT),
    ],
    ["verify"],
]


@pytest.fixture(scope="module")
def commands_output(tmp_path_factory):
    """The settings of a night with planted files, and all output of the commands run on it."""
    folder = tmp_path_factory.mktemp("planted")
    settings = settings_in(folder)
    write_sample(settings.exports, NIGHT, NIGHT, per_day=5, communes=1)
    write_planted_exports(settings.exports, f"{NIGHT:%Y%m%d}")
    environment = {
        **os.environ,
        "LANG_UI": "en",
        "ONESTOP_EXPORTS": str(settings.exports),
        "ONESTOP_LANDING": str(settings.landing),
        "ONESTOP_WAREHOUSE": settings.warehouse,
        "ONESTOP_PUBLISHED": str(settings.published),
        "ONESTOP_WORK": str(settings.work),
        "TMPDIR": str(folder / "temporary"),
    }
    (folder / "temporary").mkdir()
    output = []
    for arguments in COMMANDS:
        run = run_with_new_interpreter if arguments == ["replay"] else run_command
        done = run(*arguments, env=environment)
        assert "Traceback" not in done.stderr, done.stderr
        output.append(f"$ {arguments}\n{done.stdout}\n{done.stderr}")
    return settings, "\n".join(output)


def test_the_planted_files_were_read_and_refused_as_intended(commands_output):
    settings, output = commands_output
    assert f"night {NIGHT} is published" in output
    assert "dossiers_20221115_p.json: 14 rows read, 2 accepted, 12 rejected" in output
    for refused in ("cut.json", "headless.csv", "legacy.csv", "broken.json", "words.csv"):
        assert f"dossiers_20221115_{refused}: refused, FILE-F0" in output
    assert "dossiers_20221115_sheets.xlsx: 5 rows read, 1 accepted" in output
    assert f"the rejected rows: onestop rejected --night {NIGHT}" in output
    assert f"the warnings: {settings.folders.reports / 'index.html'}" in output
    assert "dossiers_20221115_unlike.xlsx: refused, FILE-F13" in output


def test_no_command_prints_personal_data(commands_output):
    _, output = commands_output
    assert [line for line in output.split("\n") if any(mark in line for mark in MARKS)] == []
    assert [line for line in output.split("\n") if any(m in line for m in SHIFTED_MARKS)] == []


def test_no_file_and_no_table_outside_landing_holds_personal_data(commands_output):
    settings, _ = commands_output
    home = settings.landing.parent
    assert marks_in(settings.landing, MARKS), (
        "the landing holds no planted data: the test proves nothing"
    )
    assert marks_in(home, MARKS, but=(settings.landing, settings.exports)) == []
    assert (
        marks_in(
            home, SHIFTED_MARKS, but=(settings.landing, settings.exports, settings.folders.staging)
        )
        == []
    )


def test_no_page_shows_personal_data(commands_output):
    settings, _ = commands_output
    client = browser(settings, reads_record=True)
    answers = crawl(client) | crawl(client, "/?lang=en")
    for path in settings.folders.reports.rglob("*.html"):
        address = f"/reports/{path.relative_to(settings.folders.reports)}"
        answers[address] = client.get(address)
    paths = {urlsplit(address).path for address in answers}
    assert {"/", "/units", "/unit", "/figure", "/figure.csv", "/delivery", "/quarantine"} <= paths
    assert len(answers) > 100
    for address, answer in answers.items():
        assert answer.status_code == 200, address
        assert not [mark for mark in MARKS + SHIFTED_MARKS if mark in answer.text], address


def test_a_package_for_the_national_office_holds_no_personal_data(commands_output, tmp_path):
    settings, _ = commands_output
    make_key(tmp_path / "own.pem")
    written = package_night(
        settings, NIGHT, tmp_path, province_code="H24", key=tmp_path / "own.pem"
    )
    with zipfile.ZipFile(written.path) as file:
        content = b"".join(map(file.read, file.namelist())).decode("utf-8")
    assert "on_time_rate" in content
    assert [mark for mark in MARKS + SHIFTED_MARKS if mark in content] == []


def test_verifying_leaves_no_personal_data_behind(commands_output):
    settings, output = commands_output
    assert "figures are identical" in output, output
    assert marks_in(settings.landing.parent / "temporary", MARKS) == []

"""Files with misleading names: no name is run, changes an output, or leaves its folder."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from exported_files import as_json, record
from lxml import html
from published_marts import settings_in

from onestop.intake.exports import ExportsError, list_exports, readable_name
from onestop.warehouse import open_warehouse

pytestmark = pytest.mark.whole_night

NIGHT = dt.date(2022, 11, 15)
#: Odd names that can be stored and shown.
ACCEPTED = (
    'dossiers_20221115_<script>alert(1)"><a href="javascript:alert(1)"><img src=x onerror=a>.json',
    "dossiers_20221115_'; drop table audit.delivery; --..\\..\\etc%2e%2e%2f{0}$(id)`id`[red]x.json",
    "dossiers_20221115_delivery.json",
    "dossiers_20221115_" + "a" * 225 + ".json",
)
#: Names that cannot be stored, or that change how the text around them is shown.
REFUSED = (
    b"dossiers_20221115_\x1b[31mred\x1b]0;title\x07.json",
    b"dossiers_20221115_line\nnight 2022-11-15 is published.json",
    b"dossiers_20221115_\xff\xfe.json",
    "dossiers_20221115_\u202enosj.exe.json".encode(),
    "dossiers_20221115_\u200bhidden.json".encode(),
)
#: Nearly fit the pattern of this night's files.
MISNAMED = ("=dossiers_20221115.json", "dossiers_2022-11-15_H24.14.json")
#: Names of no feed.
IGNORED = (b"dossiers_20229999.json",)
SHOWN = [["night", str(NIGHT)], ["deliveries"]]


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """The settings of a night of such files, run by commands, and all bytes that these print."""
    folder = tmp_path_factory.mktemp("named")
    settings = settings_in(folder)
    settings.exports.mkdir(parents=True, exist_ok=True)
    home = os.fsencode(settings.exports)
    for number, name in enumerate([*map(os.fsencode, (*ACCEPTED, *MISNAMED)), *REFUSED, *IGNORED]):
        with open(os.path.join(home, name), "wb") as file:  # noqa: PTH118, PTH123 - bytes in names
            file.write(as_json(record(number + 1)))
    (settings.exports / "dossiers_20221115_nowhere.json").symlink_to("/nowhere")
    (settings.exports / "round").symlink_to("..")
    os.mkfifo(settings.exports / "dossiers_20221115_pipe.json")
    (settings.exports / "dossiers_20221115_folder.json").mkdir()
    output = b""
    for arguments in SHOWN:
        done = subprocess.run(
            [sys.executable, "-c", "from onestop.cli import main; main()", *arguments],
            env={**os.environ, "LANG_UI": "en", "ONESTOP_VAR": str(folder)},
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        output += done.stdout + done.stderr
    return settings, output


def delivered(settings):
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        return {
            row["file_name"]: (row["state"], row["refused_rule"])
            for row in warehouse.rows("select file_name, state, refused_rule from audit.delivery")
        }


def test_a_file_with_a_printable_name_is_loaded(named):
    settings, _ = named
    found = delivered(settings)
    assert {name: found.get(name) for name in ACCEPTED} == dict.fromkeys(ACCEPTED, ("loaded", None))


def test_a_file_with_an_unprintable_name_is_refused_with_its_rule(named):
    settings, output = named
    found = delivered(settings)
    refused = {readable_name(os.fsdecode(name)) for name in REFUSED}
    assert {name: found.get(name) for name in refused} == dict.fromkeys(
        refused, ("refused", "FILE-F11")
    )
    assert set(found) == refused | {*ACCEPTED, *MISNAMED}
    assert output.decode().count("refused, FILE-F11") == len(REFUSED)
    page = (settings.folders.reports / str(NIGHT) / "index.html").read_text(encoding="utf-8")
    assert page.count("Từ chối: FILE-F11") == len(refused)


def test_a_file_with_a_similar_name_is_refused_and_shown_on_the_nights_page(named):
    settings, output = named
    found = delivered(settings)
    assert {name: found.get(name) for name in MISNAMED} == dict.fromkeys(
        MISNAMED, ("refused", "FILE-F15")
    )
    assert output.decode().count("refused, FILE-F15") == len(MISNAMED)
    page = (settings.folders.reports / str(NIGHT) / "index.html").read_text(encoding="utf-8")
    assert page.count("Từ chối: FILE-F15") == len(MISNAMED)
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        [reason] = warehouse.rows(
            "select distinct reason_vi, reason_en from audit.delivery"
            " where refused_rule = 'FILE-F15'"
        )
    assert reason["reason_vi"].startswith("Tên tệp không phải là ")
    assert reason["reason_vi"].endswith("; hãy đổi tên tệp rồi chạy lại")
    assert reason["reason_en"].startswith("its name is not ")


def test_no_control_character_of_a_name_reaches_the_terminal(named):
    _, output = named
    assert b"Traceback" not in output
    text = output.decode()
    assert [line for line in text.split("\n") if readable_name(line) != line] == []


def test_no_name_makes_a_file_appear_outside_the_installation(named):
    settings, _ = named
    places = {path.name for path in settings.landing.parent.iterdir()}
    assert places <= {"exports", "landing", "published", "work", "warehouse.duckdb"}
    assert {len(path.relative_to(settings.landing).parts) for path in landed(settings)} == {5}
    assert {path.name for path in landed(settings)} == {*ACCEPTED, "delivery.json"}


def landed(settings):
    return [path for path in (settings.landing / "one_stop").rglob("*") if path.is_file()]


def test_markup_in_a_name_is_escaped_on_every_page(named):
    settings, _ = named
    pages = list(settings.folders.reports.rglob("*.html"))
    assert len(pages) > len(ACCEPTED)
    assert any("alert(1)" in page.read_text(encoding="utf-8") for page in pages)
    for page in pages:
        root = html.parse(page).getroot()
        assert root.xpath("//script | //img | //iframe | //object | //form") == [], page.name
        for element in root.iter():
            assert [name for name in element.attrib if name.startswith("on")] == [], page.name
            assert not element.get("href", "").lower().startswith(("javascript:", "data:", "http"))


def test_a_folder_that_cannot_be_listed_stops_the_night_and_is_named(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    everybodys = Path(tempfile.gettempdir())
    for parent in [tmp_path, *tmp_path.parents]:
        if everybodys in parent.parents and parent.stat().st_uid == os.geteuid():
            parent.chmod(parent.stat().st_mode | 0o055)
    child = os.fork()
    if not child:  # as another user: root may list every folder
        code = 1
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            list_exports(tmp_path)
        except ExportsError as error:
            is_named = "closed: cannot be listed" in str(error) and "permission" in str(error)
            code = 0 if is_named else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize(
    "name",
    ["dossiers_20221115.json", "hồ sơ Đà Nẵng.xlsx", "ho\u0302\u0300 so\u031b.csv", "a\u00a0b"],
)
def test_ordinary_names_are_shown_unchanged(name):
    assert readable_name(name) == name

"""Bad files in the exports: each is refused or its rows are rejected, and no figure changes.

The whole corpus lies among good deliveries of one night. It leaves out files whose damage looks
like valid data (such as a due date with another digit): no check can find them.
"""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys

import pytest
from commands import run_command
from exported_files import as_json, record
from hostile_files import corpus
from published_marts import settings_in
from steps_by_hand import compute, take_in_all

from onestop.marts.publish import figures_digest
from onestop.sample import write_sample
from onestop.warehouse import open_warehouse
from onestop.warehouse.staged_names import STAGED

pytestmark = pytest.mark.whole_night

NIGHT = dt.date(2022, 11, 15)
#: Free text is kept unchanged: it affects no figure and is escaped on pages.
FREE_TEXT = "Tên thủ tục hành chính"
FEWEST = 150


def write_good_files(settings):
    """Write a small city, and the two intact dossiers that the corpus has damaged versions of."""
    write_sample(settings.exports, NIGHT, NIGHT, per_day=10, communes=1, dirt_percent=0)
    (settings.exports / "dossiers_20221115_sound.json").write_bytes(as_json(record(1), record(2)))


def write_bad_files(settings, *, every):
    """Write every ``every``-th file of the corpus; returns the kind of damage by file name."""
    names = {}
    chosen = [(what, data) for what, data in corpus().items() if can_be_found(what)]
    for number, (what, data) in enumerate(chosen[::every]):
        # sorts before `sound`: of two equal statements the one of the intact file counts
        name = f"dossiers_20221115_bad{number:04d}.csv"
        (settings.exports / name).write_bytes(data)
        names[name] = what
    return names


def can_be_found(what):
    """Whether a check can find the damage; see the top of this file."""
    return not any(f"damage {kind}" in what for kind in (9, 10))


def rows(settings, query):
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        return [tuple(row.values()) for row in warehouse.rows(query)]


@pytest.fixture(scope="module")
def digest_of_clean(tmp_path_factory):
    """The digest of the good files' figures."""
    settings = settings_in(tmp_path_factory.mktemp("clean"))
    write_good_files(settings)
    take_in_all(settings, NIGHT)
    compute(settings, NIGHT)
    with open_warehouse(settings.warehouse) as warehouse:
        return figures_digest(warehouse, STAGED)


@pytest.fixture(
    scope="module",
    params=[pytest.param(30, id="sample"), pytest.param(1, id="whole", marks=pytest.mark.slow)],
)
def attacked(request, tmp_path_factory):
    settings = settings_in(tmp_path_factory.mktemp("attacked"))
    write_good_files(settings)
    names = write_bad_files(settings, every=request.param)
    done = run_command(
        "night",
        NIGHT,
        env={**os.environ, "LANG_UI": "en", "ONESTOP_VAR": str(settings.landing.parent)},
    )
    assert done.returncode == 0, done.stderr
    return settings, names, done.stdout + done.stderr


def outcomes(settings):
    """File name, state, rule and rejected rows of each bad file."""
    return {
        name: (state, rule, rejected, accepted)
        for name, state, rule, rejected, accepted in rows(
            settings,
            "select file_name, state, refused_rule, rows_rejected, rows_accepted"
            " from audit.delivery where file_name like '%\\_bad%' escape '\\'",
        )
    }


def test_every_bad_file_is_refused_or_its_bad_rows_are_rejected(attacked):
    settings, names, _ = attacked
    found = outcomes(settings)
    assert set(found) == set(names)
    taken = {
        names[name]: outcome
        for name, outcome in found.items()
        if outcome[0] == "loaded" and not outcome[2]
    }
    # Accepted files: free text, and damage that left the two intact records readable.
    surprises = [
        what for what in taken if FREE_TEXT not in what and not _accepted_rows_are_intact(settings)
    ]
    assert surprises == []
    assert len(taken) * 5 < len(found)


def _accepted_rows_are_intact(settings):
    """Whether every accepted row of the bad files equals a row of the intact file."""
    return rows(
        settings,
        "select count(*) from core.dossier_version as v where delivery_id in"
        " (select delivery_id from audit.delivery where file_name like '%\\_bad%' escape '\\')"
        " and not exists (select 1 from core.dossier_version as s where s.delivery_id ="
        " (select delivery_id from audit.delivery where file_name like '%\\_sound%' escape '\\')"
        " and s.dossier_code = v.dossier_code and s.status = v.status"
        " and s.due_date is not distinct from v.due_date and s.received_date = v.received_date)",
    ) == [(0,)]


def test_every_refusal_and_every_rejection_has_its_rule_and_its_reason(attacked):
    settings, _, _ = attacked
    assert (
        rows(
            settings,
            "select file_name from audit.delivery where state = 'refused' and (refused_rule is null"
            " or coalesce(reason_vi, '') = '' or coalesce(reason_en, '') = '')",
        )
        == []
    )
    assert (
        rows(
            settings,
            "select delivery_id, row_number from audit.rejected_row"
            " where coalesce(message_vi, '') = '' or coalesce(message_en, '') = ''",
        )
        == []
    )
    assert (
        rows(
            settings,
            "select file_name from audit.delivery"
            " where rows_read <> rows_accepted + rows_rejected + rows_repeated + rows_blank",
        )
        == []
    )


def test_bad_files_change_no_figure(attacked, digest_of_clean):
    settings, _, _ = attacked
    published = rows(settings, "select figures_sha256 from audit.publication")
    assert published == [(digest_of_clean,)]


def test_the_command_names_each_bad_file_without_a_traceback(attacked):
    _, names, output = attacked
    lines = output.splitlines()
    assert f"night {NIGHT} is published" in output
    assert [name for name in names if not any(name in line for line in lines)] == []
    assert "refused, FILE-F0" in output
    assert [line for line in lines if "Traceback" in line or 'File "' in line] == []


def test_the_whole_corpus_is_large():
    assert sum(can_be_found(what) for what in corpus()) >= FEWEST


@pytest.mark.slow
def test_a_single_line_of_a_gigabyte_is_refused_in_bounded_memory(tmp_path):
    settings = settings_in(tmp_path)
    write_good_files(settings)
    with (settings.exports / "dossiers_20221115_line.csv").open("wb") as file:
        for _ in range(1024):
            file.write(b"x" * (1 << 20))
    program = (
        "import resource\n"
        "from onestop.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "night", str(NIGHT)],
        env={**os.environ, "LANG_UI": "en", "ONESTOP_VAR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "dossiers_20221115_line.csv: refused, FILE-F0" in done.stdout, done.stdout
    assert "is published" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert int(done.stdout.split()[-1]) < 900, "megabytes at most"

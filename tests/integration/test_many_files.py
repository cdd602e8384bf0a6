"""A night of 1,500 files, as after an outage of three nights, through a real Airflow."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import duckdb
import pytest
from exported_files import RECORD, as_json, record
from published_marts import settings_in

from onestop.batches import MOST_BATCHES
from onestop.local.backfill import DAG_ID, NightResult, run_nights
from onestop.local.local_airflow import OF_A_NIGHT, PRELOADED, LocalAirflow
from onestop.sample import write_sample

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

NIGHT = dt.date(2022, 11, 15)
COUNT = 1500
#: Bad files, spread over the batches: an empty one, one without a table, one without the key.
BAD = {
    7: b"",
    740: b"\x00\x01\x02 not a table",
    1490: as_json({key: RECORD[key] for key in ("MaHoSo", "NgayTiepNhan")}),
}


def name_of(number: int) -> str:
    return f"dossiers_{NIGHT:%Y%m%d}_office{number:04d}.json"


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Result, task instances and settings of a night with 1,500 files beside the sample's."""
    folder = tmp_path_factory.mktemp("many")
    settings = settings_in(folder)
    write_sample(settings.exports, NIGHT, NIGHT, per_day=6, communes=1)
    for number in range(COUNT):
        content = BAD.get(number) if number in BAD else as_json(record(number + 1))
        (settings.exports / name_of(number)).write_bytes(content)
    airflow = LocalAirflow(
        home=folder / "airflow",
        settings=settings,
        last_night="2022-11-16T00:00:00+07:00",
        extra={"AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "0"},
        preloaded=(*PRELOADED, *OF_A_NIGHT),
    )
    with airflow:
        [result] = [one for one in run_nights(airflow, [NIGHT]) if isinstance(one, NightResult)]
        [run] = airflow.runs(DAG_ID)
        tasks = airflow.task_instances(DAG_ID, run["dag_run_id"])
    return result, tasks, settings, airflow.logs


def delivered(settings) -> dict[str, tuple[str, str | None]]:
    with duckdb.connect(str(settings.published), read_only=True) as published:
        found = published.execute(
            "select file_name, state, refused_rule from audit.delivery"
        ).fetchall()
    return {name: (state, rule) for name, state, rule in found}


def lines_of(logs: Path, step: str) -> str:
    paths = logs.glob(f"dag_id={DAG_ID}/**/task_id=delivery.{step}/**/*.log")
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def test_the_night_is_published_with_all_its_files(many):
    result, _, settings, _ = many
    assert result.succeeded, result
    assert result.files == len(list(settings.exports.iterdir()))
    found = delivered(settings)
    good = {name_of(number) for number in range(COUNT) if number not in BAD}
    assert {name: found.get(name) for name in good} == dict.fromkeys(good, ("loaded", None))


def test_each_bad_file_is_refused_under_its_name_without_the_others_of_its_batch(many):
    result, _, settings, _ = many
    found = delivered(settings)
    bad = {name_of(number): found[name_of(number)] for number in BAD}
    assert {state for state, _ in bad.values()} == {"refused"}
    assert {rule for _, rule in bad.values()} == {"FILE-F01", "FILE-F07", "DOS-F01"}
    reasons = " ".join(reason for _, reason in result.failures)
    assert all(name in reasons for name in bad)


def test_every_file_is_listed_by_name_in_the_logs(many):
    _, _, settings, logs = many
    read = set(re.findall(r"[a-z]+_\d{8}[\w.]*", lines_of(logs, "read")))
    assert {path.name for path in settings.exports.iterdir()} <= read


def test_airflow_maps_over_batches(many):
    _, tasks, _, _ = many
    mapped = [task for task in tasks if task["task_id"] == "delivery.land"]
    assert 1 < len(mapped) <= MOST_BATCHES

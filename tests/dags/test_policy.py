"""Rules for every DAG, checked on the DAGs as Airflow loads them."""

from __future__ import annotations

import ast
import datetime as dt
import json
import subprocess
import sys
from zoneinfo import ZoneInfo

import pytest
from airflow._shared.module_loading import find_path_from_directory
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import IdentityMapper
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import DagRunInfo, TimeRestriction

from onestop.airflow_decisions import REFUSE
from onestop.errors import SettingsError
from onestop.schema.project import PROJECT_ROOT
from onestop.settings import decision_time

DAG_FILES = sorted((PROJECT_ROOT / "dags").glob("*.py"))
HEAVY = {"duckdb", "great_expectations", "onestop.night", "openpyxl", "pandas", "pyarrow"}
WAREHOUSE_TASKS = {
    "discover_deliveries",
    "delivery.load",
    "find_questions",
    "require_expected",
    "compute",
    "check",
    "publish",
    "alert",
}
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


@pytest.fixture(scope="module")
def bag():
    return DagBag(PROJECT_ROOT / "dags")


@pytest.fixture(scope="module")
def dags(bag):
    assert bag.dags, f"no DAG was found in {PROJECT_ROOT / 'dags'}"
    return list(bag.dags.values())


@pytest.fixture(scope="module")
def nightly(bag):
    return bag.dags["onestop_nightly"]


def test_the_bag_holds_one_dag_per_file_and_no_import_errors(bag):
    assert bag.import_errors == {}
    assert {path.stem for path in DAG_FILES} == set(bag.dags)
    assert "onestop_nightly" in bag.dags


def test_every_dag_states_its_owner_its_purpose_and_how_it_runs(dags):
    for dag in dags:
        assert dag.owner == "onestop", dag.dag_id
        assert "onestop" in dag.tags, dag.dag_id
        assert dag.doc_md, dag.dag_id
        assert dag.description, dag.dag_id
        assert dag.doc_md.startswith("# "), dag.dag_id
        assert dag.max_active_runs == 1, dag.dag_id
        assert not dag.catchup, dag.dag_id
        assert dag.start_date <= dt.datetime(2022, 1, 1, tzinfo=HANOI), dag.dag_id


def test_every_task_is_retried_with_growing_delays_and_has_a_time_limit(dags):
    tasks = [(dag.dag_id, task) for dag in dags for task in dag.tasks]
    assert len(tasks) >= 9
    for dag_id, task in tasks:
        assert task.retries >= 2, (dag_id, task.task_id)
        assert task.retry_exponential_backoff > 1, (dag_id, task.task_id)
        assert task.max_retry_delay, (dag_id, task.task_id)
        assert task.execution_timeout, (dag_id, task.task_id)


def test_every_task_that_opens_the_warehouse_takes_the_only_slot_of_the_pool(nightly):
    in_pool = {task.task_id for task in nightly.tasks if task.pool == "warehouse_write"}
    assert in_pool == WAREHOUSE_TASKS
    assert all(nightly.get_task(task_id).pool_slots == 1 for task_id in in_pool)


def test_housekeeping_takes_the_only_slot_of_the_pool(bag):
    housekeeping = bag.dags["onestop_housekeeping"]
    assert {task.task_id: task.pool for task in housekeeping.tasks} == {
        "examine": "warehouse_write",
        "remove_old_files": "warehouse_write",
    }


def test_replaying_takes_the_only_slot_of_the_pool(bag):
    replay = bag.dags["onestop_replay"]
    assert {task.task_id: task.pool for task in replay.tasks} == {
        "find": "warehouse_write",
        "replay": "warehouse_write",
    }
    assert {task.map_index_template for task in replay.tasks} == {None, "{{ file_name }}"}


def test_the_steps_come_in_order(nightly):
    upstream = {task.task_id: set(task.upstream_task_ids) for task in nightly.tasks}
    assert upstream == {
        "discover_deliveries": set(),
        "delivery.land": {"discover_deliveries"},
        "delivery.read": {"delivery.land"},
        "delivery.validate": {"delivery.read"},
        "delivery.load": {"delivery.validate"},
        "find_questions": {"discover_deliveries", "delivery.load"},
        "decide": {"find_questions"},
        "require_expected": {"discover_deliveries", "find_questions", "decide"},
        "compute": {"discover_deliveries", "require_expected"},
        "check": {"compute"},
        "publish": {"check"},
        "alert": {"publish"},
    }


def test_later_tasks_run_whether_or_not_a_file_of_the_batch_failed(nightly):
    rules = {task.task_id: task.trigger_rule.value for task in nightly.tasks}
    whatever_happened = {
        "delivery.read",
        "delivery.validate",
        "delivery.load",
        "find_questions",
        "require_expected",
    }
    assert {name for name, rule in rules.items() if rule == "all_done"} == whatever_happened
    others = rules.keys() - whatever_happened - {"alert"}
    assert {rules[name] for name in others} == {"all_success"}


def test_alerts_run_whatever_happened_and_never_turn_a_failed_run_green(bag):
    for dag_id in ("onestop_nightly", "onestop_report"):
        alert = bag.dags[dag_id].get_task("alert")
        assert alert.is_teardown, dag_id
        assert not alert.on_failure_fail_dagrun, dag_id
        assert alert.trigger_rule.value == "all_done_setup_success", dag_id


@pytest.mark.parametrize(("publish_by", "hour"), [("06:00", 6), ("07:30", 7)])
def test_the_morning_s_check_is_about_the_night_that_has_just_ended(monkeypatch, publish_by, hour):
    monkeypatch.setenv("ONESTOP_PUBLISH_BY", publish_by)
    watch = DagBag(PROJECT_ROOT / "dags" / "onestop_watch.py").dags["onestop_watch"]
    stored = DagSerialization.from_dict(DagSerialization.to_dict(watch))
    run = stored.timetable.next_dagrun_info_v2(
        last_dagrun_info=None,
        restriction=TimeRestriction(
            earliest=dt.datetime(2022, 11, 25, tzinfo=HANOI), latest=None, catchup=True
        ),
    )
    assert (run.run_after.astimezone(HANOI).hour, run.partition_key) == (hour, "2022-11-24")


def test_the_morning_s_check_does_not_wait_for_a_night_that_hangs(bag):
    assert bag.dags["onestop_watch"].get_task("alert").pool == "default_pool"


def test_no_task_logs_what_it_returns(dags):
    for dag in dags:
        for task in dag.tasks:
            if task.task_id == "decide":  # not a function of ours: it logs no value
                continue
            shown = (
                task.partial_kwargs.get("show_return_value_in_logs", True)
                if task.is_mapped
                else getattr(task, "show_return_value_in_logs", False)
            )
            assert not shown, (dag.dag_id, task.task_id)


def test_the_example_for_other_teams_starts_with_each_published_night(nightly):
    bag = DagBag(PROJECT_ROOT / "docs" / "examples")
    assert bag.import_errors == {}
    example = bag.dags["after_publication"]
    published = {(asset.name, asset.uri) for asset in nightly.get_task("publish").outlets}
    assert published == {
        ("onestop_mart", "x-onestop://published/mart"),
        ("onestop_ref", "x-onestop://published/ref"),
    }
    followed = example.timetable.asset_condition
    assert (followed.name, followed.uri) in published
    mapper = example.timetable.default_partition_mapper
    assert mapper == IdentityMapper()


def test_the_task_that_waits_for_files_holds_no_slot_meanwhile(nightly):
    waiting = nightly.get_task("discover_deliveries")
    assert waiting.mode == "reschedule"
    assert waiting.poke_interval == 300
    assert waiting.timeout >= 12 * 3600


def test_a_question_waits_for_the_set_hours_and_then_nothing_is_accepted(monkeypatch, nightly):
    given = nightly.get_task("decide").partial_kwargs
    assert given["response_timeout"] == dt.timedelta(hours=5)
    assert given["defaults"] == [REFUSE]
    monkeypatch.setenv("ONESTOP_DECISION_HOURS", "1.5")
    assert decision_time() == dt.timedelta(hours=1, minutes=30)
    monkeypatch.setenv("ONESTOP_DECISION_HOURS", "soon")
    with pytest.raises(SettingsError, match="ONESTOP_DECISION_HOURS: soon is no number of hours"):
        decision_time()


def test_every_mapped_task_is_labelled_by_its_files(nightly):
    mapped = [task for task in nightly.tasks if task.task_id.startswith("delivery.")]
    assert len(mapped) == 4
    assert {task.map_index_template for task in mapped} == {"{{ file_name }}"}


def test_the_run_at_one_in_the_morning_describes_the_day_before(bag):
    stored = DagSerialization.from_dict(DagSerialization.to_dict(bag.dags["onestop_nightly"]))
    end = dt.datetime(2022, 11, 25, 1, tzinfo=HANOI)
    info = stored.timetable.next_dagrun_info_v2(
        last_dagrun_info=DagRunInfo(
            run_after=end - dt.timedelta(days=1), data_interval=None, partition_date=None
        ),
        restriction=TimeRestriction(earliest=None, latest=None, catchup=True),
    )
    assert info.run_after == end
    assert info.partition_key == "2022-11-24"


def test_a_backfill_of_some_nights_has_one_run_for_each_of_them(bag):
    stored = DagSerialization.from_dict(DagSerialization.to_dict(bag.dags["onestop_nightly"]))
    infos = stored.iter_dagrun_infos_between(
        dt.datetime(2022, 11, 14, tzinfo=dt.UTC), dt.datetime(2022, 11, 16, 23, 59, tzinfo=dt.UTC)
    )
    assert [info.partition_key for info in infos] == ["2022-11-14", "2022-11-15", "2022-11-16"]


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.name)
def test_a_dag_file_holds_no_logic(path):
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    logic = (ast.If, ast.For, ast.While, ast.Try, ast.With, ast.Lambda, ast.comprehension)
    assert [node.lineno for node in ast.walk(tree) if isinstance(node, logic)] == []
    assert len(source.splitlines()) <= 120
    modules = {
        node.module if isinstance(node, ast.ImportFrom) else name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert {module for module in modules if module.startswith("airflow")} == {"airflow.sdk"}
    assert {module for module in modules if module.startswith("onestop")} <= {"onestop"}


#: Parses each DAG file in its own process, forked from one that has imported only Airflow.
PARSING = """
import json, os, runpy, sys, airflow.sdk
before = set(sys.modules)
for path in sys.argv[1:]:
    if not os.fork():
        runpy.run_path(path)
        print("\\n" + json.dumps([path, sorted(set(sys.modules) - before)]), flush=True)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 0, path
"""


@pytest.fixture(scope="module")
def imported_by():
    """The modules that parsing each DAG file imports, besides Airflow."""
    done = subprocess.run(
        [sys.executable, "-c", PARSING, *map(str, DAG_FILES)],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(line) for line in done.stdout.split("\n") if line.startswith('["'))


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.name)
def test_parsing_a_dag_file_imports_nothing_heavy(imported_by, path):
    imported = set(imported_by[str(path)])
    assert "onestop.airflow_adapter" in imported
    assert HEAVY & imported == set()
    # those of the operator that asks a person are fifteen, and take ten milliseconds
    assert len(imported) < 90, sorted(imported)


def test_airflow_discovers_the_plugin_but_no_file_of_the_library():
    plugins = PROJECT_ROOT / "plugins"
    discovered = {
        path.removeprefix(f"{plugins}/")
        for path in find_path_from_directory(str(plugins), ".airflowignore", "glob")
        if path.endswith(".py")
    }
    assert (plugins / "onestop" / "settings.py").exists()
    assert discovered <= {"onestop_plugin.py"}

"""# Replay: refused rows and files, read again after a fix.

**When.** By hand, after a rule (`expectations/`), a mapping or a reference file was corrected.
Trigger it with the filters below; without any, everything that is still refused is read again.

**What.** The rejected rows and the files refused whole are read again from landing/ and put
through the gate. Rows that pass now are loaded. A row that passed before is not changed. Rows
that the corrected mapping leaves out (`skip`) are closed as left out and counted. Rows that still
fail stay open, with their reasons.

**What it changes.** Published nights do not change. Replayed rows count in the figures of the
next night that is run; changes to closed periods appear in `mart.restatement`.

**Running again is always safe**: a row that is in the record already is not loaded twice.
`onestop replay --dry-run` lists beforehand what would be loaded; `onestop replay` does the same
as this DAG.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import Param, dag

from onestop import airflow_adapter as steps

# The slot that all tasks share that write the warehouse.
WAREHOUSE = "warehouse_write"


def _optional(title: str, example: str, **schema: str) -> Param:
    return Param(None, type=["null", "string"], title=title, description=example, **schema)


find = steps.step(steps.find_replayable, task_id="find", pool=WAREHOUSE)
replay = steps.step(
    steps.replay_deliveries, task_id="replay", pool=WAREHOUSE, map_index_template=steps.FILE_NAME
)


@dag(
    schedule=None,
    start_date=datetime(2022, 1, 1, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=12),
    default_args=steps.TASK_DEFAULTS,
    params={
        "first": _optional("First night", "2022-11-14", format="date"),
        "last": _optional("Last night", "2022-11-24", format="date"),
        "source": _optional("Source", "one_stop"),
        "feed": _optional("Feed", "dossiers, visits, procedures, units or declarations"),
        "rule": _optional("Rule code", "DOS-R07: only what this rule refused"),
        "delivery_id": _optional("Delivery", "only this delivery_id"),
    },
    description="Đọc lại dòng và tệp bị từ chối sau khi sửa quy tắc hoặc ánh xạ",
    doc_md=__doc__,
    tags=["onestop", "repair"],
)
def onestop_replay() -> None:
    """Find what is still refused, then read each delivery again."""
    replay.expand(batch=find())


onestop_replay()

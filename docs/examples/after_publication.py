"""# An example for other teams: work that starts when a night is published.

Copy this file into your own DAGs folder. `onestop_nightly` emits an event of the asset
`onestop_mart` when readers see a new night, with the night as its partition (`2022-11-24`). This
DAG has a run for each of them, and no clock of its own. Reference rows have the asset
`onestop_ref`.

- Only schedules for partitioned assets receive these events: `PartitionedAssetTimetable`, as here.
  A plain `schedule=[asset]` never starts.
- A night can have a second event, when it is run again: make your tasks safe to run twice.
- Marts hold the last published night. If a backfill has published later ones meanwhile, read the
  histories (`mart.indicator_history`) for the night of the run.
"""

from __future__ import annotations

import logging
import os
from datetime import datetime

import duckdb
from airflow.sdk import Asset, PartitionedAssetTimetable, dag, get_current_context, task

logger = logging.getLogger(__name__)

PUBLISHED = Asset(name="onestop_mart", uri="x-onestop://published/mart")
BELOW_TARGET = """
select count(*) from mart.indicator_history
where indicator_code = 'on_time_rate' and method_code = 'cohort' and unit_scope = 'unit'
    and period_type = 'year_to_date' and period_basis = 'calendar' and status = 'not_met'
    and valid_from <= $night and (valid_to is null or valid_to > $night)
"""


@dag(
    schedule=PartitionedAssetTimetable(assets=PUBLISHED),
    start_date=datetime(2022, 1, 1),  # noqa: DTZ001 - a day; no run has this time
    description="Ví dụ: việc chạy sau khi một đêm được công bố",
    doc_md=__doc__,
    tags=["example"],
)
def after_publication() -> None:
    """Count the units below their target in the night that was published."""

    @task
    def count_units_below_target() -> int:
        night = get_current_context()["partition_key"]
        with duckdb.connect(os.environ["ONESTOP_PUBLISHED"], read_only=True) as published:  # noqa: TID251 - as any reader does
            units: int = published.execute(BELOW_TARGET, {"night": night}).fetchall()[0][0]
        logger.info("night %s: units below their target: %d", night, units)
        return units

    count_units_below_target()


after_publication()

"""The reason why an expected delivery is not in the record, and its remedy."""

from __future__ import annotations

import datetime as dt

import pytest
from exported_files import ONE_STOP
from staged_files import a_delivery

from onestop.record.arrivals import reasons_not_loaded
from onestop.record.settlements import NO_ROWS, insert_settlement
from onestop.warehouse import open_warehouse

NIGHT = dt.date(2022, 6, 30)


@pytest.mark.parametrize(
    ("rule", "remedy"),
    [
        ("DOS-F01", "have one_stop export it again, then run night 2022-06-30 again"),
        ("FILE-F08", "remove the cause if it is still there, then run night 2022-06-30 again"),
        ("FILE-F09", "remove the cause if it is still there, then run night 2022-06-30 again"),
    ],
)
def test_the_remedy_asks_for_a_new_export_only_when_the_file_itself_is_faulty(rule, remedy):
    refusal = {**NO_ROWS, "refused_rule": rule, "reason_vi": "lý do", "reason_en": "the reason"}
    delivery = a_delivery("dossiers", str(NIGHT))
    with open_warehouse("duckdb://") as warehouse:
        insert_settlement(warehouse, delivery, NIGHT, "refused", refusal)
        [reason] = reasons_not_loaded(
            warehouse, ONE_STOP.feeds["dossiers"], NIGHT, {delivery.file_name}
        )
    assert reason == f"{delivery.file_name} was refused ({rule}: the reason); {remedy}"

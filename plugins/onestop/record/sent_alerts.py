"""``audit.alert``: the alerts that were sent, by channel."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection

    from onestop.warehouse import Warehouse

#: States of a sent alert.
RAISED, RESOLVED = "raised", "resolved"


@dataclass(frozen=True)
class SentAlert:
    """One row of ``audit.alert``; the columns are described there."""

    as_of_date: dt.date
    alert_code: str
    sent_by: str
    alert_state: str
    facts_sha256: str
    alert_counts: str
    alert_vi: str
    alert_en: str
    sent_at: dt.datetime


_COLUMNS = tuple(field.name for field in fields(SentAlert))


def record_sent(warehouse: Warehouse, sent: Collection[SentAlert]) -> None:
    """Record that alerts were sent, in one transaction."""
    with warehouse.transaction():
        for one in sent:
            warehouse.execute(
                f"insert into audit.alert ({', '.join(_COLUMNS)})"
                f" values ({', '.join(f':{name}' for name in _COLUMNS)})",
                asdict(one),
            )


def sent_alerts(warehouse: Warehouse, night: dt.date, standing: Collection[str]) -> list[SentAlert]:
    """What was sent about a night, the oldest first.

    Args:
        warehouse: open.
        night: the night.
        standing: codes of alerts that are about no single night; those of all nights are read.

    Returns:
        Nothing where an earlier release made the warehouse's schema.
    """
    if "alert" not in warehouse.tables("audit"):
        return []
    rows = warehouse.rows(f"select {', '.join(_COLUMNS)} from audit.alert order by sent_at")
    return [
        SentAlert(**row | {"sent_at": row["sent_at"].astimezone(LOCAL_ZONE)})
        for row in rows
        if row["as_of_date"] == night or row["alert_code"] in standing
    ]

"""Which alerts have to be sent through a channel, and the record of those that were."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

from onestop.alerts.alert import ALERT_CODES, STANDING, Alert
from onestop.record.sent_alerts import RAISED, RESOLVED, SentAlert, record_sent, sent_alerts
from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from onestop.warehouse import Warehouse


def due_messages(
    warehouse: Warehouse,
    night: dt.date,
    alerts: Sequence[Alert],
    channel: str,
    codes: Collection[str] = ALERT_CODES,
) -> list[Alert]:
    """The alerts that are new or changed since they were sent, and those that are resolved.

    Args:
        warehouse: open.
        night: the night that they are about.
        alerts: all that hold now.
        channel: ``email`` or ``webhook``.
        codes: the kinds that were looked for; others are neither sent nor resolved.
    """
    last = {
        sent.alert_code: sent
        for sent in sent_alerts(warehouse, night, STANDING)
        if sent.sent_by == channel
    }
    holding = {alert.code: alert for alert in alerts if alert.code in codes}
    changed = [
        alert
        for code, alert in holding.items()
        if code not in last
        or last[code].alert_state == RESOLVED
        or last[code].facts_sha256 != alert.facts_sha256
    ]
    resolved = [
        resolved
        for code, sent in last.items()
        if code in codes and code not in holding and sent.alert_state == RAISED
        for resolved in [Alert(code, night, ()).resolved()]
        if resolved.kind.can_be_resolved
    ]
    return changed + resolved


def record_messages(
    warehouse: Warehouse, messages: Sequence[Alert], channel: str, now: dt.datetime | None = None
) -> None:
    """Record that messages were sent through a channel.

    Args:
        warehouse: open for writing.
        messages: what was sent.
        channel: ``email`` or ``webhook``.
        now: when; defaults to the clock's time.
    """
    record_sent(
        warehouse,
        [
            SentAlert(
                as_of_date=one.night,
                alert_code=one.code,
                sent_by=channel,
                alert_state=RESOLVED if one.is_resolved else RAISED,
                facts_sha256=one.facts_sha256,
                alert_counts=json.dumps(dict(one.counts), sort_keys=True),
                alert_vi=one.text("vi"),
                alert_en=one.text("en"),
                sent_at=now or dt.datetime.now(LOCAL_ZONE),
            )
            for one in messages
        ],
    )

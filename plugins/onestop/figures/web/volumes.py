"""The number of rows that a file usually has, and why its own was not compared with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from onestop.gate.past_volumes import PastVolumes, series_of
from onestop.gate.volume import (
    FEWEST,
    WEEKDAYS,
    earlier_counts,
    is_ordinary,
    is_volume_excepted,
    usual_volume,
)
from onestop.record.decisions import accepted_volumes
from onestop.schema.workdays import work_calendar

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from onestop.gate.verdict import UsualVolume
    from onestop.schema.number_text import Language
    from onestop.warehouse import Warehouse

#: Why the number of rows of a file was not judged.
_UNJUDGED: dict[str, dict[Language, str]] = {
    "replayed": {
        "vi": "không xét lại khi nạp lại",
        "en": "not judged again at the replay",
    },
    "late": {
        "vi": "không xét: tệp đến muộn",
        "en": "not judged: it came late",
    },
    "excepted": {
        "vi": "không xét: đêm đã xác nhận trước",
        "en": "not judged: the night is confirmed beforehand",
    },
    "accepted": {
        "vi": "chấp nhận theo quyết định",
        "en": "accepted by decision",
    },
    "day_off": {
        "vi": "không xét: ngày nghỉ hoặc làm bù, không có số thường lệ",
        "en": "not judged: a day off or a swapped day, without a usual number",
    },
    "unknown": {
        "vi": "chưa xét: có số thường lệ khi đã đủ {fewest} {weekdays} trước đó, nay có {known}",
        "en": "not judged yet: {fewest} earlier {weekdays} make a usual number; {known} so far",
    },
}


class VolumeCheck(NamedTuple):
    """What a file's number of rows was compared with.

    Attributes:
        usual: the usual number; None where there is none.
        unjudged: why the number was not judged; empty where it was.
    """

    usual: UsualVolume | None
    unjudged: str


def volume_checks(
    warehouse: Warehouse, deliveries: Iterable[Mapping[str, Any]], lang: Language
) -> dict[str, VolumeCheck]:
    """What the numbers of rows of deliveries were compared with, by delivery.

    Args:
        warehouse: the published record, open.
        deliveries: the last attempts, as in ``audit.delivery``.
        lang: of the reasons.
    """
    rows = list(deliveries)
    nights = {row["night"] for row in rows}
    if not nights:
        return {}
    past = PastVolumes(warehouse, min(nights), max(nights))
    accepted = {night: accepted_volumes(warehouse, night) for night in nights}
    calendar = work_calendar()
    first_loads = {
        row["delivery_id"]: row["attempt"]
        for row in warehouse.rows(
            "select delivery_id, min(attempt) as attempt from audit.delivery"
            " where state = 'loaded' and night >= :first and night <= :last group by delivery_id",
            {"first": min(nights), "last": max(nights)},
        )
    }

    def reason(row: Mapping[str, Any], usual: UsualVolume | None) -> str:
        night: dt.date = row["night"]
        if row["attempt"] > first_loads.get(row["delivery_id"], row["attempt"]):
            return "replayed"
        if row["attempt"] == 1 and row["known_from"] != night:
            return "late"
        if is_volume_excepted(row["source"], row["feed"], night):
            return "excepted"
        if f"{row['source']}/{row['feed']}" in accepted[night]:
            return "accepted"
        if not is_ordinary(night, calendar):
            return "day_off"
        return "" if usual else "unknown"

    found = {}
    for row in rows:
        series = series_of(row["source"], row["feed"], row["kind"], row["file_name"])
        counts = past.before(series, row["night"])
        usual = usual_volume(row["night"], counts, calendar)
        why = reason(row, usual)
        text = _UNJUDGED[why][lang] if why else ""
        if why == "unknown":
            text = text.format(
                fewest=FEWEST,
                weekdays=WEEKDAYS[lang][row["night"].weekday()],
                known=len(earlier_counts(row["night"], counts, calendar)),
            )
        found[row["delivery_id"]] = VolumeCheck(usual, text)
    return found

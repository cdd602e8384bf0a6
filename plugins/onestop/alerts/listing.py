"""The alerts of a night in the terminal."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, TextIO

from onestop.alerts.alert import STANDING
from onestop.alerts.finding import last_run_night, night_alerts
from onestop.alerts.message import webhook_body
from onestop.console import page_width, printed, write_csv
from onestop.marts.published import NothingPublishedError
from onestop.record.night_runs import has_night
from onestop.record.sent_alerts import sent_alerts
from onestop.schema.number_text import day, moment_text
from onestop.warehouse import NoWarehouseError, open_warehouse

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from onestop.alerts.alert import Alert
    from onestop.console import OutputFormat
    from onestop.record.sent_alerts import SentAlert
    from onestop.schema.number_text import Language
    from onestop.settings import Settings

_COLUMNS = ("night", "code", "line_vi", "line_en", "sent_at")
_WORDS: dict[str, dict[Language, str]] = {
    "none": {"vi": "Đêm {night}: không có cảnh báo", "en": "Night {night}: no alerts"},
    "unknown": {
        "vi": "Đêm {night} chưa được chạy và không có tệp nào; `onestop nights` liệt kê các đêm",
        "en": "Night {night} was not run and has no files; `onestop nights` lists the nights",
    },
    "sent": {"vi": "đã gửi: {times}", "en": "sent: {times}"},
    "not_sent": {"vi": "chưa gửi", "en": "not sent"},
}


def print_alerts(
    settings: Settings,
    night: dt.date | None = None,
    lang: Language = "vi",
    form: OutputFormat = "table",
    file: TextIO | None = None,
) -> None:
    """Print a night's alerts, and when each was sent; nothing is sent.

    Args:
        settings: of this installation.
        night: the night; defaults to the last one that was run.
        lang: of the table.
        form: ``table`` for people, ``json`` or ``csv`` for programs.
        file: where to; defaults to standard output.

    Raises:
        NothingPublishedError: no night was run yet.
    """
    file = file or sys.stdout
    alerts, sent, chosen, is_known = _read(settings, night)
    if form == "json":
        rows = [webhook_body(one, {}) | {"sent": _sent_json(one, sent)} for one in alerts]
        json.dump(rows, file, ensure_ascii=False, indent=2)
        file.write("\n")
    elif form == "csv":
        cells = (
            (one.night, one.code, line.vi, line.en, times)
            for one in alerts
            for times in [" ".join(at.isoformat(timespec="seconds") for _, at in _sent(one, sent))]
            for line in one.lines
        )
        write_csv(file, _COLUMNS, cells)
    else:
        above = "unknown" if not is_known else "none" if not alerts else ""
        note = _WORDS[above][lang].format(night=day(chosen, lang)) if above else ""
        _print(alerts, sent, note, lang, file)


def _read(
    settings: Settings, night: dt.date | None
) -> tuple[list[Alert], list[SentAlert], dt.date, bool]:
    """The alerts, those that were sent, the night, and whether anything is known of it."""
    try:
        warehouse = open_warehouse(settings.warehouse, read_only=True)
    except NoWarehouseError as error:
        raise _nothing_run() from error
    with warehouse:
        chosen = night or last_run_night(warehouse)
        if chosen is None:
            raise _nothing_run()
        alerts = night_alerts(warehouse, chosen, settings, settings.mappings())
        is_known = has_night(warehouse, chosen)
        return alerts, sent_alerts(warehouse, chosen, STANDING), chosen, is_known


def _nothing_run() -> NothingPublishedError:
    return NothingPublishedError(
        "no night was run yet", remedy="run `onestop night` for a night that has its exports"
    )


def _sent(alert: Alert, sent: Sequence[SentAlert]) -> list[tuple[str, dt.datetime]]:
    """By which channels the alert was sent as it is now, and when."""
    return [
        (one.sent_by, one.sent_at)
        for one in sent
        if (one.alert_code, one.facts_sha256) == (alert.code, alert.facts_sha256)
    ]


def _sent_json(alert: Alert, sent: Sequence[SentAlert]) -> list[dict[str, Any]]:
    return [
        {"sent_by": sent_by, "sent_at": at.isoformat(timespec="seconds")}
        for sent_by, at in _sent(alert, sent)
    ]


def _print(
    alerts: Sequence[Alert],
    sent: Sequence[SentAlert],
    note: str,
    lang: Language,
    file: TextIO,
) -> None:
    from rich.padding import Padding  # noqa: PLC0415 - the machine formats do without it

    with printed(file, page_width(file)) as console:
        if note:
            console.print(note)
        for one in alerts:
            times = [f"{sent_by} {moment_text(at, lang)}" for sent_by, at in _sent(one, sent)]
            word = "sent" if times else "not_sent"
            state = _WORDS[word][lang].format(times=", ".join(times))
            console.print(f"{one.subject(lang)} ({state})", style="bold")
            for line in one.texts(lang):
                console.print(Padding(line, (0, 0, 0, 2)))
            console.print(Padding(f"→ {one.remedy(lang)}", (0, 0, 1, 2)))

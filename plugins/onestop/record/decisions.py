"""``audit.decision``: what people decided about a night, and why.

No exported file states it, so the landing keeps each decision too, written once:
``decisions/<night>.<digest>.json``. A rebuilt warehouse gets them back.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from onestop.files import write_once
from onestop.storage import names_in

if TYPE_CHECKING:
    from pathlib import Path

    from onestop.warehouse import Warehouse

#: The folder of the landing with the decisions.
DECISIONS = "decisions"

#: The code of decisions on an unusual volume of a source's feed, or on a snapshot that lacks units.
VOLUME = "volume"
#: The code of decisions on issuing a report before its period is over; the subject is its code.
PROVISIONAL_REPORT = "provisional_report"
ACCEPTED, REFUSED = "accepted", "refused"


@dataclass(frozen=True)
class Decision:
    """One row of ``audit.decision``; the columns are described there."""

    as_of_date: dt.date
    decision_code: str
    subject: str
    answer: str
    because: str
    decided_by: str | None
    decided_at: dt.datetime

    @property
    def text(self) -> str:
        """As JSON, the content of its file."""
        at = self.decided_at.astimezone(dt.UTC).isoformat()
        values = asdict(self) | {"as_of_date": self.as_of_date.isoformat(), "decided_at": at}
        return json.dumps(values, ensure_ascii=False, sort_keys=True) + "\n"

    @classmethod
    def from_text(cls, text: str) -> Decision:
        """The inverse of :attr:`text`."""
        values = json.loads(text)
        values["as_of_date"] = dt.date.fromisoformat(values["as_of_date"])
        values["decided_at"] = dt.datetime.fromisoformat(values["decided_at"])
        return cls(**values)


_COLUMNS = tuple(field.name for field in fields(Decision))


def record_decision(warehouse: Warehouse, decision: Decision) -> None:
    """Record a decision; the same one as the last on its subject is recorded once."""
    if as_recorded(warehouse, decision) is decision:
        _insert(warehouse, decision)


def as_recorded(warehouse: Warehouse, decision: Decision) -> Decision:
    """The last decision on the subject where it says the same; else the given one."""
    last = [
        one
        for one in decisions_on(warehouse, decision.as_of_date)
        if (one.decision_code, one.subject) == (decision.decision_code, decision.subject)
    ][-1:]
    stated = ("answer", "because", "decided_by")
    if last and all(getattr(last[0], name) == getattr(decision, name) for name in stated):
        return last[0]
    return decision


def _insert(warehouse: Warehouse, decision: Decision) -> None:
    warehouse.execute(
        f"insert into audit.decision ({', '.join(_COLUMNS)})"
        f" values ({', '.join(f':{name}' for name in _COLUMNS)})",
        asdict(decision),
    )


def decisions_on(warehouse: Warehouse, night: dt.date) -> list[Decision]:
    """The decisions about a night, the oldest first.

    Returns:
        Nothing where an earlier release made the warehouse, or where the login may not read them.
    """
    if "decision" not in warehouse.tables("audit"):
        return []
    rows = warehouse.rows(
        f"select {', '.join(_COLUMNS)} from audit.decision where as_of_date = :night"
        " order by decided_at, decision_code, subject",
        {"night": night},
    )
    return [Decision(**row) for row in rows]


def report_decision_count(warehouse: Warehouse) -> int:
    """How many decisions on issuing reports are recorded; 0 where an earlier release made it."""
    if "decision" not in warehouse.tables("audit"):
        return 0
    return int(
        warehouse.value(
            "select count(*) from audit.decision where decision_code = :code",
            {"code": PROVISIONAL_REPORT},
        )
    )


def decision_on_report(
    warehouse: Warehouse, report_code: str, night: dt.date, until: dt.datetime
) -> Decision | None:
    """The last decision until a moment on issuing a report on a night; None for none."""
    found = [
        one
        for one in decisions_on(warehouse, night)
        if (one.decision_code, one.subject) == (PROVISIONAL_REPORT, report_code)
        and one.decided_at <= until
    ]
    return found[-1] if found else None


def standing_decisions(warehouse: Warehouse, night: dt.date) -> list[Decision]:
    """The last decision on each subject of a night."""
    last = {(one.decision_code, one.subject): one for one in decisions_on(warehouse, night)}
    return [last[key] for key in sorted(last)]


def accepted_volumes(warehouse: Warehouse, night: dt.date) -> frozenset[str]:
    """The feeds, as ``source/feed``, whose unusual volume that night is accepted."""
    return frozenset(
        one.subject
        for one in standing_decisions(warehouse, night)
        if (one.decision_code, one.answer) == (VOLUME, ACCEPTED)
    )


def keep_decisions(landing: Path, warehouse: Warehouse) -> None:
    """Write the decisions of the record that have no file in the landing yet."""
    kept = names_in(landing / DECISIONS)
    for row in warehouse.rows(f"select {', '.join(_COLUMNS)} from audit.decision"):
        text = Decision(**row).text
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        path = landing / DECISIONS / f"{row['as_of_date']}.{digest}.json"
        if path.name not in kept:
            write_once(path, text)


def restore_decisions(warehouse: Warehouse, landing: Path) -> None:
    """Enter the decisions of the landing that the record lacks."""
    rows = warehouse.rows(f"select {', '.join(_COLUMNS)} from audit.decision")
    known = {Decision(**row).text for row in rows}
    for path in sorted((landing / DECISIONS).glob("*.json")):
        text = path.read_text(encoding="utf-8")
        if text not in known:
            _insert(warehouse, Decision.from_text(text))

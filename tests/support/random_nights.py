"""Random sequences of nights, as the files that a city's sources deliver night by night.

They have deltas and snapshots of several sources, late and corrected files, rejected rows, dossiers
that vanish, come back and name each other, tickets with transfers, changing registers, and nights
without a run. The days lie around the ends of periods.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb
from random_worlds import (
    EVENTS,
    ONE_DAY,
    PROCEDURES,
    UNITS,
    clock_of,
    dossier_code,
    dossier_story,
    due_after,
    procedure_story,
    ticket,
    unit_story,
    without_flags,
)
from staged_files import a_delivery, write_staged

from onestop.schema.feeds import FEEDS

if TYPE_CHECKING:
    from pathlib import Path

    from random_worlds import Choose
    from reference_figures import Says

    from onestop.intake.delivery import Delivery

#: First nights of a sequence: ends of months, quarters, government periods and years.
STARTS = tuple(map(dt.date.fromisoformat, ("2022-06-12", "2022-06-28", "2022-12-12", "2022-12-29")))
_GATE = """
create table rejected_row as select row_number, {key} as key_text, 'DOS-R11' as rule_code,
    'error' as severity, 'sai' as message_vi, 'wrong' as message_en, '{{}}' as offending
    from staged_row where row_number in ({bad});
create view accepted_row as select * from staged_row where not is_repeat
    and row_number not in (select row_number from rejected_row);
create table rule_result (rule_code varchar, severity varchar, expectation_type varchar,
    success boolean, rows_checked bigint, rows_failed bigint, message_vi varchar,
    message_en varchar, clause varchar, examples varchar);
create table gate_summary as select
    (select count(*) from staged_row) as rows_read, 0 as rows_blank,
    (select count(*) from staged_row where is_repeat) as rows_repeated,
    (select count(*) from rejected_row) as rows_rejected,
    (select count(*) from accepted_row) as rows_accepted, 0 as warnings, 'suite' as suite_sha256
"""


@dataclass
class SentFile:
    """One delivery and its rows."""

    number: int
    source: str
    feed: str
    night: dt.date
    kind: str
    name: str
    rows: list[Says]
    bad: list[int] = field(default_factory=list)

    @property
    def delivery(self) -> Delivery:
        return a_delivery(
            self.feed,
            str(self.night),
            source=self.source,
            delivery_id=f"{self.source}.{self.feed}.{self.night:%Y%m%d}.{self.number:012d}",
            kind=self.kind,
            sha256=f"{self.number:064d}",
            file_name=self.name,
            file_modified_at=dt.datetime(2022, 1, 1, tzinfo=dt.UTC)
            + dt.timedelta(minutes=self.number),
        )

    def staged(self, folder: Path) -> Path:
        path = folder / f"{self.delivery.delivery_id}.duckdb"
        feed = FEEDS[self.feed]
        write_staged(path, self.delivery, [_as_staged(self.feed, row) for row in self.rows])
        key = " || '|' || ".join(f"cast({name} as varchar)" for name in feed.key)
        with duckdb.connect(path) as staged:
            staged.execute(_GATE.format(key=key, bad=", ".join(map(str, self.bad)) or "0"))
        return path


@dataclass
class SentNight:
    """The files of a night, and whether the night is run."""

    night: dt.date
    is_run: bool
    files: list[SentFile] = field(default_factory=list)


def _as_staged(feed: str, says: Says) -> dict[str, Any]:
    row = {name: value for name, value in says.items() if name in FEEDS[feed].column_names}
    for column in FEEDS[feed].columns:
        moment = column.derived_from
        if moment and row.get(moment) is None and row.get(column.name) is not None:
            row[moment] = f"{row[column.name]} {clock_of(says, moment):%H:%M:%S}"
        if column.derived_from:
            row.pop(column.name, None)
    return {
        name: None if value is None else str(value) if not isinstance(value, (bool, int)) else value
        for name, value in row.items()
    }


class Sources:
    """The city's sources, which send files every night.

    Args:
        choose: picks one of the options it is given.
    """

    def __init__(self, choose: Choose) -> None:
        self._choose = choose
        self._dossiers: dict[str, Says] = {}
        self._tickets: list[str] = []
        self._sent: list[SentFile] = []
        self._made = 0

    def nights(self, count: int, *, dossiers: int = 12) -> list[SentNight]:
        """A sequence of nights; some days are left out, some nights are not run."""
        night = self._choose(STARTS)
        found = []
        for number in range(count):
            sent = SentNight(night, is_run=number == 0 or self._choose((True, True, True, False)))
            sent.files += self._registers(night, is_first=number == 0)
            for _ in range(dossiers if number == 0 else 3):
                self._add_dossier(night)
            sent.files += self._dossier_files(night)
            sent.files += self._tickets_of(night)
            if number:
                sent.files += self._late_file(night)
                sent.files += self._corrected_file()
            found.append(sent)
            night += self._choose((1, 1, 1, 2, 5)) * ONE_DAY
        found[-1].is_run = True
        return found

    def _send(self, source: str, feed: str, night: dt.date, kind: str, rows: list[Says],
              name: str = "") -> SentFile:  # fmt: skip
        self._made += 1
        name = name or f"{source}/{feed}_{night:%Y%m%d}_{self._made}.json"
        sent = SentFile(self._made, source, feed, night, kind, name, rows)
        if feed == "dossiers" and rows and self._choose((False,) * 5 + (True,)):
            sent.bad = [1]
        self._sent.append(sent)
        return sent

    def _registers(self, night: dt.date, *, is_first: bool) -> list[SentFile]:
        files = []
        if is_first or self._choose((False,) * 7 + (True,)):
            stories = [unit_story(self._choose, code, level) for code, level in UNITS.items()]
            rows = [story[0].says for story in stories if story and story[0].says]
            files.append(self._send("one_stop", "units", night, "snapshot", rows))
        if is_first or self._choose((False,) * 7 + (True,)):
            stories = [procedure_story(self._choose, code) for code in PROCEDURES]
            rows = [story[0].says for story in stories if story and story[0].says]
            files.append(self._send("one_stop", "procedures", night, "snapshot", rows))
        return files

    def _add_dossier(self, night: dt.date) -> None:
        code = dossier_code(len(self._dossiers))
        says = dossier_story(self._choose, code, known=list(self._dossiers))[0].says
        assert says is not None
        received = night - self._choose((0, 0, 1, 3, 10, 20, 40)) * ONE_DAY
        if says["received_date"] is not None:
            says = says | {
                "received_date": received,
                "due_date": due_after(self._choose, received),
                # the first due date may pass on another night than the current one
                "original_due_date": due_after(self._choose, received),
                "resolved_date": says["resolved_date"] and night,
            }
        self._dossiers[code] = without_flags(says)

    def _dossier_files(self, night: dt.date) -> list[SentFile]:
        for code, says in list(self._dossiers.items()):
            if self._choose((False, False, True)):
                self._dossiers[code] = without_flags(
                    self._choose(EVENTS)(self._choose, says, night)
                )
        files = []
        for source in sorted({says["source"] for says in self._dossiers.values()}):
            own = [says for says in self._dossiers.values() if says["source"] == source]
            kind = self._choose(("delta", "delta", "snapshot"))
            if kind == "snapshot":
                rows = [says for says in own if self._choose((True,) * 9 + (False,))]
            else:
                rows = [says for says in own if self._choose((False, True))]
            if rows:
                files.append(self._send(source, "dossiers", night, kind, rows))
        return files

    def _late_file(self, night: dt.date) -> list[SentFile]:
        if self._choose((False, False, True)):
            code = self._choose(sorted(self._dossiers))
            earlier = night - self._choose((1, 2, 7)) * ONE_DAY
            says = self._choose(EVENTS)(self._choose, self._dossiers[code], earlier)
            return [self._send(says["source"], "dossiers", earlier, "delta", [without_flags(says)])]
        return []

    def _corrected_file(self) -> list[SentFile]:
        sent = [file for file in self._sent if file.feed == "dossiers" and len(file.rows) > 1]
        if not sent or self._choose((False, False, True)):
            return []
        file = self._choose(sent)
        rows = [says for says in file.rows if self._choose((True, True, False))] or file.rows[1:]
        return [self._send(file.source, "dossiers", file.night, file.kind, rows, file.name)]

    def _tickets_of(self, night: dt.date) -> list[SentFile]:
        rows = []
        for _ in range(self._choose((3, 0, 1))):
            again = self._tickets and self._choose((False, False, True))
            code = self._choose(self._tickets) if again else f"T{len(self._tickets):04}"
            says = ticket(self._choose, code, self._tickets).says
            assert says is not None
            day = night - self._choose((0, 0, 0, 1, 9)) * ONE_DAY
            shift = day - says["issued_date"]
            says = says | {"issued_date": day, "issued_at": says["issued_at"] + shift}
            if says["called_at"] is not None:
                says["called_at"] += shift
            rows.append(says)
            if not again:
                self._tickets.append(code)
        by_code = {says["ticket_code"]: says for says in rows}
        if not rows:
            return []
        return [self._send("one_stop", "visits", night, "delta", list(by_code.values()))]

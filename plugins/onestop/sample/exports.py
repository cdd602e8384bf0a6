"""The nightly exports of the sample: the files of each night, and their content."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from onestop.errors import OneStopError
from onestop.progress import advance, working
from onestop.said import said
from onestop.sample import registers, tickets
from onestop.sample.dirt import exported_rows, spoil_lives
from onestop.sample.files import json_array, write_csv, write_sheet
from onestop.sample.life import HORIZON_DAYS, REFUSED, Life, Simulation, Version
from onestop.sample.records import dossier_record
from onestop.sample.workdays import WorkingDays

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

#: The days that the catalogue and the calendar of the sample reach.
EARLIEST, LATEST = dt.date(2021, 1, 1), dt.date(2030, 12, 31)
_MOST_DIRT_PERCENT = 50


class SampleError(OneStopError):
    """A sample with impossible parameters."""


@dataclass
class SampleSummary:
    """What was written.

    Attributes:
        files: every file of the nights, in order; files with the same bytes were not rewritten.
        dossiers: number of dossiers in the files.
        dossier_rows: number of their rows, in all files together.
        visits: tickets written.
        bad_rows: rows that are wrong on purpose, by kind, in all files together.
        edits: rows that show an after-the-fact change of an overdue dossier, by kind.
    """

    files: list[Path] = field(default_factory=list)
    dossiers: int = 0
    dossier_rows: int = 0
    visits: int = 0
    bad_rows: Counter[str] = field(default_factory=Counter)
    edits: Counter[str] = field(default_factory=Counter)


def write_sample(  # noqa: PLR0913 - the options of the command
    out: Path,
    first: dt.date,
    last: dt.date,
    *,
    since: dt.date | None = None,
    per_day: int = 120,
    seed: int = 3818,
    dirt_percent: float = 1.0,
    communes: int | None = None,
) -> SampleSummary:
    """Write the exports of every night from ``first`` to ``last`` into a folder.

    A file of a given name always has the same bytes, whatever the range it is written with.

    Args:
        out: the folder; made when missing.
        first: the first night.
        last: the last night, included.
        since: when given, the first night also has a snapshot of every dossier submitted since
            that day or still open on it, so that a demonstration can start late in the year
            with the year's history.
        per_day: new dossiers on an average working day.
        seed: the seed of all random draws.
        dirt_percent: per cent of changes that are exported wrongly.
        communes: at most so many communes of each district, for a small city; all when None.

    Raises:
        SampleError: the range or a number is not possible.
    """
    _require_sense(first, last, since, per_day, dirt_percent, communes)
    out.mkdir(parents=True, exist_ok=True)
    years = (min(since or first, first).year - 1, last.year + 1)
    simulation = Simulation(seed, per_day, WorkingDays(*years), communes)
    exports = _Exports(
        out=out,
        first=first.toordinal(),
        last=last.toordinal(),
        since=since.toordinal() if since else None,
        simulation=simulation,
        dirt_percent=dirt_percent,
    )
    return exports.write()


def _require_sense(
    first: dt.date,
    last: dt.date,
    since: dt.date | None,
    per_day: int,
    dirt_percent: float,
    communes: int | None,
) -> None:
    if first > last:
        raise SampleError(
            said("the first night {first} is after the last night {last}", first=first, last=last),
            remedy="exchange --from and --to",
        )
    if since and since > first:
        raise SampleError(
            said(
                "the history begins on {since}, after the first night {first}",
                since=since,
                first=first,
            ),
            remedy="give --since a day up to the first night",
        )
    if min(since or first, first) < EARLIEST or last > LATEST:
        raise SampleError(
            "the sample has no such days",
            remedy=said("use days from {earliest} to {latest}", earliest=EARLIEST, latest=LATEST),
        )
    if per_day < 1:
        raise SampleError(
            said("{per_day} dossiers a day are too few", per_day=per_day),
            remedy="use at least one with --per-day",
        )
    if communes is not None and communes < 1:
        raise SampleError(
            said("{communes} communes of a district are too few", communes=communes),
            remedy="use at least one with --communes",
        )
    if not 0 <= dirt_percent <= _MOST_DIRT_PERCENT:
        raise SampleError(
            said(
                "{dirt_percent} percent of faulty rows is not possible", dirt_percent=dirt_percent
            ),
            remedy=said(
                "give --dirt 0 to {most_dirt_percent} percent", most_dirt_percent=_MOST_DIRT_PERCENT
            ),
        )


_Change = tuple[Version, Life]


@dataclass
class _Exports:
    """The simulation of the nights; days are ordinals."""

    out: Path
    first: int
    last: int
    since: int | None
    simulation: Simulation
    dirt_percent: float
    summary: SampleSummary = field(default_factory=SampleSummary)
    #: Versions that later nights export, by night.
    changes: defaultdict[int, list[_Change]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.machines = tickets.TicketMachines(self.simulation)

    def write(self) -> SampleSummary:
        """Simulate the days; write each night's files when it is over."""
        begin = min(self.since or self.first, self.first) - HORIZON_DAYS
        with working("writing", self.out.name, unit="days", total=self.last - begin + 1):
            self._write_from(begin)
        return self.summary

    def _write_from(self, begin: int) -> None:
        if self.since is None:
            for day in range(begin, self.first + 1):
                self._dossiers_of(day)
        else:
            path = self._path("dossiers", self.first, "_snapshot.json")
            self._write_dossiers(path, self._snapshot(range(begin, self.first + 1)))
        for night in range(self.first, self.last + 1):
            if night > self.first:
                self._dossiers_of(night)
            self._write_night(night)

    def _snapshot(self, days: range) -> Iterator[_Change]:
        for day in days:
            for life in self._dossiers_of(day):
                version = self._version_in_snapshot(life)
                if version:
                    yield version, life

    def _write_dossiers(self, path: Path, changes: Iterable[_Change]) -> None:
        """One row for each; the second rows of doubled ones come at the end."""
        summary = self.summary
        with json_array(path) as array:
            seconds = []
            for version, life in changes:
                row, second = exported_rows(dossier_record(life, version), version)
                array.write(row)
                if second:
                    seconds.append(second)
                summary.dossier_rows += 1
                if version.spoilt:
                    summary.bad_rows[version.spoilt] += 1
                if version.edit:
                    summary.edits[version.edit] += 1
            for row in seconds:
                array.write(row)
            summary.dossier_rows += len(seconds)
        summary.files.append(path)

    def _dossiers_of(self, day: int) -> list[Life]:
        """Draw a day's dossiers and note their versions for the nights."""
        simulation = self.simulation
        lives = simulation.dossiers_of(day)
        rng = random.Random(f"{simulation.seed}:dirt:{day}")
        spoil_lives(lives, rng, self.dirt_percent, simulation.workdays)
        for life in lives:
            is_exported = False
            for version in life.versions:
                if self.first <= version.night <= self.last:
                    self.changes[version.night].append((version, life))
                    is_exported = True
            self.summary.dossiers += is_exported or self._version_in_snapshot(life) is not None
        advance()
        return lives

    def _version_in_snapshot(self, life: Life) -> Version | None:
        """The version that the first night's snapshot shows of a dossier, if it shows it."""
        if self.since is None:
            return None
        if life.versions[0].night < self.since:
            before = life.version_at(self.since - 1)
            if before and (before.resolved or before.status == REFUSED):
                return None
        return life.version_at(self.first)

    def _path(self, feed: str, night: int, ending: str) -> Path:
        return self.out / f"{feed}_{dt.date.fromordinal(night):%Y%m%d}{ending}"

    def _write_night(self, night: int) -> None:
        changes = sorted(
            self.changes.pop(night, ()), key=lambda change: (change[0].modified, change[1].code)
        )
        self._write_dossiers(self._path("dossiers", night, ".json"), changes)
        self._write_visits(night)
        day = dt.date.fromordinal(night)
        if night == self.first or day.day == 1:
            self._write_registers(night)
        if night == self.first or registers.is_quarter_end(day):
            path = self._path("declarations", night, ".csv")
            write_csv(path, registers.DECLARATIONS_HEADER, registers.declaration_rows(day))
            self.summary.files.append(path)

    def _write_visits(self, night: int) -> None:
        rows, planted = self.machines.tickets_of(night, self.dirt_percent)
        if not rows:  # the desks are closed, the machines off
            return
        path = self._path("visits", night, ".csv")
        write_csv(path, tickets.HEADER, rows)
        self.summary.files.append(path)
        self.summary.visits += len(rows)
        self.summary.bad_rows += planted

    def _write_registers(self, night: int) -> None:
        day = dt.date.fromordinal(night)
        path = self._path("units", night, ".csv")
        rows = registers.unit_rows(self.simulation.offices, day)
        write_csv(path, registers.UNITS_HEADER, rows, delimiter=";", has_bom=True)
        self.summary.files.append(path)
        path = self._path("procedures", night, ".xlsx")
        title = (
            "ỦY BAN NHÂN DÂN THÀNH PHỐ HẢI PHÒNG",
            "DANH MỤC THỦ TỤC HÀNH CHÍNH",
            f"(Dữ liệu mẫu, tính đến ngày {day:%d/%m/%Y})",
        )
        write_sheet(path, "TTHC", title, registers.PROCEDURES_HEADER, registers.procedure_rows(day))
        self.summary.files.append(path)

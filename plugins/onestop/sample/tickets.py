"""Queue tickets: the visits to those One-Stop desks that have a ticket machine."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections import Counter
from typing import TYPE_CHECKING

from onestop.sample.chance import Lots, between, comes_up
from onestop.sample.offices import LEVEL_SHARES, Office
from onestop.sample.workdays import AFTERNOON, CLOSING, MIDDAY, OPENING, SECONDS_PER_DAY, iso

if TYPE_CHECKING:
    from onestop.sample.life import Simulation

HEADER = (
    "id",
    "number",
    "unit_code",
    "counter_name",
    "service_id",
    "procedure_code",
    "priority",
    "status",
    "transferred_from",
    "created_at",
    "called_at",
    "served_at",
    "finished_at",
    "full_name",
    "phone",
)

Row = dict[str, str]

#: Tickets for every dossier that a desk with a machine receives: people also come to ask, to
#: hand in missing papers and to collect.
_TICKETS_PER_DOSSIER = 1.6
_COUNTERS = 6
_NO_SHOW_SHARE = 0.055
_SKIPPED_SHARE = 0.01
_TRANSFERRED_SHARE = 0.012
_REPRINTED_SHARE = 0.007
_PRIORITIES = Lots(("normal", "priority", "elderly"), (92, 3, 5))

#: How a row of a ticket can be wrong.
KINDS = (
    "called_before_issued",
    "missing_issue",
    "waited_beyond_the_day",
    "unknown_ticket_status",
    "repeated_ticket",
    "conflicting_ticket",
)


class TicketMachines:
    """Draws the tickets of any day; like the dossiers, from the seed and the day alone."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._offices = tuple(o for o in simulation.offices if o.has_queue)
        totals = dict.fromkeys(LEVEL_SHARES, 0.0)
        for office in simulation.offices:
            totals[office.level] += office.weight
        self._lots = Lots(
            self._offices,
            [LEVEL_SHARES[o.level] * o.weight / totals[o.level] for o in self._offices],
        )

    def tickets_of(self, day: int, dirt_percent: float) -> tuple[list[Row], Counter[str]]:
        """The rows of that day in order of issue, and the planted faults by kind."""
        simulation = self._simulation
        if not simulation.workdays.is_working(day):
            return [], Counter()
        rng = random.Random(f"{simulation.seed}:tickets:{day}")
        expected = simulation.per_day * simulation.busyness(day) * _TICKETS_PER_DOSSIER
        visitors = max(1, round(expected * self._lots.total))
        clocks = sorted(_clock_of_issue(rng) for _ in range(visitors))
        desk_day = _DeskDay(rng, day, slowness=max(simulation.busyness(day), 1.0))
        for clock in clocks:
            office = self._lots.draw(rng)
            desk_day.visit(office, clock)
        dirt = random.Random(f"{simulation.seed}:ticket-dirt:{day}")
        return _spoil(desk_day.rows, dirt, dirt_percent / 100)


def _clock_of_issue(rng: random.Random) -> int:
    """Most people come in the first hours of the morning and of the afternoon."""
    if comes_up(rng, 0.62):
        return OPENING + int(rng.betavariate(1.3, 2.2) * (MIDDAY - OPENING - 900))
    return AFTERNOON + int(rng.betavariate(1.2, 2.2) * (CLOSING - AFTERNOON - 2700))


class _DeskDay:
    """The tickets of one day while they are issued."""

    def __init__(self, rng: random.Random, day: int, slowness: float) -> None:
        self.rows: list[Row] = []
        self._rng = rng
        self._day = day
        self._slowness = slowness
        self._issued: Counter[str] = Counter()
        self._text = dt.date.fromordinal(day).strftime("%y%m%d")

    def visit(self, office: Office, clock: int) -> None:
        """Somebody draws a ticket, waits and is served, or goes."""
        rng = self._rng
        procedure = office.pool.draw(rng).code
        if comes_up(rng, _REPRINTED_SHARE):
            self._ticket(office, procedure, [clock], status="skipped")
            clock += between(rng, 5, 50)
        called = clock + int(self._wait(office))
        if clock < MIDDAY <= called:
            called += AFTERNOON - MIDDAY
        chance = rng.random()
        if called > CLOSING or chance < _SKIPPED_SHARE:
            self._ticket(office, procedure, [clock], status="skipped")
        elif chance < _SKIPPED_SHARE + _NO_SHOW_SHARE:
            self._ticket(office, procedure, [clock, called], status="no_show")
        else:
            served = called + between(rng, 5, 60)
            finished = served + between(rng, 60, 900)
            code = self._ticket(office, procedure, [clock, called, served, finished])
            if comes_up(rng, _TRANSFERRED_SHARE):
                called = finished + between(rng, 60, 1200)
                clocks = [finished, called, called + 20, called + between(rng, 60, 600)]
                self._ticket(office, procedure, clocks, transferred_from=code)

    def _wait(self, office: Office) -> float:
        median = office.wait_minutes * 60 * self._slowness
        return self._rng.lognormvariate(math.log(median), 0.55)

    def _ticket(
        self,
        office: Office,
        procedure: str,
        clocks: list[int],
        *,
        status: str = "completed",
        transferred_from: str = "",
    ) -> str:
        """Write one ticket and hand back its code.

        The times are seconds of this day: issued, called, served and finished, as far as it got.
        """
        rng = self._rng
        self._issued[office.code] += 1
        number = self._issued[office.code]
        code = f"{office.code}-{self._text}-{number:04d}"
        moments = [iso(self._day * SECONDS_PER_DAY + clock) for clock in clocks]
        issued, called, served, finished = moments + [""] * (4 - len(moments))
        self.rows.append(
            {
                "id": code,
                "number": str(1000 + number),
                "unit_code": office.code,
                "counter_name": f"Quầy {between(rng, 1, _COUNTERS):02d}",
                "service_id": f"DV{1 + sum(procedure.encode()) % 9}",
                "procedure_code": procedure,
                "priority": _PRIORITIES.draw(rng),
                "status": status,
                "transferred_from": transferred_from,
                "created_at": issued,
                "called_at": called,
                "served_at": served,
                "finished_at": finished,
                "full_name": f"Người nộp {number:06d}",
                "phone": "0000000000",
            }
        )
        return code


def _spoil(rows: list[Row], rng: random.Random, share: float) -> tuple[list[Row], Counter[str]]:
    planted: Counter[str] = Counter()
    kept: list[Row] = []
    further: list[Row] = []
    for row in rows:
        kept.append(row)
        if rng.random() >= share:
            continue
        kind = rng.choice(KINDS if row["called_at"] else KINDS[1:2] + KINDS[3:])
        planted[kind] += 1
        if kind == "called_before_issued":
            row["created_at"], row["called_at"] = row["called_at"], row["created_at"]
        elif kind == "missing_issue":
            row["created_at"] = ""
        elif kind == "waited_beyond_the_day":  # "close all" was pressed late at night
            row["called_at"] = row["called_at"][:11] + "23:55:00"
            row["served_at"] = row["finished_at"] = row["called_at"][:11] + "23:59:00"
        elif kind == "unknown_ticket_status":
            row["status"] = "closed"
        elif kind == "repeated_ticket":
            further.append(dict(row))
        else:
            further.append({**row, "counter_name": "Quầy 99", "called_at": row["created_at"]})
    return kept + further, planted

"""The life of a dossier, from its submission to the collection of its result.

All dossiers of one day are drawn from the seed and that day alone, so a dossier does not depend on
the range of nights. A life is a list of versions, as a nightly export has them: the dossier's state
at the end of each day on which it changed.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from onestop.sample.chance import Lots, between, comes_up
from onestop.sample.offices import LEVEL_SHARES, Office, offices
from onestop.sample.workdays import (
    AFTERNOON,
    CLOSING,
    MIDDAY,
    OPENING,
    QUARTER_HOUR,
    SECONDS_PER_DAY,
    WorkingDays,
)

if TYPE_CHECKING:
    from onestop.sample.catalogue import Procedure

#: A dossier does not change later than this many days after its submission.
HORIZON_DAYS = 180

# TrangThaiHoSo of the national sync record.
REGISTERED, RECEIVED, REFUSED, PROCESSING = "1", "2", "3", "4"
SUPPLEMENT, PAYMENT, WITHDRAWN, SUSPENDED = "5", "6", "7", "8"
RESOLVED, RETURNED = "9", "10"
CLOSED = (WITHDRAWN, RESOLVED, RETURNED)

COUNTER, ONLINE, POST = "1", "2", "3"

#: Two kinds of after-the-fact change, for an auditor to find.
DUE_MOVED = "due_moved_after_overdue"
END_SET_TO_DUE = "end_set_to_due"

_WEEKDAY_FACTORS = (1.23, 1.03, 0.98, 0.93, 0.83)
_CLOSED_DAY_FACTOR = 0.08
_LONG_CLOSURE_DAYS, _LONG_CLOSURE_FACTOR = 4, 1.3
_ONLINE_FROM, _ONLINE_TO = 0.25, 0.55
_YEAR, _SATURDAY = 365, 5
_LONGEST_DELAY_WORKDAYS = 40

# Probability of each event of a life.
_REFUSED_SHARE = 0.04  # of the online submissions
_NO_DUE_SHARE = 0.01
_WAITING_SHARE = 0.35  # received, but only looked at the next day
_PAUSED_SHARE, _LONGER_WORKDAYS = 0.06, 3  # of those that take so many days or more
_NEVER_BACK_SHARE = 0.08  # of the paused ones
_WITHDRAWN_SHARE = 0.002
_RETURNED_UNPROCESSED_SHARE = 0.006
_EARLY_SHARE = 0.62
_NEVER_DONE_SHARE = 0.12  # of the late ones, like the next two
_DUE_MOVED_SHARE = 0.06
_END_SET_SHARE = 0.04
_NEVER_COLLECTED_SHARE = 0.06
_AT_ONCE_SHARE = 0.6  # of the online ones, counting from the same end

#: Land waits for the tax office, most others for papers.
_PAUSES = Lots((SUPPLEMENT, PAYMENT, SUSPENDED), (90, 5, 5))
_LAND_PAUSES = Lots((SUPPLEMENT, PAYMENT, SUSPENDED), (60, 35, 5))

#: When people submit online, by hour of the day.
_ONLINE_HOURS = Lots(
    range(24), (1, 1, 0, 0, 0, 1, 3, 8, 14, 14, 12, 8, 5, 7, 12, 12, 9, 6, 5, 6, 7, 6, 4, 2)
)


class Supplement(NamedTuple):
    """One request for more papers: when, and the deadlines before and after it."""

    asked: int
    due_before: int | None
    due_after: int | None


class Version(NamedTuple):
    """The state of a dossier after one day; moments as in :mod:`onestop.sample.workdays`.

    ``edit`` names the after-the-fact change that made this version, ``spoilt`` the kind of fault in
    its exported row (see :mod:`onestop.sample.dirt`).
    """

    modified: int
    status: str
    received: int | None = None
    due: int | None = None
    original_due: int | None = None
    resolved: int | None = None
    returned: int | None = None
    refused: int | None = None
    outcome: str = ""
    result_digitised: str = ""
    supplement: Supplement | None = None
    edit: str = ""
    spoilt: str = ""

    @property
    def night(self) -> int:
        """The night whose export has this version (an ordinal)."""
        return self.modified // SECONDS_PER_DAY


@dataclass(slots=True, eq=False)
class Life:
    """One dossier: its constant facts, and its versions, oldest first."""

    code: str
    alias: str
    number: int
    procedure: Procedure
    service_level: str
    channel: str
    receiving: Office
    resolving: Office
    submitted: int
    has_digitised_papers: bool
    versions: list[Version] = field(default_factory=list)

    def version_at(self, night: int) -> Version | None:
        """The last version known at the end of that night; None before its submission."""
        known = None
        for version in self.versions:
            if version.night > night:
                break
            known = version
        return known


#: What an event changes in a dossier, field by field.
_Changes = dict[str, Any]
_MOMENT = itemgetter("modified")


def fold_events(events: list[_Changes]) -> list[Version]:
    """The versions of these events: the state after the last one of each day."""
    versions: list[Version] = []
    events.sort(key=_MOMENT)
    state = Version(modified=0, status=REGISTERED)
    night = -1
    for changes in events:
        state = state._replace(**changes)
        if state.night == night:
            versions[-1] = state._replace(edit=state.edit or versions[-1].edit)
        else:
            versions.append(state)
            night = state.night
    return versions


class Simulation:
    """Draws the dossiers of any day.

    Args:
        seed: everything that is drawn comes from it and the day.
        per_day: new dossiers on an average working day.
        workdays: the offices' calendar; must reach a year beyond the days asked for.
        communes: at most so many communes of each district; all when None.
    """

    def __init__(
        self, seed: int, per_day: int, workdays: WorkingDays, communes: int | None = None
    ) -> None:
        self.seed = seed
        self.per_day = per_day
        self.workdays = workdays
        self.offices = offices(seed, communes)
        self._levels = Lots(tuple(LEVEL_SHARES), LEVEL_SHARES.values())
        self._by_level = {
            level: Lots(found, [o.weight for o in found])
            for level in LEVEL_SHARES
            for found in [[o for o in self.offices if o.level == level]]
        }
        self._communes_of = {
            o: tuple(c for c in self._by_level["commune"].things if c.parent is o)
            for o in self._by_level["district"].things
        }
        self._online_reach = self._share_that_could_be_online()

    def _share_that_could_be_online(self) -> float:
        reach = 0.0
        for level, share in LEVEL_SHARES.items():
            lots = self._by_level[level]
            could = sum(o.weight * o.online_pool.total / o.pool.total for o in lots.things)
            reach += share * could / lots.total
        return reach

    def online_share(self, day: int) -> float:
        """The share of dossiers submitted online that day: from 25 % to 55 % over 2022."""
        done = (day - dt.date(2022, 1, 1).toordinal()) / _YEAR
        return _ONLINE_FROM + (_ONLINE_TO - _ONLINE_FROM) * min(max(done, 0.0), 1.0)

    def busyness(self, day: int) -> float:
        """How many people come that day, relative to an average working day."""
        if not self.workdays.is_working(day):
            return _CLOSED_DAY_FACTOR
        factor = _WEEKDAY_FACTORS[min(dt.date.fromordinal(day).weekday(), 4)]
        if self.workdays.days_closed_before(day) >= _LONG_CLOSURE_DAYS:
            factor *= _LONG_CLOSURE_FACTOR
        return factor

    def dossiers_of(self, day: int) -> list[Life]:
        """Every dossier submitted on that day (an ordinal), with its whole life."""
        rng = random.Random(f"{self.seed}:dossiers:{day}")
        expected = self.per_day * self.busyness(day) * rng.uniform(0.92, 1.08)
        is_open = self.workdays.is_working(day)
        online_chance = self.online_share(day) / self._online_reach
        sequence: dict[str, int] = {}
        text = dt.date.fromordinal(day).strftime("%y%m%d")
        found = []
        for number in range(1, max(1, round(expected)) + 1):
            life = self._draw(rng, day, number, online_chance if is_open else None)
            prefix = life.receiving.code_prefix
            sequence[prefix] = sequence.get(prefix, 0) + 1
            life.code = f"{prefix}-{text}-{sequence[prefix]:04d}"
            if comes_up(rng, 0.01):
                life.alias = f"{life.resolving.code}-{text}-9{number:05d}"
            life.versions = fold_events(_Course(self, rng, life).events())
            found.append(life)
        return found

    def _draw(self, rng: random.Random, day: int, number: int, online_chance: float | None) -> Life:
        """Who submits what, where and how; ``online_chance`` None on a day of closed offices."""
        level = self._levels.draw(rng)
        office = self._by_level[level].draw(rng)
        is_at_desk = office.has_queue and dt.date.fromordinal(day).weekday() == _SATURDAY
        if online_chance is None and not (is_at_desk and comes_up(rng, 0.3)):
            procedure, channel = office.online_pool.draw(rng), ONLINE
        else:
            procedure = office.pool.draw(rng)
            if procedure.is_online and comes_up(rng, online_chance or 0.0):
                channel = ONLINE
            else:
                channel = POST if comes_up(rng, 0.04) else COUNTER
        receiving = office
        if level == "district" and channel != ONLINE and comes_up(rng, 0.05):
            receiving = rng.choice(self._communes_of[office] or (office,))
        if channel == ONLINE:
            hour = _ONLINE_HOURS.draw(rng)
            submitted = day * SECONDS_PER_DAY + hour * 3600 + between(rng, 0, 3599)
        else:
            submitted = day * SECONDS_PER_DAY + _office_clock(rng, OPENING, CLOSING - QUARTER_HOUR)
        return Life(
            code="",
            alias="",
            number=number,
            procedure=procedure,
            service_level=str(procedure.service_level(day)),
            channel=channel,
            receiving=receiving,
            resolving=office,
            submitted=submitted,
            has_digitised_papers=channel == ONLINE or comes_up(rng, 0.25),
        )


def _office_clock(rng: random.Random, earliest: int, latest: int) -> int:
    """A second of the day in office hours, never on a full minute.

    Deadlines are on full minutes, so that an end equal to its deadline to the second is always an
    edit.
    """
    earliest = max(earliest, OPENING)
    second = between(rng, earliest, max(earliest, latest))
    if MIDDAY <= second < AFTERNOON:
        second = AFTERNOON + second % QUARTER_HOUR
    return second + 1 if second % 60 == 0 else second


def _digitised_share(day: int) -> float:
    done = (day - dt.date(2022, 1, 1).toordinal()) / _YEAR
    return 0.35 + 0.45 * min(max(done, 0.0), 1.0)


class _Course:
    """What happens to one dossier; collects events, which need not come in order."""

    def __init__(self, simulation: Simulation, rng: random.Random, life: Life) -> None:
        self._workdays = simulation.workdays
        self._rng = rng
        self._life = life
        self._events: list[_Changes] = []

    def events(self) -> list[_Changes]:
        """All events, from submission on."""
        rng, life = self._rng, self._life
        taken_in = life.submitted
        if life.channel == ONLINE:
            self._note(life.submitted)
            taken_in = self._intake()
            if comes_up(rng, _REFUSED_SHARE):
                self._note(taken_in, status=REFUSED, refused=taken_in)
                return self._events
        duration = life.procedure.duration
        due = None if comes_up(rng, _NO_DUE_SHARE) else self._deadline(taken_in, duration)
        waits = duration > 1 and comes_up(rng, _WAITING_SHARE)
        self._note(
            taken_in,
            status=RECEIVED if waits else PROCESSING,
            received=taken_in,
            due=due,
            original_due=due,
        )
        self._handle(taken_in, due, duration)
        if waits:
            start = self._at(taken_in, 1)
            moments = [_MOMENT(changes) for changes in self._events]
            if all(start < moment for moment in moments if moment > taken_in):
                self._note(start, status=PROCESSING)
        return self._events

    def _note(self, moment: int, **changes: Any) -> None:  # noqa: ANN401 - fields of Version
        self._events.append({"modified": moment, "edit": "", **changes})

    def _at(self, moment: int, workdays: int, *, latest: int = CLOSING) -> int:
        """Some moment in office hours that many working days later, always after ``moment``."""
        day, clock = divmod(moment, SECONDS_PER_DAY)
        then = self._workdays.after(day, workdays)
        earliest = clock + 120 if then == day else OPENING
        return then * SECONDS_PER_DAY + _office_clock(self._rng, earliest, latest)

    def _intake(self) -> int:
        """When an online submission is looked at: the same day, or the next working days."""
        rng, submitted = self._rng, self._life.submitted
        day, clock = divmod(submitted, SECONDS_PER_DAY)
        if self._workdays.is_working(day) and clock < CLOSING - 2 * 3600 and comes_up(rng, 0.9):
            earliest = max(clock, OPENING) + QUARTER_HOUR
            return day * SECONDS_PER_DAY + _office_clock(rng, earliest, earliest + 2 * 3600)
        return self._at(submitted, 2 if comes_up(rng, 0.05) else 1, latest=MIDDAY)

    def _deadline(self, received: int, duration: int) -> int:
        """The appointment: same-day matters by closing time, others at the clock of receipt."""
        day, clock = divmod(received, SECONDS_PER_DAY)
        if duration == 0:
            due_day = self._workdays.after(day, 0 if clock < CLOSING - 2 * 3600 else 1)
            return due_day * SECONDS_PER_DAY + CLOSING
        rounded = min(-(-clock // QUARTER_HOUR) * QUARTER_HOUR, CLOSING)
        return self._workdays.after(day, duration) * SECONDS_PER_DAY + rounded

    def _later_deadline(self, due: int, workdays: int) -> int:
        day, clock = divmod(due, SECONDS_PER_DAY)
        return self._workdays.after(day, workdays) * SECONDS_PER_DAY + clock

    def _handle(self, start: int, due: int | None, duration: int) -> None:
        rng = self._rng
        remaining = duration
        if due is not None and duration >= _LONGER_WORKDAYS and comes_up(rng, _PAUSED_SHARE):
            used = between(rng, 1, duration - 1)
            resumed = self._pause(self._at(start, used), due)
            if resumed is None:
                return
            start, due = resumed
            remaining = duration - used
        chance = rng.random()
        if chance < _WITHDRAWN_SHARE:
            ended = self._at(start, between(rng, 0, max(remaining, 1) - 1))
            status, outcome = (WITHDRAWN, "") if comes_up(rng, 0.8) else (RESOLVED, "Xin rút")
            self._note(ended, status=status, resolved=ended, outcome=outcome)
        elif chance < _WITHDRAWN_SHARE + _RETURNED_UNPROCESSED_SHARE:
            ended = self._at(start, between(rng, 0, max(remaining, 1) - 1))
            self._close(ended, outcome="Trả lại")
        elif due is None:
            self._close(self._at(start, between(rng, 1, 10)))
        elif comes_up(rng, self._life.resolving.late_share):
            self._finish_late(due)
        elif remaining and comes_up(rng, _EARLY_SHARE):
            self._close(self._at(start, int(max(rng.random(), rng.random()) * remaining)))
        else:
            day, due_day = start // SECONDS_PER_DAY, due // SECONDS_PER_DAY
            self._close(
                self._at(start, 0)
                if day == due_day
                else due_day * SECONDS_PER_DAY + _office_clock(rng, OPENING, CLOSING)
            )

    def _pause(self, asked: int, due: int) -> tuple[int, int] | None:
        """Wait for papers, a payment or a decision; None when it never ends."""
        rng = self._rng
        is_land = self._life.procedure.field_name == "Đất đai"
        status = (_LAND_PAUSES if is_land else _PAUSES).draw(rng)
        self._note(asked, status=status, supplement=Supplement(asked, due, None))
        if comes_up(rng, _NEVER_BACK_SHARE):
            self._close(self._at(asked, 20), outcome="Trả lại/Xin rút")
            return None
        length = between(rng, 1, 15)
        resumed = self._at(asked, length)
        later = self._later_deadline(due, length)
        self._note(resumed, status=PROCESSING, due=later, supplement=Supplement(asked, due, later))
        return resumed, later

    def _finish_late(self, due: int) -> None:
        rng = self._rng
        delay = min(1 + int(rng.expovariate(0.2)), _LONGEST_DELAY_WORKDAYS)
        chance = rng.random()
        if chance < _NEVER_DONE_SHARE:
            if comes_up(rng, 0.25):
                edited = self._at(due, between(rng, 10, 60))
                self._note(edited, status=RESOLVED, resolved=due, edit=END_SET_TO_DUE)
            return
        if chance < _NEVER_DONE_SHARE + _DUE_MOVED_SHARE and delay > 1:
            moved = self._at(due, between(rng, 1, delay - 1))
            later = self._later_deadline(due, delay + between(rng, 0, 2))
            self._note(moved, due=later, edit=DUE_MOVED)
        ended = self._at(due, delay)
        self._close(ended)
        if chance > 1 - _END_SET_SHARE:
            edited = self._at(ended, between(rng, 3, 10))
            self._note(edited, resolved=due, edit=END_SET_TO_DUE)

    def _close(self, ended: int, *, outcome: str = "") -> None:
        """The clock stops; the result is handed over then or when somebody comes for it."""
        rng = self._rng
        digitised = "1" if comes_up(rng, _digitised_share(ended // SECONDS_PER_DAY)) else "0"
        self._note(
            ended, status=RESOLVED, resolved=ended, outcome=outcome, result_digitised=digitised
        )
        chance = rng.random()
        if chance < _NEVER_COLLECTED_SHARE:
            return
        is_at_once = self._life.channel == ONLINE and chance < _AT_ONCE_SHARE
        returned = (
            ended + between(rng, 61, 600)
            if is_at_once
            else self._at(ended, min(int(rng.expovariate(0.6)), 10))
        )
        self._note(returned, status=RETURNED, returned=returned)

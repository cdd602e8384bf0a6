"""The figures counted a second time, in plain Python, by the rules that offices use.

Nothing here comes from ``sql/``: the code uses loops, dictionaries and integers, so that an analyst
can follow each rule and the SQL can be compared with it. The input is what sources stated: for each
dossier, ticket, procedure and unit a list of statements, each with the night from which it holds.
The output is every figure of one as-of date.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from plan_targets import target_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Says = dict[str, Any]
ONE_DAY = dt.timedelta(days=1)

PAUSED = {"awaiting_supplement", "awaiting_payment", "suspended"}
ENDED = {"withdrawn", "resolved", "returned"}
NEVER_RECEIVED = {"registered", "refused_at_intake"}
FORM_COLUMNS = (
    "received_total", "received_online", "received_counter_post", "carried_over",
    "resolved_total", "resolved_early", "resolved_on_time", "resolved_late",
    "open_total", "open_in_time", "open_overdue",
)  # fmt: skip
#: Parts of the form's columns that the marts give beside it.
RETURNED = ("returned_early", "returned_on_time", "returned_late")


@dataclass(frozen=True)
class Statement:
    """What a source stated about one key.

    Attributes:
        night: the night from which it is valid.
        says: the canonical columns; None when a snapshot no longer has the key.
        known_from: the first night whose figures may use it; later than ``night`` for late files.
    """

    night: dt.date
    says: Says | None
    known_from: dt.date | None = None

    @property
    def is_known_from(self) -> dt.date:
        return self.known_from or self.night


Story = list[Statement]


@dataclass
class World:
    """All statements of the sources, by entity and key."""

    dossiers: dict[str, Story] = field(default_factory=dict)
    visits: dict[str, Story] = field(default_factory=dict)
    procedures: dict[str, Story] = field(default_factory=dict)
    units: dict[str, Story] = field(default_factory=dict)

    def as_known_on(self, night: dt.date) -> World:
        """The statements that were known when the figures of that night were computed.

        Of two statements of one night, the one of the corrected file replaces the first.
        """
        known = World()
        for name, stories in vars(self).items():
            for key, story in stories.items():
                heard = {
                    statement.night: statement
                    for statement in sorted(story, key=lambda s: s.is_known_from)
                    if statement.night <= night and statement.is_known_from <= night
                }
                if heard:
                    getattr(known, name)[key] = [heard[day] for day in sorted(heard)]
        return known


class Period(NamedTuple):
    """One period of one basis; its figures describe the end of ``measured_on``."""

    type: str
    basis: str
    start: dt.date
    end: dt.date
    measured_on: dt.date

    @property
    def key(self) -> tuple[str, str, dt.date]:
        return (self.type, self.basis, self.start)


class Finding(NamedTuple):
    """A violation of a decree: how certain it is, its day, and the last allowed day."""

    strength: str
    event: dt.date
    limit: dt.date | None


@dataclass
class Figures:
    """Every figure of one as-of date.

    Keys end with the period's type, basis and first day. ``form`` and ``on_time`` are by unit,
    field and procedure; ``ALL`` means all of them together.
    """

    periods: list[Period]
    units: dict[str, str]
    catalogue: Catalogue
    levels_ever: set[str] = field(default_factory=set)
    dossiers: dict[str, Says] = field(default_factory=dict)
    moves: dict[tuple[Any, ...], tuple[Any, ...]] = field(default_factory=dict)
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    form: dict[tuple[Any, ...], Counter[Any]] = field(default_factory=dict)
    on_time: dict[tuple[Any, ...], tuple[int, int]] = field(default_factory=dict)
    readings: dict[tuple[Any, ...], tuple[int, int]] = field(default_factory=dict)
    online: dict[tuple[Any, ...], tuple[int, int, int, int]] = field(default_factory=dict)
    waiting: dict[tuple[Any, ...], Counter[Any]] = field(default_factory=dict)
    digitisation: dict[tuple[Any, ...], Counter[Any]] = field(default_factory=dict)
    provision: dict[tuple[Any, ...], Counter[Any]] = field(default_factory=dict)
    rates: dict[tuple[Any, ...], tuple[int, int]] = field(default_factory=dict)


# --- states by day -------------------------------------------------------------------------------


def state_on(story: Story, day: dt.date) -> Says | None:
    """The state at the end of that day; None before the first statement or after vanishing."""
    state = None
    for statement in story:
        if statement.night <= day:
            state = statement.says
    return state


def last_known_state(story: Story, day: dt.date) -> Says:
    """The last statement by that day; if the first export is later, the first statement."""
    heard = [s.says for s in story if s.says is not None and s.night <= day]
    if heard:
        return heard[-1]
    return next(s.says for s in story if s.says is not None)


def states_on(stories: Mapping[str, Story], day: dt.date) -> dict[str, Says]:
    """The states at the end of that day, by key."""
    return {
        key: state for key, story in stories.items() if (state := state_on(story, day)) is not None
    }


# --- days and periods ----------------------------------------------------------------------------


def is_workday(day: dt.date, days_off: Mapping[dt.date, str]) -> bool:
    """Offices work from Monday to Friday, but not on days off, and on swapped Saturdays."""
    if day in days_off:
        return days_off[day] == "swapped_work"
    return day.weekday() < 5


def workdays(start: dt.date, end: dt.date, days_off: Mapping[dt.date, str]) -> int:
    """Working days after ``start`` up to ``end``; negative if ``end`` is earlier."""
    if end < start:
        return -workdays(end, start, days_off)
    count = 0
    day = start
    while day < end:
        day += ONE_DAY
        if is_workday(day, days_off):
            count += 1
    return count


def deadline(start: dt.date, length: int, days_off: Mapping[dt.date, str]) -> dt.date:
    """The last of ``length`` (at least one) working days after ``start``."""
    day = start
    while length > 0:
        day += ONE_DAY
        if is_workday(day, days_off):
            length -= 1
    return day


def month_start(year: int, month: int, basis: str) -> dt.date:
    """First day of a month: the 1st, or for government reports the 15th of the month before."""
    if basis == "calendar":
        return dt.date(year, month, 1)
    return dt.date(year - 1, 12, 15) if month == 1 else dt.date(year, month - 1, 15)


#: Type of period, its number of months, and the months it can begin with.
PERIODS = (
    ("month", 1, range(1, 13)),
    ("quarter", 3, (1, 4, 7, 10)),
    ("half_year", 6, (1, 7)),
    ("nine_months", 9, (1,)),
    ("year", 12, (1,)),
)


def periods_of(as_of: dt.date) -> list[Period]:
    """The periods begun by ``as_of`` that reach into its year or the year before."""
    found = []
    for basis in ("calendar", "government"):
        for name, months, starts in PERIODS:
            for year in range(as_of.year - 2, as_of.year + 2):
                for month in starts:
                    start = month_start(year, month, basis)
                    following = month + months
                    end = (
                        month_start(year + (following > 12), (following - 1) % 12 + 1, basis)
                        - ONE_DAY
                    )
                    if start > as_of or end < dt.date(as_of.year - 1, 1, 1):
                        continue
                    found.append(Period(name, basis, start, end, min(end, as_of)))
                    if name == "year" and end >= as_of:
                        found.append(Period("year_to_date", basis, start, as_of, as_of))
    return found


# --- units ---------------------------------------------------------------------------------------


def unit_of(dossier: Says) -> str:
    """A dossier is counted at the unit that directly resolves it (form II.06a)."""
    return place_of(dossier["resolving_unit_code"] or dossier["receiving_unit_code"])


LEVELS = ("department", "district", "commune", "unregistered")


def place_of(unit_code: str) -> str:
    """The code of a unit's figures; in brackets if it equals the code of a level or the city."""
    is_reserved = unit_code == "CITY" or unit_code in map(str.upper, LEVELS)
    return f"({unit_code})" if is_reserved else unit_code


def name_beside_total(name: str | None) -> str:
    """The code of a field or procedure; in brackets if it equals the code of their total."""
    return "(ALL)" if name == "ALL" else name or "(none)"


def levels_of_units(world: World, as_of: dt.date) -> dict[str, str]:
    """Level of each unit in the register, and of units that occur only in dossiers or tickets."""
    levels = {
        place_of(code): unit["unit_level"] for code, unit in states_on(world.units, as_of).items()
    }
    for dossier in counted_once(states_on(world.dossiers, as_of)).values():
        levels.setdefault(unit_of(dossier), "unregistered")
    for ticket in states_on(world.visits, as_of).values():
        levels.setdefault(place_of(ticket["unit_code"]), "unregistered")
    return levels


def has_desk(unit: Says, first: dt.date, last: dt.date) -> bool:
    """Whether a registered unit had a One-Stop desk, as far as known, on a day of the span."""
    begins = max(first, unit.get("valid_from_date") or first)
    ends = min(last, (unit.get("valid_to_date") or dt.date.max) - dt.timedelta(days=1))
    return begins <= ends and unit["has_one_stop"] is not False


def counted_for(unit: str, level: str) -> Iterator[str]:
    """The unit, its level and the city: the three rows in which a dossier is counted."""
    yield unit
    yield level.upper()
    yield "CITY"


# --- dossiers ------------------------------------------------------------------------------------


def counted_once(standing: dict[str, Says]) -> dict[str, Says]:
    """Leave out dossiers that another dossier names as its other code.

    Where two name each other, the first code in order stays.
    """
    double = set()
    for code, dossier in standing.items():
        other = dossier.get("alias_code")
        if other is None or other == code or other not in standing:
            continue
        is_mutual = standing[other].get("alias_code") == code
        double.add(max(code, other) if is_mutual else other)
    return {code: dossier for code, dossier in standing.items() if code not in double}


def source_of(dossier: Says) -> str:
    """The system that exported the dossier."""
    return str(dossier.get("source", "one_stop"))


def sources_that_state(figures: Figures, column: str) -> set[str]:
    """Systems that state a column for at least one of their dossiers."""
    return {source_of(d) for d in figures.dossiers.values() if d[column] is not None}


def received_only(figures: Figures) -> dict[str, Says]:
    """The dossiers that were received: neither only registered nor refused at intake."""
    return {
        code: dossier
        for code, dossier in figures.dossiers.items()
        if dossier["status"] not in NEVER_RECEIVED
    }


def end_of(dossier: Says) -> dt.date | None:
    """The day on which the office finished; not the day on which the result is collected."""
    return dossier["resolved_date"] if dossier["status"] in ENDED else None


def first_due_date(dossier: Says, story: Story) -> dt.date | None:
    """The first deadline that the source states; else the first due date of the story."""
    if dossier.get("original_due_date") is not None:
        return dossier["original_due_date"]
    given = (s.says["due_date"] for s in story if s.says is not None)
    return next((due for due in given if due is not None), None)


def class_of_ended(dossier: Says) -> str:
    """Class of an ended dossier; early, on time and late are decided by days, not by hours.

    A refusal after appraisal ("trả lại") must come within the time limit, as any other result. A
    withdrawal is not counted, unless the dossier was already late.
    """
    due, end = dossier["due_date"], end_of(dossier)
    if due is None:
        by_date = "no_due_date"
    elif end < due:
        by_date = "early"
    else:
        by_date = "on_time" if end == due else "late"
    if dossier["closing_class"] == "withdrawn":
        return "withdrawn_late" if by_date == "late" else "withdrawn"
    if dossier["closing_class"] == "returned_unprocessed":
        return f"returned_{by_date}"
    return by_date


def class_of_open(dossier: Says, day: dt.date) -> str:
    """Class of a dossier open at the end of that day; a paused one is not judged."""
    if dossier["status"] in PAUSED:
        return "paused"
    if dossier["due_date"] is not None and dossier["due_date"] < day:
        return "open_overdue"
    return "open_in_time"


def timeliness(dossier: Says, as_of: dt.date) -> str:
    """How one dossier is shown to readers on the as-of date."""
    if dossier["status"] in NEVER_RECEIVED:
        return "not_counted"
    if end_of(dossier) is not None:
        ended = class_of_ended(dossier)
        if ended == "withdrawn":
            return "not_counted"
        return ended.removeprefix("returned_").removeprefix("withdrawn_")
    stands = class_of_open(dossier, as_of)
    return "no_due_date" if stands != "paused" and dossier["due_date"] is None else stands


IN_TIME = {"early", "on_time", "returned_early", "returned_on_time"}
ENDED_LATE = {"late", "returned_late", "withdrawn_late"}
#: Classes that offices' systems also count in column (9), "đúng hạn", of form II.06a.
IN_TIME_ON_FORM = {"withdrawn", "no_due_date", "returned_no_due_date"}


def tally(standing: Says, story: Story, period: Period) -> Counter[Any]:
    """Add one received dossier to the form and the methods of one period.

    Whether it had ended by the period's end is decided by what is known now; the class of one that
    had not ended, by the last statement of that time.
    """
    day = period.measured_on
    counts: Counter[Any] = Counter()
    if standing["received_date"] > day:
        return counts
    end = end_of(standing)
    if end is not None and end <= day:
        kind, due = class_of_ended(standing), standing["due_date"]
        by_first_due = class_of_ended(standing | {"due_date": standing["first_due_date"]})
    else:
        then = last_known_state(story, day)
        kind, due = class_of_open(then, day), then["due_date"]
        by_first_due = class_of_open(then | {"due_date": standing["first_due_date"]}, day)
        end = None
    add_to_form(counts, standing, end, kind, period)
    came = standing["received_date"] >= period.start
    add_to_methods(counts, kind, due, came, period)
    if came:
        add_to_cohort(counts, "cohort_first_due", by_first_due)
        is_past_due = due is not None and due < day
        add_to_readings(counts, cohort_readings(kind, is_past_due=is_past_due))
    if end is not None and end >= period.start:
        add_to_readings(counts, form_readings(kind))
    return counts


def cohort_readings(kind: str, *, is_past_due: bool) -> dict[str, bool | None]:
    """Whether a dossier received in the period is in time, by each reading; None: left out."""
    is_returned, is_withdrawn = kind.startswith("returned_"), kind.startswith("withdrawn")
    is_undated = kind in {"no_due_date", "returned_no_due_date"}
    by_plan = kind in IN_TIME if kind in IN_TIME | ENDED_LATE | {"open_overdue"} else None
    ended_only = None if kind == "open_overdue" else by_plan
    return {
        "cohort_returned_left_out": None if is_returned else by_plan,
        "cohort_returned_on_time": True if is_returned else by_plan,
        "cohort_withdrawn_left_out": None if is_withdrawn else by_plan,
        "cohort_withdrawn_on_time": True if is_withdrawn else by_plan,
        "cohort_pauses_judged": False if kind == "paused" and is_past_due else by_plan,
        "cohort_undated_on_time": True if is_undated else by_plan,
        "cohort_ended_only": ended_only,
        "cohort_most_lenient": True if is_returned or is_withdrawn or is_undated else ended_only,
        "qd_766_paused_in_time": kind in IN_TIME | IN_TIME_ON_FORM | {"open_in_time", "paused"},
    }


def form_readings(kind: str) -> dict[str, bool | None]:
    """The same of a dossier closed in the period."""
    is_in_time = kind not in ENDED_LATE
    return {
        "form_06_returned_left_out": None if kind.startswith("returned_") else is_in_time,
        "form_06_withdrawn_left_out": None if kind.startswith("withdrawn") else is_in_time,
    }


READINGS = (*cohort_readings("early", is_past_due=False), *form_readings("early"))


def add_to_readings(counts: Counter[Any], readings: Mapping[str, bool | None]) -> None:
    """Count it in the readings that judge it."""
    for code, is_in_time in readings.items():
        if is_in_time is not None:
            counts[code, "of"] += 1
            counts[code, "n"] += is_in_time


def add_to_form(
    counts: Counter[Any], standing: Says, end: dt.date | None, kind: str, period: Period
) -> None:
    """Columns of form II.06a; a dossier of unknown channel counts with counter and post."""
    if standing["received_date"] >= period.start:
        is_online = standing["channel"] == "online"
        counts["received_online" if is_online else "received_counter_post"] += 1
    elif end is None or end >= period.start:
        counts["carried_over"] += 1
    if end is None:
        counts["open_overdue" if kind == "open_overdue" else "open_in_time"] += 1
    elif end >= period.start:
        if kind in ENDED_LATE:
            column = "late"
        else:
            column = "early" if kind in {"early", "returned_early"} else "on_time"
        counts[f"resolved_{column}"] += 1
        if kind.startswith("returned_"):
            counts[f"returned_{column}"] += 1
        # one province reports every returned dossier as on time
        counts["late_but_handed_back"] += kind in {"returned_late", "withdrawn_late"}


def add_to_methods(
    counts: Counter[Any], kind: str, due: dt.date | None, came: bool, period: Period
) -> None:
    """The methods that are not derived from the form."""
    # the plan: received in the period, resolved on time
    if came:
        add_to_cohort(counts, "cohort", kind)
    # the national portal: of all received
    if came:
        counts["qd_766", "of"] += 1
        counts["qd_766", "n"] += kind in IN_TIME | IN_TIME_ON_FORM | {"open_in_time"}
    # due in the period
    if due is not None and period.start <= due <= period.measured_on:
        if kind not in {"withdrawn", "paused"}:
            counts["due", "of"] += 1
        counts["due", "n"] += kind in IN_TIME


def add_to_cohort(counts: Counter[Any], method: str, kind: str) -> None:
    """Received in the period: dossiers that are judged, and those of them in time."""
    if kind in IN_TIME | ENDED_LATE | {"open_overdue"}:
        counts[method, "of"] += 1
        counts[method, "n"] += kind in IN_TIME


def procedure_key(code: str | None) -> str:
    """The first two parts of a procedure's code, by which sources can be joined."""
    return "(none)" if code is None else ".".join(code.split(".")[:2])


def count_dossiers(world: World, figures: Figures) -> None:
    """Form II.06a and the on-time rate by each method."""
    sums: dict[tuple[Any, ...], Counter[Any]] = defaultdict(Counter)
    for code, standing in received_only(figures).items():
        unit = unit_of(standing)
        of_field = name_beside_total(standing["field_code"])
        of_procedure = name_beside_total(procedure_key(standing["procedure_code"]))
        for period in figures.periods:
            counts = tally(standing, world.dossiers[code], period)
            if not counts:
                continue
            for place in counted_for(unit, figures.units[unit]):
                for group in (("ALL", "ALL"), (of_field, "ALL"), ("ALL", of_procedure)):
                    sums[(place, *group, *period.key)].update(counts)
    # every unit has its row, also one without dossiers
    for period in figures.periods:
        for place in places(figures):
            sums[(place, "ALL", "ALL", *period.key)].update({})
    for key, counts in sums.items():
        figures.form[key] = on_form(counts)
        for method, rate in by_method(counts, figures.form[key]).items():
            figures.on_time[(method, *key)] = rate
    figures.readings = {
        (code, key[0], *key[3:]): rate
        for key, counts in sums.items()
        if key[1:3] == ("ALL", "ALL")
        for code, rate in by_reading(counts, figures.form[key]).items()
    }


def by_reading(counts: Counter[Any], form: Counter[Any]) -> dict[str, tuple[int, int]]:
    """Numerator and denominator of the on-time rate by each reading; the methods are readings."""
    others = {code: (counts[code, "n"], counts[code, "of"]) for code in READINGS}
    return by_method(counts, form) | others


def places(figures: Figures) -> set[str]:
    """Every unit, the levels that have units or had some in the register, and the city."""
    levels = {*figures.units.values(), *figures.levels_ever}
    return {*figures.units, *(level.upper() for level in levels), "CITY"}


def on_form(counts: Counter[Any]) -> Counter[Any]:
    """The eleven columns of the form, (3) to (13), and the returned dossiers in them."""
    form = Counter({column: counts[column] for column in (*FORM_COLUMNS, *RETURNED)})
    form["received_total"] = (
        form["received_online"] + form["received_counter_post"] + form["carried_over"]
    )
    form["resolved_total"] = (
        form["resolved_early"] + form["resolved_on_time"] + form["resolved_late"]
    )
    form["open_total"] = form["open_in_time"] + form["open_overdue"]
    return form


def by_method(counts: Counter[Any], form: Counter[Any]) -> dict[str, tuple[int, int]]:
    """Numerator and denominator of the on-time rate by each method."""
    missed = form["resolved_late"] + form["open_overdue"]
    return {
        "cohort": (counts["cohort", "n"], counts["cohort", "of"]),
        "cohort_first_due": (counts["cohort_first_due", "n"], counts["cohort_first_due", "of"]),
        "form_06": (form["resolved_early"] + form["resolved_on_time"], form["resolved_total"]),
        "form_06_thanh_hoa": (
            form["resolved_total"] - form["resolved_late"] + counts["late_but_handed_back"],
            form["resolved_total"],
        ),
        "qd_766": (counts["qd_766", "n"], counts["qd_766", "of"]),
        "load": (form["received_total"] - missed, form["received_total"]),
        "due": (counts["due", "n"], counts["due", "of"]),
    }


# --- the catalogue of procedures -----------------------------------------------------------------


class Catalogue:
    """The catalogue's description of each procedure, by day.

    A procedure listed under a long and a short code is one; the code listed last describes it.
    """

    def __init__(self, procedures: Mapping[str, Story]) -> None:
        self._listed: dict[str, dict[str, Story]] = defaultdict(dict)
        for code, story in procedures.items():
            self._listed[procedure_key(code)][code] = story

    def on(self, day: dt.date) -> dict[str, Says]:
        """Its rows of that day, by procedure; none before its first export."""
        return {key: state for key in self._listed if (state := self._describes(key, day))}

    def about(self, dossier: Says, day: dt.date) -> Says | None:
        """Its row of a dossier's procedure; before its first export, its first row."""
        key = procedure_key(dossier["procedure_code"])
        if key not in self._listed:
            return None
        first = min(story[0].night for story in self._listed[key].values())
        return self._describes(key, max(day, first))

    def _describes(self, key: str, day: dt.date) -> Says | None:
        latest, state = dt.date.min, None
        for code in sorted(self._listed[key]):
            for statement in self._listed[key][code]:
                if latest < statement.night <= day:
                    now = state_on(self._listed[key][code], day)
                    if now is not None and now is statement.says:
                        latest, state = statement.night, now
        return state


def deadline_check(
    dossier: Says, catalogue: Catalogue, days_off: Mapping[dt.date, str]
) -> tuple[dt.date | None, int | None, bool]:
    """The deadline by the catalogue's duration; the difference to the first due date in working
    days; whether it exceeds the one day that a receipt after office hours explains."""
    received = dossier["received_date"]
    procedure = catalogue.about(dossier, received) if received else None
    length = procedure.get("duration_workdays") if procedure else None
    if length is None:
        return None, None, False
    due = dossier["first_due_date"]
    difference = workdays(received, due, days_off) - length if due else None
    return deadline(received, length, days_off), difference, abs(difference or 0) > 1


# --- what the decrees forbid ---------------------------------------------------------------------

#: Working days within which a supplement must be asked for; how often, and how many days before it
#: passes, a due date may be extended; receipts after this hour count from the next working day.
SUPPLEMENT_WORKDAYS, EXTENSIONS, NOTICE = 3, 1, ONE_DAY
SAME_DAY_UNTIL = dt.time(15)


def with_values(story: Story) -> list[tuple[dt.date, Says]]:
    """The statements of a story that have values, with their nights."""
    return [(s.night, s.says) for s in story if s.says is not None]


def export_before(night: dt.date, exports: Sequence[dt.date]) -> dt.date:
    """The source's previous export: the dossier changed after it."""
    return max((n for n in exports if n < night), default=night - ONE_DAY)


def due_date_moves(story: Story) -> Iterator[tuple[dt.date, str, dt.date, dt.date | None]]:
    """Each move of a due date: night, kind, the dates before and after."""
    known: dt.date | None = None
    stated_before: dt.date | None = None
    waited = ""
    for night, says in with_values(story):
        due, now = says["due_date"], says["status"] if says["status"] in PAUSED else ""
        original = says.get("original_due_date")
        kind = ""
        if known is None and due is not None and original not in {None, due}:
            yield night, "before_record", original, due
        if known is not None and due is None and stated_before is not None:
            kind = "removed"
        elif known is not None and due is not None and due < known:
            kind = "brought_forward"
        elif known is not None and due is not None and due > known:
            after = "supplement" if waited == "awaiting_supplement" else "pause"
            kind = f"after_{after}" if waited else "extension"
        if kind and known is not None:
            yield night, kind, known, due
            waited = now
        elif "awaiting_supplement" in {waited, now}:
            waited = "awaiting_supplement"
        else:
            waited = waited or now
        known, stated_before = due or known, due


def late_supplement(
    dossier: Says, story: Story, exports: Sequence[dt.date], days_off: Mapping[dt.date, str]
) -> Iterator[Finding]:
    """A supplement asked for over three working days after receipt; uncertain for a second one."""
    received, before, requests = dossier["received_date"], None, 0
    for night, says in with_values(story):
        if says["status"] == "awaiting_supplement" and before != "awaiting_supplement":
            requests += 1
            earliest = export_before(night, exports) + ONE_DAY
            if workdays(received, night, days_off) > SUPPLEMENT_WORKDAYS:
                is_certain = (
                    requests == 1
                    and before is not None
                    and workdays(received, earliest, days_off) > SUPPLEMENT_WORKDAYS
                )
                limit = deadline(received, SUPPLEMENT_WORKDAYS, days_off)
                yield Finding("strong" if is_certain else "weak", night, limit)
        before = says["status"]


def closed_out_overdue(
    dossier: Says, story: Story, exports: Sequence[dt.date]
) -> Iterator[Finding]:
    """Returned or withdrawn after the due date; uncertain where it may have been paused in time."""
    end, due = end_of(dossier), dossier["due_date"]
    is_out = dossier["closing_class"] in {"returned_unprocessed", "withdrawn"}
    if not is_out or end is None or due is None or end <= due:
        return
    strength, was, shown, unpaused_on = "weak", None, None, None
    for statement in story:
        night, says = statement.night, statement.says
        if shown is not None and shown["status"] not in PAUSED:
            unpaused_on = export_before(night, exports)
        shown = says
        if says is None:
            continue
        is_closed_out = (
            says["status"] in ENDED
            and says["closing_class"] in {"returned_unprocessed", "withdrawn"}
            and (was is None or was["status"] not in ENDED)
        )
        if is_closed_out:
            strength = _strength_of_closing(night, says, was, unpaused_on) or strength
        was = says
    yield Finding(strength, end, due)


def _strength_of_closing(
    night: dt.date, says: Says, was: Says | None, unpaused_on: dt.date | None
) -> str | None:
    """Certain if it stood unpaused in an export on or after its due date: the last such export
    before is that of ``unpaused_on``."""
    end, due = says["resolved_date"], says["due_date"]
    is_late = due is not None and end > due
    if was is None:
        return "weak" if is_late else None
    was_due = was["due_date"]
    is_open = was["status"] not in PAUSED | NEVER_RECEIVED
    is_overdue = is_open and was_due is not None and was_due < night
    if not is_late and not (is_overdue and end > was_due):
        return None
    if unpaused_on is None or unpaused_on < (was_due or due):
        return "weak"
    return "strong"


def has_other_date(code: str, received: dt.date) -> bool:
    """Whether six digits in a code form a date that is not the date of receipt."""
    parts = code.split("-")
    digits = parts[1] if len(parts) > 1 else ""
    is_date = len(digits) == 6 and digits.isdigit()
    is_date = is_date and 1 <= int(digits[2:4]) <= 12 and 1 <= int(digits[4:]) <= 31
    return is_date and digits != f"{received:%y%m%d}"


def find_violations(
    world: World, figures: Figures, exports: Sequence[dt.date], days_off: Mapping[dt.date, str]
) -> None:
    """Moves of due dates, and the most certain finding of each dossier and check."""
    for code, dossier in received_only(figures).items():
        story = world.dossiers[code]
        received = dossier["received_date"]
        found: dict[str, list[Finding]] = defaultdict(list)
        found["supplement_late"] += late_supplement(dossier, story, exports, days_off)
        found["closed_out_overdue"] += closed_out_overdue(dossier, story, exports)
        extensions = 0
        for number, (night, kind, before, after) in enumerate(due_date_moves(story), start=1):
            seen = None if kind == "before_record" else export_before(night, exports)
            figures.moves[code, number] = (kind, night, seen, before, after)
            if kind != "extension":
                continue
            extensions += 1
            if extensions > EXTENSIONS:
                found["extended_twice"].append(Finding("strong", night, None))
            if night > before - NOTICE:
                is_certain = seen is not None and seen >= before - NOTICE
                strength = "strong" if is_certain else "weak"
                found["extended_late"].append(Finding(strength, night, before - NOTICE))
        if has_other_date(code, received):
            found["code_date_differs"].append(Finding("strong", received, None))
        _, difference, _ = deadline_check(dossier, figures.catalogue, days_off)
        if difference == 0 and dossier.get("received_clock", dt.time(9)) > SAME_DAY_UNTIL:
            found["counted_from_same_day"].append(Finding("weak", received, None))
        for check, findings in found.items():
            if findings:
                figures.findings[code, check] = min(findings)


# --- online --------------------------------------------------------------------------------------


def level_at_receipt(dossier: Says, catalogue: Catalogue) -> int | None:
    """The dossier's own service level; else the catalogue's on the day of receipt."""
    if dossier["service_level"] is not None:
        return dossier["service_level"]
    procedure = catalogue.about(dossier, dossier["received_date"])
    return procedure["service_level"] if procedure else None


def count_online(figures: Figures) -> None:
    """Dossiers received, online and by post, by service level; and the online shares.

    The shares exclude dossiers of a system that states no channels.
    """
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    with_channel = sources_that_state(figures, "channel")
    for dossier in received_only(figures).values():
        unit, channel = unit_of(dossier), dossier["channel"]
        level = level_at_receipt(dossier, figures.catalogue)
        for period in figures.periods:
            if not period.start <= dossier["received_date"] <= period.measured_on:
                continue
            for place in counted_for(unit, figures.units[unit]):
                row = sums[(place, level, *period.key)]
                row[0] += 1
                row[1] += channel == "online"
                row[2] += channel == "post"
                row[3] += source_of(dossier) not in with_channel
    figures.online = {key: (row[0], row[1], row[2], row[3]) for key, row in sums.items()}
    shares: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    for (place, level, *period_key), (total, online, post, unstated) in figures.online.items():
        of_levels = {3: ("level3", "level34"), 4: ("level4", "level34")}.get(level, ())
        for name in (*of_levels, "all"):
            stated = total - unstated
            for method, denominator in (
                ("channel", stated),
                ("channel_without_post", stated - post),
            ):
                share = shares[(f"online_share_{name}", method, place, *period_key)]
                share[0] += online
                share[1] += denominator
    figures.rates |= {key: (share[0], share[1]) for key, share in shares.items()}


# --- waiting -------------------------------------------------------------------------------------


def percentile(values: list[int], percent: int) -> int:
    """Percentile of at least one value, interpolated between neighbours, whole seconds."""
    ordered = sorted(values)
    place = Fraction(percent * (len(ordered) - 1), 100)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return round(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


#: Parameters that no legal text defines: the time within which a number is a reprint; the longest
#: valid wait; the opening hour.
REPRINT = dt.timedelta(minutes=2)
LONGEST_WAIT = dt.timedelta(hours=8)
OPENING = dt.time(7)
NO_WAIT = dt.timedelta(0)


@dataclass
class Visit:
    """One visit to a desk ("01 lần đến giao dịch"): its first ticket and its outcome."""

    first: Says
    outcome: str
    wait: int = 0
    wait_from_opening: int = 0


def outcome_of(ticket: Says) -> str:
    """Outcome of one ticket; skipped and no-show tickets have no wait, even if called."""
    if ticket["ticket_status"] in {"skipped", "no_show"}:
        return "no_show"
    return "not_called" if ticket["called_at"] is None else "called"


def first_ticket(code: str, tickets: dict[str, Says]) -> str:
    """The first ticket of a chain of transfers; of a circle, the ticket itself."""
    seen = [code]
    while (before := tickets[seen[-1]]["transferred_from"]) in tickets:
        if before in seen:
            return code
        seen.append(before)
    return seen[-1]


def is_reprint(code: str, tickets: dict[str, Says]) -> bool:
    """Whether it was not called, but the next ticket of its desk and service was, soon after."""
    ticket = tickets[code]
    if ticket["called_at"] is not None or ticket["service_code"] is None:
        return False
    if ticket["transferred_from"] is not None:
        return False
    taken_after = [
        (other["issued_at"], other_code)
        for other_code, other in tickets.items()
        if other["transferred_from"] is None
        and other["unit_code"] == ticket["unit_code"]
        and other["service_code"] == ticket["service_code"]
        and other["issued_date"] == ticket["issued_date"]
        and (other["issued_at"], other_code) > (ticket["issued_at"], code)
    ]
    if not taken_after:
        return False
    issued_at, next_code = min(taken_after)
    was_called = tickets[next_code]["called_at"] is not None
    return was_called and issued_at - ticket["issued_at"] <= REPRINT


def visits_of(tickets: dict[str, Says]) -> Iterator[Visit]:
    """Each visit with its wait.

    A visit is a ticket and the tickets it was transferred to; its wait is the sum of their waits,
    from issue to first call, including the lunch break.
    """
    chains: dict[str, list[str]] = defaultdict(list)
    for code in tickets:
        chains[first_ticket(code, tickets)].append(code)
    for code, chain in chains.items():
        visit = Visit(tickets[code], outcome_of(tickets[code]))
        for ticket in (tickets[link] for link in chain):
            if outcome_of(ticket) != "called":
                continue
            wait = ticket["called_at"] - ticket["issued_at"]
            opening = dt.datetime.combine(
                ticket["issued_at"].date(), OPENING, ticket["issued_at"].tzinfo
            )
            closed_doors = max(opening - ticket["issued_at"], NO_WAIT)
            visit.wait += int(wait.total_seconds())
            visit.wait_from_opening += int(max(wait - closed_doors, NO_WAIT).total_seconds())
            if not NO_WAIT <= wait <= LONGEST_WAIT:
                visit.outcome = "invalid"
        if len(chain) == 1 and is_reprint(code, tickets):
            visit.outcome = "reprinted"
        yield visit


def count_waiting(world: World, as_of: dt.date, figures: Figures) -> None:
    """Waiting times by visit; a unit without tickets has no row, which means no data."""
    desks: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for unit in states_on(world.units, as_of).values():
        for period in figures.periods:
            if has_desk(unit, period.start, period.measured_on):
                for place in counted_for(place_of(unit["unit_code"]), unit["unit_level"]):
                    desks[(place, *period.key)].add(place_of(unit["unit_code"]))
    came: dict[tuple[Any, ...], list[Visit]] = defaultdict(list)
    for visit in visits_of(states_on(world.visits, as_of)):
        unit_code = place_of(visit.first["unit_code"])
        for period in figures.periods:
            if period.start <= visit.first["issued_date"] <= period.measured_on:
                for place in counted_for(unit_code, figures.units[unit_code]):
                    came[(place, *period.key)].append(visit)
    at_counter = received_at_counter(figures)
    for key, all_visits in came.items():
        senders = {place_of(visit.first["unit_code"]) for visit in all_visits}
        outcomes = Counter(visit.outcome for visit in all_visits)
        called = [visit for visit in all_visits if visit.outcome == "called"]
        waits = [visit.wait for visit in called]
        from_opening = sum(visit.wait_from_opening for visit in called)
        row: Counter[Any] = Counter(
            visits_total=len(all_visits) - outcomes["reprinted"],
            visits_called=len(called),
            visits_no_show=outcomes["no_show"],
            visits_not_called=outcomes["not_called"],
            visits_invalid=outcomes["invalid"],
            tickets_reprinted=outcomes["reprinted"],
            wait_seconds=sum(waits),
            visits_before_opening=sum(c.first["issued_at"].time() < OPENING for c in called),
            wait_seconds_from_opening=from_opening,
            visits_within_30_minutes=sum(wait <= 30 * 60 for wait in waits),
            days_with_tickets=len({visit.first["issued_date"] for visit in all_visits}),
            units_with_tickets=len(senders),
            units_with_desk=len(senders | desks[key]),
            received_at_counter=at_counter[key],
        )
        row["median_wait_seconds"] = percentile(waits, 50) if waits else None
        row["p90_wait_seconds"] = percentile(waits, 90) if waits else None
        figures.waiting[key] = row
        figures.rates["counter_waiting_time", "visit_mean", *key] = (sum(waits), len(waits))
        figures.rates["counter_waiting_time", "visit_mean_from_opening", *key] = (
            from_opening,
            len(waits),
        )


def received_at_counter(figures: Figures) -> Counter[Any]:
    """Dossiers submitted at the counters, to be compared with the visits."""
    counts: Counter[Any] = Counter()
    for dossier in received_only(figures).values():
        if dossier["channel"] != "counter":
            continue
        unit = unit_of(dossier)
        for period in figures.periods:
            if period.start <= dossier["received_date"] <= period.measured_on:
                for place in counted_for(unit, figures.units[unit]):
                    counts[(place, *period.key)] += 1
    return counts


# --- digitisation and procedures -----------------------------------------------------------------


def count_results(figures: Figures) -> None:
    """Digitised results among the dossiers resolved; procedures without a result are left out.

    Results of a system that never states digitisation are left out too.
    """
    with_results = sources_that_state(figures, "result_digitised")
    for dossier in figures.dossiers.values():
        end = end_of(dossier)
        if end is None or dossier["closing_class"] != "resolved":
            continue
        procedure = figures.catalogue.about(dossier, end)
        if procedure is not None and procedure["has_result"] is False:
            continue
        unit = unit_of(dossier)
        for period in figures.periods:
            if period.start <= end <= period.measured_on:
                for place in counted_for(unit, figures.units[unit]):
                    row = figures.digitisation.setdefault((place, *period.key), Counter())
                    if source_of(dossier) not in with_results:
                        row["results_unstated"] += 1
                        continue
                    row["results_total"] += 1
                    row["results_digitised"] += dossier["result_digitised"] is True


def count_desks(world: World, figures: Figures) -> None:
    """One-Stop desks at the end of each period, and those that digitise by then."""
    for period in figures.periods:
        units = states_on(world.units, period.measured_on)
        dated = sum(unit["digitisation_date"] is not None for unit in units.values())
        for unit in units.values():
            if not has_desk(unit, period.measured_on, period.measured_on):
                continue
            since = unit["digitisation_date"]
            for place in (unit["unit_level"].upper(), "CITY"):
                row = figures.digitisation.setdefault((place, *period.key), Counter())
                row["desks_total"] += 1
                row["desks_digitising"] += since is not None and since <= period.measured_on
                row["units_with_date"] = dated


def rates_of_digitisation(figures: Figures) -> None:
    """Rates of results since the plan's year, and of desks of districts and communes."""
    for key, row in figures.digitisation.items():
        place, *_, start = key
        if start >= dt.date(2021, 12, 15):
            figures.rates["result_digitisation_rate", "share", *key] = (
                row["results_digitised"],
                row["results_total"],
            )
        if place in {"DISTRICT", "COMMUNE"} and "desks_total" in row:
            indicator = f"digitisation_rollout_{place.lower()}"
            desks = row["desks_total"] if row["units_with_date"] else 0
            figures.rates[indicator, "share", *key] = (row["desks_digitising"], desks)


def count_procedures(figures: Figures) -> None:
    """The catalogue at the end of each period; internal procedures separately."""
    for period in figures.periods:
        used = procedures_used_online(figures, period)
        listed = figures.catalogue.on(period.measured_on)
        published = sum(p["is_published"] is not None for p in listed.values())
        levelled = sum(p["service_level"] is not None for p in listed.values())
        for key, procedure in listed.items():
            level = procedure["authority_level"]
            for place in ("CITY", *([level.upper()] if level else [])):
                if place not in places(figures):
                    continue
                row = figures.provision.setdefault((place, *period.key), Counter())
                row["publication_stated"], row["level_stated"] = published, levelled
                if procedure["is_internal"]:
                    row["internal_procedures"] += 1
                    row["internal_procedures_published"] += procedure["is_published"] is True
                    continue
                is_eligible = procedure["is_level4_eligible"] is True
                row["procedures"] += 1
                row["procedures_published"] += procedure["is_published"] is True
                row["eligible_for_level4"] += is_eligible
                row["eligible_at_level4"] += is_eligible and procedure["service_level"] == 4
                row["at_level3"] += procedure["service_level"] == 3
                row["at_level4"] += procedure["service_level"] == 4
                is_online = procedure["service_level"] in {3, 4}
                row["online"] += is_online
                row["online_used"] += is_online and key in used
    for key, row in figures.provision.items():
        for indicator, numerator, denominator, stated in (
            ("procedures_published_rate", "procedures_published", "procedures",
             "publication_stated"),
            ("level4_provision_rate", "eligible_at_level4", "eligible_for_level4",
             "level_stated"),
            ("internal_procedures_published_rate", "internal_procedures_published",
             "internal_procedures", "publication_stated"),
            ("online_procedure_share", "online", "procedures", "level_stated"),
            ("online_procedure_used_share", "online_used", "online", "online"),
        ):  # fmt: skip
            counted = row[denominator] if row[stated] else 0
            figures.rates[indicator, "share", *key] = (row[numerator], counted)


def procedures_used_online(figures: Figures, period: Period) -> set[str]:
    """Procedures with a dossier received online in the period."""
    return {
        procedure_key(dossier["procedure_code"])
        for dossier in received_only(figures).values()
        if dossier["channel"] == "online"
        and period.start <= dossier["received_date"] <= period.measured_on
    }


# --- against the targets -------------------------------------------------------------------------


def status_of(indicator: str, place: str, numerator: int, denominator: int, day: dt.date) -> str:
    """Status of a figure against its target of that day, compared as integers."""
    if denominator == 0:
        return "no_data"
    target = target_of(indicator, day, place.lower())
    if target is None:
        return "no_target"
    return "met" if target.is_met(numerator, denominator) else "not_met"


def value_of(indicator: str, numerator: int, denominator: int) -> int | None:
    """Value in ten-thousandths of a percentage point or of a second; truncated."""
    if denominator == 0:
        return None
    scale = 1 if indicator == "counter_waiting_time" else 100
    return scale * numerator * 10_000 // denominator


#: The quantile of the normal distribution for an interval of 95 %.
Z = Decimal("1.959963984540054")
#: A rate of fewer cases should not be ranked.
SMALL = 30


def interval_of(numerator: int, denominator: int) -> tuple[int, int] | None:
    """Wilson's interval of a rate, in ten-thousandths of a percentage point, rounded outwards."""
    if denominator == 0:
        return None
    with localcontext(prec=50):
        n, d = Decimal(numerator), Decimal(denominator)
        middle = 2 * n + Z * Z
        width = Z * (Z * Z + 4 * n * (d - n) / d).sqrt()
        scale = 1_000_000 / (2 * (d + Z * Z))
        lower = ((middle - width) * scale).to_integral_value(ROUND_FLOOR)
        upper = ((middle + width) * scale).to_integral_value(ROUND_CEILING)
    return max(0, int(lower)), min(1_000_000, int(upper))


# --- all of it -----------------------------------------------------------------------------------


def count_everything(
    world: World,
    as_of: dt.date,
    days_off: Mapping[dt.date, str],
    exports: Sequence[dt.date] = (),
) -> Figures:
    """Every figure of one as-of date, from the statements known on it.

    Args:
        world: all statements of the sources.
        as_of: the date.
        days_off: days off and swapped working days, with their kind.
        exports: the nights of the source's exports; without them, each night has one.
    """
    known = world.as_known_on(as_of)
    figures = Figures(periods_of(as_of), levels_of_units(known, as_of), Catalogue(known.procedures))
    figures.levels_ever = {s.says["unit_level"] for u in known.units.values() for s in u if s.says}
    figures.dossiers = {
        code: says | {"first_due_date": first_due_date(says, known.dossiers[code])}
        for code, says in counted_once(states_on(known.dossiers, as_of)).items()
    }
    count_dossiers(known, figures)
    find_violations(known, figures, [n for n in exports if n <= as_of], days_off)
    for key, rate in figures.on_time.items():
        method, place, of_field, of_procedure, *period_key = key
        if (of_field, of_procedure) == ("ALL", "ALL"):
            figures.rates["on_time_rate", method, place, *period_key] = rate
    count_online(figures)
    count_waiting(known, as_of, figures)
    count_results(figures)
    count_desks(known, figures)
    rates_of_digitisation(figures)
    count_procedures(figures)
    return figures

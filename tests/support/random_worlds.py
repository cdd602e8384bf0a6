"""Random worlds of dossiers, tickets, procedures and units, and a function to store them.

Each random value of a world is one of a few options, picked by ``choose``: a seeded
``random.Random().choice`` makes a repeatable world, a Hypothesis draw one that shrinks. The days
lie around those that matter for figures: ends of periods of both bases, public holidays, due dates.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
from reference_figures import ENDED, NEVER_RECEIVED, Says, Statement, Story, World

from onestop.schema.feeds import FEEDS
from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from onestop.schema.feeds import Feed
    from onestop.warehouse import Warehouse

    Choose = Callable[[Sequence[Any]], Any]

T = TypeVar("T")
ONE_DAY = dt.timedelta(days=1)

#: Days at which figures change; the simplest cases come first.
TURNING_DAYS = tuple(
    map(dt.date.fromisoformat, (
        "2022-06-01", "2022-05-10", "2022-06-14", "2022-06-15", "2022-06-30", "2022-07-01",
        "2022-03-31", "2022-04-01", "2021-12-14", "2021-12-15", "2021-12-31", "2022-01-01",
        "2022-01-04", "2022-01-14", "2022-01-15", "2022-01-28", "2022-02-07", "2022-03-14",
        "2022-03-15", "2022-04-08", "2022-04-29", "2022-05-04", "2022-07-14", "2022-08-12",
        "2022-08-31", "2022-09-05", "2022-09-14", "2022-09-15", "2022-09-30", "2022-10-03",
        "2022-11-09", "2022-11-15", "2022-12-12", "2022-12-14", "2022-12-15", "2022-12-30",
        "2022-12-31", "2023-01-02", "2020-12-20", "2021-06-10",
    ))
)  # fmt: skip
#: Nights whose figures are compared.
NIGHTS = tuple(
    map(dt.date.fromisoformat, (
        "2022-06-30", "2022-06-14", "2022-06-15", "2022-07-31", "2022-12-31", "2022-12-14",
        "2022-12-15", "2022-03-31", "2022-09-09", "2022-11-10", "2022-01-01", "2023-01-31",
    ))
)  # fmt: skip
UNITS = {
    "H24.01": "department",
    "H24.02": "department",
    "H24.31": "district",
    "H24.32": "district",
    "H24.31.05": "commune",
    "H24.31.06": "commune",
    "H24.32.01": "commune",
}
UNREGISTERED = "H24.99"
PROCEDURES = (
    "1.000001",
    "1.000002.000.00.00.H24",
    "1.000002",
    "1.000003.000.00.00.H24",
    "2.000004.000.00.00.H24",
    "2.000005",
)


def build_world(
    choose: Choose, *, dossiers: int = 40, tickets: int = 20, late: bool = False
) -> World:
    """A world with about this many dossiers and tickets.

    Args:
        choose: picks one of the options it is given.
        dossiers: how many dossiers.
        tickets: how many queue tickets.
        late: whether some statements become known only after their night.
    """
    world = World()
    for code, level in UNITS.items():
        if story := unit_story(choose, code, level):
            world.units[code] = story
    for code in PROCEDURES:
        if story := procedure_story(choose, code):
            world.procedures[code] = story
    for number in range(dossiers):
        code = dossier_code(number)
        world.dossiers[code] = dossier_story(choose, code, known=list(world.dossiers))
    add_mutual_aliases(choose, world)
    for number in range(tickets):
        code = f"T{number:04}"
        drawn = ticket(choose, code, list(world.visits))
        if world.visits and choose((False, False, True)):
            drawn = ticket_soon_after(choose, drawn, next(reversed(world.visits.values()))[0])
        world.visits[code] = [drawn]
    if late:
        for story in world.dossiers.values():
            story[:] = [with_late_knowledge(choose, statement) for statement in story]
    return world


#: Times of receipt before, at and after the hour from which the next working day counts.
RECEIVED_CLOCKS = tuple(map(dt.time.fromisoformat, ("09:00", "15:00", "15:00:01")))


def dossier_code(number: int) -> str:
    """A code; every second one has a date in six digits, every tenth one an invalid date."""
    day = f"{TURNING_DAYS[number % len(TURNING_DAYS)]:%y%m%d}"
    part = "229901-" if number % 10 == 0 else f"{day}-" if number % 2 else ""
    return f"H24-{part}{number:04}"


def add_mutual_aliases(choose: Choose, world: World) -> None:
    """Make some dossiers name each other as their other code."""
    for code, story in list(world.dossiers.items()):
        other = story[0].says and story[0].says["alias_code"]
        if other and choose((False, True)):
            world.dossiers[other] = [
                Statement(s.night, s.says and s.says | {"alias_code": code}, s.known_from)
                for s in world.dossiers[other]
            ]


def with_late_knowledge(choose: Choose, statement: Statement) -> Statement:
    lag = choose((0, 0, 0, 0, 1, 20, 60))
    return Statement(statement.night, statement.says, statement.night + lag * ONE_DAY)


_CODES = {
    "dossier_code", "alias_code", "procedure_code", "receiving_unit_code", "resolving_unit_code",
    "unit_code", "ticket_code", "transferred_from",
}  # fmt: skip


def merge_worlds(worlds: Sequence[World]) -> World:
    """Merge worlds without common codes into one city, to compute them together."""
    city = World()
    for number, world in enumerate(worlds):
        for name, stories in vars(world).items():
            for code, story in stories.items():
                getattr(city, name)[f"W{number}.{code}"] = [
                    Statement(s.night, _renamed(s.says, number), s.known_from) for s in story
                ]
    return city


def _renamed(says: Says | None, number: int) -> Says | None:
    if says is None:
        return None
    return {
        name: f"W{number}.{value}" if name in _CODES and value is not None else value
        for name, value in says.items()
    }


# --- dossiers ------------------------------------------------------------------------------------


def dossier_story(choose: Choose, code: str, known: Sequence[str] = ()) -> Story:
    """The statements about one dossier, night by night."""
    received = choose(TURNING_DAYS) + choose((0, 0, 0, 1, 2, 5)) * ONE_DAY
    unit = choose((*UNITS, UNREGISTERED))
    level = choose((2, 3, 4, None, 1))
    says: Says = {
        "source": choose(("one_stop", "one_stop", "one_stop", *SILENT)),
        "dossier_code": code,
        "alias_code": None,
        "procedure_code": choose((*PROCEDURES, "1.000003", None)),
        "field_code": choose(("G09", "G15", None)),
        "receiving_unit_code": choose((unit, unit, *UNITS)),
        "resolving_unit_code": choose((unit, unit, None)),
        "channel": choose(("counter", "online", "post", "other", None)),
        "service_level": level,
        "received_date": received,
        "received_clock": RECEIVED_CLOCKS[sum(map(ord, code)) % len(RECEIVED_CLOCKS)],
        "due_date": due_after(choose, received),
        "original_due_date": None,
        "resolved_date": None,
        "status": choose(("processing", "processing", "received", *NEVER_RECEIVED_FIRST)),
        "closing_class": None,
        "result_digitised": None,
    }
    if says["status"] in NEVER_RECEIVED:
        says["received_date"] = choose((None, received))
    if says["status"] == "refused_at_intake":
        says["closing_class"] = "refused_at_intake"
    if known and choose((False,) * 9 + (True,)):
        says["alias_code"] = choose(known)
    night = received + choose((0, 0, 0, 0, 1, 3, 30, 45)) * ONE_DAY
    if choose((False, False, True)):
        says = closed(choose, says, night)
    story = [Statement(night, says)]
    for _ in range(choose((1, 0, 1, 2, 2, 3, 4))):
        night += choose((1, 2, 3, 5, 8, 14, 20, 31, 60, 150)) * ONE_DAY
        says = choose(EVENTS)(choose, says, night)
        story.append(Statement(night, says if choose((True,) * 11 + (False,)) else None))
    return [Statement(s.night, s.says and without_flags(s.says)) for s in story]


#: Systems, and the columns that they never state.
SILENT = {
    "land_registry": ("channel", "result_digitised"),
    "post_desk": ("result_digitised",),
}


def without_flags(says: Says) -> Says:
    return says | dict.fromkeys(SILENT.get(says["source"], ()))


NEVER_RECEIVED_FIRST = ("registered", "refused_at_intake")


def due_after(choose: Choose, day: dt.date) -> dt.date | None:
    days = choose((5, 0, 1, 3, 8, 15, 20, 31, None))
    return None if days is None else day + days * ONE_DAY


def reopened_state(says: Says) -> Says:
    """The dossier as received and open."""
    return says | {"status": "processing", "closing_class": None, "resolved_date": None}


def received_by(says: Says, night: dt.date) -> Says:
    return says if says["received_date"] else says | {"received_date": night}


def closed(choose: Choose, says: Says, night: dt.date) -> Says:
    """The dossier ended by that night, often on, just before or just after the due date."""
    says = received_by(says, night)
    received, due = says["received_date"], says["due_date"]
    if received > night:
        return says
    days = [night, received]
    if due is not None:
        days += [due, due, due - ONE_DAY, due + ONE_DAY]
    end = choose([day for day in days if received <= day <= night])
    status = choose(("resolved", "returned", "returned", "withdrawn"))
    kinds = ("withdrawn",) if status == "withdrawn" else RESOLVED_AS
    return says | {
        "status": status,
        "closing_class": choose(kinds),
        "resolved_date": end,
        "result_digitised": choose((None, True, False)),
    }


RESOLVED_AS = ("resolved", "resolved", "resolved", "resolved", "returned_unprocessed", "withdrawn")


def paused(choose: Choose, says: Says, night: dt.date) -> Says:
    status = choose(("awaiting_supplement", "awaiting_payment", "suspended"))
    return reopened_state(received_by(says, night)) | {"status": status}


def resumed(choose: Choose, says: Says, night: dt.date) -> Says:
    says = reopened_state(received_by(says, night))
    return says | {
        "original_due_date": says["original_due_date"] or says["due_date"],
        "due_date": due_after(choose, max(night, says["received_date"])),
    }


def due_date_rewritten(choose: Choose, says: Says, night: dt.date) -> Says:
    return says | {"due_date": due_after(choose, says["received_date"] or night)}


def end_rewritten(choose: Choose, says: Says, night: dt.date) -> Says:
    return closed(choose, says, night) if says["status"] in ENDED else says


def reopened(choose: Choose, says: Says, night: dt.date) -> Says:
    del choose
    return reopened_state(received_by(says, night))


def passed_on(choose: Choose, says: Says, night: dt.date) -> Says:
    del night
    return says | {"resolving_unit_code": choose((*UNITS, UNREGISTERED))}


def corrected(choose: Choose, says: Says, night: dt.date) -> Says:
    """The dossier with a corrected channel, level, field or day of receipt."""
    received, end = says["received_date"], says["resolved_date"]
    if received is not None and (end is None or received + ONE_DAY <= end):
        received += choose((0, 0, 1, -1)) * ONE_DAY
        received = min(received, night)
    due = says["due_date"]
    return says | {
        "channel": choose(("counter", "online", "post", None)),
        "service_level": choose((3, 4, None)),
        "field_code": choose(("G09", "G15", None)),
        "received_date": received,
        "due_date": max(due, received) if due and received else due,
    }


EVENTS: tuple[Callable[[Choose, Says, dt.date], Says], ...] = (
    closed, closed, closed, paused, paused, resumed, resumed,
    due_date_rewritten, end_rewritten, reopened, passed_on, corrected,
)  # fmt: skip


# --- registers -----------------------------------------------------------------------------------

REGISTER_NIGHTS = tuple(map(dt.date.fromisoformat, ("2021-01-01", "2022-01-01", "2022-06-15")))


def unit_story(choose: Choose, code: str, level: str) -> Story:
    """A unit of the register; it may be missing, be entered late, change, or be deleted."""
    if choose((False,) * 7 + (True,)):
        return []
    says = {
        "unit_code": code,
        "unit_level": level,
        "has_one_stop": choose((True, True, True, False, None)),
        "digitisation_date": choose((None, *TURNING_DAYS[:6])),
        "valid_from_date": choose((None, None, *TURNING_DAYS[:2])),
        "valid_to_date": choose((None, None, None, *TURNING_DAYS[3:5])),
    }
    night = choose(REGISTER_NIGHTS)
    story = [Statement(night, says)]
    if choose((False, False, True)):
        changed = says | {"digitisation_date": choose(TURNING_DAYS)}
        story.append(
            Statement(night + choose((1, 30, 200)) * ONE_DAY, choose((changed, changed, None)))
        )
    return story


def procedure_story(choose: Choose, code: str) -> Story:
    """A procedure of the catalogue; it may be missing, or change its level."""
    if choose((False,) * 5 + (True,)):
        return []
    says = {
        "procedure_code": code,
        "authority_level": choose(("commune", "district", "department", None)),
        "service_level": choose((4, 3, 2, None)),
        "is_level4_eligible": choose((True, False, None)),
        "is_internal": choose((False, None, True)),
        "is_published": choose((True, False, None)),
        "has_result": choose((True, None, False)),
        "duration_workdays": choose((5, 1, 3, 20, None)),
    }
    night = choose(REGISTER_NIGHTS)
    story = [Statement(night, says)]
    if choose((False, True)):
        changed = says | {"service_level": choose((4, 3)), "is_published": True}
        story.append(
            Statement(night + choose((1, 30, 200)) * ONE_DAY, choose((changed, changed, None)))
        )
    return story


# --- tickets -------------------------------------------------------------------------------------


CALLED = ("completed", "completed", "serving", "calling", "no_show")
CLOCKS = tuple(
    map(dt.time.fromisoformat, (
        "08:00", "08:02", "08:02:01", "08:02", "08:00", "06:50", "07:00", "00:00", "23:59",
    ))
)  # fmt: skip


def ticket(choose: Choose, code: str, known: Sequence[str]) -> Statement:
    """One queue ticket, as exported on its day or later."""
    day = choose((*TURNING_DAYS[:8], *TURNING_DAYS[:1] * 8))
    clock = choose(CLOCKS)
    issued = dt.datetime.combine(day, clock, LOCAL_ZONE)
    wait = choose((600, 0, 1, 1799, 1800, 1801, 5400, 28_800, 28_801, -60, None, None, None))
    status = choose(("no_show", "skipped", "waiting") if wait is None else CALLED)
    says = {
        "ticket_code": code,
        "unit_code": choose(("H24.31", "H24.31", "H24.31", *UNITS, UNREGISTERED)),
        "service_code": choose(("G09", "G09", "G15", None)),
        "ticket_status": status,
        "transferred_from": choose((None, None, None, None, *known[-3:], "T-unknown", code)),
        "issued_at": issued,
        "called_at": None if wait is None else issued + dt.timedelta(seconds=wait),
        "issued_date": day,
    }
    return Statement(day + choose((0, 0, 0, 1, 40)) * ONE_DAY, says)


def ticket_soon_after(choose: Choose, drawn: Statement, before: Statement) -> Statement:
    """The ticket, taken for the same service at the same desk minutes after another."""
    assert drawn.says is not None
    assert before.says is not None
    same = {name: before.says[name] for name in ("unit_code", "service_code", "issued_date")}
    issued = before.says["issued_at"] + dt.timedelta(seconds=choose((60, 0, 120, 121)))
    if issued.date() != before.says["issued_date"]:
        issued = before.says["issued_at"]
    called = drawn.says["called_at"] and issued + (
        drawn.says["called_at"] - drawn.says["issued_at"]
    )
    return Statement(drawn.night, drawn.says | same | {"issued_at": issued, "called_at": called})


# --- into a warehouse ----------------------------------------------------------------------------

#: Times of day for timestamps made from dates: on its due day a dossier ends after the due hour. A
#: dossier may have its own time of receipt.
_HOUR = {"due_at": 11, "original_due_at": 11, "resolved_at": 17}


def clock_of(says: Says, moment: str) -> dt.time:
    """The time of day for a timestamp made from a date."""
    if moment == "received_at":
        clock: dt.time = says.get("received_clock", dt.time(9))
        return clock
    return dt.time(_HOUR[moment])


def put_world(warehouse: Warehouse, world: World) -> None:
    """Replace the rows of core.<entity>_history by the statements of a world."""
    for feed in FEEDS.values():
        stories: dict[str, Story] = getattr(world, feed.name, {})
        warehouse.execute(f"delete from core.{feed.entity}_history")
        rows = [row for story in stories.values() for row in _history(feed, story)]
        if rows:
            columns = {name: [row[name] for row in rows] for name in rows[0]}
            schema = _arrow_schema(feed.name)
            warehouse.append(
                f"core.{feed.entity}_history",
                pa.table({name: pa.array(columns[name], schema[name]) for name in columns}),
            )


def _history(feed: Feed, story: Story) -> list[dict[str, Any]]:
    rows = []
    for place, statement in enumerate(story):
        if statement.says is None:
            continue
        says = dict(statement.says)
        source = says.pop("source", "one_stop")
        clocks = {moment: clock_of(says, moment) for moment in ("received_at", *_HOUR)}
        says.pop("received_clock", None)
        following = story[place + 1] if place + 1 < len(story) else None
        row = {
            "valid_from": statement.night,
            "valid_to": following.night if following else None,
            "delivery_id": f"{source}.{feed.name}.{statement.night:%Y%m%d}.000000000000",
            "row_number": 1,
            "content_hash": "",
            **dict.fromkeys(feed.column_names),
            **says,
        }
        for column in feed.columns:
            moment = column.derived_from
            if moment and row[moment] is None and row[column.name] is not None:
                row[moment] = dt.datetime.combine(row[column.name], clocks[moment], LOCAL_ZONE)
        rows.append(row)
    return rows


_ARROW_TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "decimal": pa.decimal128(18, 4),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "Asia/Ho_Chi_Minh"),
}


@cache
def _arrow_schema(feed: str) -> dict[str, pa.DataType]:
    return {
        "valid_from": pa.date32(),
        "valid_to": pa.date32(),
        "delivery_id": pa.string(),
        "row_number": pa.int64(),
        "content_hash": pa.string(),
        **{column.name: _ARROW_TYPES[column.type] for column in FEEDS[feed].columns},
    }

"""Processing times, backlog and dossiers due soon, counted a second time in plain Python.

As ``reference_figures``: nothing here comes from ``sql/``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from reference_figures import (
    ONE_DAY,
    PAUSED,
    counted_for,
    end_of,
    is_workday,
    last_known_state,
    name_beside_total,
    procedure_key,
    received_only,
    timeliness,
    unit_of,
    workdays,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from reference_figures import Figures, Says, Story, World

#: From and up to how many days, by band.
AGES = ((0, 5), (6, 10), (11, 20), (21, 40), (41, None))
OVERDUE = ((1, 5), (6, 10), (11, 30), (31, None))
SHARES = (Fraction(1, 2), Fraction(3, 4), Fraction(9, 10))


def percentile(days: list[int], share: Fraction) -> Fraction:
    """The number at place ``share`` × (n - 1) of the order; between two, divided evenly."""
    ordered = sorted(days)
    place = share * (len(ordered) - 1)
    below = int(place)
    if place == below:
        return Fraction(ordered[below])
    return ordered[below] + (place - below) * (ordered[below + 1] - ordered[below])


def days_taken(
    standing: Says, story: Story, days_off: Mapping[dt.date, str]
) -> tuple[int, int, bool] | None:
    """Working days from receipt to end, those without the days of waiting, and if seen late.

    What a dossier did before its first statement is unknown and counts as the office's.
    """
    end, day = end_of(standing), standing["received_date"]
    if end is None or standing["closing_class"] == "withdrawn" or end < day:
        return None
    first_seen = min(statement.night for statement in story if statement.says is not None)
    elapsed = waited = 0
    is_seen_late = False
    while day < end:
        day += ONE_DAY
        if is_workday(day, days_off):
            elapsed += 1
            if day < first_seen:
                is_seen_late = True
            else:
                waited += last_known_state(story, day)["status"] in PAUSED
    return elapsed, elapsed - waited, is_seen_late


def processing_times(
    world: World, figures: Figures, as_of: dt.date, days_off: Mapping[dt.date, str]
) -> dict[tuple[Any, ...], tuple[int, int, int, tuple[Fraction, ...]]]:
    """Dossiers, those seen late, days and percentiles by place, field, procedure, clock, period."""
    known = world.as_known_on(as_of)
    found: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    seen_late: Counter[tuple[Any, ...]] = Counter()
    for code, standing in received_only(figures).items():
        taken = days_taken(standing, known.dossiers[code], days_off)
        if taken is None:
            continue
        elapsed, of_office, is_seen_late = taken
        unit, end = unit_of(standing), standing["resolved_date"]
        of_field = name_beside_total(standing["field_code"])
        of_procedure = name_beside_total(procedure_key(standing["procedure_code"]))
        for period in figures.periods:
            if not period.start <= end <= period.measured_on:
                continue
            for place in counted_for(unit, figures.units[unit]):
                for group in (("ALL", "ALL"), (of_field, "ALL"), ("ALL", of_procedure)):
                    for clock, days in (("elapsed", elapsed), ("office", of_office)):
                        found[(place, *group, clock, *period.key)].append(days)
                    seen_late[(place, *group, "office", *period.key)] += is_seen_late
    return {
        key: (
            len(days),
            seen_late[key],
            sum(days),
            tuple(percentile(days, share) for share in SHARES),
        )
        for key, days in found.items()
    }


def backlog(
    figures: Figures, as_of: dt.date, days_off: Mapping[dt.date, str]
) -> Counter[tuple[str, str, int]]:
    """Open dossiers by place, kind of band and first day of the band."""
    counts: Counter[tuple[str, str, int]] = Counter()
    for standing in received_only(figures).values():
        if end_of(standing) is not None:
            continue
        bands = [("age", _band(workdays(standing["received_date"], as_of, days_off), AGES))]
        if timeliness(standing, as_of) == "open_overdue":
            bands.append(("overdue", _band((as_of - standing["due_date"]).days, OVERDUE)))
        for place in counted_for(unit := unit_of(standing), figures.units[unit]):
            counts.update((place, *band) for band in bands)
    return counts


def _band(days: int, bands: tuple[tuple[int, int | None], ...]) -> int:
    return next(first for first, last in bands if first <= days and (last is None or days <= last))


def due_soon(figures: Figures, as_of: dt.date, days_off: Mapping[dt.date, str]) -> dict[str, int]:
    """Working days left of each dossier that falls due within the next three."""
    found = {}
    for code, standing in received_only(figures).items():
        if timeliness(standing, as_of) == "open_in_time" and standing["due_date"] > as_of:
            left = workdays(as_of, standing["due_date"], days_off)
            if left <= 3:
                found[code] = left
    return found

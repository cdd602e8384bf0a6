"""Compare the marts with the figures counted in plain Python, figure by figure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reference_figures import (
    FORM_COLUMNS,
    RETURNED,
    SMALL,
    counted_for,
    deadline_check,
    interval_of,
    status_of,
    timeliness,
    unit_of,
    value_of,
    workdays,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from reference_figures import Figures

    from onestop.warehouse import Warehouse

PERIOD = "period_type, period_basis, period_start"
WAITING = (
    "visits_total", "visits_called", "visits_no_show", "visits_not_called", "visits_invalid",
    "tickets_reprinted", "wait_seconds", "visits_before_opening", "wait_seconds_from_opening",
    "visits_within_30_minutes", "received_at_counter",
    "median_wait_seconds", "p90_wait_seconds", "units_with_tickets", "units_with_desk",
    "days_with_tickets",
)  # fmt: skip
RESULTS = ("results_total", "results_digitised", "results_unstated")
DESKS = ("desks_total", "desks_digitising", "units_with_date")
PROVISION = (
    "procedures", "procedures_published", "internal_procedures", "internal_procedures_published",
    "eligible_for_level4", "eligible_at_level4", "at_level3", "at_level4", "online_used",
    "publication_stated", "level_stated",
)  # fmt: skip
WAITING_TIME = "counter_waiting_time"
INTERVAL = (
    "cast(10000 * rate_lower as bigint) as lower, cast(10000 * rate_upper as bigint) as upper,"
    " is_small"
)
Rows = dict[tuple[Any, ...], tuple[Any, ...]]


@dataclass
class Comparison:
    """The number of compared figures, and every difference."""

    figures: int = 0
    differences: list[str] = field(default_factory=list)

    def same(self, name: str, marts: Rows, reference: Rows) -> None:
        """Compare rows by key."""
        self.figures += sum(map(len, reference.values()))
        for key in marts.keys() | reference.keys():
            if marts.get(key) != reference.get(key):
                self.differences.append(
                    f"{name} {' '.join(map(str, key))}:"
                    f" marts {marts.get(key)}, reference {reference.get(key)}"
                )

    def __str__(self) -> str:
        shown = "\n".join(sorted(self.differences)[:25])
        return f"{len(self.differences)} of {self.figures} figures differ\n{shown}"


def rows_of(warehouse: Warehouse, query: str, keys: int) -> Rows:
    """The rows of a query by their first ``keys`` columns."""
    table = warehouse.arrow(query)
    if table.num_rows == 0:
        return {}
    columns = [column.to_pylist() for column in table.columns]
    return {row[:keys]: row[keys:] for row in zip(*columns, strict=True)}


def ranking_of(numerator: int, denominator: int) -> tuple[Any, ...]:
    """The interval of a rate, and whether it rests on few cases."""
    interval = interval_of(numerator, denominator)
    return (None, None, None) if interval is None else (*interval, denominator < SMALL)


def few_visits(_: int, visits: int) -> tuple[Any, ...]:
    """No interval of a mean wait, but whether it rests on few visits."""
    return (None, None, visits < SMALL if visits else None)


def compare_form(found: Comparison, warehouse: Warehouse, schema: str, figures: Figures) -> None:
    """Form II.06a: every unit's row for all fields, and the non-empty rows by field."""
    columns = (*FORM_COLUMNS, *RETURNED)
    named = {
        (unit, of_field, *rest): tuple(row[name] for name in columns)
        for (unit, of_field, procedure, *rest), row in figures.form.items()
        if procedure == "ALL"
    }
    marts = rows_of(
        warehouse,
        f"select unit_code, field_code, {PERIOD}, {', '.join(columns)} from {schema}.form_06a",
        5,
    )
    found.same("form_06a", _not_empty(marts), _not_empty(named))


def _not_empty(rows: Rows) -> Rows:
    return {key: row for key, row in rows.items() if key[1] == "ALL" or any(row)}


def compare_measures(
    found: Comparison, warehouse: Warehouse, schema: str, figures: Figures
) -> None:
    """Numerator and denominator of every computed indicator."""
    marts = rows_of(
        warehouse,
        f"select indicator_code, method_code, unit_code, {PERIOD}, numerator, denominator"
        f" from {schema}.indicator_measure where method_code <> 'declared'",
        6,
    )
    found.same("indicator_measure", marts, figures.rates)


def compare_values(found: Comparison, warehouse: Warehouse, schema: str, figures: Figures) -> None:
    """Every computed indicator with its value and its status against the target."""
    marts = rows_of(
        warehouse,
        f"select indicator_code, method_code, unit_code, {PERIOD}, numerator, denominator,"
        f" cast(10000 * value as bigint) as value, status, {INTERVAL} from {schema}.indicator_value"
        " where method_code <> 'declared'",
        6,
    )
    day = {period.key: period.measured_on for period in figures.periods}
    reference = {
        key: (
            *rate,
            value_of(key[0], *rate),
            status_of(key[0], key[2], *rate, day[tuple(key[3:])]),
            *(few_visits(*rate) if key[0] == WAITING_TIME else ranking_of(*rate)),
        )
        for key, rate in figures.rates.items()
    }
    found.same("indicator_value", marts, reference)


def compare_detail(found: Comparison, warehouse: Warehouse, schema: str, figures: Figures) -> None:
    """The on-time rate by method of every unit, field and procedure."""
    marts = rows_of(
        warehouse,
        f"select method_code, unit_code, field_code, procedure_key, {PERIOD},"
        f" numerator, denominator, {INTERVAL} from {schema}.on_time_detail where denominator <> 0",
        7,
    )
    reference = {
        key: (*rate, *ranking_of(*rate)) for key, rate in figures.on_time.items() if rate[1]
    }
    found.same("on_time_detail", marts, reference)


def compare_readings(
    found: Comparison, warehouse: Warehouse, schema: str, figures: Figures
) -> None:
    """The on-time rate by each reading, and whether it turns the verdict by the plan's wording."""
    day = {period.key: period.measured_on for period in figures.periods}
    status = {
        key: status_of("on_time_rate", key[1], *rate, day[key[2:]])
        for key, rate in figures.readings.items()
    }
    reference = {}
    for key, rate in figures.readings.items():
        if day[key[2:]].year == 2022:
            verdicts = {status[key], status["cohort", *key[1:]]}
            reference[key] = (*rate, status[key], verdicts == {"met", "not_met"})
    marts = rows_of(
        warehouse,
        f"select reading_code, unit_code, {PERIOD}, numerator, denominator, status, turns_verdict"
        f" from {schema}.indicator_variant",
        5,
    )
    found.same("indicator_variant", marts, reference)
    turning: dict[tuple[Any, ...], set[str]] = {}
    for key, row in reference.items():
        turned = turning.setdefault(key[1:], set())
        if row[-1]:
            turned.add(key[0])
    firmness: Rows = {}
    for key, turned in turning.items():
        verdict = status["cohort", *key]
        if verdict != "no_data":
            by_all = "met_by_all" if verdict == "met" else "met_by_none"
            firmness[key] = ("depends" if turned else by_all, frozenset(turned))
    stated = rows_of(
        warehouse,
        f"select unit_code, {PERIOD}, firmness, turned_by from {schema}.indicator_value"
        " where firmness is not null",
        4,
    )
    found.same(
        "firmness",
        {key: (row[0], frozenset((row[1] or "").split())) for key, row in stated.items()},
        firmness,
    )


def compare_others(found: Comparison, warehouse: Warehouse, schema: str, figures: Figures) -> None:
    """Online dossiers by level, waiting time, digitisation, procedures."""
    summed = ", ".join(
        f"cast(sum({name}) as bigint) as {name}"
        for name in (
            "received_total",
            "received_online",
            "received_post",
            "received_channel_unstated",
        )
    )
    online = rows_of(
        warehouse,
        f"select unit_code, service_level, {PERIOD}, {summed}"
        f" from {schema}.online_share"
        f" group by unit_code, service_level, {PERIOD}",
        5,
    )
    found.same("online_share", online, figures.online)
    for mart, columns, rows in (
        ("waiting_time", WAITING, figures.waiting),
        ("digitisation", (*RESULTS, *DESKS), figures.digitisation),
        ("procedure_provision", PROVISION, figures.provision),
    ):
        marts = rows_of(
            warehouse, f"select unit_code, {PERIOD}, {', '.join(columns)} from {schema}.{mart}", 4
        )
        reference = {
            key: tuple(None if name in DESKS and name not in row else row[name] for name in columns)
            for key, row in rows.items()
        }
        found.same(mart, marts, reference)


def compare_dossiers(
    found: Comparison,
    warehouse: Warehouse,
    schema: str,
    figures: Figures,
    as_of: dt.date,
    days_off: Mapping[dt.date, str],
) -> None:
    """Each dossier with its timeliness and working days."""
    marts = rows_of(
        warehouse,
        "select dossier_code, unit_code, unit_level, timeliness, workdays_allowed, workdays_taken,"
        " days_late, first_due_date, recomputed_due_date, deadline_difference_workdays,"
        " has_unusual_deadline"
        f" from {schema}.dossier",
        1,
    )
    reference: Rows = {}
    for code, dossier in figures.dossiers.items():
        received, due = dossier["received_date"], dossier["due_date"]
        ended = dossier["status"] in {"withdrawn", "resolved", "returned"}
        end = dossier["resolved_date"] if ended else None
        unit = unit_of(dossier)
        how = timeliness(dossier, as_of)
        reference[(code,)] = (
            unit,
            figures.units[unit],
            how,
            workdays(received, due, days_off) if received and due else None,
            workdays(received, end, days_off) if received and end else None,
            ((end or as_of) - due).days if how in {"late", "open_overdue"} else None,
            dossier["first_due_date"],
            *deadline_check(dossier, figures.catalogue, days_off),
        )
    found.same("dossier", marts, reference)


def compare_findings(
    found: Comparison, warehouse: Warehouse, schema: str, figures: Figures
) -> None:
    """Moves of due dates; violations of the decrees by dossier, and counted by unit and period."""
    moves = rows_of(
        warehouse,
        "select dossier_code, move_number, move_kind, moved_night, last_seen_night,"
        f" due_date_before, due_date_after from {schema}.due_date_move",
        2,
    )
    found.same("due_date_move", moves, figures.moves)
    findings = rows_of(
        warehouse,
        "select dossier_code, check_code, strength, event_date, limit_date"
        f" from {schema}.decree_check",
        2,
    )
    found.same("decree_check", findings, dict(figures.findings))
    counts: Counter[tuple[Any, ...]] = Counter()
    for (code, check), finding in figures.findings.items():
        unit = unit_of(figures.dossiers[code])
        for period in figures.periods:
            if period.start <= finding.event <= period.measured_on:
                for place in counted_for(unit, figures.units[unit]):
                    counts[place, check, *period.key, finding.strength] += 1
    counted = rows_of(
        warehouse,
        f"select unit_code, check_code, {PERIOD}, found_strong, found_weak"
        f" from {schema}.decree_check_count",
        5,
    )
    reference = {
        key: (counts[*key, "strong"], counts[*key, "weak"]) for key in {k[:-1] for k in counts}
    }
    found.same("decree_check_count", counted, reference)


def compare_everything(
    warehouse: Warehouse,
    schema: str,
    figures: Figures,
    as_of: dt.date,
    days_off: Mapping[dt.date, str],
) -> Comparison:
    """Compare every mart of one night with the reference."""
    found = Comparison()
    for compare in (
        compare_form,
        compare_values,
        compare_detail,
        compare_readings,
        compare_others,
        compare_findings,
    ):
        compare(found, warehouse, schema, figures)
    compare_dossiers(found, warehouse, schema, figures, as_of, days_off)
    return found

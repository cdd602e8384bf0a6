"""Publishing the nation's figures: sums of the packages in force, numbered, never changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from onestop.federation.national_warehouse import NATIONAL, insert_query
from onestop.marts.published import NothingPublishedError, open_published
from onestop.progress import counted_off, working
from onestop.warehouse import engine_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

_MISSING = "missing"


@dataclass(frozen=True)
class NationState:
    """The nation's night after a run.

    Attributes:
        night: the nation's night; None while no package is in force.
        states: how many provinces are ``in``, ``ahead``, ``late`` and ``missing``.
        publication_id: of the new publication; None where nothing was published.
        waits_for: how many more provinces must be in before it publishes.
        not_in: code, state and last night of the provinces that are late or missing.
        later: the later night that is published already, so that this one can no longer be.
    """

    night: dt.date | None = None
    states: Mapping[str, int] = field(default_factory=dict)
    publication_id: int | None = None
    waits_for: int = 0
    not_in: tuple[tuple[str, str, dt.date | None], ...] = ()
    later: dt.date | None = None


def publish_sums(
    warehouse: Warehouse, night: dt.date | None, at_least: int, now: dt.datetime
) -> NationState:
    """Publish the sums of the packages in force; part of the running transaction.

    Nothing is published when a later night is, or the same packages are for this night.

    Args:
        warehouse: the national one.
        night: the nation's night; defaults to the latest one of the packages in force.
        at_least: publish only when so many provinces are in; one must be in any case, so that a
            mistyped night in the future does not shut out the nights before it.
        now: the moment of the publication.
    """
    night = night or warehouse.value(
        "select max(province_as_of_date) as night from national.package"
        " where package_state = 'in_force'"
        " and province_code in (select province_code from national.province)"
    )
    if night is None:
        return NationState()
    coverage = _coverage(warehouse, night)
    states = Counter(str(row["coverage_state"]) for row in coverage)
    are_in = states["in"] + states["ahead"]
    not_in = tuple(
        (str(row["province_code"]), str(row["coverage_state"]), row["province_as_of_date"])
        for row in coverage
        if row["coverage_state"] in ("late", _MISSING)
    )
    last = warehouse.rows(
        "select publication_id, as_of_date from national.publication"
        " order by publication_id desc limit 1"
    )
    if last and last[0]["as_of_date"] > night:
        return NationState(night, states, None, 0, not_in, last[0]["as_of_date"])
    at_least = max(at_least, 1)
    if are_in < at_least:
        return NationState(night, states, None, at_least - are_in, not_in)
    if last and _is_same(warehouse, last[0]["publication_id"], night, coverage):
        return NationState(night, states, None, 0, not_in)
    number = int(last[0]["publication_id"]) + 1 if last else 1
    warehouse.execute(
        "insert into national.publication (publication_id, as_of_date, published_at,"
        " provinces_total, provinces_in, provinces_ahead, provinces_late, provinces_missing)"
        " values (:publication, :night, :moment, :total, :are_in, :are_ahead, :are_late,"
        " :are_missing)",
        {
            "publication": number,
            "night": night,
            "moment": now,
            "total": len(coverage),
            **{f"are_{state}": states[state] for state in ("in", "ahead", "late", _MISSING)},
        },
    )
    rows = [{"publication_id": number, "as_of_date": night, **row} for row in coverage]
    warehouse.append("national.coverage", pa.Table.from_pylist(rows))
    tables = ("indicator_value", "form_06a")
    with working("publishing", unit="tables", total=len(tables)):
        for name in counted_off(tables):
            insert_query(warehouse, name, {"publication": number, "night": night})
    return NationState(night, states, number, 0, not_in)


def _coverage(warehouse: Warehouse, night: dt.date) -> list[dict[str, Any]]:
    """Each province of the registry, with its package in force, seen from a night."""
    rows = warehouse.rows(
        "select province.province_code, province.late_after_days, package.province_as_of_date,"
        " package.package_id from national.province as province"
        " left join national.package as package"
        " on province.province_code = package.province_code"
        " and package.package_state = 'in_force' order by province.province_code"
    )
    return [
        {
            "province_code": row["province_code"],
            "coverage_state": _state(row["province_as_of_date"], night, row["late_after_days"]),
            "province_as_of_date": row["province_as_of_date"],
            "package_id": row["package_id"],
        }
        for row in rows
    ]


def _state(held: dt.date | None, night: dt.date, late_after_days: int) -> str:
    if held is None:
        return _MISSING
    if held > night:
        return "ahead"
    return "in" if (night - held).days <= late_after_days else "late"


def _is_same(
    warehouse: Warehouse, publication: int, night: dt.date, coverage: list[dict[str, Any]]
) -> bool:
    """Whether the last publication is of this night and these packages."""
    found = warehouse.rows(
        "select as_of_date, province_code, coverage_state, package_id from national.coverage"
        " where publication_id = :publication order by province_code",
        {"publication": publication},
    )
    wanted = [
        (night, row["province_code"], row["coverage_state"], row["package_id"]) for row in coverage
    ]
    return [tuple(row.values()) for row in found] == wanted


def complete_copy(settings: Settings, warehouse: Warehouse) -> None:
    """Renew the readers' copy, where the engine has one and it lacks the last publication."""
    if not engine_of(settings.warehouse).has_readers_copy:
        return
    newest = "select coalesce(max(publication_id), 0) as id from national.publication"
    state = "select coalesce(sum(times_received), 0) as times from national.package"
    wanted = [warehouse.value(newest), warehouse.value(state)]
    try:
        with open_published(settings) as copy:
            has_schema = "publication" in copy.tables(NATIONAL)
            found = [copy.value(newest), copy.value(state)] if has_schema else []
    except NothingPublishedError:
        found = []
    if found != wanted:
        warehouse.publish_copy(settings.published)

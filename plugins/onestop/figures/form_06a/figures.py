"""The figures of the form II.06a/VPCP/KSTT, as published or counted for another span of days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from onestop.figures.known_issues import KnownIssue, read_known_issues
from onestop.figures.unit_names import label_column
from onestop.marts.earlier_nights import NightMarts
from onestop.marts.published import (
    QuestionError,
    find_night,
    open_published,
    refuse_earlier_release,
)
from onestop.said import said
from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onestop.marts.earlier_nights import FoundUnit
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

#: The indicator whose known issues are those of the form, too.
ON_TIME = "on_time_rate"
BASES = ("calendar", "government")


@dataclass(frozen=True)
class FormCounts:
    """Columns (3) to (13) of the form, in order."""

    received_total: int
    received_online: int
    received_counter_post: int
    carried_over: int
    resolved_total: int
    resolved_early: int
    resolved_on_time: int
    resolved_late: int
    open_total: int
    open_in_time: int
    open_overdue: int

    @property
    def holds(self) -> bool:
        """Whether the form's identities hold."""
        return (
            self.received_total
            == self.received_online + self.received_counter_post + self.carried_over
            == self.resolved_total + self.open_total
            and self.resolved_total
            == self.resolved_early + self.resolved_on_time + self.resolved_late
            and self.open_total == self.open_in_time + self.open_overdue
        )

    def __add__(self, other: FormCounts) -> FormCounts:
        """The sum of both."""
        return FormCounts(*(getattr(self, name) + getattr(other, name) for name in _COLUMNS))


_COLUMNS = tuple(field.name for field in fields(FormCounts))


@dataclass(frozen=True)
class FormRow:
    """One row: a field of work or a unit."""

    name: str
    counts: FormCounts


@dataclass(frozen=True)
class FormBlock:
    """Rows of one level, under its name and subtotal."""

    title: str
    counts: FormCounts
    rows: tuple[FormRow, ...]


@dataclass(frozen=True)
class LeftOpen:
    """The open dossiers of the period before, as first published after that period's end.

    Column (6) should be equal. It differs when dossiers came late or were changed; the form does
    not correct this but names them.

    Attributes:
        as_of: the night of that publication.
        open_total: column (11) in it.
        added: dossiers that are carried over now and were not open then.
        gone: dossiers that were open then and are not carried over now.
    """

    as_of: dt.date
    open_total: int
    added: tuple[str, ...]
    gone: tuple[str, ...]


@dataclass(frozen=True)
class Form06a:
    """A form, ready to be written.

    Attributes:
        unit: whose form.
        first: first day of the period.
        last: last day of the period.
        as_of: the published night its figures are of.
        published_at: when that night was published.
        row_heading: heading of the rows' names, in Vietnamese.
        blocks: the rows.
        total: the total row, as published.
        returned: the returned dossiers in columns (8), (9) and (10) of the total row; None where
            the night did not publish them.
        is_published: whether the figures are the published ones; else they are counted now.
        before: the open dossiers of the period before, if it was published.
        known_issues: the known faults of the data behind it.
    """

    unit: FoundUnit
    first: dt.date
    last: dt.date
    as_of: dt.date
    published_at: dt.datetime
    row_heading: str
    blocks: tuple[FormBlock, ...]
    total: FormCounts
    returned: tuple[int, int, int] | None
    is_published: bool
    before: LeftOpen | None
    known_issues: tuple[KnownIssue, ...] = ()

    @property
    def is_provisional(self) -> bool:
        """Whether the period ends after the night of the figures."""
        return self.last > self.as_of

    @property
    def rows_add_up(self) -> bool:
        """Whether the rows add up to their blocks and the blocks to the total."""
        return (
            all(
                sum((row.counts for row in block.rows), _NOTHING) == block.counts
                for block in self.blocks
            )
            and sum((block.counts for block in self.blocks), _NOTHING) == self.total
        )

    @property
    def identities_hold(self) -> bool:
        """Whether (3) = (4)+(5)+(6) = (7)+(11) and the rest hold in every row."""
        counts = [row.counts for block in self.blocks for row in block.rows]
        return all(each.holds for each in (self.total, *counts))


_NOTHING = FormCounts(*(0 for _ in _COLUMNS))


def read_form_06a(
    settings: Settings,
    unit: str,
    first: dt.date,
    last: dt.date,
    as_of: dt.date | None = None,
    basis: str = "calendar",
) -> Form06a:
    """The figures of a unit's, a level's or the city's form.

    Args:
        settings: of this installation.
        unit: a unit's code, ``DEPARTMENT``, ``DISTRICT``, ``COMMUNE`` or ``CITY``.
        first: first day of the period.
        last: last day of the period.
        as_of: a published night; defaults to the last one.
        basis: ``calendar`` or ``government``: which published periods may be used.

    Raises:
        QuestionError: no such unit, night or basis, or the period is reversed.
    """
    if basis not in BASES:
        raise QuestionError(
            said("no period basis {basis}", basis=basis),
            remedy=said("there are {names}", names=", ".join(BASES)),
        )
    if last < first:
        raise QuestionError(
            said("the period ends ({last}) before it begins ({first})", last=last, first=first),
            remedy="exchange --from and --to",
        )
    with open_published(settings) as warehouse:
        night = find_night(warehouse, as_of)
        if first > night:
            raise QuestionError(
                said("the period begins ({first}) after night {night}", first=first, night=night),
                remedy="ask for an earlier period, or publish a later night first",
            )
        return _FormReader(warehouse, night, (first, last), basis).read(unit)


class _FormReader:
    """Reads one form from the published marts."""

    def __init__(
        self, warehouse: Warehouse, night: dt.date, span: tuple[dt.date, dt.date], basis: str
    ) -> None:
        self._warehouse = warehouse
        self._night = night
        self._first, self._last = span
        self._basis = basis
        self._marts = NightMarts(warehouse, night)

    def read(self, unit_code: str) -> Form06a:
        """The form of that unit, level or city."""
        unit = self._marts.find_unit(unit_code)
        rows = self._published_rows()
        is_published = any(row["unit_code"] == unit.unit_code for row in rows)
        if not is_published:
            rows = self._counted_rows()
        total_rows = [
            row for row in rows if row["unit_code"] == unit.unit_code and row["field_code"] == "ALL"
        ]
        total = _counts(total_rows[0]) if total_rows else _NOTHING
        is_unit = unit.scope == "unit"
        return Form06a(
            unit=unit,
            first=self._first,
            last=self._last,
            as_of=self._night,
            published_at=self._published_at(),
            row_heading="Lĩnh vực, công việc giải quyết theo cấp" if is_unit else "Đơn vị",
            blocks=tuple(
                self._field_blocks(unit, rows, total) if is_unit else self._unit_blocks(unit, rows)
            ),
            total=total,
            returned=_returned(total_rows[0]) if total_rows else (0, 0, 0),
            is_published=is_published,
            before=self._left_open(unit, total.carried_over),
            known_issues=read_known_issues(
                self._warehouse,
                self._marts,
                ON_TIME,
                unit.unit_code,
                (self._first, min(self._last, self._night)),
            ),
        )

    def _published_rows(self) -> list[dict[str, Any]]:
        return self._warehouse.rows(
            "select * from mart.form_06a_history where period_basis = :basis"
            " and period_start = :first"
            # the year to date has no end of its own: it ends on the night
            " and (period_end = :last or (period_end is null and :last = :night))"
            " and period_type = (select min(period_type) from mart.form_06a_history"
            "  where period_basis = :basis and period_start = :first"
            "  and (period_end = :last or (period_end is null and :last = :night))"
            "  and valid_from <= :night and (valid_to is null or valid_to > :night))"
            " and valid_from <= :night and (valid_to is null or valid_to > :night)"
            " order by unit_code, field_code",
            self._coordinates(),
        )

    def _coordinates(self) -> dict[str, Any]:
        return {
            "basis": self._basis,
            "first": self._first,
            "last": self._last,
            "night": self._night,
        }

    def _counted_rows(self) -> list[dict[str, Any]]:
        refuse_earlier_release(self._warehouse)
        span = (self._first, self._last)
        marts = NightMarts(self._warehouse, self._night, span, mark="counted")
        return self._warehouse.rows(
            f"select * from {marts.relation('mart.form_06a')} order by unit_code, field_code"
        )

    def _published_at(self) -> dt.datetime:
        seconds = self._warehouse.value(
            "select extract(epoch from max(published_at)) from audit.publication"
            " where as_of_date = :night",
            {"night": self._night},
        )
        return dt.datetime.fromtimestamp(int(seconds), LOCAL_ZONE)

    def _left_open(self, unit: FoundUnit, carried_over: int) -> LeftOpen | None:
        """Column (11) of the period before, and the dossiers by which (6) differs from it."""
        end = self._first - dt.timedelta(days=1)
        rows = self._warehouse.rows(
            "select form.period_start, form.open_total, first.as_of_date"
            " from mart.form_06a_history as form"
            " inner join (select min(as_of_date) as as_of_date from audit.publication"
            "  where as_of_date between :end and :night) as first"
            " on form.valid_from <= first.as_of_date"
            " and (form.valid_to is null or form.valid_to > first.as_of_date)"
            " where form.unit_code = :unit and form.field_code = 'ALL'"
            " and form.period_basis = :basis and form.period_end = :end"
            " and form.period_type <> 'year_to_date' order by form.period_start, form.period_type",
            {"unit": unit.unit_code, "basis": self._basis, "end": end, "night": self._night},
        )
        if not rows:
            return None
        then, open_total = rows[0]["as_of_date"], int(rows[0]["open_total"])
        added: set[str] = set()
        gone: set[str] = set()
        if open_total != carried_over:
            span_before = (rows[0]["period_start"], end)
            now = self._codes(unit, self._night, (self._first, self._last), "is_carried_over")
            left = self._codes(unit, then, span_before, "is_open")
            added, gone = now - left, left - now
        return LeftOpen(then, open_total, tuple(sorted(added)), tuple(sorted(gone)))

    def _codes(
        self, unit: FoundUnit, night: dt.date, span: tuple[dt.date, dt.date], flag: str
    ) -> set[str]:
        marts = NightMarts(self._warehouse, night, span, mark=flag)
        rows = self._warehouse.rows(
            f"select dossier_code from {marts.relation('mart.dossier_period')} as dossier"
            f" where {flag} and {unit.condition('dossier')}"
        )
        marts.drop()
        return {row["dossier_code"] for row in rows}

    def _field_blocks(
        self, unit: FoundUnit, rows: Sequence[dict[str, Any]], total: FormCounts
    ) -> Iterator[FormBlock]:
        names = self._field_names()
        of_unit = [
            FormRow(_field_name(row["field_code"], names), _counts(row))
            for row in rows
            if row["unit_code"] == unit.unit_code and row["field_code"] != "ALL"
        ]
        of_unit.sort(key=lambda row: row.name)  # fields of one name stay in order of their codes
        yield FormBlock(self._block_titles()[unit.level], total, tuple(of_unit))

    def _unit_blocks(self, unit: FoundUnit, rows: Sequence[dict[str, Any]]) -> Iterator[FormBlock]:
        label = label_column(self._warehouse)
        names = {
            row["unit_code"]: row["label"]
            for row in self._warehouse.rows(
                f"select unit_code, coalesce({label}, unit_code) as label"
                f" from {self._marts.relation('mart.unit')}"
            )
        }
        of_all_fields = [row for row in rows if row["field_code"] == "ALL"]
        for level, title in self._block_titles().items():
            units = [
                FormRow(names.get(row["unit_code"], row["unit_code"]), _counts(row))
                for row in of_all_fields
                if row["unit_scope"] == "unit" and row["unit_level"] == level
            ]
            if units and unit.level in {"city", level}:
                level_counts = next(
                    _counts(row)
                    for row in of_all_fields
                    if row["unit_scope"] == "level" and row["unit_level"] == level
                )
                yield FormBlock(title, level_counts, tuple(units))

    def _block_titles(self) -> dict[str, str]:
        return {
            row["unit_level"]: row["block_label_vi"]
            for row in self._warehouse.rows(
                f"select unit_level, block_label_vi from {self._marts.relation('ref.unit_level')}"
                " where unit_scope = 'level' order by position"
            )
        }

    def _field_names(self) -> dict[str, str]:
        history = self._marts.relation("core.procedure_history")
        return {
            row["field_code"]: row["field_name"]
            for row in self._warehouse.rows(
                f"select field_code, min(field_name) as field_name from {history}"
                " where field_name is not null and valid_from <= :night"
                " and (valid_to is null or valid_to > :night) group by field_code",
                {"night": self._night},
            )
        }


def _counts(row: dict[str, Any]) -> FormCounts:
    return FormCounts(**{name: int(row[name]) for name in _COLUMNS})


def _returned(row: dict[str, Any]) -> tuple[int, int, int] | None:
    early, on_time, late = map(row.get, ("returned_early", "returned_on_time", "returned_late"))
    if early is None or on_time is None or late is None:
        return None
    return early, on_time, late


def _field_name(code: str, names: dict[str, str]) -> str:
    return "(không ghi lĩnh vực)" if code == "(none)" else names.get(code, code)

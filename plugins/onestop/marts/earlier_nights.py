"""The marts of any published night, over its periods or over any span of days.

Published figures are read from ``mart`` and its histories. Others (another span, the dossiers
behind an earlier night) are computed by the same SELECTs from the record as known on that night,
and from the reference rows and the calendar as published that night.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from onestop.marts.files import mart_files, render, step_text
from onestop.marts.published import QuestionError, published_nights
from onestop.record.history import history_select
from onestop.record.reference_versions import replaced_since
from onestop.said import said
from onestop.schema.did_you_mean import UNITS, did_you_mean
from onestop.schema.feeds import FEEDS
from onestop.warehouse.base import quoted_text
from onestop.warehouse.sql_text import tables_read, with_tables
from onestop.warehouse.staged_names import CALENDAR, KEPT, PUBLISHED, REFERENCE

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    import pyarrow as pa

    from onestop.warehouse import Warehouse


@dataclass(frozen=True)
class FoundUnit:
    """A unit, a level or the city.

    Attributes:
        unit_code: its code.
        name: its name that night.
        level: its level; ``city`` for the whole.
        scope: ``unit``, ``level`` or ``city``.
    """

    unit_code: str
    name: str
    level: str
    scope: str

    def condition(self, table: str) -> str:
        """SQL condition on the rows of ``table`` that count for it."""
        if self.scope == "city":
            return "true"
        column, value = (
            ("unit_level", self.level) if self.scope == "level" else ("unit_code", self.unit_code)
        )
        return f"{table}.{column} = {quoted_text(value)}"

    def counts(self, table: str) -> str:
        """SQL condition on items: its own and its units'; without ``unit_level`` its own only."""
        return (
            f"case when {table}.unit_level is null"
            f" then {table}.unit_code = {quoted_text(self.unit_code)}"
            f" else {self.condition(table)} end"
        )


class NightMarts:
    """The relations that hold a night's marts; computed once when they are not published.

    Args:
        warehouse: the published marts, open.
        night: a published night.
        span: first and last day of the only period; defaults to the night's own periods.
        given: relations to read instead of tables, as ``core.dossier_history``.
        mark: suffix of the temporary tables' names, for two nights at once.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        night: dt.date,
        span: tuple[dt.date, dt.date] | None = None,
        *,
        given: Mapping[str, str] | None = None,
        mark: str = "then",
    ) -> None:
        self._warehouse = warehouse
        self._night = night
        self._span = span
        self._files = {file.name: file for file in mart_files()}
        self._relations = dict(given or {})
        self._mark = mark
        self._made: list[str] = []
        self._replaced: dict[str, pa.Table] | None = None

    @cached_property
    def rests_on_published(self) -> bool:
        """Whether it is the last night, and nothing was loaded since: all is as it was counted."""
        return self._is_last and not self._fed_since

    @cached_property
    def _is_last(self) -> bool:
        return self._night == published_nights(self._warehouse)[-1]

    @cached_property
    def _fed_since(self) -> frozenset[str]:
        """The feeds with deliveries that the night's figures do not include."""
        rows = self._warehouse.rows(
            "select distinct feed from audit.delivery"
            " where state = 'loaded' and known_from > :night",
            {"night": self._night},
        )
        return frozenset(row["feed"] for row in rows)

    def relation(self, table: str) -> str:
        """The relation that holds a table of ``mart``, ``core`` or ``ref`` as of the night."""
        if table not in self._relations:
            self._relations[table] = self._find(table)
        return self._relations[table]

    def _find(self, table: str) -> str:
        schema, name = table.split(".")
        if schema == REFERENCE or table == CALENDAR:
            return self._find_reference(table)
        if schema == "core":
            return self._find_history(name)
        if schema == "audit" or (schema == PUBLISHED and name in KEPT):
            return table
        if table == "mart.period" and self._span:
            return self._put(name, self._span_period(*self._span))
        text = self._files[name].text
        relations = self._inputs(text)
        if self._is_last and all(needed == relation for needed, relation in relations.items()):
            return table
        return self._put(name, render(with_tables(text, relations), self._night))

    def _find_reference(self, table: str) -> str:
        if self._replaced is None:
            self._replaced = replaced_since(self._warehouse, self._night)
        if table not in self._replaced:
            return table
        name = f"{table.replace('.', '_')}_{self._mark}"
        self._warehouse.put_temporary_table(name, self._replaced[table])
        self._made.append(name)
        return name

    def step(self, name: str, step: str) -> str:
        """The relation that holds a step (a common table expression) of a mart's SELECT.

        Args:
            name: of the file below ``sql/mart``, as ``visit`` or ``indicator/declared``.
            step: the step that has one row per item to count.
        """
        key = f"{name}.{step}"
        if key not in self._relations:
            select = self.step_query(name, step)
            self._relations[key] = self._put(f"{name.replace('/', '_')}_{step}", select)
        return self._relations[key]

    def step_query(self, name: str, step: str) -> str:
        """The query of :meth:`step`, not run yet, so that conditions on it cost less."""
        text = step_text(name, step)
        return render(with_tables(text, self._inputs(text)), self._night)

    def _inputs(self, text: str) -> dict[str, str]:
        return {needed: self.relation(needed) for needed in tables_read(text) if "." in needed}

    def _find_history(self, name: str) -> str:
        feeds = [feed for feed in FEEDS.values() if name == f"{feed.entity}_history"]
        if not feeds or feeds[0].name not in self._fed_since:
            return f"core.{name}"
        return self._put(name, history_select(feeds[0], known_on=f"date '{self._night}'"))

    def _put(self, name: str, select: str) -> str:
        self._warehouse.execute(f"create temporary table {name}_{self._mark} as {select}")
        self._made.append(f"{name}_{self._mark}")
        return self._made[-1]

    def forget(self, *tables: str) -> None:
        """Drop what was computed for tables, so that it is computed again from other relations."""
        for table in tables:
            relation = self._relations.pop(table, "")
            if relation in self._made:
                self._made.remove(relation)
                self._warehouse.execute(f"drop table {relation}")

    def drop(self) -> None:
        """Drop the temporary tables."""
        while self._made:
            self._warehouse.execute(f"drop table {self._made.pop()}")

    def _span_period(self, first: dt.date, last: dt.date) -> str:
        return (
            "select 'span' as period_type, 'calendar' as period_basis,"
            f" date '{first}' as period_start, date '{last}' as period_end,"
            f" date '{min(last, self._night)}' as measured_on,"
            f" {str(last <= self._night).lower()} as is_complete, 'span' as tallied_as,"
            f" date '{self._night}' as as_of_date"
        )

    def find_unit(self, unit: str) -> FoundUnit:
        """The unit of that code.

        Args:
            unit: a unit's code, ``DEPARTMENT``, ``DISTRICT``, ``COMMUNE`` or ``CITY``.

        Raises:
            QuestionError: there is no such unit that night.
        """
        rows = self._warehouse.rows(
            "select unit_code, coalesce(unit_name, unit_code) as name, unit_level as level,"
            " unit_scope as scope"
            f" from {self.relation('mart.unit')} where unit_code = :unit",
            {"unit": unit},
        )
        if not rows:
            units = self._warehouse.rows(
                f"select unit_code from {self.relation('mart.unit')} order by unit_code"
            )
            raise QuestionError(
                said("no unit {unit} in the register of {night}", unit=unit, night=self._night),
                remedy=did_you_mean(unit, [row["unit_code"] for row in units], see=UNITS),
            )
        return FoundUnit(**rows[0])

"""The figures that a verification compares: of a published night, and as they are counted again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from onestop.progress import advance, working
from onestop.said import Said, said, said_both, said_text
from onestop.warehouse.staged_names import STAGED

if TYPE_CHECKING:
    import datetime as dt

    from onestop.warehouse import Warehouse

#: The names of codes by kind and code, from ``mart.label``.
CodeNames = dict[tuple[str, str], dict[str, Any]]


class Figure(NamedTuple):
    """What one figure is of, by its codes.

    Attributes:
        sort: ``indicator``, ``readings`` (how firm an indicator is, and its known issues),
            ``form_06a`` or ``returned`` (the returned dossiers on that form).
        indicator_code: of an indicator or its readings, else empty.
        method_code: likewise.
        unit_code: the unit, level or city.
        field_code: of the form, else empty.
        period_type: such as ``month``.
        period_basis: such as ``calendar``.
        period_start: its first day, ``YYYY-MM-DD``.
    """

    sort: str
    indicator_code: str
    method_code: str
    unit_code: str
    field_code: str
    period_type: str
    period_basis: str
    period_start: str

    @property
    def kind(self) -> Said:
        """The indicator and its method, or the form."""
        if self.sort == "form_06a":
            return said_text("form II.06a")
        if self.sort == "returned":
            return said_text("returned dossiers on form II.06a")
        codes = said(
            "{indicator} by {method}", indicator=self.indicator_code, method=self.method_code
        )
        return (
            said("readings and issues of {codes}", codes=codes)
            if self.sort == "readings"
            else codes
        )

    @property
    def text(self) -> Said:
        """Its codes, as ``on_time_rate by cohort of CITY, month (calendar) from 2022-11-01``."""
        period = said(
            "{type} ({basis}) from {start}",
            type=self.period_type,
            basis=self.period_basis,
            start=self.period_start,
        )
        whose = said("{kind} of {unit}", kind=self.kind, unit=self.unit_code)
        if self.field_code:
            whose = said("{whose}, field {field}", whose=whose, field=self.field_code)
        return said("{whose}, {period}", whose=whose, period=period)

    def named(self, names: CodeNames) -> Said:
        """Its codes, with their names in brackets where there are any.

        Args:
            names: from :func:`read_code_names`.
        """
        codes = (
            ("indicator_code", self.indicator_code),
            ("method_code", self.method_code),
            ("unit_code", self.unit_code),
            ("field_code", self.field_code),
        )
        known = [names[code] for code in codes if code in names]
        if not known:
            return self.text
        vi, en = ("; ".join(row[f"label_{lang}"] for row in known) for lang in ("vi", "en"))
        return said("{figure} ({names})", figure=self.text, names=said_both(vi=vi, en=en))


def read_code_names(published: Warehouse) -> CodeNames:
    """The names of indicators, methods, units and fields.

    Args:
        published: the published marts; no names where an earlier release published them.
    """
    if "label" not in published.relations("mart"):
        return {}
    rows = published.rows(
        "select code_kind, code, label_vi, label_en from mart.label"
        " where code_kind in ('indicator_code', 'method_code', 'unit_code', 'field_code')"
    )
    return {(row["code_kind"], row["code"]): row for row in rows}


_PERIOD = "period_type, period_basis, cast(period_start as varchar) as period_start"
_OF_INDICATOR = f"indicator_code, method_code, unit_code, '' as field_code, {_PERIOD}"
_OF_FORM = f"'' as indicator_code, '' as method_code, unit_code, field_code, {_PERIOD}"
_INDICATORS = (
    f"select 'indicator' as sort, {_OF_INDICATOR},"
    " coalesce(cast(numerator as varchar), '-') || '/' || coalesce(cast(denominator as varchar),"
    " '-') || ' ' || status as counts from {table}"
)
_FORM = (
    f"select 'form_06a' as sort, {_OF_FORM},"
    " concat_ws(' ', received_online, received_counter_post, carried_over, resolved_early,"
    " resolved_on_time, resolved_late, open_in_time, open_overdue) as counts from {table}"
)
#: Nights of earlier releases have no such counts.
_RETURNED = (
    f"select 'returned' as sort, {_OF_FORM},"
    " concat_ws(' ', returned_early, returned_on_time, returned_late) as counts"
    " from (select * from {table} where returned_early is not null) as with_returned"
)
#: What is said beside a figure rests on reference rows: compared where these are still the same.
_READINGS = (
    f"select 'readings' as sort, {_OF_INDICATOR},"
    " concat_ws(' ', firmness, turned_by, known_issues) as counts"
    " from (select * from {table} where firmness is not null or known_issues is not null)"
    " as with_readings"
)


#: Tables of the scratch warehouse: the figures as they were published, and as they are counted.
_SCHEMA = "compared"
_PUBLISHED, _COUNTED = f"{_SCHEMA}.published", f"{_SCHEMA}.counted"
_CODES = ", ".join(Figure._fields)
_KIND = "sort, indicator_code, method_code"


def put_published_figures(
    scratch: Warehouse, published: Warehouse, night: dt.date, *, has_same_rules: bool
) -> int:
    """Copy every figure of a published night, from the histories, into the scratch warehouse.

    Args:
        scratch: where the figures are compared.
        published: the published marts.
        night: the night.
        has_same_rules: whether it was computed by the SELECTs and reference rows of today.

    Returns:
        How many they are.
    """
    indicators, form = "mart.indicator_history", "mart.form_06a_history"
    queries = [_INDICATORS.format(table=indicators), _FORM.format(table=form)]
    if "returned_early" in published.columns("mart", "form_06a_history"):
        queries.append(_RETURNED.format(table=form))
    if has_same_rules:
        queries.append(_READINGS.format(table=indicators))
    columns = ", ".join(f"{name} varchar not null" for name in Figure._fields)
    scratch.empty_schema(_SCHEMA)
    scratch.execute(f"create table {_PUBLISHED} ({columns}, counts varchar)")
    then = " where valid_from <= :night and (valid_to is null or valid_to > :night)"
    with working("reading", unit="rows"), scratch.transaction():
        for query in queries:
            for batch in published.batches(query + then, {"night": night}):
                scratch.append(_PUBLISHED, pa.Table.from_batches([batch]))
                advance(batch.num_rows)
    return int(scratch.value(f"select count(*) from {_PUBLISHED}"))


def put_counted_figures(scratch: Warehouse, *, has_same_rules: bool) -> dict[Said, int]:
    """List every figure of the night that the scratch warehouse has computed.

    Args:
        scratch: has the computed marts and the published figures.
        has_same_rules: as of :func:`put_published_figures`.

    Returns:
        How many figures there are of each kind that the night did not publish, because only a
        later release has it; they are not listed.
    """
    indicators, form = f"{STAGED}.indicator_value", f"{STAGED}.form_06a"
    queries = [_INDICATORS.format(table=indicators)]
    queries += [query.format(table=form) for query in (_FORM, _RETURNED)]
    if has_same_rules:
        queries.append(_READINGS.format(table=indicators))
    scratch.make_table(_COUNTED, " union all ".join(queries))
    known = f"select {_KIND} from {_PUBLISHED}"
    added = scratch.rows(
        f"select {_KIND}, count(*) as figures from {_COUNTED} where ({_KIND}) not in ({known})"
        f" group by {_KIND} order by {_KIND}"
    )
    scratch.execute(f"delete from {_COUNTED} where ({_KIND}) not in ({known})")
    nowhere = dict.fromkeys(Figure._fields, "")
    return {_figure(nowhere | row).kind: row["figures"] for row in added}


@dataclass(frozen=True)
class Differing:
    """A figure that is not counted as it was published.

    Attributes:
        figure: its codes.
        was: its published counts; None where it was not published.
        now: its counts now; None where it is not counted.
    """

    figure: Figure
    was: str | None
    now: str | None


def differing_figures(scratch: Warehouse, most: int) -> tuple[list[Differing], int]:
    """Compare the published with the counted figures.

    Args:
        scratch: has both.
        most: how many to return.

    Returns:
        The first that differ, in the order of their codes, and how many differ.
    """
    same = " and ".join(f"was.{name} = now.{name}" for name in Figure._fields)
    codes = ", ".join(f"coalesce(was.{name}, now.{name}) as {name}" for name in Figure._fields)
    differing = f"{_SCHEMA}.differing"
    with working("comparing", unit="rows"):
        scratch.make_table(
            differing,
            f"select {codes}, was.counts as was, now.counts as now from {_PUBLISHED} as was"
            f" full join {_COUNTED} as now on {same} where was.counts is distinct from now.counts",
        )
    rows = scratch.rows(f"select * from {differing} order by {_CODES} limit {most}")
    return (
        [Differing(_figure(row), row["was"], row["now"]) for row in rows],
        int(scratch.value(f"select count(*) from {differing}")),
    )


#: Figures whose recorded causes are not their change since the night published before, in all
#: periods that the night gives figures for.
_UNCAUSED = f"""
with stated as (
    select
        indicator_code, method_code, unit_code, period_type, period_basis, period_start,
        coalesce(numerator, 0) * sign as numerator, coalesce(denominator, 0) * sign as denominator
    from (
        select h.*, 1 as sign from mart.indicator_history as h
        where valid_from <= :night and (valid_to is null or valid_to > :night)
        union all
        select h.*, -1 from mart.indicator_history as h
        where valid_from <= :previous and (valid_to is null or valid_to > :previous)
    ) as both_nights
    where (period_type, period_basis, period_start) in (
        select distinct period_type, period_basis, period_start from mart.indicator_history
        where valid_from <= :night and (valid_to is null or valid_to > :night)
    )
    union all
    select
        indicator_code, method_code, unit_code, period_type, period_basis, period_start,
        -numerator_change, -denominator_change
    from mart.night_change
    where as_of_date = :night
)
select
    'indicator' as sort, {_OF_INDICATOR},
    sum(numerator) as numerator, sum(denominator) as denominator
from stated
group by indicator_code, method_code, unit_code, period_type, period_basis, stated.period_start
having sum(numerator) <> 0 or sum(denominator) <> 0
order by 2, 3, 4, 6, 7, 8
"""


def uncaused_figures(
    published: Warehouse, night: dt.date, previous: dt.date
) -> list[tuple[Figure, str]]:
    """Figures whose recorded causes do not add up to their change.

    Args:
        published: the published marts.
        night: the published night.
        previous: the night published before it.

    Returns:
        Each with what the causes leave: ``+1/+0`` of numerator and denominator.
    """
    rows = published.rows(_UNCAUSED, {"night": night, "previous": previous})
    return [(_figure(row), f"{row['numerator']:+}/{row['denominator']:+}") for row in rows]


def _figure(row: dict[str, Any]) -> Figure:
    return Figure(**{name: row[name] for name in Figure._fields})

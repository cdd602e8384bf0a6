"""Why figures moved between two published nights: each item with one cause, adding up exactly.

The causes are those of ``mart.night_change``, by the same SELECTs (``sql/mart/night_change``), for
any two nights, any span of days and one unit, level or the city.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from onestop.figures.difference.sides import Sides
from onestop.figures.explain.items import DELIVERIES
from onestop.figures.unit_names import level_said
from onestop.marts.earlier_nights import FoundUnit, NightMarts
from onestop.marts.files import rules_digest
from onestop.marts.night_changes import (
    DOSSIER_FACT,
    OF_DOSSIERS,
    OTHER,
    RULE_CHANGED,
    VISIT,
    kind_of,
    placed_select,
)
from onestop.marts.published import (
    EarlierReleaseError,
    QuestionError,
    find_night,
    near_nights_text,
    open_published,
    published_nights,
)
from onestop.record.reference_changes import reference_changes_between
from onestop.said import said
from onestop.schema.did_you_mean import CODES, UNITS, did_you_mean
from onestop.warehouse.base import quoted_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from onestop.figures.known_issues import KnownIssue
    from onestop.record.reference_changes import ReferenceChange
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

__all__ = ["ChangedItem", "Difference", "FigureChange", "Verdict", "compare_nights"]

#: What the items of a kind are called; of the others, the kind itself.
ITEM_NAMES = {**dict.fromkeys(OF_DOSSIERS, "dossier"), VISIT: "ticket", OTHER: "item"}
#: Facts of a dossier on both nights.
FACTS = ("received", "due", "closed")
#: The items that are listed, with their amounts, and the causes in their order.
_ITEM = "diff_item"
_SIDES = ("before", "after")
_AMOUNTS = ", ".join(
    f"item.{amount}_{side}" for side in _SIDES for amount in ("numerator", "denominator")
)
_IN_ORDER = " left join ref.change_cause as cause on item.cause_code = cause.cause_code"


@dataclass(frozen=True)
class ChangedItem:
    """An item that counts differently in a figure.

    Attributes:
        item_code: its code.
        cause_code: the one cause.
        numerator_before: what it added to the numerator on the earlier night.
        denominator_before: likewise to the denominator.
        numerator_after: what it adds to the numerator on the later night.
        denominator_after: likewise to the denominator.
        facts: of a dossier, its days of receipt, due and end, ``<fact>_before`` and
            ``<fact>_after``.
        delivery_id: of a dossier or ticket, the delivery that states it now, or stated it last.
        file_name: that delivery's file.
        row_number: the row in that file.
    """

    item_code: str
    cause_code: str
    numerator_before: int
    denominator_before: int
    numerator_after: int
    denominator_after: int
    facts: Mapping[str, dt.date | None] = field(default_factory=dict)
    delivery_id: str | None = None
    file_name: str | None = None
    row_number: int | None = None

    @property
    def change(self) -> tuple[int, int]:
        """What it changes in numerator and denominator."""
        return (
            self.numerator_after - self.numerator_before,
            self.denominator_after - self.denominator_before,
        )


@dataclass(frozen=True)
class Cause:
    """What one cause changes in a figure.

    Attributes:
        cause_code: as in ``ref.change_cause``.
        item_count: number of its items; None for rules, which concern all of them.
        numerator_change: change of the numerator.
        denominator_change: change of the denominator.
    """

    cause_code: str
    item_count: int | None
    numerator_change: int
    denominator_change: int


@dataclass(frozen=True)
class Verdict:
    """What a figure was compared with on a night, and the result.

    Attributes:
        target: the target, from 0 to 100 for a rate; None without one.
        comparison: how the figure is compared with it, such as ``>=``.
        status: as in ``ref.figure_status``; None where the span is no published period.
        firmness: as in ``ref.firmness``; None for a figure without readings.
        turned_by: codes of the readings that give the other verdict, separated by blanks.
    """

    target: Decimal | None = None
    comparison: str | None = None
    status: str | None = None
    firmness: str | None = None
    turned_by: str | None = None


@dataclass(frozen=True)
class FigureChange:
    """The change of one figure.

    Attributes:
        indicator_code: the indicator.
        method_code: the method.
        item_name: ``dossier``, ``ticket``, ``procedure``, ``desk``, ``declaration`` or ``item``.
        first: first day of the span.
        last: last day of the span; the year to date ends on each night.
        before: numerator and denominator as published on the earlier night; None where the span
            is no published period.
        after: the same of the later night.
        causes: what moved it, in the order of ``ref.change_cause``.
        items: the items behind the causes, the first ones if no more were asked for; empty when
            only the causes were asked for.
        item_count: number of all items.
        verdict_before: what it was compared with on the earlier night; None where the span had not
            begun.
        verdict_after: the same of the later night.
        issues_before: the known issues of its data on the earlier night.
        issues_after: the same of the later night.
    """

    indicator_code: str
    method_code: str
    item_name: str
    first: dt.date
    last: dt.date
    before: tuple[int, int] | None
    after: tuple[int, int] | None
    causes: tuple[Cause, ...]
    items: tuple[ChangedItem, ...] = ()
    item_count: int = 0
    verdict_before: Verdict | None = None
    verdict_after: Verdict | None = None
    issues_before: tuple[KnownIssue, ...] = ()
    issues_after: tuple[KnownIssue, ...] = ()

    @property
    def has_data(self) -> bool:
        """Whether one of the nights published any case of it."""
        return any(pair is not None and any(pair) for pair in (self.before, self.after))

    @property
    def is_changed(self) -> bool:
        """Whether the figure moved, or its target, its verdict or its known issues changed."""
        had_begun = self.verdict_before is not None
        before = (self.verdict_before, self.issues_before)
        after = (self.verdict_after, self.issues_after)
        return bool(self.causes) or (had_begun and before != after)

    @property
    def change(self) -> tuple[int, int]:
        """The sum of the causes."""
        return (
            sum(cause.numerator_change for cause in self.causes),
            sum(cause.denominator_change for cause in self.causes),
        )


@dataclass(frozen=True)
class Difference:
    """The answer to a question about two nights.

    Attributes:
        previous: the earlier night.
        as_of: the later night.
        unit: the unit, level or city.
        figures: the figures that were asked for, also unchanged ones.
        has_items: whether they have the items behind the causes.
        elsewhere: indicators of the scorecard that are figures of another level, by that level.
        reference_changes: the reference rows that differ between the nights.
    """

    previous: dt.date
    as_of: dt.date
    unit: FoundUnit
    figures: tuple[FigureChange, ...]
    has_items: bool = False
    elsewhere: tuple[tuple[str, str], ...] = ()
    reference_changes: tuple[ReferenceChange, ...] = ()


def compare_nights(  # noqa: PLR0913 - a figure has this many coordinates
    settings: Settings,
    previous: dt.date,
    as_of: dt.date,
    unit: str,
    indicator: str | None = None,
    method: str | None = None,
    span: tuple[dt.date | None, dt.date | None] = (None, None),
    *,
    most_items: int | None = None,
) -> Difference:
    """Why figures of a unit moved between two published nights.

    Args:
        settings: of this installation.
        previous: the earlier night.
        as_of: the later night.
        unit: a unit's code, a level (``DEPARTMENT``, ``DISTRICT``, ``COMMUNE``) or ``CITY``.
        indicator: indicator code; defaults to all of the scorecard, without their items.
        method: method code; defaults to the scorecard's.
        span: first and last day; defaults to the period of each figure on the scorecard of the
            later night: the year so far, or the plan's year once that is over.
        most_items: read no more items of a figure; defaults to all.

    Raises:
        QuestionError: no such unit, indicator or method, the nights or the span are reversed, the
            span begins after the later night, the causes do not add up to the published figures,
            or an earlier release published last.
        NothingPublishedError: one of the nights is not published.
    """
    with open_published(settings) as warehouse:
        if "change_cause" not in warehouse.tables("ref"):
            raise EarlierReleaseError(
                "an earlier release, which knew no causes, published the last night",
                remedy="publish a night with this release, then ask again",
            )
        _refuse_reversed(find_night(warehouse, previous), find_night(warehouse, as_of))
        _refuse_unusable_span(warehouse, as_of, *span)
        found_unit = _find_unit(warehouse, unit, previous, as_of)
        elsewhere = _of_other_levels(warehouse, found_unit)
        if indicator in elsewhere:
            raise QuestionError(
                said(
                    "{indicator} has figures of one level: {level}",
                    indicator=indicator,
                    level=level_said(elsewhere[indicator]),
                ),
                remedy=said("ask for --unit {level}", level=elsewhere[indicator].upper()),
            )
        asked = _asked(warehouse, indicator, method)
        asked = [(code, by) for code, by in asked if code not in elsewhere]
        figures: list[FigureChange] = []
        for (first, last), of_span in _by_span(warehouse, asked, as_of, span).items():
            comparison = _Comparison(warehouse, previous, as_of, found_unit, first, last)
            figures += comparison.figures(
                of_span, has_items=indicator is not None, most_items=most_items
            )
        changes = reference_changes_between(warehouse, previous, as_of)
    return Difference(
        previous,
        as_of,
        found_unit,
        tuple(figures),
        has_items=indicator is not None,
        elsewhere=tuple(elsewhere.items()),
        reference_changes=tuple(changes),
    )


def _refuse_unusable_span(
    warehouse: Warehouse, as_of: dt.date, first: dt.date | None, last: dt.date | None
) -> None:
    if first and first > as_of:
        raise QuestionError(
            said(
                "the span begins on {first}, after the later night ({as_of})",
                first=first,
                as_of=as_of,
            ),
            remedy=said(
                "choose --from by {as_of}, or a later second night; {published}",
                as_of=as_of,
                published=near_nights_text(published_nights(warehouse), first),
            ),
        )
    if first and last and last < first:
        raise QuestionError(
            said("the span ends ({last}) before it begins ({first})", last=last, first=first),
            remedy="exchange --from and --to",
        )


def _by_span(
    warehouse: Warehouse,
    asked: list[tuple[str, str]],
    as_of: dt.date,
    span: tuple[dt.date | None, dt.date | None],
) -> dict[tuple[dt.date, dt.date], list[tuple[str, str]]]:
    """The figures by the span that they are compared over.

    Args:
        warehouse: from :func:`onestop.marts.published.open_published`.
        asked: indicators and methods.
        as_of: the later night.
        span: first and last day, or None for those of the scorecard.
    """
    first, last = span
    if first or last:
        last = last or as_of
        return {(first or last.replace(month=1, day=1), last): asked}
    marts = NightMarts(warehouse, as_of, mark="diff_span")
    ends = warehouse.rows(
        "select indicator_code, valid_to"
        f" from {marts.relation('ref.indicator')} as indicator order by valid_to"
    )
    marts.drop()
    found: dict[tuple[dt.date, dt.date], list[tuple[str, str]]] = {}
    for figure in asked:
        for row in ends:
            if row["indicator_code"] == figure[0]:
                is_over = row["valid_to"] is not None and row["valid_to"] <= as_of
                last = row["valid_to"] - dt.timedelta(days=1) if is_over else as_of
                if is_over and not _is_period(warehouse, last.replace(month=1, day=1), last, as_of):
                    last = as_of  # a year that figures are no longer given for
                figures = found.setdefault((last.replace(month=1, day=1), last), [])
                if figure not in figures:
                    figures.append(figure)
    return found


def _is_period(warehouse: Warehouse, first: dt.date, last: dt.date, as_of: dt.date) -> bool:
    """Whether a span is a period that a night gave figures for."""
    return bool(
        warehouse.value(
            "select count(*) from mart.indicator_history where period_start = :first"
            # the year to date has no period_end: it ends on the night
            " and (period_end = :last or (period_end is null and :last = :as_of))"
            " and valid_from <= :as_of and (valid_to is null or valid_to > :as_of)"
            " and unit_code = 'CITY'",
            {"first": first, "last": last, "as_of": as_of},
        )
    )


def _of_other_levels(warehouse: Warehouse, unit: FoundUnit) -> dict[str, str]:
    """The indicators that are figures of one level, which is not this unit, by level."""
    rows = warehouse.rows(
        "select indicator_code, scope from ref.indicator where scope in"
        " (select unit_level from ref.unit_level where unit_scope = 'level') order by position"
    )
    here = unit.level if unit.scope == "level" else None
    return {row["indicator_code"]: row["scope"] for row in rows if row["scope"] != here}


def _refuse_reversed(previous: dt.date, as_of: dt.date) -> None:
    if as_of <= previous:
        raise QuestionError(
            said(
                "the second night ({as_of}) is not after the first one ({previous})",
                as_of=as_of,
                previous=previous,
            )
            if as_of < previous
            else said("both nights are the same ({night})", night=as_of),
            remedy="name the earlier night first, then a later one",
        )


def _asked(
    warehouse: Warehouse, indicator: str | None, method: str | None
) -> list[tuple[str, str]]:
    """The indicators and methods that were asked for, in the scorecard's order."""
    rows = warehouse.rows(
        "select indicator_code, scorecard_method, position from ref.indicator order by position"
    )
    known = {row["indicator_code"]: row["scorecard_method"] for row in rows}
    if indicator is None:
        if method is not None:
            raise QuestionError(
                said("method {method} is of no indicator", method=method),
                remedy="name one by --indicator",
            )
        return [(code, scorecard) for code, scorecard in known.items() if scorecard]
    if indicator not in known:
        raise QuestionError(
            said("no indicator {indicator}", indicator=indicator),
            remedy=did_you_mean(indicator, known, see=CODES),
        )
    found = warehouse.rows(
        "select distinct method_code from mart.indicator_history"
        " where indicator_code = :indicator order by method_code",
        {"indicator": indicator},
    )
    methods = [row["method_code"] for row in found]
    chosen = method or known[indicator]
    # a line of the scorecard may have no figure yet
    if chosen not in {*methods, known[indicator]} or not chosen:
        raise QuestionError(
            said(
                "no figure of {indicator} by method {method} was ever published",
                indicator=indicator,
                method=chosen,
            )
            if chosen
            else said("no figure of {indicator} was ever published", indicator=indicator),
            remedy=did_you_mean(chosen or "", methods, see=CODES),
        )
    return [(indicator, chosen)]


def _find_unit(warehouse: Warehouse, unit: str, previous: dt.date, as_of: dt.date) -> FoundUnit:
    """The unit, level or city that had figures on one of the nights."""
    rows = warehouse.rows(
        "select h.unit_code, coalesce(max(u.unit_name), h.unit_code) as name,"
        " max(h.unit_level) as level, max(h.unit_scope) as scope from mart.indicator_history as h"
        " left join mart.unit as u on h.unit_code = u.unit_code"
        " where h.unit_code = :unit and h.valid_from <= :as_of"
        " and (h.valid_to is null or h.valid_to > :previous) group by h.unit_code",
        {"unit": unit, "previous": previous, "as_of": as_of},
    )
    if not rows:
        units = warehouse.rows("select distinct unit_code from mart.indicator_history order by 1")
        raise QuestionError(
            said(
                "no unit {unit} had figures on {previous} or {as_of}",
                unit=unit,
                previous=previous,
                as_of=as_of,
            ),
            remedy=did_you_mean(unit, [row["unit_code"] for row in units], see=UNITS),
        )
    row = rows[0]
    return FoundUnit(row["unit_code"], row["name"], row["level"], row["scope"])


class _Comparison:
    """One comparison, while its temporary tables are there."""

    def __init__(
        self,
        warehouse: Warehouse,
        previous: dt.date,
        as_of: dt.date,
        unit: FoundUnit,
        first: dt.date,
        last: dt.date,
    ) -> None:
        self._warehouse = warehouse
        self._previous = previous
        self._as_of = as_of
        self.unit = unit
        self._first = first
        self._last = last
        digests = warehouse.rows(
            "select as_of_date, rules_sha256 from audit.publication where as_of_date between"
            " :previous and :as_of",
            {"previous": previous, "as_of": as_of},
        )
        self._has_other_rules = any(row["rules_sha256"] != rules_digest() for row in digests)
        self._has_same_rules = all(
            row["rules_sha256"] == rules_digest() for row in digests if row["as_of_date"] == as_of
        )
        self._has_every_dossier = False
        self._is_published = _is_period(warehouse, first, last, as_of)
        self._before, self._after = self._published(previous), self._published(as_of)

    def _new_sides(self, asked: list[tuple[str, str]], *, has_every_dossier: bool = False) -> Sides:
        return Sides(
            self._warehouse,
            (self._previous, self._as_of),
            (self._first, self._last),
            asked,
            has_same_rules=self._has_same_rules,
            has_every_dossier=has_every_dossier,
        )

    def figures(
        self, asked: list[tuple[str, str]], *, has_items: bool, most_items: int | None = None
    ) -> tuple[FigureChange, ...]:
        """The changes of figures, in the order asked for.

        Args:
            asked: indicators and methods.
            has_items: whether to read the items behind the causes.
            most_items: read no more of them for a figure; defaults to all.
        """
        found = []
        self._sides = self._new_sides(asked)
        try:
            for kind, figures in self._by_kind(asked).items():
                changes = self._compare(kind, figures)
                if has_items and kind in (*OF_DOSSIERS, OTHER) and self._compares_too_few(changes):
                    self._sides.drop()
                    self._sides = self._new_sides(asked, has_every_dossier=True)
                    self._has_every_dossier = True
                    changes = self._compare(kind, figures)
                if has_items:
                    items = self._read_items(kind, figures, most_items)
                    changes = [
                        replace(one, items=tuple(items[one.indicator_code, one.method_code]))
                        for one in changes
                    ]
                found += changes
            found = [self._annotated(change) for change in found]
        finally:
            self._sides.drop()
        return tuple(sorted(found, key=lambda f: asked.index((f.indicator_code, f.method_code))))

    def _compare(self, kind: str, figures: list[tuple[str, str]]) -> list[FigureChange]:
        self._list_items(kind, figures)
        causes = self._read_causes()
        return [self._figure(kind, figure, causes.get(figure, [])) for figure in figures]

    def _compares_too_few(self, changes: list[FigureChange]) -> bool:
        """Whether rules move dossiers that are not compared; from then on, all of them are."""
        return not self._has_every_dossier and any(
            cause.item_count is None for change in changes for cause in change.causes
        )

    def _annotated(self, change: FigureChange) -> FigureChange:
        """The change with targets, verdicts and known issues."""
        figure = (change.indicator_code, change.method_code)
        issues = self._sides.known_issues(change.indicator_code, self.unit.unit_code)
        had_begun = self._first <= self._previous
        return replace(
            change,
            verdict_before=self._verdict("earlier", self._before, figure) if had_begun else None,
            verdict_after=self._verdict("later", self._after, figure),
            issues_before=issues["earlier"] if had_begun else (),
            issues_after=issues["later"],
        )

    def _verdict(
        self,
        side: str,
        published: Mapping[tuple[str, str], dict[str, Any]],
        figure: tuple[str, str],
    ) -> Verdict:
        """What was compared on a night: as published, or, without a figure, the target in force."""
        if figure in published:
            row = published[figure]
            return Verdict(
                row["target"],
                row["comparison"],
                row["status"],
                row.get("firmness"),
                row.get("turned_by"),
            )
        comparison, target = self._targets[side].get(figure[0], (None, None))
        return Verdict(target, comparison, "no_data" if self._is_published else None)

    @cached_property
    def _targets(self) -> dict[str, dict[str, tuple[str, Decimal]]]:
        return self._sides.targets(self.unit.level)

    @staticmethod
    def _by_kind(asked: list[tuple[str, str]]) -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for indicator, method in asked:
            found.setdefault(kind_of(indicator, method), []).append((indicator, method))
        return found

    def _list_items(self, kind: str, figures: list[tuple[str, str]]) -> None:
        """Keep the items of figures that change them, at this unit."""
        select = self._sides.items(kind, figures, has_other_rules=self._has_other_rules)
        was, now = (self._condition(side) for side in _SIDES)
        wanted = " or ".join(
            f"(item.indicator_code = {quoted_text(indicator)}"
            f" and item.method_code = {quoted_text(method)})"
            for indicator, method in figures
        )
        self._sides.keep(
            _ITEM,
            "select item.* from (select item.indicator_code, item.method_code, item.item_code,"
            f" case when {was} = {now} then item.cause_code else item.moved_code end as cause_code,"
            + ", ".join(
                f"case when {condition} then item.{amount}_{side} else 0 end as {amount}_{side}"
                for side, condition in (("before", was), ("after", now))
                for amount in ("numerator", "denominator")
            )
            + f" from ({placed_select([select])}) as item where {wanted}) as item"
            " where numerator_before <> numerator_after or denominator_before <> denominator_after",
        )

    def _read_causes(self) -> dict[tuple[str, str], list[Cause]]:
        """The causes of each figure by the items that are kept, in their order."""
        rows = self._warehouse.rows(
            "select item.indicator_code, item.method_code, item.cause_code, count(*) as item_count,"
            " cast(sum(numerator_after - numerator_before) as bigint) as numerator_change,"
            " cast(sum(denominator_after - denominator_before) as bigint) as denominator_change,"
            f" max(cause.position) as position from {_ITEM} as item{_IN_ORDER}"
            " group by item.indicator_code, item.method_code, item.cause_code"
            " order by position, item.cause_code"
        )
        found: dict[tuple[str, str], list[Cause]] = {}
        for row in rows:
            del row["position"]
            figure = (row.pop("indicator_code"), row.pop("method_code"))
            found.setdefault(figure, []).append(Cause(**row))
        return found

    def _read_items(
        self, kind: str, figures: list[tuple[str, str]], most_items: int | None
    ) -> dict[tuple[str, str], list[ChangedItem]]:
        """The kept items of each figure, by cause."""
        columns, joins = "", ""
        if kind in OF_DOSSIERS:
            columns = "".join(f", fact.{name}_{side}" for name in FACTS for side in _SIDES)
            joins = f" left join diff_{DOSSIER_FACT} as fact on item.item_code = fact.dossier_code"
        if statements := self._sides.statements(kind, "chosen"):
            columns += ", stated.delivery_id, delivery.file_name, stated.row_number"
            joins += (
                f" left join ({statements}) as stated on item.item_code = stated.item_code"
                f" left join ({DELIVERIES}) as delivery"
                " on stated.delivery_id = delivery.delivery_id"
            )
        in_order = "coalesce(position, 0), item_code"
        found: dict[tuple[str, str], list[ChangedItem]] = {}
        for indicator, method in figures:
            rows = self._warehouse.rows(
                f"with chosen as (select item.*, cause.position from {_ITEM} as item{_IN_ORDER}"
                " where indicator_code = :indicator and method_code = :method"
                f" order by {in_order}{f' limit {most_items}' if most_items else ''})"
                f" select item.item_code, item.cause_code, {_AMOUNTS}{columns}"
                f" from chosen as item{joins} order by {in_order}",
                {"indicator": indicator, "method": method},
            )
            found[indicator, method] = [_item(row) for row in rows]
        return found

    def _condition(self, side: str) -> str:
        """SQL condition: the item counted for the unit on that night."""
        own = f"coalesce(item.unit_{side} = {quoted_text(self.unit.unit_code)}, false)"
        if self.unit.scope == "city":
            return f"(item.is_in_city or {own})"
        if self.unit.scope == "level":
            return f"(coalesce(item.level_{side} = '{self.unit.level}', false) or {own})"
        return own

    def _published(self, night: dt.date) -> dict[tuple[str, str], dict[str, Any]]:
        """The rows published that night for exactly this span, by indicator and method."""
        rows = self._warehouse.rows(
            "select * from mart.indicator_history where unit_code = :unit and period_start = :first"
            # the year to date has no period_end: it ends on the night
            " and (period_end = :last or (period_end is null and :last >= :night))"
            " and valid_from <= :night and (valid_to is null or valid_to > :night)"
            " order by case when period_end is null then 1 else 0 end",
            {
                "unit": self.unit.unit_code,
                "first": self._first,
                "last": self._last,
                "night": night,
            },
        )
        return {(row["indicator_code"], row["method_code"]): row for row in rows}

    def _figure(self, kind: str, figure: tuple[str, str], causes: list[Cause]) -> FigureChange:
        item_count = sum(cause.item_count or 0 for cause in causes)
        before = after = None
        if self._is_published:
            before, after = (_counts(side.get(figure)) for side in (self._before, self._after))
            left = (
                after[0] - before[0] - sum(cause.numerator_change for cause in causes),
                after[1] - before[1] - sum(cause.denominator_change for cause in causes),
            )
            if any(left):
                named = [cause for cause in causes if cause.cause_code == RULE_CHANGED]
                causes = [cause for cause in causes if cause.cause_code != RULE_CHANGED]
                causes.append(self._by_rules(figure, left, named))
        item_name = ITEM_NAMES.get(kind, kind)
        return FigureChange(
            *figure,
            item_name,
            self._first,
            self._last,
            before,
            after,
            tuple(causes),
            item_count=item_count,
        )

    def _by_rules(
        self, figure: tuple[str, str], left: tuple[int, int], named: list[Cause]
    ) -> Cause:
        """What the items do not explain, where the nights were computed by other rules.

        Args:
            figure: indicator and method.
            left: the change of numerator and denominator without a cause.
            named: the part of the rules' change whose items are known; the sum has no number of
                items.

        Raises:
            QuestionError: the rules were the same.
        """
        if not self._has_other_rules:
            raise QuestionError(
                said(
                    "the causes leave {numerator:+}/{denominator:+} of the change unexplained",
                    numerator=left[0],
                    denominator=left[1],
                ),
                subject=" by ".join(figure),
                remedy=said(
                    "run `onestop verify --as-of {previous}` and `onestop verify --as-of {as_of}`",
                    previous=self._previous,
                    as_of=self._as_of,
                ),
            )
        return Cause(
            RULE_CHANGED,
            None,
            left[0] + sum(cause.numerator_change for cause in named),
            left[1] + sum(cause.denominator_change for cause in named),
        )


def _counts(row: dict[str, Any] | None) -> tuple[int, int]:
    return (row["numerator"] or 0, row["denominator"] or 0) if row else (0, 0)


def _item(row: dict[str, Any]) -> ChangedItem:
    facts = {
        f"{name}_{side}": row.pop(f"{name}_{side}")
        for name in FACTS
        for side in _SIDES
        if f"{name}_{side}" in row
    }
    return ChangedItem(**row, facts=facts)

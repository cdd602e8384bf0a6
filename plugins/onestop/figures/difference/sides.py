"""The two sides of a comparison: the marts of two published nights, of what changed in between.

Only the dossiers that may count differently are computed: those in deliveries loaded since the
earlier night, those that a date was reached for, and those that a register or a source concerns.
All others stand in the published marts as they stood on both nights, and on the last night so do
these.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from onestop.figures.known_issues import read_known_issues
from onestop.marts.earlier_nights import NightMarts
from onestop.marts.night_changes import (
    ARRIVAL,
    DOSSIER_FACT,
    OF_DOSSIERS,
    ON_TIME,
    OTHER,
    PROCEDURE,
    STEPS,
    VISIT,
    counted_item_select,
    item_select,
    kind_of,
)
from onestop.marts.published import published_nights
from onestop.progress import advance
from onestop.record.history import history_select
from onestop.record.touched import changed_keys_select
from onestop.schema.feeds import DOSSIERS, VISITS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterator, Mapping
    from decimal import Decimal

    from onestop.figures.known_issues import KnownIssue
    from onestop.warehouse import Warehouse

_CHANGED, _CODES, _PERIOD = "diff_changed", "diff_code", "diff_period"
_VERSIONS, _HISTORY, _PUBLISHED, _DAYS = (
    "diff_version", "diff_history", "diff_published", "diff_day",
)  # fmt: skip
_SUMS_OF_UNCHANGED = "diff_source_unchanged"
#: The changed codes with those that they name, or that name them: either may be the counted one.
_WITH_ALIASES = f"""
select dossier_code from {_CHANGED}
union
select v.alias_code from core.dossier_version as v
inner join {_CHANGED} as c on v.dossier_code = c.dossier_code where v.alias_code is not null
union
select v.dossier_code from core.dossier_version as v
inner join {_CHANGED} as c on v.alias_code = c.dossier_code
"""
_SUMS = ("dossiers", "dossiers_with_channel", "dossiers_with_result_flag")
#: The columns of a counted dossier that these sums are made of.
_SUMMED = ("unit_code", "delivery_id", "channel", "result_digitised")
_IS_AMONG_CODES = f"exists (select 1 from {_CODES} as c where c.dossier_code = d.dossier_code)"
_UNCHANGED = f"select d.* from mart.counted_dossier as d where not {_IS_AMONG_CODES}"
#: The method that counts a dossier in the period of its due date.
_BY_DUE_DATE = "due"
_OF_SOURCE = "split_part(delivery_id, '.', 1)"


def _among_codes(table: str) -> str:
    """The relation that has the rows of a table of the dossiers that may count differently."""
    return f"(select d.* from {table} as d where {_IS_AMONG_CODES})"


class Sides:
    """What the SELECTs of ``sql/mart/night_change`` read, for two published nights and one span.

    Args:
        warehouse: the published marts, open.
        nights: the earlier and the later night.
        span: first and last day; each night measures it on the last one, or on itself.
        asked: the indicators and methods that are compared.
        has_same_rules: whether the marts were published by the rules of this release.
        has_every_dossier: whether all dossiers are compared, as after a change of the rules.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        nights: tuple[dt.date, dt.date],
        span: tuple[dt.date, dt.date],
        asked: Collection[tuple[str, str]],
        *,
        has_same_rules: bool,
        has_every_dossier: bool = False,
    ) -> None:
        self._warehouse = warehouse
        self._has_same_rules = has_same_rules
        self._has_others = any(kind_of(*figure) == OTHER for figure in asked)
        self._judges_closed = self._has_others or any(by == _BY_DUE_DATE for _, by in asked)
        self._has_every_dossier = has_every_dossier
        self._previous, self._as_of = previous, as_of = nights
        self._first, self._last = first, last = span
        self._last_night = published_nights(warehouse)[-1]
        #: whether the later night's dossiers are those of the published marts
        self._is_later_published = (
            has_same_rules and NightMarts(warehouse, as_of).rests_on_published
        )
        self._made: dict[str, str] = {}
        self._visit_marts: list[NightMarts] = []
        self._tickets: list[str] = []
        self._nights = {"earlier": previous, "later": as_of}
        self._marts = {
            "earlier": self._night_marts("earlier", previous),
            "later": self._night_marts("later", as_of),
        }
        before = f"date '{min(last, previous)}'" if self._had_begun else "cast(null as date)"
        self._make(
            _PERIOD,
            "select 'span' as period_type, 'calendar' as period_basis,"
            f" date '{first}' as period_start, date '{last}' as period_end,"
            f" {before} as measured_before, date '{min(last, as_of)}' as measured_after",
        )
        self._relations = {"later.chosen_period": _PERIOD}
        self._make(f"diff_{ARRIVAL}", self._select(ARRIVAL))
        self._relations[f"later.{ARRIVAL}"] = f"diff_{ARRIVAL}"
        self._has_dossiers = False

    @property
    def _had_begun(self) -> bool:
        return self._first <= self._previous

    def _night_marts(self, side: str, night: dt.date) -> NightMarts:
        given = {
            "core.dossier_history": f"diff_history_{side}",
            "mart.source_tally": f"diff_source_{side}",
            "mart.unit_tally": f"diff_used_{side}",
        }
        if side == "later" and self._is_later_published:
            given |= {
                "core.dossier_history": _among_codes("core.dossier_history"),
                "mart.counted_dossier": _PUBLISHED,
                "mart.dossier_state": self._later_state(),
            }
        return NightMarts(
            self._warehouse,
            night,
            (self._first, self._last),
            given=given,
            mark=f"diff_{side}",
        )

    def _later_state(self) -> str:
        """The states of the later night's dossiers, as published."""
        if self._has_others:  # whose steps may read all that there is
            return _among_codes("mart.dossier_state")
        if self._last < self._as_of:
            return "mart.dossier_state"  # only joined to these dossiers
        # measured on the night itself, a dossier has its last state
        return (
            "(select dossier_code, is_paused, due_date, date '1900-01-01' as stated_from,"
            f" cast(null as date) as stated_until from {_PUBLISHED})"
        )

    def items(self, kind: str, figures: list[tuple[str, str]], *, has_other_rules: bool) -> str:
        """The SELECT of the items of a kind that count differently on the two nights.

        Args:
            kind: from :func:`onestop.marts.night_changes.kind_of`.
            figures: the indicators and methods that are asked about.
            has_other_rules: whether the nights' figures were computed by other rules.
        """
        self._prepare(kind, has_other_rules=has_other_rules)
        if kind == OTHER:
            self._prepare_others(figures)
        return self._select(kind, has_other_rules=has_other_rules)

    def statements(self, kind: str, items: str) -> str | None:
        """The SELECT of the rows that state items on the later night, or stated them last.

        Args:
            kind: from :func:`onestop.marts.night_changes.kind_of`, after :meth:`items`.
            items: a relation with ``item_code``.

        Returns:
            With ``item_code``, ``delivery_id`` and ``row_number``; None if no one row states them.
        """
        if kind in OF_DOSSIERS:
            return (
                "select dossier_code as item_code, coalesce(delivery_after, delivery_before)"
                " as delivery_id, case when delivery_after is null then row_before"
                f" else row_after end as row_number from diff_{DOSSIER_FACT}"
            )
        if kind == VISIT:
            stated = " union all ".join(
                f"select ticket_code, delivery_id, row_number, valid_from, {side} as side"
                f" from {tickets} as t where valid_from <= date '{self._as_of}'"
                f" and ticket_code in (select item_code from {items})"
                for side, tickets in enumerate(self._tickets)
            )
            return (
                "select ticket_code as item_code, delivery_id, row_number"
                " from (select ticket_code, delivery_id, row_number, row_number() over"
                " (partition by ticket_code order by side, valid_from desc) as place"
                f" from ({stated}) as every) as ranked where place = 1"
            )
        return None

    def _select(self, kind: str, *, has_other_rules: bool = False) -> str:
        return item_select(
            kind, self._relations, self._previous, self._as_of, has_other_rules=has_other_rules
        )

    def _prepare(self, kind: str, *, has_other_rules: bool) -> None:
        if kind in (*OF_DOSSIERS, PROCEDURE, OTHER):
            self._prepare_dossiers()
        if kind in (*OF_DOSSIERS, OTHER):
            self._prepare_facts()
        if kind == ON_TIME:
            self._read("dossier_period")
            if not self._had_begun:
                period = self._relations["earlier.dossier_period"]
                self._relations["earlier.dossier_period"] = self._none_of(period)
        if kind == VISIT:
            self._prepare_visits(has_other_rules=has_other_rules)
        if kind == PROCEDURE:
            self._prepare_use()
        if kind in STEPS:
            for side, marts in self._marts.items():
                relation = marts.step(*STEPS[kind])
                self._relations[f"{side}.{kind}"] = (
                    relation if side == "later" or self._had_begun else self._none_of(relation)
                )

    def _prepare_others(self, figures: list[tuple[str, str]]) -> None:
        """List the items of indicators by the steps that ``ref.indicator`` names."""
        steps = {
            row["indicator_code"]: row["item_step"]
            for row in self._warehouse.rows("select indicator_code, item_step from ref.indicator")
        }
        period = {
            "period_type": "span",
            "period_basis": "calendar",
            "period_start": self._first,
        }
        for side, marts in self._marts.items():
            selects = []
            for indicator, method in figures:
                relation = marts.step(*steps[indicator].rsplit(".", 1))
                selects.append(
                    counted_item_select(
                        relation,
                        self._warehouse.arrow(f"select * from {relation} limit 0").column_names,
                        {"indicator_code": indicator, "method_code": method, **period},
                        is_there=side == "later" or self._had_begun,
                    )
                )
            self._relations[f"{side}.counted_item"] = f"({' union all '.join(selects)})"

    def _read(self, name: str) -> None:
        for side, marts in self._marts.items():
            self._relations[f"{side}.{name}"] = marts.relation(f"mart.{name}")
            advance()

    @staticmethod
    def _none_of(relation: str) -> str:
        return f"(select * from {relation} where 1 = 0)"

    # --- visits ------------------------------------------------------------------------------

    def _prepare_visits(self, *, has_other_rules: bool) -> None:
        """Compute the visits of the days whose tickets changed; all visits where others may, too.

        A visit rests on tickets of its day, and on those that it was transferred from or to.
        """
        changed = changed_keys_select(self._warehouse, VISITS, self._previous, self._last_night)
        self._make(
            _DAYS,
            "select distinct v.issued_date from core.visit_version as v"
            f" inner join ({changed}) as c on v.ticket_code = c.ticket_code where not v.is_vanished"
            " union select distinct issued_date from mart.counted_visit"
            f" where issued_date > date '{self._previous}'",
        )
        if has_other_rules or not self._has_same_rules or self._changes_other_days():
            self._read("counted_visit")
            self._tickets = [
                self._marts[side].relation("core.visit_history") for side in ("later", "earlier")
            ]
            return
        is_of_day = f"exists (select 1 from {_DAYS} as day where day.issued_date = d.issued_date)"
        tickets = f"select d.ticket_code from core.visit_version as d where {is_of_day}"
        few_rows = self._warehouse.few_rows
        for side, night in self._nights.items():
            if side == "later" and self._is_later_published:
                self._make(f"diff_visit_{side}", few_rows("mart.counted_visit", is_of_day))
                self._relations[f"{side}.counted_visit"] = f"diff_visit_{side}"
                self._tickets = ["core.visit_history", "diff_ticket_earlier"]
                continue
            self._make(
                f"diff_ticket_version_{side}",
                few_rows("core.visit_version", f"d.ticket_code in ({tickets})"),
            )
            history = history_select(
                VISITS, versions=f"diff_ticket_version_{side}", known_on=f"date '{night}'"
            )
            self._make(f"diff_ticket_{side}", f"select d.* from ({history}) as d where {is_of_day}")
            if side == "later":
                self._tickets = ["diff_ticket_later", "diff_ticket_earlier"]
            given = {"core.visit_history": f"diff_ticket_{side}"}
            marts = NightMarts(self._warehouse, night, given=given, mark=f"diff_visit_{side}")
            self._visit_marts.append(marts)
            self._relations[f"{side}.counted_visit"] = marts.relation("mart.counted_visit")

    def _changes_other_days(self) -> bool:
        """Whether visits of further days may count otherwise, by a transfer, a unit or a rule."""
        is_of_day = "exists (select 1 from {} as day where day.issued_date = {}.issued_date)"
        units = self._differing("mart.registered_unit", ["unit_code", "unit_level"])
        begins = (
            f"(valid_from > date '{self._previous}' and valid_from <= date '{self._as_of}')"
            f" or (valid_to > date '{self._previous}' and valid_to <= date '{self._as_of}')"
        )
        transferred = (
            "core.visit_version as one inner join core.visit_version as other"
            " on one.transferred_from = other.ticket_code where"
            f" {is_of_day.format(_DAYS, 'one')} <> {is_of_day.format(_DAYS, 'other')}"
        )
        return any(
            self._warehouse.value(f"select count(*) from {relation}")
            for relation in (
                f"{_DAYS} where issued_date is null",
                transferred,
                f"({units}) as differing",
                f"ref.office_hours where {begins}",
                f"ref.counting_rule where {begins}",
            )
        )

    # --- dossiers ----------------------------------------------------------------------------

    def _prepare_dossiers(self) -> None:
        if self._has_dossiers:
            return
        self._has_dossiers = True
        self._make(
            _CHANGED,
            changed_keys_select(self._warehouse, DOSSIERS, self._previous, self._last_night),
        )
        selects = [_WITH_ALIASES, *self._reached(), *self._registered()]
        if self._has_every_dossier:
            selects.append("select dossier_code from mart.counted_dossier")
        self._make(_CODES, " union ".join(selects))
        self._count_both()
        if sources := self._turned_sources():
            listed = ", ".join(f"'{source}'" for source in sources)
            self._forget_counted()
            self._warehouse.execute(
                f"insert into {_CODES} (dossier_code) {_UNCHANGED.replace('d.*', 'd.dossier_code')}"
                f" and {_OF_SOURCE} in ({listed})"
            )
            self._count_both()

    def _prepare_facts(self) -> None:
        """Put the dossiers of both nights beside themselves."""
        if f"later.{DOSSIER_FACT}" in self._relations:
            return
        self._read("catalogue")
        self._relations |= {
            "later.dossier_history": self._later_history(),
            "later.dossier_version": "core.dossier_version",
        }
        for side in self._marts:
            self._relations[f"{side}.source_tally"] = f"diff_source_{side}"
        self._make(f"diff_{DOSSIER_FACT}", self._select(DOSSIER_FACT))
        self._relations[f"later.{DOSSIER_FACT}"] = f"diff_{DOSSIER_FACT}"

    def _later_history(self) -> str:
        """What ``dossier_fact`` reads of dossiers that count no longer: whether they are stated."""
        if not self._is_later_published:
            return "diff_history_later"
        earlier, later = (self._relations[f"{side}.counted_dossier"] for side in self._marts)
        is_gone = self._warehouse.value(
            f"select count(*) from {earlier} as was where not exists"
            f" (select 1 from {later} as now where now.dossier_code = was.dossier_code)"
        )
        # a scan of millions of rows is for nothing where none is gone
        return "core.dossier_history" if is_gone else self._none_of("core.dossier_history")

    def _reached(self) -> Iterator[str]:
        """SELECTs of the counted dossiers that a date, or the first day of the span, concerns."""
        between = f"between date '{self._previous}' and date '{self._as_of}'"
        begun = (
            ""
            if self._had_begun
            else f" or closed_date is null or closed_date >= date '{self._first}'"
        )
        # where a due date is reached, one that is closed counts otherwise by its day alone
        open_only = "" if self._judges_closed else " and closed_date is null"
        yield self._warehouse.few_rows(
            "mart.counted_dossier",
            f"((due_date {between} or first_due_date {between}){open_only})"
            f" or received_date > date '{self._previous}'"
            f" or closed_date > date '{self._previous}'{begun}",
            "dossier_code",
        )

    def _registered(self) -> Iterator[str]:
        """SELECTs of the counted dossiers whose unit or procedure is described otherwise."""
        units = self._differing("mart.registered_unit", ["unit_code", "unit_level"])
        entries = self._differing(
            "mart.catalogue",
            [c for c in self._warehouse.columns("mart", "catalogue") if c != "as_of_date"],
        )
        yield (
            f"select d.dossier_code from ({units}) as u inner join mart.counted_dossier as d"
            " on u.unit_code = d.unit_code"
        )
        yield (
            f"select d.dossier_code from ({entries}) as e inner join mart.counted_dossier as d"
            " on e.procedure_key = d.procedure_key"
        )
        # named by the catalogue, which may have called them otherwise
        yield (
            "select d.dossier_code from mart.counted_dossier as d where d.procedure_code is null"
            f" and exists (select 1 from ({entries}) as e)"
        )

    def _differing(self, mart: str, columns: list[str]) -> str:
        names = ", ".join(columns)
        one, other = (f"select {names} from {m.relation(mart)}" for m in self._marts.values())
        return f"({one} except {other}) union all ({other} except {one})"

    def _count_both(self) -> None:
        """Compute the dossiers of both nights, and the sources' sums over all dossiers."""
        # each is read once: the record and the marts have millions of rows
        if self._is_later_published:
            few_rows = self._warehouse.few_rows
            self._make(_PUBLISHED, few_rows("mart.counted_dossier", _IS_AMONG_CODES))
        self._make(_SUMS_OF_UNCHANGED, self._sums_of_unchanged())
        self._derive_histories(
            {
                side: night
                for side, night in self._nights.items()
                if side == "earlier" or not self._is_later_published
            }
        )
        for side, marts in self._marts.items():
            counted = marts.relation("mart.counted_dossier")
            self._relations[f"{side}.counted_dossier"] = counted
            self._make(
                f"diff_source_{side}",
                "select * from mart.source_tally"
                if counted == _PUBLISHED
                else self._sums_with(counted),
            )

    def _derive_histories(self, nights: Mapping[str, dt.date]) -> None:
        """Make ``core.dossier_history`` of the dossiers as known on each night.

        Up to a night of which no file came later, today's history is that of the night.
        """
        few_rows = self._warehouse.few_rows
        kept = {side: night for side, night in nights.items() if not self._is_amended(night)}
        derived = {side: night for side, night in nights.items() if side not in kept}
        if kept:
            begun = f"d.valid_from <= date '{max(kept.values())}'"
            rows = few_rows("core.dossier_history", f"{_IS_AMONG_CODES} and {begun}")
            self._make(_HISTORY, rows)
        for side, night in kept.items():
            columns = ", ".join(
                f"case when valid_to <= date '{night}' then valid_to end as valid_to"
                if column == "valid_to"
                else column
                for column in DOSSIERS.history_columns
            )
            self._make(
                f"diff_history_{side}",
                f"select {columns} from {_HISTORY} where valid_from <= date '{night}'",
                kind="view",
            )
        if derived:
            known = f"d.known_from <= date '{max(derived.values())}'"
            rows = few_rows("core.dossier_version", f"{_IS_AMONG_CODES} and {known}")
            self._make(_VERSIONS, rows)
        for side, night in derived.items():
            self._make(
                f"diff_history_{side}",
                history_select(DOSSIERS, versions=_VERSIONS, known_on=f"date '{night}'"),
            )

    def _is_amended(self, night: dt.date) -> bool:
        """Whether a file of dossiers of that or an earlier night became known only after it."""
        return bool(
            self._warehouse.value(
                "select count(*) from audit.delivery"
                " where feed = :feed and night <= :night and known_from > :night",
                {"feed": DOSSIERS.name, "night": night},
            )
        )

    def _forget_counted(self) -> None:
        """Drop what :meth:`_count_both` made."""
        made = (_PUBLISHED, _VERSIONS, _HISTORY, "diff_source_")
        self._drop(*(name for name in self._made if name.startswith(made)))
        for side, marts in self._marts.items():
            if side == "later" and self._is_later_published:
                continue  # its relations name what is published
            marts.forget("mart.counted_dossier", "mart.dossier_state")

    def _sums_of_unchanged(self) -> str:
        """The sums by source over the dossiers that count on both nights as published."""
        if not self._has_same_rules:  # which the published sums may rest on
            return self._sums_by_source(f"({_UNCHANGED})")
        few_rows = self._warehouse.few_rows("mart.counted_dossier", _IS_AMONG_CODES, *_SUMMED)
        theirs = _PUBLISHED if self._is_later_published else f"({few_rows})"
        less = ", ".join(f"-{name}" for name in _SUMS)
        return self._added_up(
            f"select unit_code, source_code, {', '.join(_SUMS)} from mart.source_tally",
            f"select unit_code, source_code, {less} from ({self._sums_by_source(theirs)}) as own",
        )

    def _sums_with(self, counted: str) -> str:
        """The sums by source: of the dossiers of a night, with those that are unchanged."""
        return self._added_up(
            f"select unit_code, source_code, {', '.join(_SUMS)} from {_SUMS_OF_UNCHANGED}",
            self._sums_by_source(counted),
        )

    @staticmethod
    def _added_up(*parts: str) -> str:
        sums = ", ".join(f"cast(sum({name}) as bigint) as {name}" for name in _SUMS)
        return (
            f"select unit_code, source_code, {sums} from ({' union all '.join(parts)}) as parts"
            " group by unit_code, source_code having sum(dossiers) > 0"
        )

    @staticmethod
    def _sums_by_source(relation: str) -> str:
        sums = ", ".join(f"cast(sum({name}) as bigint) as {name}" for name in _SUMS)
        # by file first: a text is split once for each, not for each dossier
        return (
            f"select unit_code, {_OF_SOURCE} as source_code, {sums}"
            " from (select unit_code, delivery_id, count(*) as dossiers,"
            " count(channel) as dossiers_with_channel,"
            " count(result_digitised) as dossiers_with_result_flag"
            f" from {relation} as d group by unit_code, delivery_id) as of_file"
            f" group by unit_code, {_OF_SOURCE}"
        )

    def _turned_sources(self) -> list[str]:
        """Sources that gave channels or results on one of the nights only."""
        stated = (
            "select source_code, sum(dossiers_with_channel) > 0 as has_channels,"
            " sum(dossiers_with_result_flag) > 0 as has_results from diff_source_{}"
            " group by source_code"
        )
        rows = self._warehouse.rows(
            f"select one.source_code from ({stated.format('earlier')}) as one"
            f" inner join ({stated.format('later')}) as other"
            " on one.source_code = other.source_code"
            " where one.has_channels <> other.has_channels"
            " or one.has_results <> other.has_results order by one.source_code"
        )
        return [row["source_code"] for row in rows]

    def _prepare_use(self) -> None:
        """Count the dossiers received online by procedure, and find the levels that have units."""
        for side, night in (("earlier", self._previous), ("later", self._as_of)):
            if f"diff_used_{side}" in self._made:
                continue
            each = "procedure_key, is_received, channel, received_date"
            self._make(
                f"diff_used_{side}",
                "select 'CITY' as unit_code, case when procedure_key = 'ALL' then '(ALL)'"
                " else procedure_key end as procedure_key, 'span' as period_type,"
                f" 'calendar' as period_basis, date '{self._first}' as period_start,"
                f" count(*) as received_online from (select {each} from ({_UNCHANGED}) as unchanged"
                f" union all select {each} from {self._relations[f'{side}.counted_dossier']})"
                " as every where is_received and channel = 'online' and received_date"
                f" between date '{self._first}' and date '{min(self._last, night)}'"
                " group by procedure_key",
            )
            self._relations[f"{side}.unit"] = (
                "(select distinct unit_level, 'level' as unit_scope from mart.indicator_history"
                f" where unit_scope = 'level' and valid_from <= date '{night}'"
                f" and (valid_to is null or valid_to > date '{night}'))"
            )

    # --- targets, verdicts and known issues of the figures -----------------------------------

    def targets(self, level: str) -> dict[str, dict[str, tuple[str, Decimal]]]:
        """The targets in force on the day on which each night measures the span.

        Args:
            level: of the unit.

        Returns:
            Comparison and target, by side and indicator.
        """
        found = {}
        for side, marts in self._marts.items():
            rows = self._warehouse.rows(
                "select indicator_code, comparison, target"
                f" from {marts.relation('mart.target_in_force')} as target"
                " where unit_level = :level and measured_on = :day",
                {"level": level, "day": min(self._last, self._nights[side])},
            )
            found[side] = {
                row["indicator_code"]: (row["comparison"], row["target"]) for row in rows
            }
        return found

    def known_issues(self, indicator: str, unit: str) -> dict[str, tuple[KnownIssue, ...]]:
        """The known issues of a figure on each night, by side."""
        found: dict[str, tuple[KnownIssue, ...]] = {}
        for side, marts in self._marts.items():
            if side not in self._with_issues:
                found[side] = ()
                continue
            self._prepare_dossiers()  # the units of a source's dossiers are affected
            span = (self._first, min(self._last, self._nights[side]))
            found[side] = read_known_issues(self._warehouse, marts, indicator, unit, span)
        return found

    @cached_property
    def _with_issues(self) -> frozenset[str]:
        """The sides whose reference rows have known issues: one question for all figures."""
        return frozenset(
            side
            for side, marts in self._marts.items()
            if self._warehouse.value(f"select count(*) from {marts.relation('ref.known_issue')}")
        )

    # --- helpers -----------------------------------------------------------------------------

    def _make(self, name: str, select: str, *, kind: str = "table") -> None:
        self._warehouse.execute(f"create temporary {kind} {name} as {select}")
        self._made[name] = kind
        advance()

    def keep(self, name: str, select: str) -> None:
        """Keep the rows of a query in a temporary table, in the place of what it held."""
        if name in self._made:
            self._drop(name)
        self._make(name, select)

    def _drop(self, *names: str) -> None:
        for name in reversed(names):  # a view before the tables that it reads
            self._warehouse.execute(f"drop {self._made.pop(name)} {name}")

    def drop(self) -> None:
        """Drop the temporary tables."""
        for marts in (*self._marts.values(), *self._visit_marts):
            marts.drop()
        self._drop(*self._made)

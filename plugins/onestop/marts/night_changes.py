"""Why figures moved between two nights: each item's contribution on both, and one cause for it.

``sql/mart/night_change/`` has one SELECT for each kind of items, with the causes in the order in
which they are weighed, and the one that sums them up. They read ``earlier.*`` and ``later.*``, the
marts of the two nights: limited to the change set where a night is computed
(``mart.night_change``), or computed from the record for any two nights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onestop.marts.changes import (
    REPLACED,
    TICKET_MART,
    TOUCHED_DAYS,
    TOUCHED_DOSSIERS,
    DoubtError,
)
from onestop.marts.earlier_nights import NightMarts
from onestop.marts.files import dated, mart_files, select_over, step_text
from onestop.schema.project import PROJECT_ROOT
from onestop.warehouse.base import quoted_text
from onestop.warehouse.sql_text import tables_read, with_expressions, with_tables
from onestop.warehouse.staged_names import (
    PUBLISHED,
    REFERENCE,
    REFERENCE_STAGED,
    STAGED,
    staged_name,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    from onestop.warehouse import Warehouse

NIGHT_CHANGE = "night_change"
_SQL = PROJECT_ROOT / "sql" / "mart" / NIGHT_CHANGE
_STAGED_CHANGE = f"{STAGED}.{NIGHT_CHANGE}"
_CHOSEN_PERIOD = f"{STAGED}.chosen_period"
#: Kinds of items with a SELECT of their own, and the indicators that they are counted in.
ON_TIME, ONLINE, DIGITISED = "on_time", "online", "digitised"
VISIT, PROCEDURE, DESK, DECLARATION = "visit", "procedure", "desk", "declaration"
#: Any further indicator, whose items the step that its row names lists.
OTHER = "other"
#: Those of dossiers, which rest on one comparison of the dossiers.
OF_DOSSIERS = (ON_TIME, ONLINE, DIGITISED)
DOSSIER_FACT = "dossier_fact"
#: What the deliveries that became known since are; items of dossiers and visits read it.
ARRIVAL = "arrival"
#: The steps of marts that list the items of other kinds.
STEPS: Mapping[str, tuple[str, str]] = {
    PROCEDURE: ("procedure_provision", "marked"),
    DESK: ("digitisation", "registered"),
    DECLARATION: ("indicator/declared", "ranked"),
}
#: The kind of items of the computed indicators whose causes are distinguished in detail.
KIND_OF: Mapping[str, str] = {
    "on_time_rate": ON_TIME,
    **dict.fromkeys(
        (
            "online_share_level3",
            "online_share_level4",
            "online_share_level34",
            "online_share_all",
        ),
        ONLINE,
    ),
    "result_digitisation_rate": DIGITISED,
    "counter_waiting_time": VISIT,
    **dict.fromkeys(
        (
            "procedures_published_rate",
            "level4_provision_rate",
            "internal_procedures_published_rate",
            "online_procedure_share",
            "online_procedure_used_share",
        ),
        PROCEDURE,
    ),
    "digitisation_rollout_district": DESK,
    "digitisation_rollout_commune": DESK,
}
#: Causes of what the difference of a figure has beyond its items.
RULE_CHANGED, RECOUNTED = "rule_changed", "recounted"
#: Periods that a night records causes for: all that it gives figures for. The year to date of a
#: year that is over goes on as its `year`, which ran on the night before, too.
_CHOSEN = """
select
    later.period_type,
    later.period_basis,
    later.period_start,
    later.period_end,
    earlier.measured_on as measured_before,
    later.measured_on as measured_after
from {later} as later
left join {earlier} as earlier
    on later.period_type = earlier.period_type
    and later.period_basis = earlier.period_basis
    and later.period_start = earlier.period_start
"""
_PUBLISHED_MEASURE = f"{STAGED}.published_measure"
_MEASURE_AS_PUBLISHED = (
    "select indicator_code, method_code, unit_code, unit_level, unit_scope, period_type,"
    " period_basis, period_start, numerator, denominator"
    f" from {PUBLISHED}.indicator_history where valid_to is null"
)
#: What may differ between a dossier's rows on two nights and changes its contributions.
_FACTS = (
    "alias_code",
    "procedure_key",
    "unit_code",
    "unit_level",
    "channel",
    "service_level",
    "received_date",
    "due_date",
    "first_due_date",
    "closed_date",
    "closing_class",
    "is_received",
    "is_paused",
    "result_digitised",
)


def item_select(
    kind: str,
    relations: Mapping[str, str],
    previous: dt.date,
    as_of: dt.date,
    *,
    has_other_rules: bool,
) -> str:
    """The SELECT of the items of a kind that count differently on two nights.

    Args:
        kind: name of a file in ``sql/mart/night_change``.
        relations: the relation for each ``earlier.<name>`` and ``later.<name>``.
        previous: the earlier night.
        as_of: the later night.
        has_other_rules: whether SELECTs or reference rows differ between the nights.
    """
    return with_tables(
        with_expressions(
            _text(kind),
            {**_nights(previous, as_of), "has_other_rules": str(has_other_rules).lower()},
        ),
        relations,
    )


def sum_select(
    items: Iterable[str],
    relations: Mapping[str, str],
    previous: dt.date,
    as_of: dt.date,
    *,
    remaining_cause: str,
) -> str:
    """The SELECT of the causes of each figure's change.

    Args:
        items: SELECTs from :func:`item_select`.
        relations: the relation for each ``earlier.<name>`` and ``later.<name>``.
        previous: the earlier night.
        as_of: the later night.
        remaining_cause: cause of what a figure's change has beyond its items.
    """
    text = with_expressions(
        _text(NIGHT_CHANGE),
        {**_nights(previous, as_of), "remaining_cause": quoted_text(remaining_cause)},
    )
    return with_tables(text, {**relations, "later.item": f"({placed_select(items)})"})


def placed_select(items: Iterable[str]) -> str:
    """The SELECT of items, each at the units and levels that it counted at.

    Args:
        items: SELECTs from :func:`item_select`.
    """
    every = " union all ".join(f"select * from ({select}) as one_kind" for select in items)
    return with_tables(_text("item"), {"later.item_change": f"({every or _NO_ITEMS})"})


def _nights(previous: dt.date, as_of: dt.date) -> dict[str, str]:
    return {"previous_night": f"date '{previous}'", "as_of_date": f"date '{as_of}'"}


def _text(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


_NO_ITEMS = (
    "select cast(null as varchar) as indicator_code, cast(null as varchar) as method_code,"
    " cast(null as varchar) as period_type, cast(null as varchar) as period_basis,"
    " cast(null as date) as period_start, cast(null as varchar) as item_code,"
    " cast(null as varchar) as unit_before, cast(null as varchar) as level_before,"
    " cast(null as varchar) as unit_after, cast(null as varchar) as level_after,"
    " 0 as numerator_before, 0 as denominator_before, 0 as numerator_after,"
    " 0 as denominator_after, false as is_in_city, cast(null as varchar) as cause_code,"
    " cast(null as varchar) as moved_code where 1 = 0"
)


def kind_of(indicator: str, method: str) -> str:
    """The kind of items that a figure counts: a file in ``sql/mart/night_change``."""
    return DECLARATION if method == "declared" else KIND_OF.get(indicator, OTHER)


def counted_item_select(
    relation: str, columns: Sequence[str], figure: Mapping[str, Any], *, is_there: bool = True
) -> str:
    """The SELECT of a figure's items for ``other.sql``, from the step that lists them.

    Args:
        relation: has the rows of the step.
        columns: its columns; that of the item's code follows ``method_code``.
        figure: ``indicator_code``, ``method_code``, ``period_type``, ``period_basis``,
            ``period_start``.
        is_there: whether the night had that period; else there are no rows.
    """
    code = columns[columns.index("method_code") + 1]
    if {"numerator", "denominator"} <= set(columns):
        amounts = "coalesce(numerator, 0) as numerator, coalesce(denominator, 0) as denominator"
    else:
        amounts = (
            "case when role = 'numerator' then 1 else 0 end as numerator,"
            " case when role in ('numerator', 'denominator') then 1 else 0 end as denominator"
        )
    indicator, method = (quoted_text(figure[name]) for name in ("indicator_code", "method_code"))
    return (
        f"select {indicator} as indicator_code, {method} as method_code,"
        f" '{figure['period_type']}' as period_type, '{figure['period_basis']}' as period_basis,"
        f" date '{figure['period_start']}' as period_start, cast({code} as varchar) as item_code,"
        f" unit_code, unit_level, {amounts} from {relation}"
        f" where (indicator_code is null or indicator_code = {indicator})"
        f" and (method_code is null or method_code = {method})"
        f" and role <> 'left_out' and {str(is_there).lower()}"
    )


# --- while a night is computed ---------------------------------------------------------------


def stage_night_change(
    warehouse: Warehouse,
    previous: dt.date | None,
    as_of: dt.date,
    *,
    is_from_changes: bool,
    has_other_rules: bool,
) -> None:
    """Stage the rows of ``mart.night_change`` that the publication of a night adds.

    Args:
        warehouse: the marts of the night are staged, those of the night before are published.
        previous: the night published last; None before the first, which has nothing to compare.
        as_of: the night.
        is_from_changes: whether the marts were computed from the change set.
        has_other_rules: whether SELECTs or reference rows are others than those of ``previous``.

    Raises:
        DoubtError: the marts were computed from the change set, and a figure's change is not the
            sum of its items.
    """
    if previous is None:
        warehouse.make_table(
            _STAGED_CHANGE, f"select * from {PUBLISHED}.{NIGHT_CHANGE} where 1 = 0"
        )
        return
    is_comparable = is_from_changes or _is_comparable(warehouse)
    night = _StagedNight(
        warehouse, previous, as_of, has_other_rules=has_other_rules, is_comparable=is_comparable
    )
    if is_from_changes:
        night.take_change_set()
    elif is_comparable:
        night.find_changed_dossiers()
    remaining = RULE_CHANGED if has_other_rules else RECOUNTED
    warehouse.make_table(_STAGED_CHANGE, night.select(remaining))
    night.drop()
    if is_from_changes and warehouse.value(
        f"select count(*) from {_STAGED_CHANGE} where cause_code = '{RECOUNTED}'"
    ):
        raise DoubtError("the change of a figure is not the sum of its items")


def _is_comparable(warehouse: Warehouse) -> bool:
    """Whether the published marts have what the comparison of single items reads.

    An earlier release may have published others, and a mart may be missing.
    """
    return all(
        set(warehouse.columns(new, name)) <= set(warehouse.columns(old, name))
        for old, new, names in (
            (PUBLISHED, STAGED, _COMPARED_MARTS),
            (REFERENCE, REFERENCE_STAGED, _COMPARED_REFERENCES),
        )
        for name in names
    )


class _StagedNight:
    """The two sides of a night that is computed: published before, and staged."""

    def __init__(
        self,
        warehouse: Warehouse,
        previous: dt.date,
        as_of: dt.date,
        *,
        has_other_rules: bool,
        is_comparable: bool,
    ) -> None:
        self._warehouse = warehouse
        self._previous = previous
        self._as_of = as_of
        self._has_other_rules = has_other_rules
        self._then: NightMarts | None = None
        self._kinds: list[str] = []
        self._sides = {"later.chosen_period": _CHOSEN_PERIOD}
        for name in ("catalogue", "source_tally", "unit", "counted_visit", "indicator_measure"):
            self._sides[f"earlier.{name}"] = f"{PUBLISHED}.{name}"
            self._sides[f"later.{name}"] = f"{STAGED}.{name}"
        earlier = PUBLISHED if is_comparable else STAGED
        warehouse.make_table(
            _CHOSEN_PERIOD,
            _CHOSEN.format(earlier=f"{earlier}.period", later=f"{STAGED}.period"),
            is_lookup=True,
        )
        warehouse.make_table(f"{STAGED}.{ARRIVAL}", self._items(ARRIVAL))
        self._sides[f"later.{ARRIVAL}"] = f"{STAGED}.{ARRIVAL}"
        if not is_comparable:
            warehouse.make_view(_PUBLISHED_MEASURE, _MEASURE_AS_PUBLISHED)
            self._sides["earlier.indicator_measure"] = _PUBLISHED_MEASURE

    def take_change_set(self) -> None:
        """Compare what the night's change set holds."""
        self._compare_dossiers()
        if self._is_table(TICKET_MART):  # computed whole
            self._kinds.append(VISIT)
        elif self._count(TOUCHED_DAYS):
            rule = REPLACED[TICKET_MART]
            columns = ", ".join(self._warehouse.columns(PUBLISHED, TICKET_MART))
            self._warehouse.make_view(
                f"{STAGED}.{TICKET_MART}_old",
                f"select {columns} from {PUBLISHED}.{TICKET_MART} as published"
                f" where {rule.condition('published')}",
            )
            self._sides[f"earlier.{TICKET_MART}"] = f"{STAGED}.{TICKET_MART}_old"
            self._sides[f"later.{TICKET_MART}"] = rule.new
            self._kinds.append(VISIT)
        self._compare_registers()

    def find_changed_dossiers(self) -> None:
        """Find the dossiers that may count differently, and compute both sides of them."""
        self._warehouse.make_table(TOUCHED_DOSSIERS, self._changed_dossiers(), is_lookup=True)
        files = {file.name: file for file in mart_files()}
        sides = {"old": dict[str, str](), "new": dict[str, str]()}
        for ending, schema in (("old", PUBLISHED), ("new", STAGED)):
            for name in ("counted_dossier", "dossier_state"):
                table = f"{STAGED}.{name}_{ending}"
                self._warehouse.make_table(
                    table,
                    f"select whole.* from {schema}.{name} as whole where exists (select 1"
                    f" from {TOUCHED_DOSSIERS} as t where t.dossier_code = whole.dossier_code)",
                )
                sides[ending][f"{PUBLISHED}.{name}"] = table
        periods = files["dossier_period"]
        for ending, night, is_staged in (
            ("old", self._previous, False),
            ("new", self._as_of, True),
        ):
            self._warehouse.make_table(
                f"{STAGED}.dossier_period_{ending}",
                select_over(periods, night, sides[ending], staged=is_staged),
            )
        self._compare_dossiers(history="core.dossier_history", version="core.dossier_version")
        self._kinds.append(VISIT)
        self._compare_registers()

    def _changed_dossiers(self) -> str:
        """SELECT of the dossiers that differ, or that a date or the catalogue concerns."""
        differs = " or ".join(f"was.{name} is distinct from now.{name}" for name in _FACTS)
        state = "dossier_code, is_paused, due_date, stated_from, stated_until"
        old, new = PUBLISHED, STAGED
        entry = ", ".join(
            name for name in self._warehouse.columns(PUBLISHED, "catalogue") if name != "as_of_date"
        )
        return (
            f"with differing_state as ((select {state} from {old}.dossier_state except"
            f" select {state} from {new}.dossier_state) union all"
            f" (select {state} from {new}.dossier_state except"
            f" select {state} from {old}.dossier_state)),"
            f" differing_entry as ((select {entry} from {old}.catalogue except"
            f" select {entry} from {new}.catalogue) union all (select {entry}"
            f" from {new}.catalogue except select {entry} from {old}.catalogue)),"
            " stated as (select source_code, sum(dossiers_with_channel) > 0 as has_channels,"
            f" sum(dossiers_with_result_flag) > 0 as has_results from {old}.source_tally"
            " group by source_code),"
            " stated_now as (select source_code, sum(dossiers_with_channel) > 0 as has_channels,"
            f" sum(dossiers_with_result_flag) > 0 as has_results from {new}.source_tally"
            " group by source_code),"
            " differing_source as (select stated.source_code from stated inner join stated_now"
            " on stated.source_code = stated_now.source_code"
            " where stated.has_channels <> stated_now.has_channels"
            " or stated.has_results <> stated_now.has_results)"
            " select coalesce(was.dossier_code, now.dossier_code) as dossier_code"
            f" from {old}.counted_dossier as was full join {new}.counted_dossier as now"
            f" on was.dossier_code = now.dossier_code where {differs}"
            # not `<>`: DuckDB cannot plan it where a table is empty
            " or split_part(was.delivery_id, '.', 1)"
            " is distinct from split_part(now.delivery_id, '.', 1)"
            f" or now.due_date between date '{self._previous}' and date '{self._as_of}'"
            f" or now.first_due_date between date '{self._previous}' and date '{self._as_of}'"
            f" or now.received_date > date '{self._previous}'"
            f" or now.closed_date > date '{self._previous}'"
            + (" or now.closed_date is null" if self._has_begun_periods() else "")
            + " union select dossier_code from differing_state"
            " union select d.dossier_code from differing_entry as e"
            f" inner join {new}.counted_dossier as d on e.procedure_key = d.procedure_key"
            " union select d.dossier_code from differing_source as s"
            f" inner join {new}.counted_dossier as d"
            " on s.source_code = split_part(d.delivery_id, '.', 1)"
        )

    def _has_begun_periods(self) -> bool:
        return bool(self._count(f"{_CHOSEN_PERIOD} where measured_before is null"))

    def _compare_dossiers(
        self,
        history: str = f"{STAGED}.touched_history",
        version: str = f"{STAGED}.touched_version",
    ) -> None:
        self._sides |= {
            "earlier.counted_dossier": f"{STAGED}.counted_dossier_old",
            "later.counted_dossier": f"{STAGED}.counted_dossier_new",
            "earlier.dossier_period": f"{STAGED}.dossier_period_old",
            "later.dossier_period": f"{STAGED}.dossier_period_new",
            "later.dossier_history": history,
            "later.dossier_version": version,
            f"later.{DOSSIER_FACT}": f"{STAGED}.{DOSSIER_FACT}",
        }
        self._warehouse.make_table(f"{STAGED}.{DOSSIER_FACT}", self._items(DOSSIER_FACT))
        self._kinds += OF_DOSSIERS

    def _compare_registers(self) -> None:
        """Compare procedures, desks, declarations and others where their figures differ."""
        own = ", ".join(
            quoted_text(code) for code, kind in KIND_OF.items() if kind in (*OF_DOSSIERS, VISIT)
        )
        figures = (
            "select indicator_code, method_code, unit_code, m.period_type, m.period_basis,"
            " m.period_start, numerator, denominator from {}.indicator_measure as m"
            f" inner join {_CHOSEN_PERIOD} as p on m.period_type = p.period_type"
            " and m.period_basis = p.period_basis and m.period_start = p.period_start"
            f" where method_code = 'declared' or indicator_code not in ({own})"
        )
        old, new = figures.format(PUBLISHED), figures.format(STAGED)
        differing = self._warehouse.rows(
            "select distinct indicator_code, method_code, d.period_type, d.period_basis,"
            " d.period_start, p.measured_before"
            f" from (({old} except {new}) union all ({new} except {old})) as d"
            f" inner join {_CHOSEN_PERIOD} as p on d.period_type = p.period_type"
            " and d.period_basis = p.period_basis and d.period_start = p.period_start"
            " order by indicator_code, method_code, period_type, period_basis, period_start"
        )
        kinds = {kind_of(row["indicator_code"], row["method_code"]) for row in differing}
        for kind in sorted(kinds - {OTHER}):
            self._compare_step(kind)
        self._compare_others(
            [
                row
                for row in differing
                if kind_of(row["indicator_code"], row["method_code"]) == OTHER
            ]
        )

    def _compare_others(self, differing: list[dict[str, Any]]) -> None:
        """Compare the items of indicators that have no SELECT of their own here."""
        steps = {
            row["indicator_code"]: row["item_step"]
            for row in self._warehouse.rows(
                f"select indicator_code, item_step from {REFERENCE_STAGED}.indicator"
                " where item_step is not null"
            )
        }
        items: dict[str, list[str]] = {"earlier": [], "later": []}
        for number, row in enumerate(differing):
            if row["indicator_code"] not in steps:
                continue
            file, step = steps[row["indicator_code"]].rsplit(".", 1)
            for side, selects in items.items():
                table = f"{STAGED}.item_{side}_{number}"
                self._warehouse.make_table(table, self._step_of_period(side, file, step, row))
                columns = self._warehouse.columns(STAGED, table.partition(".")[2])
                is_there = side == "later" or row["measured_before"] is not None
                selects.append(counted_item_select(table, columns, row, is_there=is_there))
        if items["later"]:
            for side, selects in items.items():
                relation = f"{STAGED}.counted_item_{side}"
                self._warehouse.make_table(relation, " union all ".join(selects))
                self._sides[f"{side}.counted_item"] = relation
            self._kinds.append(OTHER)

    def _step_of_period(self, side: str, file: str, step: str, period: Mapping[str, Any]) -> str:
        """The SELECT of a step on one of the nights, over one period and the change set."""
        text = step_text(file, step)
        read = tables_read(text)
        relations = {table: staged_name(table) if side == "later" else table for table in read}
        if side == "earlier":
            relations |= {table: self._then_relation(table) for table in read if _is_history(table)}
        relations |= {
            table: self._sides[f"{side}.{table.partition('.')[2]}"]
            for table in read
            if f"{side}.{table.partition('.')[2]}" in self._sides
        }
        for table in {"mart.period", "mart.period_day"} & read:
            relations[table] = (
                f"(select * from {relations[table]} as period where"
                f" period_type = '{period['period_type']}'"
                f" and period_basis = '{period['period_basis']}'"
                f" and period_start = date '{period['period_start']}')"
            )
        changed = {table: name for table, name in relations.items() if table != name}
        night = self._as_of if side == "later" else self._previous
        return dated(with_tables(text, changed), night)

    def _then_relation(self, table: str) -> str:
        """A table of the record as known on the night before."""
        if self._then is None:
            self._then = NightMarts(self._warehouse, self._previous, mark="before")
        return self._then.relation(table)

    def _compare_step(self, kind: str) -> None:
        text = step_text(*STEPS[kind])
        read = tables_read(text)
        histories = {table: self._then_relation(table) for table in read if _is_history(table)}
        sides = (
            ("earlier", self._previous, histories),
            ("later", self._as_of, {table: staged_name(table) for table in read}),
        )
        for side, night, relations in sides:
            table = f"{STAGED}.{kind}_{side}"
            changed = {name: relation for name, relation in relations.items() if name != relation}
            self._warehouse.make_table(table, dated(with_tables(text, changed), night))
            self._sides[f"{side}.{kind}"] = table
        self._kinds.append(kind)

    def select(self, remaining_cause: str) -> str:
        """The SELECT of the night's rows."""
        items = [self._items(kind) for kind in self._kinds]
        return sum_select(
            items, self._sides, self._previous, self._as_of, remaining_cause=remaining_cause
        )

    def _items(self, kind: str) -> str:
        return item_select(
            kind, self._sides, self._previous, self._as_of, has_other_rules=self._has_other_rules
        )

    def drop(self) -> None:
        """Drop the temporary tables."""
        if self._then is not None:
            self._then.drop()

    def _count(self, table: str) -> int:
        return int(self._warehouse.value(f"select count(*) from {table}"))

    def _is_table(self, name: str) -> bool:
        return self._warehouse.relations(STAGED).get(name) is False


def _is_history(table: str) -> bool:
    return table.startswith("core.") and table.endswith("_history")


_COMPARED_MARTS = (
    "catalogue",
    "counted_dossier",
    "counted_visit",
    "dossier_state",
    "indicator_measure",
    "period",
    "source_tally",
    "unit",
    "unit_tally",
)
_COMPARED_REFERENCES = ("period_class", "service_level_map", "status", "indicator")

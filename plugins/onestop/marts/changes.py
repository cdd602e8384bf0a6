"""The change set of a night: what may count differently than at the last publication.

The dossiers whose history changed since the last published night, those that a date has reached in
between, and, where a period begins, the open ones. The same SELECTs as for all dossiers are run
over these alone: as they were published, and as they are now. The difference of the two is what
the night changes; publication applies it.

While a night is computed, ``mart_staged`` holds of each stored mart ``<name>_old`` and
``<name>_new``, or ``<name>_change`` and ``<name>_new`` of a tally; and, as ``<name>``, a view of
the whole mart as it will be published. Of the views for readers there are ``<name>_new``,
``<name>_change`` and ``<name>_sums``, which the checks read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onestop.marts.files import (
    MEASURES,
    MartFile,
    dated,
    mart_files,
    render,
    select_over,
    step_text,
)
from onestop.progress import counted_off
from onestop.record.touched import changed_keys_select
from onestop.said import said, said_count, said_number
from onestop.schema.feeds import FEEDS
from onestop.warehouse.staged_names import PUBLISHED, REFERENCE_STAGED, STAGED

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping

    from onestop.record.publications import Publication
    from onestop.warehouse import Warehouse

_PERIOD = ("period_type", "period_basis", "period_start")
#: Marts with rows of single dossiers: those of the touched dossiers are replaced.
DOSSIER_MARTS = (
    "dossier_state",
    "counted_dossier",
    "overdue_edit",
    "due_date_move",
    "decree_check",
)
#: Those of them that depend on which nights a source exported (``mart.export_night``).
_BY_EXPORT_NIGHT = ("overdue_edit", "due_date_move", "decree_check")
#: What is read of the touched dossiers alone.
_BY_DOSSIER = (*DOSSIER_MARTS, "dossier_period")
#: Marts whose rows are sums over dossiers, and their keys: a night adds its differences. A row
#: without any dossier is deleted, unless the SELECT gives it all the same.
TALLIES: Mapping[str, tuple[str, ...]] = {
    "source_tally": ("unit_code", "source_code"),
    "receipt_tally": (
        "unit_code",
        "unit_level",
        "received_date",
        "channel",
        "is_channel_stated",
        "service_level",
    ),
    "day_tally": ("unit_code", "unit_level", "event_date"),
    "decree_tally": ("unit_code", "unit_level", "check_code", "strength", "event_date"),
    "duration_tally": (
        "unit_code",
        "unit_level",
        "field_code",
        "procedure_key",
        "half_month",
        "workdays_taken",
        "workdays_paused",
    ),
    "unit_tally": ("unit_code", "field_code", "procedure_key", *_PERIOD),
    "class_tally": ("unit_code", *_PERIOD, "class_at_end"),
}
#: Columns of ``mart.dossier_period`` that no tally reads: a difference in them changes no sum. The
#: end of the year to date is another each night.
_NOT_SUMMED = (
    "period_end",
    "received_date",
    "closed_by_end_date",
    "due_date",
    "first_due_date",
    "is_due_in",
    "class_by_first_due",
    "form_06_role",
    "form_06_thanh_hoa_role",
    "load_role",
)
#: The column of a tally that says whether there is anything to count.
_DOSSIERS = "dossiers"
#: Marts with rows of single visits: those of the touched days are replaced.
TICKET_MART = "counted_visit"
#: Figures of visits that do not add up: those of the periods with a touched day are replaced.
TICKET_PERIOD_MART = "wait_percentile"
TOUCHED_DOSSIERS = f"{STAGED}.touched_dossier"
TOUCHED_DAYS = f"{STAGED}.touched_day"
TOUCHED_PERIODS = f"{STAGED}.touched_period"
#: The keys of form II.06a whose figures may be others than at the last publication.
TOUCHED_FORM = f"{STAGED}.touched_form"
#: Marts with a row for each figure: those of the figures that may be others are replaced.
FIGURE_MART = "indicator_figure"
_FIGURE = ("indicator_code", "method_code", "unit_code", *_PERIOD)
TOUCHED_FIGURES = f"{STAGED}.touched_figure"
#: All measures of the night, and what is counted of each reading of those that may be others.
_COUNTED_MEASURES = f"{STAGED}.counted_measure"
_TOUCHED_VARIANTS = f"{STAGED}.touched_variant"
#: The indicator whose verdicts rest on classes of dossiers, too.
_READ_BY_CLASS = "on_time_rate"
#: Above this share of all dossiers, counting everything is faster.
_LARGEST_SHARE = 0.3
_FEW = 10_000
#: How many times further days are looked for that transferred tickets lead to.
_ROUNDS = 5


class DoubtError(Exception):
    """The change set may not be all that changes; says why. The night counts everything."""


@dataclass(frozen=True)
class Replaced:
    """What publication does with a stored mart.

    Attributes:
        gone: a relation with the keys of the rows to delete.
        key: its columns.
        new: the relation with the rows to insert.
    """

    gone: str
    key: tuple[str, ...]
    new: str

    def condition(self, mart: str, gone: str = "gone") -> str:
        """SQL condition: a row of the mart is one of those to delete."""
        same = " and ".join(f"{gone}.{name} = {mart}.{name}" for name in self.key)
        return f"exists (select 1 from {self.gone} as {gone} where {same})"


#: How the rows of each stored mart are replaced; all others are computed whole.
REPLACED: Mapping[str, Replaced] = {
    **{
        name: Replaced(TOUCHED_DOSSIERS, ("dossier_code",), f"{STAGED}.{name}_new")
        for name in DOSSIER_MARTS
    },
    **{
        name: Replaced(f"{STAGED}.{name}_change", key, f"{STAGED}.{name}_new")
        for name, key in TALLIES.items()
    },
    **{
        name: Replaced(TOUCHED_FIGURES, _FIGURE, f"{STAGED}.{name}_new")
        for name in (MEASURES, FIGURE_MART)
    },
    TICKET_MART: Replaced(TOUCHED_DAYS, ("issued_date",), f"{STAGED}.{TICKET_MART}_new"),
    TICKET_PERIOD_MART: Replaced(TOUCHED_PERIODS, _PERIOD, f"{STAGED}.{TICKET_PERIOD_MART}_new"),
}


#: The columns by which a night looks up rows of the stored marts: one index each.
LOOKED_UP_BY: Mapping[str, tuple[tuple[str, ...], ...]] = {
    **dict.fromkeys(DOSSIER_MARTS, (("dossier_code",),)),
    "counted_dossier": (
        ("dossier_code",),
        ("due_date",),
        ("first_due_date",),
        ("received_date",),
        ("closed_date",),
    ),
    TICKET_MART: (("issued_date",),),
    "receipt_tally": (("unit_code", "received_date"),),
    "day_tally": (("unit_code", "event_date"),),
    "decree_tally": (("unit_code", "event_date"),),
    "duration_tally": (("unit_code", "half_month", "procedure_key"),),
    "unit_tally": (("unit_code", "procedure_key", "field_code", "period_start"),),
    "class_tally": (("unit_code", "period_start"),),
}


class ChangeSet:
    """Computes the marts of a night from those of the last publication.

    Args:
        warehouse: open for writing; schema ``ref_staged`` is filled, ``mart_staged`` is empty.
        last: the last publication.
        as_of: the night.
    """

    def __init__(self, warehouse: Warehouse, last: Publication, as_of: dt.date) -> None:
        self._warehouse = warehouse
        self._previous = last.as_of_date
        self._dossiers = last.dossier_count
        self._as_of = as_of
        self._before = {f"mart.{name}": f"{STAGED}.{name}_old" for name in _BY_DOSSIER}
        self._after = {
            "core.dossier_history": f"{STAGED}.touched_history",
            "core.dossier_version": f"{STAGED}.touched_version",
            **{f"mart.{name}": f"{STAGED}.{name}_new" for name in _BY_DOSSIER},
        }
        # sums need of a touched dossier only the periods in which it counts differently
        self._less = self._before | {"mart.dossier_period": f"{STAGED}.dossier_period_less"}
        self._more = self._after | {"mart.dossier_period": f"{STAGED}.dossier_period_more"}

    def compute(self) -> dict[str, int]:
        """Stage the marts.

        Returns:
            Rows of each table that is computed whole, and rows to insert of the others.

        Raises:
            DoubtError: something changed that the change set does not cover.
        """
        counts = {}
        files = sorted(mart_files(), key=lambda file: file.name not in _BASE)
        for file in counted_off(files):
            table = f"{STAGED}.{file.name}"
            if file.is_view:
                self._warehouse.make_view(table, file.select(self._as_of, STAGED))
                if file.name == "dossier_period":
                    self._make_dossier_periods(file)
                else:
                    self._show_changed(file)
                continue
            if file.name in REPLACED:
                table = self._replace(file)
            else:
                self._warehouse.make_table(table, file.select(self._as_of, STAGED))
            counts[file.name] = self._count(table)
            if file.name in _BASE:
                _BASE[file.name](self)
            if file.name == "source_tally":
                self._require_same_sources()
        return counts

    def _replace(self, file: MartFile) -> str:
        """Make what replaces rows of a stored mart; returns its relation."""
        if file.name in DOSSIER_MARTS:
            return self._replace_dossiers(file)
        if file.name == TICKET_MART:
            return self._replace_days(file)
        if file.name == TICKET_PERIOD_MART:
            return self._replace_ticket_periods(file)
        if file.name == MEASURES:
            return self._count_measures(file)
        if file.name == FIGURE_MART:
            return self._replace_figures(file)
        table = self._add_difference(file)
        if file.name == "unit_tally":
            self._find_touched_form()
        return table

    # --- what counts differently -------------------------------------------------------------

    def _find_touched(self) -> None:
        """Make the table of the touched dossiers, and their rows of the record."""
        changed = changed_keys_select(
            self._warehouse, FEEDS["dossiers"], self._previous, self._as_of
        )
        between = f"between date '{self._previous}' and date '{self._as_of}'"
        opened = " or closed_date is null" if self._begun_periods() else ""
        of_dates = self._warehouse.few_rows(
            f"{PUBLISHED}.counted_dossier",
            f"due_date {between} or first_due_date {between}"
            f" or received_date > date '{self._previous}'"
            f" or closed_date > date '{self._previous}'{opened}",
            "dossier_code",
        )
        self._warehouse.make_table(f"{STAGED}.changed_dossier", f"{changed} union {of_dates}")
        # Another dossier that a touched one names, or named once, may be counted in its place.
        self._warehouse.make_table(
            TOUCHED_DOSSIERS,
            f"select dossier_code from {STAGED}.changed_dossier union"
            " select v.alias_code from core.dossier_version as v"
            f" inner join {STAGED}.changed_dossier as c on v.dossier_code = c.dossier_code"
            " where v.alias_code is not null",
            is_lookup=True,
        )
        self._refuse_many()
        # Whether a dossier is counted depends on those that name it.
        self._warehouse.make_table(
            f"{STAGED}.needed_dossier",
            f"select dossier_code from {TOUCHED_DOSSIERS} union"
            " select h.dossier_code from core.dossier_history as h"
            f" inner join {TOUCHED_DOSSIERS} as t on h.alias_code = t.dossier_code",
            is_lookup=True,
        )
        for name, needed, condition in (
            ("history", f"{STAGED}.needed_dossier", ""),
            ("version", TOUCHED_DOSSIERS, "d.is_vanished and "),
        ):
            is_needed = (
                f"exists (select 1 from {needed} as n where n.dossier_code = d.dossier_code)"
            )
            self._warehouse.make_table(
                f"{STAGED}.touched_{name}",
                self._warehouse.few_rows(f"core.dossier_{name}", f"{condition}{is_needed}"),
                is_lookup=True,
            )

    def _refuse_many(self) -> None:
        touched = self._count(TOUCHED_DOSSIERS)
        if touched > max(_FEW, _LARGEST_SHARE * self._dossiers):
            raise DoubtError(
                said(
                    "{count} of {dossiers} may count differently",
                    count=said_number(touched),
                    dossiers=said_count(self._dossiers, "dossier"),
                )
            )

    def _begun_periods(self) -> bool:
        """Whether a period begins that the last publication had not.

        Raises:
            DoubtError: a period is new that began earlier.
        """
        begun = self._warehouse.rows(
            f"select min(new.period_start) as first_start, count(*) as periods"
            f" from {STAGED}.period as new left join {PUBLISHED}.period as old"
            f" on {_same(_PERIOD, 'new', 'old')} where old.period_type is null"
        )[0]
        if begun["periods"] and begun["first_start"] <= self._previous:
            raise DoubtError(
                said("a period that began on {first} is counted anew", first=begun["first_start"])
            )
        return bool(begun["periods"])

    # --- rows of dossiers --------------------------------------------------------------------

    def _replace_dossiers(self, file: MartFile) -> str:
        name = file.name
        rule = REPLACED[name]
        if name in _BY_EXPORT_NIGHT and self._has_new_export_night():
            # the night last seen before a change may be another: all signs are weighed again
            self._warehouse.make_table(f"{STAGED}.{name}", file.select(self._as_of, STAGED))
            for relation, whole in (
                (f"{STAGED}.{name}_old", f"{PUBLISHED}.{name}"),
                (rule.new, f"{STAGED}.{name}"),
            ):
                self._warehouse.make_view(relation, f"select * from {whole}")
            return f"{STAGED}.{name}"
        self._warehouse.make_table(
            f"{STAGED}.{name}_old",
            self._warehouse.few_rows(f"{PUBLISHED}.{name}", rule.condition("d")),
            is_lookup=True,
        )
        select = select_over(file, self._as_of, self._after, staged=True)
        self._warehouse.make_table(
            rule.new, f"select * from ({select}) as computed where {rule.condition('computed')}"
        )
        self._show_whole(name, rule)
        return rule.new

    def _make_dossier_periods(self, file: MartFile) -> None:
        self._warehouse.make_table(
            f"{STAGED}.{file.name}_old", select_over(file, self._previous, self._before)
        )
        self._warehouse.make_table(
            f"{STAGED}.{file.name}_new", select_over(file, self._as_of, self._after, staged=True)
        )
        key = ("dossier_code", *_PERIOD)
        columns = [
            column
            for column in self._warehouse.columns(STAGED, f"{file.name}_new")
            if column not in _NOT_SUMMED
        ]
        # a dossier has one row for each period: rows are looked up by it, not compared as sets
        same = " and ".join(
            f"other.{column} {'=' if column in key else 'is not distinct from'} one.{column}"
            for column in columns
        )
        for name, one, other in (("less", "old", "new"), ("more", "new", "old")):
            self._warehouse.make_table(
                f"{STAGED}.{file.name}_{name}",
                f"select {', '.join(columns)} from {STAGED}.{file.name}_{one} as one"
                f" where not exists (select 1 from {STAGED}.{file.name}_{other} as other"
                f" where {same})",
            )

    def _has_new_export_night(self) -> bool:
        return bool(
            self._warehouse.value(
                "select count(*) from audit.delivery as d where d.feed = 'dossiers'"
                " and d.state = 'loaded' and d.night <= :previous and d.known_from > :previous"
                " and not exists (select 1 from audit.delivery as known where"
                " known.state = 'loaded' and known.feed = d.feed and known.source = d.source"
                " and known.night = d.night and known.known_from <= :previous)",
                {"previous": self._previous},
            )
        )

    # --- sums --------------------------------------------------------------------------------

    def _add_difference(self, file: MartFile) -> str:
        name, key = file.name, TALLIES[file.name]
        rule = REPLACED[name]
        columns = self._warehouse.columns(PUBLISHED, name)
        sums = [column for column in columns if column not in key]
        before = select_over(file, self._previous, self._less)
        after = select_over(file, self._as_of, self._more, staged=True)
        self._warehouse.make_table(
            rule.gone,
            "select "
            + ", ".join(f"coalesce(a.{column}, b.{column}) as {column}" for column in key)
            + f", case when a.{key[0]} is null then 0 else 1 end as is_after, "
            + ", ".join(
                f"coalesce(a.{column}, 0) - coalesce(b.{column}, 0) as {column}" for column in sums
            )
            + f" from ({after}) as a full join ({before}) as b on {_same(key, 'a', 'b')}"
            f" where a.{key[0]} is null or b.{key[0]} is null"
            + "".join(f" or a.{column} <> b.{column}" for column in sums),
        )
        if set(_PERIOD) <= set(key):
            self._take_off_ended_periods(name, rule, key, sums)
        total = {column: f"coalesce(p.{column}, 0) + c.{column}" for column in sums}
        self._warehouse.make_table(
            rule.new,
            "select "
            + ", ".join(
                f"c.{column}" if column in key else f"cast({total[column]} as bigint) as {column}"
                for column in columns
            )
            + f" from {rule.gone} as c left join {PUBLISHED}.{name} as p on {_same(key, 'c', 'p')}"
            f" where {total[_DOSSIERS]} <> 0 or c.is_after = 1",
            is_lookup=True,
        )
        negative = " or ".join(f"{column} < 0" for column in sums)
        if self._warehouse.value(f"select count(*) from {rule.new} where {negative}"):
            raise DoubtError(
                said(
                    "the published {table} is not the sum of its dossiers",
                    table=f"{PUBLISHED}.{name}",
                )
            )
        self._show_whole(name, rule)
        return rule.new

    def _take_off_ended_periods(
        self, name: str, rule: Replaced, key: tuple[str, ...], sums: list[str]
    ) -> None:
        """Take off whole what was counted for periods that figures are no longer given for."""
        self._warehouse.make_table(
            f"{STAGED}.ended_period",
            f"select old.* from {_ENDED_PERIODS}",
        )
        if not self._count(f"{STAGED}.ended_period"):
            return
        of_ended = f"exists (select 1 from {STAGED}.ended_period as e where {{}})"
        self._warehouse.execute(
            f"delete from {rule.gone} as c where {of_ended.format(_same(_PERIOD, 'e', 'c'))}"
        )
        columns = ", ".join((*key, "is_after", *sums))
        self._warehouse.execute(
            f"insert into {rule.gone} ({columns}) select {', '.join(key)}, 0,"
            f" {', '.join(f'-{column}' for column in sums)} from {PUBLISHED}.{name} as p"
            f" where {of_ended.format(_same(_PERIOD, 'e', 'p'))}"
        )

    def _find_touched_form(self) -> None:
        """Make the table of the keys of form II.06a whose rows may be others, or gone."""
        keys = "field_code, unit_code, {}, period_basis, period_start"
        year_to_date = keys.format("'year_to_date'")
        changed = f"{REPLACED['unit_tally'].gone} where procedure_key = 'ALL'"
        selects = [
            f"select {keys.format('period_type')} from {changed}",
            # the year to date has the rows of the year that runs
            f"select {year_to_date} from {changed} and period_type = 'year'",
        ]
        if self._count(_ENDED_PERIODS):  # the year to date has no rows in the tally
            selects.append(
                f"select {keys.format('period_type')} from {PUBLISHED}.form_06a as f"
                f" where exists (select 1 from {_ENDED_PERIODS}"
                f" and {_same(_PERIOD, 'old', 'f')})"
            )
        self._warehouse.make_table(TOUCHED_FORM, " union ".join(selects))

    # --- figures -----------------------------------------------------------------------------

    def _count_measures(self, file: MartFile) -> str:
        """Count all measures: they are few, and sums of the tallies."""
        self._warehouse.make_table(_COUNTED_MEASURES, file.select(self._as_of, STAGED))
        self._warehouse.make_view(f"{STAGED}.{file.name}", f"select * from {_COUNTED_MEASURES}")
        return _COUNTED_MEASURES

    def _replace_figures(self, file: MartFile) -> str:
        """Compare with their targets the measures that may give other figures than before."""
        rule, measures = REPLACED[file.name], REPLACED[MEASURES]
        self._warehouse.make_table(TOUCHED_FIGURES, self._touched_figures(file))
        self._warehouse.make_table(
            measures.new,
            f"select counted.* from {_COUNTED_MEASURES} as counted"
            f" where {measures.condition('counted')}",
        )
        given = {f"mart.{MEASURES}": measures.new}
        (variants,) = (found for found in mart_files() if found.name == "indicator_variant")
        self._warehouse.make_view(
            _TOUCHED_VARIANTS, select_over(variants, self._as_of, given, staged=True)
        )
        given["mart.indicator_variant"] = _TOUCHED_VARIANTS
        self._warehouse.make_table(rule.new, select_over(file, self._as_of, given, staged=True))
        self._show_whole(file.name, rule)
        return rule.new

    def _touched_figures(self, file: MartFile) -> str:
        """The SELECT of the keys of the figures that may be others, or gone.

        Besides its measure a figure depends on what no change set lacks (targets and rules are
        those of the night before), on readings of the other methods, and on known issues.
        """
        measure = f"{PUBLISHED}.{MEASURES}"
        differs = " or ".join(
            f"was.{name} is distinct from now.{name}"
            for name in self._warehouse.columns(PUBLISHED, MEASURES)
            if name not in _FIGURE
        )
        key = ", ".join(_FIGURE)
        place = ("unit_code", *_PERIOD)
        issue = ("indicator_code", *place)
        issues = f"select * from ({step_text(file.name, 'issue_of_period')}) as stated"
        then, now = dated(issues, self._previous), render(issues, self._as_of, STAGED)
        return (
            "with differing as (select "
            + ", ".join(f"coalesce(now.{name}, was.{name}) as {name}" for name in _FIGURE)
            + f" from {_COUNTED_MEASURES} as now full join {measure} as was"
            f" on {_same(_FIGURE, 'now', 'was')}"
            f" where now.unit_code is null or was.unit_code is null or {differs}),"
            f" differing_issue as (select {', '.join(issue)} from (({then} except {now})"
            f" union all ({now} except {then})) as either),"
            f" touched as (select {', '.join(issue)} from differing"
            f" union select {', '.join(issue)} from differing_issue"
            f" union select '{_READ_BY_CLASS}', {', '.join(place)}"
            f" from {REPLACED['class_tally'].gone})"
            f" select {key} from differing union"
            f" select {', '.join(f'm.{name}' for name in _FIGURE)} from {_COUNTED_MEASURES} as m"
            f" inner join touched as t on {_same(issue, 't', 'm')}"
        )

    # --- visits -----------------------------------------------------------------------------

    def _replace_days(self, file: MartFile) -> str:
        """Compute the visits of the days whose tickets changed."""
        rule = REPLACED[file.name]
        self._warehouse.make_table(
            f"{STAGED}.changed_ticket",
            changed_keys_select(self._warehouse, FEEDS["visits"], self._previous, self._as_of),
        )
        self._warehouse.make_table(TOUCHED_DAYS, _DAYS_OF_TICKETS, is_lookup=True)
        is_whole = self._warehouse.value(
            f"select count(*) from {TOUCHED_DAYS} where issued_date is null"
        )
        for _ in range(_ROUNDS):
            if is_whole or not self._add_linked_days():
                break
        else:
            is_whole = True
        if is_whole:
            self._warehouse.make_table(f"{STAGED}.{file.name}", file.select(self._as_of, STAGED))
            return f"{STAGED}.{file.name}"
        self._warehouse.make_table(
            f"{STAGED}.touched_visit",
            "select h.* from core.visit_history as h where exists (select 1"
            f" from {TOUCHED_DAYS} as d where d.issued_date = h.issued_date)",
            is_lookup=True,
        )
        given = {"core.visit_history": f"{STAGED}.touched_visit"}
        self._warehouse.make_table(rule.new, select_over(file, self._as_of, given, staged=True))
        self._show_whole(file.name, rule)
        return rule.new

    def _replace_ticket_periods(self, file: MartFile) -> str:
        """Compute the percentiles of the periods with a day whose visits changed."""
        rule, staged = REPLACED[file.name], f"{STAGED}.{file.name}"
        if not self._warehouse.relations(STAGED)[TICKET_MART]:  # all visits are computed anew
            self._warehouse.make_table(staged, file.select(self._as_of, STAGED))
            return staged
        self._warehouse.make_table(
            TOUCHED_PERIODS,
            f"select distinct {', '.join(f'd.{name}' for name in _PERIOD)}"
            f" from {STAGED}.period_day as d inner join ("
            f"select issued_date from {TOUCHED_DAYS}"
            # a day that was in the future belonged to no period yet
            f" union select issued_date from {PUBLISHED}.{TICKET_MART}"
            f" where issued_date > date '{self._previous}'"
            ") as touched on d.calendar_date = touched.issued_date"
            f" union select {', '.join(f'old.{name}' for name in _PERIOD)} from {_ENDED_PERIODS}",
        )
        days = f"{STAGED}.touched_period_day"
        self._warehouse.make_table(
            days,
            f"select d.* from {STAGED}.period_day as d where exists (select 1"
            f" from {TOUCHED_PERIODS} as t where {_same(_PERIOD, 't', 'd')})",
        )
        given = {"mart.period_day": days}
        self._warehouse.make_table(rule.new, select_over(file, self._as_of, given, staged=True))
        self._show_whole(file.name, rule)
        return rule.new

    def _add_linked_days(self) -> bool:
        """Add the days of tickets that are linked by a transfer to those of the touched days."""
        linked = _LINKED_DAYS.format(as_of=self._as_of)
        self._warehouse.make_table(f"{STAGED}.linked_day", linked, is_lookup=True)
        if not self._count(f"{STAGED}.linked_day"):
            return False
        self._warehouse.execute(
            f"insert into {TOUCHED_DAYS} (issued_date) select issued_date from {STAGED}.linked_day"
        )
        return True

    # --- what all of it rests on -------------------------------------------------------------

    def _require_same_catalogue(self) -> None:
        columns = [
            column
            for column in self._warehouse.columns(PUBLISHED, "catalogue")
            if column != "as_of_date"
        ]
        self._require_same("catalogue", columns, "the catalogue of procedures changed")

    def _require_same_units(self) -> None:
        self._require_same(
            "registered_unit", ["unit_code", "unit_level"], "the register of units changed"
        )

    def _require_same(self, name: str, columns: list[str], why: str) -> None:
        names = ", ".join(columns)
        one, other = (f"select {names} from {schema}.{name}" for schema in (PUBLISHED, STAGED))
        differing = self._warehouse.value(
            f"select count(*) from (({one} except {other}) union all ({other} except {one}))"
            " as differing"
        )
        if differing:
            raise DoubtError(why)

    def _require_same_sources(self) -> None:
        """Whether a source gives channels, or results, decides how all of its dossiers count."""
        stated = (
            "select source_code, sum(dossiers_with_channel) > 0 as has_channels,"
            " sum(dossiers_with_result_flag) > 0 as has_results from {}.source_tally"
            " group by source_code"
        )
        one, other = stated.format(PUBLISHED), stated.format(STAGED)
        differing = self._warehouse.value(
            f"select count(*) from ({one}) as one inner join ({other}) as other"
            " on one.source_code = other.source_code"
            " where one.has_channels <> other.has_channels"
            " or one.has_results <> other.has_results"
        )
        if differing:
            raise DoubtError("a source gives channels or results for the first time, or no more")

    # --- helpers -----------------------------------------------------------------------------

    def _show_whole(self, name: str, rule: Replaced) -> None:
        """Make the view of a stored mart as it will be published."""
        columns = ", ".join(self._warehouse.columns(PUBLISHED, name))
        self._warehouse.make_view(
            f"{STAGED}.{name}",
            f"select {columns} from {PUBLISHED}.{name} as published"
            f" where not {rule.condition('published')}"
            f" union all select {columns} from {rule.new}",
        )

    def _show_changed(self, file: MartFile) -> None:
        """Make the views that the checks read: a published view's changed rows alone.

        Of a view of a tally, also the differences, and what must add up: all sums of all dossiers,
        and of the others the differences.
        """
        made = self._warehouse.relations(STAGED)
        self._show_over(file, "new", made)
        if f"{file.name}_change" in self._show_over(file, "change", made):
            is_all = " and ".join(
                f"{column} = 'ALL'"
                for column in ("field_code", "procedure_key")
                if column in self._warehouse.columns(STAGED, file.name)
            )
            columns = ", ".join(self._warehouse.columns(STAGED, file.name))
            self._warehouse.make_view(
                f"{STAGED}.{file.name}_sums",
                f"select {columns} from {STAGED}.{file.name} where {is_all} union all"
                f" select {columns} from {STAGED}.{file.name}_change where not ({is_all})",
            )

    def _show_over(self, file: MartFile, ending: str, made: Collection[str]) -> list[str]:
        """Make a view over the changed rows, or the differences, of what the mart reads."""
        given = {
            f"mart.{name}": f"{STAGED}.{name}_{ending}"
            for name in file.reads
            if f"{name}_{ending}" in made
            and name not in _READ_WHOLE
            and (ending == "new" or name in _WITH_DIFFERENCES or name == "unit_tally")
        }
        if not given or (ending == "change" and file.name not in _WITH_DIFFERENCES):
            return []
        if ending == "change":
            given["mart.unit"] = f"{STAGED}.unit_before_or_after"
            columns = self._warehouse.columns(PUBLISHED, "unit")
            self._warehouse.make_view(
                given["mart.unit"],
                f"select {', '.join(columns)} from {STAGED}.unit union all"
                f" select {', '.join(f'old.{column}' for column in columns)}"
                f" from {PUBLISHED}.unit as old left join {STAGED}.unit as new"
                " on old.unit_code = new.unit_code where new.unit_code is null",
            )
        name = f"{file.name}_{ending}"
        self._warehouse.make_view(
            f"{STAGED}.{name}", select_over(file, self._as_of, given, staged=True)
        )
        return [name]

    def _count(self, table: str) -> int:
        return int(self._warehouse.value(f"select count(*) from {table}"))


#: What the rows of single dossiers rest on, in the order of their dependence, and its checks.
_BASE = {
    "catalogue": ChangeSet._require_same_catalogue,  # noqa: SLF001 - of this module
    "registered_unit": ChangeSet._require_same_units,  # noqa: SLF001
    "period": ChangeSet._find_touched,  # noqa: SLF001
}

#: Tallies of which a figure needs all rows: the views over the changed rows read them whole.
_READ_WHOLE = ("class_tally",)
#: Views of a tally whose rows must add up.
_WITH_DIFFERENCES = ("period_tally", "form_06a")
#: The days that the changed tickets were ever stated with, and those of tickets that they lead to.
_DAYS_OF_TICKETS = f"""
select v.issued_date from core.visit_version as v
inner join {STAGED}.changed_ticket as c on v.ticket_code = c.ticket_code
where not v.is_vanished
union
select h.issued_date from core.visit_history as h
inner join {STAGED}.changed_ticket as c on h.transferred_from = c.ticket_code
union
select h.issued_date from core.visit_history as h
inner join core.visit_version as v on h.ticket_code = v.transferred_from
inner join {STAGED}.changed_ticket as c on v.ticket_code = c.ticket_code
"""
_LINKED_DAYS = f"""
with touched as (
    select h.ticket_code, h.transferred_from
    from core.visit_history as h
    where h.valid_from <= date '{{as_of}}' and (h.valid_to is null or h.valid_to > date '{{as_of}}')
        and exists (select 1 from {TOUCHED_DAYS} as d where d.issued_date = h.issued_date)
),
linked as (
    select h.issued_date
    from touched inner join core.visit_history as h on touched.transferred_from = h.ticket_code
    where h.valid_from <= date '{{as_of}}' and (h.valid_to is null or h.valid_to > date '{{as_of}}')
    union
    select h.issued_date
    from touched inner join core.visit_history as h on touched.ticket_code = h.transferred_from
    where h.valid_from <= date '{{as_of}}' and (h.valid_to is null or h.valid_to > date '{{as_of}}')
)
select issued_date from linked
where not exists (select 1 from {TOUCHED_DAYS} as d where d.issued_date = linked.issued_date)
"""


def _same(key: tuple[str, ...], one: str, other: str) -> str:
    return " and ".join(f"{one}.{name} = {other}.{name}" for name in key)


#: The periods that figures were given for at the last publication and are no more.
_ENDED_PERIODS = (
    f"{PUBLISHED}.period as old left join {STAGED}.period as new"
    f" on {_same(_PERIOD, 'old', 'new')} where new.period_type is null"
)


def rule_boundaries(warehouse: Warehouse, previous: dt.date, as_of: dt.date) -> list[str]:
    """The tables of reference rows of which one begins or ends after ``previous``, by ``as_of``."""
    found = warehouse.rows(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = :schema and column_name in ('valid_from', 'valid_to')",
        {"schema": REFERENCE_STAGED},
    )
    return sorted(
        {
            row["table_name"]
            for row in found
            if warehouse.value(
                f"select count(*) from {REFERENCE_STAGED}.{row['table_name']}"
                f" where {row['column_name']} > :previous and {row['column_name']} <= :as_of",
                {"previous": previous, "as_of": as_of},
            )
        }
    )

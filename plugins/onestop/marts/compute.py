"""The marts: computed beside the published ones, checked, and then published at one stroke.

``sql/mart/*.sql`` holds one SELECT per table (or view, where its first line says so), named as
the table; ``sql/mart/indicator/*.sql`` one SELECT per indicator. They read ``core``, ``ref`` and
each other as ``mart.<name>``; while a night is computed, ``mart`` stands for ``mart_staged``, and
``ref`` and ``core.calendar`` for ``ref_staged``: readers see none of it before the publication.
"""

from __future__ import annotations

import datetime as dt
import graphlib
import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv as arrow_csv

from onestop.record.record_checks import record_state
from onestop.schema.feeds import FEEDS
from onestop.schema.project import PROJECT_ROOT
from onestop.schema.quick_yaml import safe_load
from onestop.schema.reference import reference_comments, reference_tables, reference_titles
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.schema.workdays import calendar_table
from onestop.warehouse.base import schema_tables
from onestop.warehouse.sql_text import (
    SqlTextError,
    step_select,
    tables_read,
    with_expressions,
)
from onestop.warehouse.staged_names import (
    CALENDAR,
    PUBLISHED,
    REFERENCE,
    REFERENCE_STAGED,
    STAGED,
    staged_name,
    with_staged_tables,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from onestop.warehouse import Warehouse

SQL_FOLDER = PROJECT_ROOT / "sql"
#: The union of all indicators' measures; its parts are the files of sql/mart/indicator/.
MEASURES = "indicator_measure"
#: Tables of what every night said, and the mart whose rows each of them keeps.
HISTORIES = {"indicator_history": "indicator_value", "form_06a_history": "form_06a"}
_MEASURE_COLUMNS = (
    "indicator_code, method_code, unit_code, unit_level, unit_scope, period_type, period_basis,"
    " period_start, period_end, numerator, denominator, coverage"
)
#: First and last day of core.calendar: the days that day_off.csv speaks about, and the years of
#: older records beside them.
_CALENDAR_SPAN = (dt.date(2009, 1, 1), dt.date(2027, 12, 31))


@dataclass(frozen=True)
class MartFile:
    """One file of ``sql/mart``: its name is the table's."""

    name: str
    text: str
    is_view: bool

    def select(self, as_of: dt.date, schema: str) -> str:
        """The SELECT for one night, reading the published or the staged tables.

        A view's text is the same every night: readers of a view hold up its replacement.
        """
        return render(self._text, as_of, schema)

    @property
    def reads(self) -> set[str]:
        """Names of the marts it reads."""
        return {
            name.removeprefix("mart.")
            for name in tables_read(self._text)
            if name.startswith("mart.")
        }

    @property
    def _text(self) -> str:
        night = "(select max(as_of_date) from mart.period)"
        return with_expressions(self.text, {"as_of_date": night}) if self.is_view else self.text


def render(sql: str, as_of: dt.date, schema: str = PUBLISHED) -> str:
    """Put the as-of date into a SELECT of ``sql/mart``, and the tables that it reads.

    Args:
        sql: the text of a file.
        as_of: the night.
        schema: ``mart`` to read what is published, ``mart_staged`` to read what is staged.
    """
    dated = with_expressions(sql, {"as_of_date": f"date '{as_of.isoformat()}'"})
    return dated if schema == PUBLISHED else with_staged_tables(dated)


@cache
def mart_files(folder: Path = SQL_FOLDER / "mart") -> tuple[MartFile, ...]:
    """The files of ``sql/mart``, each after those it reads."""
    files = {
        path.stem: MartFile(path.stem, text, is_view=text.startswith("-- view"))
        for path in sorted(folder.glob("*.sql"))
        for text in [path.read_text(encoding="utf-8")]
    }
    parts = [
        path.read_text(encoding="utf-8") for path in sorted((folder / "indicator").glob("*.sql"))
    ]
    union = "\nunion all\n".join(
        f"select {_MEASURE_COLUMNS} from (\n{part}\n) as part" for part in parts
    )
    files[MEASURES] = MartFile(MEASURES, union, is_view=False)
    order = graphlib.TopologicalSorter(
        {name: file.reads & files.keys() for name, file in files.items()}
    ).static_order()
    return tuple(files[name] for name in order)


@cache
def step_text(name: str, step: str, folder: Path = SQL_FOLDER / "mart") -> str:
    """The SELECT of a mart or an indicator, giving the rows of one of its steps.

    A figure's items are in the step before they are counted: who asks for them reads the very
    text that the figure comes from.

    Args:
        name: of the file below ``sql/mart``, without its suffix: ``visit``, ``indicator/declared``.
        step: a common table expression of that file.
        folder: the files.

    Raises:
        SqlTextError: the file has no such step.
    """
    text = (folder / f"{name}.sql").read_text(encoding="utf-8")
    try:
        return step_select(text, step)
    except SqlTextError as error:
        raise SqlTextError(f"sql/mart/{name}.sql: {error}") from error


def stage_reference(warehouse: Warehouse) -> None:
    """Fill schema ``ref_staged`` from ``sql/reference``, for the next publication."""
    tables = {f"{REFERENCE}.{n}": t for n, t in reference_tables(SQL_FOLDER / "reference").items()}
    tables[CALENDAR] = calendar_table(*_CALENDAR_SPAN)
    with warehouse.transaction():
        warehouse.empty_schema(REFERENCE_STAGED)
        for name, table in tables.items():
            warehouse.put_table(staged_name(name), table)


def publish_reference(warehouse: Warehouse) -> None:
    """Make the staged reference rows those that readers see; part of the running transaction."""
    for name in warehouse.tables(REFERENCE_STAGED):
        staged = f"{REFERENCE_STAGED}.{name}"
        is_calendar = staged == staged_name(CALENDAR)
        warehouse.renew_table(CALENDAR if is_calendar else f"{REFERENCE}.{name}", staged)


def refresh_reference(warehouse: Warehouse) -> None:
    """Stage and publish the reference rows at once, for a warehouse that has no readers."""
    stage_reference(warehouse)
    with warehouse.transaction():
        publish_reference(warehouse)


def compute_marts(warehouse: Warehouse, as_of: dt.date) -> dict[str, int]:
    """Compute all marts of one night beside the published ones.

    Returns:
        Rows of each table.
    """
    state = record_state(warehouse, as_of)
    warehouse.empty_schema(STAGED)
    stage_reference(warehouse)
    warehouse.gather_statistics("core", REFERENCE_STAGED)
    counts = {}
    for file in mart_files():
        make = warehouse.make_view if file.is_view else warehouse.make_table
        make(f"{STAGED}.{file.name}", file.select(as_of, STAGED))
        if not file.is_view:
            counts[file.name] = int(warehouse.value(f"select count(*) from {STAGED}.{file.name}"))
    # Last: only a complete set of marts has its night.
    warehouse.make_table(
        f"{STAGED}.night",
        f"select date '{as_of.isoformat()}' as as_of_date, cast({state} as bigint) as record_state",
    )
    return counts


def staged_night(warehouse: Warehouse) -> dt.date | None:
    """The night whose marts are staged and complete, or None.

    Those of a release that has other marts are not complete.
    """
    if not {"night", *(file.name for file in mart_files())} <= set(warehouse.tables(STAGED)):
        return None
    night = warehouse.value(f"select as_of_date from {STAGED}.night")
    return night if isinstance(night, dt.date) else None


def staged_record(warehouse: Warehouse) -> int | None:
    """The state of the record that the staged marts were computed from."""
    if "record_state" not in warehouse.columns(STAGED, "night"):
        return None  # an earlier release computed them
    return int(warehouse.value(f"select record_state from {STAGED}.night"))


def last_published(warehouse: Warehouse) -> dt.date | None:
    """The last published night, or None before the first."""
    night = warehouse.value("select max(as_of_date) from audit.publication")
    return night if isinstance(night, dt.date) else None


def publish_marts(warehouse: Warehouse, as_of: dt.date) -> int:
    """Make the staged marts what readers see, in one transaction.

    Returns:
        The publication's number.

    Raises:
        RuntimeError: the staged marts are not those of ``as_of``, or a later night is published.
    """
    # It counts earlier nights by this module's files.
    from onestop.marts.restatement import record_restatements  # noqa: PLC0415 - see above

    if staged_night(warehouse) != as_of:
        raise RuntimeError(f"the staged marts are not those of {as_of}; compute the night again")
    last = last_published(warehouse)
    if last is not None and as_of <= last:
        raise RuntimeError(f"night {last} is published; {as_of} cannot be published after it")
    digest = figures_digest(warehouse, STAGED)
    with warehouse.transaction():
        number = int(
            warehouse.value("select coalesce(max(publication_id), 0) + 1 from audit.publication")
        )
        publish_reference(warehouse)
        for file in mart_files():
            if file.is_view:
                continue
            warehouse.replace_table(f"{PUBLISHED}.{file.name}", f"{STAGED}.{file.name}")
        for file in mart_files():
            if file.is_view:
                warehouse.make_view(f"{PUBLISHED}.{file.name}", file.select(as_of, PUBLISHED))
        for history, table in HISTORIES.items():
            _extend_history(warehouse, table, history, _HISTORY_KEYS[history], as_of)
        warehouse.execute(
            "insert into audit.publication (publication_id, as_of_date, published_at,"
            " delivery_count, dossier_count, figures_sha256) select :number, :as_of, :now,"
            " (select count(distinct delivery_id) from audit.delivery where state = 'loaded'"
            "  and known_from <= :as_of),"
            f" (select count(*) from {STAGED}.dossier), :digest",
            {
                "number": number,
                "as_of": as_of,
                "now": dt.datetime.now(LOCAL_ZONE),
                "digest": digest,
            },
        )
        if last is not None:
            record_restatements(warehouse, last, as_of)
        describe_tables(warehouse)
    warehouse.empty_schema(STAGED)
    warehouse.empty_schema(REFERENCE_STAGED)
    return number


_PERIOD_KEY = ("unit_code", "period_type", "period_basis", "period_start")
_HISTORY_KEYS = {
    "indicator_history": ("indicator_code", "method_code", *_PERIOD_KEY),
    "form_06a_history": ("field_code", *_PERIOD_KEY),
}


def _extend_history(
    warehouse: Warehouse, table: str, history: str, key: Iterable[str], as_of: dt.date
) -> None:
    """Close the figures that changed or went away, and add what took their place."""
    columns = [
        name
        for name in warehouse.columns(PUBLISHED, history)
        if name not in {"valid_from", "valid_to"}
    ]
    values = ", ".join(
        "case when period_type <> 'year_to_date' then period_end end as period_end"
        if name == "period_end"
        else name
        for name in columns
    )
    now = f"(select {values} from {PUBLISHED}.{table})"
    same_key = " and ".join(f"n.{column} = h.{column}" for column in key)
    same_row = " and ".join(f"n.{column} is not distinct from h.{column}" for column in columns)
    warehouse.execute(
        f"update {PUBLISHED}.{history} as h set valid_to = :as_of where valid_to is null"
        f" and not exists (select 1 from {now} as n where {same_key} and {same_row})",
        {"as_of": as_of},
    )
    warehouse.execute(
        f"insert into {PUBLISHED}.{history} (valid_from, valid_to, {', '.join(columns)})"
        f" select :as_of, null, {', '.join(f'n.{c}' for c in columns)} from {now} as n"
        f" left join {PUBLISHED}.{history} as h on {same_key} and h.valid_to is null"
        " where h.valid_from is null",
        {"as_of": as_of},
    )


def figures_digest(warehouse: Warehouse, schema: str) -> str:
    """SHA-256 over all counted figures of one night, the same on every engine."""
    digest = hashlib.sha256()
    for query in (
        (
            "select indicator_code, method_code, unit_code, period_type, period_basis,"
            " cast(period_start as varchar) as period_start, numerator, denominator, status"
            f" from {schema}.indicator_value order by 1, 2, 3, 4, 5, 6"
        ),
        (
            "select field_code, unit_code, period_type, period_basis,"
            " cast(period_start as varchar) as period_start, received_online,"
            " received_counter_post, carried_over, resolved_early, resolved_on_time, resolved_late,"
            f" open_in_time, open_overdue from {schema}.form_06a order by 1, 2, 3, 4, 5"
        ),
    ):
        with pa.BufferOutputStream() as text:
            arrow_csv.write_csv(warehouse.arrow(query), text)
            digest.update(text.getvalue())
    return digest.hexdigest()


def describe_tables(warehouse: Warehouse) -> None:
    """Write the bilingual comments onto the tables and columns that readers meet."""
    meanings = column_texts()
    known = schema_tables(warehouse.engine) | {("core", "calendar")}
    known |= {(PUBLISHED, file.name) for file in mart_files()}
    found = warehouse.rows(
        "select table_schema, table_name, column_name from information_schema.columns"
        " where table_schema in ('mart', 'audit', 'core')"
    )
    texts = {
        (row["table_schema"], row["table_name"], row["column_name"]): meanings[row["column_name"]]
        for row in found
        if (row["table_schema"], row["table_name"]) in known and row["column_name"] in meanings
    }
    texts |= {
        ("ref", table, column): text
        for table, comments in reference_comments().items()
        for column, text in comments.items()
    }
    texts |= {
        (schema, table, ""): text
        for (schema, table), text in table_texts().items()
        if (schema, table) in known or schema == "ref"
    }
    warehouse.describe(texts)


def table_texts() -> dict[tuple[str, str], str]:
    """What one row of each table is, "Vietnamese — English", by schema and table."""
    own = safe_load((SQL_FOLDER / "tables.yaml").read_text(encoding="utf-8"))
    return {
        **{
            (schema, table): f"{text['vi']} — {text['en']}"
            for schema, tables in own.items()
            for table, text in tables.items()
        },
        **{("ref", table): text for table, text in reference_titles().items()},
    }


def column_texts() -> dict[str, str]:
    """What each column means, "Vietnamese — English", by its name."""
    own = safe_load((SQL_FOLDER / "columns.yaml").read_text(encoding="utf-8"))["columns"]
    canonical = {
        column.name: f"{column.vi} — {column.en}"
        for feed in FEEDS.values()
        for column in feed.columns
    }
    return {**canonical, **{name: f"{text['vi']} — {text['en']}" for name, text in own.items()}}

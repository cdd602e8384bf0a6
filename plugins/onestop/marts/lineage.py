"""Lineage: the source columns of each figure, derived from the SELECTs of ``sql/mart``.

A new mart or column has its lineage without further work. The sources of a column are the columns
that its value is computed from; for ``count(*)``, they are the tables whose rows are counted.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlglot
from rich.tree import Tree
from sqlglot import exp
from sqlglot.lineage import lineage as lineage_of

from onestop.console import page_width, printed, write_csv
from onestop.files import write_whole
from onestop.marts.descriptions import column_text
from onestop.marts.files import EVENTS, MEASURES, SQL_FOLDER, mart_files
from onestop.marts.night_changes import NIGHT_CHANGE
from onestop.marts.publish import HISTORIES, refresh_reference
from onestop.marts.published import QuestionError
from onestop.progress import counted_off, working
from onestop.said import Language, said, translated
from onestop.schema.did_you_mean import CODES, did_you_mean
from onestop.schema.feeds import EXTRA, FEEDS
from onestop.schema.reference import REFERENCE_FOLDER, SCHEMA_FILE
from onestop.warehouse import open_warehouse
from onestop.warehouse.base import SCHEMA_FOLDER
from onestop.warehouse.sql_text import with_expressions, with_schema
from onestop.warehouse.staged_names import PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from openlineage.client.event_v2 import Dataset
    from sqlglot.lineage import Node

    from onestop.settings import Settings

#: sqlglot's dialect for the queries that run on every engine.
COMMON_DIALECT = "postgres"
#: The SELECTs are the same for every night.
_ANY_NIGHT = dt.date(2022, 12, 31)
#: The restatement tables, which a publication fills from the marts of two nights.
_RESTATEMENTS = SQL_FOLDER / "mart" / "restatement"
#: Replaces the table's name where a column's table is unknown.
UNKNOWN = "unknown"
#: Reference tables that turn a value of the record into others: those come from that value, too.
_LOOKED_UP = {"ref.status", "ref.period_class"}
#: Columns with the night or nights that a row is valid for.
_NIGHTS = {"as_of_date", "valid_from", "valid_to"}


_Schema = dict[str, dict[str, dict[str, str]]]


@dataclass(frozen=True, order=True)
class Source:
    """A source of a column's value: a column, or the rows of a table.

    Attributes:
        table: ``schema.table``.
        column: its column; empty where rows are counted.
    """

    table: str
    column: str = ""

    def __str__(self) -> str:
        return f"{self.table}.{self.column}" if self.column else f"rows of {self.table}"


@dataclass(frozen=True)
class MartLineage:
    """The lineage of one mart.

    Attributes:
        name: ``mart.<name>``.
        file: the SQL file that computes it.
        reads: every table it reads.
        columns: the direct sources of each column; empty for a constant or the night.
    """

    name: str
    file: str
    reads: tuple[str, ...]
    columns: dict[str, tuple[Source, ...]]


@cache
def mart_lineage() -> dict[str, MartLineage]:
    """The lineage of every table of schema ``mart``, by ``mart.<name>``."""
    schema = _record_columns()
    kept = dict(schema["mart"])  # tables that nights add to
    found: dict[str, MartLineage] = {}

    def follow(name: str, file: str, select: str) -> None:
        query = sqlglot.parse_one(select, read=COMMON_DIALECT)
        nodes = lineage_of(None, query, schema=schema, dialect=COMMON_DIALECT)
        schema["mart"][name] = dict.fromkeys(nodes, "varchar")
        found[f"mart.{name}"] = MartLineage(
            f"mart.{name}",
            file,
            tuple(sorted(_row_tables(query, query))),
            {column: _sources(node, query, schema) for column, node in nodes.items()},
        )

    marts = mart_files()
    with working("reading", unit="tables", total=len(marts)):
        for mart in counted_off(marts):
            file = "indicator/*" if mart.name in {EVENTS, MEASURES} else mart.name
            follow(mart.name, f"sql/mart/{file}.sql", mart.select(_ANY_NIGHT, PUBLISHED))
    for history, table in HISTORIES.items():
        found[f"mart.{history}"] = MartLineage(
            f"mart.{history}",
            f"sql/mart/{table}.sql",
            (f"mart.{table}",),
            {
                name: () if name in _NIGHTS else (Source(f"mart.{table}", name),)
                for name in kept[history]
            },
        )
    found[f"mart.{NIGHT_CHANGE}"] = MartLineage(
        f"mart.{NIGHT_CHANGE}",
        f"sql/mart/{NIGHT_CHANGE}/{NIGHT_CHANGE}.sql",
        (f"mart.{MEASURES}", *_WITH_ITEMS),
        {name: tuple(_sources_of_change(name)) for name in kept[NIGHT_CHANGE]},
    )
    for path in sorted(_RESTATEMENTS.glob("*.sql")):
        if path.stem in kept:
            night = f"date '{_ANY_NIGHT}'"
            text = with_expressions(
                path.read_text(encoding="utf-8"), {"as_of_date": night, "previous_night": night}
            )
            for side in ("earlier", "later"):
                text = with_schema(text, side, PUBLISHED)
            follow(path.stem, f"sql/mart/restatement/{path.name}", text)
    return found


#: The marts that list the items of figures.
_WITH_ITEMS = (
    "mart.catalogue",
    "mart.counted_dossier",
    "mart.counted_visit",
    "mart.digitisation",
    "mart.dossier_period",
)


def _sources_of_change(column: str) -> Iterable[Source]:
    """The sources of a figure's change are those of the figure and of its items."""
    if column in {"cause_code", "item_count"}:
        return [Source(table) for table in _WITH_ITEMS]
    measured = column.removesuffix("_change").removesuffix("_before").removesuffix("_after")
    return [] if column in _NIGHTS | {"previous_night"} else [Source(f"mart.{MEASURES}", measured)]


def kept_lineage(folder: Path) -> dict[str, MartLineage]:
    """The same, cached in a folder, because deriving it takes seconds."""
    digest = hashlib.sha256(repr((mart_files(), sqlglot.__version__)).encode())
    for file in sorted((*SCHEMA_FOLDER.glob("*.sql"), *_RESTATEMENTS.glob("*.sql"))):
        digest.update(file.read_bytes())
    digest.update((REFERENCE_FOLDER / SCHEMA_FILE).read_bytes())
    path = folder / f"marts-{digest.hexdigest()[:16]}.json"
    if path.is_file():
        return {
            name: MartLineage(
                name,
                mart["file"],
                tuple(mart["reads"]),
                {
                    column: tuple(Source(*source) for source in sources)
                    for column, sources in mart["columns"].items()
                },
            )
            for name, mart in json.loads(path.read_text(encoding="utf-8")).items()
        }
    found = mart_lineage()
    content = {
        name: {
            "file": mart.file,
            "reads": mart.reads,
            "columns": {
                column: [(source.table, source.column) for source in sources]
                for column, sources in mart.columns.items()
            },
        }
        for name, mart in found.items()
    }
    write_whole(path, json.dumps(content))
    return found


def origins(source: Source) -> tuple[Source, ...]:
    """The ultimate sources of a column of a mart: columns and rows of ``core`` and ``ref``."""
    return tuple(sorted(_origins(source)))


@cache
def _origins(source: Source) -> frozenset[Source]:
    mart = mart_lineage().get(source.table)
    if mart is None:
        return frozenset({source})
    if source.column:
        steps: Iterable[Source] = mart.columns[source.column]
    else:
        steps = (Source(table) for table in mart.reads)
    return frozenset(origin for step in steps for origin in _origins(step))


def _record_columns() -> _Schema:
    """The columns of all tables that are not computed, by schema and table."""
    with open_warehouse("duckdb:///:memory:") as warehouse:
        refresh_reference(warehouse)
        return {
            schema: {
                table: dict.fromkeys(warehouse.columns(schema, table), "varchar")
                for table in warehouse.tables(schema)
            }
            for schema in ("core", "ref", "audit", "mart")
        }


def _sources(
    node: Node, query: exp.Expression, schema: _Schema, seen: frozenset[str] = frozenset()
) -> tuple[Source, ...]:
    found = set()
    for step in node.walk():
        if isinstance(step.expression, exp.Table):
            found.add(Source(_name(step.expression), step.name.rsplit(".", 1)[-1]))
            continue
        if any(isinstance(count.this, exp.Star) for count in step.expression.find_all(exp.Count)):
            found |= {Source(table) for table in _row_tables(step.source, query)}
        # sqlglot looks at what a SELECT within an expression gives, not at its conditions.
        within = [*step.expression.find_all(exp.Select), step.source, query]
        references = {step.name} if isinstance(step.expression, exp.Placeholder) else set()
        for select in within[:-2]:
            references |= {f"{c.table}.{c.name}" for c in select.find_all(exp.Column)}
        references |= _looked_up(step)
        for reference in references - seen:
            found |= _resolved(reference, within, schema, seen | {reference})
    return tuple(sorted(found))


def _looked_up(step: Node) -> set[str]:
    """The columns by which the step looks up classes and statuses in ``ref``."""
    used = {column.table for column in step.expression.find_all(exp.Column)}
    return {
        f"{column.table}.{column.name}"
        for join in step.source.args.get("joins") or ()
        if isinstance(join.this, exp.Table)
        and _name(join.this) in _LOOKED_UP
        and join.this.alias_or_name in used
        for condition in [join.args.get("on")]
        if condition is not None  # a cross join takes every row
        for comparison in condition.find_all(exp.EQ)
        for column in comparison.find_all(exp.Column)
        if column.table != join.this.alias_or_name
    }


def _resolved(
    reference: str, within: list[exp.Expression], schema: _Schema, seen: frozenset[str]
) -> set[Source]:
    """The sources of ``alias.column``; the alias is searched in the nearest SELECT first."""
    alias, _, column = reference.rpartition(".")
    ctes = {cte.alias: cte for cte in within[-1].find_all(exp.CTE)}
    for table in (table for select in within for table in select.find_all(exp.Table)):
        if table.alias_or_name != alias:
            continue
        if table.db:
            return {Source(_name(table), column)}
        if cte := ctes.get(table.name):
            asked = sqlglot.select(column).from_(cte.alias)
            asked.set("with_", cte.parent.copy())
            node = lineage_of(column, asked, schema=schema, dialect=COMMON_DIALECT)
            return set(_sources(node, asked, schema, seen))
    return {Source(UNKNOWN, reference)}


def _row_tables(select: exp.Expression, query: exp.Expression) -> set[str]:
    """The tables that a SELECT reads, through the common table expressions of the whole query."""
    named = {cte.alias: cte.this for cte in query.find_all(exp.CTE)}
    found: set[str] = set()
    seen: set[str] = set()
    pending = [select]
    while pending:
        for table in pending.pop().find_all(exp.Table):
            if table.db:
                found.add(_name(table))
            elif table.name in named and table.name not in seen:
                seen.add(table.name)
                pending.append(named[table.name])
    return found


def _name(table: exp.Table) -> str:
    return f"{table.db}.{table.name}"


# --- for the terminal ------------------------------------------------------------------------


def print_lineage(settings: Settings, what: str | None, form: str, lang: Language = "en") -> None:
    """Print the lineage of a mart, or of one of its columns.

    Args:
        settings: of this installation, for the source systems' mappings.
        what: ``form_06a`` or ``form_06a.received_total``, with or without ``mart.``; all columns
            of all marts when None.
        form: ``table``, ``json`` or ``csv``.
        lang: of the table's texts.

    Raises:
        QuestionError: there is no such mart or column.
    """
    chosen = _chosen(what)
    if form == "table":
        with printed(sys.stdout, page_width(sys.stdout)) as console:
            for mart, columns in chosen:
                is_one = len(columns) == 1
                tree = (
                    _tree(settings, mart, columns, lang)
                    if is_one
                    else _outline(mart, columns, lang)
                )
                console.print(tree)
        return
    rows = [
        {
            "table": mart.name,
            "column": column,
            "sources": [str(source) for source in mart.columns[column]],
            "origins": [str(origin) for origin in origins(Source(mart.name, column))],
            "sql_file": mart.file,
        }
        for mart, columns in chosen
        for column in columns
    ]
    if form == "json":
        json.dump(rows, sys.stdout, ensure_ascii=False, indent=1)
        sys.stdout.write("\n")
        return
    cells = (["; ".join(v) if isinstance(v, list) else v for v in row.values()] for row in rows)
    write_csv(sys.stdout, list(rows[0]), cells)


def _chosen(what: str | None) -> list[tuple[MartLineage, list[str]]]:
    marts = mart_lineage()
    if what is None:
        return [(mart, list(mart.columns)) for mart in marts.values()]
    table, _, column = what.removeprefix("mart.").partition(".")
    mart = marts.get(f"mart.{table}")
    if mart is None:
        names = sorted(name.removeprefix("mart.") for name in marts)
        remedy = did_you_mean(table, names, see=CODES)
        raise QuestionError(said("there is no mart {table}", table=table), remedy=remedy)
    if column and column not in mart.columns:
        raise QuestionError(
            said("{name} has no column {column}", name=mart.name, column=column),
            remedy=did_you_mean(column, mart.columns, see=CODES),
        )
    return [(mart, [column] if column else list(mart.columns))]


def _outline(mart: MartLineage, columns: list[str], lang: Language) -> Tree:
    tree = Tree(f"{mart.name}  ({mart.file})")
    for column in columns:
        found = ", ".join(map(str, origins(Source(mart.name, column))))
        stated = translated("stated in the SQL (the night, or a constant)", lang)
        tree.add(f"{column}: {found or stated}")
    return tree


def _tree(settings: Settings, mart: MartLineage, columns: list[str], lang: Language) -> Tree:
    source = Source(mart.name, columns[0])
    tree = Tree(_described(source, mart, lang))
    headers = _source_headers(settings)
    seen = {source}

    def grow(branch: Tree, at: Source) -> None:
        found = mart_lineage().get(at.table)
        if found is None or not at.column:
            for header in headers.get(str(at), ()):
                branch.add(header)
            return
        for step in found.columns[at.column]:
            grown = branch.add(_described(step, mart_lineage().get(step.table), lang))
            if step in seen:
                grown.label = said("{step} (above)", step=step).in_language(lang)
                continue
            seen.add(step)
            grow(grown, step)

    grow(tree, source)
    return tree


def _bare(table: str) -> str:
    """A table's name without its schema."""
    return table.rpartition(".")[2]


def _described(source: Source, mart: MartLineage | None, lang: Language) -> str:
    vi, _, en = column_text(_bare(source.table), source.column).partition(" — ")
    text = vi if lang == "vi" else en
    return " · ".join(part for part in (str(source), text, mart and mart.file) if part)


def _source_headers(settings: Settings) -> dict[str, list[str]]:
    """For each column of the histories, the headers it is read from, by source system."""
    found: dict[str, list[str]] = {}
    for system in settings.mappings().sources.values():
        for feed in system.feeds.values():
            table = f"core.{FEEDS[feed.feed].entity}_history"
            mapped = {column.name: column.headers for column in feed.columns}
            mapped[EXTRA] = tuple(header for one in feed.extra for header in one.headers)
            for column in FEEDS[feed.feed].columns:
                if headers := mapped.get(column.derived_from or column.name):
                    found.setdefault(f"{table}.{column.name}", []).append(
                        f"{system.source} {feed.feed}: {' | '.join(headers)}"
                    )
    return found


# --- for other systems -----------------------------------------------------------------------


def openlineage_datasets(
    namespace: str, marts: dict[str, MartLineage]
) -> tuple[list[Dataset], list[Dataset]]:
    """The inputs and outputs of a computed night, as OpenLineage datasets.

    Args:
        namespace: OpenLineage's name of the warehouse.
        marts: from :func:`mart_lineage` or :func:`kept_lineage`.

    Returns:
        Inputs (the tables of the record and the reference), and outputs (the marts, each with the
        facets ``schema`` and ``columnLineage``).
    """
    from openlineage.client.event_v2 import Dataset  # noqa: PLC0415 - only where it is installed
    from openlineage.client.facet_v2 import schema_dataset  # noqa: PLC0415 - as above

    outputs = []
    for mart in marts.values():
        fields = [
            schema_dataset.SchemaDatasetFacetFields(
                name=name, description=column_text(_bare(mart.name), name) or None
            )
            for name in mart.columns
        ]
        facets: dict[str, Any] = {
            "schema": schema_dataset.SchemaDatasetFacet(fields=fields),
            "columnLineage": _column_facet(namespace, mart),
        }
        outputs.append(Dataset(namespace=namespace, name=mart.name, facets=facets))
    inputs = {table for mart in marts.values() for table in mart.reads}
    return [
        Dataset(namespace=namespace, name=table) for table in sorted(inputs - marts.keys())
    ], outputs


def _column_facet(namespace: str, mart: MartLineage) -> Any:  # noqa: ANN401 - OpenLineage's class
    from openlineage.client.facet_v2 import column_lineage_dataset as facet  # noqa: PLC0415 - as above

    def inputs(sources: Iterable[Source]) -> Iterator[Any]:
        for source in sources:
            if source.column:
                yield facet.InputField(namespace=namespace, name=source.table, field=source.column)

    return facet.ColumnLineageDatasetFacet(
        fields={
            name: facet.Fields(inputFields=list(inputs(sources)))
            for name, sources in mart.columns.items()
        }
    )

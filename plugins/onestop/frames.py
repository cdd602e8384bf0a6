"""The published figures as pandas data frames, for analysts: what ``import onestop`` offers.

    published = onestop.open_published("var/demo/published/onestop.duckdb")
    published.table("indicator_value", unit_level="commune", period_type="month", names=True)

Everything is read-only. Columns have Arrow-backed types: dates are dates, points in time keep
their time zone, counts stay integers where values are missing, and rates are decimals, exactly as
published.
"""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pandas as pd
import pyarrow as pa

from onestop.errors import errors_in
from onestop.figures.difference import compare_nights
from onestop.figures.explain import explain as explain_figure
from onestop.figures.explain.items import unit_names_in
from onestop.language import chosen_language
from onestop.marts.descriptions import column_text, label_kind, table_texts
from onestop.marts.earlier_nights import NightMarts
from onestop.marts.files import mart_files, with_fragments
from onestop.marts.publish import HISTORIES
from onestop.marts.published import QuestionError, find_night, published_nights
from onestop.marts.published import open_published as open_marts
from onestop.said import said
from onestop.schema.did_you_mean import did_you_mean
from onestop.schema.feeds import FEEDS
from onestop.schema.reference import reference_files
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.settings import Settings
from onestop.warehouse import NoWarehouseError, WarehouseError, duckdb_address, engine_of
from onestop.warehouse.base import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    import sqlalchemy as sa

    from onestop.figures.difference import FigureChange
    from onestop.schema.number_text import Language
    from onestop.warehouse import Warehouse

_Method = TypeVar("_Method", bound="Callable[..., Any]")

#: A day, also as text: ``2022-11-24``.
Day = dt.date | str
#: The schemas that readers see, the most usual one first.
SCHEMAS = ("mart", "ref", "audit", "core")
_NIGHT = "as_of_date"
#: Figures of a night that is no longer the last one, by the mart that had them.
_HISTORY_OF = {mart: history for history, mart in HISTORIES.items()}
_TYPES_BY_ENDING: dict[str, pa.DataType] = {
    "_date": pa.date32(),
    "_at": pa.timestamp("us", LOCAL_ZONE.key),
}
_COUNTED = ("numerator", "denominator", "row_number", "_count", "_seconds")


def open_published(
    url_or_path: str | Path | None = None,
    as_of: Day | None = None,
    *,
    lang: Language | None = None,
) -> PublishedFigures:
    """Open the published figures of one night, read-only.

    Args:
        url_or_path: the readers' copy (``…/published/onestop.duckdb``), or a SQLAlchemy URL of a
            DuckDB file or a PostgreSQL database; defaults to this installation's, by the
            ``ONESTOP_*`` variables.
        as_of: a published night; defaults to the last one.
        lang: of names, descriptions and errors, ``vi`` or ``en``; defaults to ``LANG_UI``, else
            ``LANG``, else ``vi``.

    A login that reads only ``mart`` and ``ref`` (role ``onestop_bi``) reads the last night, and
    has no :meth:`~PublishedFigures.explain` and :meth:`~PublishedFigures.diff`.

    Raises:
        NothingPublishedError: no night is published there, or not that one.
        WarehouseError: there is no such file or server.
        QuestionError: ``as_of`` is no date, or the address is of another kind.
    """
    shown = chosen_language(lang)
    with errors_in(shown):
        settings = _settings_of(url_or_path)
        with open_marts(settings) as warehouse:
            night = _find_night(warehouse, _day(as_of))
    return PublishedFigures(settings, night, shown)


def _settings_of(url_or_path: str | Path | None) -> Settings:
    settings = Settings.from_environment()
    if url_or_path is None:
        return settings
    if isinstance(url_or_path, str) and "://" in url_or_path:
        url = url_or_path
    else:
        url = duckdb_address(Path(url_or_path).expanduser().absolute())
    try:
        file = engine_of(url).file_of(url)
    except WarehouseError as error:  # the address is an argument, not ONESTOP_WAREHOUSE
        raise QuestionError(error.what, remedy=error.remedy) from error
    if file is not None and file.is_dir():
        raise QuestionError(
            "is a folder", subject=str(file), remedy="name the file, such as …/onestop.duckdb"
        )
    if file is not None and not file.exists():
        raise NoWarehouseError(
            said("there is no warehouse at {path}", path=file),
            remedy="name the readers' copy, such as …/published/onestop.duckdb",
        )
    return replace(settings, warehouse=url, published=file or settings.published)


def _speaking(method: _Method) -> _Method:
    """Let the errors of a method be in the language of the figures."""

    @functools.wraps(method)
    def in_own_language(self: PublishedFigures, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - the method's
        with errors_in(self._lang):
            return method(self, *given, **named)

    return cast("_Method", in_own_language)


class PublishedFigures:
    """The published figures of one night; from :func:`open_published`.

    Each call opens the warehouse and closes it again. Figures stay those of :attr:`as_of`, also
    after a later night was published.
    """

    def __init__(self, settings: Settings, as_of: dt.date, lang: Language) -> None:
        self._settings = settings
        self._as_of = as_of
        self._lang: Language = lang

    def __repr__(self) -> str:
        return f"<onestop figures of {self._as_of}, {self._settings.warehouse_name}>"

    @property
    def as_of(self) -> dt.date:
        """The night whose figures these are."""
        return self._as_of

    @property
    @_speaking
    def nights(self) -> list[dt.date]:
        """All published nights, first to last."""
        with open_marts(self._settings) as warehouse:
            return _nights(warehouse)

    @_speaking
    def tables(self) -> pd.DataFrame:
        """The tables that can be read: name, number of columns, and what a row is."""
        with open_marts(self._settings) as warehouse:
            found = [
                (schema, table, len(warehouse.columns(schema, table)))
                for schema in SCHEMAS
                for table in warehouse.tables(schema)
            ]
        texts = table_texts()
        return _frame(
            {
                "table_name": [_short_name(schema, table) for schema, table, _ in found],
                "column_count": [count for _, _, count in found],
                "row_is": [self._side(texts.get((schema, table))) for schema, table, _ in found],
            },
            {"table_name": pa.string(), "column_count": pa.int64(), "row_is": pa.string()},
        )

    @_speaking
    def columns(self, table: str) -> pd.DataFrame:
        """The columns of a table: name, type, meaning, and the kind of its codes in ``label``.

        Args:
            table: as in :meth:`table`.

        Raises:
            QuestionError: there is no such table.
        """
        with open_marts(self._settings) as warehouse:
            schema, name = _find_table(warehouse, table)
            types = warehouse.arrow(f"select * from {quoted(schema, name)} limit 0").schema
        texts = {column: column_text(name, column) for column in types.names}
        if schema == "ref":
            texts = {
                column.name: f"{column.vi} — {column.en}"
                for column in reference_files()[name].columns.values()
            }
        return _frame(
            {
                "column_name": types.names,
                "type": [str(field.type) for field in types],
                "meaning": [self._side(texts.get(column)) for column in types.names],
                "code_kind": [
                    None if schema == "ref" else label_kind(name, column) for column in types.names
                ],
            },
            dict.fromkeys(("column_name", "type", "meaning", "code_kind"), pa.string()),
        )

    @_speaking
    def table(
        self,
        table: str,
        *,
        names: bool = False,
        columns: Sequence[str] | None = None,
        **where: object,
    ) -> pd.DataFrame:
        """The rows of a table, as published that night.

        Args:
            table: of schema ``mart``, such as ``indicator_value``; of other schemas with its
                schema, such as ``ref.target``. Tables that only grow (``mart.…_history``,
                ``core.…_version``, ``audit``) hold all nights.
            names: whether each column of codes is followed by a column with their names:
                ``unit_code`` by ``unit_name``, ``status`` by ``status_name``.
            columns: the columns to read; defaults to all.
            where: values of columns, such as ``unit_level="commune"``; a list for any of several
                values, None for rows without a value.

        Returns:
            The rows, in no particular order.

        Raises:
            QuestionError: there is no such table, column or value; names those that there are.
        """
        with open_marts(self._settings) as warehouse:
            schema, name = _find_table(warehouse, table)
            relations = self._relations(warehouse)
            relation = relations(schema, name)
            types = warehouse.arrow(f"select * from {relation} as t limit 0").schema
            conditions, values = _conditions(table, types, where)
            wanted = _known_columns(table, types, columns)
            kinds = _label_kinds(schema, name, types.names, wanted) if names else {}
            labels = relations("mart", "label") if kinds else ""
            cells, joins = _with_names(wanted, kinds, labels, self._lang)
            found = warehouse.arrow(
                f"select {cells} from {relation} as t{joins}{conditions}", values
            )
            _refuse_unknown_values(warehouse, relation, table, types, where, found)
        return _as_frame(found)

    def _relations(self, warehouse: Warehouse) -> Callable[[str, str], str]:
        """Which relation has the rows of the night, by schema and table."""
        if self._as_of == _nights(warehouse)[-1]:
            return quoted
        marts = NightMarts(warehouse, self._as_of, mark="frames")
        return lambda schema, table: self._earlier(warehouse, marts, schema, table)

    def _earlier(self, warehouse: Warehouse, marts: NightMarts, schema: str, table: str) -> str:
        """The relation with a table's rows of a night that is not the last one."""
        if schema == "mart" and table in _HISTORY_OF:
            return self._stated_then(warehouse, marts, table)
        of_a_night = {
            *(("mart", file.name) for file in mart_files()),
            *(("ref", name) for name in reference_files()),
            *(("core", f"{feed.entity}_history") for feed in FEEDS.values()),
            ("core", "calendar"),
        }
        if (schema, table) in of_a_night:
            return marts.relation(f"{schema}.{table}")
        return quoted(schema, table)

    def _stated_then(self, warehouse: Warehouse, marts: NightMarts, table: str) -> str:
        """The figures that the night stated, from their history, with the columns of the mart.

        A history keeps neither the as-of date, nor the end of a period that runs on to it, nor
        the shortfall, which follows from a figure and its target.
        """
        night = f"date '{self._as_of}'"
        history = quoted("mart", _HISTORY_OF[table])
        kept = set(warehouse.columns("mart", _HISTORY_OF[table])) - {"period_end"}
        columns = warehouse.columns("mart", table)
        facts = [f"h.{column}" for column in columns if column in kept]
        target = ""
        if "shortfall" in columns:
            facts += ["t.value_scale", "t.target_numerator", "t.target_denominator"]
            target = (
                f" left join {marts.relation('mart.target_in_force')} as t"
                " on h.indicator_code = t.indicator_code and h.unit_level = t.unit_level"
                f" and least(coalesce(h.period_end, {night}), {night}) = t.measured_on"
            )
        cells = ", ".join(":shortfall" if name == "shortfall" else name for name in columns)
        return with_fragments(
            f"(select {cells} from (select {', '.join(facts)}, {night} as {_NIGHT},"
            f" coalesce(h.period_end, {night}) as period_end from {history} as h{target}"
            f" where h.valid_from <= {night} and (h.valid_to is null or h.valid_to > {night})"
            ") as figure)"
        )

    @_speaking
    def explain(
        self, indicator: str, unit: str, first: Day, last: Day, method: str | None = None
    ) -> pd.DataFrame:
        """The items behind a figure, counted or left out, with reason, delivery and row.

        The columns ``numerator`` and ``denominator`` add up to the figure. ``attrs`` of the frame
        has the sums, and ``published``: the published ones, None if this span is no period. With
        ``runs_until`` they are those of the period so far, which still ran on the night until then.

        Args:
            indicator: as in ``ref.indicator``, or a check, as in ``ref.decree_check``.
            unit: a unit's code, ``DEPARTMENT``, ``DISTRICT``, ``COMMUNE`` or ``CITY``.
            first: first day of the span.
            last: last day of the span.
            method: as in ``ref.method`` or ``ref.reading``; defaults to the scorecard's.

        Raises:
            QuestionError: no such indicator, unit or method, or the items do not add up to the
                published figure.
        """
        found = explain_figure(
            self._settings, indicator, unit, _needed(first), _needed(last), method, self._as_of
        )
        found.require_agreement()
        with open_marts(self._settings) as warehouse:
            names = unit_names_in(warehouse, self._lang)
        cells = [item.cells(found.kind, names) for item in found.items]
        frame = _frame_of_rows(found.kind.columns, cells)
        frame.attrs = {
            "numerator": found.numerator,
            "denominator": found.denominator,
            "published": found.published,
            "runs_until": found.runs_until,
        }
        return frame

    @_speaking
    def diff(
        self,
        previous: Day,
        night: Day | None = None,
        *,
        unit: str = "CITY",
        indicator: str | None = None,
        method: str | None = None,
        first: Day | None = None,
        last: Day | None = None,
    ) -> pd.DataFrame:
        """Why figures moved between two published nights, by causes that add up to the change.

        Args:
            previous: the earlier night.
            night: the later night; defaults to :attr:`as_of`.
            unit: a unit's code, ``DEPARTMENT``, ``DISTRICT``, ``COMMUNE`` or ``CITY``.
            indicator: as in ``ref.indicator``: a row for each item that counts differently;
                defaults to the whole scorecard: a row for each figure and cause.
            method: as in ``ref.method``; defaults to the scorecard's.
            first: first day of the span; defaults to 1 January.
            last: last day of the span; defaults to each night.

        Raises:
            QuestionError: no such unit, indicator, method or night, or the causes do not add up.
        """
        found = compare_nights(
            self._settings,
            _needed(previous),
            _day(night) or self._as_of,
            unit,
            indicator,
            method,
            (_day(first), _day(last)),
        )
        make = _item_rows if found.has_items else _cause_rows
        rows = [row for figure in found.figures for row in make(figure)]
        if found.has_items:
            facts = [name for row in rows for name in row if name not in _ITEM_COLUMNS]
            return _frame_of_rows((*_ITEM_COLUMNS, *dict.fromkeys(facts)), rows)
        return _frame_of_rows(_CAUSE_COLUMNS, rows)

    @_speaking
    def sql(
        self, query: str | sa.Executable, parameters: Mapping[str, object] | None = None
    ) -> pd.DataFrame:
        """The rows of a query of your own.

        Args:
            query: SQL with ``:name`` for parameters, or a SQLAlchemy statement.
            parameters: their values.

        Raises:
            QuestionError: these figures are of an earlier night, while SQL reads the last one.
            sqlalchemy.exc.SQLAlchemyError: the database refuses the query, for instance because it
                would change something.
        """
        import sqlalchemy as sa  # noqa: PLC0415 - only this method needs it

        last = self.nights[-1]
        if self._as_of != last:
            raise QuestionError(
                said(
                    "SQL reads the tables of night {last}, and these figures are of {as_of}",
                    last=last,
                    as_of=self._as_of,
                ),
                remedy="use table(), or open_published() without as_of and the tables …_history",
            )
        statement = sa.text(query) if isinstance(query, str) else query
        engine = self.engine()
        with engine.connect() as connection:
            result = connection.execute(statement, dict(parameters or {}))
            return _as_frame(engine_of(self._address).arrow_of(result.cursor))

    def engine(self) -> sa.Engine:
        """A read-only SQLAlchemy engine on the published figures, for other libraries."""
        return engine_of(self._address).readers_engine(self._address)

    @property
    def _address(self) -> str:
        settings = self._settings
        return engine_of(settings.warehouse).readers_address(settings.warehouse, settings.published)

    def _side(self, text: str | None) -> str | None:
        """One language of a text "Vietnamese — English"."""
        vi, _, en = (text or "").partition(" — ")
        return (vi if self._lang == "vi" else en or vi) or None


def _nights(warehouse: Warehouse) -> list[dt.date]:
    """The published nights; of a login that reads only ``mart`` and ``ref``, the last one."""
    if "publication" in warehouse.tables("audit"):
        return published_nights(warehouse)
    rows = warehouse.rows("select max(as_of_date) as night from mart.period")
    return [row["night"] for row in rows if row["night"]]


def _find_night(warehouse: Warehouse, as_of: dt.date | None) -> dt.date:
    """The published night to read.

    Raises:
        NothingPublishedError: it is not published.
        QuestionError: this login reads the last night only.
    """
    if "publication" in warehouse.tables("audit"):
        return find_night(warehouse, as_of)
    nights = _nights(warehouse)
    if nights and as_of in {None, nights[-1]}:
        return nights[-1]
    raise QuestionError(
        said("this login reads the last published night ({night}) only", night=nights[-1])
        if nights
        else "no night is published yet, or this login may not read the marts",
        remedy="for others use a login in role onestop_auditor",
    )


def _find_table(warehouse: Warehouse, name: str) -> tuple[str, str]:
    """Schema and table of a name; without a schema it is one of ``mart``.

    Raises:
        QuestionError: there is no such table.
    """
    schema, _, table = name.rpartition(".")
    schema = schema or "mart"
    if schema in SCHEMAS and table in warehouse.tables(schema):
        return schema, table
    known = [_short_name(one, each) for one in SCHEMAS for each in warehouse.tables(one)]
    raise QuestionError(
        said("no table {name}", name=name),
        remedy=did_you_mean(name, known, see="all are in tables()"),
    )


def _short_name(schema: str, table: str) -> str:
    return table if schema == "mart" else f"{schema}.{table}"


def _known_columns(
    table: str, types: pa.Schema, columns: Collection[str] | None
) -> tuple[str, ...]:
    """The columns to read.

    Raises:
        QuestionError: one of them does not exist.
    """
    for column in columns or ():
        _refuse_unknown_column(table, types, column)
    return tuple(types.names if columns is None else columns)


def _refuse_unknown_column(table: str, types: pa.Schema, column: str) -> None:
    if column not in types.names:
        raise QuestionError(
            said("{table} has no column {column}", table=table, column=column),
            remedy=did_you_mean(
                column, types.names, see=said("all are in columns({table!r})", table=table)
            ),
        )


def _conditions(
    table: str, types: pa.Schema, where: Mapping[str, object]
) -> tuple[str, dict[str, object]]:
    """The condition on a table's rows, and the values of its parameters."""
    parts: list[str] = []
    values: dict[str, object] = {}
    for number, (column, asked) in enumerate(where.items()):
        _refuse_unknown_column(table, types, column)
        name = f"t.{quoted(column)}"
        given = [_typed(column, value, types) for value in _several(asked)]
        parameters = {f"w{number}_{place}": value for place, value in enumerate(given)}
        marks = [f":{mark}" for mark, value in parameters.items() if value is not None]
        either = [f"{name} in ({', '.join(marks)})"] if marks else []
        either += [f"{name} is null"] if None in given else []
        parts.append(f"({' or '.join(either) or 'false'})")
        values |= {mark: value for mark, value in parameters.items() if value is not None}
    return (f" where {' and '.join(parts)}" if parts else ""), values


def _several(asked: object) -> Iterable[object]:
    if isinstance(asked, (str, bytes)) or not hasattr(asked, "__iter__"):
        return [asked]
    return list(asked)


def _typed(column: str, value: object, types: pa.Schema) -> object:
    """A value of a filter as the column's type has it.

    Raises:
        QuestionError: it can be no value of that column.
    """
    kind = types.field(column).type
    if value is None or value is pd.NA:
        return None
    if isinstance(value, dt.datetime) and pa.types.is_date(kind):  # a pandas timestamp too
        value = value.date()
    if isinstance(value, str) and pa.types.is_date(kind):
        return _needed(value)
    try:
        return pa.scalar(value, kind).as_py()
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError) as error:
        raise QuestionError(
            said(
                "{value!r} is no value of {column}, whose type is {kind}",
                value=value,
                column=column,
                kind=kind,
            )
        ) from error


def _refuse_unknown_values(
    warehouse: Warehouse,
    relation: str,
    table: str,
    types: pa.Schema,
    where: Mapping[str, object],
    found: pa.Table,
) -> None:
    """Refuse a text that occurs nowhere in its column: an empty frame would read as "no rows".

    Raises:
        QuestionError: names the texts that are close, or all if they are few.
    """
    for column, asked in where.items():
        texts = {value for value in _several(asked) if isinstance(value, str)}
        if not texts or not pa.types.is_string(types.field(column).type):
            continue
        if found.num_rows and len(texts) == 1:
            continue
        name = quoted(column)
        rows = warehouse.rows(f"select distinct {name} as value from {relation} as t order by 1")
        known = [row["value"] for row in rows if row["value"] is not None]
        for text in sorted(texts - set(known)):
            raise QuestionError(
                said("no {column} {text} in {table}", column=column, text=text, table=table),
                remedy=did_you_mean(
                    text, known, see=said("it has {count} different ones", count=len(known))
                ),
            )


def _label_kinds(
    schema: str, table: str, existing: Collection[str], wanted: Collection[str]
) -> dict[str, tuple[str, str]]:
    """For each column of codes, the column for their names, and their kind."""
    found = {}
    for column in wanted:
        kind = None if schema == "ref" else label_kind(table, column)
        named = column.removesuffix("_code").removesuffix("_key") + "_name"
        if kind and named not in existing:
            found[column] = (named, kind)
    return found


def _with_names(
    wanted: Sequence[str], kinds: Mapping[str, tuple[str, str]], labels: str, lang: Language
) -> tuple[str, str]:
    """The columns to select, each of codes followed by their names, and the joins for them."""
    cells, joins = [], []
    for number, column in enumerate(wanted):
        cells.append(f"t.{quoted(column)}")
        if column in kinds:
            named, kind = kinds[column]
            alias = f"label_{number}"
            cells.append(f"{alias}.label_{lang} as {quoted(named)}")
            joins.append(
                f" left join {labels} as {alias} on {alias}.code_kind = '{kind}'"
                f" and {alias}.code = t.{quoted(column)}"
            )
    return ", ".join(cells), "".join(joins)


_CAUSE_COLUMNS = (
    *("indicator_code", "method_code", "cause_code", "item_count"),
    *("numerator_change", "denominator_change"),
    *("numerator_before", "denominator_before", "numerator_after", "denominator_after"),
)
_ITEM_COLUMNS = (
    *("indicator_code", "method_code", "cause_code", "item_code"),
    *("numerator_change", "denominator_change"),
    *("numerator_before", "denominator_before", "numerator_after", "denominator_after"),
    *("delivery_id", "file_name", "row_number"),
)


def _cause_rows(figure: FigureChange) -> Iterable[dict[str, Any]]:
    before, after = figure.before or (None, None), figure.after or (None, None)
    for cause in figure.causes:
        yield {
            "indicator_code": figure.indicator_code,
            "method_code": figure.method_code,
            "cause_code": cause.cause_code,
            "item_count": cause.item_count,
            "numerator_change": cause.numerator_change,
            "denominator_change": cause.denominator_change,
            "numerator_before": before[0],
            "denominator_before": before[1],
            "numerator_after": after[0],
            "denominator_after": after[1],
        }


def _item_rows(figure: FigureChange) -> Iterable[dict[str, Any]]:
    for item in figure.items:
        numerator_change, denominator_change = item.change
        yield {
            "indicator_code": figure.indicator_code,
            "method_code": figure.method_code,
            "cause_code": item.cause_code,
            "item_code": item.item_code,
            "numerator_change": numerator_change,
            "denominator_change": denominator_change,
            "numerator_before": item.numerator_before,
            "denominator_before": item.denominator_before,
            "numerator_after": item.numerator_after,
            "denominator_after": item.denominator_after,
            "delivery_id": item.delivery_id,
            "file_name": item.file_name,
            "row_number": item.row_number,
            **item.facts,
        }


def _frame_of_rows(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    values = {name: [row.get(name) for row in rows] for name in columns}
    return _frame(values, {name: _type_of(name, cells) for name, cells in values.items()})


def _type_of(name: str, cells: Sequence[object]) -> pa.DataType:
    """The type of a column: of its values, and where all are missing, by the rules for names."""
    if any(cell is not None for cell in cells):
        kind: pa.DataType = pa.array(cells).type  # type: ignore[arg-type] # of any one type
        return pa.timestamp("us", LOCAL_ZONE.key) if pa.types.is_timestamp(kind) else kind
    if any(part in name for part in _COUNTED):
        return pa.int64()
    for ending, by_name in _TYPES_BY_ENDING.items():
        if name.endswith(ending):
            return by_name
    return pa.string()


def _frame(
    values: Mapping[str, Sequence[object]], types: Mapping[str, pa.DataType]
) -> pd.DataFrame:
    arrays = [pa.array(values[name], kind) for name, kind in types.items()]
    return _as_frame(pa.Table.from_arrays(arrays, names=list(types)))


def _as_frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def _day(text: Day | None) -> dt.date | None:
    return None if text is None else _needed(text)


def _needed(text: Day) -> dt.date:
    """A day from a date, a point in time, or a text.

    Raises:
        QuestionError: it is no date.
    """
    if isinstance(text, dt.datetime):  # a pandas timestamp too
        return text.date()
    if isinstance(text, dt.date):
        return text
    try:
        return dt.date.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise QuestionError(
            said("{text!r} is not a date", text=text), remedy="write it as 2022-11-24"
        ) from error

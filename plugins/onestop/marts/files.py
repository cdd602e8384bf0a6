"""The files of ``sql/mart``: the SELECTs of all marts, and the order in which they are computed."""

from __future__ import annotations

import datetime as dt
import graphlib
import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from onestop.schema.project import PROJECT_ROOT
from onestop.version import __version__
from onestop.warehouse.sql_text import (
    SqlTextError,
    has_step,
    names_of_schemas,
    script_digest,
    selected_columns,
    step_names,
    step_select,
    tables_read,
    with_expressions,
    with_tables,
)
from onestop.warehouse.staged_names import PUBLISHED, STAGED, staged_name, with_staged_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

SQL_FOLDER = PROJECT_ROOT / "sql"
#: The union of all indicators' measures; its parts are the files of sql/mart/indicator/.
MEASURES = "indicator_measure"
#: What happened day by day to the items of indicators that grow; the union of the steps ``event``.
EVENTS = "indicator_event"
#: The step of a file that has the items behind a figure, one row each.
ITEM = "item"
_MEASURE_COLUMNS = (
    "indicator_code, method_code, unit_code, unit_level, unit_scope, period_type, period_basis,"
    " period_start, period_end, numerator, denominator, coverage, pending"
)
_EVENT_COLUMNS = "indicator_code, unit_code, unit_level, event_date, arrived, judged, succeeded"


@dataclass(frozen=True)
class MartFile:
    """One file of ``sql/mart``: its name is the table's."""

    name: str
    text: str
    is_view: bool

    def select(self, as_of: dt.date, schema: str) -> str:
        """The SELECT for one night, reading the published or the staged tables.

        A view's text is the same every night, because replacing a view waits for its readers.
        """
        return render(self._text, as_of, schema)

    @property
    def reads(self) -> set[str]:
        """Names of the marts it reads."""
        return {name.removeprefix("mart.") for name in names_of_schemas(self._text, "mart")}

    @property
    def _text(self) -> str:
        night = "(select max(as_of_date) from mart.period)"
        return with_expressions(self.text, {"as_of_date": night}) if self.is_view else self.text


def render(sql: str, as_of: dt.date, schema: str = PUBLISHED) -> str:
    """Put the as-of date and the schema of the tables into a SELECT of ``sql/mart``.

    Args:
        sql: the text of a file.
        as_of: the night.
        schema: ``mart`` to read the published marts, ``mart_staged`` to read the staged ones.
    """
    # the tables first: the text without the date is the same every night and parsed once
    return dated(sql if schema == PUBLISHED else with_staged_tables(sql), as_of)


def dated(sql: str, as_of: dt.date) -> str:
    """Put the as-of date into a SELECT of ``sql/mart``."""
    return with_expressions(sql, {"as_of_date": f"date '{as_of.isoformat()}'"})


def select_over(
    file: MartFile, night: dt.date, given: Mapping[str, str], *, staged: bool = False
) -> str:
    """A mart's SELECT for a night, reading other relations in the place of tables.

    Args:
        file: the mart.
        night: the night.
        given: the relation to read for each ``schema.table``.
        staged: whether the other tables are those of the night that is computed.
    """
    relations = {
        table: given.get(table) or (staged_name(table) if staged else table)
        for table in tables_read(file.text)
    }
    changed = {table: name for table, name in relations.items() if table != name}
    return dated(with_tables(file.text, changed), night)


@cache
def mart_files(folder: Path = SQL_FOLDER / "mart") -> tuple[MartFile, ...]:
    """The files of ``sql/mart``, each after those it reads."""
    files = {
        path.stem: MartFile(path.stem, _counted(text), is_view=text.startswith("-- view"))
        for path in sorted(folder.glob("*.sql"))
        for text in [with_fragments(path.read_text(encoding="utf-8"))]
    }
    parts = {
        path.stem: path.read_text(encoding="utf-8")
        for path in sorted((folder / "indicator").glob("*.sql"))
    }
    measures = [_counted(text) for text in parts.values()]
    events = [step_select(text, "event") for text in parts.values() if has_step(text, "event")]
    files[MEASURES] = MartFile(MEASURES, _union(_MEASURE_COLUMNS, measures), is_view=False)
    files[EVENTS] = MartFile(EVENTS, _union(_EVENT_COLUMNS, events), is_view=True)
    order = graphlib.TopologicalSorter(
        {name: sorted(file.reads & files.keys()) for name, file in files.items()}
    ).static_order()
    return tuple(files[name] for name in order)


def read_all() -> None:
    """Read and parse the SELECTs as a night does, once for all processes forked from this one."""
    for file in mart_files():
        file.select(dt.date.min, STAGED)
    rules_digest()


def with_fragments(sql: str) -> str:
    """The text with ``:name`` replaced by the columns of ``sql/mart/fragment/<name>.sql``.

    Such a fragment is a SELECT from a relation that is named only in its comment; the text that
    takes its columns must have those that it reads.
    """
    return with_expressions(sql, _fragments())


@cache
def _fragments() -> dict[str, str]:
    return {
        path.stem: selected_columns(path.read_text(encoding="utf-8"))
        for path in sorted((SQL_FOLDER / "mart" / "fragment").glob("*.sql"))
    }


def _counted(text: str) -> str:
    """A file's SELECT without the steps that only explanations read."""
    return step_select(text, step_names(text)[-1]) if has_step(text, ITEM) else text


def _union(columns: str, selects: Iterable[str]) -> str:
    return "\nunion all\n".join(f"select {columns} from (\n{part}\n) as part" for part in selects)


def rules_digest() -> str:
    """SHA-256 of what figures are computed by: the SELECTs, the reference rows and the release."""
    digest = hashlib.sha256(f"{__version__} {_selects_digest()}".encode())
    for path in sorted((SQL_FOLDER / "reference").iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


@cache
def _selects_digest() -> str:
    digest = hashlib.sha256()
    for file in mart_files():
        digest.update(f"{file.name} {script_digest(file.text)}".encode())
    return digest.hexdigest()


@cache
def step_text(name: str, step: str, folder: Path = SQL_FOLDER / "mart") -> str:
    """The SELECT of a mart or an indicator, returning the rows of one of its steps.

    The step before the counting has the items behind a figure, so an explanation uses the same
    SQL as the figure.

    Args:
        name: of the file below ``sql/mart``, without its suffix: ``visit``, ``indicator/declared``.
        step: a common table expression of that file.
        folder: the files.

    Raises:
        SqlTextError: the file has no such step.
    """
    text = with_fragments((folder / f"{name}.sql").read_text(encoding="utf-8"))
    try:
        return step_select(text, step)
    except SqlTextError as error:
        raise SqlTextError(f"sql/mart/{name}.sql: {error}") from error

"""Reference rows: the plan, its targets, code lists and the calendar, read and checked.

``sql/reference/<name>.csv`` becomes the table ``ref.<name>``; ``sql/reference/_schema.yaml`` says
what each file means and what its columns may hold. The error for unusable files names every
problem with its file, line, column and remedy.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import yaml

from onestop.errors import OneStopError
from onestop.said import said, said_list, said_text
from onestop.schema.personal import holds_personal_number
from onestop.schema.project import PROJECT_ROOT
from onestop.schema.quick_yaml import safe_load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

REFERENCE_FOLDER = PROJECT_ROOT / "sql" / "reference"
SCHEMA_FILE = "_schema.yaml"
_SHOWN = 10
#: How many folders' rows a process keeps; in use is one, tests have others.
_KEPT_FOLDERS = 4

Cell = str | int | bool | dt.date | None
Row = dict[str, Cell]
#: Name and bytes of each file of a folder.
_Contents = tuple[tuple[str, bytes], ...]
CellType = Literal["text", "integer", "boolean", "date"]

_ARROW_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}


class ReferenceFileError(OneStopError):
    """Reference files that cannot be used; names every problem and its remedy.

    Args:
        problems: one sentence for each, beginning with file and line.
    """

    def __init__(self, problems: list[str]) -> None:
        more = len(problems) - _SHOWN
        lines = problems[:_SHOWN] + ([said("… and {more} more", more=more)] if more > 0 else [])
        super().__init__(
            said("reference files need correcting:\n  {lines}", lines=said_list(lines, "\n  "))
        )
        self.problems = problems


@dataclass(frozen=True)
class ReferenceColumn:
    """One column of a reference file.

    Attributes:
        name: as in the header.
        type: of its cells.
        required: whether every row must fill it.
        codes: the values it may hold, or empty for any.
        of: ``file.column`` that its values refer to, or None.
        is_list: whether a cell may hold several of these values, with one blank between them.
        vi: meaning, in Vietnamese.
        en: meaning, in English.
    """

    name: str
    type: CellType
    required: bool
    codes: tuple[str, ...]
    of: str | None
    is_list: bool
    vi: str
    en: str


@dataclass(frozen=True)
class ReferenceFile:
    """One reference file.

    Attributes:
        name: of the file and of its table.
        vi: meaning, in Vietnamese.
        en: meaning, in English.
        key: columns that identify a row.
        is_dated: the key may occur again for another validity.
        columns: by name, in order.
    """

    name: str
    vi: str
    en: str
    key: tuple[str, ...]
    is_dated: bool
    columns: Mapping[str, ReferenceColumn] = field(default_factory=dict)


def reference_files(folder: Path = REFERENCE_FOLDER) -> dict[str, ReferenceFile]:
    """What ``_schema.yaml`` says about each file.

    Raises:
        ReferenceFileError: the schema itself cannot be used.
    """
    try:
        text = (folder / SCHEMA_FILE).read_text(encoding="utf-8")
        return dict(_reference_files(text))
    except (OSError, yaml.YAMLError) as error:
        raise ReferenceFileError(
            [said("{schema_file}: cannot be read: {error}", schema_file=SCHEMA_FILE, error=error)]
        ) from error


@lru_cache(_KEPT_FOLDERS)
def _reference_files(text: str) -> Mapping[str, ReferenceFile]:
    schema = safe_load(text)
    problems: list[str] = []
    files = {
        name: ReferenceFile(
            name=name,
            vi=spec["vi"],
            en=spec["en"],
            key=tuple(spec["key"]),
            is_dated=bool(spec.get("dated", False)),
            columns=dict(_columns(name, spec["columns"], schema["common"], problems)),
        )
        for name, spec in schema["files"].items()
    }
    if problems:
        raise ReferenceFileError(problems)
    return files


def _columns(
    file: str, columns: dict[str, Any], common: dict[str, Any], problems: list[str]
) -> Iterator[tuple[str, ReferenceColumn]]:
    for name, own in columns.items():
        spec = own or common.get(name)
        if not spec or spec.get("type") not in _ARROW_TYPES or not spec.get("vi"):
            problems.append(
                said(
                    "{schema_file}: files.{file}.columns.{name}: give type ({types}), vi and en,"
                    " here or under common",
                    schema_file=SCHEMA_FILE,
                    file=file,
                    name=name,
                    types=", ".join(_ARROW_TYPES),
                )
            )
            continue
        yield (
            name,
            ReferenceColumn(
                name=name,
                type=spec["type"],
                required=bool(spec.get("required", True)),
                codes=tuple(spec.get("codes", ())),
                of=spec.get("of"),
                is_list=bool(spec.get("list", False)),
                vi=spec["vi"],
                en=spec["en"],
            ),
        )


def read_reference(folder: Path = REFERENCE_FOLDER) -> dict[str, list[Row]]:
    """All reference rows, typed and checked.

    Args:
        folder: with the CSV files and their ``_schema.yaml``.

    Raises:
        ReferenceFileError: names every problem.
    """
    kept = _read_reference(folder, _contents(folder))
    return {name: [dict(row) for row in rows] for name, rows in kept.items()}


def _contents(folder: Path) -> _Contents:
    """What the files hold now: what was read of other contents is not used."""
    reference_files(folder)  # first, for its errors
    paths = (folder / SCHEMA_FILE, *sorted(folder.glob("*.csv")))
    return tuple((path.name, path.read_bytes()) for path in paths)


@lru_cache(_KEPT_FOLDERS)
def _read_reference(
    folder: Path,
    contents: _Contents,  # noqa: ARG001 - other contents are read again
) -> dict[str, list[Row]]:
    files = reference_files(folder)
    problems = _files_missing_or_unknown(folder, files)
    lines: dict[str, dict[int, Row]] = {}
    for name, file in files.items():
        path = folder / f"{name}.csv"
        if path.is_file():
            lines[name] = dict(_read_rows(path, file, problems))
    if not problems:
        for name, file in files.items():
            problems += _repeated_keys(file, lines[name])
            problems += _unknown_values(file, lines)
            problems += _chosen_and_verified(name, lines[name])
        problems += _targets_at_two_levels(lines.get("target", {}))
        problems += _unusable_issues(lines.get("known_issue", {}))
    if problems:
        raise ReferenceFileError(problems)
    return {name: list(rows.values()) for name, rows in lines.items()}


def reference_tables(folder: Path = REFERENCE_FOLDER) -> dict[str, pa.Table]:
    """All reference rows as Arrow tables, by the name of the file.

    Args:
        folder: with the CSV files and their ``_schema.yaml``.

    Raises:
        ReferenceFileError: names every problem.
    """
    return dict(_reference_tables(folder, _contents(folder)))


@lru_cache(_KEPT_FOLDERS)
def _reference_tables(folder: Path, contents: _Contents) -> dict[str, pa.Table]:
    rows = _read_reference(folder, contents)
    return {
        name: pa.Table.from_pylist(
            rows[name],
            schema=pa.schema(
                [(column.name, _ARROW_TYPES[column.type]) for column in file.columns.values()]
            ),
        )
        for name, file in reference_files(folder).items()
    }


def reference_comments(folder: Path = REFERENCE_FOLDER) -> dict[str, dict[str, str]]:
    """For each file, the comment of each of its columns: ``Vietnamese — English``."""
    return {
        name: {column.name: f"{column.vi} — {column.en}" for column in file.columns.values()}
        for name, file in reference_files(folder).items()
    }


def _files_missing_or_unknown(folder: Path, files: Mapping[str, ReferenceFile]) -> list[str]:
    present = {path.stem for path in folder.glob("*.csv")}
    missing = [
        said("{name}.csv: is missing; restore it", name=name)
        for name in sorted(files.keys() - present)
    ]
    unknown = [
        said(
            "{name}.csv: is not described; add files.{name} to {schema_file}",
            name=name,
            schema_file=SCHEMA_FILE,
        )
        for name in sorted(present - files.keys())
    ]
    return [*missing, *unknown]


def _read_rows(path: Path, file: ReferenceFile, problems: list[str]) -> Iterator[tuple[int, Row]]:
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        problems.append(
            said(
                "{file}: byte {byte} is not UTF-8; save it as UTF-8",
                file=path.name,
                byte=error.start,
            )
        )
        return
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    header = next(reader, [])
    if problem := _header_problem(path.name, header, file):
        problems.append(problem)
        return
    try:
        for cells in reader:
            place = said("{file} line {number}", file=path.name, number=reader.line_num)
            if len(cells) != len(header):
                problems.append(
                    said(
                        "{place}: has {cells} cells instead of {header}; put quotation"
                        " marks around a"
                        " text with commas",
                        place=place,
                        cells=len(cells),
                        header=len(header),
                    )
                )
                continue
            yield (
                reader.line_num,
                {
                    name: _cell(text, file.columns[name], place, problems)
                    for name, text in zip(header, cells, strict=True)
                },
            )
    except csv.Error as error:
        problems.append(
            said(
                "{file} line {number}: {error}; check quotation marks",
                file=path.name,
                number=reader.line_num,
                error=error,
            )
        )


def _header_problem(file_name: str, header: list[str], file: ReferenceFile) -> str | None:
    expected = list(file.columns)
    if header == expected:
        return None
    missing = [name for name in expected if name not in header]
    unknown = [name for name in header if name not in expected]
    details = said_list(
        part
        for part in (
            said("missing: {names}", names=", ".join(missing)) if missing else "",
            said("not described: {names}", names=", ".join(unknown)) if unknown else "",
        )
        if part
    )
    return said(
        "{file_name} line 1: {details}; the header must be {expected}",
        file_name=file_name,
        details=details or said_text("columns are in another order"),
        expected=",".join(expected),
    )


def _cell(text: str, column: ReferenceColumn, place: str, problems: list[str]) -> Cell:
    where = said("{place}, column {column}", place=place, column=column.name)
    clean = unicodedata.normalize("NFC", text.replace("\u00a0", " ")).strip()
    if clean != text:
        problems.append(
            said(
                "{where}: has blanks around it, no-break spaces or decomposed accents; write"
                " {clean!r}",
                where=where,
                clean=clean,
            )
        )
        return None
    if not text:
        if column.required:
            problems.append(said("{where}: is empty; it must be filled", where=where))
        return None
    if holds_personal_number(text):
        problems.append(
            said(
                "{where}: holds an e-mail address or the number of a person; take it out,"
                " since all readers see this text",
                where=where,
            )
        )
        return None
    if column.codes and text not in column.codes:
        problems.append(
            said(
                "{where}: {text!r} is not one of {codes}",
                where=where,
                text=text,
                codes=", ".join(column.codes),
            )
        )
        return None
    try:
        return _typed(text, column.type)
    except ValueError:
        problems.append(
            said(
                "{where}: {text!r} is not {expected}",
                where=where,
                text=text,
                expected=_EXPECTED[column.type],
            )
        )
        return None


_EXPECTED: dict[str, str] = {
    "integer": said_text("a whole number"),
    "boolean": said_text("true or false"),
    "date": said_text("a date; write it as YYYY-MM-DD"),
}


def _typed(text: str, cell_type: CellType) -> Cell:
    if cell_type == "integer":
        return int(text)
    if cell_type == "boolean":
        if text not in {"true", "false"}:
            raise ValueError(text)
        return text == "true"
    if cell_type == "date":
        return dt.datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar date has no time zone
    return text


def _repeated_keys(file: ReferenceFile, lines: Mapping[int, Row]) -> Iterator[str]:
    seen: dict[tuple[Cell, ...], list[tuple[int, Row]]] = defaultdict(list)
    for number, row in lines.items():
        key = tuple(row[name] for name in file.key)
        for other, other_row in seen[key]:
            if not file.is_dated or _overlap(row, other_row):
                also = said_text(", with a validity that overlaps") if file.is_dated else ""
                yield (
                    said(
                        "{file}.csv line {number}: {key} = {values} is already on line"
                        " {other}{also};"
                        " keep one of them",
                        file=file.name,
                        number=number,
                        key=", ".join(file.key),
                        values=", ".join(map(str, key)),
                        other=other,
                        also=also,
                    )
                )
        seen[key].append((number, row))
        start, end = row.get("valid_from"), row.get("valid_to")
        if isinstance(start, dt.date) and isinstance(end, dt.date) and start >= end:
            yield said(
                "{file}.csv line {number}: valid_to must be later than valid_from",
                file=file.name,
                number=number,
            )


def _overlap(one: Row, other: Row) -> bool:
    def starts_before_end(a: Row, b: Row) -> bool:
        start, end = a.get("valid_from"), b.get("valid_to")
        return not (isinstance(start, dt.date) and isinstance(end, dt.date)) or start < end

    return starts_before_end(one, other) and starts_before_end(other, one)


def _unknown_values(file: ReferenceFile, lines: Mapping[str, Mapping[int, Row]]) -> Iterator[str]:
    for column in file.columns.values():
        if column.of is None:
            continue
        other_file, other_column = column.of.split(".")
        allowed = {row[other_column] for row in lines[other_file].values()}
        for number, row in lines[file.name].items():
            cell = row[column.name]
            values = cell.split(" ") if column.is_list and isinstance(cell, str) else [cell]
            for value in values:
                if value is not None and value not in allowed:
                    yield (
                        said(
                            "{file}.csv line {number}, column {column}: {value!r} does not occur in"
                            " {other_file}.csv; correct it or add the row there",
                            file=file.name,
                            number=number,
                            column=column.name,
                            value=value,
                            other_file=other_file,
                        )
                    )


def _unusable_issues(lines: Mapping[int, Row]) -> Iterator[str]:
    """Known issues whose code cannot stand in a list, or that end before they begin."""
    for number, row in lines.items():
        first, last = row["first_date"], row["last_date"]
        place = said("known_issue.csv line {number}", number=number)
        if " " in str(row["issue_code"]):
            yield said("{place}, column issue_code: has a blank; write it as one word", place=place)
        if isinstance(first, dt.date) and isinstance(last, dt.date) and last < first:
            yield said("{place}: last_date must not be earlier than first_date", place=place)


def _chosen_and_verified(name: str, lines: Mapping[int, Row]) -> Iterator[str]:
    """Rows that no text can verify, and that are marked as verified."""
    for number, row in lines.items():
        if row.get("chosen") and row.get("verified"):
            yield (
                said(
                    "{name}.csv line {number}: is both verified and chosen; a row that a text"
                    " verifies is not chosen",
                    name=name,
                    number=number,
                )
            )


def _targets_at_two_levels(lines: Mapping[int, Row]) -> Iterator[str]:
    """Targets for ``all`` levels beside one for a single level: a figure has at most one target."""
    for number, row in lines.items():
        for other, other_row in lines.items():
            if (
                row["unit_level"] == "all"
                and other_row["unit_level"] != "all"
                and row["indicator_code"] == other_row["indicator_code"]
                and _overlap(row, other_row)
            ):
                yield (
                    said(
                        "target.csv line {number}: holds for all levels while line {other} sets"
                        " another for {level}; name the levels one by one",
                        number=number,
                        other=other,
                        level=other_row["unit_level"],
                    )
                )

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
        lines = problems[:_SHOWN] + ([f"… and {more} more"] if more > 0 else [])
        super().__init__("reference files need correcting:\n  " + "\n  ".join(lines))
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
        raise ReferenceFileError([f"{SCHEMA_FILE}: cannot be read: {error}"]) from error


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
                f"{SCHEMA_FILE}: files.{file}.columns.{name}: give type"
                f" ({', '.join(_ARROW_TYPES)}), vi and en, here or under common"
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
    reference_files(folder)  # first, for its errors
    paths = (folder / SCHEMA_FILE, *sorted(folder.glob("*.csv")))
    kept = _read_reference(folder, tuple((path.name, path.read_bytes()) for path in paths))
    return {name: [dict(row) for row in rows] for name, rows in kept.items()}


@lru_cache(_KEPT_FOLDERS)
def _read_reference(
    folder: Path,
    contents: tuple[tuple[str, bytes], ...],  # noqa: ARG001 - other contents are read again
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
    rows = read_reference(folder)
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
    missing = [f"{name}.csv: is missing; restore it" for name in sorted(files.keys() - present)]
    unknown = [
        f"{name}.csv: is not described; add files.{name} to {SCHEMA_FILE}"
        for name in sorted(present - files.keys())
    ]
    return missing + unknown


def _read_rows(path: Path, file: ReferenceFile, problems: list[str]) -> Iterator[tuple[int, Row]]:
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        problems.append(f"{path.name}: byte {error.start} is not UTF-8; save it as UTF-8")
        return
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    header = next(reader, [])
    if problem := _header_problem(path.name, header, file):
        problems.append(problem)
        return
    try:
        for cells in reader:
            place = f"{path.name} line {reader.line_num}"
            if len(cells) != len(header):
                problems.append(
                    f"{place}: has {len(cells)} cells instead of {len(header)};"
                    " put quotation marks around a text with commas"
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
        problems.append(f"{path.name} line {reader.line_num}: {error}; check quotation marks")


def _header_problem(file_name: str, header: list[str], file: ReferenceFile) -> str | None:
    expected = list(file.columns)
    if header == expected:
        return None
    missing = [name for name in expected if name not in header]
    unknown = [name for name in header if name not in expected]
    details = "; ".join(
        part
        for part in (
            f"missing: {', '.join(missing)}" if missing else "",
            f"not described: {', '.join(unknown)}" if unknown else "",
        )
        if part
    )
    return (
        f"{file_name} line 1: {details or 'columns are in another order'};"
        f" the header must be {','.join(expected)}"
    )


def _cell(text: str, column: ReferenceColumn, place: str, problems: list[str]) -> Cell:
    where = f"{place}, column {column.name}"
    clean = unicodedata.normalize("NFC", text.replace("\u00a0", " ")).strip()
    if clean != text:
        problems.append(
            f"{where}: has blanks around it, no-break spaces or decomposed accents; write {clean!r}"
        )
        return None
    if not text:
        if column.required:
            problems.append(f"{where}: is empty; it must be filled")
        return None
    if holds_personal_number(text):
        problems.append(
            f"{where}: holds an e-mail address or the number of a person; take it out, since all"
            " readers see this text"
        )
        return None
    if column.codes and text not in column.codes:
        problems.append(f"{where}: {text!r} is not one of {', '.join(column.codes)}")
        return None
    try:
        return _typed(text, column.type)
    except ValueError:
        problems.append(f"{where}: {text!r} is not {_EXPECTED[column.type]}")
        return None


_EXPECTED: dict[str, str] = {
    "integer": "a whole number",
    "boolean": "true or false",
    "date": "a date; write it as YYYY-MM-DD",
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
                also = ", with a validity that overlaps" if file.is_dated else ""
                yield (
                    f"{file.name}.csv line {number}: {', '.join(file.key)} ="
                    f" {', '.join(map(str, key))} is already on line {other}{also};"
                    " keep one of them"
                )
        seen[key].append((number, row))
        start, end = row.get("valid_from"), row.get("valid_to")
        if isinstance(start, dt.date) and isinstance(end, dt.date) and start >= end:
            yield f"{file.name}.csv line {number}: valid_to must be later than valid_from"


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
                        f"{file.name}.csv line {number}, column {column.name}:"
                        f" {value!r} does not occur in {other_file}.csv;"
                        " correct it or add the row there"
                    )


def _unusable_issues(lines: Mapping[int, Row]) -> Iterator[str]:
    """Known issues whose code cannot stand in a list, or that end before they begin."""
    for number, row in lines.items():
        first, last = row["first_date"], row["last_date"]
        place = f"known_issue.csv line {number}"
        if " " in str(row["issue_code"]):
            yield f"{place}, column issue_code: has a blank; write it as one word"
        if isinstance(first, dt.date) and isinstance(last, dt.date) and last < first:
            yield f"{place}: last_date must not be earlier than first_date"


def _chosen_and_verified(name: str, lines: Mapping[int, Row]) -> Iterator[str]:
    """Rows that no text can verify, and that are marked as verified."""
    for number, row in lines.items():
        if row.get("chosen") and row.get("verified"):
            yield (
                f"{name}.csv line {number}: is both verified and chosen; a row that a text verifies"
                " is not chosen"
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
                    f"target.csv line {number}: holds for all levels while line {other} sets"
                    f" another for {other_row['unit_level']}; name the levels one by one"
                )

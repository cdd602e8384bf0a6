"""Mappings: what a source system's files, columns and codes mean, one YAML file per source.

The YAML is checked against ``mappings/mapping.schema.json`` and against the canonical feeds;
whatever is wrong is said with the file, the key and what to do about it. Every scalar in a
mapping is text, so that ``10``, ``no`` or ``1.0`` stay what the author wrote.
"""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jsonschema
import yaml

from onestop.errors import OneStopError
from onestop.schema.feeds import EXTRA, FEEDS, Column, Feed, Kind
from onestop.schema.quick_yaml import SafeLoader
from onestop.schema.wording import fold_header

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping


BUILT_IN = Path(__file__).parent / "mappings"
SCHEMA = BUILT_IN / "mapping.schema.json"
EXCEL_SERIAL = "excel_serial"
EPOCH_SECONDS = "epoch_seconds"
EPOCH_MILLISECONDS = "epoch_milliseconds"
#: Date patterns with a name, for dates that are written as a number.
NUMBER_FORMATS = (EXCEL_SERIAL, EPOCH_SECONDS, EPOCH_MILLISECONDS)
WHOLE_SOURCE = "source"
#: Source texts of the canonical booleans, unless a mapping lists its own.
BOOLEAN_CODES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("true", ("1", "true", "yes", "y", "có", "x", "đúng", "rồi", "đã", "đạt")),
    ("false", ("0", "false", "no", "n", "không", "sai", "chưa", "chưa đạt")),
)
_FORMAT_PARTS = "YymbBdHIMSfpz"


class MappingError(OneStopError):
    """A mapping file that cannot be used.

    Args:
        file_name: the mapping file.
        key: where in it, as ``feeds.dossiers.columns.status``.
        problem: what is wrong.
        remedy: what to do.
    """

    def __init__(self, file_name: str, key: str, problem: str, remedy: str) -> None:
        super().__init__(problem, subject=f"{file_name}: {key}", remedy=remedy)
        self.file_name = file_name
        self.key = key
        self.problem = problem

    def __str__(self) -> str:
        """The message in sentences: remedies of mappings are longer than a phrase."""
        return f"{self.subject}: {self.what}. {self.remedy}."


@dataclass(frozen=True)
class FilePattern:
    """Which files are deliveries of a feed.

    Attributes:
        name: regular expression of the file name; its group ``night`` is the date.
        kind: ``delta`` or ``snapshot``.
        covers: what a snapshot covers: ``source`` (all of it), or the column whose values part
            the source's list: only keys of the values that its rows have can vanish.
        folder: regular expression of the folder below the exports; None for any folder.
            A group ``covered`` in name or folder is the one value that the file covers.
    """

    name: str
    kind: Kind
    covers: str = WHOLE_SOURCE
    folder: str | None = None

    def match(self, path: str) -> dict[str, str] | None:
        """The groups of a path below the exports that fits, or None."""
        at = PurePosixPath(path)
        name = re.fullmatch(self.name, at.name, re.IGNORECASE)
        if name is None or self.folder is None:
            return name and name.groupdict()
        folder = re.fullmatch(self.folder, str(at.parent), re.IGNORECASE)
        return folder and {**folder.groupdict(), **name.groupdict()}


@dataclass(frozen=True)
class ColumnMapping:
    """Where one canonical column comes from.

    Attributes:
        name: the canonical column.
        sources: source headers, preferred first.
        join: for a value made of several source columns, the headers of each part.
        separator: text between the parts.
        time_sources: headers of the clock, where it stands in a column beside the date.
        formats: date patterns, tried in order; ISO 8601 after them.
        codes: canonical value and the source's values that mean it.
        extract: regular expression whose first group is the value.
        default: value where the source's is blank.
        constant: value of every row.
        fallback: canonical column to take where this one is blank.
        blanks: the source's texts that mean no value; a trailing ``*`` stands for any ending.
    """

    name: str
    sources: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    codes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    extract: str | None = None
    default: str | None = None
    constant: str | None = None
    fallback: str | None = None
    join: tuple[tuple[str, ...], ...] = ()
    separator: str = ""
    time_sources: tuple[str, ...] = ()
    blanks: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[ColumnMapping, ...]:
        """The source columns that are joined into the value."""
        return tuple(
            ColumnMapping(f"{self.name}__{number}", sources, blanks=self.blanks)
            for number, sources in enumerate(self.join, start=1)
        )

    @property
    def clock(self) -> ColumnMapping | None:
        """The source column of the time of day, where it is one of its own."""
        if not self.time_sources:
            return None
        return ColumnMapping(f"{self.name}__time", self.time_sources, blanks=self.blanks)

    @property
    def needed(self) -> tuple[ColumnMapping, ...]:
        """The source columns without which a file does not give the value."""
        return self.parts or ((self,) if self.sources else ())

    @property
    def reads(self) -> tuple[ColumnMapping, ...]:
        """All source columns that it is made of."""
        return (*self.needed, *((self.clock,) if self.clock else ()))

    @property
    def headers(self) -> tuple[str, ...]:
        """Every header that it may come from."""
        return tuple(header for column in self.reads for header in column.sources)


@dataclass(frozen=True)
class Rule:
    """A value, and per column or helper the values (or presence) that it needs.

    In ``derive`` the value is a column's, in ``skip`` the reason for leaving the row out.
    """

    value: str
    when: tuple[tuple[str, tuple[str, ...] | str], ...] = ()


@dataclass(frozen=True)
class FeedMapping:
    """How one source's files of one feed are read.

    Attributes:
        source: the source's name.
        feed: the feed's name.
        time_zone: IANA name of the clock its times are written in.
        expected: whether a night is incomplete without it.
        files: which file names are its deliveries.
        columns: the canonical columns it gives, in the feed's order.
        helpers: further source columns that conditions look at.
        extra: further source columns that are kept by name in the canonical column ``extra``.
        derive: canonical columns worked out from others where the source gives none.
        skip: which rows are left out, counted, and why.
        personal: headers of columns that must not be read into anything.
        unused: headers that are known and not needed; any other header is warned of.
        required: groups of columns of which a file must have at least one each.
        records: key of the JSON envelope that holds the records, or its path (``result.items``).
        decimal: the decimal sign, for numbers that could be read both ways.
        sha256: of all the above; tells when a staged file was read by another mapping.
    """

    source: str
    feed: str
    time_zone: str
    expected: bool
    files: tuple[FilePattern, ...]
    columns: tuple[ColumnMapping, ...]
    helpers: tuple[ColumnMapping, ...] = ()
    derive: tuple[tuple[str, tuple[Rule, ...]], ...] = ()
    extra: tuple[ColumnMapping, ...] = ()
    skip: tuple[Rule, ...] = ()
    personal: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    required: tuple[tuple[str, ...], ...] = ()
    records: str = "data"
    decimal: str = ","
    sha256: str = field(default="", compare=False)

    @property
    def text(self) -> str:
        """All of it as JSON, whose SHA-256 is ``sha256``; :meth:`from_text` reads it again."""
        return json.dumps(asdict(replace(self, sha256="")), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> FeedMapping:
        """The mapping that :attr:`text` was written by, be it of an earlier release."""
        values = json.loads(text)
        nested: dict[str, Callable[[Any], Any]] = {
            "files": lambda one: FilePattern(**one),
            "columns": lambda one: ColumnMapping(**_as_tuples(one)),
            "helpers": lambda one: ColumnMapping(**_as_tuples(one)),
            "extra": lambda one: ColumnMapping(**_as_tuples(one)),
            "skip": lambda one: Rule(**_as_tuples(one)),
            "derive": lambda one: (one[0], tuple(Rule(**_as_tuples(rule)) for rule in one[1])),
        }
        for name, build in nested.items():
            values[name] = [build(one) for one in values.get(name, ())]
        digest = hashlib.sha256(text.encode()).hexdigest()
        return cls(**{**_as_tuples(values), "sha256": digest})

    @property
    def schema(self) -> Feed:
        """The canonical feed."""
        return FEEDS[self.feed]

    @property
    def read_columns(self) -> tuple[ColumnMapping, ...]:
        """The source columns that are looked for in the file."""
        given = (*self.columns, *self.helpers, *self.extra)
        return tuple(read for column in given for read in column.reads)

    @property
    def key_columns(self) -> tuple[str, ...]:
        """Those of :attr:`read_columns` that the key is made of."""
        key = self.schema.key
        return tuple(read.name for one in self.columns if one.name in key for read in one.needed)

    def given_by(self, found: Collection[str]) -> list[str]:
        """The canonical columns that a file gives which has these of :attr:`read_columns`."""
        return [
            one.name
            for one in self.columns
            if one.needed and all(read.name in found for read in one.needed)
        ]

    def night_of(self, path: str) -> tuple[dt.date, Kind] | None:
        """The night and kind that a file's name states, or None when it is not ours."""
        for pattern in self.files:
            match = pattern.match(path)
            if match is not None:
                try:
                    night = dt.datetime.strptime(match["night"], "%Y%m%d").date()  # noqa: DTZ007 - a calendar date, no clock
                except ValueError:
                    return None
                return night, pattern.kind
        return None

    def scope_of(self, path: str) -> tuple[str, str | None]:
        """What a snapshot covers: ``source`` or a column, and the value that its path names."""
        for pattern in self.files:
            match = pattern.match(path)
            if match is not None:
                return pattern.covers, match.get("covered")
        return WHOLE_SOURCE, None


@dataclass(frozen=True)
class SourceMapping:
    """One source system and the feeds it exports."""

    source: str
    title_vi: str
    title_en: str
    feeds: dict[str, FeedMapping]


@dataclass(frozen=True)
class Recognised:
    """What a file name says about a delivery."""

    source: str
    feed: str
    night: dt.date
    kind: Kind
    mapping: FeedMapping


@dataclass(frozen=True)
class Mappings:
    """The source systems of one installation.

    Attributes:
        sources: the usable ones, by name.
        problems: what is wrong with the others; each stops its own source and no other.
    """

    sources: dict[str, SourceMapping]
    problems: tuple[MappingError, ...] = ()

    def feed(self, source: str, feed: str) -> FeedMapping | None:
        """How one source's files of one feed are read; None when no usable mapping says so."""
        found = self.sources.get(source)
        return found.feeds.get(feed) if found else None

    @property
    def expected(self) -> list[FeedMapping]:
        """The feeds that a night is incomplete without."""
        feeds = (feed for source in self.sources.values() for feed in source.feeds.values())
        return [feed for feed in feeds if feed.expected]


def read_mappings(folder: Path | None, enabled: Collection[str] = ()) -> Mappings:
    """The built-in sources and those of every ``*.yaml`` in a folder.

    A file of the folder whose source has the name of a built-in one replaces it, also when it is
    broken: the built-in mapping would read that source's files wrongly.

    Args:
        folder: of further mappings, or None.
        enabled: names of the sources to use; all when empty.

    Raises:
        MappingError: the folder is not there, or no usable source is left.
    """
    built_in = _read_files(sorted(BUILT_IN.glob("*.yaml")))
    added = _read_files(_mapping_files(folder)) if folder else []
    replaced = {name for name, _, _ in added}
    found = [one for one in built_in if one[0] not in replaced] + added
    used = [one for one in found if not enabled or one[0] in enabled]
    names = [name for name, _, _ in used]
    sources: dict[str, SourceMapping] = {}
    problems = []
    for name, file_name, outcome in used:
        if names.count(name) > 1:
            problems.append(
                MappingError(
                    file_name,
                    "source",
                    f"another file of the folder maps the source {name} too; neither is used",
                    "Give each source a name of its own, and keep one file for each",
                )
            )
        elif isinstance(outcome, MappingError):
            problems.append(outcome)
        else:
            sources[name] = outcome
    problems += [
        MappingError(
            "ONESTOP_SOURCES_ENABLED",
            name,
            "there is no mapping of this source",
            f"Name some of: {', '.join(sorted({one[0] for one in found}))}",
        )
        for name in sorted(set(enabled) - set(names))
    ]
    if not sources:
        raise problems[0]
    return Mappings(sources, tuple(problems))


def load_mappings(folder: Path | None) -> dict[str, SourceMapping]:
    """Every source, by name; like :func:`read_mappings`, but any problem is raised.

    Raises:
        MappingError: a file is not a usable mapping, or two files name the same source.
    """
    found = read_mappings(folder)
    if found.problems:
        raise found.problems[0]
    return found.sources


def _mapping_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise MappingError(
            str(folder), "ONESTOP_SOURCES", "is not a folder", "Create it or unset the variable"
        )
    return sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".yml"})


def _read_files(paths: Iterable[Path]) -> list[tuple[str, str, SourceMapping | MappingError]]:
    """For each file the name of its source, its own name, and its mapping or what is wrong."""
    found: list[tuple[str, str, SourceMapping | MappingError]] = []
    for path in paths:
        try:
            mapping = load_mapping(path)
        except MappingError as error:
            found.append((_stated_source(path), path.name, error))
        else:
            found.append((mapping.source, path.name, mapping))
    return found


def _stated_source(path: Path) -> str:
    """The source that a broken mapping is meant for: by its text if it says so, else its name."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    stated = re.search(r"^[\"']?source[\"']?\s*:\s*[\"']?([\w-]+)", text, re.MULTILINE)
    return stated[1] if stated else path.stem


class ClaimedTwiceError(MappingError):
    """A file name that more than one feed claims.

    Attributes:
        claims: what each of them takes the file for.
    """

    def __init__(self, file_name: str, claims: list[Recognised]) -> None:
        named = " and ".join(f"{one.source}.{one.feed}" for one in claims)
        super().__init__(
            f"{claims[-1].source}.yaml",
            f"feeds.{claims[-1].feed}.files",
            f"the file name {file_name} belongs to {named}",
            "Change the name patterns so that only one of them fits",
        )
        self.claims = claims


def recognise(path: str, mappings: Mapping[str, SourceMapping]) -> Recognised | None:
    """Whose delivery a file is, by its name; None when no mapping knows the name.

    Args:
        path: of the file below the exports.
        mappings: all sources.

    Raises:
        ClaimedTwiceError: more than one feed claims it.
    """
    found: list[Recognised] = []
    for source in mappings.values():
        for feed in source.feeds.values():
            stated = feed.night_of(path)
            if stated:
                found.append(Recognised(source.source, feed.feed, *stated, feed))
    if len(found) > 1:
        raise ClaimedTwiceError(path, found)
    return found[0] if found else None


def load_mapping(path: Path) -> SourceMapping:
    """Read and check one mapping file.

    Raises:
        MappingError: naming the file, the key and the remedy.
    """
    document = _read_yaml(path)
    _check_schema(path.name, document)
    feeds = {
        name: _build_feed(path.name, document, name, body)
        for name, body in document["feeds"].items()
    }
    return SourceMapping(document["source"], document["title_vi"], document["title_en"], feeds)


class _TextLoader(SafeLoader):  # type: ignore[misc] # either of two loaders
    """YAML in which every scalar is text and a key may not be given twice."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - the base class declares it so

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002 - overridden signature
    ) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value} is given twice", key.start_mark
                    )
                seen.add(key.value)
        return cast("dict[Any, Any]", super().construct_mapping(node, deep))


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _TextLoader)  # noqa: S506 - a SafeLoader
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(
            path.name,
            "(file)",
            f"cannot be read: {type(error).__name__}",
            "Save it as UTF-8 text that the pipeline's user may read",
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else "(file)"
        problem = getattr(error, "problem", None) or "is not YAML"
        raise MappingError(path.name, where, str(problem), "Correct the YAML there") from error
    if not isinstance(document, dict):
        raise MappingError(
            path.name,
            "(file)",
            "is not a mapping of keys to values",
            "Start from mappings/one_stop.yaml",
        )
    return document


@cache
def _schema() -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(SCHEMA.read_text(encoding="utf-8")))


def _check_schema(file_name: str, document: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(_schema())
    errors = sorted(validator.iter_errors(document), key=lambda error: list(map(str, error.path)))
    if not errors:
        return
    # A misspelt key is missing under its right name, too: the misspelling is the cause.
    strangers = (one for one in errors if one.validator == "additionalProperties")
    error = next(strangers, None) or jsonschema.exceptions.best_match(errors)
    key = ".".join(map(str, error.absolute_path)) or "(top)"
    raise MappingError(file_name, key, *_in_plain_words(error))


def _in_plain_words(error: jsonschema.ValidationError) -> tuple[str, str]:
    """What is wrong with a value, and what to write; never a pattern or a type of the schema."""
    schema = error.schema if isinstance(error.schema, dict) else {}
    wanted, given = error.validator_value, error.instance
    shown = given if isinstance(given, str) else "this value"
    if error.validator == "required":
        missing = [name for name in wanted if name not in given]
        return f"the key {missing[0]} is missing", f"Add it. {_example(schema, missing[0])}"
    if error.validator == "additionalProperties" and not wanted:
        known = list(schema.get("properties", {}))
        stranger = next(str(name) for name in given if name not in known)
        near = difflib.get_close_matches(stranger, known, 1)
        remedy = f"Write {near[0]}" if near else f"Use some of: {', '.join(known)}"
        return f"there is no key {stranger} here", remedy
    if error.validator == "enum":
        return f"{shown} is not one of its values", f"Use one of: {', '.join(map(str, wanted))}"
    problem = f"{shown} cannot be used" if isinstance(given, str) and given else "is not complete"
    if error.validator == "type":
        problem = f"should be {_KINDS.get(str(wanted), wanted)}"
    elif error.validator in {"minLength", "minItems", "minProperties"}:
        problem = "has too few entries" if given else "is empty"
    remedy = _remedy(schema)
    return problem, remedy or "See docs/mapping.md"


_KINDS = {"object": "keys with values", "array": "a list in [ ]", "string": "one text"}


def _example(schema: dict[str, Any], name: str) -> str:
    found = _resolved(schema.get("properties", {}).get(name, {}))
    return _remedy(found, f"{name}: ") or "See docs/mapping.md"


def _remedy(schema: dict[str, Any], before: str = "") -> str:
    """A schema's description and its first example."""
    examples = schema.get("examples", ())
    shown = f"Write for example {before}{as_yaml(examples[0])}" if examples else ""
    said = str(schema.get("description", "")).rstrip(".")
    return ". ".join(filter(None, (said, shown)))


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A part of the schema with what its ``$ref`` stands for; its own keys come first."""
    reference = schema.get("$ref", "")
    return {**_schema()["$defs"].get(reference.rpartition("/")[2], {}), **schema}


def as_yaml(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """A value as a mapping may write it, on one line."""
    text = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, width=10_000, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("...").strip()


def _build_feed(
    file_name: str, document: dict[str, Any], name: str, body: dict[str, Any]
) -> FeedMapping:
    check = _Check(file_name, f"feeds.{name}")
    feed = FEEDS[name]
    formats = tuple(body.get("formats") or document.get("formats") or ())
    blanks = (*document.get("blanks", ()), *body.get("blanks", ()))
    mapping = FeedMapping(
        source=document["source"],
        feed=name,
        time_zone=check.time_zone(document["time_zone"]),
        expected=body.get("expected") == "true",
        files=tuple(
            check.file_pattern(feed, number, one) for number, one in enumerate(body["files"])
        ),
        columns=check.columns(feed, body["columns"], formats, blanks),
        helpers=check.further("helpers", feed, body, blanks),
        extra=check.further_kept(feed, body, blanks),
        derive=check.derivations(feed, body),
        skip=check.skip(feed, body),
        personal=tuple(body["personal"]),
        unused=tuple(body.get("unused", ())),
        required=check.required(feed, body),
        records=body.get("records", "data"),
        decimal=body.get("decimal") or document.get("decimal") or ",",
    )
    check.headers(mapping)
    return replace(mapping, sha256=hashlib.sha256(mapping.text.encode()).hexdigest())


def _as_tuples(values: Any) -> Any:  # noqa: ANN401 - any JSON value
    """JSON values with tuples for their lists, as the mapping's classes hold them."""
    if isinstance(values, dict):
        return {name: _as_tuples(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return tuple(_as_tuples(value) for value in values)
    return values


@dataclass(frozen=True)
class _Check:
    """The checks that need more than a JSON schema; each says where and what to do."""

    file_name: str
    at: str

    def fail(self, key: str, problem: str, remedy: str) -> MappingError:
        return MappingError(self.file_name, f"{self.at}.{key}", problem, remedy)

    def time_zone(self, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise MappingError(
                self.file_name,
                "time_zone",
                f"there is no time zone {name}",
                "Use an IANA name such as Asia/Ho_Chi_Minh",
            ) from error
        return name

    def regex(self, key: str, pattern: str) -> re.Pattern[str]:
        try:
            return re.compile(pattern)
        except re.error as error:
            raise self.fail(
                key, f"is not a regular expression ({error})", "Correct the expression"
            ) from error

    def file_pattern(self, feed: Feed, number: int, one: dict[str, str]) -> FilePattern:
        pattern = self.regex(f"files.{number}.name", one["name"])
        if "night" not in pattern.groupindex:
            raise self.fail(
                f"files.{number}.name",
                "does not say which part of the name is the night",
                r"Mark it as (?P<night>\d{8})",
            )
        covers, folder = one.get("covers", WHOLE_SOURCE), one.get("folder")
        groups = set(pattern.groupindex)
        if folder is not None:
            groups |= set(self.regex(f"files.{number}.folder", folder).groupindex)
        if covers not in {WHOLE_SOURCE, *feed.scope_columns}:
            raise self.fail(
                f"files.{number}.covers",
                f"{covers} is nothing that a snapshot of {feed.name} can cover",
                f"Use one of: {', '.join((WHOLE_SOURCE, *feed.scope_columns))}",
            )
        if "covered" in groups and covers == WHOLE_SOURCE:
            raise self.fail(
                f"files.{number}.covers",
                "the path names a covered value, and no column of it",
                f"Use one of: {', '.join(feed.scope_columns)}",
            )
        return FilePattern(one["name"], cast("Kind", one["kind"]), covers, folder)

    def columns(
        self,
        feed: Feed,
        body: dict[str, Any],
        formats: tuple[str, ...],
        blanks: tuple[str, ...],
    ) -> tuple[ColumnMapping, ...]:
        for name in body:
            self.canonical(feed, f"columns.{name}", name)
            if feed.column(name).derived_from:
                raise self.fail(
                    f"columns.{name}", "is worked out while reading", "Map its timestamp instead"
                )
            if name == EXTRA:
                raise self.fail(
                    f"columns.{name}", "is made of several columns", "Name them under extra"
                )
        return tuple(
            self.column(feed, feed.column(name), body[name], formats, blanks)
            for name in feed.column_names
            if name in body
        )

    def canonical(self, feed: Feed, key: str, name: str) -> None:
        if name not in feed.column_names:
            raise self.fail(
                key,
                f"{feed.name} has no column {name}",
                f"Use one of: {', '.join(feed.column_names)}",
            )

    def column(
        self,
        feed: Feed,
        column: Column,
        body: dict[str, Any],
        formats: tuple[str, ...],
        blanks: tuple[str, ...],
    ) -> ColumnMapping:
        key = f"columns.{column.name}"
        is_date = column.type in {"date", "timestamp"}
        if column.name in feed.key and not {"from", "join", "constant"} & body.keys():
            raise self.fail(key, "a key column needs a source", "Add from: with its headers")
        self.several_columns(key, column, body)
        if not {"from", "join", "constant", "default", "fallback"} & body.keys():
            raise self.fail(key, "has no value to give", "Add from: with its headers")
        if "fallback" in body:
            self.canonical(feed, f"{key}.fallback", body["fallback"])
            if feed.column(body["fallback"]).type != column.type:
                raise self.fail(
                    f"{key}.fallback", f"{body['fallback']} is of another type", "Name another one"
                )
        if "extract" in body and not self.regex(f"{key}.extract", body["extract"]).groups:
            raise self.fail(f"{key}.extract", "has no group", "Put the value in parentheses")
        for pattern in body.get("formats", formats) if is_date else ():
            self.date_format(f"{key}.formats", pattern)
        for value in ("default", "constant"):
            if value in body:
                self.value(f"{key}.{value}", column, body[value])
        return ColumnMapping(
            name=column.name,
            sources=tuple(body.get("from", ())),
            formats=tuple(body.get("formats", formats)) if is_date else (),
            codes=self.codes(key, column, body.get("codes")),
            extract=body.get("extract"),
            default=body.get("default"),
            constant=body.get("constant"),
            fallback=body.get("fallback"),
            join=tuple(map(tuple, body.get("join", ()))),
            separator=body.get("separator", ""),
            time_sources=tuple(body.get("time_from", ())),
            blanks=(*blanks, *body.get("blanks", ())) if {"from", "join"} & body.keys() else (),
        )

    def several_columns(self, key: str, column: Column, body: dict[str, Any]) -> None:
        """What a value made of several source columns needs."""
        if "join" in body and "from" in body:
            raise self.fail(f"{key}.join", "stands beside from", "Leave one of the two")
        if "join" in body and (column.type != "text" or column.codes):
            wanted = (
                "Use from, and time_from for the clock" if "time" in column.type else "Use from"
            )
            raise self.fail(f"{key}.join", "only columns of free text can be joined", wanted)
        if "separator" in body and "join" not in body:
            raise self.fail(f"{key}.separator", "there is nothing to join", "Add join")
        if "time_from" in body and (column.type != "timestamp" or "from" not in body):
            raise self.fail(
                f"{key}.time_from",
                "needs a column of date and time whose date comes from from",
                "Give the date's headers in from, or leave time_from out",
            )

    def further(
        self, kind: str, feed: Feed, body: dict[str, Any], blanks: tuple[str, ...]
    ) -> tuple[ColumnMapping, ...]:
        """Source columns beside the canonical ones; their names are not those of columns."""
        for name in body.get(kind, {}):
            if name in feed.column_names:
                raise self.fail(
                    f"{kind}.{name}", "is the name of a canonical column", "Give it another name"
                )
        return tuple(
            ColumnMapping(f"{kind}__{name}", tuple(sources), blanks=blanks)
            for name, sources in body.get(kind, {}).items()
        )

    def further_kept(
        self, feed: Feed, body: dict[str, Any], blanks: tuple[str, ...]
    ) -> tuple[ColumnMapping, ...]:
        if body.get("extra") and EXTRA not in feed.column_names:
            raise self.fail("extra", f"{feed.name} keep no further columns", "Leave it out")
        for name in body.get("extra", {}).keys() & body.get("helpers", {}).keys():
            raise self.fail(f"extra.{name}", "is a helper too", "Leave it in one of the two")
        return self.further("extra", feed, body, blanks)

    def date_format(self, key: str, pattern: str) -> None:
        if pattern in NUMBER_FORMATS:
            return
        unknown = set(re.findall(r"%(.)", pattern)).difference(_FORMAT_PARTS)
        if unknown:
            raise self.fail(
                key,
                f"the date pattern {pattern} uses %{min(unknown)}",
                f"Use {' '.join(f'%{part}' for part in _FORMAT_PARTS)}",
            )

    def value(self, key: str, column: Column, value: str) -> None:
        if column.codes and value not in column.codes:
            raise self.fail(
                key,
                f"{value} is not a value of {column.name}",
                f"Use one of: {', '.join(column.codes)}",
            )
        if column.type == "integer" and not re.fullmatch(r"-?\d+", value):
            raise self.fail(key, f"{value} is not a whole number", "Give a whole number")
        if column.type == "boolean" and value not in {"true", "false"}:
            raise self.fail(key, f"{value} is neither true nor false", "Give true or false")

    def codes(
        self, key: str, column: Column, body: dict[str, list[str]] | None
    ) -> tuple[tuple[str, tuple[str, ...]], ...]:
        if body is None:
            if column.type == "boolean":
                return BOOLEAN_CODES
            return tuple((code, (code,)) for code in column.codes)
        seen: dict[str, str] = {}
        for canonical, texts in body.items():
            self.value(f"{key}.codes", column, canonical)
            for text in texts:
                other = seen.setdefault(fold_header(text), canonical)
                if other != canonical:
                    raise self.fail(
                        f"{key}.codes",
                        f"{text} means both {other} and {canonical}",
                        "Leave it in one of them",
                    )
        return tuple((canonical, tuple(texts)) for canonical, texts in body.items())

    def derivations(
        self, feed: Feed, body: dict[str, Any]
    ) -> tuple[tuple[str, tuple[Rule, ...]], ...]:
        result = []
        for name, rules in body.get("derive", {}).items():
            key = f"derive.{name}"
            self.canonical(feed, key, name)
            for rule in rules:
                self.value(key, feed.column(name), rule["value"])
            result.append(
                (name, tuple(self.rule(key, feed, body, rule, rule["value"]) for rule in rules))
            )
        return tuple(result)

    def skip(self, feed: Feed, body: dict[str, Any]) -> tuple[Rule, ...]:
        return tuple(
            self.rule(f"skip.{number}", feed, body, rule, rule["reason"])
            for number, rule in enumerate(body.get("skip", ()))
        )

    def rule(
        self, key: str, feed: Feed, body: dict[str, Any], rule: dict[str, Any], value: str
    ) -> Rule:
        when = tuple(
            (
                self.looked_at(f"{key}.when.{name}", feed, body, name),
                wanted if isinstance(wanted, str) else tuple(wanted),
            )
            for name, wanted in rule.get("when", {}).items()
        )
        return Rule(value, when)

    def looked_at(self, key: str, feed: Feed, body: dict[str, Any], name: str) -> str:
        """The column that a condition looks at, as it is named while a file is read."""
        for kind in ("helpers", "extra"):
            if name in body.get(kind, {}):
                return f"{kind}__{name}"
        if name not in feed.column_names or feed.column(name).derived_from or name == EXTRA:
            raise self.fail(
                key,
                "is neither a mapped column nor a helper",
                "Add it under helpers, or name a canonical column",
            )
        return name

    def required(self, feed: Feed, body: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
        groups = [
            (name,) for name in feed.key if {"from", "join"} & body["columns"].get(name, {}).keys()
        ]
        for text in body.get("required", ()):
            group = tuple(part.strip() for part in text.split(" or "))
            for name in group:
                self.canonical(feed, "required", name)
            if group not in groups:
                groups.append(group)
        for name in feed.key:
            if name not in body["columns"]:
                raise self.fail(f"columns.{name}", "the key column is not mapped", "Add it")
        return tuple(groups)

    def headers(self, mapping: FeedMapping) -> None:
        personal = {fold_header(text): text for text in mapping.personal}
        for column in mapping.read_columns:
            self.not_personal(column, column.sources, personal)
        used = {*personal, *(fold_header(s) for c in mapping.read_columns for s in c.sources)}
        for text in mapping.unused:
            if fold_header(text) in used:
                raise self.fail("unused", f"{text} has a use", "Leave it out of unused")

    def not_personal(
        self, column: ColumnMapping, sources: Iterable[str], personal: dict[str, str]
    ) -> None:
        for source in sources:
            if fold_header(source) in personal:
                raise self.fail(
                    f"columns.{column.name}".replace("columns.helpers__", "helpers.")
                    .replace("columns.extra__", "extra.")
                    .partition("__")[0],
                    f"{source} is also listed as personal",
                    "Leave it in one of the two",
                )

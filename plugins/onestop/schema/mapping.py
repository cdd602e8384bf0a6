"""Mappings: what a source system's files, columns and codes mean.

These classes hold the mapping of one source; :mod:`onestop.schema.mapping_files` reads them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from onestop.errors import OneStopError
from onestop.said import Language, in_language, said, said_list, said_text
from onestop.schema.feeds import FEEDS, Column, Feed, Kind
from onestop.schema.wording import unit_code

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping


EXCEL_SERIAL = "excel_serial"
EPOCH_SECONDS = "epoch_seconds"
EPOCH_MILLISECONDS = "epoch_milliseconds"
WHOLE_SOURCE = "source"


class MappingError(OneStopError):
    """A mapping file that cannot be used.

    Args:
        file_name: the mapping file.
        key: where in it, as ``feeds.dossiers.columns.status``.
        problem: what is wrong.
        remedy: what to do.
    """

    def __init__(self, file_name: str, key: str, problem: str, remedy: str) -> None:
        super().__init__(
            problem,
            subject=said("{file}: {key}", file=file_name, key=said_text(key)),
            remedy=remedy,
        )
        self.file_name = file_name
        self.key = key
        self.problem = self.what

    def in_language(self, lang: Language) -> str:
        """The message as sentences: a mapping's remedy is longer than a phrase."""
        what, remedy = self.what.in_language(lang), self.remedy.in_language(lang)
        return f"{in_language(self.subject, lang)}: {what}. {remedy}."


@dataclass(frozen=True)
class FilePattern:
    """Which files are deliveries of a feed.

    Attributes:
        name: regular expression of the file name; its group ``night`` is the date.
        kind: ``delta`` or ``snapshot``.
        covers: what a snapshot covers: ``source`` (everything), or a column: then a key vanishes
            only if the snapshot has rows with the key's value in that column.
        folder: regular expression of the folder below the exports; None for any folder.
            A group ``covered`` in name or folder is the only value that the file covers.
    """

    name: str
    kind: Kind
    covers: str = WHOLE_SOURCE
    folder: str | None = None

    def match(self, path: str) -> dict[str, str] | None:
        """The groups of a path below the exports; None when it does not match."""
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
        time_sources: headers of the time of day, when it has a column of its own.
        formats: date patterns, tried in order; ISO 8601 after them.
        codes: canonical value and the source's values that mean it.
        extract: regular expression whose first group is the value.
        default: value where the source's is blank.
        constant: value of every row.
        fallback: canonical column whose value is used where this one is blank.
        blanks: the source's texts that mean no value; a trailing ``*`` matches any ending.
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
        """The source column of the time of day; None when the date's column holds it."""
        if not self.time_sources:
            return None
        return ColumnMapping(f"{self.name}__time", self.time_sources, blanks=self.blanks)

    @property
    def needed(self) -> tuple[ColumnMapping, ...]:
        """The source columns that the value cannot do without."""
        return self.parts or ((self,) if self.sources else ())

    @property
    def reads(self) -> tuple[ColumnMapping, ...]:
        """All source columns that the value is built from."""
        return (*self.needed, *((self.clock,) if self.clock else ()))

    @property
    def headers(self) -> tuple[str, ...]:
        """Every header under which the source may give it."""
        return tuple(header for column in self.reads for header in column.sources)


@dataclass(frozen=True)
class ConditionalValue:
    """A value, and the conditions under which a row gets it.

    Attributes:
        value: in ``derive`` the column's value, in ``skip`` the reason for leaving the row out.
        when: per column or helper, the values that it must have; or ``present`` or ``absent``.
    """

    value: str
    when: tuple[tuple[str, tuple[str, ...] | str], ...] = ()


@dataclass(frozen=True)
class FeedMapping:
    """How one source's files of one feed are read.

    Attributes:
        source: the source's name.
        feed: the feed's name.
        time_zone: IANA name of the time zone of its times.
        expected: whether a night is incomplete without it.
        files: which file names are its deliveries.
        columns: the canonical columns it gives, in the feed's order.
        helpers: further source columns, used only in conditions.
        extra: further source columns, kept by name in the canonical column ``extra``.
        derive: canonical columns derived from others where the source has none.
        skip: which rows are left out and counted, with the reason.
        personal: headers of columns that are never read.
        unused: headers that are known and not needed; any other header gives a warning.
        required: groups of columns; a file must have at least one column of each group.
        records: key of the JSON envelope that holds the records, or its path (``result.items``).
        decimal: the decimal sign, for numbers that could be read both ways.
        has_one_spelling: whether codes of the national forms get the national spelling.
        sha256: of all the above; shows whether a staged file was read by another mapping.
    """

    source: str
    feed: str
    time_zone: str
    expected: bool
    files: tuple[FilePattern, ...]
    columns: tuple[ColumnMapping, ...]
    helpers: tuple[ColumnMapping, ...] = ()
    derive: tuple[tuple[str, tuple[ConditionalValue, ...]], ...] = ()
    extra: tuple[ColumnMapping, ...] = ()
    skip: tuple[ConditionalValue, ...] = ()
    personal: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    required: tuple[tuple[str, ...], ...] = ()
    records: str = "data"
    decimal: str = ","
    has_one_spelling: bool = False
    sha256: str = field(default="", compare=False)

    @property
    def text(self) -> str:
        """The mapping as JSON, whose SHA-256 is ``sha256``; :meth:`from_text` is the inverse."""
        return json.dumps(asdict(replace(self, sha256="")), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> FeedMapping:
        """The inverse of :attr:`text`, also for texts written by an earlier release."""
        values = json.loads(text)
        nested: dict[str, Callable[[Any], Any]] = {
            "files": lambda one: FilePattern(**one),
            "columns": lambda one: ColumnMapping(**_as_tuples(one)),
            "helpers": lambda one: ColumnMapping(**_as_tuples(one)),
            "extra": lambda one: ColumnMapping(**_as_tuples(one)),
            "skip": lambda one: ConditionalValue(**_as_tuples(one)),
            "derive": lambda one: (
                one[0],
                tuple(ConditionalValue(**_as_tuples(rule)) for rule in one[1]),
            ),
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
        """The source columns to look for in the file."""
        given = (*self.columns, *self.helpers, *self.extra)
        return tuple(read for column in given for read in column.reads)

    @property
    def key_columns(self) -> tuple[str, ...]:
        """Those of :attr:`read_columns` that form the key."""
        key = self.schema.key
        return tuple(read.name for one in self.columns if one.name in key for read in one.needed)

    def given_by(self, found: Collection[str]) -> list[str]:
        """The canonical columns that a file has values for.

        Args:
            found: the names of :attr:`read_columns` that the file has.
        """
        return [
            one.name
            for one in self.columns
            if one.needed and all(read.name in found for read in one.needed)
        ]

    def night_of(self, path: str) -> tuple[dt.date, Kind] | None:
        """The night and kind in a file's name; None when no pattern matches it."""
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
        """What a snapshot covers: ``source`` or a column, and the value in its path, if any."""
        for pattern in self.files:
            match = pattern.match(path)
            if match is not None:
                covered = match.get("covered")
                if covered is not None and self.spells(self.schema.column(pattern.covers)):
                    covered = unit_code(covered)
                return pattern.covers, covered
        return WHOLE_SOURCE, None

    def spells(self, column: Column) -> bool:
        """Whether the column's codes get the national spelling."""
        is_code = column.is_unit_code or column.name in {"dossier_code", "alias_code"}
        return self.has_one_spelling and is_code


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
        problems: one error for each unusable source; the other sources are not affected.
    """

    sources: dict[str, SourceMapping]
    problems: tuple[MappingError, ...] = ()

    def feed(self, source: str, feed: str) -> FeedMapping | None:
        """How one source's files of one feed are read; None without a usable mapping."""
        found = self.sources.get(source)
        return found.feeds.get(feed) if found else None

    @property
    def expected(self) -> list[FeedMapping]:
        """The feeds that a night is incomplete without."""
        feeds = (feed for source in self.sources.values() for feed in source.feeds.values())
        return [feed for feed in feeds if feed.expected]


class ClaimedTwiceError(MappingError):
    """A file name that matches the patterns of more than one feed.

    Attributes:
        claims: what the file would be in each of them.
    """

    def __init__(self, file_name: str, claims: list[Recognised]) -> None:
        names = [f"{one.source}.{one.feed}" for one in claims]
        named = said("{several} and {last}", several=said_list(names[:-1], ", "), last=names[-1])
        super().__init__(
            f"{claims[-1].source}.yaml",
            f"feeds.{claims[-1].feed}.files",
            said("the file name {file_name} belongs to {named}", file_name=file_name, named=named),
            "Change the name patterns so that only one of them fits",
        )
        self.claims = claims


def recognise(path: str, mappings: Mapping[str, SourceMapping]) -> Recognised | None:
    """The source, feed and night of a file, by its name; None when no pattern matches.

    Args:
        path: of the file below the exports.
        mappings: all sources.

    Raises:
        ClaimedTwiceError: the patterns of more than one feed match.
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


def _as_tuples(values: Any) -> Any:  # noqa: ANN401 - any JSON value
    """JSON values with tuples in place of lists, as in the mapping's classes."""
    if isinstance(values, dict):
        return {name: _as_tuples(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return tuple(_as_tuples(value) for value in values)
    return values

"""Building one feed's mapping, with the checks that a JSON schema cannot express."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from onestop.said import said
from onestop.schema.feeds import EXTRA, FEEDS, Column, Feed, Kind
from onestop.schema.mapping import (
    EPOCH_MILLISECONDS,
    EPOCH_SECONDS,
    EXCEL_SERIAL,
    WHOLE_SOURCE,
    ColumnMapping,
    ConditionalValue,
    FeedMapping,
    FilePattern,
    MappingError,
)
from onestop.schema.wording import fold_header

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Named date patterns, for dates written as numbers.
_NUMBER_FORMATS = (EXCEL_SERIAL, EPOCH_SECONDS, EPOCH_MILLISECONDS)
#: Default source texts of the canonical booleans.
_BOOLEAN_CODES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("true", ("1", "true", "yes", "y", "có", "x", "đúng", "rồi", "đã", "đạt")),
    ("false", ("0", "false", "no", "n", "không", "sai", "chưa", "chưa đạt")),
)
_FORMAT_PARTS = "YymbBdHIMSfpz"


def build_feed(
    file_name: str, document: dict[str, Any], name: str, body: dict[str, Any]
) -> FeedMapping:
    """Build the mapping of one feed.

    Args:
        file_name: of the mapping file, for errors.
        document: the whole file.
        name: of the feed.
        body: the feed's part of the file.

    Raises:
        MappingError: names the file, the key and the remedy.
    """
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
        helpers=check.further_columns("helpers", feed, body, blanks),
        extra=check.extra_columns(feed, body, blanks),
        derive=check.derivations(feed, body),
        skip=check.skip(feed, body),
        personal=tuple(body["personal"]),
        unused=tuple(body.get("unused", ())),
        required=check.required(feed, body),
        records=body.get("records", "data"),
        decimal=body.get("decimal") or document.get("decimal") or ",",
        has_one_spelling=document.get("spelling") == "national",
    )
    check.headers(mapping)
    return replace(mapping, sha256=hashlib.sha256(mapping.text.encode()).hexdigest())


@dataclass(frozen=True)
class _Check:
    """Builds the parts of a feed's mapping; an error names the key and the remedy."""

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
                said("there is no time zone {name}", name=name),
                "Use an IANA name such as Asia/Ho_Chi_Minh",
            ) from error
        return name

    def regex(self, key: str, pattern: str) -> re.Pattern[str]:
        try:
            return re.compile(pattern)
        except re.error as error:
            raise self.fail(
                key,
                said("is not a regular expression ({error})", error=error),
                "Correct the expression",
            ) from error

    def file_pattern(self, feed: Feed, number: int, one: dict[str, str]) -> FilePattern:
        pattern = self.regex(f"files.{number}.name", one["name"])
        if "night" not in pattern.groupindex:
            raise self.fail(
                f"files.{number}.name",
                "has no group for the night",
                r"Mark it as (?P<night>\d{8})",
            )
        covers, folder = one.get("covers", WHOLE_SOURCE), one.get("folder")
        groups = set(pattern.groupindex)
        if folder is not None:
            groups |= set(self.regex(f"files.{number}.folder", folder).groupindex)
        if covers not in {WHOLE_SOURCE, *feed.scope_columns}:
            raise self.fail(
                f"files.{number}.covers",
                said("a snapshot of {feed} cannot cover {covers}", feed=feed.name, covers=covers),
                said("Use one of: {names}", names=", ".join((WHOLE_SOURCE, *feed.scope_columns))),
            )
        if "covered" in groups and covers == WHOLE_SOURCE:
            raise self.fail(
                f"files.{number}.covers",
                "the path has a covered value, but covers names no column",
                said("Use one of: {names}", names=", ".join(feed.scope_columns)),
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
                    f"columns.{name}", "is derived while reading", "Map its timestamp instead"
                )
            if name == EXTRA:
                raise self.fail(f"columns.{name}", "holds several columns", "Name them under extra")
        return tuple(
            self.column(feed, feed.column(name), body[name], formats, blanks)
            for name in feed.column_names
            if name in body
        )

    def canonical(self, feed: Feed, key: str, name: str) -> None:
        if name not in feed.column_names:
            raise self.fail(
                key,
                said("{feed} has no column {name}", feed=feed.name, name=name),
                said("Use one of: {names}", names=", ".join(feed.column_names)),
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
        self.check_combination(key, column, body)
        if not {"from", "join", "constant", "default", "fallback"} & body.keys():
            raise self.fail(key, "has no source and no value", "Add from: with its headers")
        if "fallback" in body:
            self.canonical(feed, f"{key}.fallback", body["fallback"])
            if feed.column(body["fallback"]).type != column.type:
                raise self.fail(
                    f"{key}.fallback",
                    said("{fallback} has another type", fallback=body["fallback"]),
                    "Name a column of the same type",
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

    def check_combination(self, key: str, column: Column, body: dict[str, Any]) -> None:
        """Check a value that is built from several source columns."""
        if "join" in body and "from" in body:
            raise self.fail(f"{key}.join", "is given together with from", "Keep one of the two")
        if "join" in body and (column.type != "text" or column.codes):
            wanted = (
                "Use from, and time_from for the clock" if "time" in column.type else "Use from"
            )
            raise self.fail(f"{key}.join", "only columns of free text can be joined", wanted)
        if "separator" in body and "join" not in body:
            raise self.fail(f"{key}.separator", "is given without join", "Add join")
        if "time_from" in body and (column.type != "timestamp" or "from" not in body):
            raise self.fail(
                f"{key}.time_from",
                "is only for a column of date and time whose date has headers in from",
                "Give the date's headers in from, or remove time_from",
            )

    def further_columns(
        self, kind: str, feed: Feed, body: dict[str, Any], blanks: tuple[str, ...]
    ) -> tuple[ColumnMapping, ...]:
        """Source columns under names of their own, which are no canonical columns."""
        for name in body.get(kind, {}):
            if name in feed.column_names:
                raise self.fail(
                    f"{kind}.{name}", "has the name of a canonical column", "Give it another name"
                )
        return tuple(
            ColumnMapping(f"{kind}__{name}", tuple(sources), blanks=blanks)
            for name, sources in body.get(kind, {}).items()
        )

    def extra_columns(
        self, feed: Feed, body: dict[str, Any], blanks: tuple[str, ...]
    ) -> tuple[ColumnMapping, ...]:
        if body.get("extra") and EXTRA not in feed.column_names:
            raise self.fail(
                "extra", said("{feed} have no column for it", feed=feed.name), "Remove it"
            )
        for name in body.get("extra", {}).keys() & body.get("helpers", {}).keys():
            raise self.fail(f"extra.{name}", "is also a helper", "Keep it in one of the two")
        return self.further_columns("extra", feed, body, blanks)

    def date_format(self, key: str, pattern: str) -> None:
        if pattern in _NUMBER_FORMATS:
            return
        unknown = set(re.findall(r"%(.)", pattern)).difference(_FORMAT_PARTS)
        if unknown:
            raise self.fail(
                key,
                said(
                    "the date pattern {pattern} uses %{unknown}",
                    pattern=pattern,
                    unknown=min(unknown),
                ),
                said("Use {known}", known=" ".join(f"%{part}" for part in _FORMAT_PARTS)),
            )

    def value(self, key: str, column: Column, value: str) -> None:
        if column.codes and value not in column.codes:
            raise self.fail(
                key,
                said("{value} is not a value of {name}", value=value, name=column.name),
                said("Use one of: {names}", names=", ".join(column.codes)),
            )
        if column.type == "integer" and not re.fullmatch(r"-?\d+", value):
            raise self.fail(
                key, said("{value} is not a whole number", value=value), "Give a whole number"
            )
        if column.type == "boolean" and value not in {"true", "false"}:
            raise self.fail(
                key, said("{value} is neither true nor false", value=value), "Give true or false"
            )

    def codes(
        self, key: str, column: Column, body: dict[str, list[str]] | None
    ) -> tuple[tuple[str, tuple[str, ...]], ...]:
        if body is None:
            if column.type == "boolean":
                return _BOOLEAN_CODES
            return tuple((code, (code,)) for code in column.codes)
        seen: dict[str, str] = {}
        for canonical, texts in body.items():
            self.value(f"{key}.codes", column, canonical)
            for text in texts:
                other = seen.setdefault(fold_header(text), canonical)
                if other != canonical:
                    raise self.fail(
                        f"{key}.codes",
                        said(
                            "{text} means both {other} and {canonical}",
                            text=text,
                            other=other,
                            canonical=canonical,
                        ),
                        "Keep it in one of them",
                    )
        return tuple((canonical, tuple(texts)) for canonical, texts in body.items())

    def derivations(
        self, feed: Feed, body: dict[str, Any]
    ) -> tuple[tuple[str, tuple[ConditionalValue, ...]], ...]:
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

    def skip(self, feed: Feed, body: dict[str, Any]) -> tuple[ConditionalValue, ...]:
        return tuple(
            self.rule(f"skip.{number}", feed, body, rule, rule["reason"])
            for number, rule in enumerate(body.get("skip", ()))
        )

    def rule(
        self, key: str, feed: Feed, body: dict[str, Any], rule: dict[str, Any], value: str
    ) -> ConditionalValue:
        when = tuple(
            (
                self.condition_column(f"{key}.when.{name}", feed, body, name),
                wanted if isinstance(wanted, str) else tuple(wanted),
            )
            for name, wanted in rule.get("when", {}).items()
        )
        return ConditionalValue(value, when)

    def condition_column(self, key: str, feed: Feed, body: dict[str, Any], name: str) -> str:
        """The column of a condition, by its name in a staged file."""
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
                raise self.fail(
                    "unused", said("{text} is used", text=text), "Remove it from unused"
                )

    def not_personal(
        self, column: ColumnMapping, sources: Iterable[str], personal: dict[str, str]
    ) -> None:
        for source in sources:
            if fold_header(source) in personal:
                raise self.fail(
                    f"columns.{column.name}".replace("columns.helpers__", "helpers.")
                    .replace("columns.extra__", "extra.")
                    .partition("__")[0],
                    said("{source} is also listed as personal", source=source),
                    "Keep it in one of the two",
                )

"""The page that documents the feeds, generated from the schema, the mapping and the suites.

``make docs`` writes it to ``docs/feeds.md``; a test fails when it is out of date.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from onestop.schema.feeds import FEEDS, Column, Feed
from onestop.schema.mapping import WHOLE_SOURCE, ColumnMapping, FeedMapping
from onestop.schema.mapping_files import load_mappings
from onestop.schema.project import PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onestop.gate import Rule

PAGE = PROJECT_ROOT / "docs" / "feeds.md"
_SOURCE = "one_stop"
_HEAD = """# The feeds: files, columns, rules

*Made by `make docs` from `plugins/onestop/schema/feeds.py`,
`plugins/onestop/schema/mappings/one_stop.yaml` and `expectations/`; change those, not this page.*

A header matches whatever its case, spacing, composition of accents, or Đ/Ð. In codes and texts,
runs of blanks become one blank, and blanks at the ends go. What a mapping calls personal is never
read into anything; how a mapping is written: [mapping.md](mapping.md). A dossier without a
procedure code is counted under the catalogue's one procedure of its name, else under the name.
Severity: *critical* refuses the file, *error* rejects the row, *warning* is counted.

- Codes with a list of values match whatever their case; the texts of each value stand below its
  feed's columns.
- Booleans: {booleans}.
- Dates and times, the first pattern that fits: {formats}, ISO 8601.
"""


def feeds_page() -> str:
    """The whole page, as Markdown."""
    from onestop.gate import load_suite  # noqa: PLC0415 - Great Expectations imports slowly

    mappings = load_mappings(None)[_SOURCE].feeds
    parts = [_head(mappings)]
    for feed in FEEDS.values():
        suite = load_suite(feed.name)
        parts += [*_feed_part(feed, mappings[feed.name]), *_rules_part(suite.rules, suite.limits)]
    return "\n".join(parts)


def _head(mappings: Mapping[str, FeedMapping]) -> str:
    """What all feeds have in common."""
    columns = [column for feed in mappings.values() for column in feed.columns]
    booleans = {
        column.codes
        for feed in mappings.values()
        for column in feed.columns
        if feed.schema.column(column.name).type == "boolean"
    }
    formats = {column.formats for column in columns if column.formats}
    [boolean], [format_] = booleans, formats
    return _HEAD.format(
        booleans="; ".join(f"*{value}* is written {_listed(texts)}" for value, texts in boolean),
        formats=", ".join(f"`{one}`" for one in format_),
    )


def _feed_part(feed: Feed, mapping: FeedMapping) -> Iterator[str]:
    yield f"\n## {feed.name}\n"
    yield (
        f"One row for each {feed.entity}, known by {_code(feed.key)}. "
        + (
            "A night waits for this feed."
            if mapping.expected
            else "A night is published without it."
        )
    )
    yield ""
    for pattern in mapping.files:
        before, after = re.split(r"\(\?P<night>.*?\)", pattern.name, maxsplit=1)
        marked = "".join(re.findall(r"^\w*", after))
        of = "the whole source" if pattern.covers == WHOLE_SOURCE else f"`{pattern.covers}`"
        covers = f", covers {of}" if pattern.kind == "snapshot" else ""
        yield f"- files `{before}<YYYYMMDD>{marked}…`: {pattern.kind}{covers}"
    if mapping.required:
        needed = "; ".join(" or ".join(f"`{name}`" for name in one) for one in mapping.required)
        yield f"- a file without these columns is refused: {needed}"
    yield "\n| column | type | meaning | source headers |"
    yield "|---|---|---|---|"
    given = {column.name: column for column in mapping.columns}
    for column in feed.columns:
        yield _column_line(column, given.get(column.name))
    yield from _values_part(feed, mapping)
    yield f"\nPersonal, never read: {_listed(mapping.personal)}."
    if mapping.unused:
        yield f"\nKnown and not needed: {_listed(mapping.unused)}."


def _column_line(column: Column, given: ColumnMapping | None) -> str:
    kind = column.type + (f": {', '.join(column.codes)}" if column.codes else "")
    if column.derived_from:
        origin = f"the day of `{column.derived_from}` on the source's clock"
    elif given is None:
        origin = "–"
    else:
        origin = _listed(given.headers) or "–"
        if given.fallback:
            origin += f"; else `{given.fallback}`"
    return f"| `{column.name}` | {kind} | {column.vi} — {column.en} | {origin} |"


def _values_part(feed: Feed, mapping: FeedMapping) -> Iterator[str]:
    """Which texts of the exports mean which value."""
    coded = [
        (column.name, value, texts)
        for column in mapping.columns
        if feed.column(column.name).type != "boolean"
        for value, texts in column.codes
    ]
    if coded:
        yield "\n| column | value | written in exports as |"
        yield "|---|---|---|"
        for name, value, texts in coded:
            # a whole number is read where its text is not listed
            own = (value,) if feed.column(name).type == "integer" else ()
            yield f"| `{name}` | {value} | {'; '.join((*own, *texts))} |"


def _rules_part(rules: tuple[Rule, ...], limits: dict[str, int]) -> Iterator[str]:
    yield "\n| rule | severity | says | source |"
    yield "|---|---|---|---|"
    for rule in rules:
        says = f"{rule.message_vi} — {rule.message_en}".replace("|", "\\|")
        yield f"| {rule.code} | {rule.severity} | {says} | {rule.clause} |"
    named = {
        "rejected_rows": "a file is refused whole with more rejected rows than {}",
        "rejected_percent": "that are more than {} % of it",
        "all_rejected_rows": "or, from {} rows on, when all of them are rejected",
        "volume_percent": "or when its rows differ by more than {} % from the usual number",
    }
    sentences = [text.format(limits[name]) for name, text in named.items() if name in limits]
    yield f"\nLimits: {', '.join(sentences)}."


def _code(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _listed(texts: tuple[str, ...]) -> str:
    return ", ".join(text.replace("|", "\\|") for text in texts)


def main() -> None:
    """Write the page."""
    Path(PAGE).parent.mkdir(exist_ok=True)
    PAGE.write_text(feeds_page(), encoding="utf-8")


if __name__ == "__main__":
    main()

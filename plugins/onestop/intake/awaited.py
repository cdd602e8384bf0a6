"""Messages about missing files: the expected names, their folder, and similar names there."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from onestop.intake.exports import UNFINISHED, ExportsError, list_exports, readable_name
from onestop.said import said, said_either, said_list
from onestop.schema.mapping import ClaimedTwiceError, recognise

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

    from onestop.intake.exports import Folder
    from onestop.schema.mapping import FeedMapping, SourceMapping

_TOKEN = re.compile(r"\\.|\[\^?.[^\]]*\]|\{[^}]*\}|.", re.DOTALL)
_LOOKING = ("(?=", "(?!", "(?<=", "(?<!")
#: How many similar names a message lists.
_MOST_SIMILAR = 3
#: Lowest similarity (difflib's ratio) of a name to an expected one.
_CLOSE = 0.75
_CLOSE_WITH_DAY = 0.5
#: Fewest letters of an expected name that say something.
_TELLING = 4
#: Endings of lists and archives, also of those that cannot be read.
_LISTS = frozenset(
    [
        *(".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt", ".xml", ".htm", ".html"),
        *(".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".gz", ".zip", ".rar", ".7z"),
    ]
)
#: Formats of a date in a name: year first, day first, and both with a short year.
_DAY_FORMS = ("%Y%m%d", "%d%m%Y", "%y%m%d", "%d%m%y")


def awaited_name(pattern: str, night: dt.date) -> str:
    """A mapping's pattern of file names as people write it: ``dossiers_20221124*``.

    Args:
        pattern: the regular expression of the mapping, with the group ``night``.
        night: the night to put in place of the group.
    """
    shown = ""
    for token in _tokens(pattern):
        if token.startswith("(?P<night>"):
            shown += f"{night:%Y%m%d}"
        elif token[0] in "{*+?":  # how often the sign before it may stand
            shown = f"{shown[:-1]}*"
        elif token[0] in "([." or re.fullmatch(r"\\\w", token):
            shown += "" if token.startswith(_LOOKING) else "*"
        elif token not in {"^", "$"}:
            shown += token[-1]
    return re.sub(r"\*[*.]*$|\*+", "*", shown)


def _tokens(pattern: str) -> Iterator[str]:
    """The parts of a regular expression; a group is one part."""
    at = 0
    while at < len(pattern):
        end = _closing(pattern, at) if pattern[at] == "(" else _TOKEN.match(pattern, at).end()  # type: ignore[union-attr] # it matches any character
        yield pattern[at:end]
        at = end


def _closing(pattern: str, start: int) -> int:
    """The position after the bracket that closes the one at ``start``."""
    depth = 0
    for token in _TOKEN.finditer(pattern, start):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth == 0:
            return token.end()
    return len(pattern)


def awaited_where(
    exports: Folder, feed: FeedMapping, night: dt.date, mappings: Mapping[str, SourceMapping]
) -> str:
    """The expected file names, the folder and similar names, as the end of a sentence.

    Args:
        exports: the exports folder.
        feed: the missing feed.
        night: the night that lacks it.
        mappings: of all sources.
    """
    names = list(dict.fromkeys(awaited_name(one.name, night) for one in feed.files))
    close = near_misses(exports, feed, night, mappings)
    similar = said("; similar names there: {names}", names=said_list(close, ", ")) if close else ""
    return said(
        "no file {names} below {exports}{similar}",
        names=said_either(names),
        exports=exports,
        similar=similar,
    )


def near_misses(
    exports: Folder, feed: FeedMapping, night: dt.date, mappings: Mapping[str, SourceMapping]
) -> list[str]:
    """Files that could be meant for the missing one, the most similar names first.

    They are files of a later night; files that are hidden, still being written or no regular
    files; and files that no mapping matches, whose name is similar and holds this night or no
    date at all. Empty when the exports cannot be listed.

    Args:
        exports: the exports folder.
        feed: the missing feed.
        night: the night that lacks it.
        mappings: of all sources.
    """
    wanted = {_letters(awaited_name(one.name, night)) for one in feed.files}
    found: list[tuple[float, str]] = []
    try:
        names = _names(exports)
    except ExportsError:
        return []
    for name, is_listed in names:
        base = PurePosixPath(name).name
        meant = base if is_listed else _finished(base)
        stated = feed.night_of(meant)
        shown = readable_name(name)
        if stated:
            if stated[0] > night and is_listed:
                found.append(
                    (1.0, said("{shown} (of night {night})", shown=shown, night=stated[0]))
                )
            elif stated[0] == night and not is_listed:
                found.append(
                    (
                        2.0,
                        said(
                            "{shown} (hidden, still being written, or no regular file)", shown=shown
                        ),
                    )
                )
        elif not _is_known(meant, mappings):
            closeness = max(
                difflib.SequenceMatcher(None, _letters(meant), one).ratio() for one in wanted
            )
            days = _days(meant)
            is_of_night = _is_of_night(days, night)
            if (is_of_night and closeness >= _CLOSE_WITH_DAY) or (not days and closeness >= _CLOSE):
                found.append((closeness, shown))
    found.sort(key=lambda one: (-one[0], one[1]))
    return [shown for _, shown in found[:_MOST_SIMILAR]]


def misnamed(
    path: str, night: dt.date, mappings: Mapping[str, SourceMapping]
) -> FeedMapping | None:
    """The feed for which a file that no mapping matches is certainly meant.

    Its name begins like that of the feed's files or is nearly the same, holds this night, and has
    the ending of a list or an archive.

    Args:
        path: of the file below the exports.
        night: the night that is run.
        mappings: of all sources.
    """
    name = PurePosixPath(path).name
    is_list = PurePosixPath(name).suffix.lower() in _LISTS
    if not is_list or not _is_of_night(_days(name), night):
        return None
    letters = _letters(name)
    for source in mappings.values():
        for feed in source.feeds.values():
            for wanted in {_letters(awaited_name(one.name, night)) for one in feed.files}:
                closeness = difflib.SequenceMatcher(None, letters, wanted).ratio()
                if len(wanted) >= _TELLING and (letters.startswith(wanted) or closeness >= _CLOSE):
                    return feed
    return None


def _days(name: str) -> list[str]:
    """The groups of digits in a name that may be dates, without signs inside them."""
    return re.findall(r"\d{6,}", re.sub(r"(?<=\d)[-_. ](?=\d)", "", name))


def _is_of_night(days: list[str], night: dt.date) -> bool:
    return any(f"{night:{form}}" in day for day in days for form in _DAY_FORMS)


def _is_known(name: str, mappings: Mapping[str, SourceMapping]) -> bool:
    try:
        return recognise(name, mappings) is not None
    except ClaimedTwiceError:
        return True


def _letters(name: str) -> str:
    """The letters of a name, without its ending."""
    return re.sub(r"[\W\d_]+", "", PurePosixPath(name).stem.casefold())


def _finished(name: str) -> str:
    """The name that a hidden or unfinished file will probably have."""
    plain = name.removeprefix("~$").lstrip(".")
    ending = next((one for one in UNFINISHED if plain.lower().endswith(one)), "")
    return plain[: len(plain) - len(ending)]


def _names(exports: Folder) -> list[tuple[str, bool]]:
    """Every path below the exports, and whether a night would list it."""
    listed = list_exports(exports)
    names = [(file.path_below, True) for file in listed]
    if isinstance(exports, Path):
        known = {file.path for file in listed}
        names += [
            (str(Path(at, name).relative_to(exports)), False)
            for at, _, files in os.walk(exports)
            for name in files
            if str(Path(at, name)) not in known
        ]
    return names

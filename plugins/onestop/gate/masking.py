"""Masking of rejected values for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop.schema.masked_text import LONGEST, hidden, without_letters
from onestop.schema.personal import kind_of

if TYPE_CHECKING:
    from onestop.schema.feeds import Feed


def masked(name: str, feed: Feed) -> str:
    """SQL of a column's value masked for people: shortened, without what identifies a person.

    An unreadable date or number may be a person's name when a row's cells are shifted. So its
    letters are masked, except AM, PM and their Vietnamese forms after a number, which may be why a
    time is unreadable. Sentences, and texts that look like a person's name, number or address,
    are masked the same way. Long digit groups and e-mail addresses are hidden, except in a column
    of the key, which is shown as :func:`masked_key` shows it beside the value.
    """
    value = f"cast(p.{name} as varchar)"
    if name in feed.key:
        return f"left({_key_part(name, value)}, {LONGEST})"
    mapped = next((column for column in feed.columns if f"{column.name}_text" == name), None)
    lettered = without_letters(value)
    kind = "label" if mapped else kind_of(name)
    if kind in {"text", "labels"} or (mapped is not None and not mapped.codes):
        return hidden(lettered)
    return hidden(f"case when gate.is_personal_{kind}({value}) then {lettered} else {value} end")


def masked_key(feed: Feed, row: str) -> str:
    """SQL of a row's key; parts that look like personal data are masked.

    Args:
        feed: whose key.
        row: alias of the row.
    """
    return " || '|' || ".join(
        _key_part(name, f"cast({row}.{name} as varchar)") for name in feed.key
    )


def _key_part(name: str, value: str) -> str:
    shown = f"regexp_replace({without_letters(value)}, '[0-9]', '•', 'g')"
    return f"case when gate.is_personal_{kind_of(name)}({value}) then {shown} else {value} end"

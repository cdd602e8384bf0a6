"""What people see of a rejected value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop.gate.personal import kind_of

if TYPE_CHECKING:
    from onestop.schema.feeds import Feed

#: What is never shown, and what stands there instead.
_HIDDEN = (
    (r"[\x00-\x1f\x7f]", " "),
    (r"[^\s@]+@[^\s@]+", "•@•"),
    (r"\b\d{7,10}(\d\d)\b", r"•••\1"),
    (r"(\+84|\b0)[ .-]?\d{1,3}[ .-]\d{3}[ .-]?\d{2,4}\b", "•••"),
)
#: What stands behind a time of day and may be shown, and a sign that is no letter for each.
_HALVES_OF_DAY = {"AM": "\ue000", "PM": "\ue001", "SA": "\ue002", "CH": "\ue003"}
_LONGEST = 80


def masked(name: str, feed: Feed) -> str:
    """SQL of a column's value as people may see it: short, and without what identifies anyone.

    The text of an unreadable date or number may be somebody's name when a row's cells are
    shifted: of letters only their number is shown, but for the half of the day after a number, in
    English or Vietnamese, which may be why a time is unreadable. So it is with sentences, and with
    whatever else looks like a name, a number or an address of a person. Long digit groups
    (identity and telephone numbers) and e-mail addresses are hidden wherever they occur.
    """
    value = f"cast(p.{name} as varchar)"
    mapped = next((column for column in feed.columns if f"{column.name}_text" == name), None)
    lettered = _without_letters(value)
    kind = "label" if mapped else kind_of(name)
    if kind in {"text", "labels"} or (mapped is not None and not mapped.codes):
        return _hidden(lettered)
    return _hidden(f"case when gate.is_personal_{kind}({value}) then {lettered} else {value} end")


def masked_key(feed: Feed, row: str) -> str:
    """SQL of a row's key: a part that looks like a person's is masked, all others are as they are.

    Args:
        feed: whose key.
        row: alias of the row.
    """
    parts = []
    for name in feed.key:
        value = f"cast({row}.{name} as varchar)"
        shown = f"regexp_replace({_without_letters(value)}, '[0-9]', '•', 'g')"
        parts.append(
            f"case when gate.is_personal_{kind_of(name)}({value}) then {shown} else {value} end"
        )
    return " || '|' || ".join(parts)


def masked_header(value: str) -> str:
    """SQL of a header of a file, which may be a cell of a table that has no header."""
    return _hidden(
        f"case when gate.is_personal_label({value}) then {_without_letters(value)} else {value} end"
    )


def _without_letters(value: str) -> str:
    for half, sign in _HALVES_OF_DAY.items():
        value = f"regexp_replace({value}, '(\\d ?){half}\\b', '\\1{sign}', 'gi')"
    value = f"regexp_replace({value}, '\\p{{L}}', 'x', 'g')"
    for half, sign in _HALVES_OF_DAY.items():
        value = f"replace({value}, '{sign}', '{half}')"
    return value


def _hidden(value: str) -> str:
    for pattern, shown in _HIDDEN:
        value = f"regexp_replace({value}, '{pattern}', '{shown}', 'g')"
    return f"left({value}, {_LONGEST})"

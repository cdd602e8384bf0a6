"""What people see of a rejected value."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onestop.feeds import Feed

#: What is never shown, and what stands there instead.
_HIDDEN = (
    (r"[\x00-\x1f\x7f]", " "),
    (r"[^\s@]+@[^\s@]+", "•@•"),
    (r"\b\d{7,10}(\d\d)\b", r"•••\1"),
    (r"(\+84|\b0)[ .-]?\d{1,3}[ .-]\d{3}[ .-]?\d{2,4}\b", "•••"),
)
#: What stands behind a time of day and may be shown, and a sign that is no letter for each.
_HALVES_OF_DAY = {"AM": "\ue000", "PM": "\ue001", "SA": "\ue002", "CH": "\ue003"}


def masked(name: str, feed: Feed) -> str:
    """SQL of a column's value as people may see it: short, and without what identifies anyone.

    The text of an unreadable date or number may be somebody's name when a row's cells are
    shifted: of letters only their number is shown, but for the half of the day after a number, in
    English or Vietnamese, which may be why a time is unreadable. Long digit groups (identity and
    telephone numbers) and e-mail addresses are hidden wherever they occur.
    """
    value = f"cast(p.{name} as varchar)"
    mapped = next((column for column in feed.columns if f"{column.name}_text" == name), None)
    if mapped is not None and not mapped.codes:
        for half, sign in _HALVES_OF_DAY.items():
            value = f"regexp_replace({value}, '(\\d ?){half}\\b', '\\1{sign}', 'gi')"
        value = f"regexp_replace({value}, '\\p{{L}}', 'x', 'g')"
        for half, sign in _HALVES_OF_DAY.items():
            value = f"replace({value}, '{sign}', '{half}')"
    for pattern, shown in _HIDDEN:
        value = f"regexp_replace({value}, '{pattern}', '{shown}', 'g')"
    return f"left({value}, 80)"

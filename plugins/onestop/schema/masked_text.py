"""SQL that masks texts for people: shortened, without what identifies a person."""

from __future__ import annotations

#: Patterns that are never shown, and their replacements.
_HIDDEN = (
    (r"[\x00-\x1f\x7f]", " "),
    (r"[^\s@]+@[^\s@]+", "•@•"),
    (r"\b\d{7,10}(\d\d)\b", r"•••\1"),
    (r"(\+84|\b0)[ .-]?\d{1,3}[ .-]\d{3}[ .-]?\d{2,4}\b", "•••"),
)
#: What stands behind a time of day and may be shown, and a sign that is no letter for each.
_HALVES_OF_DAY = {"AM": "\ue000", "PM": "\ue001", "SA": "\ue002", "CH": "\ue003"}
#: Letters of a text that are shown.
LONGEST = 80


def masked_name(value: str, database: str = "gate") -> str:
    """SQL of a header, or of a sheet's name: what looks like a person's is shown without letters.

    Args:
        value: SQL of the text.
        database: where the tests of :mod:`onestop.schema.personal` are.
    """
    is_personal = f"{database}.main.is_personal_label({value})"
    return hidden(f"case when {is_personal} then {without_letters(value)} else {value} end")


def without_letters(value: str) -> str:
    """SQL of a text with x for each letter, but for the half of the day after a number."""
    for half, sign in _HALVES_OF_DAY.items():
        value = f"regexp_replace({value}, '(\\d ?){half}\\b', '\\1{sign}', 'gi')"
    value = f"regexp_replace({value}, '\\p{{L}}', 'x', 'g')"
    for half, sign in _HALVES_OF_DAY.items():
        value = f"replace({value}, '{sign}', '{half}')"
    return value


def hidden(value: str) -> str:
    """SQL of a text cut short, without long groups of digits and e-mail addresses."""
    for pattern, shown in _HIDDEN:
        value = f"regexp_replace({value}, '{pattern}', '{shown}', 'g')"
    return f"left({value}, {LONGEST})"

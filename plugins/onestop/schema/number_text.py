"""Figures as text for people, with Vietnamese or English marks; never rounded up to a target."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from onestop.said import Language, counted, whole

if TYPE_CHECKING:
    import datetime as dt

__all__ = [
    "Language",
    "counted",
    "day",
    "decimal_text",
    "duration",
    "measured",
    "percent",
    "target_text",
    "whole",
    "with_unit",
]

_MARKS = {"vi": (".", ","), "en": (",", ".")}
_COMPARISONS = {">=": "≥ ", "<=": "≤ ", ">": "> ", "<": "< ", "=": ""}
_MINUTE = 60


def decimal_text(number: Decimal, lang: Language) -> str:
    """A decimal number with the language's marks."""
    thousands, point = _MARKS[lang]
    return f"{number:,f}".translate({ord(","): thousands, ord("."): point})


def percent(share: Decimal, lang: Language, places: int = 2) -> str:
    """A rate 0–100, cut (not rounded) to ``places``: 97.999 is shown as 97,99 %, never as 98 %."""
    cut = share.quantize(Decimal(1).scaleb(-places), rounding=ROUND_FLOOR)
    return decimal_text(cut, lang) + ("%" if lang == "en" else " %")


def duration(seconds: Decimal, lang: Language) -> str:
    """Seconds as minutes and seconds, the next full second: 1800.2 is 30 minutes 1, not 30."""
    total = int(seconds.quantize(Decimal(1), rounding=ROUND_CEILING))
    minutes, rest = divmod(total, _MINUTE)
    words = ("phút", "giây") if lang == "vi" else ("min", "s")
    return f"{whole(minutes, lang)} {words[0]}" + (f" {rest} {words[1]}" if rest else "")


def measured(
    numerator: int | None,
    denominator: int | None,
    value: Decimal | float | None,
    unit_of_measure: str,
    lang: Language,
) -> str:
    """A figure with its unit, from its integers where it has them; empty without a figure."""
    if numerator is not None and denominator:
        scale = 100 if unit_of_measure == "percent" else 1
        number = Decimal(numerator * scale) / Decimal(denominator)
    elif value is not None:
        number = Decimal(str(value))
    else:
        return ""
    return with_unit(number, unit_of_measure, lang)


def with_unit(number: Decimal, unit_of_measure: str, lang: Language) -> str:
    """A number with its unit of measure."""
    if unit_of_measure == "percent":
        return percent(number, lang)
    if unit_of_measure == "seconds":
        return duration(number, lang)
    return decimal_text(number.normalize(), lang)


def target_text(
    target: Decimal | float | None, comparison: str | None, unit_of_measure: str, lang: Language
) -> str:
    """A target: ``≥ 98 %``, ``≤ 30 phút``; empty without one."""
    if target is None or comparison is None:
        return ""
    number = Decimal(str(target))
    if unit_of_measure == "percent":
        number = number.normalize()
        text = f"{number:f}".replace(".", _MARKS[lang][1]) + ("%" if lang == "en" else " %")
    else:
        text = with_unit(number, unit_of_measure, lang)
    return _COMPARISONS[comparison] + text


def day(date: dt.date, lang: Language) -> str:
    """A date: ``30/06/2022``, or in English ``30 Jun 2022``."""
    return date.strftime("%d/%m/%Y" if lang == "vi" else "%-d %b %Y")

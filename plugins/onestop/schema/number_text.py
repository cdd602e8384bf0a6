"""Figures as text for people, with Vietnamese or English marks.

All rules of rounding are here. A rate is cut and a time is raised, so that neither looks better
than it is; and a figure never looks equal to a target that it is not: it has as many places as that
needs.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from onestop.said import Language, counted, decimal_text, whole
from onestop.schema.time_zone import LOCAL_ZONE

__all__ = [
    "ROUNDING",
    "Language",
    "amounts_text",
    "clock_text",
    "counted",
    "day",
    "decimal_text",
    "duration",
    "measured",
    "moment_text",
    "percent",
    "raised",
    "share_text",
    "signed",
    "target_text",
    "whole",
    "with_days",
    "with_unit",
]

_COMPARISONS = {">=": "≥ ", "<=": "≤ ", ">": "> ", "<": "< ", "=": ""}
_MINUTE = 60
#: More places are not shown.
_MOST_PLACES = 12
#: How figures are rounded, for the pages and tables that show them.
ROUNDING: dict[Language, str] = {
    "vi": "Tỷ lệ được cắt, không làm tròn; thời gian chờ được nâng lên giây tiếp theo. Con số nào"
    " vì thế trông như bằng mục tiêu mà không bằng thì có thêm chữ số lẻ; tỷ lệ trông như tròn"
    " phần trăm, hay thời gian không có mục tiêu trông như tròn phút, cũng vậy. Đánh giá dựa trên"
    " số nguyên.",
    "en": "Rates are cut, not rounded; waits are raised to the next second. A figure that would"
    " thus look like its target, without being it, has more decimals; so has a rate that would look"
    " like a full per cent, or a wait without a target that would look like a full minute. Verdicts"
    " rest on integers.",
}


def percent(
    share: Decimal, lang: Language, places: int = 2, target: Decimal | float | None = None
) -> str:
    """A rate 0–100, cut (not rounded): 97.999 is shown as 97,99 %, never as 98 %.

    Args:
        share: the rate.
        lang: of the marks.
        places: decimals; there are more where the rate would look like a full per cent, or like its
            target, without being it: 98.004 is shown as 98,004 %.
        target: what the rate is compared with.
    """
    cut = _on_its_side(share, places, 1, target, rounding=ROUND_FLOOR)
    return decimal_text(cut, lang) + ("%" if lang == "en" else " %")


def share_text(share: float, lang: Language, places: int = 1) -> str:
    """A part of 1 in per cent, cut; for what is compared with no target, as parts of a time.

    Args:
        share: the part, 0–1.
        lang: of the marks.
        places: decimals, never more.
    """
    cut = (Decimal(str(share)) * 100).quantize(Decimal(1).scaleb(-places), rounding=ROUND_FLOOR)
    return decimal_text(cut, lang) + ("%" if lang == "en" else " %")


def duration(seconds: Decimal, lang: Language, target: Decimal | float | None = None) -> str:
    """Seconds as minutes and seconds, the next full second: 1800.2 is 30 minutes 1, not 30.

    Args:
        seconds: the time.
        lang: of words and marks.
        target: what it is compared with. A time that would look like it, or without a known target
            like a full minute, has decimals: 1799.5 is 29 minutes 59.5, not 30.
    """
    minutes, rest = _minutes_and_seconds(seconds, target)
    words = ("phút", "giây") if lang == "vi" else ("min", "s")
    text = f"{whole(minutes, lang)} {words[0]}"
    return text + (f" {decimal_text(rest, lang)} {words[1]}" if rest else "")


def signed(number: int, lang: Language, unit_of_measure: str = "") -> str:
    """A change with its sign: ``+1,205``, ``−3``, ``0``; of ``seconds`` ``+20 min 5 s``."""
    amount = abs(number)
    is_time = amount and unit_of_measure == "seconds"
    text = duration(Decimal(amount), lang) if is_time else whole(amount, lang)
    return f"{'+' if number > 0 else '−' if number < 0 else ''}{text}"


def clock_text(seconds: Decimal, lang: Language, target: Decimal | float | None = None) -> str:
    """The same as ``30:01``, for a narrow column."""
    minutes, rest = _minutes_and_seconds(seconds, target)
    return f"{whole(minutes, lang)}:{'0' if rest < 10 else ''}{decimal_text(rest, lang)}"  # noqa: PLR2004 - two digits


def raised(number: Decimal, places: int = 2) -> Decimal:
    """A number raised to the next one with so many places."""
    return number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_CEILING)


def _minutes_and_seconds(seconds: Decimal, target: Decimal | float | None) -> tuple[int, Decimal]:
    full = _MINUTE if target is None else None
    shown = _on_its_side(seconds, 0, full, target, rounding=ROUND_CEILING)
    minutes, rest = divmod(shown, _MINUTE)
    return int(minutes), rest


def _on_its_side(
    number: Decimal,
    places: int,
    full: int | None,
    target: Decimal | float | None,
    *,
    rounding: str,
) -> Decimal:
    """A number rounded to places, or to as many more as show on which side of its target it is.

    Args:
        number: the number.
        places: decimals at least.
        full: what targets are usually multiples of; None where only its own target matters.
        target: what the number is compared with.
        rounding: down or up.
    """
    goal = None if target is None else Decimal(str(target))
    for count in range(places, _MOST_PLACES):
        shown = number.quantize(Decimal(1).scaleb(-count), rounding=rounding)
        low, high = sorted((shown, number))
        is_full = full is not None and shown % full == 0
        is_on_target = goal is not None and low <= goal <= high
        if low == high or not (is_full or is_on_target):
            return shown
    return number.quantize(Decimal(1).scaleb(-places), rounding=rounding)


def measured(
    numerator: int | None,
    denominator: int | None,
    value: Decimal | float | None,
    unit_of_measure: str,
    lang: Language,
    target: Decimal | float | None = None,
) -> str:
    """A figure with its unit, from its integers where it has them; empty without a figure.

    Args:
        numerator: its integers.
        denominator: its integers.
        value: the figure, where it has no integers.
        unit_of_measure: as in ``ref.indicator``.
        lang: of words and marks.
        target: what it is compared with.
    """
    if numerator is not None and denominator:
        scale = 100 if unit_of_measure == "percent" else 1
        number = Decimal(numerator * scale) / Decimal(denominator)
    elif value is not None:
        number = Decimal(str(value))
    else:
        return ""
    return with_unit(number, unit_of_measure, lang, target)


def amounts_text(
    numerator: int, denominator: int, unit_of_measure: str, lang: Language, between: str = " / "
) -> str:
    """What a figure is made of: ``4,322 / 4,364``, of a mean wait ``1,885 s / 35 visits``.

    Args:
        numerator: its integers.
        denominator: its integers.
        unit_of_measure: as in ``ref.indicator``.
        lang: of words and marks.
        between: the two; a table of a terminal has no blanks there.
    """
    amounts = whole(numerator, lang), whole(denominator, lang)
    if unit_of_measure != "seconds":
        return between.join(amounts)
    if lang == "vi":
        return f"{amounts[0]} giây{between}{amounts[1]} lượt"
    return f"{amounts[0]} s{between}{counted(denominator, 'visit')}"


def with_unit(
    number: Decimal, unit_of_measure: str, lang: Language, target: Decimal | float | None = None
) -> str:
    """A number with its unit of measure."""
    if unit_of_measure == "percent":
        return percent(number, lang, target=target)
    if unit_of_measure == "seconds":
        return duration(number, lang, target)
    return decimal_text(number.normalize(), lang)


def target_text(
    target: Decimal | float | None, comparison: str | None, unit_of_measure: str, lang: Language
) -> str:
    """A target: ``≥ 98 %``, ``≤ 30 phút``; empty without one."""
    if target is None or comparison is None:
        return ""
    number = Decimal(str(target))
    if unit_of_measure == "percent":
        text = decimal_text(number.normalize(), lang) + ("%" if lang == "en" else " %")
    else:
        text = with_unit(number, unit_of_measure, lang)
    return _COMPARISONS[comparison] + text


def with_days(sentence: str, lang: Language) -> str:
    """A sentence of the record with its dates as readers write them; names and commands stay.

    Args:
        sentence: with dates such as ``2022-06-30``.
        lang: of the reader.
    """

    def shown(found: re.Match[str]) -> str:
        try:
            return day(dt.date.fromisoformat(found.group()), lang)
        except ValueError:
            return found.group()

    return _DATE_OR_COMMAND.sub(shown, sentence)


#: A command up to the end of its clause, an option with its value, or a date that is no part of a
#: name; the name of an export may go on after a blank.
_DATE_OR_COMMAND = re.compile(
    r"`[^`]*`|\bonestop [a-z](?:(?![.,:;)](?:\s|$)).)*|--[\w-]+ \S+"
    r"|(?<![\w./=-])\d{4}-\d{2}-\d{2}"
    r"(?![\w/-]|\.\w| \S*\.(?:csv|tsv|txt|xlsx?|jsonl?|xml|html?|zip|gz)\b)"
)


def day(date: dt.date, lang: Language) -> str:
    """A date: ``30/06/2022``, or in English ``30 Jun 2022``."""
    form = "%d/%m/" if lang == "vi" else "%-d %b "
    return f"{date.strftime(form)}{date.year:04}"  # strftime does not pad years


def moment_text(moment: dt.datetime, lang: Language) -> str:
    """A moment as the clocks in Việt Nam show it: ``30/06/2022 08:15``."""
    local = moment.astimezone(LOCAL_ZONE)
    return f"{day(local, lang)} {local:%H:%M}"

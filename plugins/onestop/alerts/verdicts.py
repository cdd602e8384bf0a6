"""Lines of the scorecard whose verdict differs from that of the night published before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onestop.alerts.alert import Alert
from onestop.alerts.lines import in_both, line, of_both
from onestop.figures.scorecard.turned import read_turned
from onestop.schema.number_text import measured, target_text, whole
from onestop.schema.reference import read_reference

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

    from onestop.alerts.alert import AlertLine
    from onestop.schema.number_text import Language
    from onestop.warehouse import Warehouse

_VERDICTS = {
    "met": ("đạt", "met"),
    "not_met": ("không đạt", "not met"),
    "no_data": ("không có số liệu", "no data"),
}


def turned_verdicts(warehouse: Warehouse, night: dt.date, before: dt.date) -> Iterator[Alert]:
    """Lines of the scorecard that fell below their target, and other verdicts that turned."""
    rows = read_turned(warehouse, before, night)
    fell = [_fallen(row) for row in rows if _has_fallen(row)]
    turned = [each for row in rows if not _has_fallen(row) for each in _turned(row)]
    for code, lines in (("below_target", fell), ("verdict_turned", turned)):
        if lines:
            yield Alert(code, night, tuple(lines), {"lines": len(lines)}, previous=before)


def _has_fallen(row: Mapping[str, Any]) -> bool:
    return (row["status_before"], row["status_after"]) == ("met", "not_met")


def _fallen(row: Mapping[str, Any]) -> AlertLine:
    """A figure that fell below its target: before, after, and the target."""
    return line(
        f"{_name(row)} {row['numerator_after']}/{row['denominator_after']}",
        "figure",
        title=of_both(row, "title"),
        unit=of_both(row, "label"),
        before=_figure(row, "before"),
        after=_figure(row, "after"),
        target=in_both(
            lambda lang: target_text(row["target"], row["comparison"], row["unit_of_measure"], lang)
        ),
    )


def _turned(row: Mapping[str, Any]) -> Iterator[AlertLine]:
    """The verdict before and after; where it is the same, how firm it is."""
    for name, words in (("status", _VERDICTS), ("firmness", _firmness())):
        before, after = row[f"{name}_before"], row[f"{name}_after"]
        if before != after and {before, after} <= words.keys():
            yield line(
                f"{_name(row)} {before} {after}",
                "verdict",
                title=of_both(row, "title"),
                unit=of_both(row, "label"),
                before=words[before],
                after=words[after],
            )
            return


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['indicator_code']} {row['unit_code']}"


def _firmness() -> dict[str, tuple[str, str]]:
    return {str(row["firmness"]): of_both(row, "label") for row in read_reference()["firmness"]}


def _figure(row: Mapping[str, Any], side: str) -> tuple[str, str]:
    """A figure in both languages; a rate with the integers that it is made of."""
    numerator, denominator = row[f"numerator_{side}"], row[f"denominator_{side}"]

    def text(lang: Language) -> str:
        value, unit = row[f"value_{side}"], row["unit_of_measure"]
        shown = measured(numerator, denominator, value, unit, lang, row["target"])
        if unit != "percent" or not denominator:
            return shown
        return f"{shown} ({whole(numerator, lang)}/{whole(denominator, lang)})"

    return in_both(text)

"""Declared figures: every declaration, by ``sql/mart/indicator/declared.sql``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onestop.figures.explain.items import DELIVERIES, Explainer, Kind, counted, reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onestop.figures.explain.items import CountedItem, Question

DECLARATION = Kind(
    name="declarations",
    code="document_number",
    facts=(
        "document_date",
        "declared_start",
        "declared_end",
        "declared_numerator",
        "declared_denominator",
    ),
    shown=(
        "document_date",
        "declared_start",
        "declared_end",
        "declared_numerator",
        "declared_denominator",
    ),
)

_REASONS = {
    "declared": (
        "Khai báo mới nhất trong kỳ, đến ngày {declared_end}",
        "The latest declared within the span, up to {declared_end}",
    ),
    "declared_value_only": (
        "Khai báo mới nhất trong kỳ, nhưng không có tử số và mẫu số: chưa thành số liệu",
        "The latest declared within the span, but without numerator and denominator: no figure",
    ),
    "superseded": (
        "Có khai báo mới hơn, đến ngày {latest_end}",
        "A later one was declared, up to {latest_end}",
    ),
    "replaced": (
        "Đã được thay hoặc rút lại ngày {valid_to}",
        "Replaced or taken back on {valid_to}",
    ),
    "not_over": (
        "Khai đến ngày {declared_end}: chưa hết vào cuối kỳ",
        "Declared up to {declared_end}: not over at the end of the span",
    ),
    "before": (
        "Khai đến ngày {declared_end}: trước kỳ",
        "Declared up to {declared_end}: before the span",
    ),
}


def _declarations(question: Question) -> Iterator[CountedItem]:
    """The role of each declaration of the indicator in its figure."""
    ranked = question.marts.step("indicator/declared", "ranked")
    rows = question.warehouse.rows(
        "select declared.*, declared.numerator as declared_numerator,"
        " declared.denominator as declared_denominator, delivery.file_name,"
        " max(case when declared.declaration_state = 'current' then declared.declared_end end)"
        " over () as latest_end"
        f" from {ranked} as declared"
        f" left join ({DELIVERIES}) as delivery on declared.delivery_id = delivery.delivery_id"
        " where declared.indicator_code = :indicator and declared.unit_code = :unit",
        {"indicator": question.indicator, "unit": question.unit.unit_code},
    )
    for row in rows:
        code = _reason_code(row)
        why = reason(
            _REASONS,
            code,
            **{name: row[name] for name in ("declared_end", "latest_end", "valid_to")},
        )
        if code in {"declared", "declared_value_only"}:
            amounts = row["numerator"], row["denominator"]
            yield counted(DECLARATION, row, "numerator", why, amounts)
        else:
            yield counted(DECLARATION, row, "left_out", why)


def _reason_code(row: dict[str, Any]) -> str:
    if row["declaration_state"] != "current":
        return str(row["declaration_state"])
    if row["state_rank"] > 1:
        return "superseded"
    return "declared_value_only" if row["numerator"] is None else "declared"


DECLARED = Explainer(DECLARATION, ("declared",), _declarations)

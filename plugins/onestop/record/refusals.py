"""Refused deliveries in the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop.record.settlements import (
    NO_ROWS,
    first_open_night,
    insert_settlement,
    note_settlement,
)

if TYPE_CHECKING:
    from pathlib import Path

    from onestop.intake.delivery import Delivery
    from onestop.warehouse import Warehouse


def record_refusal(
    warehouse: Warehouse,
    delivery: Delivery,
    *,
    staged: Path | None = None,
    rule_code: str,
    reason_vi: str,
    reason_en: str,
) -> None:
    """Record that a delivery was refused, and why; an identical refusal is recorded once.

    Args:
        warehouse: open for writing.
        delivery: the delivery.
        staged: its staged file with the gate's tables, if it was validated.
        rule_code: the rule that refused it.
        reason_vi: the reason in Vietnamese.
        reason_en: the reason in English.
    """
    known = warehouse.value(
        "select count(*) from audit.delivery where delivery_id = :delivery_id"
        " and (state = 'loaded' or (refused_rule = :rule_code and reason_en = :reason_en))",
        {"delivery_id": delivery.delivery_id, "rule_code": rule_code, "reason_en": reason_en},
    )
    if known:
        return
    known_from = first_open_night(warehouse, delivery.night)
    refusal = {"refused_rule": rule_code, "reason_vi": reason_vi, "reason_en": reason_en}
    if staged is None:
        with warehouse.transaction():
            insert_settlement(warehouse, delivery, known_from, "refused", {**NO_ROWS, **refusal})
        return
    with warehouse.staged(staged) as prefix, warehouse.transaction():
        note_settlement(warehouse, delivery, prefix, known_from, state="refused", more=refusal)

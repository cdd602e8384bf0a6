"""Waiting time: every ticket of the visits to the desks, by ``sql/mart/visit.sql``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onestop.figures.explain.items import DELIVERIES, Explainer, Kind, counted, reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onestop.figures.explain.items import CountedItem, Question, Reason

TICKET = Kind(
    name="tickets",
    code="ticket_code",
    facts=("visit_code", "issued_at", "called_at", "wait_seconds"),
    shown=("unit_code", "issued_at", "called_at", "wait_seconds"),
)

#: For each method, the column of the wait.
_WAITS = {
    "visit_mean": "wait_seconds",
    "visit_mean_from_opening": "wait_seconds_from_opening",
}
_REASONS = {
    "called": ("Được gọi: tính từ lúc lấy số đến lần gọi đầu", "Called: from issue to first call"),
    "before_opening_visit_mean": (
        "Lấy số trước giờ mở cửa, được gọi: tính từ lúc lấy số",
        "Issued before opening, called: counted from issue",
    ),
    "before_opening_visit_mean_from_opening": (
        "Lấy số trước giờ mở cửa, được gọi: chỉ tính từ giờ mở cửa",
        "Issued before opening, called: counted from opening only",
    ),
    "transferred": (
        "Chuyển từ phiếu {visit}: thời gian chờ cộng vào lượt đó, không phải lượt mới",
        "Transferred from ticket {visit}: its wait adds to that visit; it is not a separate visit",
    ),
    "transferred_left_out": (
        "Chuyển từ phiếu {visit}: lượt đó không tính",
        "Transferred from ticket {visit}: that visit is not counted",
    ),
    "no_show": (
        "Bỏ lượt hoặc không đến khi được gọi: không có thời gian chờ",
        "Skipped or did not come when called: no wait",
    ),
    "not_called": ("Chưa được gọi: không có thời gian chờ", "Never called: no wait"),
    "invalid": (
        "Lượt có thời gian chờ âm hoặc dài hơn mức tối đa (ref.counting_rule): dữ liệu sai",
        "A wait of this visit is below zero or above the longest (ref.counting_rule): bad data",
    ),
    "reprinted": (
        "Phiếu in lại: chưa từng được gọi; phiếu kế tiếp cùng nơi, cùng dịch vụ đã được gọi",
        "Reprinted: never called; the next one of the same desk and service soon after was called",
    ),
}


def _tickets(question: Question) -> Iterator[CountedItem]:
    """The role of each ticket of the span's visits in the average wait."""
    marts = question.marts
    rows = question.warehouse.rows(
        "select part.ticket_code, visit.ticket_code as visit_code, visit.unit_code,"
        " visit.visit_outcome, part.is_before_opening, ticket.issued_at, ticket.called_at,"
        f" part.{_WAITS[question.method]} as wait_seconds,"
        " ticket.delivery_id, delivery.file_name, ticket.row_number"
        f" from {marts.step('counted_visit', 'part')} as part"
        f" inner join {marts.relation('mart.visit')} as visit"
        " on part.first_code = visit.ticket_code"
        f" inner join {marts.relation('core.visit_history')} as ticket"
        " on part.ticket_code = ticket.ticket_code and ticket.valid_from <= :night"
        " and (ticket.valid_to is null or ticket.valid_to > :night)"
        f" left join ({DELIVERIES}) as delivery on ticket.delivery_id = delivery.delivery_id"
        f" where {question.unit.condition('visit')}"
        " and visit.issued_date between :first and :until",
        {"night": question.night, "first": question.first, "until": question.until},
    )
    for row in rows:
        is_first = row["ticket_code"] == row["visit_code"]
        why = _why(row, question.method, is_first=is_first)
        if row["visit_outcome"] == "called":
            yield counted(TICKET, row, "numerator", why, (row["wait_seconds"] or 0, int(is_first)))
        else:
            yield counted(TICKET, row, "left_out", why)


def _why(row: dict[str, Any], method: str, *, is_first: bool) -> Reason:
    is_called = row["visit_outcome"] == "called"
    if not is_first:
        code = "transferred" if is_called else "transferred_left_out"
        return reason(_REASONS, code, visit=row["visit_code"])
    if is_called and row["is_before_opening"]:
        return reason(_REASONS, f"before_opening_{method}")
    return reason(_REASONS, row["visit_outcome"])


WAITING = Explainer(TICKET, tuple(_WAITS), _tickets)

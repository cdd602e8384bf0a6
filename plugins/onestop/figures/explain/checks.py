"""What the decrees forbid and the record shows: each dossier that was found, and why.

They come from ``mart.decree_check``, the texts from ``ref.decree_check``. The dossiers found with
certainty are those of ``found_strong`` in ``mart.decree_check_count``; the possible ones are listed
beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onestop.figures.explain.items import DELIVERIES, Kind, counted, reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from onestop.figures.explain.items import CountedItem, Question
    from onestop.warehouse import Warehouse

#: The method of a check, in the place of a counting method.
FOUND = "found"
#: The kind of its items.
CHECKED = Kind(
    name="dossiers",
    code="dossier_code",
    facts=("received_date", "event_date", "limit_date", "last_seen_night"),
)
#: Why a finding is not certain, by ``doubt_code``; ``{seen}`` is the source's export before.
_DOUBTS: Mapping[str, tuple[str, str]] = {
    "export_gap": (
        "nguồn xuất dữ liệu lần trước ngày {seen}",
        "the previous export of the source was on {seen}",
    ),
    "first_seen": (
        "hồ sơ đã chờ bổ sung khi nguồn xuất lần đầu",
        "it waited for a supplement when it was first exported",
    ),
    "second_request": (
        "yêu cầu bổ sung lần thứ hai, có thể tính từ lần bổ sung trước",
        "a second supplement, which may count from the first one",
    ),
    "was_waiting": (
        "hồ sơ đã hoặc có thể đã tạm dừng từ trước hạn trả",
        "it was paused, or may have been, since before its due date",
    ),
    "by_catalogue": (
        "so với thời hạn trong danh mục thủ tục",
        "by the time limit in the catalogue of procedures",
    ),
}


def check_codes(warehouse: Warehouse) -> list[str]:
    """The checks; none while an earlier release, which had none, has published last."""
    if "decree_check" not in warehouse.tables("ref"):
        return []
    rows = warehouse.rows(
        "select check_code, min(position) as position from ref.decree_check"
        " group by check_code order by position"
    )
    return [row["check_code"] for row in rows]


def read_check(
    warehouse: Warehouse, code: str, relation: str = "ref.decree_check"
) -> Mapping[str, Any] | None:
    """The row of ``ref.decree_check`` as last valid; None where there is no such check.

    Args:
        warehouse: from :func:`onestop.marts.published.open_published`.
        code: of the check.
        relation: that holds the table as of the night asked about.
    """
    if code not in check_codes(warehouse):
        return None
    rows = warehouse.rows(
        "select check_code, label_vi, label_en, finding_vi, finding_en, source_clause"
        f" from {relation} where check_code = :code order by valid_from desc nulls last",
        {"code": code},
    )
    return rows[0]


def _finding(check: Mapping[str, Any], code: str) -> tuple[str, str]:
    """What was found, in Vietnamese and English, with ``{name}`` for what differs among dossiers.

    Args:
        check: from :func:`read_check`.
        code: ``found``, or why it is not certain.
    """
    vi, en = check["finding_vi"], check["finding_en"]
    if code == FOUND:
        return vi, en
    doubt_vi, doubt_en = _DOUBTS[code]
    return f"{vi}. Chưa chắc chắn: {doubt_vi}", f"{en}. Not certain: {doubt_en}"


def finding_texts(question: Question, codes: Iterable[str]) -> dict[str, tuple[str, str]]:
    """What a check finds in all dossiers of each reason, in Vietnamese and English.

    Args:
        question: about a check.
        codes: of the reasons.
    """
    relation = question.marts.relation("ref.decree_check")
    check = read_check(question.warehouse, question.indicator, relation)
    assert check is not None  # noqa: S101 - the question was asked about a check
    return {code: _finding(check, code) for code in codes}


def find_checked(question: Question) -> Iterator[CountedItem]:
    """The dossiers found within the span: with certainty, and possibly."""
    marts = question.marts
    check = read_check(question.warehouse, question.indicator, marts.relation("ref.decree_check"))
    assert check is not None  # noqa: S101 - the question was asked about a check
    rows = question.warehouse.rows(
        "select found.dossier_code, found.unit_code, found.doubt_code, found.received_date,"
        " found.event_date, found.limit_date, found.last_seen_night, found.delivery_id,"
        " delivery.file_name, found.row_number"
        f" from {marts.relation('mart.decree_check')} as found"
        f" left join ({DELIVERIES}) as delivery on found.delivery_id = delivery.delivery_id"
        " where found.check_code = :code and found.event_date between :first and :until"
        f" and {question.unit.condition('found')}",
        {"code": question.indicator, "first": question.first, "until": question.until},
    )
    for row in rows:
        code = row["doubt_code"] or FOUND
        why = reason(
            {code: _finding(check, code)},
            code,
            received=row["received_date"],
            event=row["event_date"],
            limit=row["limit_date"],
            seen=row["last_seen_night"],
        )
        yield counted(CHECKED, row, "numerator" if code == FOUND else "left_out", why)

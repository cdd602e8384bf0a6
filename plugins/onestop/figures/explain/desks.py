"""Roll-out of digitisation: every One-Stop desk of a level, by ``sql/mart/digitisation.sql``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from onestop.figures.explain.items import DELIVERIES, Explainer, Kind, counted, reason
from onestop.marts.published import QuestionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onestop.figures.explain.items import CountedItem, Question, Role

DESK = Kind(
    name="units",
    code="unit_code",
    facts=("unit_name", "digitisation_date"),
    shown=("unit_name", "digitisation_date"),
)

_ROLES: Mapping[str, Role] = {"digitising": "numerator", "not_digitising": "denominator"}
_REASONS = {
    "digitising": (
        "Quy trình số hóa triển khai từ ngày {since}",
        "Digitisation process in use since {since}",
    ),
    "not_digitising": (
        "Sổ đơn vị không ghi ngày triển khai quy trình số hóa",
        "The register gives no go-live date of the digitisation process",
    ),
    "digitising_later": (
        "Quy trình số hóa triển khai ngày {since}, sau kỳ",
        "Digitisation process in use since {since}, after the span",
    ),
    "no_one_stop": (
        "Sổ đơn vị ghi không có Bộ phận Một cửa",
        "The register says that it has no One-Stop desk",
    ),
    "undated": (
        "Sổ đơn vị không ghi ngày triển khai số hóa của đơn vị nào: không có số liệu",
        "The register gives no unit's go-live date of the digitisation process: no data",
    ),
    "not_begun": ("Chưa hoạt động vào cuối kỳ", "Did not exist yet at the end of the span"),
    "ended": ("Đã hết hoạt động vào cuối kỳ", "No longer existed at the end of the span"),
    "registered_later": (
        "Có trong sổ đơn vị từ ngày {registered_from}, sau kỳ",
        "In the register since {registered_from}, after the span",
    ),
    "registered_no_more": (
        "Không còn trong sổ đơn vị từ ngày {registered_to}",
        "No longer in the register since {registered_to}",
    ),
}


def _desks(level: str, question: Question) -> Iterator[CountedItem]:
    """The role of each unit of the level in its roll-out, at the end of the span."""
    if (question.unit.scope, question.unit.level) != ("level", level):
        raise QuestionError(
            f"{question.indicator} counts the desks of one level",
            remedy=f"ask for {level.upper()}",
        )
    for row in _registered(question):
        state = row["desk_state"]
        is_later = state == "not_digitising" and row["digitisation_date"] is not None
        code = "digitising_later" if is_later else state
        if state in _ROLES and not row["units_with_date"]:
            state = code = "undated"
        why = reason(_REASONS, code, since=row["digitisation_date"])
        yield counted(DESK, row, _ROLES.get(state, "left_out"), why)
    for row in _not_registered(question):
        code = "registered_later" if row["valid_from"] > question.until else "registered_no_more"
        why = reason(
            _REASONS, code, registered_from=row["valid_from"], registered_to=row["valid_to"]
        )
        yield counted(DESK, row, "left_out", why)


def _registered(question: Question) -> list[dict[str, Any]]:
    registered = question.marts.step("digitisation", "registered")
    return _with_file(question, f"select * from {registered}")


def _not_registered(question: Question) -> list[dict[str, Any]]:
    """Units in the register by the night, but not on the last day of the span."""
    registered = question.marts.step("digitisation", "registered")
    return _with_file(
        question,
        "select known.* from (select u.*, row_number() over (partition by unit_code"
        " order by valid_from desc) as version_rank"
        f" from {question.marts.relation('core.unit_history')} as u"
        f" where valid_from <= date '{question.night}') as known"
        f" left join {registered} as registered on known.unit_code = registered.unit_code"
        " where known.version_rank = 1 and registered.unit_code is null",
    )


def _with_file(question: Question, units: str) -> list[dict[str, Any]]:
    return question.warehouse.rows(
        f"select unit.*, delivery.file_name from ({units}) as unit"
        f" left join ({DELIVERIES}) as delivery on unit.delivery_id = delivery.delivery_id"
        f" where {question.unit.condition('unit')}"
    )


ROLLOUTS = {
    f"digitisation_rollout_{level}": Explainer(DESK, ("share",), partial(_desks, level))
    for level in ("district", "commune")
}

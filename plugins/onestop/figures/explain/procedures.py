"""Shares of the catalogue: every procedure, by ``sql/mart/procedure_provision.sql``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from onestop.figures.explain.items import DELIVERIES, Explainer, Kind, counted, reason
from onestop.marts.published import QuestionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onestop.figures.explain.items import CountedItem, Question, Role

PROCEDURE = Kind(
    name="procedures",
    code="procedure_code",
    facts=("procedure_name", "authority_level", "service_level", "published_date", "listed_from"),
    shown=("procedure_name", "authority_level", "service_level", "published_date"),
)


@dataclass(frozen=True)
class _Share:
    """A share of procedures: columns of ``procedure_provision.marked``, and a reason for each role.

    Attributes:
        numerator: the column that is true for procedures in the numerator.
        denominator: the column that is true for procedures in the denominator.
        yes: reason for those in the numerator.
        no: reason for those in the denominator only.
        out: reason for those left out; internal procedures have a reason of their own.
        stated: the column with the number of procedures for which the catalogue has the value;
            while it is zero, nothing is counted.
    """

    numerator: str
    denominator: str
    yes: str
    no: str
    out: str = "internal"
    stated: str | None = None


_SHARES: Mapping[str, _Share] = {
    "procedures_published_rate": _Share(
        "is_counted_published",
        "is_counted",
        "published",
        "not_published",
        stated="publication_stated",
    ),
    "level4_provision_rate": _Share(
        "is_eligible_at_level4",
        "is_eligible",
        "at_level4",
        "not_at_level4",
        "not_eligible",
        stated="level_stated",
    ),
    "internal_procedures_published_rate": _Share(
        "is_internal_published",
        "is_internal",
        "published",
        "not_published",
        "not_internal",
        stated="publication_stated",
    ),
    "online_procedure_share": _Share(
        "is_online", "is_counted", "online", "not_online", stated="level_stated"
    ),
    "online_procedure_used_share": _Share(
        "is_online_used", "is_online", "used_online", "not_used_online", "not_online"
    ),
}
_REASONS = {
    "published": ("Đã công khai đầy đủ", "Published completely"),
    "not_published": ("Chưa công khai đầy đủ", "Not published completely"),
    "at_level4": (
        "Đủ điều kiện và đang cung cấp mức độ 4",
        "Eligible for level 4 and provided at it",
    ),
    "not_at_level4": (
        "Đủ điều kiện mức độ 4, đang ở mức độ {level}",
        "Eligible for level 4, provided at level {level}",
    ),
    "not_eligible": (
        "Không thuộc danh sách đủ điều kiện mức độ 4",
        "Not on the list of procedures eligible for level 4",
    ),
    "online": ("Đang cung cấp mức độ {level}", "Provided at level {level}"),
    "not_online": (
        "Đang ở mức độ {level}, không phải mức độ 3, 4",
        "Provided at level {level}, not at level 3 or 4",
    ),
    "used_online": (
        "Có hồ sơ trực tuyến được tiếp nhận trong kỳ",
        "With a dossier received online in the span",
    ),
    "not_used_online": (
        "Không có hồ sơ trực tuyến nào được tiếp nhận trong kỳ",
        "Without any dossier received online in the span",
    ),
    "unstated": (
        "Danh mục không ghi nội dung này ở thủ tục nào: không có số liệu",
        "The catalogue states this for no procedure: no data",
    ),
    "internal": ("Thủ tục nội bộ: tính riêng", "An internal procedure: counted separately"),
    "not_internal": ("Không phải thủ tục nội bộ", "Not an internal procedure"),
    "same_procedure": (
        "Cùng một thủ tục với {other}: chỉ tính một lần",
        "The same procedure as {other}: counted once",
    ),
    "listed_later": (
        "Có trong danh mục từ ngày {listed_from}, sau kỳ",
        "In the catalogue since {listed_from}, after the span",
    ),
    "listed_no_more": (
        "Không còn trong danh mục từ ngày {listed_to}",
        "No longer in the catalogue since {listed_to}",
    ),
}


def _procedures(share: _Share, question: Question) -> Iterator[CountedItem]:
    """The role of each procedure of the catalogue in a share, at the end of the span."""
    if question.unit.scope == "unit":
        raise QuestionError(
            "a procedure belongs to a level of government, not to one unit",
            remedy="ask for CITY, DEPARTMENT, DISTRICT or COMMUNE",
        )
    for row in _in_force(question):
        role, code = _role(share, row)
        if role != "left_out" and share.stated and not row[share.stated]:
            role, code = "left_out", "unstated"
        yield counted(PROCEDURE, row, role, reason(_REASONS, code, level=row["service_level"]))
    for row in _listed_twice(question):
        why = reason(_REASONS, "same_procedure", other=row["other_code"])
        yield counted(PROCEDURE, row, "left_out", why)
    for row in _not_in_force(question):
        code = "listed_later" if row["listed_from"] > question.until else "listed_no_more"
        why = reason(_REASONS, code, listed_from=row["listed_from"], listed_to=row["listed_to"])
        yield counted(PROCEDURE, row, "left_out", why)


def _role(share: _Share, row: Mapping[str, Any]) -> tuple[Role, str]:
    if row[share.numerator]:
        return "numerator", share.yes
    if row[share.denominator]:
        return "denominator", share.no
    return "left_out", "internal" if row["is_internal"] else share.out


def _in_force(question: Question) -> list[dict[str, Any]]:
    marked = question.marts.step("procedure_provision", "marked")
    return _with_evidence(
        question,
        "select marked.*, marked.authority_level as unit_level, marked.valid_from as listed_from"
        f" from {marked} as marked",
    )


def _listed_twice(question: Question) -> list[dict[str, Any]]:
    """The same procedure under another code, on the last day of the span."""
    described = question.marts.step("catalogue", "described")
    marked = question.marts.step("procedure_provision", "marked")
    return _with_evidence(
        question,
        "select other.*, other.authority_level as unit_level, other.valid_from as listed_from,"
        " marked.procedure_code as other_code"
        f" from {described} as other inner join {marked} as marked"
        " on other.procedure_key = marked.procedure_key"
        " and other.valid_from = marked.valid_from and other.choice > 1",
    )


def _not_in_force(question: Question) -> list[dict[str, Any]]:
    """Procedures in the catalogue by the night, but not on the last day of the span."""
    catalogue = question.marts.relation("mart.catalogue")
    marked = question.marts.step("procedure_provision", "marked")
    return _with_evidence(
        question,
        "select known.*, known.authority_level as unit_level, known.valid_from as listed_from,"
        " known.valid_to as listed_to"
        " from (select c.*, row_number() over (partition by procedure_key"
        f" order by valid_from desc) as version_rank from {catalogue} as c) as known"
        f" left join {marked} as marked on known.procedure_key = marked.procedure_key"
        " where known.version_rank = 1 and marked.procedure_key is null",
    )


def _with_evidence(question: Question, procedures: str) -> list[dict[str, Any]]:
    """The procedures of a query that concern the level, with delivery and row number."""
    version = question.marts.relation("core.procedure_history")
    rows = question.warehouse.rows(
        "select listed.*, upper(listed.authority_level) as unit_code, version.published_date,"
        " version.delivery_id, delivery.file_name, version.row_number"
        f" from ({procedures}) as listed"
        f" left join {version} as version on listed.procedure_code = version.procedure_code"
        " and version.valid_from <= listed.valid_from"
        " and (version.valid_to is null or version.valid_to > listed.valid_from)"
        f" left join ({DELIVERIES}) as delivery on version.delivery_id = delivery.delivery_id"
        f" where {question.unit.condition('listed')}"
    )
    # while counting, level 0 stands for one that the catalogue does not say
    return [row | {"service_level": row["service_level"] or None} for row in rows]


PROCEDURES = {
    indicator: Explainer(PROCEDURE, ("share",), partial(_procedures, share))
    for indicator, share in _SHARES.items()
}

"""Rates of dossiers: each one counted or left out, at the end of the span.

The dossiers come from the same SELECTs of ``sql/mart`` as the figures. ``mart.dossier_period``
gives the role of each dossier by each method of the on-time rate, ``ref.period_class`` the reasons.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from onestop.figures.explain.items import DELIVERIES, Explainer, Kind, counted, reason
from onestop.figures.explain.readings import Reading, read_readings
from onestop.marts.published import refuse_earlier_release

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onestop.figures.explain.items import CountedItem, Question, Role

DOSSIER = Kind(
    name="dossiers",
    code="dossier_code",
    facts=("received_date", "due_date", "closed_date"),
    shown=("received_date", "due_date", "closed_date"),
)

ON_TIME = "on_time_rate"
#: Methods of the on-time rate, with the columns of ``mart.dossier_period`` that hold the class and
#: the due date by which each of them judges; the role is in ``<method>_role``.
_BY_CURRENT = ("class_at_end", "due_date")
ON_TIME_METHODS: Mapping[str, tuple[str, str]] = {
    "cohort": _BY_CURRENT,
    "cohort_first_due": ("class_by_first_due", "first_due_date"),
    "form_06": _BY_CURRENT,
    "form_06_thanh_hoa": _BY_CURRENT,
    "qd_766": _BY_CURRENT,
    "load": _BY_CURRENT,
    "due": _BY_CURRENT,
}

#: The reasons that are not those of a class at the end of a period; ``{…}`` are values.
_REASONS: dict[str, tuple[str, str]] = {
    "withdrawn": ("Người nộp rút hồ sơ ngày {closed}", "Withdrawn {closed}"),
    "returned_unprocessed": (
        "Trả lại, không giải quyết, ngày {closed}",
        "Returned unprocessed {closed}",
    ),
    "refused_at_intake": (
        "Không được tiếp nhận: không tính ở mọi cách đếm",
        "Refused at intake: counted by no method",
    ),
    "by_online": ("Nộp trực tuyến", "Submitted online"),
    "by_counter": ("Nộp trực tiếp tại quầy", "Handed in at the counter"),
    "by_post": ("Nộp qua dịch vụ bưu chính", "Sent by post"),
    "by_other": ("Nộp qua kênh khác hoặc không rõ kênh", "By another or an unknown channel"),
    **{
        f"level_{level}": (
            f"Mức độ {level}: không thuộc chỉ tiêu",
            f"Level {level}: not part of the target",
        )
        for level in range(1, 5)
    },
    "level_unknown": ("Không rõ mức độ", "Its service level is not known"),
    "digitised": ("Kết quả ngày {closed} đã số hóa", "Result of {closed} is digitised"),
    "not_digitised": ("Kết quả ngày {closed} chưa số hóa", "Result of {closed} is not digitised"),
    "digitisation_unstated": (
        "Nguồn {source} không ghi việc số hóa kết quả ở hồ sơ nào: không có số liệu",
        "Source {source} states digitisation for no dossier: no data",
    ),
    "channel_unstated": (
        "Nguồn {source} không ghi kênh nộp ở hồ sơ nào: không có số liệu",
        "Source {source} states no channel for any dossier: no data",
    ),
    "no_result_document": (
        "Thủ tục không có kết quả bằng văn bản",
        "The procedure has no result document",
    ),
    "closed_otherwise": ("Kết thúc ngày {closed}, không rõ cách", "Ended {closed}, manner unknown"),
    "registered": (
        "Mới đăng ký, chưa được tiếp nhận: không tính ở mọi cách đếm",
        "Registered, not yet received: counted by no method",
    ),
}


def _on_time(question: Question) -> Iterator[CountedItem]:
    """The role of each dossier in the on-time rate, by a method or a reading."""
    marts, reasons = question.marts, _class_reasons(question)
    readings = read_readings(question.warehouse, marts)
    reading = readings.get(question.method, Reading(question.method, {}))
    class_column, due_column = ON_TIME_METHODS[reading.method]
    rows = question.warehouse.rows(
        "select dossier.dossier_code, dossier.unit_code, dossier.received_date,"
        f" dossier.{due_column} as due_date, dossier.closed_by_end_date as closed_date,"
        f" dossier.{class_column} as class_at_end, dossier.{reading.method}_role as role,"
        " evidence.delivery_id, delivery.file_name, evidence.row_number"
        f" from {marts.relation('mart.dossier_period')} as dossier"
        f" inner join {marts.relation('mart.dossier')} as evidence"
        " on dossier.dossier_code = evidence.dossier_code"
        f" left join ({DELIVERIES}) as delivery"
        " on evidence.delivery_id = delivery.delivery_id"
        f" where {question.unit.condition('dossier')}"
        f" and dossier.{reading.method}_role is not null"
    )
    for row in rows:
        role = reading.role(row["class_at_end"], row["role"])
        yield _with_reason(row, role, row["class_at_end"], reasons)
    yield from _never_received(question)


def _class_reasons(question: Question) -> Mapping[str, tuple[str, str]]:
    """The reason of each class on the last day of the span.

    Raises:
        QuestionError: an earlier release, which had no such classes, has published last.
    """
    refuse_earlier_release(question.warehouse)
    return {
        row["class_at_end"]: (row["reason_vi"], row["reason_en"])
        for row in question.warehouse.rows(
            "select class_at_end, reason_vi, reason_en"
            f" from {question.marts.relation('ref.period_class')}"
            " where (valid_from is null or valid_from <= :day)"
            " and (valid_to is null or valid_to > :day)",
            {"day": question.until},
        )
    }


def _online(levels: tuple[int, ...] | None, question: Question) -> Iterator[CountedItem]:
    """The role of each dossier received within the span in an online share."""
    for row in _standing(question, "received_date"):
        channel = row["channel"] or "other"
        if levels is not None and row["service_level"] not in levels:
            level = row["service_level"]
            code = "level_unknown" if level is None else f"level_{level}"
            yield _with_reason(row, "left_out", code)
        elif not row["is_channel_stated"]:
            yield _with_reason(row, "left_out", "channel_unstated")
        elif channel == "online":
            yield _with_reason(row, "numerator", "by_online")
        elif channel == "post" and question.method == "channel_without_post":
            yield _with_reason(row, "left_out", "by_post")
        else:
            yield _with_reason(row, "denominator", f"by_{channel}")
    yield from _never_received(question)


def _digitised(question: Question) -> Iterator[CountedItem]:
    """The role of each dossier closed within the span in the share of digitised results."""
    for row in _standing(question, "closed_date"):
        if row["closing_class"] != "resolved":
            yield _with_reason(row, "left_out", row["closing_class"] or "closed_otherwise")
        elif not row["has_result"]:
            yield _with_reason(row, "left_out", "no_result_document")
        elif not row["is_digitisation_stated"]:
            yield _with_reason(row, "left_out", "digitisation_unstated")
        elif row["is_digitised"]:
            yield _with_reason(row, "numerator", "digitised")
        else:
            yield _with_reason(row, "denominator", "not_digitised")


def _standing(question: Question, clock: str) -> list[dict[str, Any]]:
    """Dossiers received (or closed, by ``clock``) within the span, as known that night."""
    marts = question.marts
    return question.warehouse.rows(
        "select dossier.dossier_code, dossier.unit_code, dossier.received_date,"
        " dossier.due_date, dossier.closed_date, dossier.channel, dossier.closing_class,"
        " coalesce(dossier.service_level, listed.service_level) as service_level,"
        " coalesce(dossier.result_digitised, false) as is_digitised,"
        f" {_stated_by_source(question, 'channel')} as is_channel_stated,"
        f" {_stated_by_source(question, 'result_digitised')} as is_digitisation_stated,"
        " coalesce(listed.has_result, true) as has_result,"
        " dossier.delivery_id, delivery.file_name, dossier.row_number"
        f" from {marts.relation('mart.dossier')} as dossier"
        f" left join {marts.relation('mart.catalogue')} as listed"
        " on dossier.procedure_key = listed.procedure_key"
        f" and dossier.{clock} >= listed.holds_from"
        f" and (listed.valid_to is null or dossier.{clock} < listed.valid_to)"
        f" left join ({DELIVERIES}) as delivery on dossier.delivery_id = delivery.delivery_id"
        f" where dossier.is_received and {question.unit.condition('dossier')}"
        f" and dossier.{clock} between :first and :until",
        {"first": question.first, "until": question.until},
    )


def _stated_by_source(question: Question, column: str) -> str:
    """SQL: whether the dossier's source fills that column for any dossier."""
    return (
        "split_part(dossier.delivery_id, '.', 1) in (select split_part(delivery_id, '.', 1)"
        f" from {question.marts.relation('mart.dossier')} where {column} is not null)"
    )


def _never_received(question: Question) -> Iterator[CountedItem]:
    """Dossiers submitted or refused within the span that were never received."""
    marts = question.marts
    rows = question.warehouse.rows(
        "select dossier.dossier_code, dossier.unit_code, dossier.status,"
        " dossier.received_date, dossier.due_date, dossier.resolved_date as closed_date,"
        " dossier.delivery_id, delivery.file_name, dossier.row_number"
        f" from {marts.relation('mart.dossier')} as dossier"
        f" inner join {marts.relation('core.dossier_history')} as history"
        " on dossier.dossier_code = history.dossier_code"
        " and history.valid_from <= :night"
        " and (history.valid_to is null or history.valid_to > :night)"
        f" left join ({DELIVERIES}) as delivery"
        " on dossier.delivery_id = delivery.delivery_id"
        f" where not dossier.is_received and {question.unit.condition('dossier')}"
        " and cast(coalesce(history.received_at, history.submitted_at, history.resolved_at)"
        " as date) between :first and :last",
        {"night": question.night, "first": question.first, "last": question.last},
    )
    for row in rows:
        yield _with_reason(row, "left_out", row["status"])


def _with_reason(
    row: Mapping[str, Any],
    role: Role,
    code: str,
    reasons: Mapping[str, tuple[str, str]] | None = None,
) -> CountedItem:
    source = str(row["delivery_id"]).split(".", 1)[0]
    why = reason(
        reasons or _REASONS, code, due=row["due_date"], closed=row["closed_date"], source=source
    )
    return counted(DOSSIER, row, role, why)


_CHANNEL_METHODS = ("channel", "channel_without_post")
#: Indicators of the share of dossiers received online, with their service levels.
_ONLINE_LEVELS: Mapping[str, tuple[int, ...] | None] = {
    "online_share_level3": (3,),
    "online_share_level4": (4,),
    "online_share_level34": (3, 4),
    "online_share_all": None,
}

DOSSIERS = {
    ON_TIME: Explainer(DOSSIER, tuple(ON_TIME_METHODS), _on_time),
    "result_digitisation_rate": Explainer(DOSSIER, ("share",), _digitised),
    **{
        indicator: Explainer(DOSSIER, _CHANNEL_METHODS, partial(_online, levels))
        for indicator, levels in _ONLINE_LEVELS.items()
    },
}

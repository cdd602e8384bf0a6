"""The registers and the declared figures of the sample, as they stand on a night."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from onestop.sample.catalogue import PROCEDURES, Procedure
from onestop.sample.workdays import slashed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onestop.sample.offices import Office

_LEVEL_NAMES = {
    "department": "Sở, ban, ngành",
    "district": "Quận, huyện",
    "commune": "Xã, phường, thị trấn",
}

UNITS_HEADER = (
    "STT",
    "Mã đơn vị",
    "Tên đơn vị",
    "Cấp",
    "Mã đơn vị cấp trên",
    "Có Bộ phận Một cửa",
    "Có hệ thống lấy số",
    "Ngày triển khai số hóa",
    "Có hiệu lực từ",
    "Hết hiệu lực",
)

PROCEDURES_HEADER = (
    "STT",
    "Mã thủ tục",
    "Tên thủ tục hành chính",
    "Mã lĩnh vực",
    "Lĩnh vực",
    "Cấp giải quyết",
    "Mức độ",
    "Đủ điều kiện mức độ 4",
    "TTHC nội bộ",
    "Đã công khai",
    "Ngày quyết định công bố",
    "Ngày công khai",
    "Thời hạn (ngày làm việc)",
    "Có kết quả",
)

DECLARATIONS_HEADER = (
    "Mã chỉ tiêu",
    "Mã đơn vị",
    "Từ ngày",
    "Đến ngày",
    "Tử số",
    "Mẫu số",
    "Giá trị khai",
    "Số văn bản",
    "Ngày văn bản",
    "Ghi chú",
)

#: Figures that cannot be computed from dossiers: indicator, then how much of how much is done
#: at the end of each quarter. The others of this kind stay undeclared, as they often are.
_DECLARED: dict[str, tuple[tuple[int, int, int, int], int]] = {
    "plan_tasks_completed_rate": ((9, 20, 31, 39), 39),
    "government_tasks_completed_rate": ((58, 121, 184, 251), 252),
    "legal_documents_on_schedule_rate": ((11, 24, 37, 52), 52),
    "legal_documents_published_rate": ((11, 24, 36, 52), 52),
    "it_plan_tasks_completed_rate": ((5, 12, 19, 27), 28),
    "unit_it_plan_tasks_completed_rate": ((31, 84, 139, 203), 210),
    "personal_signature_rate": ((24, 29, 33, 35), 35),
    "results_2014_2020_digitised_rate": ((61_200, 148_900, 263_400, 391_750), 910_000),
}

_PERCENT = 100


def _yes(value: object) -> str:
    return "Có" if value else "Không"


def unit_rows(offices: Sequence[Office], night: dt.date) -> list[dict[str, str]]:
    """The register of units as it stands on that night."""
    rows = []
    for number, office in enumerate(offices, start=1):
        is_digitised = office.digitised_on is not None and office.digitised_on <= night
        values = (
            str(number),
            office.code,
            office.name,
            _LEVEL_NAMES[office.level],
            office.parent.code if office.parent else "",
            "Có",
            _yes(office.has_queue),
            slashed(office.digitised_on) if is_digitised else "",
            slashed(office.exists_since),
            "",
        )
        rows.append(dict(zip(UNITS_HEADER, values, strict=True)))
    return rows


def procedure_rows(night: dt.date) -> list[Sequence[str | int]]:
    """The catalogue as it stands on that night."""
    return [
        _procedure_row(number, procedure, night)
        for number, procedure in enumerate(PROCEDURES, start=1)
    ]


def _procedure_row(number: int, procedure: Procedure, night: dt.date) -> Sequence[str | int]:
    return (
        number,
        procedure.code,
        procedure.name,
        procedure.field_code,
        procedure.field_name,
        _LEVEL_NAMES[procedure.level],
        procedure.service_level(night.toordinal()),
        _yes(procedure.is_eligible),
        _yes(procedure.is_internal),
        _yes(procedure.published_on),
        slashed(procedure.decided_on),
        slashed(procedure.published_on),
        procedure.duration,
        "Có",
    )


def is_quarter_end(night: dt.date) -> bool:
    """Whether a quarter of the calendar ends on that day."""
    tomorrow = night + dt.timedelta(days=1)
    return tomorrow.day == 1 and tomorrow.month % 3 == 1


def declaration_rows(night: dt.date) -> list[dict[str, str]]:
    """What is declared for the year up to the last quarter that had ended by that night."""
    end = night
    while not is_quarter_end(end):
        end = end.replace(day=1) - dt.timedelta(days=1)
    quarter = (end.month - 1) // 3
    rows = []
    for number, (indicator, (done, whole)) in enumerate(_DECLARED.items(), start=1):
        values = (
            indicator,
            "CITY",
            slashed(end.replace(month=1, day=1)),
            slashed(end),
            str(done[quarter]),
            str(whole),
            f"{done[quarter] * _PERCENT / whole:.2f}",
            f"MẪU-{number:02d}/BC",
            slashed(end),
            "Số liệu mẫu, không phải số liệu thật",
        )
        rows.append(dict(zip(DECLARATIONS_HEADER, values, strict=True)))
    return rows

"""The exported record of a dossier: the national sync record, with strings only.

It has the personal fields of a real export, with placeholders.
"""

from __future__ import annotations

from typing import Any

from onestop.sample.life import CLOSED, REFUSED, RETURNED, Life, Version
from onestop.sample.workdays import stamp

Record = dict[str, Any]


def _supplements(version: Version) -> list[dict[str, str]]:
    supplement = version.supplement
    if supplement is None:
        return []
    return [
        {
            "HoSoBoSungId": stamp(supplement.asked),
            "NoiDungBoSung": "Bổ sung giấy tờ theo phiếu yêu cầu",
            "NgayBoSung": stamp(supplement.asked),
            "TrangThaiBoSung": "0" if supplement.due_after is None else "1",
            "NgayHenTraTruoc": stamp(supplement.due_before),
            "NgayHenTraMoi": stamp(supplement.due_after),
        }
    ]


def dossier_record(life: Life, version: Version) -> Record:
    """The sync record of one version of a dossier."""
    person = f"Người nộp {life.number:06d}"
    procedure = life.procedure
    is_closed = version.status in CLOSED
    results = (
        [{"TenGiayTo": "Kết quả giải quyết", "DuongDanTepTinKetQua": ""}]
        if version.result_digitised == "1"
        else []
    )
    return {
        "MaHoSo": life.code,
        "MaHoSoKhac": life.alias,
        "MaTTHC": procedure.code,
        "TenTTHC": procedure.name,
        "MaLinhVuc": procedure.field_code,
        "TenLinhVuc": procedure.field_name,
        "KenhThucHien": life.channel,
        "MucDo": life.service_level,
        "ChuHoSo": person,
        "SoGiayToChuHoSo": "000000000000",
        "LoaiDoiTuong": "1",
        "MaDoiTuong": "",
        "ThongTinKhac": "",
        "Email": f"nguoi.nop.{life.number:06d}@example.invalid",
        "Fax": "",
        "SoDienThoai": "0000000000",
        "DiaChi": "Địa chỉ mẫu",
        "TrichYeuHoSo": f"{procedure.name} - {person}",
        "NgayNopHoSo": stamp(life.submitted),
        "NgayTiepNhan": stamp(version.received),
        "NgayHenTra": stamp(version.due),
        "NgayHenTraBanDau": stamp(version.original_due),
        "TrangThaiHoSo": version.status,
        "NgayTra": stamp(version.returned),
        "ThongTinTra": "Trả tại Bộ phận Một cửa" if version.status == RETURNED else "",
        "HinhThuc": "0",
        "NgayKetThucXuLy": stamp(version.resolved),
        "NgayTuChoi": stamp(version.refused),
        "LoaiKetQua": version.outcome,
        "DonViTiepNhan": life.receiving.code,
        "DonViXuLy": life.resolving.code,
        "NoiNopHoSo": "2",
        "KetQuaDaSoHoa": version.result_digitised if is_closed else "",
        "HoSoCoThanhPhanSoHoa": "1" if life.has_digitised_papers else "0",
        "GhiChu": "Không đủ điều kiện tiếp nhận" if version.status == REFUSED else "",
        "NgayCapNhat": stamp(version.modified),
        "TaiLieuNop": [],
        "DanhSachLePhi": [],
        "DanhSachTepDinhKemKhac": [],
        "DanhSachHoSoBoSung": _supplements(version),
        "DanhSachGiayToKetQua": results,
        "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": "000000000000"}],
    }

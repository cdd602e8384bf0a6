"""Nouns that are counted."""

from __future__ import annotations

#: The Vietnamese noun of each English one, in the singular.
NOUNS: dict[str, str] = {
    "difference": "chỗ khác nhau",
    "dossier": "hồ sơ",
    "dossier row": "dòng hồ sơ",
    "file": "tệp",
    "landed file": "tệp đã nhận",
    "night": "đêm",
    "row": "dòng",
    "delivery": "tệp nhận",
    "figure": "con số",
    "kept package": "gói đã lưu",
    "more difference": "chỗ khác nữa",
    "more province": "tỉnh nữa",
    "province": "tỉnh",
    "more row": "dòng nữa",
    "refused file": "tệp từng bị từ chối",
    "ticket": "phiếu",
}

"""Sources of rules and codes, in English where they describe something.

The files of reference rows and of suites name each source in Vietnamese. Signs of decrees and
decisions (``NĐ 61/2018/NĐ-CP``) stay so in English texts, since they are official names; the words
beside them, such as those for article and annex, are English.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onestop.said import Language

#: In English, by the text of the file.
SOURCES = {
    "Báo cáo tháng 8/2021 tỉnh Vĩnh Phúc": "Report of August 2021, Vĩnh Phúc Province",
    "Biểu II.06a in từ phần mềm của Thanh Hóa": "Form II.06a as printed by Thanh Hóa's software",
    "Bản ghi đồng bộ hồ sơ với Cổng DVCQG": (
        "Dossier record as synchronised with the National Public Service Portal"
    ),
    "Bộ kiểm tra hồ sơ gây lỗi thống kê của hệ thống nguồn": (
        "The source system's own check for dossiers that make statistics wrong"
    ),
    "Chưa có văn bản; bằng một ngày làm việc": "No legal text yet; equals one working day",
    "Chưa có văn bản; chọn theo thông lệ thống kê": (
        "No legal text yet; chosen by statistical convention"
    ),
    "Chưa có văn bản; chọn thận trọng": "No legal text yet; the cautious choice",
    "Chọn một quý": "Chosen: one quarter",
    "Chọn để nhắc việc": "Chosen for reminders",
    "Chọn để trình bày": "Chosen for presentation",
    "Cách ước tính đơn giản": "Simple estimate",
    "Cách ước tính đơn giản; không theo mùa": "Simple estimate without seasons",
    "Giờ Việt Nam là UTC+7": "Vietnamese time is UTC+7",
    "Hệ thống nguồn": "Source system",
    "Mặc định của hai hệ thống một cửa": "Default of two one-stop systems",
    "Trang Một cửa điện tử tỉnh Gia Lai": "Electronic one-stop site of Gia Lai Province",
    "Tính từ số nguyên": "Computed from integers",
    "Tính từ số nguyên và ref.projection": "Computed from integers and ref.projection",
    "Tính từ số nguyên và số còn lại ước tính": "Computed from integers and the estimated rest",
    "Tổ hợp các cách đọc ở trên": "Combination of the readings above",
}

#: Words beside the signs of laws and decrees.
_WORDS = {
    "BLLĐ": "Labour Code",
    "Bộ luật Dân sự": "Civil Code",
    "Bộ luật Lao động": "Labour Code",
    "Biểu": "Form",
    "Phụ lục": "Annex",
    "khoản": "paragraph",
    "Điều": "Article",
    "dẫn chiếu từ": "referred to by",
    "lịch nghỉ Tết từng năm": "the days off of Tết, each year",
    "nhóm DVCTT": "group of online services",
    '"trong năm"': '"in the year"',
    "và một ngày liền kề": "and one adjacent day",
}
_WORD = re.compile("|".join(sorted(map(re.escape, _WORDS), key=len, reverse=True)))


def source_text(source: str | None, lang: Language) -> str:
    """The source of a rule or code in a language; empty without one.

    Args:
        source: ``source_clause`` of a reference row, or ``clause`` of a rule.
        lang: of the text.
    """
    text = source or ""
    if lang == "vi":
        return text
    return SOURCES.get(text) or _WORD.sub(lambda found: _WORDS[found[0]], text)

"""The reasons for which reading refuses a file, and the problems of a single row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onestop.schema.number_text import Language


@dataclass(frozen=True)
class FileRule:
    """One reason for refusing a whole file before its rows are validated."""

    code: str
    vi: str
    en: str


FILE_RULES: dict[str, FileRule] = {
    rule.code: rule
    for rule in (
        FileRule("FILE-F01", "Tệp rỗng; hãy xuất lại", "The file is empty; export it again"),
        FileRule(
            "FILE-F02",
            "Tệp hỏng, bị cắt cụt hoặc không đọc được; hãy xuất lại, hoặc cấp quyền đọc",
            "The file is damaged, cut short or unreadable; export it again, or permit reading it",
        ),
        FileRule(
            "FILE-F03",
            "Bảng mã cũ (TCVN3, VNI) hoặc không phải UTF-8; hãy xuất lại bằng Unicode UTF-8",
            "Legacy encoding (TCVN3, VNI) or not UTF-8; export it again as Unicode UTF-8",
        ),
        FileRule(
            "FILE-F04",
            "Không tìm thấy dòng tiêu đề hợp lệ theo ánh xạ; hãy xuất đủ cột, hoặc bổ sung ánh xạ",
            "No sound header that the mapping knows; export the columns, or extend the mapping",
        ),
        FileRule(
            "FILE-F05",
            "Tệp nén hoặc bảng tính không an toàn hay quá lớn; hãy nén riêng một tệp hoặc xuất CSV",
            "The archive or workbook is unsafe or too large; pack one file alone, or export CSV",
        ),
        FileRule(
            "FILE-F06",
            "Một dòng hoặc bản ghi quá dài; hãy xuất mỗi bản ghi trên một dòng",
            "A line or a record is too long; export one record a line",
        ),
        FileRule(
            "FILE-F07",
            "Định dạng không được hỗ trợ; hãy xuất JSON, CSV hoặc Excel",
            "The format is not supported; export JSON, CSV or Excel",
        ),
        FileRule(
            "FILE-F08",
            "Tệp thay đổi trong khi được đọc; lần chạy sau sẽ đọc lại",
            "The file changed while it was being read; the next run tries again",
        ),
        FileRule(
            "FILE-F09",
            "Không ghi được vào thư mục lưu gốc hoặc trung gian (đĩa đầy?); hãy xử lý rồi chạy lại",
            "The landing or staging folder cannot be written (disk full?); run again once it can",
        ),
        FileRule(
            "FILE-F10",
            "Thời điểm sửa tệp nằm ở tương lai; hãy chỉnh đồng hồ của máy xuất tệp rồi xuất lại",
            "The file's time of change lies in the future; set the exporting machine's clock right"
            " and export it again",
        ),
        FileRule(
            "FILE-F11",
            "Tên tệp có ký tự điều khiển, ký tự ẩn hoặc không phải UTF-8 (thay bằng \ufffd ở đây);"
            " hãy đổi tên tệp",
            "The file's name has control characters, hidden ones or bytes that are no UTF-8 (shown"
            " here as \ufffd); rename the file",
        ),
        FileRule(
            "FILE-F12",
            "Tên tệp khớp với hơn một ánh xạ; hãy sửa mẫu tên tệp trong ánh xạ",
            "The file's name fits more than one mapping; correct the name patterns of the mappings",
        ),
        FileRule(
            "FILE-F13",
            "Một trang tính hoặc bảng có vẻ chứa hồ sơ nhưng không đọc được như phần còn lại; hãy"
            " dùng cùng một dòng tiêu đề, hoặc xuất riêng từng tệp",
            "A sheet or table seems to hold records and cannot be read like the rest; give it the"
            " same column names, or export it as a file of its own",
        ),
        FileRule(
            "FILE-F14",
            "Tệp báo lỗi xuất dữ liệu thay vì (hoặc bên cạnh) danh sách; hãy xuất lại",
            "The file reports a failed export instead of, or beside, the list; export it again",
        ),
        FileRule(
            "FILE-F15",
            "Tên tệp gần giống tên tệp được chờ nhưng không khớp với ánh xạ nào; hãy đổi tên tệp",
            "The file's name is like an expected one but fits no mapping; rename the file",
        ),
    )
}

#: The codes with which ``read_problem`` begins, and their texts in Vietnamese and English.
ROW_PROBLEMS: dict[str, tuple[str, str]] = {
    "too_few_cells": ("Dòng thiếu ô so với tiêu đề", "The row has fewer cells than the header"),
    "too_many_cells": ("Dòng thừa ô so với tiêu đề", "The row has more cells than the header"),
    "broken_quotes": ("Dấu ngoặc kép sai chỗ trong dòng", "Misplaced quotation mark in the row"),
    "broken_json": ("Bản ghi không phải JSON hợp lệ", "The record is not valid JSON"),
    "not_a_record": ("Phần tử không phải là bản ghi", "The element is not a record"),
    "nested_value": (
        "Giá trị là danh sách hoặc đối tượng thay vì một giá trị đơn, ở khóa",
        "The value is a list or an object instead of a single value, in key",
    ),
    "repeated_key": (
        "Bản ghi có hai giá trị khác nhau cho cùng một khóa",
        "The record has two different values for the key",
    ),
    "error_value": (
        "Ô báo lỗi của bảng tính (#N/A, #REF!, công thức chưa được tính) ở cột",
        "A cell shows a spreadsheet's error (#N/A, #REF!, a formula not calculated) in column",
    ),
    "lost_digits": (
        "Mã có hơn 15 chữ số đã bị bảng tính lưu thành số và mất chữ số ở cột",
        "A spreadsheet stored a code of more than 15 digits as a number and lost digits, in column",
    ),
    "date_for_code": (
        "Mã đã bị bảng tính đổi thành ngày (hãy định dạng cột mã là văn bản) ở cột",
        "A spreadsheet has turned a code into a date (format the codes as text) in column",
    ),
    "not_text": ("Dòng chứa ký tự NUL", "The row contains NUL characters"),
}


class UnreadableError(Exception):
    """A file that cannot be read; the caller adds its name.

    Args:
        code: one of :data:`FILE_RULES`.
        detail: what was found and what to do, without any value of the file.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class DamagedError(UnreadableError):
    """A file that is damaged or ends too early; the caller adds its size.

    Args:
        detail: what is damaged, where, and what to do.
    """

    def __init__(self, detail: str) -> None:
        super().__init__("FILE-F02", detail)


def describe_problem(problem: str, lang: Language) -> str:
    """A row's ``read_problem`` as a text for people; an unknown one is returned unchanged."""
    kind, _, detail = problem.partition(" ")
    if kind not in ROW_PROBLEMS:
        return problem
    vi, en = ROW_PROBLEMS[kind]
    return f"{vi if lang == 'vi' else en} {detail}".rstrip()


def values_for_people(values: Mapping[str, Any], lang: Language) -> dict[str, Any]:
    """The values of a rejected row, with the text of its ``read_problem`` instead of the code."""
    return {
        name: describe_problem(value, lang) if name == "read_problem" and value else value
        for name, value in values.items()
    }

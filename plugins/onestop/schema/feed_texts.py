"""Names of feeds, kinds of files and values of their rows, for people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from onestop.schema.feeds import FEEDS

if TYPE_CHECKING:
    from onestop.schema.number_text import Language

FEED_NAMES: dict[str, dict[Language, str]] = {
    "dossiers": {"vi": "hồ sơ", "en": "dossiers"},
    "visits": {"vi": "phiếu lấy số", "en": "visits"},
    "procedures": {"vi": "thủ tục", "en": "procedures"},
    "units": {"vi": "đơn vị", "en": "units"},
    "declarations": {"vi": "số khai báo", "en": "declarations"},
}
KIND_NAMES: dict[str, dict[Language, str]] = {
    "delta": {"vi": "biến động trong ngày", "en": "changes of the day"},
    "snapshot": {"vi": "bản chụp toàn bộ", "en": "full snapshot"},
}

#: Names of what rules show beside the columns of a feed.
_BESIDE_COLUMNS: dict[str, dict[Language, str]] = {
    "night_date": {"vi": "Đêm", "en": "Night"},
    "read_problem": {"vi": "Lỗi khi đọc", "en": "Problem of reading"},
}
_AS_WRITTEN: dict[Language, str] = {"vi": "nguyên văn trong tệp", "en": "as written in the file"}


def column_name(feed: str, name: str, lang: Language) -> str:
    """The name of a value of a row: the meaning of its column without remarks.

    Args:
        feed: of the row.
        name: of the column; with ``_text`` it is the value as the file has it.
        lang: of the text.
    """
    if name in _BESIDE_COLUMNS:
        return _BESIDE_COLUMNS[name][lang]
    columns = {column.name: column for column in FEEDS[feed].columns} if feed in FEEDS else {}
    column = columns.get(name) or columns.get(name.removesuffix("_text"))
    if column is None:
        return name
    text = re.split(r" \(|[:;]", column.vi if lang == "vi" else column.en)[0]
    return text if column.name == name else f"{text}, {_AS_WRITTEN[lang]}"

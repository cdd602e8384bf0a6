"""The sentences of alerts, in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onestop.alerts.alert import AlertLine
from onestop.said import said_count
from onestop.schema.feed_texts import FEED_NAMES
from onestop.schema.number_text import day, percent, whole

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from onestop.schema.number_text import Language

_WORDS: dict[str, dict[Language, str]] = {
    "broken_rule": {"vi": "{code}: {message}: {rows}", "en": "{code}: {message}: {rows}"},
    "refused": {"vi": "{named}: {message}", "en": "{named}: {message}"},
    "refused_expected": {
        "vi": "{named}: {message}. Đêm chờ tệp này nên chưa được công bố",
        "en": "{named}: {message}. The night waits for this file and is not published",
    },
    "refused_volume": {
        "vi": "{named}: {message}. Nếu số này đúng: ghi đêm {night} vào"
        " sql/reference/volume_exception.csv rồi chạy `onestop replay`",
        "en": "{named}: {message}. If the number is right: enter night {night} in"
        " sql/reference/volume_exception.csv, then run `onestop replay`",
    },
    "no_file": {
        "vi": "{feed} ({source}): chưa nạp được tệp {names} nào",
        "en": "{feed} ({source}): no file {names} is loaded",
    },
    "published_without": {
        "vi": "{feed} ({source}): thiếu {files} so với ba ngày làm việc trước; đêm đã được"
        " công bố khi thiếu tệp, tệp đến sau được tính từ đêm tiếp theo",
        "en": "{feed} ({source}): {files} missing, compared with the three working days before; the"
        " night was published all the same; what comes later counts from the next night on",
    },
    "left_out": {
        "vi": "Nguồn bị bỏ qua vì ánh xạ lỗi: {subject}",
        "en": "A source is left out because its mapping is broken: {subject}",
    },
    "share": {
        "vi": "{feed} ({source}): {rejected} trên {read} dòng bị loại ({share}), thường là {usual};"
        " quy tắc: {rules}",
        "en": "{feed} ({source}): rows rejected {rejected} of {read} ({share}), usually {usual};"
        " rules: {rules}",
    },
    "tickets_replaced": {
        "vi": "{file}: {tickets} trùng mã với phiếu của đơn vị khác hoặc của ngày khác",
        "en": "{file}: {tickets} with the code of a ticket of another unit or day",
    },
    "figure": {
        "vi": "{title}, {unit}: {before} → {after}, mục tiêu {target}",
        "en": "{title}, {unit}: {before} → {after}, target {target}",
    },
    "verdict": {
        "vi": "{title}, {unit}: {before} → {after}",
        "en": "{title}, {unit}: {before} → {after}",
    },
    "signs": {"vi": "{unit}: {dossiers}", "en": "{unit}: {dossiers}"},
    "last_published": {
        "vi": "Người đọc vẫn thấy số liệu của đêm {night}",
        "en": "Readers still see the figures of night {night}",
    },
    "none_published": {"vi": "Chưa có đêm nào được công bố", "en": "No night is published yet"},
    "report_due": {
        "vi": "{title} ({code}): hạn cuối {last}",
        "en": "{title} ({code}): its last day is {last}",
    },
    "report_late": {
        "vi": "{title} ({code}): đã quá hạn cuối {last}",
        "en": "{title} ({code}): its last day was {last}",
    },
}


def in_both(text: Callable[[Language], str]) -> tuple[str, str]:
    """A text in Vietnamese and in English."""
    return text("vi"), text("en")


def of_both(row: Mapping[str, Any], name: str) -> tuple[str, str]:
    """The Vietnamese and the English column of a row."""
    return str(row[f"{name}_vi"] or ""), str(row[f"{name}_en"] or "")


def days(date: dt.date) -> tuple[str, str]:
    """A date in both languages."""
    return in_both(lambda lang: day(date, lang))


def count(number: int, noun: str = "") -> tuple[str, str]:
    """A number in both languages, with a noun of :data:`onestop.vietnamese.nouns.NOUNS`."""
    if noun:
        return in_both(said_count(number, noun).in_language)
    return in_both(lambda lang: whole(number, lang))


def feed_name(feed: str) -> tuple[str, str]:
    """The name of a feed in both languages; its code where it has none."""
    return in_both(lambda lang: FEED_NAMES.get(feed, {}).get(lang, feed))


def share(rate: Decimal) -> tuple[str, str]:
    """A rate 0–100 in both languages."""
    return in_both(lambda lang: percent(rate, lang))


def line(fact: str, word: str, **values: str | tuple[str, str]) -> AlertLine:
    """A line of an alert.

    Args:
        fact: the same for programs.
        word: key of the sentence.
        **values: what the sentence names; two texts are the Vietnamese and the English one.
    """

    def text(lang: Language) -> str:
        side = 0 if lang == "vi" else 1
        return _WORDS[word][lang].format(
            **{
                name: value if isinstance(value, str) else value[side]
                for name, value in values.items()
            }
        )

    return AlertLine(fact, text("vi"), text("en"))

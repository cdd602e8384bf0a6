"""What an alert is, and the words of each kind."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from onestop.schema.number_text import day

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from onestop.schema.number_text import Language

#: Most lines of an alert; further ones are counted.
_MOST_LINES = 20


@dataclass(frozen=True)
class AlertKind:
    """The words of one kind of alert.

    Attributes:
        title_vi: what happened, in Vietnamese.
        title_en: the same in English.
        remedy_vi: what to do, in Vietnamese; empty where nothing has to be done.
        remedy_en: the same in English.
        page: the page that shows more, below those of the figures; ``{night}`` is the night.
        is_standing: it is about no single night, and is sent once for all nights.
        can_be_resolved: it may cease to hold, and that is reported.
    """

    title_vi: str
    title_en: str
    remedy_vi: str
    remedy_en: str
    page: str = "night?date={night}"
    is_standing: bool = False
    can_be_resolved: bool = True


_KINDS: dict[str, AlertKind] = {
    "decision_wanted": AlertKind(
        "Cần một người quyết định",
        "A decision is wanted",
        "Hỏi đơn vị xuất dữ liệu, rồi trả lời ở mục Required Actions của Airflow, hoặc chạy"
        " `onestop night {night} --accept-volume NGUỒN/LOẠI --because …`. Không trả lời kịp thì tệp"
        " vẫn bị từ chối.",
        "Ask the exporting office, then answer under Airflow's Required Actions, or run"
        " `onestop night {night} --accept-volume SOURCE/FEED --because …`. Without an answer in"
        " time the file stays refused.",
    ),
    "night_failed": AlertKind(
        "Đêm chưa được công bố",
        "The night is not published",
        "Xem nhật ký của tác vụ báo lỗi, sửa nguyên nhân, rồi xóa trạng thái (Clear) tác vụ đó hoặc"
        " chạy `onestop night {night}`.",
        "Read the log of the failed task, remove the cause, then clear that task or run"
        " `onestop night {night}`.",
    ),
    "delivery_missing": AlertKind(
        "Thiếu tệp của đêm",
        "Files of the night are missing",
        "Đưa tệp vào thư mục xuất dữ liệu, rồi xóa trạng thái (Clear) discover_deliveries hoặc chạy"
        " `onestop night {night}`; nếu tệp đã ở đó, xem nhật ký nạp tệp. Nguồn bị bỏ qua:"
        " `onestop doctor` nêu lỗi và cách sửa.",
        "Put the files into the exports, then clear discover_deliveries or run"
        " `onestop night {night}`; where a file is there already, read the log of its delivery."
        " For a source that is left out, `onestop doctor` names the fault and its remedy.",
    ),
    "delivery_refused": AlertKind(
        "Tệp bị từ chối",
        "Files were refused",
        "Đề nghị nguồn xuất lại tệp, rồi xóa trạng thái (Clear) discover_deliveries hoặc chạy"
        " `onestop night {night}`; hoặc sửa quy tắc, ánh xạ rồi chạy `onestop replay`. Lý do đầy"
        " đủ: `onestop deliveries --state refused`.",
        "Have the source export the file again, then clear discover_deliveries or run"
        " `onestop night {night}`; or correct the rule or the mapping and run `onestop replay`."
        " All reasons: `onestop deliveries --state refused`.",
    ),
    "rejected_share": AlertKind(
        "Tỷ lệ dòng bị loại cao hơn thường lệ",
        "More rows rejected than usual",
        "Xem các dòng: `onestop rejected --night {night}`. Sửa ở nguồn và xuất lại, hoặc sửa quy"
        " tắc, ánh xạ rồi chạy `onestop replay`.",
        "List the rows: `onestop rejected --night {night}`. Have them corrected at the source and"
        " exported again, or correct the rule or the mapping and run `onestop replay`.",
        can_be_resolved=False,
    ),
    "tickets_replaced": AlertKind(
        "Phiếu lấy số trùng mã với phiếu khác",
        "Queue tickets with the codes of other tickets",
        "Mỗi mã chỉ được tính một phiếu: nếu là các phiếu khác nhau, các phiếu kia không có trong"
        " số liệu. Đề nghị nguồn xuất"
        " mã phiếu không trùng, như ghép đơn vị, ngày và số, cho các đêm từ nay; các tệp nêu trên"
        " cũng cần xuất lại.",
        "Each code counts as one ticket: where they are different tickets, the others are not in"
        " the figures. Have the source export"
        " codes that no other ticket has, such as unit, day and number together, from now on; and"
        " the files named above once more.",
    ),
    "below_target": AlertKind(
        "Chỉ tiêu xuống dưới mức phải đạt",
        "Indicators fell below their target",
        "Nguyên nhân theo từng loại: `onestop diff {previous} {night}`.",
        "The causes, counted: `onestop diff {previous} {night}`.",
        page="",
        can_be_resolved=False,
    ),
    "verdict_turned": AlertKind(
        "Đánh giá chỉ tiêu đã thay đổi",
        "Verdicts on indicators turned",
        "Nguyên nhân theo từng loại: `onestop diff {previous} {night}`.",
        "The causes, counted: `onestop diff {previous} {night}`.",
        page="",
        can_be_resolved=False,
    ),
    "strong_signs": AlertKind(
        "Dấu hiệu mạnh về hồ sơ quá hạn bị sửa",
        "Strong signs that overdue dossiers were edited",
        "Danh sách: mart.changed_after_overdue, strength = 'strong'. Đây là dấu hiệu, chưa phải"
        " kết luận.",
        "The list: mart.changed_after_overdue, strength = 'strong'. They are signs, not findings.",
        page="audit",
        can_be_resolved=False,
    ),
    "publication_late": AlertKind(
        "Số liệu chưa được công bố đúng giờ",
        "Figures are not published in time",
        "Xem đêm đang chờ gì trong Airflow, hoặc chạy `onestop doctor`.",
        "See in Airflow what the night waits for, or run `onestop doctor`.",
    ),
    "report_late": AlertKind(
        "Báo cáo định kỳ chưa ban hành",
        "Periodic reports are not issued",
        "Nếu onestop_report đang hỏi, trả lời ở mục Required Actions của Airflow; nếu không, xem"
        " nhật ký của nó rồi chạy `onestop report issue MÃ`.",
        "If onestop_report asks, answer under Airflow's Required Actions; otherwise read its log,"
        " then run `onestop report issue CODE`.",
        page="",
        is_standing=True,
    ),
}
ALERT_CODES = tuple(_KINDS)
#: Codes of alerts that are about no single night.
STANDING = frozenset(code for code, kind in _KINDS.items() if kind.is_standing)
_RESOLVED: dict[Language, str] = {"vi": "Đã hết: {title}", "en": "Resolved: {title}"}
_MORE: dict[Language, str] = {"vi": "… và {count} dòng khác", "en": "… and {count} more"}
_OF_NIGHT: dict[Language, str] = {"vi": "{title}, đêm {night}", "en": "{title}, night {night}"}


@dataclass(frozen=True)
class AlertLine:
    """One thing that an alert states.

    Attributes:
        fact: the same for programs; a changed fact makes a changed alert.
        vi: in Vietnamese.
        en: in English.
    """

    fact: str
    vi: str
    en: str

    def text(self, lang: Language) -> str:
        """In one language."""
        return self.vi if lang == "vi" else self.en


@dataclass(frozen=True)
class Alert:
    """One alert of one night.

    Attributes:
        code: one of :data:`ALERT_CODES`.
        night: the night that it is about.
        lines: what it states.
        counts: what was counted, by name.
        previous: the night published before, for remedies that name it.
        is_resolved: whether it reports that the alert holds no longer.
    """

    code: str
    night: dt.date
    lines: tuple[AlertLine, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    previous: dt.date | None = None
    is_resolved: bool = False

    @property
    def kind(self) -> AlertKind:
        """Its words."""
        return _KINDS[self.code]

    @property
    def facts_sha256(self) -> str:
        """SHA-256 of what it states, the same in each run."""
        stated = "\n".join((self.code, *sorted(line.fact for line in self.lines)))
        return hashlib.sha256(stated.encode()).hexdigest()

    @property
    def page(self) -> str:
        """The page that shows more, below those of the figures."""
        return self.kind.page.format(night=self.night)

    def title(self, lang: Language) -> str:
        """What happened, in a few words."""
        title = self.kind.title_vi if lang == "vi" else self.kind.title_en
        return _RESOLVED[lang].format(title=title) if self.is_resolved else title

    def subject(self, lang: Language) -> str:
        """The title and the night."""
        if self.kind.is_standing:
            return self.title(lang)
        return _OF_NIGHT[lang].format(title=self.title(lang), night=day(self.night, lang))

    def texts(self, lang: Language) -> list[str]:
        """The lines; where there are too many, their number."""
        shown = [line.text(lang) for line in self.lines[:_MOST_LINES]]
        left = len(self.lines) - len(shown)
        return [*shown, _MORE[lang].format(count=left)] if left else shown

    def remedy(self, lang: Language) -> str:
        """What to do; empty for one that is resolved."""
        if self.is_resolved:
            return ""
        remedy = self.kind.remedy_vi if lang == "vi" else self.kind.remedy_en
        return remedy.format(night=self.night, previous=self.previous)

    def text(self, lang: Language) -> str:
        """Subject, lines and remedy."""
        return "\n".join(filter(None, (self.subject(lang), *self.texts(lang), self.remedy(lang))))

    def resolved(self) -> Alert:
        """The message that it holds no longer."""
        return replace(self, lines=(), counts={}, is_resolved=True)

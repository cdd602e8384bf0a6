"""The canonical schema: which feeds there are and what their columns mean.

Every source's columns and codes are translated into these by its mapping. The staged files,
``core`` tables, their comments and the documentation of columns all come from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Whether a file holds what changed that day, or everything so far.
Kind = Literal["delta", "snapshot"]

ColumnType = Literal["text", "integer", "decimal", "boolean", "date", "timestamp"]

DUCKDB_TYPES: dict[ColumnType, str] = {
    "text": "varchar",
    "integer": "bigint",
    "decimal": "decimal(18, 4)",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamptz",
}

#: Columns of ``core.<entity>_version`` before the feed's own, with their SQL types.
VERSION_COLUMNS = {
    "delivery_id": "varchar",
    "row_number": "bigint",
    "night": "date",
    "known_from": "date",
    "content_hash": "varchar",
    "is_vanished": "boolean",
}
#: Columns of ``core.<entity>_history`` before the feed's own, with their SQL types.
HISTORY_COLUMNS = {
    "valid_from": "date",
    "valid_to": "date",
    "delivery_id": "varchar",
    "row_number": "bigint",
    "content_hash": "varchar",
}

#: Canonical codes; the source's own codes are translated into them once, in the mapping.
CHANNELS = ("counter", "online", "post", "other")
STATUSES = (
    "registered",
    "received",
    "refused_at_intake",
    "processing",
    "awaiting_supplement",
    "awaiting_payment",
    "withdrawn",
    "suspended",
    "resolved",
    "returned",
)
CLOSING_CLASSES = ("resolved", "withdrawn", "returned_unprocessed", "refused_at_intake")
#: A source's own judgement of a dossier; in_time: not late, early or on the day unknown.
SOURCE_TIMELINESS = ("early", "on_time", "in_time", "late")
#: The column that holds what a mapping declares under ``extra``.
EXTRA = "extra"
UNIT_LEVELS = ("department", "district", "commune")
TICKET_STATUSES = ("waiting", "calling", "serving", "completed", "skipped", "no_show")


@dataclass(frozen=True)
class Column:
    """One canonical column.

    Attributes:
        name: as in every table.
        type: canonical type; timestamps are time-zone aware.
        vi: meaning, in Vietnamese.
        en: meaning, in English.
        codes: the allowed canonical values of a coded column, else empty.
        derived_from: the timestamp column whose calendar date this is, in the source's time zone;
            such a column is derived while reading and never mapped.
        is_optional: whether only some sources have it. A row's content hash includes it only
            where the mapping has it, so that adding it changes no other source's hashes.
    """

    name: str
    type: ColumnType
    vi: str
    en: str
    codes: tuple[str, ...] = ()
    derived_from: str | None = None
    is_optional: bool = False

    @property
    def is_unit_code(self) -> bool:
        """Whether its values are codes of units."""
        return self.name.endswith("unit_code")


@dataclass(frozen=True)
class Feed:
    """One kind of delivery.

    Attributes:
        name: ``dossiers``, ``visits``, ``procedures``, ``units`` or ``declarations``.
        entity: the singular that names its ``core`` tables (``core.<entity>_version``).
        key: canonical columns that identify one row's subject.
        columns: all canonical columns, in table order.
        filled: groups of columns; a complete row has a value in at least one column of each.
    """

    name: str
    entity: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    filled: tuple[tuple[str, ...], ...]

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when the feed has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"feed {self.name} has no column {name}")

    @property
    def column_names(self) -> tuple[str, ...]:
        """Canonical column names, in table order."""
        return tuple(column.name for column in self.columns)

    @property
    def history_columns(self) -> tuple[str, ...]:
        """Columns of ``core.<entity>_history``: values, validity and origin."""
        return (*HISTORY_COLUMNS, *self.column_names)

    @property
    def record_tables(self) -> dict[str, dict[str, str]]:
        """The feed's tables in ``core``: name, and SQL type of each column by its name."""
        own = {column.name: DUCKDB_TYPES[column.type] for column in self.columns}
        return {
            f"{self.entity}_version": {**VERSION_COLUMNS, **own},
            f"{self.entity}_history": {**HISTORY_COLUMNS, **own},
        }

    @property
    def scope_columns(self) -> tuple[str, ...]:
        """Columns by which a source may split its snapshots, such as one file per unit."""
        return tuple(
            column.name
            for column in self.columns
            if column.name not in self.key
            and (column.is_unit_code or column.name in {"field_code", "authority_level"})
        )


def _day(name: str, of: str, vi: str, en: str) -> Column:
    return Column(name, "date", vi, en, derived_from=of)


DOSSIERS = Feed(
    "dossiers",
    "dossier",
    ("dossier_code",),
    (
        Column("dossier_code", "text", "Mã hồ sơ", "Dossier code"),
        Column(
            "alias_code", "text", "Mã hồ sơ khác (cùng hồ sơ)", "Other code of the same dossier"
        ),
        Column("procedure_code", "text", "Mã thủ tục hành chính", "Procedure code"),
        Column(
            "procedure_name",
            "text",
            "Tên thủ tục hành chính; thiếu mã thì thủ tục được nhận theo tên",
            "Procedure name; where the code is missing, the procedure is known by it",
        ),
        Column("field_code", "text", "Mã lĩnh vực", "Field code"),
        Column("receiving_unit_code", "text", "Đơn vị tiếp nhận", "Unit that received it"),
        Column("resolving_unit_code", "text", "Đơn vị giải quyết", "Unit that resolves it"),
        Column("channel", "text", "Kênh thực hiện", "Channel of submission", CHANNELS),
        Column(
            "service_level",
            "integer",
            "Mức độ dịch vụ công khi tiếp nhận",
            "Service level at receipt",
        ),
        Column("submitted_at", "timestamp", "Ngày nộp hồ sơ", "Submitted"),
        Column("received_at", "timestamp", "Ngày tiếp nhận", "Received: the clock starts"),
        Column("due_at", "timestamp", "Ngày hẹn trả hiện hành", "Current appointment date"),
        Column("original_due_at", "timestamp", "Ngày hẹn trả ban đầu", "First appointment date"),
        Column(
            "resolved_at",
            "timestamp",
            "Ngày kết thúc xử lý (đồng hồ dừng)",
            "End of handling: the clock stops",
        ),
        Column(
            "returned_at",
            "timestamp",
            "Ngày trả kết quả (không dùng để tính hạn)",
            "Result collected; not used for timeliness",
        ),
        Column("status", "text", "Trạng thái hồ sơ", "Status", STATUSES),
        Column(
            "closing_class",
            "text",
            "Cách kết thúc (trống khi đang giải quyết)",
            "How it was closed; null while open",
            CLOSING_CLASSES,
        ),
        Column("result_digitised", "boolean", "Kết quả đã số hóa", "Result digitised"),
        Column(
            "documents_digitised", "boolean", "Thành phần hồ sơ đã số hóa", "Documents digitised"
        ),
        Column(
            "modified_at", "timestamp", "Lần sửa cuối ở hệ thống nguồn", "Last change at the source"
        ),
        _day("received_date", "received_at", "Ngày tiếp nhận (lịch)", "Calendar date of receipt"),
        _day(
            "due_date",
            "due_at",
            "Hạn trả hiện hành (lịch)",
            "Calendar date of the current deadline",
        ),
        _day(
            "original_due_date",
            "original_due_at",
            "Hạn trả ban đầu (lịch)",
            "Calendar date of the first deadline",
        ),
        _day("resolved_date", "resolved_at", "Ngày kết thúc (lịch)", "Calendar date of the end"),
        Column(
            "source_timeliness",
            "text",
            "Tình trạng so với hạn do hệ thống nguồn ghi",
            "Timeliness as the source itself states it; never used to count",
            SOURCE_TIMELINESS,
            is_optional=True,
        ),
        Column(
            EXTRA,
            "text",
            "Các cột bổ sung của nguồn (JSON, tên do ánh xạ đặt)",
            "The source's further columns: JSON, by the names that its mapping gives them",
            is_optional=True,
        ),
    ),
    (
        ("dossier_code",),
        ("procedure_code", "procedure_name"),
        ("receiving_unit_code", "resolving_unit_code"),
        ("received_at",),
        ("status",),
    ),
)

VISITS = Feed(
    "visits",
    "visit",
    ("ticket_code",),
    (
        Column("ticket_code", "text", "Mã phiếu số thứ tự (duy nhất)", "Ticket identity, unique"),
        Column(
            "ticket_number", "text", "Số hiển thị trên phiếu", "Number shown; resets, not a key"
        ),
        Column("unit_code", "text", "Đơn vị có Bộ phận Một cửa", "Unit whose One-Stop desk it is"),
        Column("counter_code", "text", "Quầy", "Counter"),
        Column("service_code", "text", "Dịch vụ chọn khi lấy số", "Service chosen at the kiosk"),
        Column("procedure_code", "text", "Mã thủ tục hành chính", "Procedure code"),
        Column("priority", "text", "Ưu tiên", "Priority class"),
        Column("ticket_status", "text", "Trạng thái phiếu", "Ticket status", TICKET_STATUSES),
        Column(
            "transferred_from", "text", "Chuyển từ phiếu", "Ticket this one was transferred from"
        ),
        Column("issued_at", "timestamp", "Thời điểm lấy số", "Ticket issued"),
        Column("called_at", "timestamp", "Thời điểm gọi lần đầu", "First called"),
        Column("served_at", "timestamp", "Thời điểm bắt đầu phục vụ", "Service started"),
        Column("finished_at", "timestamp", "Thời điểm kết thúc", "Service finished"),
        _day("issued_date", "issued_at", "Ngày lấy số (lịch)", "Calendar date of issue"),
    ),
    (("ticket_code",), ("unit_code",), ("ticket_status",), ("issued_at",)),
)

PROCEDURES = Feed(
    "procedures",
    "procedure",
    ("procedure_code",),
    (
        Column("procedure_code", "text", "Mã thủ tục hành chính", "Procedure code"),
        Column("procedure_name", "text", "Tên thủ tục hành chính", "Procedure name"),
        Column("field_code", "text", "Mã lĩnh vực", "Field code"),
        Column("field_name", "text", "Tên lĩnh vực", "Field name"),
        Column("authority_level", "text", "Cấp giải quyết", "Level that resolves it", UNIT_LEVELS),
        Column("service_level", "integer", "Mức độ dịch vụ công", "Service level provided, 1–4"),
        Column(
            "is_level4_eligible",
            "boolean",
            "Đủ điều kiện cung cấp mức độ 4",
            "Eligible for level 4",
        ),
        Column("is_internal", "boolean", "Thủ tục nội bộ", "Internal procedure"),
        Column("is_published", "boolean", "Đã công khai đầy đủ", "Published completely"),
        Column(
            "decision_date", "date", "Ngày quyết định công bố", "Date of the announcing decision"
        ),
        Column("published_date", "date", "Ngày công khai", "Date of publication"),
        Column(
            "duration_workdays", "integer", "Thời hạn (ngày làm việc)", "Time limit, working days"
        ),
        Column("has_result", "boolean", "Thủ tục có kết quả", "Yields a result document"),
    ),
    (("procedure_code",), ("procedure_name",)),
)

UNITS = Feed(
    "units",
    "unit",
    ("unit_code",),
    (
        Column("unit_code", "text", "Mã đơn vị", "Unit code"),
        Column("unit_name", "text", "Tên đơn vị", "Unit name"),
        Column("unit_level", "text", "Cấp", "Level", UNIT_LEVELS),
        Column("parent_unit_code", "text", "Đơn vị cấp trên", "Unit above"),
        Column("has_one_stop", "boolean", "Có Bộ phận Một cửa", "Has a One-Stop desk"),
        Column("has_queue_system", "boolean", "Có hệ thống lấy số", "Has a queue system"),
        Column(
            "digitisation_date",
            "date",
            "Ngày triển khai quy trình số hóa",
            "Digitisation process in use since",
        ),
        Column("valid_from_date", "date", "Có hiệu lực từ", "Exists since"),
        Column("valid_to_date", "date", "Hết hiệu lực", "Exists until"),
    ),
    (("unit_code",), ("unit_name",), ("unit_level",)),
)

DECLARATIONS = Feed(
    "declarations",
    "declaration",
    ("indicator_code", "unit_code", "period_start", "period_end"),
    (
        Column("indicator_code", "text", "Mã chỉ tiêu", "Indicator code"),
        Column("unit_code", "text", "Đơn vị khai", "Declaring unit; CITY for the whole"),
        Column("period_start", "date", "Từ ngày", "Period start"),
        Column("period_end", "date", "Đến ngày", "Period end"),
        Column("numerator", "integer", "Tử số", "Numerator"),
        Column("denominator", "integer", "Mẫu số", "Denominator"),
        Column("declared_value", "decimal", "Giá trị khai", "Declared value"),
        Column(
            "document_number", "text", "Số văn bản chứng minh", "Number of the backing document"
        ),
        Column("document_date", "date", "Ngày văn bản", "Date of the backing document"),
        Column("note", "text", "Ghi chú", "Note"),
    ),
    (
        ("indicator_code",),
        ("unit_code",),
        ("period_start",),
        ("period_end",),
        ("numerator", "declared_value"),
        ("document_number",),
    ),
)

FEEDS: dict[str, Feed] = {
    feed.name: feed for feed in (DOSSIERS, VISITS, PROCEDURES, UNITS, DECLARATIONS)
}

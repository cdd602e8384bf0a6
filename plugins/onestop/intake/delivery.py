"""One delivery: one exported file, identified by its content."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from onestop.errors import OneStopError
from onestop.said import said, said_text

if TYPE_CHECKING:
    from onestop.schema.feeds import Kind

#: Transient refusals, tried again on every run: the file was being written, or the disk was full.
RETRYABLE_RULES = ("FILE-F08", "FILE-F09")


@dataclass(frozen=True)
class Delivery:
    """One exported file after landing.

    Attributes:
        delivery_id: ``<source>.<feed>.<yyyymmdd>.<first 12 hex digits of the sha-256>``, with
            ``-<time of change>`` for bytes that came back to a path.
        source: the system that exported it.
        feed: what it holds (see :mod:`onestop.schema.feeds`).
        night: the night it describes, from its name.
        kind: ``delta`` (what changed that day) or ``snapshot`` (everything so far).
        file_name: its path below the exports. With source, feed and night it is the file's
            identity: a later file of the same path is a correction of this one.
        sha256: of its bytes; empty for a file that could not be copied.
        size_bytes: its length.
        file_modified_at: the export's own modification time, with time zone.
        landed_path: the landed copy, relative to the landing folder; empty if there is none.
    """

    delivery_id: str
    source: str
    feed: str
    night: dt.date
    kind: Kind
    file_name: str
    sha256: str
    size_bytes: int
    file_modified_at: dt.datetime
    landed_path: str

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, for XCom and for the landing's sidecar file."""
        return {
            **asdict(self),
            "night": self.night.isoformat(),
            "file_modified_at": self.file_modified_at.isoformat(),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Delivery:
        """The inverse of :meth:`to_json`."""
        return cls(
            **{
                **data,
                "night": dt.date.fromisoformat(data["night"]),
                "file_modified_at": dt.datetime.fromisoformat(data["file_modified_at"]),
            }
        )


class RefusedDeliveryError(OneStopError):
    """A delivery that must not be loaded; says which file, which rule and what to do.

    Args:
        file_name: the exported file.
        rule_code: stable code of the rule that refused it.
        reason: one sentence for people, without personal data.
        lines: the same reason in parts: what is wrong, which rows, what to do; the reason alone
            by default.

    Attributes:
        page: the file's page among the validation reports, relative to them; empty where it has
            none.
    """

    def __init__(
        self, file_name: str, rule_code: str, reason: str, lines: tuple[str, ...] = ()
    ) -> None:
        super().__init__(
            said("{rule}: {reason}", rule=rule_code, reason=said_text(reason)), subject=file_name
        )
        self.file_name = file_name
        self.rule_code = rule_code
        self.reason = reason
        self.lines = lines or (reason,)
        self.page = ""

"""A candidate: an exported file that a mapping recognises, before it is copied."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from onestop.intake.exports import ExportedFile, Facts

if TYPE_CHECKING:
    from onestop.intake.exports import Folder
    from onestop.schema.feeds import Kind
    from onestop.schema.mapping import Recognised


@dataclass(frozen=True)
class Candidate:
    """An exported file that a night has to land.

    Attributes:
        source: the system that exported it.
        feed: what it holds (see :mod:`onestop.schema.feeds`).
        night: the night it describes, from its name.
        kind: ``delta`` (what changed that day) or ``snapshot`` (everything so far).
        path: its whole path in the exports.
        file_name: its path below the exports.
        size_bytes: its length when it was listed.
        modified: seconds since 1970 at which it was last changed, as listed.
        tag: the object store's tag of its content; empty elsewhere.
    """

    source: str
    feed: str
    night: dt.date
    kind: Kind
    path: str
    file_name: str
    size_bytes: int
    modified: float
    tag: str = ""

    @classmethod
    def of(cls, file: ExportedFile, found: Recognised) -> Candidate:
        """The candidate for a listed file, recognised by its name."""
        facts = cast("Facts", file.facts)
        return cls(
            source=found.source,
            feed=found.feed,
            night=found.night,
            kind=found.kind,
            path=file.path,
            file_name=file.path_below,
            size_bytes=facts.size_bytes,
            modified=facts.modified,
            tag=facts.tag,
        )

    def file(self, exports: Folder) -> ExportedFile:
        """The file in the exports, with its facts as listed."""
        return ExportedFile(exports, self.path, Facts(self.size_bytes, self.modified, self.tag))

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, for XCom."""
        return {**asdict(self), "night": self.night.isoformat()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Candidate:
        """The inverse of :meth:`to_json`."""
        return cls(**{**data, "night": dt.date.fromisoformat(data["night"])})

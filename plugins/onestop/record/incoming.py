"""One staged delivery on its way into the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onestop.intake.delivery import Delivery
    from onestop.schema.feeds import Feed
    from onestop.warehouse import Warehouse


@dataclass(frozen=True)
class Incoming:
    """One staged delivery on its way into the record.

    Attributes:
        warehouse: in a transaction.
        feed: of the delivery.
        delivery: the delivery.
        prefix: prefix of the names of the staged file's tables.
        accepted: relation of the rows to load.
        is_replay: whether the delivery was loaded before; its stored versions do not change.
    """

    warehouse: Warehouse
    feed: Feed
    delivery: Delivery
    prefix: str
    accepted: str
    is_replay: bool = False

    @property
    def left_out(self) -> str:
        """Relation of the rows that the mapping leaves out; on a replay those it closes."""
        skipped = f"{self.prefix}skipped_row"
        if not self.is_replay:
            return skipped
        return (
            f"(select * from {skipped} where row_number in"
            " (select row_number from replayed where is_left_out))"
        )

    @property
    def slot(self) -> dict[str, Any]:
        """Query parameters that select the files of the same source, feed and night."""
        return {
            "source": self.delivery.source,
            "feed": self.delivery.feed,
            "night": self.delivery.night,
            "delivery_id": self.delivery.delivery_id,
        }

    @property
    def key(self) -> str:
        """The key columns, separated by commas."""
        return ", ".join(self.feed.key)

    @property
    def is_snapshot(self) -> bool:
        """Whether the delivery holds everything so far, not only changes."""
        return self.delivery.kind == "snapshot"

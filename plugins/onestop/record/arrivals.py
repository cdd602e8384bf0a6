"""Which expected deliveries of a night are in the record, and why others are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onestop.intake.delivery import RETRYABLE_RULES
from onestop.said import said, said_both, said_text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Sequence

    from onestop.schema.mapping import FeedMapping
    from onestop.warehouse import Warehouse


def is_delivered(warehouse: Warehouse, feed: FeedMapping, night: dt.date) -> bool:
    """Whether a delivery of the feed is loaded for the night."""
    return bool(
        warehouse.value(
            "select count(*) from audit.delivery where state = 'loaded'"
            " and source = :source and feed = :feed and night = :night",
            {"source": feed.source, "feed": feed.feed, "night": night},
        )
    )


def was_refused(warehouse: Warehouse, feed: FeedMapping, night: dt.date) -> bool:
    """Whether a delivery of the feed for the night was refused."""
    return bool(_last_refusals(warehouse, feed, night))


def reasons_not_loaded(
    warehouse: Warehouse, feed: FeedMapping, night: dt.date, found: Collection[str]
) -> Sequence[str]:
    """Why no file of a feed is loaded for a night; one sentence per file.

    Args:
        warehouse: open.
        feed: the expected feed.
        night: the night.
        found: names of the feed's files of that night that are in the exports now. When there is
            one, refused files that were removed from the exports are not named.
    """
    refused = {
        name: row
        for name, row in _last_refusals(warehouse, feed, night).items()
        if not found or name in found
    }
    return [
        said(
            "{name} was refused ({rule}: {reason}); {remedy}, then run night {night} again",
            name=name,
            rule=row["refused_rule"],
            reason=said_both(vi=row["reason_vi"], en=row["reason_en"]),
            remedy=_remedy(row["refused_rule"], feed),
            night=night,
        )
        for name, row in refused.items()
    ] + [
        said(
            "{name} is in the exports and was not loaded; see the log of its delivery"
            " task, then run night {night} again",
            name=name,
            night=night,
        )
        for name in sorted(set(found) - refused.keys())
    ]


def _remedy(rule: str, feed: FeedMapping) -> str:
    if rule in RETRYABLE_RULES:
        return said_text("remove the cause if it is still there")
    return said("have {source} export it again", source=feed.source)


def _last_refusals(
    warehouse: Warehouse, feed: FeedMapping, night: dt.date
) -> dict[str, dict[str, Any]]:
    """The last refusal of each of the night's files, by file name."""
    rows = warehouse.rows(
        "select file_name, refused_rule, reason_vi, reason_en from audit.delivery where"
        " state = 'refused'"
        " and source = :source and feed = :feed and night = :night"
        " order by file_name, settled_at, attempt",
        {"source": feed.source, "feed": feed.feed, "night": night},
    )
    return {row["file_name"]: row for row in rows}

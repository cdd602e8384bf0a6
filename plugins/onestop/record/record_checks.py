"""Checks of the record before a publication: no file of the night removes another file's rows.

The checks compare versions and histories of the night, independently of how the histories were
derived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop.record.decisions import accepted_volumes
from onestop.record.key_sql import WHOLE_SOURCE
from onestop.said import said, said_count, said_number
from onestop.schema.feeds import FEEDS, Feed

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from onestop.warehouse import Warehouse

#: SELECT of the current files of a night: no later file of the same path replaces them.
_CURRENT = """
select d.delivery_id, d.source, d.kind, d.file_name from audit.delivery as d
where d.state = 'loaded' and d.feed = :feed and d.night = :night and not exists (
    select 1 from audit.delivery as later
    where later.state = 'loaded' and later.feed = d.feed and later.night = d.night
        and later.source = d.source and later.file_name = d.file_name
        and (later.file_modified_at, later.sha256) > (d.file_modified_at, d.sha256)
)
"""
#: SELECT of the rows of the history that end with the night and have no successor.
_VANISHED = """
select h.* from core.{entity}_history as h
where h.valid_to = :night and not exists (
    select 1 from core.{entity}_history as n where n.valid_from = :night and {same}
)
"""


def record_state(warehouse: Warehouse, night: dt.date) -> int:
    """Number of loads and replays that the night's figures include.

    The record only grows, so an unchanged number means an unchanged record of that night.
    """
    return int(
        warehouse.value(
            "select count(*) from audit.delivery where state = 'loaded' and known_from <= :night",
            {"night": night},
        )
    )


def lost_keys(warehouse: Warehouse, night: dt.date) -> list[str]:
    """Rows of the night's files that the histories lack; one sentence per file.

    Invariant: every key accepted from a current file of the night is in the history of that
    night.
    """
    return [
        sentence
        for feed in FEEDS.values()
        for sentence in (*_lost(warehouse, feed, night), *_unjustified(warehouse, feed, night))
    ]


def _lost(warehouse: Warehouse, feed: Feed, night: dt.date) -> Iterator[str]:
    """Rows stored under the night whose key has no row in the history of that night."""
    rows = warehouse.rows(
        f"select d.file_name, count(*) as row_count from core.{feed.entity}_version as v"
        f" inner join (select distinct * from ({_CURRENT}) as c) as d"
        " on v.delivery_id = d.delivery_id"
        " where v.night = :night and not v.is_vanished and not exists"
        f" (select 1 from core.{feed.entity}_history as h where {_same(feed, 'h', 'v')}"
        " and h.valid_from <= :night and (h.valid_to is null or h.valid_to > :night))"
        " group by d.file_name order by d.file_name",
        {"feed": feed.name, "night": night},
    )
    for row in rows:
        yield (
            said(
                "{count} accepted rows of {file} are not in the history of {feed}",
                count=said_number(row["row_count"]),
                file=row["file_name"],
                feed=feed.name,
            )
        )


def _unjustified(warehouse: Warehouse, feed: Feed, night: dt.date) -> Iterator[str]:
    """Keys that vanished although a snapshot of the night has them unchanged.

    The anchor of a scope has every key of the scope unchanged, except those with a version of it.
    """
    conditions = [
        f"scope.column_name = '{WHOLE_SOURCE}'",
        *(
            f"(scope.column_name = '{name}' and scope.value = g.{name})"
            for name in feed.scope_columns
        ),
    ]
    vanished = _VANISHED.format(entity=feed.entity, same=_same(feed, "n", "h"))
    rows = warehouse.rows(
        f"select d.file_name, count(*) as row_count from ({vanished}) as g"
        f" inner join (select distinct * from ({_CURRENT}) as c) as d on d.kind = 'snapshot'"
        " and d.source = (select max(s.source) from audit.delivery as s"
        " where s.delivery_id = g.delivery_id)"
        " inner join audit.snapshot_scope as scope on scope.delivery_id = d.delivery_id"
        f" and scope.is_anchor and ({' or '.join(conditions)})"
        f" where not exists (select 1 from core.{feed.entity}_version as v"
        f" where v.delivery_id = d.delivery_id and {_same(feed, 'v', 'g')})"
        " group by d.file_name order by d.file_name",
        {"feed": feed.name, "night": night},
    )
    for row in rows:
        yield (
            said(
                "not in the history of {feed}: {rows} that {file} holds unchanged",
                feed=feed.name,
                rows=said_count(row["row_count"], "row"),
                file=row["file_name"],
            )
        )


def vanished_wholesale(warehouse: Warehouse, night: dt.date) -> list[str]:
    """Whole-source snapshots that lack a whole unit, or lack rows while a part is refused.

    Returns one sentence for each.
    """
    return [
        sentence
        for sentences in vanished_by_feed(warehouse, night).values()
        for sentence in sentences
    ]


def vanished_by_feed(warehouse: Warehouse, night: dt.date) -> dict[str, list[str]]:
    """The sentences of :func:`vanished_wholesale` by ``source/feed``.

    A feed whose volume that night is accepted (``audit.decision``, or
    ``sql/reference/volume_exception.csv``) is not checked.
    """
    from onestop.gate import is_volume_excepted  # noqa: PLC0415 - imports slowly

    accepted = accepted_volumes(warehouse, night)
    found = {}
    for feed in FEEDS.values():
        rows = warehouse.rows(
            "select distinct d.source from audit.delivery as d inner join audit.snapshot_scope as s"
            " on d.delivery_id = s.delivery_id where d.state = 'loaded' and d.feed = :feed"
            f" and d.night = :night and s.column_name = '{WHOLE_SOURCE}' order by d.source",
            {"feed": feed.name, "night": night},
        )
        for row in rows:
            subject = f"{row['source']}/{feed.name}"
            if subject in accepted or is_volume_excepted(row["source"], feed.name, night):
                continue
            if sentences := list(_wholesale(warehouse, feed, night, row["source"])):
                found[subject] = sentences
    return found


def _wholesale(warehouse: Warehouse, feed: Feed, night: dt.date, source: str) -> Iterator[str]:
    unit = next((name for name in feed.scope_columns if feed.column(name).is_unit_code), None)
    group = f"coalesce(h.{unit}, '(none)')" if unit else "'(all)'"
    of_source = "h.delivery_id in (select delivery_id from audit.delivery where source = :source)"
    slot = {"night": night, "source": source}
    vanished = {
        row["unit"]: row["key_count"]
        for row in warehouse.rows(
            f"select {group} as unit, count(*) as key_count from"
            f" ({_VANISHED.format(entity=feed.entity, same=_same(feed, 'n', 'h'))}) as h"
            f" where {of_source} group by 1 order by 1",
            slot,
        )
    }
    if not vanished:
        return
    remedy = said(
        "have {source} deliver the missing files, or, if it is right, run the night"
        " with --accept-volume {source}/{feed} --because …",
        source=source,
        feed=feed.name,
    )
    refused = warehouse.value(
        "select min(r.file_name) from audit.delivery as r where r.state = 'refused'"
        " and r.kind = 'snapshot' and r.source = :source and r.feed = :feed and r.night = :night"
        " and not exists (select 1 from audit.delivery as l where l.state = 'loaded'"
        " and l.source = r.source and l.feed = r.feed and l.night = r.night"
        " and l.file_name = r.file_name)",
        {**slot, "feed": feed.name},
    )
    if refused:
        yield (
            said(
                "rows of {feed} vanish ({count}) while a part of the snapshot, {refused}, is"
                " refused; {remedy}",
                feed=feed.name,
                count=said_number(sum(vanished.values())),
                refused=refused,
                remedy=remedy,
            )
        )
        return
    before = warehouse.rows(
        f"select {group} as unit, count(*) as key_count from core.{feed.entity}_history as h"
        " where h.valid_from < :night and (h.valid_to is null or h.valid_to >= :night)"
        f" and {of_source} group by 1 order by 1",
        slot,
    )
    for row in before:
        gone = vanished.get(row["unit"], 0)
        if gone and gone == row["key_count"]:
            of = said(" of {unit}", unit=row["unit"]) if unit else ""
            yield said(
                "all rows of {feed}{of} vanish on night {night} ({gone}); {remedy}",
                feed=feed.name,
                of=of,
                night=night,
                gone=gone,
                remedy=remedy,
            )


def _same(feed: Feed, one: str, other: str) -> str:
    return " and ".join(f"{one}.{column} = {other}.{column}" for column in feed.key)

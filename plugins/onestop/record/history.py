"""``core.<entity>_history``: derived from the versions by ``sql/core/history.sql``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop.record.key_sql import has_changes, key_text, same_key, scope_conditions
from onestop.schema.project import PROJECT_ROOT

if TYPE_CHECKING:
    from onestop.schema.feeds import Feed
    from onestop.warehouse import Warehouse

#: Content hash of a version that marks its key as vanished from a snapshot.
VANISHED = "vanished"
_HISTORY_SQL = PROJECT_ROOT / "sql" / "core" / "history.sql"


def history_select(
    feed: Feed,
    *,
    touched: str | None = None,
    versions: str | None = None,
    known_on: str = "date '9999-12-31'",
) -> str:
    """The SELECT that derives ``core.<entity>_history``.

    Args:
        feed: the feed.
        touched: a relation with the key columns; limits the result to these keys.
        versions: the relation of the versions, of which it has all of a key or none; defaults to
            ``core.<entity>_version``.
        known_on: SQL date; deliveries loaded for later nights are excluded.
    """
    covered = [
        "exists (select 1 from scope where scope.source = absent.absent_source"
        f" and scope.night = absent.absent_night and {condition})"
        for condition in scope_conditions(feed, "absent")
    ]
    needed = [*feed.key, *feed.scope_columns]
    ordered = [*needed, "modified_at"] if has_changes(feed) else needed
    return _HISTORY_SQL.read_text(encoding="utf-8").format(
        entity=feed.entity,
        versions=versions or f"core.{feed.entity}_version",
        feed=feed.name,
        key=", ".join(feed.key),
        key_text=key_text(feed, "version"),
        absence_key=", ".join(f"absence.{column}" for column in feed.key),
        statement_columns="".join(f"statement.{name}, " for name in needed),
        statement_of_version=same_key(feed, "statement", "version"),
        statement_of_absence=same_key(feed, "statement", "absence"),
        is_covered=f"({' or '.join(covered)})",
        ordered_columns="".join(f"version.{name}, " for name in ordered),
        version_of_change=same_key(feed, "change", "version"),
        columns=",\n        ".join(f"version.{name}" for name in feed.column_names),
        precedence="modified_at desc nulls last, " if has_changes(feed) else "",
        content="concat(content_hash, ' ', modified_at)" if has_changes(feed) else "content_hash",
        touched=(
            f"inner join {touched} as touched on {same_key(feed, 'version', 'touched')}"
            if touched
            else ""
        ),
        known_on=known_on,
    )


def history_insert(feed: Feed, select: str) -> str:
    """The statement that adds the rows of a SELECT to ``core.<entity>_history``."""
    columns = ", ".join(feed.history_columns)
    return (
        f"insert into core.{feed.entity}_history ({columns})"
        f" select {columns} from ({select}) as added"
    )


def refresh_history(warehouse: Warehouse, feed: Feed) -> None:
    """Derive the histories of the keys in the temporary table ``touched`` again."""
    same = same_key(feed, "t", "h")
    warehouse.execute(
        f"delete from core.{feed.entity}_history as h"
        f" where exists (select 1 from touched as t where {same})"
    )
    warehouse.execute(
        history_insert(feed, history_select(feed, touched="(select distinct * from touched)"))
    )

"""SQL conditions on the key of a feed's rows, and on the scope of its snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onestop.schema.feeds import Feed
#: The value in audit.snapshot_scope that means all keys of the source.
WHOLE_SOURCE = "*"


def same_key(feed: Feed, one: str, other: str) -> str:
    """Condition: two relations have the same key."""
    return " and ".join(f"{one}.{column} = {other}.{column}" for column in feed.key)


def key_text(feed: Feed, alias: str) -> str:
    """Expression: the key of a row as in ``audit.rejected_row.key_text``."""
    return " || '|' || ".join(f"cast({alias}.{column} as varchar)" for column in feed.key)


def has_changes(feed: Feed) -> bool:
    """Whether the feed has a column ``modified_at``."""
    return "modified_at" in feed.column_names


def scope_conditions(feed: Feed, alias: str, scope: str = "scope") -> list[str]:
    """Alternative conditions under which a snapshot's scope covers a row."""
    return [
        f"{scope}.column_name = '{WHOLE_SOURCE}'",
        *(
            f"{scope}.column_name = '{name}' and {scope}.value = {alias}.{name}"
            for name in feed.scope_columns
        ),
    ]


def covers_row(feed: Feed, alias: str, scope: str = "scope") -> str:
    """Condition: a snapshot's scope covers a row."""
    conditions = " or ".join(f"({one})" for one in scope_conditions(feed, alias, scope))
    return f"({conditions})"

"""Put a world into the record as loaded deliveries do: versions and deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from random_worlds import put_world

from onestop.schema.feeds import FEEDS

if TYPE_CHECKING:
    from reference_figures import World

    from onestop.warehouse import Warehouse


def put_record(warehouse: Warehouse, world: World) -> None:
    """Put a world into histories, versions and the list of deliveries.

    Vanished keys stay: these histories have no row for an end. Digests are equal on all engines.
    """
    put_world(warehouse, world)
    for feed in FEEDS.values():
        columns = ", ".join(feed.column_names)
        hashed = [one.name for one in feed.columns if one.type in {"text", "integer", "date"}]
        identity = ", ".join(("delivery_id", "row_number", "valid_from", *hashed))
        warehouse.execute(
            f"insert into core.{feed.entity}_version (delivery_id, row_number, night, known_from,"
            f" content_hash, is_vanished, {columns}) select delivery_id, row_number, valid_from,"
            f" valid_from, md5(concat_ws(' ', {identity})), false, {columns}"
            f" from core.{feed.entity}_history as history"
        )
        warehouse.execute(
            "insert into audit.delivery (delivery_id, attempt, state, source, feed, night, kind,"
            " file_name, known_from, rows_read, rows_accepted, rows_rejected, rows_repeated,"
            " rows_blank, warnings, settled_at) select distinct delivery_id, 1, 'loaded',"
            f" 'one_stop', '{feed.name}', night, 'delta', delivery_id || '.csv', night, 0, 0, 0,"
            f" 0, 0, 0, cast(night as timestamptz) from core.{feed.entity}_version"
        )

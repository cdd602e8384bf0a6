"""Which blocks of a DuckDB file a checkpoint writes anew."""

from __future__ import annotations

from onestop.warehouse import open_warehouse

TABLE = "mart_staged.number"
#: As many rows as a block of rows holds at most; the table has four of them.
ROWS = 122_880


def blocks(warehouse):
    found = warehouse.rows(
        f"select row_group_id, block_id, block_offset from pragma_storage_info('{TABLE}')"
        " where column_name = 'a' and segment_type <> 'VALIDITY' order by all"
    )
    return [tuple(row.values()) for row in found]


def held(warehouse):
    """Rows of the file, the deleted ones included."""
    return warehouse.value(
        f"select sum(count) from pragma_storage_info('{TABLE}')"
        " where column_name = 'a' and segment_type <> 'VALIDITY'"
    )


def test_a_night_leaves_the_blocks_it_deletes_from_until_a_good_part_is_deleted(tmp_path):
    url = f"duckdb:///{tmp_path / 'w.duckdb'}"
    with open_warehouse(url) as warehouse:
        warehouse.empty_schema("mart_staged")
        warehouse.make_table(TABLE, f"select range * 7919 % 1000003 as a from range({4 * ROWS})")
    with open_warehouse(url) as warehouse:
        before = blocks(warehouse)
        # what is left would fit into three blocks of rows
        warehouse.execute(f"delete from {TABLE} where a % 100 < 28")
        warehouse.execute("force checkpoint")
        assert blocks(warehouse) == before
    with open_warehouse(url) as warehouse:
        warehouse.execute(f"delete from {TABLE} where a % 100 < 40")
        warehouse.execute("force checkpoint")
        assert blocks(warehouse) == before
    with open_warehouse(url) as warehouse:
        warehouse.execute(f"delete from {TABLE} where a % 100 < 41")
        warehouse.execute("force checkpoint")
        assert held(warehouse) < 3 * ROWS
        assert warehouse.value(f"select count(*) from {TABLE} where a % 100 < 41") == 0

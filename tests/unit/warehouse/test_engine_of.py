"""What the address of a warehouse determines before it is opened."""

import ast
from pathlib import Path

import pytest

import onestop
from onestop.warehouse import WarehouseError, engine_of, engine_of_copy

PUBLISHED = Path("/srv/published/onestop.duckdb")
POSTGRES = "postgresql+psycopg://onestop@db:5432/onestop"


def test_readers_of_a_duckdb_file_open_the_copy_that_publications_make():
    engine = engine_of("duckdb:////srv/warehouse.duckdb")
    address = engine.readers_address("duckdb:////srv/warehouse.duckdb", PUBLISHED)
    assert address == f"duckdb:///{PUBLISHED}"
    assert engine.has_readers_copy


def test_readers_of_a_database_open_the_warehouse_itself():
    engine = engine_of(POSTGRES)
    assert engine.readers_address(POSTGRES, PUBLISHED) == POSTGRES
    assert not engine.has_readers_copy


def test_only_the_embedded_warehouse_is_a_file_of_this_machine():
    address = "duckdb:////srv/warehouse.duckdb"
    assert engine_of(address).file_of(address) == Path("/srv/warehouse.duckdb")
    assert engine_of(POSTGRES).file_of(POSTGRES) is None


@pytest.mark.parametrize("address", ["duckdb:///a.duckdb", POSTGRES, "postgres://db/onestop"])
def test_a_copy_belongs_to_the_engine_that_wrote_it(address):
    engine = engine_of(address)
    assert engine_of_copy(Path(f"warehouse{engine.copy_suffix}")) is engine


@pytest.mark.parametrize("address", ["mysql://db/onestop", "onestop.duckdb", ""])
def test_an_address_of_an_unknown_engine_is_refused_with_the_setting_and_the_remedy(address):
    with pytest.raises(WarehouseError, match=r"^ONESTOP_WAREHOUSE: no engine .*; use duckdb:///"):
        engine_of(address)


def test_only_the_warehouse_module_decides_which_engine_an_address_names():
    package = Path(onestop.__file__).parent
    asking = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"startswith", "removeprefix"}
        and any(
            isinstance(one, ast.Constant) and str(one.value).startswith(("duckdb", "postgres"))
            for one in node.args
        )
    }
    # The gate also accepts addresses of other databases, for tests of its expectations.
    assert asking <= {"gate/evaluation.py"}

"""The national warehouse: the schema ``national`` in a warehouse of the national office."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from onestop.federation.refusal import FederationError
from onestop.marts.descriptions import describe_tables
from onestop.marts.published import NothingPublishedError, has_national, open_published
from onestop.said import said
from onestop.schema.project import PROJECT_ROOT
from onestop.schema.reference import read_reference
from onestop.warehouse import open_warehouse
from onestop.warehouse.base import schema_files
from onestop.warehouse.sql_text import statements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onestop.schema.reference import Row
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

NATIONAL = "national"
_FOLDER = PROJECT_ROOT / "sql" / "national"


def open_national(settings: Settings) -> Warehouse:
    """Open the national warehouse for writing; its schema is made or brought up to date.

    Raises:
        WarehouseError: as :func:`onestop.warehouse.open_warehouse` does.
    """
    warehouse = open_warehouse(settings.warehouse)
    try:
        migrate_national(warehouse)
    except BaseException:
        warehouse.close()
        raise
    return warehouse


def migrate_national(warehouse: Warehouse) -> int:
    """Apply the numbered files of ``sql/national/schema`` that are not applied yet.

    Returns:
        The schema's version.

    Raises:
        FederationError: a newer release made the schema.
        WarehouseError: the login may not change the schema.
    """
    files = schema_files(warehouse.engine, _FOLDER / "schema")
    applied = _applied(warehouse)
    if applied and max(applied) > files[-1].version:
        raise FederationError(
            said(
                "the schema national has version {version}, made by a newer release",
                version=max(applied),
            ),
            remedy="install the newer release",
        )
    pending = [file for file in files if file.version not in applied]
    for file in pending:
        with warehouse.migrating():
            for statement in statements(file.path.read_text(encoding="utf-8")):
                warehouse.execute(statement)
            warehouse.execute(
                "insert into national.schema_version (version, file_name)"
                " values (:version, :file_name)",
                {"version": file.version, "file_name": file.path.name},
            )
    if pending:
        with warehouse.as_owner():
            describe_tables(warehouse)
    return files[-1].version


def _applied(warehouse: Warehouse) -> set[int]:
    if "schema_version" not in warehouse.tables(NATIONAL):
        return set()
    found = warehouse.rows("select version from national.schema_version")
    return {int(row["version"]) for row in found}


def open_national_figures(settings: Settings) -> Warehouse:
    """Open what readers see of the national warehouse, read-only.

    It has the packages that were received even where no figures are published yet.

    Raises:
        NothingPublishedError: this installation has no national warehouse.
    """
    none = NothingPublishedError(
        "this installation has no national figures",
        remedy="run `onestop federate` with the packages of the provinces",
    )
    try:
        warehouse = open_published(settings)
    except NothingPublishedError:
        raise none from None
    if not has_national(warehouse):
        warehouse.close()
        raise none
    return warehouse


def last_national(warehouse: Warehouse) -> dict[str, Any] | None:
    """The nation's last publication; None where there is none, as in a city's warehouse."""
    if not has_national(warehouse):
        return None
    rows = warehouse.rows(
        "select publication_id, as_of_date, published_at, provinces_total, provinces_in,"
        " provinces_ahead, provinces_late, provinces_missing from national.publication"
        " order by publication_id desc limit 1"
    )
    return rows[0] if rows else None


def nothing_national() -> NothingPublishedError:
    """The error of an office whose packages were never published."""
    return NothingPublishedError(
        "no national figures are published yet",
        remedy="run `onestop federate` with the packages of the provinces",
    )


def pending_national(warehouse: Warehouse) -> list[str]:
    """Names of the schema files of a national warehouse that are not applied yet."""
    applied = _applied(warehouse)
    files = schema_files(warehouse.engine, _FOLDER / "schema")
    return [file.path.name for file in files if file.version not in applied]


def insert_query(warehouse: Warehouse, name: str, parameters: Mapping[str, object]) -> None:
    """Add the rows of ``sql/national/<name>.sql`` to the national table of that name."""
    columns = ", ".join(warehouse.columns(NATIONAL, name))
    warehouse.execute(
        f"insert into national.{name} ({columns}) select {columns} from ({_query(name)}) as {name}",
        parameters,
    )


@cache
def _query(name: str) -> str:
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def indicator_rows() -> list[dict[str, object]]:
    """How each indicator is added up: computed ones by their integers, others not at all.

    A rank or a median of provinces has no sum; a declared figure rests on a document of each
    province, whose basis may differ.
    """
    return [
        {
            "indicator_code": row["indicator_code"],
            "title_vi": row["title_vi"],
            "title_en": row["title_en"],
            "unit_of_measure": row["unit_of_measure"],
            "value_scale": row["value_scale"],
            "scorecard_method": row["scorecard_method"],
            "position": row["position"],
            "adds_up": row["kind"] == "computed",
            "reason_vi": _why(row)[0],
            "reason_en": _why(row)[1],
        }
        for row in read_reference()["indicator"]
    ]


def _why(row: Row) -> tuple[str | None, str | None]:
    if row["kind"] == "computed":
        return None, None
    if row["unit_of_measure"] == "rank":
        return "Thứ hạng không cộng được", "Ranks cannot be added up"
    if row["kind"] == "declared":
        return (
            "Số khai báo theo văn bản của từng tỉnh, không cộng",
            "Declared by each province with its own document; not added up",
        )
    return "Chưa tính được: chưa có nguồn số liệu", "Not computed: there is no source of data"

"""Verification of the nation's figures: added up again from the kept packages alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from onestop.federation.checks import SumChecks
from onestop.federation.federating import kept_package, national_rows
from onestop.federation.national_warehouse import (
    insert_query,
    last_national,
    nothing_national,
    open_national,
    open_national_figures,
)
from onestop.federation.package import open_package
from onestop.federation.refusal import PackageRefusedError
from onestop.files import has_sha256, scratch_folder
from onestop.progress import counted_off, working
from onestop.said import said, said_count
from onestop.warehouse.duckdb_engine import duckdb_address

if TYPE_CHECKING:
    import datetime as dt

    import pyarrow as pa

    from onestop.said import Said
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

_ADDED_UP = ("indicator_value", "form_06a")
#: Columns that publications of earlier releases do not have.
_SINCE_LATER = ("provinces_depending", "provinces_provisional", "met_at_least", "met_at_most")


@dataclass
class NationVerification:
    """The result of a verification.

    Attributes:
        night: the nation's night.
        publication_id: its last publication, which was verified.
        packages: how many packages it rests on.
        figures: how many published figures were compared.
        differences: what differs, by table, and which packages cannot be read.
        difference_count: number of the figures that differ, and of those packages.
    """

    night: dt.date
    publication_id: int
    packages: int = 0
    figures: int = 0
    differences: list[Said] = field(default_factory=list)
    difference_count: int = 0

    def differ(self, sentence: Said, count: int = 1) -> None:
        """Note what differs."""
        self.differences.append(sentence)
        self.difference_count += count


def verify_nation(settings: Settings) -> NationVerification:
    """Add the last publication of the nation up again from the kept packages, and compare.

    Digests and sums of the packages are checked again; whether their keys were valid was decided
    when they were received.

    Args:
        settings: of the national installation.

    Raises:
        NothingPublishedError: no national figures are published.
    """
    with (
        open_national_figures(settings) as published,
        scratch_folder("verify") as folder,
        open_national(
            replace(settings, warehouse=duckdb_address(folder / "nation.duckdb"))
        ) as scratch,
        SumChecks() as checks,
    ):
        last = last_national(published)
        if last is None:
            raise nothing_national()
        number = {"publication": last["publication_id"]}
        result = NationVerification(last["as_of_date"], last["publication_id"])
        for name, condition in (
            ("indicator", "true"),
            ("coverage", "publication_id = :publication"),
        ):
            parameters = number if ":publication" in condition else None
            rows = published.arrow(f"select * from national.{name} where {condition}", parameters)
            scratch.append(f"national.{name}", rows)
        packages = published.rows(
            "select coverage.package_id, package.file_sha256, package.province_code"
            " from national.coverage as coverage inner join national.package as package"
            " on coverage.package_id = package.package_id"
            " where publication_id = :publication order by package.province_code",
            number,
        )
        with working("verifying", str(result.night), unit="files", total=len(packages)):
            for row in counted_off(packages):
                result.packages += 1
                _add_checked(scratch, settings, checks, row, result)
        for name in _ADDED_UP:
            insert_query(scratch, name, {**number, "night": last["as_of_date"]})
            _compare(published, scratch, name, result)
    return result


def _add_checked(
    scratch: Warehouse,
    settings: Settings,
    checks: SumChecks,
    row: dict[str, Any],
    result: NationVerification,
) -> None:
    """Add a kept package's rows, or note why it does not pass."""
    try:
        _add(scratch, settings, checks, row)
    except (OSError, PackageRefusedError) as error:
        why = error.why if isinstance(error, PackageRefusedError) else type(error).__name__
        result.differ(
            said(
                "{province}: the kept package {sha256} does not pass: {why}",
                province=row["province_code"],
                sha256=row["file_sha256"],
                why=why,
            )
        )


def _add(scratch: Warehouse, settings: Settings, checks: SumChecks, row: dict[str, Any]) -> None:
    """Add a kept package's rows.

    Raises:
        OSError: the file is not there.
        PackageRefusedError: its bytes are not those that were received, or it does not pass.
    """
    path = kept_package(settings, row["file_sha256"])
    if not has_sha256(path, row["file_sha256"]):
        raise OSError(path)
    sealed = open_package(path.read_bytes())
    rows = national_rows(sealed.manifest, row["package_id"], checks.check(sealed))
    for name in ("province_figure", "province_form_06a"):
        scratch.append(f"national.{name}", rows[name])


def _compare(
    published: Warehouse, scratch: Warehouse, name: str, result: NationVerification
) -> None:
    columns = [
        column
        for column in published.columns("national", name)
        if column in scratch.columns("national", name)
    ]
    query = f"select {{}} from national.{name} where publication_id = :publication"
    number = {"publication": result.publication_id}
    if "met_at_most" in columns:
        is_earlier = f"{query.format('count(provinces_depending)')}"
        if not published.value(is_earlier, number):
            columns = [column for column in columns if column not in _SINCE_LATER]
    both = [one.arrow(query.format(", ".join(columns)), number) for one in (published, scratch)]
    result.figures += both[0].num_rows
    if differing := _differing(*both):
        result.differ(
            said(
                "national.{table}: not the sums of the kept packages: {figures}",
                table=name,
                figures=said_count(differing, "figure"),
            ),
            differing,
        )


def _differing(one: pa.Table, other: pa.Table) -> int:
    """How many rows of two tables the other one does not have; at most each pair once."""
    left, right = ({tuple(row.values()) for row in table.to_pylist()} for table in (one, other))
    return max(len(left - right), len(right - left))

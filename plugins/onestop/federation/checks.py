"""What is checked of a package before it counts: signature, night, digests and sums.

The sums are checked by the rules of the city's own suites (``expectations/marts/``): units add up
to their level, levels to the city, for every indicator and every column of form II.06a.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from onestop.federation.package import TABLES
from onestop.federation.refusal import (
    BAD_SIGNATURE,
    BROKEN_SUMS,
    DAMAGED,
    FUTURE,
    OTHER_DIGEST,
    UNKNOWN_PROVINCE,
    PackageRefusedError,
)
from onestop.federation.signing import is_signed_by
from onestop.gate.suite import MART_SUITES, load_suite
from onestop.marts.publish import digest_of
from onestop.said import said, said_both
from onestop.schema.reference import reference_tables
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.warehouse.duckdb_files import open_duckdb

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from onestop.federation.package import SealedPackage
    from onestop.federation.registry import Province, Registry
    from onestop.said import Said

_SUITES = ("indicator_value", "form_06a", "processing_time")
#: The rows that the national warehouse holds of the large tables.
_STORED = {
    "indicator_value": (
        "select * from indicator_value where unit_scope <> 'unit'"
        " or coalesce(denominator, 0) <> 0 or value is not null"
    ),
    "form_06a": "select * from form_06a where unit_scope <> 'unit' or received_total <> 0",
}
#: Rules of the suites that a package may break: PTM-F02 needs rows of units, which a package has no
#: percentiles of; earlier releases published coverages above 100, which IND-F16 refuses.
_NOT_OF_PACKAGES = {"IND-F16", "PTM-F02"}
#: Columns that every row of a table has; those of the other tables are required by the warehouse.
_REQUIRED = {
    "delivery": "feed, night, rows_read, rows_accepted, rows_rejected, rows_repeated, rows_blank",
    "known_issue": "issue_code",
    "processing_time": (
        "unit_code, unit_level, unit_scope, clock_code, period_type, period_basis, period_start,"
        " period_end, dossiers"
    ),
    "target": "indicator_code, unit_level, comparison, target_numerator, target_denominator",
    "unit": "unit_code, unit_level, unit_scope",
}
#: A counted figure stays so far below what 64 bits hold that sums and rates of it do.
_MOST_CASES = 10**12
_KEYS = {
    "known_issue": "issue_code",
    "processing_time": (
        "unit_code, unit_scope, clock_code, period_type, period_basis, period_start"
    ),
    "target": "indicator_code, unit_level, valid_from",
    "unit": "unit_scope, unit_code",
}
_LEVELS = "select unit_code, unit_level, unit_scope from ref.unit_level"
_COMPARISONS = "select code from ref.code_label where code_kind = 'comparison'"
#: Holds for rows whose period has an unknown type or basis, or ends before it begins.
_NO_PERIOD = (
    "period_type not in (select period_type from ref.period_type)"
    " or period_basis not in (select period_basis from ref.period_basis)"
    " or period_start > period_end"
)
#: Further conditions: each selects the rows that break it.
_CONDITIONS: dict[str, str] = {
    "NAT-F01": (
        "select 1 from indicator_value where unit_scope not in ('city', 'level', 'unit')"
        " or (unit_scope <> 'unit' and (unit_code, unit_level, unit_scope) not in"
        f" ({_LEVELS}))"
    ),
    "NAT-F02": (
        "select 1 from form_06a where unit_scope not in ('city', 'level', 'unit')"
        f" or (unit_scope <> 'unit' and (unit_code, unit_level, unit_scope) not in ({_LEVELS}))"
    ),
    "NAT-F03": (
        "select 1 from indicator_value where method_code <> 'declared'"
        f" and (abs(numerator) > {_MOST_CASES} or abs(denominator) > {_MOST_CASES})"
    ),
    # A city without levels, or levels without units, would pass the suites' sums.
    "NAT-F04": (
        "select 1 from indicator_value where method_code <> 'declared' and indicator_code in"
        " (select indicator_code from ref.indicator where growth <> 'stock')"
        " group by plan_code, indicator_code, method_code, period_type, period_basis, period_start"
        " having sum(case unit_scope when 'city' then denominator else 0 end)"
        "  <> sum(case unit_scope when 'level' then denominator else 0 end)"
        " or sum(case unit_scope when 'level' then denominator else 0 end)"
        "  <> sum(case unit_scope when 'unit' then denominator else 0 end)"
        " or sum(case unit_scope when 'city' then numerator else 0 end)"
        "  <> sum(case unit_scope when 'level' then numerator else 0 end)"
        " or sum(case unit_scope when 'level' then numerator else 0 end)"
        "  <> sum(case unit_scope when 'unit' then numerator else 0 end)"
    ),
    "NAT-F05": " union all ".join(
        f"(select 1 from {table} group by {key} having count(*) > 1)"
        for table, key in _KEYS.items()
    ),
    "NAT-F06": (
        " union all ".join(
            f"(select 1 from {table} where {_NO_PERIOD})"
            for table in ("indicator_value", "form_06a", "processing_time")
        )
        + " union all (select 1 from indicator_value"
        " where method_code not in (select method_code from ref.method)"
        f" or comparison not in ({_COMPARISONS}))"
        f" union all (select 1 from target where comparison not in ({_COMPARISONS}))"
    ),
    "NAT-F07": (
        "(select 1 from indicator_value where coverage < 0)"
        " union all (select 1 from delivery where least(rows_read, rows_accepted, rows_rejected,"
        " rows_repeated, rows_blank, rows_skipped) < 0)"
    ),
}


def check_origin(package: SealedPackage, registry: Registry, now: dt.datetime) -> Province:
    """The province of a package, after its signature and its night were checked.

    Args:
        package: its tables need not be read yet.
        registry: of the national office.
        now: the moment of receipt, which decides which keys are valid.

    Raises:
        PackageRefusedError: the province is unknown, no valid key of it gives the signature, or
            the night is not over.
    """
    manifest = package.manifest
    province = registry.get(manifest.province_code)
    if province is None:
        raise PackageRefusedError(
            UNKNOWN_PROVINCE,
            said("the registry has no province {province}", province=manifest.province_code),
        )
    today = now.astimezone(LOCAL_ZONE).date()
    signers = [
        key
        for key in province.keys
        if is_signed_by(key.public, package.manifest_bytes, package.signature)
    ]
    if not signers:
        raise PackageRefusedError(
            BAD_SIGNATURE,
            said(
                "the signature is by no key of {province} (it names key {key})",
                province=province.province_code,
                key=package.key_id,
            ),
        )
    if not signers[0].is_valid_on(today):
        raise PackageRefusedError(
            BAD_SIGNATURE,
            said(
                "key {key} of {province} is not valid on {day}",
                key=signers[0].key_id,
                province=province.province_code,
                day=today,
            ),
        )
    latest = now + dt.timedelta(hours=1)  # clocks differ
    after = manifest.as_of_date + dt.timedelta(days=1)
    if dt.datetime.combine(after, dt.time(), LOCAL_ZONE) > latest:
        raise PackageRefusedError(
            FUTURE, said("night {night} is not over yet", night=manifest.as_of_date)
        )
    if manifest.published_at > latest:
        raise PackageRefusedError(
            FUTURE,
            said(
                "night {night} was published in the future, at {moment}",
                night=manifest.as_of_date,
                moment=f"{manifest.published_at:%Y-%m-%d %H:%M} UTC",
            ),
        )
    return province


class SumChecks:
    """Checks the tables of packages in a DuckDB connection in memory; to be closed.

    The connection is made for the first package: most runs have no new one.
    """

    def __init__(self) -> None:
        self._opened: duckdb.DuckDBPyConnection | None = None
        self._rules: list[tuple[str, Said]] = []

    @property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        if self._opened is None:
            self._opened = open_duckdb(":memory:")
            self._prepare_all()
        return self._opened

    def _prepare_all(self) -> None:
        self._connection.execute("set threads = 1")  # the tables are small
        self._connection.execute("create schema ref")
        for name, table in reference_tables().items():
            self._make(f"ref.{name}", table)
        for name, columns in TABLES.items():
            self._make(name, pa.schema(list(columns.items())).empty_table())
        for suite in (load_suite(name, MART_SUITES) for name in _SUITES):
            rows = f"select *, date '2000-01-01' as as_of_date from {suite.name}"
            for rule in suite.rules:
                query = rule.predicate(rows)
                if query and rule.severity == "critical" and rule.code not in _NOT_OF_PACKAGES:
                    message = said_both(vi=rule.message_vi, en=rule.message_en)
                    why = said(
                        "the figures break {rule}: {message}", rule=rule.code, message=message
                    )
                    self._prepare(query, why)
        for code, query in _CONDITIONS.items():
            self._prepare(query, said("the figures break {rule}", rule=code))

    def _make(self, name: str, table: pa.Table) -> None:
        self._connection.register("incoming_rows", table)
        self._connection.execute(f"create table {name} as select * from incoming_rows")
        self._connection.unregister("incoming_rows")

    def _prepare(self, query: str, why: Said) -> None:
        """Plan a query once for all packages; each of its rows breaks the rule."""
        name = f"rule_{len(self._rules)}"
        self._connection.execute(f"prepare {name} as select 1 from ({query}) as found limit 1")
        self._rules.append((name, why))

    def __enter__(self) -> Self:
        """The checks themselves."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        if self._opened is not None:
            self._opened.close()

    def check(self, package: SealedPackage) -> dict[str, pa.Table]:
        """The tables of a package whose figures add up and are those that were published.

        Rows of units without a case, which only the sums and the digest need, are left out.

        Raises:
            PackageRefusedError: they are damaged, or they are not.
        """
        tables = package.tables()
        for name, columns in _REQUIRED.items():
            for column in columns.split(", "):
                if tables[name][column].null_count:
                    raise PackageRefusedError(
                        DAMAGED, said("{table}: a required cell is empty", table=name)
                    )
        # rows that are deleted would keep their memory until the connection is closed
        self._connection.execute("begin")
        try:
            return tables | self._checked(tables, package.manifest.figures_sha256)
        finally:
            self._connection.execute("rollback")

    def _checked(self, tables: Mapping[str, pa.Table], digest: str) -> dict[str, pa.Table]:
        for name, table in tables.items():
            self._connection.register("incoming_rows", table)
            self._connection.execute(f"insert into {name} by name select * from incoming_rows")
            self._connection.unregister("incoming_rows")
        for name, why in self._rules:
            if self._connection.execute(f"execute {name}").fetchone() is not None:
                raise PackageRefusedError(BROKEN_SUMS, why)
        self._check_digest(digest)
        return {name: self._arrow(query) for name, query in _STORED.items()}

    def _check_digest(self, stated: str) -> None:
        if digest_of(self._arrow, "indicator_value", "form_06a") != stated:
            raise PackageRefusedError(
                OTHER_DIGEST,
                said("the figures are not those whose digest the publication has"),
            )

    def _arrow(self, query: str) -> pa.Table:
        table: pa.Table = self._connection.sql(query).to_arrow_table()
        return table

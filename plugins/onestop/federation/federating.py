"""Taking in packages and publishing the nation's figures, in one transaction.

Every file is kept first, under its digest, then everything else happens in one transaction: which
packages are in force, what they restate, and the nation's sums. A run that is killed leaves at most
kept files; the next run does the rest.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute

from onestop.federation.checks import SumChecks, check_origin
from onestop.federation.national_warehouse import (
    indicator_rows,
    insert_query,
    open_national,
)
from onestop.federation.package import ENDING, open_package
from onestop.federation.places import packages_at
from onestop.federation.publishing import NationState, complete_copy, publish_sums
from onestop.federation.refusal import CONTRADICTION, OLDER, FederationError, PackageRefusedError
from onestop.federation.registry import registry_rows
from onestop.files import has_sha256, write_new
from onestop.intake.landing import make_private
from onestop.progress import counted_off, working
from onestop.said import said
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.warehouse.base import quoted_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from onestop.federation.package import Manifest
    from onestop.federation.places import FoundPackage
    from onestop.federation.registry import Registry
    from onestop.intake.exports import Folder
    from onestop.said import Said
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

#: Its functions' types do not fit columns of any type.
pc: Any = pyarrow.compute
#: Folder of the kept packages, below the landing.
PACKAGES = "packages"
IN_FORCE, REPLACED, REFUSED, REPEATED = "in_force", "replaced", "refused", "repeated"
#: Letters of a file's name that are kept; a file that cannot be read is known by its name.
_MOST_NAME = 500
#: The national table of each table of a package.
_STORED = {
    "indicator_value": "province_figure",
    "form_06a": "province_form_06a",
    "processing_time": "province_processing_time",
    "unit": "province_unit",
    "target": "province_target",
    "known_issue": "province_known_issue",
    "delivery": "province_delivery",
}
#: Columns that have another name there.
_RENAMED = {"status": "figure_status"}


@dataclass(frozen=True)
class PackageOutcome:
    """What became of one file.

    Attributes:
        place: its name.
        state: ``in_force``, ``refused``, or ``repeated`` (held before).
        province_code: as it states; empty where it could not be read.
        night: as it states.
        replaces_night: the night of the package that it replaces.
        restated: how many figures of levels and city it states otherwise.
        refusal: why it is refused.
        is_known: whether it was refused before for the same reason.
    """

    place: str
    state: str
    province_code: str = ""
    night: dt.date | None = None
    replaces_night: dt.date | None = None
    restated: int = 0
    refusal: PackageRefusedError | None = None
    is_known: bool = False


@dataclass(frozen=True)
class Federated(NationState):
    """What a run did: what became of the files, and the nation's state.

    Attributes:
        outcomes: one for each file.
        unreachable: an error for each place that could not be listed.
    """

    outcomes: tuple[PackageOutcome, ...] = ()
    unreachable: tuple[FederationError, ...] = ()

    @property
    def refused(self) -> list[PackageOutcome]:
        """The files that were refused."""
        return [outcome for outcome in self.outcomes if outcome.state == REFUSED]

    @property
    def repeated(self) -> list[PackageOutcome]:
        """The files that were held before."""
        return [outcome for outcome in self.outcomes if outcome.state == REPEATED]


@dataclass(frozen=True)
class Wanted:
    """What a run is to do besides taking in files.

    Attributes:
        night: the nation's night; None: the latest night among the packages in force.
        at_least: publish only when so many provinces are in.
        has_publication: whether to publish at all.
        has_retries: whether kept files that were refused are checked again.
    """

    night: dt.date | None = None
    at_least: int = 0
    has_publication: bool = True
    has_retries: bool = False


@dataclass
class _Received:
    """A file of this run: its bytes are kept, and read again when its turn comes."""

    place: str
    sha256: str = ""
    size_bytes: int = 0
    manifest: Manifest | None = None
    manifest_sha256: str | None = None
    key_id: str | None = None
    refusal: PackageRefusedError | None = None
    is_repeat: bool = False
    is_known: bool = False
    restated: int = 0
    replaces: dict[str, Any] | None = None

    @property
    def order(self) -> tuple[Any, ...]:
        """Nights and publications come in their order, whatever the order of the files."""
        if self.manifest is None:
            return (0, self.place)
        manifest = self.manifest
        return (1, manifest.as_of_date, manifest.published_at, self.manifest_sha256, self.place)


def federate(
    settings: Settings,
    registry: Registry,
    places: Sequence[str | Folder],
    wanted: Wanted | None = None,
    *,
    now: dt.datetime | None = None,
) -> Federated:
    """Take in the packages at some places, and publish the nation's figures.

    Running it again is safe: files that are held already change nothing, and a publication of the
    same packages for the same night is not made twice.

    Args:
        settings: of the national installation.
        registry: the provinces.
        places: see :func:`onestop.federation.places.packages_at`.
        wanted: of the publication; by default it is made however many provinces are in.
        now: the moment; defaults to the clock's.

    Raises:
        FederationError: a place cannot be used.
        WarehouseError: the national warehouse cannot be written.
    """
    now = now or dt.datetime.now(LOCAL_ZONE)
    wanted = wanted or Wanted()
    unreachable: list[FederationError] = []
    with working("reading", unit="files"):
        found_files = counted_off(packages_at(places, unreachable))
        received = [_receive(settings, found) for found in found_files]
    with open_national(settings) as warehouse:
        if wanted.has_retries:
            received += _kept_refused(settings, warehouse, {one.sha256 for one in received})
        with SumChecks() as checks, warehouse.transaction():
            _replace_rows(warehouse, "province", [*registry_rows(registry)])
            _replace_rows(warehouse, "indicator", indicator_rows())
            with working("checking", unit="files", total=len(received)):
                outcomes = _take_in(warehouse, settings, registry, checks, received, now)
            state = NationState()
            if wanted.has_publication:
                state = publish_sums(warehouse, wanted.night, wanted.at_least, now)
        complete_copy(settings, warehouse)
    return Federated(**vars(state), outcomes=tuple(outcomes), unreachable=tuple(unreachable))


# --- files ---------------------------------------------------------------------------------------


def kept_package(settings: Settings, sha256: str) -> Path:
    """The kept file of a package: evidence of what the national figures rest on."""
    return settings.landing / PACKAGES / f"{sha256}{ENDING}"


def _receive(settings: Settings, found: FoundPackage) -> _Received:
    """Read a file, keep its bytes, and open it as far as its order needs."""
    one = _Received(found.name[:_MOST_NAME])
    try:
        data = found.read()
    except PackageRefusedError as refused:
        one.refusal = refused
        return one
    _keep(settings, one, data)
    _open(one, data)
    return one


def _keep(settings: Settings, one: _Received, data: bytes) -> None:
    one.sha256, one.size_bytes = hashlib.sha256(data).hexdigest(), len(data)
    path = kept_package(settings, one.sha256)
    make_private(settings.landing)
    if path.exists() and has_sha256(path, one.sha256):
        return
    path.unlink(missing_ok=True)  # its disk damaged it
    try:
        write_new(path, data)
    except FileExistsError:  # another process kept it meanwhile
        return


def _open(one: _Received, data: bytes) -> None:
    try:
        sealed = open_package(data)
    except PackageRefusedError as refused:
        one.refusal = refused
    else:
        one.manifest, one.manifest_sha256 = sealed.manifest, sealed.manifest_sha256
        one.key_id = sealed.key_id


def _kept_refused(settings: Settings, warehouse: Warehouse, seen: set[str]) -> list[_Received]:
    """The kept files that were refused and are not among those of this run."""
    found = []
    for row in warehouse.rows(
        "select package_place, file_sha256 from national.package"
        " where package_state = 'refused' and file_sha256 <> '' order by package_id"
    ):
        path = kept_package(settings, row["file_sha256"])
        if row["file_sha256"] in seen or not path.is_file():
            continue
        data = path.read_bytes()
        one = _Received(row["package_place"], row["file_sha256"], len(data))
        _open(one, data)
        found.append(one)
    return found


# --- taking in -----------------------------------------------------------------------------------


def _take_in(
    warehouse: Warehouse,
    settings: Settings,
    registry: Registry,
    checks: SumChecks,
    received: Iterable[_Received],
    now: dt.datetime,
) -> list[PackageOutcome]:
    """Take in files in the order of their nights; part of the running transaction."""
    known = {
        row["file_sha256"] or row["package_place"]: row
        for row in warehouse.rows(
            "select package_id, file_sha256, package_place, package_state, refusal_code"
            " from national.package"
        )
    }
    next_id = int(
        warehouse.value("select coalesce(max(package_id), 0) + 1 as id from national.package")
    )
    outcomes = []
    pending = _Pending()
    for one in counted_off(sorted(received, key=lambda each: each.order)):
        held = known.get(one.sha256 or one.place)
        package_id = held["package_id"] if held else next_id
        next_id += 0 if held else 1
        if held and held["package_state"] != REFUSED:
            one.is_repeat, state = True, held["package_state"]
        else:
            state = _judge(warehouse, settings, registry, checks, one, package_id, pending, now)
        code = one.refusal.code if one.refusal else None
        one.is_known = held is not None and code is not None and held["refusal_code"] == code
        _note(warehouse, one, package_id, state, now, is_new=not held)
        known[one.sha256 or one.place] = {
            "package_id": package_id,
            "package_state": state,
            "refusal_code": code,
        }
        outcomes.append(_outcome(one, state))
    pending.write(warehouse)
    return outcomes


def _judge(  # noqa: PLR0913, PLR0917 - what a package is judged by
    warehouse: Warehouse,
    settings: Settings,
    registry: Registry,
    checks: SumChecks,
    one: _Received,
    package_id: int,
    pending: _Pending,
    now: dt.datetime,
) -> str:
    """The state of a file that is new or was refused; a package that passes is in force."""
    if one.manifest is None:
        return REFUSED
    try:
        # the kept bytes are what counts
        sealed = open_package(kept_package(settings, one.sha256).read_bytes())
        check_origin(sealed, registry, now)
        held = _in_force(warehouse, sealed.manifest.province_code)
        if held and held["manifest_sha256"] == sealed.manifest_sha256:
            one.is_repeat = True  # the same content, compressed or signed anew
            return REPEATED
        if held:
            _refuse_earlier(sealed.manifest, held)
        tables = checks.check(sealed)
    except PackageRefusedError as refused:
        one.refusal = refused
        return REFUSED
    _put_in_force(warehouse, one, sealed.manifest, package_id, pending, tables, held, now)
    return IN_FORCE


def _in_force(warehouse: Warehouse, province: str) -> dict[str, Any] | None:
    rows = warehouse.rows(
        "select package_id, province_as_of_date, province_published_at, manifest_sha256"
        " from national.package where package_state = 'in_force' and province_code = :province",
        {"province": province},
    )
    return rows[0] if rows else None


def _refuse_earlier(manifest: Manifest, held: Mapping[str, Any]) -> None:
    own = (manifest.as_of_date, manifest.published_at)
    other = (held["province_as_of_date"], held["province_published_at"])
    if own < other:
        raise PackageRefusedError(
            OLDER,
            said(
                "night {night}, published at {moment}, is older than night {held}, which is held",
                night=manifest.as_of_date,
                moment=f"{manifest.published_at:%Y-%m-%d %H:%M:%S} UTC",
                held=held["province_as_of_date"],
            ),
        )
    if own == other:
        raise PackageRefusedError(
            CONTRADICTION,
            said(
                "the same publication of night {night} is held with other content",
                night=manifest.as_of_date,
            ),
        )


def _put_in_force(  # noqa: PLR0913, PLR0917 - what comes into force, and in whose place
    warehouse: Warehouse,
    one: _Received,
    manifest: Manifest,
    package_id: int,
    pending: _Pending,
    tables: Mapping[str, pa.Table],
    held: dict[str, Any] | None,
    now: dt.datetime,
) -> None:
    """Replace a province's rows by those of a package, and list what it restates."""
    if held:
        pending.write(warehouse)  # the package that is replaced may be among them
    rows = national_rows(manifest, package_id, tables)
    if held:
        one.restated = _restate(warehouse, manifest, package_id, held, rows["province_figure"], now)
        one.replaces = held
        warehouse.execute(
            "update national.package set package_state = 'replaced' where package_id = :package",
            {"package": held["package_id"]},
        )
    pending.add(warehouse, manifest.province_code, rows)


def national_rows(
    manifest: Manifest, package_id: int, tables: Mapping[str, pa.Table]
) -> dict[str, pa.Table]:
    """The rows of a package for the national tables, by the table's name."""
    first: tuple[tuple[str, Any], ...] = (
        ("package_id", pa.scalar(package_id, pa.int64())),
        ("province_code", pa.scalar(manifest.province_code)),
        ("as_of_date", pa.scalar(manifest.as_of_date)),
    )
    rows = {}
    for name, table in tables.items():
        for column, value in reversed(first):
            table = table.add_column(0, column, pa.repeat(value, table.num_rows))  # noqa: PLW2901
        rows[_STORED[name]] = table.rename_columns(
            [_RENAMED.get(column, column) for column in table.column_names]
        )
    return rows


class _Pending:
    """Rows of packages that come into force, written together: statements cost more than rows."""

    def __init__(self) -> None:
        self._provinces: list[str] = []
        self._rows: dict[str, list[pa.Table]] = {table: [] for table in _STORED.values()}
        self._count = 0

    def add(self, warehouse: Warehouse, province: str, rows: Mapping[str, pa.Table]) -> None:
        """Add a province's rows, by national table."""
        self._provinces.append(province)
        for name, table in rows.items():
            self._rows[name].append(table)
            self._count += table.num_rows
        if self._count > _MOST_PENDING:
            self.write(warehouse)

    def write(self, warehouse: Warehouse) -> None:
        """Replace the provinces' rows; part of the running transaction."""
        if not self._provinces:
            return
        provinces = ", ".join(quoted_text(code) for code in self._provinces)
        for name, tables in self._rows.items():
            warehouse.execute(f"delete from national.{name} where province_code in ({provinces})")
            warehouse.append(f"national.{name}", pa.concat_tables(tables))
            tables.clear()
        self._provinces.clear()
        self._count = 0


#: Rows that are held in memory before they are written.
_MOST_PENDING = 500_000


def _restate(
    warehouse: Warehouse,
    manifest: Manifest,
    package_id: int,
    held: Mapping[str, Any],
    figures: pa.Table,
    now: dt.datetime,
) -> int:
    # held until the transaction ends, so without the rows that are not compared
    is_compared = pc.not_equal(figures["unit_scope"], "unit")
    warehouse.put_temporary_table("incoming_figure", figures.filter(is_compared))
    insert_query(
        warehouse,
        "restatement",
        {
            "package": package_id,
            "replaced_package": held["package_id"],
            "moment": now,
            "province": manifest.province_code,
            "earlier_night": held["province_as_of_date"],
            "night": manifest.as_of_date,
        },
    )
    return int(
        warehouse.value(
            "select count(*) from national.restatement where package_id = :package",
            {"package": package_id},
        )
    )


def _note(
    warehouse: Warehouse,
    one: _Received,
    package_id: int,
    state: str,
    now: dt.datetime,
    *,
    is_new: bool,
) -> None:
    """Note a file's receipt and its state."""
    if one.is_repeat and not is_new:
        warehouse.execute(
            "update national.package set times_received = times_received + 1,"
            " last_received_at = :moment where package_id = :package",
            {"moment": now, "package": package_id},
        )
        return
    if is_new:
        warehouse.execute(
            "insert into national.package (package_id, file_sha256, size_bytes, package_place,"
            " first_received_at, last_received_at, times_received, checked_at, package_state)"
            " values (:package, :sha256, :size, :place, :moment, :moment, 0, :moment, 'refused')",
            {
                "package": package_id,
                "sha256": one.sha256,
                "size": one.size_bytes,
                "place": one.place,
                "moment": now,
            },
        )
    why: Said | None = one.refusal.why if one.refusal else None
    manifest = one.manifest
    facts: dict[str, Any] = {
        "package_state": state,
        "refusal_code": one.refusal.code if one.refusal else None,
        "reason_vi": why.in_language("vi") if why is not None else None,
        "reason_en": why.in_language("en") if why is not None else None,
        "province_code": manifest.province_code if manifest else None,
        "province_as_of_date": manifest.as_of_date if manifest else None,
        "province_published_at": manifest.published_at if manifest else None,
        "manifest_sha256": one.manifest_sha256,
        "figures_sha256": manifest.figures_sha256 if manifest else None,
        "rules_sha256": manifest.rules_sha256 if manifest else None,
        "key_id": one.key_id,
        "replaces_package_id": one.replaces["package_id"] if one.replaces else None,
        "last_received_at": now,
        "checked_at": now,
    }
    changes = ", ".join(f"{name} = :{name}" for name in facts)
    warehouse.execute(
        f"update national.package set {changes}, times_received = times_received + 1"
        " where package_id = :package",
        {**facts, "package": package_id},
    )


def _outcome(one: _Received, state: str) -> PackageOutcome:
    manifest = one.manifest
    return PackageOutcome(
        place=one.place,
        state=REPEATED if one.is_repeat else state,
        province_code=manifest.province_code if manifest else "",
        night=manifest.as_of_date if manifest else None,
        replaces_night=one.replaces["province_as_of_date"] if one.replaces else None,
        restated=one.restated,
        refusal=one.refusal,
        is_known=one.is_known,
    )


def _replace_rows(warehouse: Warehouse, name: str, rows: list[dict[str, object]]) -> None:
    warehouse.execute(f"delete from national.{name}")
    warehouse.append(f"national.{name}", pa.Table.from_pylist(rows))

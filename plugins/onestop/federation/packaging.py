"""A province's side: a published night as a signed package. Only published figures are read."""

from __future__ import annotations

import datetime as dt
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from onestop.federation.package import ENDING, TABLES, open_package, write_package
from onestop.federation.refusal import FederationError
from onestop.federation.registry import PROVINCE_CODE
from onestop.federation.signing import read_key
from onestop.files import READABLE, write_whole
from onestop.marts.earlier_nights import NightMarts
from onestop.marts.publish import digest_of
from onestop.marts.published import find_night, open_published
from onestop.progress import counted_off, working
from onestop.said import said

if TYPE_CHECKING:
    import pyarrow as pa

    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

_THAT_NIGHT = "valid_from <= :night and (valid_to is null or valid_to > :night)"
#: The tables of the digest of a night's figures, and what keeps the rows of every night.
_HISTORY = {"indicator_value": "indicator_history", "form_06a": "form_06a_history"}
#: The columns by which the rows of each table are sorted, so that the bytes are the same again.
_ORDER = {
    "delivery": "feed, night, sha256",
    "form_06a": "field_code, unit_code, period_type, period_basis, period_start",
    "indicator_value": (
        "plan_code, indicator_code, method_code, unit_code, unit_scope, period_type,"
        " period_basis, period_start"
    ),
    "known_issue": "issue_code",
    "processing_time": "clock_code, unit_code, period_type, period_basis, period_start",
    "target": "indicator_code, unit_level, valid_from",
    "unit": "unit_scope, unit_code",
}


@dataclass(frozen=True)
class WrittenPackage:
    """A package that was written.

    Attributes:
        path: the file.
        as_of_date: its night.
        manifest_sha256: identifies its content.
        size_bytes: of the file.
    """

    path: Path
    as_of_date: dt.date
    manifest_sha256: str
    size_bytes: int


def package_night(
    settings: Settings,
    night: dt.date | None,
    folder: Path,
    *,
    province_code: str = "",
    key: Path | None = None,
) -> WrittenPackage:
    """Write the signed package of a published night.

    The same night gives the same bytes again, also after later nights were published.

    Args:
        settings: of this installation.
        night: a published night; defaults to the last one.
        folder: gets the file ``<province>_<night>_<digest>.onestop.zip``.
        province_code: as in the national registry; defaults to ``ONESTOP_PROVINCE``.
        key: the private key; defaults to the file ``ONESTOP_PACKAGE_KEY``.

    Raises:
        NothingPublishedError: that night is not published.
        FederationError: the province's code or key cannot be used, or the figures kept for the
            night are not those that were published.
    """
    province = _province(province_code)
    private = read_key(key or key_file())
    # each table is read, and then written
    packing = working("writing", unit="tables", total=2 * len(TABLES))
    with packing, open_published(settings) as warehouse:
        as_of = find_night(warehouse, night)
        facts = _facts(warehouse, as_of)
        tables = _tables(warehouse, as_of, str(facts["figures_sha256"]))
        data = write_package({"province_code": province, **facts}, tables, private)
    digest = open_package(data).manifest_sha256
    path = folder / f"{province}_{as_of.isoformat()}_{digest[:12]}{ENDING}"
    write_whole(path, data, mode=READABLE)
    return WrittenPackage(path, as_of, digest, len(data))


def key_file() -> Path:
    """The file of the private key (``ONESTOP_PACKAGE_KEY``).

    Raises:
        FederationError: the variable is not set.
    """
    named = os.environ.get("ONESTOP_PACKAGE_KEY")
    if not named:
        raise FederationError(
            "no key is named",
            subject="ONESTOP_PACKAGE_KEY",
            remedy="make one with `onestop package --new-key FILE`, and set the variable to it",
        )
    return Path(named).expanduser().absolute()


def _province(given: str) -> str:
    code = given or os.environ.get("ONESTOP_PROVINCE", "")
    if not PROVINCE_CODE.fullmatch(code):
        raise FederationError(
            said("{code} is no code of a province", code=code) if code else "no province is named",
            subject="ONESTOP_PROVINCE",
            remedy="set it to the code that the national registry has for this installation",
        )
    return code


def _facts(warehouse: Warehouse, night: dt.date) -> dict[str, object]:
    """The manifest's facts about the night's publication."""
    [row] = warehouse.rows(
        "select publication_id, published_at, figures_sha256, rules_sha256"
        " from audit.publication where as_of_date = :night"
        " order by publication_id desc limit 1",
        {"night": night},
    )
    if not re.fullmatch(r"[0-9a-f]{64}", str(row["rules_sha256"])):
        raise FederationError(
            "an earlier release published it, without a digest of its rules",
            subject=said("night {night}", night=night),
            remedy="package a night that this release published",
        )
    moment = row["published_at"].astimezone(dt.UTC)
    deliveries = warehouse.value(
        f"select count(*) from ({_deliveries()}) as delivery", {"night": night}
    )
    return {
        "as_of_date": night.isoformat(),
        "published_at": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z",
        "publication_id": int(row["publication_id"]),
        "figures_sha256": row["figures_sha256"],
        "rules_sha256": row["rules_sha256"],
        "delivery_count": int(deliveries),
    }


def _deliveries() -> str:
    """The deliveries that a night's figures rest on; no names of files, which may hold anything."""
    return (
        f"select {', '.join(TABLES['delivery'])} from audit.delivery"
        " where state = 'loaded' and known_from <= :night"
    )


def _tables(warehouse: Warehouse, night: dt.date, digest: str) -> dict[str, pa.Table]:
    marts = NightMarts(warehouse, night, mark="packaged")
    texts = {
        "delivery": _deliveries(),
        "form_06a": _of_history("form_06a"),
        "indicator_value": _of_history("indicator_value"),
        "known_issue": _of(marts, "mart.known_issue"),
        "processing_time": _of(marts, "mart.processing_time")
        + " where field_code = 'ALL' and procedure_key = 'ALL' and unit_scope <> 'unit'",
        "target": _of(marts, "ref.target"),
        "unit": _of(marts, "mart.unit"),
    }
    tables = {}
    for name, text in counted_off(texts.items()):
        parameters = {"night": night} if ":night" in text else None
        tables[name] = warehouse.arrow(f"{text} order by {_ORDER[name]}", parameters)
    marts.drop()
    for name in _HISTORY:
        warehouse.put_temporary_table(f"packaged_{name}", tables[name])
    if digest_of(warehouse.arrow, *(f"packaged_{name}" for name in _HISTORY)) != digest:
        raise FederationError(
            "the figures kept for it are not those that were published: their digest differs",
            subject=said("night {night}", night=night),
            remedy="run `onestop verify`",
        )
    return tables


def _of(marts: NightMarts, table: str) -> str:
    return f"select {', '.join(TABLES[table.partition('.')[2]])} from {marts.relation(table)}"


def _of_history(mart: str) -> str:
    """The rows that a mart had on the night; the year so far ended with it."""
    columns = ", ".join(
        "coalesce(period_end, cast(:night as date)) as period_end" if name == "period_end" else name
        for name in TABLES[mart]
    )
    return f"select {columns} from mart.{_HISTORY[mart]} where {_THAT_NIGHT}"

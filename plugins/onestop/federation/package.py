"""The format of a package: one ZIP file with a signed manifest and tables in CSV.

``manifest.json`` lists the SHA-256, size and rows of each table; ``signature.json`` signs the
manifest's bytes, and so all of it. Version 1 is documented in ``docs/federation.md``. The bytes of
manifest and tables depend on nothing but the figures; only their compression is zlib's.

A package is read as hostile input: nothing is extracted to the disk, sizes are bounded before
anything is decompressed, and the tables are decompressed only once the signature is good.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import io
import json
import re
import unicodedata
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv as arrow_csv

from onestop.federation.refusal import DAMAGED, NO_PACKAGE, UNKNOWN_VERSION, PackageRefusedError
from onestop.federation.registry import PROVINCE_CODE
from onestop.federation.signing import ALGORITHM, key_id, sign
from onestop.progress import counted_off
from onestop.said import said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FORMAT = "onestop-package"
VERSION = 1
MANIFEST = "manifest.json"
SIGNATURE = "signature.json"
#: Ending of the file's name.
ENDING = ".onestop.zip"

#: Largest file that is read, and largest sum of its tables.
MOST_FILE_BYTES = 256 << 20
MOST_TABLE_BYTES = 2 << 30
#: Largest manifest and signature.
_MOST_MANIFEST_BYTES = 64 << 10
#: How many times larger a table may be than its compressed bytes: zlib reaches 1,032.
_MOST_RATIO = 1100
#: A national sum of 63 provinces stays far below what 64 bits hold.
MOST_COUNT = 10**15
_MOST_LETTERS = 2000
#: Begins each entry of a ZIP file's directory; other bytes may have it by chance, seldom.
_ENTRY_MARK = b"PK\x01\x02"
_MOST_ENTRIES = 64
#: The mark of an encrypted entry.
_ENCRYPTED = 0x1

_TEXT, _COUNT, _DAY = pa.string(), pa.int64(), pa.date32()
_NUMBER, _FLAG = pa.decimal128(18, 4), pa.bool_()
_PERIOD: dict[str, pa.DataType] = {
    "period_type": _TEXT,
    "period_basis": _TEXT,
    "period_start": _DAY,
    "period_end": _DAY,
}
_UNIT: dict[str, pa.DataType] = {"unit_code": _TEXT, "unit_level": _TEXT, "unit_scope": _TEXT}
#: The fourteen columns of form II.06a's tally.
FORM_COUNTS = (
    "received_total",
    "received_online",
    "received_counter_post",
    "carried_over",
    "resolved_total",
    "resolved_early",
    "resolved_on_time",
    "resolved_late",
    "open_total",
    "open_in_time",
    "open_overdue",
    "returned_early",
    "returned_on_time",
    "returned_late",
)
#: The tables of a package, and the type of each column.
TABLES: Mapping[str, dict[str, pa.DataType]] = {
    "delivery": {
        "feed": _TEXT,
        "night": _DAY,
        "sha256": _TEXT,
        "rows_read": _COUNT,
        "rows_accepted": _COUNT,
        "rows_rejected": _COUNT,
        "rows_repeated": _COUNT,
        "rows_blank": _COUNT,
        "rows_skipped": _COUNT,
    },
    "form_06a": {
        **_UNIT,
        "field_code": _TEXT,
        **_PERIOD,
        **dict.fromkeys(FORM_COUNTS, _COUNT),
    },
    "indicator_value": {
        "plan_code": _TEXT,
        "indicator_code": _TEXT,
        "method_code": _TEXT,
        **_UNIT,
        **_PERIOD,
        "numerator": _COUNT,
        "denominator": _COUNT,
        "value": _NUMBER,
        "target": _NUMBER,
        "comparison": _TEXT,
        "status": _TEXT,
        "coverage": _NUMBER,
        "firmness": _TEXT,
        "turned_by": _TEXT,
        "rate_lower": _NUMBER,
        "rate_upper": _NUMBER,
        "is_small": _FLAG,
        "known_issues": _TEXT,
    },
    "known_issue": {
        "issue_code": _TEXT,
        "source": _TEXT,
        "feed": _TEXT,
        "unit_code": _TEXT,
        "first_date": _DAY,
        "last_date": _DAY,
        "indicator_codes": _TEXT,
        "text_vi": _TEXT,
        "text_en": _TEXT,
    },
    "processing_time": {
        **_UNIT,
        "clock_code": _TEXT,
        **_PERIOD,
        "dossiers": _COUNT,
        "median_workdays": _NUMBER,
        "p75_workdays": _NUMBER,
        "p90_workdays": _NUMBER,
    },
    "target": {
        "indicator_code": _TEXT,
        "unit_level": _TEXT,
        "comparison": _TEXT,
        "target_numerator": _COUNT,
        "target_denominator": _COUNT,
        "valid_from": _DAY,
        "valid_to": _DAY,
        "source_clause": _TEXT,
    },
    "unit": {
        **_UNIT,
        "unit_name": _TEXT,
        "parent_unit_code": _TEXT,
    },
}
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Manifest:
    """What a package states about itself.

    Attributes:
        province_code: whose figures they are.
        as_of_date: the night.
        published_at: the moment of its publication there, in UTC: later ones replace earlier ones.
        publication_id: the publication's number there.
        figures_sha256: the publication's digest of its figures.
        rules_sha256: of what they were computed by: SELECTs, reference rows and release.
        delivery_count: how many deliveries they rest on.
        tables: SHA-256, size in bytes and rows of each table.
    """

    province_code: str
    as_of_date: dt.date
    published_at: dt.datetime
    publication_id: int
    figures_sha256: str
    rules_sha256: str
    delivery_count: int
    tables: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class SealedPackage:
    """A package whose tables are not decompressed yet.

    Attributes:
        manifest: what it states.
        manifest_bytes: as they were signed.
        manifest_sha256: SHA-256 of these bytes, which identifies the content.
        signature: of these bytes.
        key_id: the number of the key that it names.
    """

    manifest: Manifest
    manifest_bytes: bytes
    manifest_sha256: str
    signature: bytes
    key_id: str
    _file: zipfile.ZipFile

    def tables(self) -> dict[str, pa.Table]:
        """The tables, after their digests, sizes and types were checked.

        Raises:
            PackageRefusedError: they are not what the manifest lists.
        """
        return {name: self._table(name) for name in TABLES}

    def _table(self, name: str) -> pa.Table:
        stated = self.manifest.tables[name]
        try:
            data = self._file.read(_entry(name))
        except Exception as error:  # noqa: BLE001 - zipfile and zlib have many
            raise _damaged(name, type(error).__name__) from None
        if len(data) != stated["size_bytes"] or _sha256(data) != stated["sha256"]:
            raise PackageRefusedError(
                DAMAGED,
                said("{table}: its bytes are not those that the manifest lists", table=name),
            )
        table = _from_csv(name, data)
        if table.num_rows != stated["rows"]:
            raise _damaged(name, f"{table.num_rows} != {stated['rows']}")
        return table


def write_package(
    facts: Mapping[str, Any], tables: Mapping[str, pa.Table], key: Ed25519PrivateKey
) -> bytes:
    """The bytes of a package; the same figures and key give the same bytes.

    Args:
        facts: the manifest's own ones, as JSON values: all but format, version and tables.
        tables: those of :data:`TABLES`, in the order in which their rows are to stand.
        key: signs it.
    """
    contents = {name: _to_csv(name, tables[name]) for name in counted_off(TABLES)}
    manifest = canonical_json(
        {
            "format": FORMAT,
            "version": VERSION,
            **facts,
            "tables": {
                name: {
                    "sha256": _sha256(data),
                    "size_bytes": len(data),
                    "rows": tables[name].num_rows,
                }
                for name, data in contents.items()
            },
        }
    )
    signature = canonical_json(
        {
            "algorithm": ALGORITHM,
            "key_id": key_id(key.public_key()),
            "signature": base64.b64encode(sign(key, manifest)).decode("ascii"),
        }
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        entries = {MANIFEST: manifest, SIGNATURE: signature}
        entries |= {_entry(name): data for name, data in sorted(contents.items())}
        for name, data in entries.items():
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = 0o644 << 16
            file.writestr(info, data, compresslevel=6)
    return out.getvalue()


def open_package(data: bytes) -> SealedPackage:
    """Read manifest and signature of a package; the tables stay compressed.

    Args:
        data: the file's bytes.

    Raises:
        PackageRefusedError: it is no package that this release reads.
    """
    if len(data) > MOST_FILE_BYTES:
        raise too_large(len(data))
    if data.count(_ENTRY_MARK) > _MOST_ENTRIES:  # zipfile would make an object of each
        raise _no_package("entries")
    try:
        file = zipfile.ZipFile(io.BytesIO(data))
        entries = file.infolist()
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise _no_package(type(error).__name__) from None
    _check_entries(entries)
    manifest_bytes, signature_bytes = (_small(file, name) for name in (MANIFEST, SIGNATURE))
    manifest = _manifest(_json_object(MANIFEST, manifest_bytes))
    if {entry.filename for entry in entries} != {MANIFEST, SIGNATURE, *map(_entry, TABLES)}:
        raise _no_package("entries")
    signature, key_number = _signature(_json_object(SIGNATURE, signature_bytes))
    return SealedPackage(
        manifest, manifest_bytes, _sha256(manifest_bytes), signature, key_number, file
    )


def canonical_json(value: object) -> bytes:
    """The only JSON text of a value that a package may hold: sorted names, no spaces, UTF-8."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"{text}\n".encode()


def too_large(size: int) -> PackageRefusedError:
    """The refusal of a file that is too large to be read."""
    return PackageRefusedError(
        NO_PACKAGE,
        said(
            "the file is too large: {size} MB, and a package has at most {most} MB",
            size=size >> 20,
            most=MOST_FILE_BYTES >> 20,
        ),
    )


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse entries that no version has, or that are too large when decompressed."""
    names = {entry.filename for entry in entries}
    if len(names) < len(entries) or not {MANIFEST, SIGNATURE} <= names:
        raise _no_package(f"{MANIFEST}, {SIGNATURE}")
    for entry in entries:
        is_plain = entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if not is_plain or entry.flag_bits & _ENCRYPTED:
            raise _no_package("compression")
        if entry.file_size > max(entry.compress_size, 1) * _MOST_RATIO:
            raise _no_package("ratio")
    if sum(entry.file_size for entry in entries) > MOST_TABLE_BYTES:
        raise _no_package("size")


def _small(file: zipfile.ZipFile, name: str) -> bytes:
    info = file.getinfo(name)
    if info.file_size > _MOST_MANIFEST_BYTES:
        raise _no_package(name)
    try:
        return file.read(info)
    except Exception as error:  # noqa: BLE001 - zipfile and zlib have many
        raise _no_package(f"{name}: {type(error).__name__}") from None


def _json_object(name: str, data: bytes) -> dict[str, Any]:
    """The object of a JSON text in its only form."""
    try:
        value = json.loads(data.decode("utf-8"))
        if isinstance(value, dict) and canonical_json(value) == data:
            return value
    except (ValueError, RecursionError):
        pass
    raise _no_package(name)


def _manifest(value: dict[str, Any]) -> Manifest:
    if value.get("format") != FORMAT:
        raise _no_package("format")
    if value.get("version") != VERSION:
        raise PackageRefusedError(
            UNKNOWN_VERSION,
            said(
                "its format has version {version}, and this release reads version {known}",
                version=_short(value.get("version")),
                known=VERSION,
            ),
        )
    _check_facts(value)
    try:
        night = dt.date.fromisoformat(value["as_of_date"])
        published = dt.datetime.fromisoformat(value["published_at"])
    except ValueError:
        raise _no_package("as_of_date, published_at") from None
    return Manifest(
        value["province_code"],
        night,
        published,
        value["publication_id"],
        value["figures_sha256"],
        value["rules_sha256"],
        value["delivery_count"],
        value["tables"],
    )


def _check_facts(value: dict[str, Any]) -> None:
    """Refuse a manifest with other names than the format's, or values that they cannot have."""
    texts = {
        "province_code": PROVINCE_CODE,
        "as_of_date": _DATE,
        "published_at": _MOMENT,
        "figures_sha256": _SHA256,
        "rules_sha256": _SHA256,
    }
    counts = ("publication_id", "delivery_count")
    if set(value) != {"format", "version", "tables", *texts, *counts}:
        raise _no_package(MANIFEST)
    wrong = [
        name
        for name, pattern in texts.items()
        if not isinstance(value[name], str) or not pattern.fullmatch(value[name])
    ]
    wrong += [name for name in counts if not _is_count(value[name])]
    if wrong:
        raise _no_package(wrong[0])
    tables = value["tables"]
    if not isinstance(tables, dict) or set(tables) != set(TABLES):
        raise _no_package("tables")
    for stated in tables.values():
        _check_stated(stated)


def _check_stated(stated: object) -> None:
    """Refuse what a manifest states about a table, if it is not of the format."""
    if (
        not isinstance(stated, dict)
        or set(stated) != {"sha256", "size_bytes", "rows"}
        or not isinstance(stated["sha256"], str)
        or not _SHA256.fullmatch(stated["sha256"])
        or not _is_count(stated["size_bytes"])
        or not _is_count(stated["rows"])
    ):
        raise _no_package("tables")


def _signature(value: dict[str, Any]) -> tuple[bytes, str]:
    if set(value) != {"algorithm", "key_id", "signature"} or value["algorithm"] != ALGORITHM:
        raise _no_package(SIGNATURE)
    key, text = value["key_id"], value["signature"]
    if not isinstance(key, str) or not re.fullmatch(r"[0-9a-f]{16}", key):
        raise _no_package(SIGNATURE)
    try:
        return base64.b64decode(text, validate=True), key
    except (binascii.Error, TypeError, ValueError):
        raise _no_package(SIGNATURE) from None


def _to_csv(name: str, table: pa.Table) -> bytes:
    """The canonical CSV of a table: texts in quotes, nothing for what has no value."""
    columns = TABLES[name]
    cast = table.select(list(columns)).cast(pa.schema(list(columns.items())))
    with pa.BufferOutputStream() as out:
        arrow_csv.write_csv(cast, out)
        data: bytes = out.getvalue().to_pybytes()
    return data


def _from_csv(name: str, data: bytes) -> pa.Table:
    """The table of a canonical CSV text."""
    columns = TABLES[name]
    header = (",".join(f'"{column}"' for column in columns) + "\n").encode()
    if not data.startswith(header):
        raise _damaged(name, "columns")
    if len(data) == len(header):
        return pa.schema(list(columns.items())).empty_table()
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(data),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=False),
            convert_options=arrow_csv.ConvertOptions(
                column_types=columns,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["true"],
                false_values=["false"],
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError, pa.ArrowNotImplementedError) as error:
        raise _damaged(name, type(error).__name__) from None
    for column in table.column_names:
        _check_values(name, column, table.column(column))
    if _to_csv(name, table) != data:  # another spelling, which another reader may take otherwise
        raise _damaged(name, "CSV")
    return table


def _check_values(name: str, column: str, values: pa.ChunkedArray[Any]) -> None:
    """Refuse counts beyond any sum, days before year 1, and texts that a terminal could run."""
    import pyarrow.compute as pc  # noqa: PLC0415 - needed for reading only

    if pa.types.is_integer(values.type):
        limits: Any = pc.min_max(values).as_py()
        if limits["min"] is not None and max(-limits["min"], limits["max"]) > MOST_COUNT:
            raise _damaged(name, column)
    elif pa.types.is_date(values.type):
        first = pc.min(values.cast(pa.int32())).as_py()
        if first is not None and first < _FIRST_DAY:
            raise _damaged(name, column)
    elif pa.types.is_string(values.type):
        for text in pc.unique(values).to_pylist():
            if text is not None and not _is_readable(text):
                raise _damaged(name, column)


def _is_readable(text: str) -> bool:
    return len(text) <= _MOST_LETTERS and not any(
        unicodedata.category(letter) in _UNREADABLE for letter in text
    )


#: 0001-01-01 in days since 1970-01-01: no warehouse and no calendar of Python has a year 0.
_FIRST_DAY = -719_162
#: Control characters, direction marks, and what is no character.
_UNREADABLE = {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}


def _entry(table: str) -> str:
    return f"{table}.csv"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= MOST_COUNT


def _short(value: object) -> str:
    text = str(value)[:20]
    return text if _is_readable(text) else "?"


def _no_package(part: str) -> PackageRefusedError:
    return PackageRefusedError(
        NO_PACKAGE, said("the file is no package of this format ({part})", part=part)
    )


def _damaged(table: str, part: str) -> PackageRefusedError:
    return PackageRefusedError(
        DAMAGED, said("{table}: its content is not of the format ({part})", table=table, part=part)
    )

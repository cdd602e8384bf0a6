"""Packages: what is in them, that they are the same again, and hostile ones."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import stat
import zipfile
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest
from generated_provinces import NIGHT, NOW, with_cell
from published_marts import FIRST

from onestop.federation.checks import SumChecks, check_origin
from onestop.federation.package import (
    MANIFEST,
    MOST_COUNT,
    SIGNATURE,
    TABLES,
    _from_csv,
    _to_csv,
    canonical_json,
    open_package,
    write_package,
)
from onestop.federation.packaging import package_night
from onestop.federation.refusal import (
    BAD_SIGNATURE,
    BROKEN_SUMS,
    DAMAGED,
    FUTURE,
    NO_PACKAGE,
    OTHER_DIGEST,
    REASONS,
    UNKNOWN_PROVINCE,
    UNKNOWN_VERSION,
    FederationError,
    PackageRefusedError,
)
from onestop.federation.registry import read_registry
from onestop.federation.signing import make_key, public_text, read_key
from onestop.marts.published import NothingPublishedError
from onestop.schema.project import PROJECT_ROOT
from onestop.schema.time_zone import LOCAL_ZONE


@pytest.fixture(scope="module")
def key(nation):
    return nation.folder / "P01.pem"


@pytest.fixture(scope="module")
def written(nation):
    """The package of a published night."""
    return nation.written


@pytest.fixture(scope="module")
def data(nation):
    """A small package as bytes."""
    return nation.package("P01", 1)


@pytest.fixture(scope="module")
def checks():
    with SumChecks() as checks:
        yield checks


def refusal(read):
    with pytest.raises(PackageRefusedError) as refused:
        read()
    assert refused.value.code in REASONS
    assert refused.value.why.in_language("vi") != refused.value.why.in_language("en")
    return refused.value


def zipped(entries, **options):
    """A ZIP file with these names and bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, **options) as file:
        for name, content in entries:
            file.writestr(name, content)
    return out.getvalue()


def unzipped(data):
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def with_entries(data, **changed):
    """The package with other bytes in some tables (``table``) or files (``name_json``)."""
    entries = unzipped(data)
    for name, content in changed.items():
        entries[name.replace("_json", ".json") if "_json" in name else f"{name}.csv"] = content
    return zipped(entries.items())


# --- what is in it -------------------------------------------------------------------------------


def test_a_package_has_the_published_figures_of_the_night(written, one_night, checks):
    package = open_package(written.read_bytes())
    manifest = package.manifest
    assert (manifest.province_code, manifest.as_of_date) == ("P01", FIRST)
    with duckdb.connect(one_night.published, read_only=True) as copy:
        [(digest, rules, figures, forms, deliveries)] = copy.execute(
            "select figures_sha256, rules_sha256,"
            " (select count(*) from mart.indicator_value), (select count(*) from mart.form_06a),"
            " (select count(*) from audit.delivery where state = 'loaded')"
            " from audit.publication"
        ).fetchall()
        published = copy.sql(
            f"select {', '.join(TABLES['indicator_value'])} from mart.indicator_value"
        ).to_arrow_table()
    assert (manifest.figures_sha256, manifest.rules_sha256) == (digest, rules)
    assert manifest.tables["indicator_value"]["rows"] == figures
    assert manifest.tables["form_06a"]["rows"] == forms
    assert manifest.delivery_count == manifest.tables["delivery"]["rows"] == deliveries
    own = package.tables()["indicator_value"]
    with duckdb.connect() as one:
        one.register("own", own)
        one.register("published", published)
        differing = "select count(*) from (from {} except all from {})"
        for pair in (("own", "published"), ("published", "own")):
            assert one.execute(differing.format(*pair)).fetchone() == (0,)
    assert {row["unit_code"] for row in package.tables()["unit"].to_pylist()} > {"CITY", "H24.31"}
    checks.check(package)


def test_no_dossier_no_ticket_and_no_file_name_is_in_a_package(written, one_night):
    content = b"".join(unzipped(written.read_bytes()).values()).decode("utf-8")
    address = one_night.warehouse.removeprefix("duckdb:///")
    with duckdb.connect(address, read_only=True) as record:
        codes = record.execute(
            "select dossier_code from core.dossier_version union all"
            " select ticket_code from core.visit_version"
        ).fetchall()
        names = record.execute("select file_name, delivery_id from audit.delivery").fetchall()
    kept = [code for row in (*codes, *names) for code in row]
    assert len(kept) > 50
    assert [text for text in kept if text in content] == []


def test_the_same_night_gives_the_same_bytes_after_a_later_night(
    written, after_two_nights, key, tmp_path
):
    again = package_night(after_two_nights, FIRST, tmp_path, province_code="P01", key=key)
    assert again.path.read_bytes() == written.read_bytes()


def test_the_text_of_a_table_is_the_one_that_the_format_says():
    table = pa.table(
        {
            "unit_code": ["A", None],
            "unit_level": ["district", ""],
            "unit_scope": ["unit", "unit"],
            "unit_name": ['Ủy ban "x", 1', "b"],
            "parent_unit_code": pa.array([None, None], pa.string()),
        }
    )
    text = (
        '"unit_code","unit_level","unit_scope","unit_name","parent_unit_code"\n'
        '"A","district","unit","Ủy ban ""x"", 1",\n'
        ',"","unit","b",\n'
    )
    assert _to_csv("unit", table).decode() == text
    assert _from_csv("unit", text.encode()).to_pylist() == table.to_pylist()


def test_an_unpublished_night_and_a_missing_province_or_key_are_refused(
    one_night, key, tmp_path, monkeypatch
):
    for name in ("ONESTOP_PROVINCE", "ONESTOP_PACKAGE_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NothingPublishedError):
        package_night(one_night, dt.date(2022, 1, 1), tmp_path, province_code="H24", key=key)
    with pytest.raises(FederationError, match="ONESTOP_PROVINCE"):
        package_night(one_night, FIRST, tmp_path, key=key)
    with pytest.raises(FederationError, match="ONESTOP_PACKAGE_KEY"):
        package_night(one_night, FIRST, tmp_path, province_code="H24")


def test_figures_that_were_changed_after_their_publication_are_not_packaged(
    after_one_night, key, tmp_path
):
    after_one_night.published.chmod(0o644)
    with duckdb.connect(after_one_night.published) as copy:
        copy.execute(
            "update mart.indicator_history set numerator = numerator + 1"
            " where unit_scope = 'city' and indicator_code = 'on_time_rate'"
        )
    with pytest.raises(FederationError, match=r"not those that were published.*onestop verify"):
        package_night(after_one_night, FIRST, tmp_path, province_code="H24", key=key)


# --- keys ----------------------------------------------------------------------------------------


def test_a_private_key_is_for_its_owner_only_and_is_never_replaced(tmp_path):
    path = tmp_path / "own.pem"
    public = make_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public == public_text(read_key(path).public_key())
    with pytest.raises(FederationError, match="never replaced"):
        make_key(path)
    path.chmod(0o640)
    with pytest.raises(FederationError, match="others may read"):
        read_key(path)


@pytest.mark.parametrize("text", [b"", b"-----BEGIN %s-----\nMC4=\n" % b"PRIVATE KEY", b"\xff"])
def test_a_file_that_is_no_key_is_refused(tmp_path, text):
    path = tmp_path / "own.pem"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(FederationError, match="no unencrypted Ed25519 key"):
        read_key(path)


# --- hostile packages ----------------------------------------------------------------------------


def entries_of(data):
    return list(unzipped(data).items())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda _: b"PK\x05\x06",
        lambda data: data[: len(data) // 2],
        lambda data: zipped(entries_of(data)[1:]),
        lambda data: zipped([*entries_of(data), ("../unit.csv", b"x")]),
        lambda data: zipped([*entries_of(data), ("/etc/x.csv", b"x")]),
        lambda data: zipped([*entries_of(data), ("more.csv", b"x")]),
        lambda data: zipped([e for e in entries_of(data) if e[0] != "unit.csv"]),
        lambda data: with_entries(data, manifest_json=b"[" * 30_000),
        lambda data: with_entries(data, manifest_json=b"{}\n"),
        lambda data: with_entries(data, manifest_json=b"x" * 70_000),
        lambda data: with_entries(data, signature_json=b'{"algorithm":"none"}\n'),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_not_of_the_format_is_refused(data, spoil):
    assert refusal(lambda: open_package(spoil(data))).code == NO_PACKAGE


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_refused(data):
    twice = [*entries_of(data), ("unit.csv", b"other")]
    assert refusal(lambda: open_package(zipped(twice))).code == NO_PACKAGE


def test_a_table_that_grows_a_thousandfold_is_refused_before_it_is_decompressed(data):
    bomb = with_entries(data, unit=b"0" * (8 << 20))
    forged = bytearray(bomb)
    place = forged.rfind(b"PK\x01\x02", 0, forged.rfind(b"unit.csv"))
    forged[place + 24 : place + 28] = (1 << 31).to_bytes(4, "little")  # its stated size
    assert refusal(lambda: open_package(bytes(forged))).code == NO_PACKAGE


def test_a_directory_of_very_many_entries_is_refused_before_it_is_read(data, monkeypatch):
    many = zipped([*entries_of(data), *((f"{number}.csv", b"") for number in range(100))])
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert refusal(lambda: open_package(many)).code == NO_PACKAGE


def test_an_encrypted_entry_is_refused(data):
    marked = bytearray(data)
    place = marked.rfind(b"PK\x01\x02")
    marked[place + 8] |= 1
    assert refusal(lambda: open_package(bytes(marked))).code == NO_PACKAGE


def test_another_version_is_named(data):
    manifest = json.loads(unzipped(data)[MANIFEST]) | {"version": 2, "more": True}
    later = with_entries(data, manifest_json=canonical_json(manifest), more=b"x")
    refused = refusal(lambda: open_package(later))
    assert refused.code == UNKNOWN_VERSION
    assert "version 2" in str(refused.why)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("province_code", "../../x"),
        ("province_code", 7),
        ("as_of_date", "2022-02-31"),
        ("published_at", "2022-11-16T25:00:00.000000Z"),
        ("publication_id", -1),
        ("publication_id", True),
        ("delivery_count", 1.5),
        ("figures_sha256", "A" * 64),
        ("tables", {}),
        ("format", "other"),
    ],
)
def test_a_manifest_with_an_impossible_value_is_refused(data, name, value):
    manifest = json.loads(unzipped(data)[MANIFEST]) | {name: value}
    package = with_entries(data, manifest_json=canonical_json(manifest))
    assert refusal(lambda: open_package(package)).code == NO_PACKAGE


def test_a_manifest_in_another_spelling_is_refused(data):
    spaced = json.dumps(json.loads(unzipped(data)[MANIFEST])).encode()
    assert (
        refusal(lambda: open_package(with_entries(data, manifest_json=spaced))).code == NO_PACKAGE
    )


def test_a_table_with_other_bytes_than_the_signed_manifest_lists_is_refused(data):
    table = unzipped(data)["indicator_value.csv"].replace(b'"city"', b'"CITY"', 1)
    package = open_package(with_entries(data, indicator_value=table))
    assert refusal(package.tables).code == DAMAGED


def signed(nation, name, content, rows=1):
    """A package whose signed manifest lists other bytes for a table."""
    entries = unzipped(nation.package("P01", 1))
    manifest = json.loads(entries[MANIFEST])
    manifest["tables"][name] = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
        "rows": rows,
    }
    entries |= {MANIFEST: canonical_json(manifest), f"{name}.csv": content}
    return open_package(zipped(entries.items()))


HEADER = '"unit_code","unit_level","unit_scope","unit_name","parent_unit_code"\n'


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("", 0),
        (HEADER.upper(), 0),
        (HEADER + '"A"\n', 1),
        (HEADER + '"A","b","unit","c","d","e"\n', 1),
        (HEADER + '"A","b","unit","c","d"\n', 2),
        (HEADER + '"A","b","unit","\x1b[31mred","d"\n', 1),
        (HEADER + '"A","b","unit","\u202egnp","d"\n', 1),
        (HEADER + f'"A","b","unit","{"x" * 3000}","d"\n', 1),
        (HEADER + '"A","b","unit","line\nbreak","d"\n', 1),
    ],
)
def test_a_signed_table_that_is_not_of_the_format_is_refused(nation, content, rows):
    package = signed(nation, "unit", content.encode(), rows)
    assert refusal(package.tables).code == DAMAGED


#: A row of targets with a count and a first day.
TARGET = (
    ",".join(f'"{name}"' for name in TABLES["target"])
    + "\n"
    + ('"on_time_rate","all",">=",{count},100,{day},,"x"\n')
)


@pytest.mark.parametrize(
    "count",
    ["1.5", '"1"', "x", str(MOST_COUNT + 1), "9" * 30, "-1e9", "0x64", " 98", "098", "98\n", "NaN"],
)
def test_a_count_that_is_no_count_or_has_another_spelling_is_refused(nation, count):
    plain = signed(nation, "target", TARGET.format(count=98, day="2022-01-01").encode())
    assert plain.tables()["target"]["target_numerator"].to_pylist() == [98]
    package = signed(nation, "target", TARGET.format(count=count, day="2022-01-01").encode())
    assert refusal(package.tables).code == DAMAGED


@pytest.mark.parametrize("day", ["0000-01-01", "2022-1-1", "2022-02-30", "10000-01-01", "1"])
def test_a_day_that_no_calendar_has_is_refused(nation, day):
    package = signed(nation, "target", TARGET.format(count=98, day=day).encode())
    assert refusal(package.tables).code == DAMAGED


# --- what is checked -----------------------------------------------------------------------------


def changed(nation, table, find, column, value):
    """A package in which the first row that ``find`` accepts has another value."""
    tables = nation.tables("P01", 2)
    rows = tables[table].to_pylist()
    place = next(number for number, row in enumerate(rows) if find(row))
    tables[table] = with_cell(tables[table], place, column, value)
    return open_package(nation.package("P01", 2, tables=tables))


def test_a_package_of_whole_figures_passes(nation, checks):
    checked = checks.check(open_package(nation.package("P01", 7)))
    assert checked["indicator_value"].num_rows > 100


@pytest.mark.parametrize(
    ("table", "scope", "column"),
    [
        ("indicator_value", "unit", "numerator"),
        ("indicator_value", "level", "denominator"),
        ("indicator_value", "city", "denominator"),
        ("form_06a", "unit", "received_total"),
        ("form_06a", "level", "open_overdue"),
        ("form_06a", "city", "returned_late"),
    ],
)
def test_one_changed_count_breaks_the_sums(nation, checks, table, scope, column):
    def is_counted(row):
        return row["unit_scope"] == scope and row.get("indicator_code") in (None, "on_time_rate")

    package = changed(nation, table, is_counted, column, 1)
    refused = refusal(lambda: checks.check(package))
    assert refused.code == BROKEN_SUMS
    assert "-F" in str(refused.why)


def test_a_city_without_its_levels_breaks_the_sums(nation, checks):
    tables = nation.tables("P01", 2)
    figures = tables["indicator_value"]
    only_city = [row for row in figures.to_pylist() if row["unit_scope"] == "city"]
    tables["indicator_value"] = pa.Table.from_pylist(only_city, figures.schema)
    package = open_package(nation.package("P01", 2, tables=tables))
    assert refusal(lambda: checks.check(package)).code == BROKEN_SUMS


def test_a_level_that_nobody_has_and_a_cell_that_is_empty_are_refused(nation, checks):
    package = changed(
        nation, "indicator_value", lambda row: row["unit_scope"] == "level", "unit_code", "REGION"
    )
    assert refusal(lambda: checks.check(package)).code == BROKEN_SUMS
    empty = changed(nation, "target", lambda _: True, "target_numerator", None)
    assert refusal(lambda: checks.check(empty)).code == DAMAGED


def test_a_unit_or_target_twice_is_refused(nation, checks):
    for name in ("unit", "target", "processing_time"):
        tables = nation.tables("P01", 2)
        tables[name] = pa.concat_tables([tables[name], tables[name].slice(0, 1)])
        package = open_package(nation.package("P01", 2, tables=tables))
        refused = refusal(lambda package=package: checks.check(package))
        assert (refused.code, "NAT-F05" in str(refused.why)) == (BROKEN_SUMS, True)


@pytest.mark.parametrize(
    ("rule", "table", "column", "value"),
    [
        ("NAT-F06", "processing_time", "period_basis", "lunar"),
        ("NAT-F06", "processing_time", "period_end", dt.date(1999, 12, 31)),
        ("NAT-F06", "target", "comparison", "=>"),
        ("NAT-F07", "indicator_value", "coverage", Decimal(-5)),
        ("NAT-F07", "delivery", "rows_rejected", -3),
    ],
)
def test_a_value_that_has_no_meaning_is_refused(nation, checks, rule, table, column, value):
    package = changed(nation, table, lambda _: True, column, value)
    refused = refusal(lambda: checks.check(package))
    assert (refused.code, rule in str(refused.why)) == (BROKEN_SUMS, True), refused.why


@pytest.mark.parametrize("coverage", [Decimal(0), Decimal(100), Decimal(150)])
def test_a_coverage_above_a_hundred_is_taken_in(nation, checks, coverage):
    # an earlier release compared the units that sent tickets with the desks registered that night
    package = changed(nation, "indicator_value", lambda _: True, "coverage", coverage)
    checks.check(package)


@pytest.mark.parametrize("table", ["indicator_value", "form_06a", "processing_time"])
def test_a_period_type_that_no_list_has_is_refused(nation, checks, table):
    tables = nation.tables("P01", 2)
    types = tables[table]["period_type"].to_pylist()
    place = tables[table].schema.get_field_index("period_type")
    decades = pa.array(["decade" if each == "month" else each for each in types])
    tables[table] = tables[table].set_column(place, "period_type", decades)
    package = open_package(nation.package("P01", 2, tables=tables))
    refused = refusal(lambda: checks.check(package))
    assert (refused.code, "NAT-F06" in str(refused.why)) == (BROKEN_SUMS, True), refused.why


@pytest.mark.parametrize("status", ["met", "not_met"])
def test_a_verdict_without_a_target_and_one_against_its_declared_counts_are_refused(
    nation, checks, status
):
    def is_declared(row):
        return row["method_code"] == "declared" and row["status"] not in (status, "no_data")

    refused = refusal(
        lambda: checks.check(changed(nation, "indicator_value", is_declared, "status", status))
    )
    assert (refused.code, "IND-F12" in str(refused.why)) == (BROKEN_SUMS, True)


def test_figures_with_another_digest_than_the_publication_are_refused(nation, checks):
    other = json.loads(unzipped(nation.package("P01", 3))[MANIFEST])
    facts = {name: value for name, value in other.items() if name not in _MADE}
    data = write_package(facts, _sorted(nation.package("P01", 4)), nation.key("P01"))
    assert refusal(lambda: checks.check(open_package(data))).code == OTHER_DIGEST


_MADE = {"format", "version", "tables"}


def _sorted(data):
    return open_package(data).tables()


def origin(nation, data, now=NOW):
    return check_origin(open_package(data), read_registry(nation.registry), now)


def test_a_signature_by_another_province_s_key_is_refused(nation):
    assert origin(nation, nation.package("P01", 1)).province_code == "P01"
    forged = nation.package("P01", 1, signed_by="P02")
    assert refusal(lambda: origin(nation, forged)).code == BAD_SIGNATURE


def test_a_changed_manifest_or_signature_is_refused(nation, data):
    manifest = unzipped(data)[MANIFEST]
    other = with_entries(data, manifest_json=manifest.replace(b'"P01"', b'"P02"'))
    assert refusal(lambda: origin(nation, other)).code == BAD_SIGNATURE
    signature = json.loads(unzipped(data)[SIGNATURE])
    for text in ("", "AAAA", "A" * 88):
        spoiled = canonical_json(signature | {"signature": text})
        package = with_entries(data, signature_json=spoiled)
        with pytest.raises(PackageRefusedError) as refused:
            origin(nation, package)
        assert refused.value.code in (BAD_SIGNATURE, NO_PACKAGE)


def test_a_province_that_the_registry_lacks_is_refused(nation, tmp_path):
    lines = nation.registry.read_text("utf-8").splitlines()
    short = tmp_path / "provinces.csv"
    short.write_text("\n".join([lines[0], *lines[2:]]), encoding="utf-8")
    package = open_package(nation.package("P01", 1))
    refused = refusal(lambda: check_origin(package, read_registry(short), NOW))
    assert refused.code == UNKNOWN_PROVINCE


@pytest.mark.parametrize(("minutes", "code"), [(-61, FUTURE), (-60, None), (0, None)])
def test_a_night_that_is_not_over_is_refused(nation, minutes, code):
    package = open_package(nation.package("P01", 1, NIGHT, hour=-31))
    over = dt.datetime.combine(NIGHT + dt.timedelta(days=1), dt.time(), LOCAL_ZONE)
    now = over + dt.timedelta(minutes=minutes)
    registry = read_registry(nation.registry)
    if code is None:
        check_origin(package, registry, now)
    else:
        assert refusal(lambda: check_origin(package, registry, now)).code == code


def test_a_publication_in_the_future_is_refused(nation):
    package = open_package(nation.package("P01", 1, NIGHT, hour=3))
    registry = read_registry(nation.registry)
    published = package.manifest.published_at
    refused = refusal(lambda: check_origin(package, registry, published - dt.timedelta(minutes=61)))
    assert refused.code == FUTURE
    assert "was published in the future" in refused.why
    check_origin(package, registry, published - dt.timedelta(minutes=60))


def test_a_key_counts_from_its_first_day_until_its_last(nation, tmp_path):
    text = nation.registry.read_text("utf-8")
    lines = text.splitlines()
    first = next(line for line in lines if line.startswith("P01,"))
    second = next(line for line in lines if line.startswith("P02,"))
    new_key = second.split(",")[3]
    old = first.replace("2022-01-01,,0", "2022-01-01,2022-11-20,0")
    new = first.replace(first.split(",")[3], new_key).replace("2022-01-01", "2022-11-10")
    rotated = tmp_path / "provinces.csv"
    rotated.write_text("\n".join([lines[0], old, new, *lines[3:]]), encoding="utf-8")
    registry = read_registry(rotated)
    by_old = open_package(nation.package("P01", 1))
    by_new = open_package(nation.package("P01", 1, signed_by="P02"))
    day_before = NOW - dt.timedelta(days=1)
    for package in (by_old, by_new):
        assert check_origin(package, registry, day_before).province_code == "P01"
    assert check_origin(by_new, registry, NOW).province_code == "P01"
    assert refusal(lambda: check_origin(by_old, registry, NOW)).code == BAD_SIGNATURE


def test_every_reason_of_refusal_is_documented():
    text = (PROJECT_ROOT / "docs" / "federation.md").read_text(encoding="utf-8")
    assert [code for code in REASONS if f"`{code}`" not in text] == []

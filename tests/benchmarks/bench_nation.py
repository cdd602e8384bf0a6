"""Processor time and memory of a national office with packages of full size.

.venv/bin/python tests/benchmarks/bench_nation.py --model PACKAGE --provinces 63 [--warehouse URL]

Each package has 252 units with cases in every period of the model, each unit in six of 15 fields.
Its rates are those of the model's city, its counts multiples of the city's. All provinces have the
same tables, so that they are compressed once and signed 63 times. Each night is taken in
in the place of the one before, then the same packages once more.
"""

from __future__ import annotations

import argparse
import base64
import datetime as dt
import io
import resource
import tempfile
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path

import duckdb

from onestop.federation.federating import federate
from onestop.federation.package import (
    ENDING,
    FORM_COUNTS,
    MANIFEST,
    SIGNATURE,
    TABLES,
    canonical_json,
    open_package,
)
from onestop.federation.registry import read_registry
from onestop.federation.scorecard import print_nation
from onestop.federation.signing import ALGORITHM, key_id, sign
from onestop.local.invented_provinces import invent_nation
from onestop.settings import Settings

_UNITS = """
create table unit_made as
select 'H24.' || n as unit_code, 1 + hash(n) % 50 as factor,
    case when n < 20 then 'department' when n < 35 then 'district' else 'commune' end as unit_level
from range(252) as made (n)
"""
_PERIOD = ("period_type", "period_basis", "period_start", "period_end")
#: Counts of each table, and the rows of the city that its units take so many times.
_TABLES = {
    "indicator_value": (
        ("numerator", "denominator"),
        (
            "denominator > 0 and indicator_code in"
            " (select indicator_code from indicator_value where unit_scope = 'unit')"
        ),
    ),
    "form_06a": (
        FORM_COUNTS,
        "field_code <> 'ALL' and hash(field_code, unit_made.unit_code) % 15 < 6",
    ),
}


def full_tables(model):
    """The tables of a package of full size, from those of a small one."""
    with duckdb.connect() as made:
        for name, table in model.items():
            made.register(name, table)
        made.execute(_UNITS)
        period = ", ".join(_PERIOD)
        made.execute(f"create table period_made as select distinct {period} from indicator_value")
        found = dict(model)
        for name, (counts, condition) in _TABLES.items():
            own = {column: f"city.{column}" for column in TABLES[name]}
            own |= {column: f"period_made.{column}" for column in _PERIOD}
            own |= {column: f"cast(city.{column} * factor as bigint)" for column in counts}
            own |= {"unit_code": "unit_made.unit_code", "unit_level": "unit_made.unit_level"}
            own |= {"unit_scope": "'unit'"}
            made.execute(
                f"create table {name}_made as select {_listed(own)} from {name} as city"
                " cross join unit_made cross join period_made where city.unit_scope = 'city'"
                " and city.period_type = 'year_to_date' and city.period_basis = 'calendar'"
                f" and {condition}"
            )
            plain = {column: column for column in TABLES[name]}
            if name == "form_06a":  # all fields together
                every = plain | {column: f"cast(sum({column}) as bigint)" for column in counts}
                every |= {"field_code": "'ALL'"}
                made.execute(
                    f"insert into form_06a_made ({', '.join(every)})"
                    f" select {_listed(every)} from form_06a_made group by all"
                )
            sums = plain | {column: f"cast(sum({column}) as bigint)" for column in counts}
            level = sums | {"unit_code": "upper(unit_level)", "unit_scope": "'level'"}
            city = sums | {"unit_code": "'CITY'", "unit_level": "'city'", "unit_scope": "'city'"}
            found[name] = made.sql(
                f"select {_listed(plain)} from {name}_made"
                f" union all select {_listed(level)} from {name}_made group by all"
                f" union all select {_listed(city)} from {name}_made group by all"
            ).to_arrow_table()
    return found


def _listed(columns):
    return ", ".join(f"{text} as {name}" for name, text in columns.items())


def signed_by(nation, code, data):
    """Another province's package with the same tables, which stay compressed as they are."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        manifest = source.read(MANIFEST).replace(b'"P01"', f'"{code}"'.encode())
        key = nation.key(code)
        signature = {
            "algorithm": ALGORITHM,
            "key_id": key_id(key.public_key()),
            "signature": base64.b64encode(sign(key, manifest)).decode(),
        }
        target.writestr(MANIFEST, manifest)
        target.writestr(SIGNATURE, canonical_json(signature))
        for info in source.infolist()[2:]:
            header = len(info.FileHeader())
            compressed = data[info.header_offset + header :][: info.compress_size]
            info.header_offset = target.fp.tell()
            target.fp.write(info.FileHeader() + compressed)
            target.filelist.append(info)
            target.NameToInfo[info.filename] = info
            target.start_dir = target.fp.tell()
    return out.getvalue()


@contextmanager
def measured(what):
    before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    yield
    after = resource.getrusage(resource.RUSAGE_SELF)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    wall = time.perf_counter() - begun
    peak = after.ru_maxrss >> 10
    print(f"{what}: {busy:.1f} s of processor, {wall:.0f} s, peak {peak} MB so far", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a package with two years")
    parser.add_argument("--provinces", type=int, default=63)
    parser.add_argument("--nights", type=int, default=2)
    parser.add_argument("--warehouse", default="")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="onestop-bench-") as made:
        folder = Path(made)
        run(wanted, folder, wanted.warehouse or f"duckdb:///{folder / 'nation.duckdb'}")


def run(wanted, folder, warehouse):
    sealed = open_package(wanted.model.read_bytes())
    model, first = sealed.tables(), sealed.manifest.as_of_date
    codes = tuple(f"P{number:02}" for number in range(1, wanted.provinces + 1))
    nation = invent_nation(folder, model, first, codes)
    tables = full_tables(model)
    print({name: table.num_rows for name, table in tables.items()})
    settings = Settings(
        exports=folder / "exports",
        landing=folder / "landing",
        warehouse=warehouse,
        published=folder / "published" / "onestop.duckdb",
        sources=None,
        work=folder / "work",
    )
    registry = read_registry(nation.registry)
    for number in range(wanted.nights):
        night = first + dt.timedelta(days=number)
        inbox = folder / f"{night}"
        inbox.mkdir()
        with measured(f"night {night}: scaling, digest and package of a province"):
            data = nation.package("P01", 1, night, tables=tables)
        print(f"{len(data) >> 10} KB")
        for code in codes:
            (inbox / f"{code}{ENDING}").write_bytes(signed_by(nation, code, data))
        now = dt.datetime.combine(night + dt.timedelta(days=2), dt.time(8), dt.UTC)
        for turn in ("taken in and published", "again"):
            with measured(f"night {night}, {len(codes)} packages {turn}"):
                done = federate(settings, registry, [str(inbox)], now=now)
            print(len(done.refused), "refused; publication", done.publication_id)
            for outcome in done.refused[:1]:
                print(outcome.refusal)
    with measured("onestop nation"), io.StringIO() as page:
        print_nation(settings, file=page)
    for file in (folder / "nation.duckdb", settings.published):
        if file.exists():
            print(f"{file.name}: {file.stat().st_size >> 20} MB")


if __name__ == "__main__":
    main()

"""The record's invariants under random sequences of dossier deliveries.

The sequences have deltas, and snapshots in one part or several, which cover the whole source, the
units of their rows or the unit that their path names; late and corrected files; the same file
twice; dossiers that vanish and come back, move between units and change their codes; rejected rows;
refused files; publications in between. The result is compared with a model in plain Python.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections import defaultdict
from dataclasses import dataclass, field

import duckdb
import pytest
from example_counts import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from staged_files import a_delivery, write_staged

from onestop.record.history import history_select
from onestop.record.load import load_delivery
from onestop.record.refusals import record_refusal
from onestop.schema.feeds import FEEDS
from onestop.warehouse import open_warehouse

FIRST = dt.date(2022, 6, 1)
NIGHTS = 4
CODES = [f"H24.14-220601-{number:04d}" for number in range(3)]
UNITS = ["H24.14", "H24.31"]
#: What a file states about a dossier: its unit, its status, its other code, and the minute of its
#: last change (or none).
a_statement = st.tuples(
    st.sampled_from(UNITS),
    st.sampled_from(["processing", "awaiting_supplement"]),
    st.sampled_from([None, "OTHER-1"]),
    st.sampled_from([None, 1, 2]),
)
GATE = """
create table rejected_row as select row_number, dossier_code as key_text, 'DOS-R11' as rule_code,
    'error' as severity, 'sai' as message_vi, 'wrong' as message_en, '{{}}' as offending
    from staged_row where row_number in ({bad}) and not is_repeat;
create view accepted_row as select * from staged_row where not is_repeat
    and row_number not in (select row_number from rejected_row);
create table rule_result (rule_code varchar, severity varchar, expectation_type varchar,
    success boolean, rows_checked bigint, rows_failed bigint, message_vi varchar,
    message_en varchar, clause varchar, examples varchar);
create table gate_summary as select
    (select count(*) from staged_row) + 1 as rows_read, 1 as rows_blank,
    (select count(*) from staged_row where is_repeat) as rows_repeated,
    (select count(*) from rejected_row) as rows_rejected,
    (select count(*) from accepted_row) as rows_accepted, 0 as warnings, 'suite' as suite_sha256
"""


def night_of(index):
    return FIRST + dt.timedelta(days=index)


@dataclass(frozen=True)
class File:
    """One delivery: its dossiers, which rows are rejected, and whether the file is refused."""

    index: int
    night: int
    kind: str
    says: dict[str, tuple] = field(hash=False)
    bad: frozenset[str]
    corrects: bool
    is_refused: bool
    covers: str = "source"
    covered: str | None = None

    @property
    def delivery(self):
        day = night_of(self.night)
        name = f"{self.kind}.json" if self.corrects else f"{self.index}.json"
        return a_delivery(
            "dossiers",
            str(day),
            delivery_id=f"one_stop.dossiers.{day:%Y%m%d}.{self.index:012d}",
            kind=self.kind,
            sha256=f"{self.index:064d}",
            file_name=f"dossiers_{day:%Y%m%d}_{name}",
            file_modified_at=dt.datetime(2022, 6, 20, 1, self.index, tzinfo=dt.UTC),
        )

    @property
    def rows(self):
        """The file's rows: every dossier, and an exact repeat of the first one."""
        rows = [
            {
                "dossier_code": code,
                "resolving_unit_code": unit,
                "status": status,
                "alias_code": alias,
                "modified_at": minute and f"2022-06-01 08:0{minute}:00",
                "received_at": "2022-06-01",
            }
            for code, (unit, status, alias, minute) in sorted(self.says.items())
        ]
        return [*rows, rows[0]]

    def staged(self, folder):
        path = folder / f"{self.delivery.delivery_id}.duckdb"
        if not path.exists():
            write_staged(
                path,
                self.delivery,
                self.rows,
                rows_blank=1,
                covers=self.covers,
                covered=self.covered,
            )
            numbers = [
                str(number)
                for number, code in enumerate(sorted(self.says), start=1)
                if code in self.bad
            ]
            with duckdb.connect(path) as staged:
                staged.execute(GATE.format(bad=", ".join(numbers) or "0"))
        return path


def expected_states(files):
    """The state after each night, by dossier: (unit, status, alias, minute, file)."""
    latest = {}
    for file in files:
        slot = (file.night, file.delivery.file_name)
        if slot not in latest or latest[slot].index < file.index:
            latest[slot] = file
    by_night = defaultdict(list)
    for file in latest.values():
        by_night[file.night].append(file)
    state, states = {}, {}
    for night in range(NIGHTS):
        state = {code: _after(code, state.get(code), by_night[night]) for code in CODES}
        states[night_of(night)] = {
            code: statement for code, statement in state.items() if statement
        }
    return states


def _after(code, before, files):
    """The state of one dossier after a night: the statement with the last change counts.

    A dossier that no file states is gone if a snapshot covers its unit, unless a snapshot has it
    in a rejected row.
    """
    statement = [
        (file.says[code][3] or 0, file.delivery.file_name, file.says[code])
        for file in files
        if code in file.says and code not in file.bad
    ]
    if statement:
        return max(statement, key=lambda one: one[:2])[2]
    snapshots = [file for file in files if file.kind == "snapshot"]
    if before is None or any(code in file.says for file in snapshots):
        return before
    return None if any(_covers(file, before[0]) for file in snapshots) else before


def _covers(file, unit):
    if file.covers == "source":
        return True
    if file.covered is not None:
        return unit == file.covered
    return unit in {statement[0] for code, statement in file.says.items() if code not in file.bad}


def states_in(warehouse, history="core.dossier_history"):
    """The same states, read from a history."""
    states = {}
    for night in map(night_of, range(NIGHTS)):
        rows = warehouse.rows(
            "select dossier_code, resolving_unit_code, status, alias_code,"
            " extract(minute from modified_at) as minute"
            f" from {history} where valid_from <= :night"
            " and (valid_to is null or valid_to > :night)",
            {"night": night},
        )
        states[night] = {
            row["dossier_code"]: (
                row["resolving_unit_code"],
                row["status"],
                row["alias_code"],
                row["minute"] and int(row["minute"]),
            )
            for row in rows
        }
    return states


def history(warehouse, known_on=None):
    source = "core.dossier_history"
    if known_on:
        then = history_select(FEEDS["dossiers"], known_on=f"date '{known_on}'")
        source = f"({then}) as h"
    return [
        tuple(row.values())
        for row in warehouse.rows(
            "select dossier_code, valid_from, valid_to, content_hash, modified_at, delivery_id"
            f" from {source} order by 1, 2"
        )
    ]


@st.composite
def stories(draw):
    """Files in the order in which they were exported."""
    count = draw(st.integers(1, 7))
    files = []
    for index in range(count):
        says = draw(st.dictionaries(st.sampled_from(CODES), a_statement, min_size=1, max_size=3))
        bad = draw(st.sets(st.sampled_from(sorted(says)), max_size=1))
        covers = draw(st.sampled_from(["source", "resolving_unit_code"]))
        covered = st.none() if covers == "source" else st.sampled_from([None, *UNITS])
        files.append(
            File(
                index,
                draw(st.integers(0, NIGHTS - 1)),
                draw(st.sampled_from(["delta", "snapshot"])),
                says,
                frozenset(bad),
                draw(st.booleans()),
                draw(st.integers(0, 5)) == 0,
                covers,
                draw(covered),
            )
        )
    return files


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """An empty warehouse, to be copied."""
    path = tmp_path_factory.mktemp("empty") / "w.duckdb"
    open_warehouse(f"duckdb:///{path}").close()
    return path


def load(warehouse, file, folder):
    """Load a file, or record that it is refused."""
    if file.is_refused:
        before = core(warehouse)
        record_refusal(
            warehouse,
            file.delivery,
            staged=file.staged(folder),
            rule_code="DOS-F03",
            reason_vi="quá nhiều dòng sai",
            reason_en="too many rows rejected",
        )
        assert core(warehouse) == before, "a refused delivery changed the record"
        return None
    return load_delivery(warehouse, file.delivery, file.staged(folder))


def core(warehouse):
    return [
        warehouse.rows(f"select * from {table} order by all")
        for table in ("core.dossier_version", "core.dossier_history", "audit.rejected_row")
    ]


def check_the_record_invariants(folder, empty, files, order, publish_after):
    good = [file for file in files if not file.is_refused]
    loaded = [*files, *files[:1]]  # one of them twice
    order.shuffle(loaded)
    copies = {name: folder / f"{name}.duckdb" for name in ("in_order", "shuffled")}
    for path in copies.values():
        shutil.copy(empty, path)
    with open_warehouse(f"duckdb:///{copies['in_order']}") as warehouse:
        for file in files:
            load(warehouse, file, folder)
        as_sent = history(warehouse)
        assert states_in(warehouse) == without_files(expected_states(good))
        assert history(warehouse, known_on="9999-12-31") == as_sent
    with open_warehouse(f"duckdb:///{copies['shuffled']}") as warehouse:
        published = {}
        for place, file in enumerate(loaded):
            load(warehouse, file, folder)
            if place == publish_after:
                night = night_of(NIGHTS)
                warehouse.execute(
                    "insert into audit.publication (publication_id, as_of_date, published_at,"
                    " delivery_count, dossier_count, figures_sha256)"
                    " values (1, :night, :now, 1, 1, '0')",
                    {"night": night, "now": dt.datetime(2022, 6, 9, tzinfo=dt.UTC)},
                )
                published[night] = history(warehouse)
        assert history(warehouse) == as_sent, "the order of loading changes the history"
        for night, then in published.items():
            assert history(warehouse, known_on=night) == then, "a published night changed"
        assert_the_counts_add_up(warehouse, files)
        before = core(warehouse)
        deliveries = warehouse.rows("select * from audit.delivery order by all")
        for file in files:
            load(warehouse, file, folder)
        assert core(warehouse) == before, "loading again changed something"
        assert warehouse.rows("select * from audit.delivery order by all") == deliveries


def without_files(states):
    return {
        night: {code: tuple(statement) for code, statement in state.items()}
        for night, state in states.items()
    }


def assert_the_counts_add_up(warehouse, files):
    rows = {row["delivery_id"]: row for row in warehouse.rows("select * from audit.delivery")}
    assert set(rows) == {file.delivery.delivery_id for file in files}
    for file in files:
        row = rows[file.delivery.delivery_id]
        assert row["rows_read"] == (
            row["rows_accepted"] + row["rows_rejected"] + row["rows_repeated"] + row["rows_blank"]
        )
        assert row["rows_read"] == len(file.rows) + 1
        assert row["rows_rejected"] == len(file.bad)


@settings(
    max_examples=examples(8, in_long=300),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    files=stories(),
    order=st.randoms(use_true_random=False),
    publish_after=st.integers(0, 6),
)
def test_the_record_keeps_its_invariants(tmp_path_factory, empty, files, order, publish_after):
    folder = tmp_path_factory.mktemp("story")
    check_the_record_invariants(folder, empty, files, order, publish_after)
    shutil.rmtree(folder)

"""Loading: the record only grows, and its history does not depend on the order of loading."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import defaultdict
from typing import Any

import duckdb
import pytest
from example_counts import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from staged_files import AFTER_A_CLEAN_GATE, a_delivery, write_staged

from onestop.record.history import VANISHED
from onestop.record.load import load_delivery
from onestop.warehouse import open_warehouse

FIRST = dt.date(2022, 6, 1)
NIGHTS = 4
CODES = [f"H24.31-220601-{number:04d}" for number in range(3)]


def night_of(index: int) -> dt.date:
    return FIRST + dt.timedelta(days=index)


def a_unit(code: str, name: str | None) -> dict[str, Any]:
    return {"unit_code": code, "unit_name": name, "unit_level": "district"}


class Record:
    """A warehouse in a folder, and hand-made deliveries of units to load into it."""

    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    def staged(self, delivery, rows):
        """A staged file as validation leaves it when every row is valid."""
        path = self.folder / f"{delivery.delivery_id}.duckdb"
        if not path.exists():
            write_staged(
                path,
                delivery,
                [row for row in rows if row["unit_name"]],
                skipped=[row for row in rows if not row["unit_name"]],
            )
            with duckdb.connect(path) as staged:
                staged.execute(AFTER_A_CLEAN_GATE.format(rows=len(rows)))
        return path

    def load(self, name, files):
        """Load files in the given order into a fresh warehouse; its history as plain rows."""
        url = f"duckdb:///{self.folder / name}.duckdb"
        with open_warehouse(url) as warehouse:
            for delivery, rows in files:
                load_delivery(warehouse, delivery, self.staged(delivery, rows))
            return warehouse.rows(
                "select unit_code, unit_name, valid_from, valid_to from core.unit_history"
                " order by unit_code, valid_from"
            )


def a_file(index, night, kind, rows, *, file_name=None, minute=0):
    delivery = a_delivery(
        "units",
        str(night_of(night)),
        delivery_id=f"one_stop.units.{night_of(night):%Y%m%d}.{index:012d}",
        kind=kind,
        sha256=f"{index:064d}",
        file_name=file_name or f"units_{night_of(night):%Y%m%d}_{index}.csv",
        file_modified_at=dt.datetime(2022, 6, 20, 1, minute, tzinfo=dt.UTC),
    )
    return delivery, [a_unit(code, name) for code, name in sorted(rows.items())]


def a_part(record, index, night, parent, rows):
    """A snapshot of the units below one unit."""
    delivery, units = a_file(index, night, "snapshot", rows)
    units = [{**unit, "parent_unit_code": parent} for unit in units]
    path = record.folder / f"{delivery.delivery_id}.duckdb"
    write_staged(path, delivery, units, covers="parent_unit_code")
    with duckdb.connect(path) as staged:
        staged.execute(AFTER_A_CLEAN_GATE.format(rows=len(units)))
    return delivery, units


def current_files(files):
    """The files that are not replaced by corrected ones, by night, in order of their names."""
    latest = {}
    for delivery, rows in files:
        slot = (delivery.night, delivery.file_name)
        rank = (delivery.file_modified_at, delivery.sha256)
        if slot not in latest or latest[slot][0] < rank:
            latest[slot] = (rank, delivery, rows)
    by_night = defaultdict(list)
    for _, delivery, rows in sorted(latest.values(), key=lambda entry: entry[1].file_name):
        unit_names = {row["unit_code"]: row["unit_name"] for row in rows}
        by_night[delivery.night].append((delivery.kind, unit_names))
    return by_night


def state_after(before, files_of_night):
    """The state after a night: of two files with the same unit, the one with the later path counts.

    All snapshots of a night count as one: a unit is gone when no file of the night has it. A row
    that the mapping leaves out ends the unit if it is in a delta; in a snapshot it is ignored.
    """
    is_whole = any(kind == "snapshot" for kind, _ in files_of_night)
    state = {} if is_whole else dict(before)
    for kind, unit_names in files_of_night:
        for code, name in unit_names.items():
            if name:
                state[code] = name
            elif kind == "delta":
                state.pop(code, None)
    return state


def expected_history(files):
    """The same history, computed in plain Python."""
    by_night = current_files(files)
    spans, state, since = [], {}, {}
    for night in sorted(by_night):
        before, state = state, state_after(state, by_night[night])
        for code in before.keys() | state.keys():
            if before.get(code) == state.get(code):
                continue
            if code in before:
                spans.append((code, before[code], since.pop(code), night))
            if code in state:
                since[code] = night
    spans += [(code, state[code], night, None) for code, night in since.items()]
    return sorted(spans, key=lambda span: (span[0], span[2]))


unit_names = st.dictionaries(st.sampled_from(CODES), st.sampled_from(["A", "B", None]), max_size=3)
a_plan = st.lists(
    st.tuples(
        st.integers(0, NIGHTS - 1),
        st.sampled_from(["delta", "snapshot"]),
        unit_names.filter(bool),
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


@settings(
    max_examples=examples(8),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(plan=a_plan, order=st.randoms(use_true_random=False))
def test_the_order_of_loading_does_not_change_the_history(tmp_path_factory, plan, order):
    record = Record(tmp_path_factory.mktemp("record"))
    files = [
        a_file(
            index,
            night,
            kind,
            rows,
            # some are corrected versions of the same file
            file_name=f"units_{night_of(night):%Y%m%d}_{kind}.csv" if is_same else None,
            minute=index,
        )
        for index, (night, kind, rows, is_same) in enumerate(plan)
    ]
    expected = expected_history(files)
    shuffled = files[:]
    order.shuffle(shuffled)
    for name, sequence in {"as_sent": files, "shuffled": shuffled, "twice": files + files}.items():
        found = [tuple(row.values()) for row in record.load(name, sequence)]
        assert found == expected, (name, [(d.delivery_id, d.kind, r) for d, r in sequence])


def test_a_row_that_the_mapping_leaves_out_ends_the_history_of_its_key(record):
    files = [
        a_file(0, 0, "delta", {CODES[0]: "A", CODES[1]: "A"}),
        a_file(1, 1, "delta", {CODES[0]: None}),
        a_file(2, 2, "delta", {CODES[0]: "B", CODES[2]: None}),
    ]
    for order in itertools.permutations(files):
        name = "".join(delivery.sha256[-1] for delivery, _ in order)
        assert [tuple(row.values()) for row in record.load(name, order)] == [
            (CODES[0], "A", night_of(0), night_of(1)),
            (CODES[0], "B", night_of(2), None),
            (CODES[1], "A", night_of(0), None),
        ]


def test_a_key_with_one_row_left_out_and_another_kept_is_kept(record):
    delivery, rows = a_file(0, 0, "delta", {CODES[0]: "A"})
    history = record.load("w", [(delivery, [*rows, a_unit(CODES[0], None)])])
    assert [tuple(row.values()) for row in history] == [(CODES[0], "A", night_of(0), None)]


@pytest.fixture
def record(tmp_path):
    return Record(tmp_path)


def test_keys_missing_from_a_snapshot_vanish(record):
    history = record.load(
        "w",
        [
            a_file(0, 0, "snapshot", {CODES[0]: "A", CODES[1]: "A"}),
            a_file(1, 1, "snapshot", {CODES[0]: "A"}),
        ],
    )
    assert [tuple(row.values()) for row in history] == [
        (CODES[0], "A", night_of(0), None),
        (CODES[1], "A", night_of(0), night_of(1)),
    ]


def test_no_key_vanishes_from_a_snapshot_with_an_unreadable_row(record):
    broken, rows = a_file(1, 1, "snapshot", {CODES[0]: "B"})
    path = record.folder / f"{broken.delivery_id}.duckdb"
    write_staged(path, broken, [*rows, {"unit_code": None}])
    with duckdb.connect(path) as staged:
        staged.execute(AFTER_A_CLEAN_GATE.format(rows=1))
        staged.execute(
            "create or replace view accepted_row as"
            " select * from staged_row where unit_code is not null"
        )
        staged.execute(
            "insert into rejected_row (row_number, key_text, rule_code, severity, message_vi,"
            " message_en, offending) values (2, null, 'UNI-R01', 'error', 'sai', 'wrong', '{}')"
        )
    history = record.load(
        "w", [a_file(0, 0, "snapshot", {CODES[0]: "A", CODES[1]: "A"}), (broken, rows)]
    )
    assert [tuple(row.values()) for row in history] == [
        (CODES[0], "A", night_of(0), night_of(1)),
        (CODES[0], "B", night_of(1), None),
        (CODES[1], "A", night_of(0), None),
    ]


def test_snapshots_of_one_night_count_as_parts_of_one_in_any_order_of_loading(record):
    whole = a_file(0, 0, "snapshot", {CODES[0]: "A", CODES[1]: "A", CODES[2]: "A"})
    parts = [
        a_file(1, 1, "snapshot", {CODES[0]: "A"}),
        a_file(2, 1, "snapshot", {CODES[1]: "B"}),
    ]
    again = a_file(3, 2, "snapshot", {CODES[0]: "A", CODES[1]: "B"})
    for number, order in enumerate(itertools.permutations([whole, *parts, again])):
        history = record.load(f"w{number}", order)
        assert [tuple(row.values()) for row in history] == [
            (CODES[0], "A", night_of(0), None),
            (CODES[1], "A", night_of(0), night_of(1)),
            (CODES[1], "B", night_of(1), None),
            (CODES[2], "A", night_of(0), night_of(1)),
        ]


def test_keys_of_a_unit_do_not_vanish_while_its_part_of_the_snapshot_is_missing(record):
    history = record.load(
        "w",
        [
            a_part(record, 0, 0, "H1", {CODES[0]: "A", CODES[1]: "A"}),
            a_part(record, 1, 0, "H2", {CODES[2]: "A"}),
            a_part(record, 2, 1, "H1", {CODES[0]: "A"}),
        ],
    )
    assert [tuple(row.values()) for row in history] == [
        (CODES[0], "A", night_of(0), None),
        (CODES[1], "A", night_of(0), night_of(1)),
        (CODES[2], "A", night_of(0), None),
    ]


def test_parts_by_units_with_unchanged_rows_add_no_versions(record):
    files = [
        a_part(record, 2 * night + office, night, f"H{office}", {CODES[office]: "A"})
        for night in range(3)
        for office in range(2)
    ]
    record.load("w", files)
    with open_warehouse(f"duckdb:///{record.folder / 'w'}.duckdb") as warehouse:
        assert warehouse.value("select count(*) from core.unit_version") == 2


def test_a_snapshot_with_unchanged_rows_adds_no_versions(record):
    files = [a_file(index, index, "snapshot", {CODES[0]: "A", CODES[1]: "B"}) for index in range(3)]
    record.load("w", files)
    with open_warehouse(f"duckdb:///{record.folder / 'w'}.duckdb") as warehouse:
        assert warehouse.value("select count(*) from core.unit_version") == 2


def test_a_corrected_file_replaces_the_earlier_one_which_stays_in_the_record(record):
    name = "units_20220601.csv"
    files = [
        a_file(0, 0, "delta", {CODES[0]: "A", CODES[1]: "A"}, file_name=name, minute=0),
        a_file(1, 0, "delta", {CODES[0]: "B"}, file_name=name, minute=5),
    ]
    for order in itertools.permutations(files):
        history = record.load(f"w{order[0][0].sha256[-1]}", order)
        assert [(row["unit_code"], row["unit_name"]) for row in history] == [(CODES[0], "B")]
    with open_warehouse(f"duckdb:///{record.folder / 'w0'}.duckdb") as warehouse:
        names = warehouse.rows("select unit_name from core.unit_version order by 1")
        assert [row["unit_name"] for row in names] == ["A", "A", "B"]
        assert not warehouse.value(
            f"select count(*) from core.unit_version where content_hash = '{VANISHED}'"
        )


def test_a_failing_load_leaves_the_warehouse_as_it_was(record, monkeypatch):
    record.load("w", [a_file(0, 0, "delta", {CODES[0]: "A"})])
    monkeypatch.setattr("onestop.record.load.quarantine_rows", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        record.load("w", [a_file(1, 1, "delta", {CODES[0]: "B"})])
    with open_warehouse(f"duckdb:///{record.folder / 'w'}.duckdb") as warehouse:
        assert warehouse.value("select count(*) from audit.delivery") == 1
        assert warehouse.value("select count(*) from core.unit_version") == 1
        assert warehouse.value("select max(unit_name) from core.unit_history") == "A"

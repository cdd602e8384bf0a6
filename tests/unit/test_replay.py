"""Replaying gives the record that valid rows would have given from the start."""

from __future__ import annotations

import datetime as dt
import shutil
from collections import defaultdict
from dataclasses import dataclass, replace

import duckdb
import pytest
from example_counts import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from staged_files import a_delivery, write_staged

from onestop.record.load import load_delivery, load_replayed
from onestop.replay import ReplayResult, replay_summary
from onestop.warehouse import open_warehouse

FIRST = dt.date(2022, 6, 1)
NIGHTS = 4
CODES = [f"H24.3{number}" for number in range(3)]

#: The tables that validation writes, for a file with some bad rows.
GATE = """
create table rejected_row as select row_number, unit_code as key_text, 'UNI-R01' as rule_code,
    'error' as severity, 'sai' as message_vi, 'wrong' as message_en, '{{}}' as offending
    from staged_row where row_number in ({bad});
create view accepted_row as select * from staged_row where not is_repeat
    and row_number not in (select row_number from rejected_row);
create table rule_result (rule_code varchar, severity varchar, expectation_type varchar,
    success boolean, rows_checked bigint, rows_failed bigint, message_vi varchar,
    message_en varchar, clause varchar, examples varchar);
create table gate_summary as select {rows} as rows_read, 0 as rows_blank, 0 as rows_repeated,
    (select count(*) from rejected_row) as rows_rejected,
    (select count(*) from accepted_row) as rows_accepted, 0 as warnings, 'suite' as suite_sha256
"""


def night_of(index):
    return FIRST + dt.timedelta(days=index)


@dataclass(frozen=True)
class File:
    """One delivery: its units, and which of their rows are bad until they are corrected."""

    index: int
    night: int
    kind: str
    says: dict[str, str]
    bad: frozenset[str]

    @property
    def delivery(self):
        return a_delivery(
            "units",
            str(night_of(self.night)),
            delivery_id=f"one_stop.units.{night_of(self.night):%Y%m%d}.{self.index:012d}",
            kind=self.kind,
            sha256=f"{self.index:064d}",
            file_name=f"units_{night_of(self.night):%Y%m%d}_{self.index}.csv",
        )

    def staged(self, folder, *, bad=None):
        """The staged file with those rows rejected."""
        bad = self.bad if bad is None else bad
        path = folder / f"{self.delivery.delivery_id}.{'_'.join(sorted(bad))}.duckdb"
        if not path.exists():
            codes = sorted(self.says)
            rows = [
                {"unit_code": code, "unit_name": self.says[code], "unit_level": "district"}
                for code in codes
            ]
            write_staged(path, self.delivery, rows)
            numbers = [str(codes.index(code) + 1) for code in sorted(bad)] or ["0"]
            with duckdb.connect(path) as staged:
                staged.execute(GATE.format(bad=", ".join(numbers), rows=len(rows)))
        return path

    def without_bad(self, folder):
        """The staged file under a mapping that leaves the bad rows out."""
        path = folder / f"{self.delivery.delivery_id}.left_out.duckdb"
        shutil.copy(self.staged(folder, bad=frozenset()), path)
        with duckdb.connect(path) as staged:
            chosen = {"codes": sorted(self.bad)}
            staged.execute(
                "insert into skipped_row (row_number, unit_code, skip_reason) select row_number,"
                " unit_code, 'a test' from staged_row where unit_code in (select unnest($codes))",
                chosen,
            )
            staged.execute(
                "delete from staged_row where unit_code in (select unnest($codes))", chosen
            )
            staged.execute("update read_summary set mapping_sha256 = 'the mapping that leaves out'")
        return path


def expected_history(files, corrected=frozenset(), left_out=frozenset()):
    """The history, computed in plain Python.

    ``corrected`` holds the indexes of files whose bad rows passed in a replay, ``left_out`` those
    of files whose bad rows a mapping leaves out.
    """
    by_night = defaultdict(list)
    for file in sorted(files, key=lambda file: file.delivery.file_name):
        by_night[file.night].append(file)
    spans, state, since = [], {}, {}
    for night in sorted(by_night):
        before = state
        state = _state_after(before, by_night[night], corrected, left_out)
        for code in sorted(before.keys() | state.keys()):
            if before.get(code) == state.get(code):
                continue
            if code in before:
                spans.append((code, before[code], since.pop(code), night_of(night)))
            if code in state:
                since[code] = night_of(night)
    spans += [(code, state[code], night, None) for code, night in since.items()]
    return sorted(spans, key=lambda span: (span[0], span[2]))


def _state_after(before, files, corrected, left_out):
    state = dict(before)
    snapshots = [file for file in files if file.kind == "snapshot"]
    for code in CODES:
        stated = []
        for file in files:
            is_left_out = code in file.bad and file.index in left_out
            if code in file.says and (code not in file.bad or file.index in corrected):
                stated.append(file.says[code])
            elif code in file.says and is_left_out and file.kind == "delta":
                stated.append(None)
        held = [file for file in snapshots if code in file.says]
        held = [file for file in held if not (code in file.bad and file.index in left_out)]
        if stated and stated[-1]:
            state[code] = stated[-1]
        elif stated or (snapshots and not held):
            state.pop(code, None)
    return state


def history(warehouse):
    rows = warehouse.rows(
        "select unit_code, unit_name, valid_from, valid_to from core.unit_history"
        " order by unit_code, valid_from"
    )
    return [tuple(row.values()) for row in rows]


a_file = st.tuples(
    st.integers(0, NIGHTS - 1),
    st.sampled_from(["delta", "snapshot"]),
    st.dictionaries(st.sampled_from(CODES), st.sampled_from(["A", "B"]), min_size=1, max_size=3),
    st.sets(st.sampled_from(CODES)),
)


@settings(
    max_examples=examples(8),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    plan=st.lists(a_file, min_size=1, max_size=5),
    order=st.randoms(use_true_random=False),
    data=st.data(),
)
def test_replayed_rows_give_the_history_of_rows_that_were_valid_from_the_start(
    tmp_path_factory, plan, order, data
):
    folder = tmp_path_factory.mktemp("replay")
    files = [
        File(index, night, kind, says, frozenset(bad & says.keys()))
        for index, (night, kind, says, bad) in enumerate(plan)
    ]
    steps = [(file, is_replay) for file in files for is_replay in (False, True)]
    order.shuffle(steps)
    # a file is loaded before it is replayed, with others in between
    loaded, corrected, left_out = [], set(), set()
    ways = st.sampled_from(["not replayed", "good", "left out"])
    way = {file.index: data.draw(ways, label=f"file {file.index}") for file in files}
    with open_warehouse(f"duckdb:///{folder / 'w'}.duckdb") as warehouse:
        for file, _ in steps:
            if file not in loaded:
                load_delivery(warehouse, file.delivery, file.staged(folder))
                loaded.append(file)
            elif way[file.index] == "good":
                good = file.staged(folder, bad=frozenset())
                assert load_replayed(warehouse, file.delivery, good).rows_open == 0
                corrected.add(file.index)
            elif way[file.index] == "left out":
                result = load_replayed(warehouse, file.delivery, file.without_bad(folder))
                assert (result.rows_left_out, result.rows_open) == (len(file.bad), 0)
                left_out.add(file.index)
            assert history(warehouse) == expected_history(loaded, corrected, left_out)
        _assert_the_counts_add_up(warehouse, files, corrected | left_out)


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_a_key_that_all_parts_of_a_snapshot_leave_out_vanishes_with_the_last(tmp_path, order):
    code = CODES[0]
    files = [
        File(0, 0, "delta", {code: "A"}, frozenset()),
        *(File(index, 1, "snapshot", {code: "A"}, frozenset({code})) for index in (1, 2)),
    ]
    with open_warehouse(f"duckdb:///{tmp_path / 'w'}.duckdb") as warehouse:
        for file in files:
            load_delivery(warehouse, file.delivery, file.staged(tmp_path))
        ends = []
        for index in order:
            load_replayed(warehouse, files[index].delivery, files[index].without_bad(tmp_path))
            [(_, _, _, end)] = history(warehouse)
            ends.append(end)
    assert ends == [None, night_of(1)]


def _assert_the_counts_add_up(warehouse, files, corrected):
    for file in files:
        last = warehouse.rows(
            "select rows_read, rows_accepted, rows_rejected, rows_repeated, rows_blank,"
            " rows_skipped from audit.delivery where delivery_id = :id order by attempt desc",
            {"id": file.delivery.delivery_id},
        )[0]
        rejected = 0 if file.index in corrected else len(file.bad)
        assert last["rows_rejected"] == rejected
        assert last["rows_read"] == sum(last.values()) - last["rows_read"]


@pytest.fixture
def warehouse(tmp_path):
    with open_warehouse(f"duckdb:///{tmp_path / 'w'}.duckdb") as opened:
        yield opened


@pytest.fixture(params=["duckdb", "postgres"])
def either_engine(request, tmp_path):
    """A warehouse of each engine."""
    if request.param == "duckdb":
        url = f"duckdb:///{tmp_path / 'w'}.duckdb"
    else:
        url = request.getfixturevalue("postgres").make_database()
    with open_warehouse(url) as opened:
        yield opened


def states(warehouse):
    return [
        (row["row_number"], row["rule_code"], row["state"], row["replayed_attempt"])
        for row in warehouse.rows(
            "select row_number, rule_code, state, replayed_attempt from audit.rejected_row"
            " order by delivery_id, row_number, rule_code"
        )
    ]


ONE = File(0, 0, "delta", {CODES[0]: "A", CODES[1]: "A"}, frozenset(CODES[:2]))


def test_a_vanished_key_stays_vanished_when_the_snapshot_before_was_unreadable(warehouse, tmp_path):
    first, second = CODES[:2]
    unreadable = File(0, 1, "snapshot", {first: "A", second: "A"}, frozenset({first, second}))
    without = File(1, 2, "snapshot", {first: "A"}, frozenset())
    late = File(2, 0, "delta", {first: "A", second: "A"}, frozenset())
    files = []
    for file in (unreadable, without, late):
        load_delivery(warehouse, file.delivery, file.staged(tmp_path))
        files.append(file)
        assert history(warehouse) == expected_history(files)
    assert (second, "A", night_of(0), night_of(2)) in history(warehouse)


def test_a_row_that_is_still_bad_stays_open_and_the_good_one_is_closed(warehouse, tmp_path):
    load_delivery(warehouse, ONE.delivery, ONE.staged(tmp_path))
    result = load_replayed(warehouse, ONE.delivery, ONE.staged(tmp_path, bad=frozenset({CODES[1]})))
    assert (result.rows_replayed, result.rows_open, result.versions) == (1, 1, 1)
    assert states(warehouse) == [(1, "UNI-R01", "replayed", 2), (2, "UNI-R01", "open", None)]


def test_a_row_that_the_mapping_now_leaves_out_is_closed_and_counted(either_engine, tmp_path):
    warehouse = either_engine
    load_delivery(warehouse, ONE.delivery, ONE.staged(tmp_path))
    left_out = ONE.without_bad(tmp_path)
    trial = load_replayed(warehouse, ONE.delivery, left_out, is_trial=True)
    assert (trial.rows_left_out, states(warehouse)[0][2]) == (2, "open")
    result = load_replayed(warehouse, ONE.delivery, left_out)
    assert (result.rows_replayed, result.rows_left_out, result.rows_open) == (0, 2, 0)
    assert states(warehouse) == [
        (1, "UNI-R01", "left_out", 2),
        (2, "UNI-R01", "left_out", 2),
    ]
    [last] = warehouse.rows(
        "select rows_rejected, rows_skipped, skip_reasons, mapping_sha256 from audit.delivery"
        " where attempt = 2"
    )
    assert list(last.values()) == [0, 2, '{"a test": 2}', "the mapping that leaves out"]
    assert load_replayed(warehouse, ONE.delivery, left_out).rows_left_out == 0


def test_a_key_with_a_loaded_row_does_not_end_when_another_of_its_rows_is_left_out(
    warehouse, tmp_path
):
    file = File(0, 0, "delta", {CODES[0]: "A", CODES[1]: "A"}, frozenset({CODES[0]}))
    load_delivery(warehouse, file.delivery, file.staged(tmp_path))
    all_left_out = replace(file, bad=frozenset(CODES[:2]))
    load_replayed(warehouse, file.delivery, all_left_out.without_bad(tmp_path))
    assert states(warehouse) == [(1, "UNI-R01", "left_out", 2)]
    assert [span[0] for span in history(warehouse)] == [CODES[1]]


def test_a_row_that_is_still_bad_gets_the_reasons_found_on_replay(warehouse, tmp_path):
    load_delivery(warehouse, ONE.delivery, ONE.staged(tmp_path))
    again = ONE.staged(tmp_path, bad=frozenset({CODES[1]}))
    with duckdb.connect(again) as staged:
        staged.execute("update rejected_row set rule_code = 'UNI-R09'")
    load_replayed(warehouse, ONE.delivery, again)
    assert states(warehouse) == [
        (1, "UNI-R01", "replayed", 2),
        (2, "UNI-R01", "open", None),
        (2, "UNI-R09", "open", None),
    ]


def test_a_loaded_row_stays_loaded_when_a_replay_rejects_it(warehouse, tmp_path):
    file = File(0, 0, "delta", {CODES[0]: "A", CODES[1]: "A"}, frozenset({CODES[0]}))
    load_delivery(warehouse, file.delivery, file.staged(tmp_path))
    load_replayed(warehouse, file.delivery, file.staged(tmp_path, bad=frozenset({CODES[1]})))
    assert states(warehouse) == [(1, "UNI-R01", "replayed", 2)]
    assert [span[0] for span in history(warehouse)] == CODES[:2]


def test_a_second_replay_writes_nothing(warehouse, tmp_path):
    load_delivery(warehouse, ONE.delivery, ONE.staged(tmp_path))
    good = ONE.staged(tmp_path, bad=frozenset())
    load_replayed(warehouse, ONE.delivery, good)
    before = warehouse.rows("select * from audit.delivery order by attempt")
    assert load_replayed(warehouse, ONE.delivery, good).rows_replayed == 0
    assert warehouse.rows("select * from audit.delivery order by attempt") == before


def test_a_rejected_row_that_is_missing_on_replay_stays_open(warehouse, tmp_path):
    load_delivery(warehouse, ONE.delivery, ONE.staged(tmp_path))
    shorter = ONE.staged(tmp_path, bad=frozenset())
    with duckdb.connect(shorter) as staged:
        staged.execute("delete from staged_row where row_number = 2")
    result = load_replayed(warehouse, ONE.delivery, shorter)
    assert (result.rows_replayed, result.rows_open) == (1, 1)


def test_replayed_rows_appear_from_the_night_after_the_last_published_one(warehouse, tmp_path):
    load_delivery(warehouse, ONE.delivery, ONE.staged(tmp_path))
    warehouse.execute(
        "insert into audit.publication (publication_id, as_of_date, published_at,"
        " delivery_count, dossier_count, figures_sha256) values (1, :night, :now, 1, 1, '0')",
        {"night": night_of(2), "now": dt.datetime(2022, 6, 4, tzinfo=dt.UTC)},
    )
    load_replayed(warehouse, ONE.delivery, ONE.staged(tmp_path, bad=frozenset()))
    found = warehouse.rows("select distinct known_from, night from core.unit_version")
    assert found == [{"known_from": night_of(3), "night": FIRST}]


def test_keys_vanish_from_a_snapshot_once_all_its_keys_can_be_read(warehouse, tmp_path):
    before = File(0, 0, "snapshot", {CODES[0]: "A", CODES[1]: "A"}, frozenset())
    load_delivery(warehouse, before.delivery, before.staged(tmp_path))
    snapshot = File(1, 1, "snapshot", {CODES[0]: "A", CODES[2]: "A"}, frozenset({CODES[2]}))
    nameless = snapshot.staged(tmp_path)
    with duckdb.connect(nameless) as staged:
        staged.execute("update staged_row set unit_code = null where row_number = 2")
        staged.execute("update rejected_row set key_text = null")
    load_delivery(warehouse, snapshot.delivery, nameless)
    assert [span[0] for span in history(warehouse)] == [CODES[0], CODES[1]]
    load_replayed(warehouse, snapshot.delivery, snapshot.staged(tmp_path, bad=frozenset()))
    assert history(warehouse) == expected_history([before, snapshot], {1})
    assert (CODES[1], "A", FIRST, night_of(1)) in history(warehouse)


def test_a_trial_asks_to_be_run_only_where_it_would_settle_something():
    unchanged = ReplayResult("d.1", "one.json", "unchanged", rows_open=3)
    replayed = ReplayResult("d.2", "two.json", "replayed", rows_replayed=2)
    assert replay_summary([unchanged], is_trial=True) == (
        "1 delivery read again: 0 rows and 0 refused files settled; correct the rule, the mapping"
        " or the reference file first"
    )
    assert replay_summary([unchanged, replayed], is_trial=True) == (
        "2 deliveries read again: 2 rows and 0 refused files would be settled; run it without"
        " --dry-run"
    )

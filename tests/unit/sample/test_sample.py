"""The sample exports: the same for the same seed, plausible, and wrong only where planted."""

import csv
import datetime as dt
import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import openpyxl
import pytest

from onestop.progress import listening
from onestop.sample import write_sample
from onestop.sample.catalogue import PROCEDURES
from onestop.sample.dirt import KINDS
from onestop.sample.exports import SampleError
from onestop.sample.life import HORIZON_DAYS, Simulation
from onestop.sample.offices import offices
from onestop.sample.tickets import KINDS as TICKET_KINDS
from onestop.sample.tickets import TicketMachines
from onestop.sample.workdays import WorkingDays

FIRST, LAST = dt.date(2022, 9, 26), dt.date(2022, 10, 5)
SINCE = dt.date(2022, 8, 1)
PERSONAL_PLACEHOLDERS = {
    "ChuHoSo": r"Người nộp \d{6}",
    "SoGiayToChuHoSo": r"0{12}",
    "SoDienThoai": r"0{10}",
    "Email": r"nguoi\.nop\.\d{6}@example\.invalid",
    "Fax": "",
    "DiaChi": "Địa chỉ mẫu",
    "MaDoiTuong": "",
}
DATES = [
    "NgayNopHoSo",
    "NgayTiepNhan",
    "NgayHenTra",
    "NgayHenTraBanDau",
    "NgayTra",
    "NgayKetThucXuLy",
    "NgayTuChoi",
    "NgayCapNhat",
]


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    out = tmp_path_factory.mktemp("clean")
    summary = write_sample(out, FIRST, LAST, since=SINCE, per_day=40, dirt_percent=0)
    return out, summary


@pytest.fixture(scope="module")
def dirty(tmp_path_factory):
    out = tmp_path_factory.mktemp("dirty")
    return out, write_sample(out, FIRST, LAST, since=SINCE, per_day=40, dirt_percent=12)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def dossier_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("dossiers_*.json"))


def dossiers(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))


def night_of(path: Path) -> str:
    return path.name.split("_")[1][:8]


def table(path: Path, **dialect) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, **dialect))


def test_the_same_seed_gives_the_same_bytes(clean, tmp_path):
    out, summary = clean
    again = write_sample(tmp_path, FIRST, LAST, since=SINCE, per_day=40, dirt_percent=0)
    assert contents(tmp_path) == contents(out)
    assert (again.dossiers, again.visits) == (summary.dossiers, summary.visits)


def test_another_seed_gives_other_dossiers(tmp_path):
    for seed in (1, 2):
        write_sample(tmp_path / str(seed), FIRST, FIRST, seed=seed, per_day=10)
    name = f"dossiers_{FIRST:%Y%m%d}.json"
    assert (tmp_path / "1" / name).read_bytes() != (tmp_path / "2" / name).read_bytes()


def test_a_small_city_has_some_communes_of_each_district_with_the_same_habits():
    city = {office.code: office for office in offices(3818)}
    small = offices(3818, 2)
    of_district = Counter(office.parent.code for office in small if office.parent)
    assert max(of_district.values()) == 2
    assert Counter(office.level for office in small)["department"] == 20
    for office in small:
        assert office.late_share == city[office.code].late_share
        assert office.has_queue == city[office.code].has_queue


def test_writing_again_leaves_the_files_alone(tmp_path):
    write_sample(tmp_path, FIRST, FIRST, per_day=10)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    write_sample(tmp_path, FIRST, FIRST, per_day=10)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("dirt_percent", [0, 12])
def test_two_runs_over_parts_of_the_range_give_the_files_of_one(
    tmp_path, clean, dirty, dirt_percent
):
    whole = contents((dirty if dirt_percent else clean)[0])
    split = dt.date(2022, 9, 30)
    options = {"per_day": 40, "dirt_percent": dirt_percent}
    write_sample(tmp_path, FIRST, split, since=SINCE, **options)
    write_sample(tmp_path, split + dt.timedelta(days=1), LAST, **options)
    parts = contents(tmp_path)
    assert {name: parts.get(name) for name in whole} == whole
    further = {name.split("_")[0] for name in parts.keys() - whole.keys()}
    assert further <= {"units", "procedures", "declarations"}


def test_the_snapshot_holds_the_state_of_the_deltas_before_it(tmp_path):
    options = {"per_day": 20, "dirt_percent": 0}
    first = SINCE + dt.timedelta(days=25)
    write_sample(tmp_path / "nights", SINCE, first, **options)
    write_sample(tmp_path / "snapshot", first, first, since=SINCE, **options)
    states = {
        row["MaHoSo"]: row
        for path in dossier_files(tmp_path / "nights")
        for row in dossiers(path)
        if row["NgayNopHoSo"] >= f"{SINCE:%Y%m%d}"
    }
    shown = {
        row["MaHoSo"]: row
        for row in dossiers(tmp_path / "snapshot" / f"dossiers_{first:%Y%m%d}_snapshot.json")
        if row["NgayNopHoSo"] >= f"{SINCE:%Y%m%d}"
    }
    assert len(shown) > 200
    assert shown == states


def test_the_snapshot_carries_over_what_was_still_open(clean):
    out, _ = clean
    rows = dossiers(out / f"dossiers_{FIRST:%Y%m%d}_snapshot.json")
    start = f"{SINCE:%Y%m%d}"
    carried = [row for row in rows if row["NgayNopHoSo"] < start]
    assert carried
    ended_before = [r for r in carried if "" < r["NgayKetThucXuLy"] < start]
    # An end that was set back to its deadline afterwards may lie earlier: so an edit looks.
    assert all(r["NgayKetThucXuLy"] == r["NgayHenTra"] for r in ended_before)


def test_every_night_has_its_delivery_and_only_working_days_have_visits(clean):
    out, summary = clean
    nights = [FIRST + dt.timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    names = {path.name for path in out.iterdir()}
    assert {path.name for path in summary.files} == names
    assert {f"dossiers_{night:%Y%m%d}.json" for night in nights} <= names
    assert {n for n in names if n.startswith("visits_")} == {
        f"visits_{night:%Y%m%d}.csv" for night in nights if night.weekday() < 5
    }
    assert {n for n in names if not n.startswith(("visits_", "dossiers_"))} == {
        "units_20220926.csv",
        "units_20221001.csv",
        "procedures_20220926.xlsx",
        "procedures_20221001.xlsx",
        "declarations_20220926.csv",
        "declarations_20220930.csv",
    }
    assert all(dossiers(path) for path in dossier_files(out)), "a night without any row"


def test_dossiers_are_sync_records_of_strings(clean):
    out, _ = clean
    stamp = re.compile(r"(20\d{12})?")
    for path in dossier_files(out):
        for row in dossiers(path):
            texts = {key: value for key, value in row.items() if not isinstance(value, list)}
            assert all(isinstance(value, str) for value in texts.values()), row
            assert all(stamp.fullmatch(row[key]) for key in DATES), row
            assert re.fullmatch(
                r"(?:\d{3}\.\d{2}\.\d{2}\.H24|H24(?:\.\d{2}){1,2})-\d{6}-\d{4,}", row["MaHoSo"]
            ), row["MaHoSo"]
            assert row["KenhThucHien"] in {"1", "2", "3"}
            assert row["MucDo"] in {"2", "3", "4"}
            assert row["TrangThaiHoSo"] in {str(code) for code in range(1, 11)}


def test_clean_dossiers_keep_the_order_of_their_dates(clean):
    out, _ = clean
    for path in dossier_files(out):
        midnight = night_of(path) + "235959"
        for row in dossiers(path):
            received, due, ended = row["NgayTiepNhan"], row["NgayHenTra"], row["NgayKetThucXuLy"]
            status = row["TrangThaiHoSo"]
            assert row["NgayNopHoSo"] <= (received or midnight), row
            assert not due or due >= received, row
            assert not ended or received <= ended <= midnight, row
            assert not row["NgayTra"] or ended <= row["NgayTra"] <= midnight, row
            assert row["NgayCapNhat"] <= midnight, row
            assert (ended != "") == (status in {"7", "9", "10"}), row
            assert (received == "") == (status in {"1", "3"}), row
            assert (row["KenhThucHien"], row["MucDo"]) != ("2", "2"), row


def test_results_are_digitised_for_a_part_of_the_resolved_dossiers_only(clean):
    out, _ = clean
    rows = [row for path in dossier_files(out) for row in dossiers(path)]
    is_resolved = {row["KetQuaDaSoHoa"]: set() for row in rows}
    for row in rows:
        is_resolved[row["KetQuaDaSoHoa"]].add(row["TrangThaiHoSo"] in {"9", "10"})
    assert is_resolved["1"] == is_resolved["0"] == {True}
    assert False in is_resolved[""]


def test_a_delta_holds_each_dossier_once_and_only_changes_of_that_day(clean):
    out, _ = clean
    for path in dossier_files(out):
        rows = dossiers(path)
        assert len({row["MaHoSo"] for row in rows}) == len(rows)
        if "snapshot" not in path.name:
            assert {row["NgayCapNhat"][:8] for row in rows} == {night_of(path)}


def classify(row: dict, night: str) -> str:
    """The kind of error in a row, found without the code that planted it."""
    received, due, ended = (row[k] for k in ("NgayTiepNhan", "NgayHenTra", "NgayKetThucXuLy"))
    checks = {
        "unreadable_date": received[4:6] == "13",
        "received_in_future": received[:8] > night and received[4:6] != "13",
        "unknown_status": row["TrangThaiHoSo"] not in {str(code) for code in range(1, 11)},
        "missing_channel": row["KenhThucHien"] == "",
        "level_2_online": (row["KenhThucHien"], row["MucDo"]) == ("2", "2"),
        "done_without_end": row["TrangThaiHoSo"] in {"9", "10"} and not ended,
        "ended_in_future": ended[:8] > night,
        "end_before_received": "" < ended < received and received[4:6] != "13",
        "due_before_received": "" < due < received and received[4:6] != "13",
        "end_equals_due": ended != "" and ended == due,
    }
    found = [kind for kind, is_wrong in checks.items() if is_wrong]
    assert len(found) <= 1, (found, row)
    return found[0] if found else ""


def test_every_planted_row_is_counted_by_kind(dirty):
    out, summary = dirty
    found: Counter[str] = Counter()
    for path in dossier_files(out):
        rows = dossiers(path)
        found.update(classify(row, night_of(path)) for row in rows)
        by_code: dict[str, list[dict]] = {}
        for row in rows:
            by_code.setdefault(row["MaHoSo"], []).append(row)
        doubled = [same for same in by_code.values() if len(same) > 1]
        found["exact_repeat"] += sum(same[0] == same[1] for same in doubled)
        found["conflicting_duplicate"] += sum(same[0] != same[1] for same in doubled)
    del found[""]
    found["end_equals_due"] -= summary.edits["end_set_to_due"]
    planted = {kind: n for kind, n in summary.bad_rows.items() if kind in KINDS}
    assert {kind: n for kind, n in found.items() if n} == planted
    assert set(planted) == set(KINDS), "a kind that never came up"


def test_the_share_of_planted_errors_is_about_the_requested_one(dirty):
    out, _ = dirty
    rows = bad = 0
    for path in dossier_files(out):
        if "snapshot" in path.name:
            continue
        codes = Counter(row["MaHoSo"] for row in dossiers(path))
        rows += len(codes)
        bad += sum(bool(classify(row, night_of(path))) for row in dossiers(path))
        bad += sum(n > 1 for n in codes.values())
    assert 0.09 < bad / rows < 0.15


def test_zero_dirt_plants_no_errors(clean):
    assert not clean[1].bad_rows


def test_planted_errors_do_not_change_the_dossiers(clean, dirty):
    name = f"dossiers_{FIRST:%Y%m%d}_snapshot.json"
    codes = [{row["MaHoSo"] for row in dossiers(out / name)} for out, _ in (clean, dirty)]
    assert codes[0] == codes[1]


def test_most_rows_with_planted_errors_are_corrected_later(dirty):
    out, _ = dirty
    versions: dict[str, list[tuple[str, bool]]] = {}
    for path in dossier_files(out):
        if "snapshot" not in path.name:
            for row in dossiers(path):
                is_bad = classify(row, night_of(path)) not in ("", "end_equals_due")
                versions.setdefault(row["MaHoSo"], []).append((night_of(path), is_bad))
    early = [rows for rows in versions.values() if any(bad and n < "20220928" for n, bad in rows)]
    right = sum(not rows[-1][1] for rows in early)
    assert right / len(early) > 0.6


def test_overdue_dossiers_whose_end_was_set_back_are_counted(clean):
    out, summary = clean
    rows = [row for path in dossier_files(out) for row in dossiers(path)]
    edited = [r for r in rows if r["NgayKetThucXuLy"] and r["NgayKetThucXuLy"] == r["NgayHenTra"]]
    assert all(row["NgayCapNhat"] > row["NgayHenTra"] for row in edited)
    assert summary.edits["end_set_to_due"] == len(edited) > 0


def test_after_the_fact_edits_turn_overdue_dossiers_into_on_time_ones(year):
    edits = [
        (before, version)
        for _, life in year
        for before, version in pairwise(life.versions)
        if version.edit
    ]
    for before, version in edits:
        assert before.due < version.modified
        if version.edit == "due_moved_after_overdue":
            assert before.resolved is None
            assert version.due > version.modified
        else:
            assert before.resolved is None or before.resolved > before.due
            assert version.resolved == version.due
    kinds = Counter(version.edit for _, version in edits)
    assert len(kinds) == 2
    assert min(kinds.values()) > 5


def test_people_are_placeholders_everywhere(dirty):
    out, _ = dirty
    for path in dossier_files(out):
        for row in dossiers(path):
            for key, pattern in PERSONAL_PLACEHOLDERS.items():
                assert re.fullmatch(pattern, row[key]), (key, row[key])
            assert re.search(r" - Người nộp \d{6}$", row["TrichYeuHoSo"])
            assert row["DinhDanhCHS"] == [{"LoaiDinhDanh": "1", "SoDinhDanh": "0" * 12}]
    for path in out.glob("visits_*.csv"):
        for row in table(path):
            assert re.fullmatch(r"Người nộp \d{6}", row["full_name"])
            assert row["phone"] == "0" * 10


def test_clean_tickets_are_called_after_they_are_issued(clean):
    out, summary = clean
    rows = [row for path in sorted(out.glob("visits_*.csv")) for row in table(path)]
    assert len(rows) == summary.visits > 100
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        called = row["called_at"]
        assert row["status"] in {"completed", "skipped", "no_show"}
        assert not called or row["created_at"] < called, row
        assert bool(row["finished_at"]) == (row["status"] == "completed"), row


def test_planted_tickets_are_counted_by_kind():
    machines = TicketMachines(Simulation(3818, 600, WorkingDays(2021, 2023)))
    rows, planted = machines.tickets_of(FIRST.toordinal(), 10)
    found = Counter[str]()
    by_id: dict[str, list[dict]] = {}
    for row in rows:
        by_id.setdefault(row["id"], []).append(row)
        found["missing_issue"] += row["created_at"] == ""
        found["unknown_ticket_status"] += row["status"] == "closed"
        found["waited_beyond_the_day"] += row["called_at"][11:] == "23:55:00"
        found["called_before_issued"] += "" < row["called_at"] < row["created_at"]
    for same in by_id.values():
        if len(same) > 1:
            found["repeated_ticket" if same[0] == same[1] else "conflicting_ticket"] += 1
    assert planted == found
    assert set(planted) == set(TICKET_KINDS)
    assert min(found.values()) > 0


def test_the_register_of_units_has_every_office_once(clean):
    out, _ = clean
    rows = table(out / "units_20221001.csv", delimiter=";")
    codes = [row["Mã đơn vị"] for row in rows]
    assert len(set(codes)) == len(codes)
    assert Counter(row["Cấp"] for row in rows) == {
        "Sở, ban, ngành": 20,
        "Quận, huyện": 15,
        "Xã, phường, thị trấn": 217,
    }
    assert {row["Mã đơn vị cấp trên"] for row in rows if row["Cấp"].startswith("Xã")} < set(codes)
    assert not [
        r for r in rows if re.search(r"2023|0[2-9]/1[0-2]/2022", r["Ngày triển khai số hóa"])
    ]


def test_dossiers_and_tickets_name_registered_units_and_procedures(clean):
    out, _ = clean
    units = {row["Mã đơn vị"] for row in table(out / "units_20221001.csv", delimiter=";")}
    procedures = {procedure.code for procedure in PROCEDURES if not procedure.is_internal}
    for path in dossier_files(out):
        for row in dossiers(path):
            assert {row["DonViTiepNhan"], row["DonViXuLy"]} <= units
            assert row["MaTTHC"] in procedures
    for path in out.glob("visits_*.csv"):
        for row in table(path):
            assert row["unit_code"] in units
            assert row["procedure_code"] in procedures


def test_the_catalogue_is_a_spreadsheet_with_a_title_block_and_a_total(clean):
    out, _ = clean
    sheet = openpyxl.load_workbook(out / "procedures_20221001.xlsx")["TTHC"]
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[1][0] == "DANH MỤC THỦ TỤC HÀNH CHÍNH"
    assert rows[4][:3] == ("STT", "Mã thủ tục", "Tên thủ tục hành chính")
    assert rows[5][:2] == ("(1)", "(2)")
    assert rows[-1][1:3] == ("Tổng số", len(PROCEDURES))
    assert [row[1] for row in rows[6:-1]] == [procedure.code for procedure in PROCEDURES]
    shape = re.compile(r"[12]\.\d{6}\.000\.00\.00\.H24")
    assert all(shape.fullmatch(row[1]) for row in rows[6:-1])


def test_declared_figures_say_that_they_are_samples(clean):
    out, _ = clean
    rows = table(out / "declarations_20220930.csv")
    assert {row["Đến ngày"] for row in rows} == {"30/09/2022"}
    assert {row["Đến ngày"] for row in table(out / "declarations_20220926.csv")} == {"30/06/2022"}
    for row in rows:
        assert re.fullmatch(r"MẪU-\d{2}/BC", row["Số văn bản"])
        assert row["Ghi chú"].startswith("Số liệu mẫu")
        assert int(row["Tử số"]) <= int(row["Mẫu số"])


@pytest.fixture(scope="module")
def year():
    workdays = WorkingDays(2020, 2024)
    simulation = Simulation(3818, 120, workdays)
    days = range(dt.date(2022, 1, 1).toordinal(), dt.date(2023, 1, 1).toordinal())
    return [(day, life) for day in days for life in simulation.dossiers_of(day)]


def test_a_dossier_has_no_event_beyond_the_horizon(year):
    assert max(life.versions[-1].night - day for day, life in year) < HORIZON_DAYS


def test_the_online_share_grows_over_the_year(year):
    share = {}
    for month in (1, 12):
        channels = [li.channel for d, li in year if dt.date.fromordinal(d).month == month]
        share[month] = channels.count("2") / len(channels)
    assert 0.2 < share[1] < 0.35
    assert 0.48 < share[12] < 0.62


def test_levels_share_the_dossiers_and_some_communes_miss_98_percent(year):
    levels = Counter(life.resolving.level for _, life in year)
    for level, expected in {"department": 0.17, "district": 0.36, "commune": 0.47}.items():
        assert levels[level] / len(year) == pytest.approx(expected, abs=0.02)
    late_shares = [office.late_share for office in offices(3818) if office.level == "commune"]
    assert 0.1 < sum(share > 0.02 for share in late_shares) / len(late_shares) < 0.4


def test_the_day_after_tet_is_busier_and_holidays_bring_online_submissions_only(year):
    by_day = Counter(day for day, _ in year)
    tet = dt.date(2022, 2, 1).toordinal()
    monday_after, ordinary_monday = dt.date(2022, 2, 7), dt.date(2022, 2, 21)
    assert by_day[monday_after.toordinal()] > 1.1 * by_day[ordinary_monday.toordinal()]
    assert by_day[tet] > 0
    assert {life.channel for day, life in year if day == tet} == {"2"}


@pytest.mark.parametrize(
    ("received", "workdays", "due"),
    [
        (dt.date(2022, 1, 28), 5, dt.date(2022, 2, 11)),
        (dt.date(2022, 4, 8), 3, dt.date(2022, 4, 14)),
        (dt.date(2022, 8, 31), 2, dt.date(2022, 9, 6)),
        (dt.date(2021, 12, 30), 5, dt.date(2022, 1, 7)),
        (dt.date(2022, 1, 29), 1, dt.date(2022, 2, 7)),
        (dt.date(2022, 12, 30), 3, dt.date(2023, 1, 5)),
    ],
)
def test_deadlines_skip_weekends_and_holidays(received, workdays, due):
    calendar = WorkingDays(2021, 2023)
    assert dt.date.fromordinal(calendar.after(received.toordinal(), workdays)) == due


@pytest.mark.parametrize(
    "wish",
    [
        {"first": LAST, "last": FIRST},
        {"since": LAST},
        {"per_day": 0},
        {"communes": 0},
        {"dirt_percent": -1},
        {"dirt_percent": 99},
        {"first": dt.date(2019, 1, 1)},
    ],
)
def test_invalid_options_are_refused_before_any_file_is_written(tmp_path, wish):
    options = {"first": FIRST, "last": LAST, **wish}
    if "since" in wish:
        options["first"] = FIRST
    with pytest.raises(SampleError, match=r"\d"):
        write_sample(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_an_interrupted_run_leaves_no_partial_file(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("onestop.sample.exports.dossier_record", fail)
    with pytest.raises(OSError, match="disk full"):
        write_sample(tmp_path, FIRST, FIRST, since=SINCE, per_day=10)
    assert list(tmp_path.iterdir()) == []


def test_every_day_of_a_sample_is_reported_as_progress(tmp_path):
    class Days:
        def __init__(self):
            self.count = self.total = 0

        def begin(self, *given):
            self.total = given[-1]

        def advance(self, count):
            self.count += count

        def end(self):
            pass

    days = Days()
    with listening(days):
        write_sample(tmp_path, FIRST, FIRST, per_day=1)
    assert days.count == days.total == HORIZON_DAYS + 1

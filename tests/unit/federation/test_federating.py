"""Packages of many provinces: taken in, refused, restated, added up, published."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import signal
from collections import Counter
from dataclasses import dataclass, replace

import pytest
from clean_processes import CONTEXT, clean_process, status_of
from engines import assert_same, content
from example_counts import examples
from generated_provinces import NIGHT, NOW, national_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onestop.federation import federating
from onestop.federation.awaited import find_awaited
from onestop.federation.checks import SumChecks
from onestop.federation.configuration import nation_publishes_by
from onestop.federation.federating import (
    IN_FORCE,
    PACKAGES,
    REFUSED,
    REPEATED,
    Wanted,
    federate,
    kept_package,
)
from onestop.federation.national_warehouse import open_national_figures
from onestop.federation.package import FORM_COUNTS
from onestop.federation.places import FoundPackage
from onestop.federation.refusal import (
    BAD_SIGNATURE,
    BROKEN_SUMS,
    CONTRADICTION,
    NO_PACKAGE,
    OLDER,
    UNKNOWN_PROVINCE,
    UNREADABLE,
    PackageRefusedError,
)
from onestop.federation.registry import read_registry
from onestop.federation.sentences import nation_sentences
from onestop.files import sha256_of
from onestop.marts.descriptions import table_keys
from onestop.said import said
from onestop.warehouse import open_warehouse
from onestop.warehouse.duckdb_engine import DuckDBWarehouse

ENDING = ".onestop.zip"
EARLIER = NIGHT - dt.timedelta(days=1)


@dataclass
class Office:
    """A national office in a folder, and the folder that packages arrive in."""

    settings: object
    nation: object
    inbox: object
    registry: object

    def __post_init__(self):
        self.inbox.mkdir(parents=True, exist_ok=True)

    def receive(self, name, data):
        (self.inbox / f"{name}{ENDING}").write_bytes(data)

    def run(self, now=NOW, **wanted):
        return federate(self.settings, self.registry, [str(self.inbox)], Wanted(**wanted), now=now)

    def rows(self, query, **parameters):
        with open_national_figures(self.settings) as warehouse:
            return warehouse.rows(query, parameters)


def new_office(empty_office, nation, folder, provinces):
    """A national office whose registry has the first provinces."""
    shutil.copytree(empty_office.landing.parent, folder / "office")
    lines = nation.registry.read_text("utf-8").splitlines()
    registry = folder / "provinces.csv"
    registry.write_text("\n".join(lines[: provinces + 1]), encoding="utf-8")
    own = national_settings(empty_office, folder / "office")
    return Office(own, nation, folder / "inbox", read_registry(registry))


@pytest.fixture(scope="module")
def prepared():
    """The rules of sums, planned once for all tests: each package replaces the one before."""
    with SumChecks() as checks:
        yield checks


@pytest.fixture(autouse=True)
def _prepared_once(prepared, monkeypatch):
    monkeypatch.setattr(federating, "SumChecks", lambda: contextlib.nullcontext(prepared))


@pytest.fixture
def office(empty_office, nation, tmp_path):
    """A national office of five provinces."""
    return new_office(empty_office, nation, tmp_path, 5)


def states(done):
    return {outcome.place.removesuffix(ENDING): outcome.state for outcome in done.outcomes}


def codes(done):
    return {o.place.removesuffix(ENDING): o.refusal.code for o in done.outcomes if o.refusal}


def sums(nation, factors):
    """What the nation's figures are to be: the model's cities and levels, added up by hand."""
    found = Counter()
    for name, columns in (
        ("indicator_value", ("numerator", "denominator")),
        ("form_06a", FORM_COUNTS),
    ):
        for row in nation.model[name].to_pylist():
            if row["unit_scope"] == "unit" or row.get("method_code") == "declared":
                continue
            unit = "NATION" if row["unit_scope"] == "city" else row["unit_code"]
            key = (
                name,
                row.get("indicator_code") or row["field_code"],
                row.get("method_code"),
                unit,
                row["period_type"],
                row["period_start"],
            )
            for column in columns:
                found[*key, column] += row[column] * sum(factors)
    return found


def published_sums(office):
    [last] = office.rows("select max(publication_id) as number from national.publication")
    found = Counter()
    for name, columns in (
        ("indicator_value", ("numerator", "denominator")),
        ("form_06a", FORM_COUNTS),
    ):
        for row in office.rows(
            f"select * from national.{name} where publication_id = :number", **last
        ):
            if row.get("adds_up", True):
                key = (
                    name,
                    row.get("indicator_code") or row["field_code"],
                    row.get("method_code"),
                    row["unit_code"],
                    row["period_type"],
                    row["period_start"],
                )
                for column in columns:
                    found[*key, column] += row[column]
    return found


# --- the nation of 63 provinces ------------------------------------------------------------------


def test_sixty_three_provinces_add_up_and_those_that_do_not_count_are_named(
    nation, empty_office, tmp_path
):
    office = new_office(empty_office, nation, tmp_path, 63)
    factors = {code: number for number, code in enumerate(nation.codes, start=1)}
    forged, unsound, *late = nation.codes[-4:]
    for code, factor in factors.items():
        office.receive(code, nation.package(code, factor, EARLIER if code in late else NIGHT))
    office.receive(forged, nation.package(forged, 9, signed_by="P01"))
    office.receive(unsound, nation.unsound_package(unsound, 3))

    done = office.run()
    assert codes(done) == {forged: BAD_SIGNATURE, unsound: BROKEN_SUMS}
    assert Counter(states(done).values()) == {IN_FORCE: 61, REFUSED: 2}
    assert (done.night, done.publication_id) == (NIGHT, 1)
    assert done.states == {"in": 59, "late": 2, "missing": 2}
    assert done.not_in == (
        (forged, "missing", None),
        (unsound, "missing", None),
        (late[0], "late", EARLIER),
        (late[1], "late", EARLIER),
    )
    are_in = [factors[code] for code in nation.codes if code not in (forged, unsound)]
    assert published_sums(office) == sums(nation, are_in)
    [row] = office.rows(
        "select provinces_counted, oldest_as_of_date, numerator, denominator, value"
        " from national.indicator_value where indicator_code = 'on_time_rate'"
        " and method_code = 'cohort' and unit_code = 'NATION' and period_type = 'year_to_date'"
    )
    assert (row["provinces_counted"], row["oldest_as_of_date"]) == (61, EARLIER)
    assert row["value"] == pytest.approx(100 * row["numerator"] / row["denominator"], abs=1e-4)

    # a province publishes the night again, with more cases; the unsound one sends a sound package
    again = {"P05": 500, unsound: 62}
    for code, factor in again.items():
        office.receive(f"{code}-again", nation.package(code, factor, hour=5))
    done = office.run(now=NOW + dt.timedelta(hours=1))
    restated = next(o for o in done.outcomes if o.place == f"P05-again{ENDING}")
    assert (restated.state, restated.replaces_night) == (IN_FORCE, NIGHT)
    assert restated.restated > 50
    assert done.publication_id == 2
    assert {o.state for o in done.outcomes if "again" not in o.place} == {REPEATED, REFUSED}
    assert all(outcome.is_known for outcome in done.refused)
    assert published_sums(office) == sums(nation, [*are_in, 500 - factors["P05"], 62])
    [before_after] = office.rows(
        "select numerator_before, denominator_before, numerator_after, denominator_after"
        " from national.restatement where indicator_code = 'on_time_rate' and unit_code = 'CITY'"
        " and method_code = 'cohort' and period_type = 'year_to_date'"
    )
    model = next(
        row
        for row in nation.model["indicator_value"].to_pylist()
        if (row["indicator_code"], row["method_code"], row["unit_code"], row["period_type"])
        == ("on_time_rate", "cohort", "CITY", "year_to_date")
    )
    counts = (model["numerator"], model["denominator"])
    assert tuple(before_after.values()) == (*(5 * n for n in counts), *(500 * n for n in counts))
    # nothing has changed since: no further publication
    assert office.run(now=NOW + dt.timedelta(hours=2)).publication_id is None


# --- what is taken in ----------------------------------------------------------------------------


def test_a_package_is_kept_whatever_becomes_of_it(office, nation):
    office.receive("good", nation.package("P01", 1))
    office.receive("bad", b"no package")
    office.receive("foreign", nation.package("P60", 1))
    done = office.run()
    assert codes(done) == {"bad": NO_PACKAGE, "foreign": UNKNOWN_PROVINCE}
    for path in office.inbox.iterdir():
        kept = kept_package(office.settings, sha256_of(path))
        assert kept.read_bytes() == path.read_bytes()
    listed = office.rows(
        "select package_state, refusal_code, reason_vi, reason_en, province_code, times_received"
        " from national.package order by package_place"
    )
    assert [(row["package_state"], row["refusal_code"]) for row in listed] == [
        (REFUSED, NO_PACKAGE),
        (REFUSED, UNKNOWN_PROVINCE),
        (IN_FORCE, None),
    ]
    assert listed[1]["reason_vi"] == "danh sách tỉnh không có tỉnh P60"
    assert listed[1]["reason_en"] == "the registry has no province P60"


def test_a_refused_package_passes_once_its_province_is_in_the_registry(office, nation):
    office.receive("foreign", nation.package("P60", 4))
    assert codes(office.run()) == {"foreign": UNKNOWN_PROVINCE}
    (office.inbox / f"foreign{ENDING}").unlink()
    office.registry = read_registry(nation.registry)
    assert office.run().outcomes == ()
    done = office.run(has_retries=True)
    assert states(done) == {"foreign": IN_FORCE}
    assert published_sums(office) == sums(nation, [4])


def test_a_lost_warehouse_is_made_again_from_the_kept_packages(office, nation, tmp_path):
    office.receive("a", nation.package("P01", 2, EARLIER))
    office.receive("b", nation.package("P02", 3))
    office.run()
    office.receive("c", nation.package("P01", 4))
    office.run()
    kept = office.settings.landing / PACKAGES
    again = replace(
        office, settings=national_settings(office.settings, tmp_path / "again"), inbox=kept
    )
    again.run()
    assert published_sums(again) == published_sums(office) == sums(nation, [4, 3])


def test_an_older_night_and_another_content_of_one_publication_are_refused(office, nation):
    office.receive("now", nation.package("P01", 2))
    office.run()
    office.receive("older", nation.package("P01", 3, EARLIER))
    office.receive("contrary", nation.package("P01", 4))
    assert codes(office.run()) == {"older": OLDER, "contrary": CONTRADICTION}
    assert published_sums(office) == sums(nation, [2])


def test_a_later_night_replaces_the_earlier_one_and_restates_only_periods_that_were_over(
    office, nation
):
    office.receive("a", nation.package("P01", 2))
    office.run()
    later = NIGHT + dt.timedelta(days=1)
    office.receive("b", nation.package("P01", 3, later))
    done = office.run()
    outcome = next(o for o in done.outcomes if o.state == IN_FORCE)
    assert (outcome.night, outcome.replaces_night, outcome.restated) == (later, NIGHT, 0)
    assert (done.night, done.publication_id) == (later, 2)
    assert published_sums(office) == sums(nation, [3])
    found = office.rows(
        "select package_state, replaces_package_id from national.package order by 1"
    )
    assert [row["package_state"] for row in found] == ["in_force", "replaced"]
    assert found[0]["replaces_package_id"] == 1


def test_figures_that_do_not_add_up_stay_by_province_and_say_why(office, nation):
    for number, code in enumerate(("P01", "P02"), start=1):
        office.receive(code, nation.package(code, number))
    office.run()
    declared = office.rows(
        "select numerator, denominator, value, provinces_counted from national.indicator_value"
        " where method_code = 'declared'"
    )
    assert declared
    for row in declared:
        assert (row["numerator"], row["denominator"], row["value"]) == (None, None, None)
        assert row["provinces_counted"] == 2
    own = office.rows(
        "select count(distinct province_code) as provinces, count(*) as figures"
        " from national.province_figure where method_code = 'declared'"
    )
    assert own[0]["provinces"] == 2
    ranks = office.rows("select * from national.indicator where unit_of_measure = 'rank'")
    assert {(row["adds_up"], row["reason_en"]) for row in ranks} == {
        (False, "Ranks cannot be added up")
    }
    medians = office.rows(
        "select province_code, median_workdays from national.province_processing_time"
        " where unit_code = 'CITY' and clock_code = 'elapsed' and period_type = 'year_to_date'"
        " and period_basis = 'calendar' order by 1"
    )
    assert [row["province_code"] for row in medians] == ["P01", "P02"]


def test_it_publishes_only_when_enough_provinces_are_in(office, nation):
    office.receive("P01", nation.package("P01", 1))
    office.receive("P02", nation.package("P02", 1, EARLIER))
    waiting = office.run(at_least=2)
    assert (waiting.publication_id, waiting.waits_for) == (None, 1)
    assert office.rows("select 1 from national.publication") == []
    office.receive("P03", nation.package("P03", 1))
    assert office.run(at_least=2).publication_id == 1
    assert published_sums(office) == sums(nation, [1, 1, 1])


def test_an_earlier_night_of_the_nation_is_not_published_after_a_later_one(office, nation):
    office.receive("P01", nation.package("P01", 1))
    assert office.run().publication_id == 1
    office.receive("P02", nation.package("P02", 1))
    earlier = office.run(night=EARLIER)
    assert (earlier.publication_id, earlier.later) == (None, NIGHT)
    assert f"can no longer be published: night {NIGHT} is" in next(nation_sentences(earlier))
    assert office.run().publication_id == 2


def test_a_place_that_is_not_there_keeps_out_no_package_of_another_one(office, nation, tmp_path):
    office.receive("P01", nation.package("P01", 1))
    places = [str(tmp_path / "none"), "sftp://office@127.0.0.1:1/out", str(office.inbox)]
    done = federate(office.settings, office.registry, places, Wanted(), now=NOW)
    assert states(done) == {"P01": IN_FORCE}
    assert done.publication_id == 1
    assert [error.subject for error in done.unreachable] == places[:2]
    not_there, no_answer = map(str, done.unreachable)
    assert "is not there" in not_there
    assert "nothing answers there" in no_answer


def test_a_province_that_is_ahead_does_not_put_off_the_night_of_the_others(office, nation):
    office.receive("P01", nation.package("P01", 1))
    office.receive("P02", nation.package("P02", 1, NIGHT + dt.timedelta(days=1)))
    office.run(has_publication=False)
    hour = nation_publishes_by(NIGHT)
    assert find_awaited(office.settings, hour - dt.timedelta(minutes=1)).due_night is None
    assert find_awaited(office.settings, hour).due_night == NIGHT
    after = hour + dt.timedelta(days=1)
    assert find_awaited(office.settings, after).due_night == NIGHT + dt.timedelta(days=1)


def test_a_night_for_which_no_province_is_in_is_not_published(office, nation):
    office.receive("P01", nation.package("P01", 1))
    mistyped = office.run(night=NIGHT.replace(year=2062))
    assert (mistyped.publication_id, mistyped.states["late"], mistyped.waits_for) == (None, 1, 1)
    assert office.run().publication_id == 1


def test_the_night_is_the_latest_of_the_provinces_that_the_registry_has(office, nation):
    office.receive("P01", nation.package("P01", 1, EARLIER))
    office.receive("P02", nation.package("P02", 2))
    office.run(has_publication=False)
    del office.registry["P02"]
    done = office.run()
    assert (done.night, done.states["in"], done.states["late"]) == (EARLIER, 1, 0)
    assert published_sums(office) == sums(nation, [1])
    office.registry.pop("P01")
    assert office.run().night is None


# --- any subset, any order, any repetition -------------------------------------------------------


@pytest.fixture(scope="module")
def made(nation):
    """Packages of three provinces: two nights, and the second one published twice."""
    return {
        (code, version): nation.package(
            code, 10 * number + version, NIGHT if version else EARLIER, hour=1 + version
        )
        for number, code in enumerate(nation.codes[:3])
        for version in range(3)
    }


def factor_of(nation, key):
    return 10 * nation.codes.index(key[0]) + key[1]


@settings(max_examples=examples(2), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_national_sums_are_those_of_the_newest_packages_in_any_order(
    nation, empty_office, made, tmp_path_factory, data
):
    runs = data.draw(
        st.lists(st.lists(st.sampled_from(sorted(made)), max_size=4), min_size=1, max_size=3)
    )
    office = new_office(empty_office, nation, tmp_path_factory.mktemp("any"), 3)
    newest = {}
    for number, keys in enumerate(runs):
        for place, (code, version) in enumerate(keys):
            office.receive(f"{number}-{place}", made[code, version])
            newest[code] = max(newest.get(code, 0), version)
        office.run()
    if newest:
        wanted = [factor_of(nation, key) for key in newest.items()]
        assert published_sums(office) == sums(nation, wanted)
        kept = list((office.settings.landing / PACKAGES).iterdir())
        assert len(kept) == len({key for keys in runs for key in keys})


# --- killed, and on PostgreSQL -------------------------------------------------------------------


def run_killed(office, registry, inbox, kill_at, count):
    """Run; the process is killed before its ``kill_at``-th statement."""
    run = DuckDBWarehouse._run

    def counted(self, *arguments):
        count.value += 1
        if count.value == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return run(self, *arguments)

    DuckDBWarehouse._run = counted
    federate(office, read_registry(registry), [str(inbox)], now=NOW)
    os._exit(0)


def in_a_process(office, kill_at):
    count = CONTEXT.Value("i", 0)
    arguments = (office.settings, office.nation.registry, office.inbox, kill_at, count)
    process = clean_process(run_killed, *arguments)
    process.start()
    return status_of(process), count.value


def test_a_run_that_is_killed_anywhere_leaves_nothing_half_built(office, nation, tmp_path):
    for number, code in enumerate(("P01", "P02"), start=1):
        office.receive(code, nation.package(code, number))
    office.registry = read_registry(nation.registry)
    office.run()
    before = published_sums(office)
    office.receive("P02-again", nation.package("P02", 7, hour=9))
    office.receive("P03", nation.package("P03", 5))
    shutil.copytree(office.settings.landing.parent, tmp_path / "other")
    undisturbed = replace(office, settings=national_settings(office.settings, tmp_path / "other"))
    status, statements = in_a_process(undisturbed, 0)
    assert (status, statements > 30) == (0, True)
    for kill_at in (statements // 2, statements - 8):
        assert in_a_process(office, kill_at)[0] == -signal.SIGKILL
        assert published_sums(office) == before
    office.run()
    assert published_sums(office) == published_sums(undisturbed) == sums(nation, [1, 7, 5])


def test_both_engines_hold_the_same(office, nation, postgres, tmp_path):
    database = postgres.make_database()
    other = replace(
        office, settings=national_settings(office.settings, tmp_path / "other", database)
    )
    for number, code in enumerate(("P01", "P02", "P03"), start=1):
        office.receive(code, nation.package(code, number, EARLIER if number == 1 else NIGHT))
    office.receive("bad", b"no package")
    for each in (office, other):
        each.run()
    office.receive("P03-again", nation.package("P03", 8, hour=4))
    office.receive("P01-later", nation.package("P01", 9))
    for each in (office, other):
        assert each.run().publication_id == 2
    assert published_sums(other) == sums(nation, [9, 2, 8])
    with (
        open_warehouse(office.settings.warehouse) as one,
        open_warehouse(other.settings.warehouse) as two,
    ):
        both = [content(each, ("national",)) for each in (one, two)]
        for (schema, table), key in table_keys().items():
            if schema == "national":
                columns = ", ".join(key)
                [rows] = one.rows(
                    f"select count(*) as number, count(distinct ({columns})) as keys"
                    f" from national.{table}"
                )
                assert rows["number"] == rows["keys"], table
    for found in both:
        del found["national.schema_version"]
    assert len(both[0]) == 15
    assert_same(*both)


def test_a_place_is_read_once_and_may_be_gone_before_its_turn(office, nation, monkeypatch):
    data = nation.package("P01", 3)
    reads = []

    def found(*_):
        yield FoundPackage("once", lambda: reads.append(1) or data)

    monkeypatch.setattr("onestop.federation.federating.packages_at", found)
    assert states(office.run()) == {"once": IN_FORCE}
    assert reads == [1]
    assert published_sums(office)[_ON_TIME] > 0


def test_a_file_that_cannot_be_read_has_one_row_however_long_its_name(office, monkeypatch):
    def unreadable():
        raise PackageRefusedError(UNREADABLE, said("the file could not be read ({part})", part="-"))

    found = FoundPackage("folder/" * 100, unreadable)
    monkeypatch.setattr("onestop.federation.federating.packages_at", lambda *_: [found])
    assert [one.is_known for run in range(2) for one in office.run().outcomes] == [False, True]
    assert office.rows("select times_received from national.package") == [{"times_received": 2}]


_ON_TIME = (
    "indicator_value",
    "on_time_rate",
    "cohort",
    "NATION",
    "year_to_date",
    dt.date(2022, 1, 1),
    "denominator",
)

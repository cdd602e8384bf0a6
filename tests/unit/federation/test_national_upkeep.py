"""The other commands in a national office: each says what is true there, or why it does not run."""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import shutil
import stat
from dataclasses import replace

import pytest
from commands import run_command
from generated_provinces import NIGHT, NOW, national_settings

from onestop.federation.federating import federate, kept_package
from onestop.federation.national_warehouse import migrate_national, open_national
from onestop.federation.registry import read_registry
from onestop.federation.scorecard import print_nation
from onestop.figures.listing import print_nights
from onestop.marts.published import NothingPublishedError, find_night, open_published
from onestop.upkeep.backup import make_backup, restore_backup
from onestop.upkeep.doctor import examine
from onestop.upkeep.verify_nation import verify_nation
from onestop.warehouse import open_warehouse


@pytest.fixture(scope="module")
def office(nation, empty_office, tmp_path_factory):
    """An office with a publication of two of three provinces, and their registry."""
    folder = tmp_path_factory.mktemp("upkeep")
    settings = national_settings(empty_office, folder / "office")
    settings = replace(settings, exports=folder / "none")
    lines = nation.registry.read_text("utf-8").splitlines()
    registry = folder / "provinces.csv"
    registry.write_text("\n".join(lines[:4]), encoding="utf-8")
    (folder / "inbox").mkdir()
    for number, code in enumerate(nation.codes[:2], start=1):
        (folder / "inbox" / f"{code}.onestop.zip").write_bytes(nation.package(code, number))
    federate(settings, read_registry(registry), [str(folder / "inbox")], now=NOW)
    return settings, registry


@pytest.fixture
def environment(office, monkeypatch):
    monkeypatch.setenv("ONESTOP_PROVINCES", str(office[1]))
    for name in ("ONESTOP_EXPORTS", "ONESTOP_NATION_BY"):
        monkeypatch.delenv(name, raising=False)


def found(settings, now):
    """The findings of the doctor, by check."""
    findings = {}
    for one in examine(settings, now):
        findings.setdefault(one.check, []).append((one.state, str(one.message), one.remedy))
    return findings


@pytest.mark.usefixtures("environment")
def test_the_doctor_asks_a_national_office_for_packages_not_for_exports(office):
    morning = dt.datetime.combine(NIGHT + dt.timedelta(days=1), dt.time(12), NOW.tzinfo)
    findings = found(office[0], morning)
    assert not {"exports", "mappings", "days_off"} & findings.keys()
    assert [state for state, *_ in findings["landing"]] == ["OK"]
    assert findings["provinces"] == [("OK", "3 provinces in the registry", "")]
    [(state, message, remedy)] = findings["nation"]
    assert (state, message) == (
        "WARN",
        "the nation's night 2022-11-15 is published with 2 of 3 provinces",
    )
    assert "--list provinces" in remedy
    assert "onestop night" not in "".join(text for one in findings.values() for *_, text in one)


@pytest.mark.usefixtures("environment")
def test_the_doctor_names_a_late_nation_a_lost_copy_and_keys_that_end(office, monkeypatch):
    settings, registry = office
    lost = replace(settings, published=settings.published.with_name("none.duckdb"))
    findings = found(lost, NOW + dt.timedelta(days=1))
    assert [state for state, *_ in findings["nation"]] == ["FAIL", "WARN", "FAIL"]
    assert "night 2022-11-20 should be" in findings["nation"][0][1]
    assert "the readers' copy lacks" in findings["nation"][2][1]
    ending = registry.with_name("ending.csv")
    ending.write_text(
        registry.read_text("utf-8").replace("2022-01-01,,0", "2022-01-01,2022-12-01,0", 1), "utf-8"
    )
    monkeypatch.setenv("ONESTOP_PROVINCES", str(ending))
    [_, (state, message, _)] = found(settings, NOW)["provinces"]
    assert (state, message) == ("WARN", "no key is valid on 2022-12-20: P01")
    monkeypatch.setenv("ONESTOP_PROVINCES", str(ending.with_name("no.csv")))
    [(state, message, _)] = found(settings, NOW)["provinces"]
    assert (state, "cannot be read" in message) == ("FAIL", True)


@pytest.mark.usefixtures("environment")
def test_the_doctor_of_an_office_without_packages_says_how_to_begin(office, tmp_path):
    new = replace(national_settings(office[0], tmp_path), exports=tmp_path / "none")
    [(state, message, remedy)] = found(new, NOW)["warehouse"]
    assert (state, "there is no warehouse" in message) == ("WARN", True)
    assert "onestop federate" in remedy
    with pytest.raises(NothingPublishedError, match="onestop federate"):
        print_nation(new)


def test_commands_about_nights_of_a_city_name_the_nation_s_instead(office):
    with open_published(office[0]) as copy, pytest.raises(NothingPublishedError) as refused:
        find_night(copy, None)
    assert "onestop nation" in str(refused.value)
    with pytest.raises(NothingPublishedError, match="nation --list publications"):
        print_nights(office[0])
    page = io.StringIO()
    print_nation(office[0], "en", what="publications", file=page)
    assert "15 Nov 2022" in page.getvalue()


def test_verification_adds_the_kept_packages_up_again(office, tmp_path):
    settings = national_settings(office[0], tmp_path / "office")
    shutil.copytree(office[0].landing.parent, tmp_path / "office")
    result = verify_nation(settings)
    assert (result.night, result.publication_id, result.packages) == (NIGHT, 1, 2)
    assert result.figures > 50
    assert result.differences == []

    with open_warehouse(settings.warehouse) as warehouse:
        warehouse.execute(
            "update national.indicator_value set numerator = numerator + 1"
            " where indicator_code = 'on_time_rate' and unit_code = 'NATION'"
            " and method_code = 'cohort' and period_type = 'year_to_date'"
        )
        warehouse.publish_copy(settings.published)
    [difference] = verify_nation(settings).differences
    assert str(difference) == (
        "national.indicator_value: not the sums of the kept packages: 1 figure"
    )
    with open_warehouse(settings.warehouse) as warehouse:
        sha256 = warehouse.value(
            "select file_sha256 from national.package where province_code = 'P02'"
        )
    kept_package(settings, sha256).unlink()
    assert str(verify_nation(settings).differences[0]).startswith("P02: the kept package")


def test_verify_reports_the_city_also_where_the_nation_differs(nation, after_one_night, tmp_path):
    settings = after_one_night
    registry = tmp_path / "provinces.csv"
    registry.write_text(nation.registry.read_text("utf-8"), encoding="utf-8")
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "P01.onestop.zip").write_bytes(nation.package("P01", 1))
    federate(settings, read_registry(registry), [str(tmp_path / "inbox")], now=NOW)
    with open_warehouse(settings.warehouse) as warehouse:
        warehouse.execute("update national.indicator_value set numerator = numerator + 1")
        warehouse.publish_copy(settings.published)
    environment = {**os.environ, **settings.to_environment(), "LANG_UI": "en"}
    done = run_command("verify", env=environment)
    assert done.returncode == 1
    [figures] = re.findall(
        r"indicator_value: not the sums of the kept packages: (\d{1,3}(?:,\d{3})*) figures\n",
        done.stdout,
    )
    assert f"the nation's night 2022-11-15, publication 1: {figures} differences" in done.stderr
    assert "all published figures are identical" in done.stdout


@pytest.fixture
def without_publication(nation, empty_office, tmp_path):
    """An office that received one file, and refused it."""
    settings = replace(national_settings(empty_office, tmp_path), exports=tmp_path / "none")
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "refused.onestop.zip").write_bytes(b"no package")
    federate(settings, read_registry(nation.registry), [str(tmp_path / "inbox")], now=NOW)
    return settings


def test_verification_before_the_first_publication_says_how_to_publish(without_publication):
    with pytest.raises(NothingPublishedError, match=r"published yet.*onestop federate"):
        verify_nation(without_publication)


@pytest.mark.usefixtures("environment")
def test_the_doctor_names_refused_packages_before_the_first_publication(without_publication):
    messages = [message for _, message, _ in found(without_publication, NOW)["nation"]]
    assert messages == [
        "no national figures are published yet",
        "packages refused in the last week: 1",
    ]


def test_a_restored_backup_shows_the_nation_again(office, tmp_path):
    made = make_backup(office[0], tmp_path / "backups")
    assert (made.night, made.national_night, made.files) == (None, NIGHT, 2)
    new = national_settings(office[0], tmp_path / "new")
    restored = restore_backup(new, tmp_path / "backups")
    assert (restored.night, restored.national_night) == (None, NIGHT)
    page, before = io.StringIO(), io.StringIO()
    print_nation(new, "en", file=page)
    print_nation(office[0], "en", file=before)
    assert page.getvalue() == before.getvalue()
    assert verify_nation(new).differences == []


def test_kept_packages_are_closed_to_others_as_all_of_the_landing(office):
    assert stat.S_IMODE(office[0].landing.stat().st_mode) & stat.S_IRWXO == 0


def test_a_schema_of_an_earlier_release_is_upgraded_where_it_exists(office, tmp_path):
    settings = national_settings(office[0], tmp_path / "office")
    shutil.copytree(office[0].landing.parent, tmp_path / "office")
    with open_national(settings) as warehouse:
        for column in ("provinces_depending", "provinces_provisional", "met_at_least"):
            warehouse.execute(f"alter table national.indicator_value drop column {column}")
        warehouse.execute("alter table national.indicator_value drop column met_at_most")
        warehouse.execute("delete from national.schema_version where version = 3")
    with open_warehouse(settings.warehouse) as warehouse:
        assert migrate_national(warehouse) == 3
        warehouse.publish_copy(settings.published)
    # what an earlier release published has no bounds, and is verified without them
    assert verify_nation(settings).differences == []
    page = io.StringIO()
    print_nation(settings, "en", file=page)
    assert any(line.rstrip().endswith(" ?") for line in page.getvalue().splitlines())

"""Two nights computed at the same time: only checked marts are published, under their night."""

from __future__ import annotations

import pytest
from published_marts import SECOND, THIRD
from steps_by_hand import check, compute, publish

from onestop import night as night_module
from onestop.marts.compute import staged_night
from onestop.night import NightsAtOnceError, run_night
from onestop.record.publications import last_published
from onestop.warehouse import open_warehouse


def staged(settings):
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        return staged_night(warehouse)


def test_staged_marts_replaced_by_another_night_are_computed_and_checked_again(
    with_second_loaded,
):
    settings = with_second_loaded
    compute(settings, SECOND)
    compute(settings, THIRD)
    assert check(settings, SECOND).failed_rules == 0
    compute(settings, THIRD)
    assert not publish(settings, SECOND).frozen
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        assert last_published(warehouse) == SECOND
        assert warehouse.value("select max(as_of_date) from mart.indicator_value") == SECOND


@pytest.mark.parametrize("times", [1, 9])
def test_marts_replaced_during_the_check_do_not_count_as_checked(
    with_second_loaded, monkeypatch, times
):
    settings = with_second_loaded
    compute(settings, SECOND)
    check_marts, left = night_module.check_marts, [times]

    def interrupted(*arguments, **named):
        verdict = check_marts(*arguments, **named)
        if left[0]:
            left[0] -= 1
            compute(settings, THIRD)
        return verdict

    monkeypatch.setattr(night_module, "check_marts", interrupted)
    if times == 1:
        check(settings, SECOND)
        assert staged(settings) == SECOND
        return
    with pytest.raises(NightsAtOnceError, match="one after the other"):
        check(settings, SECOND)
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        assert "checked" not in warehouse.tables("mart_staged")


def test_a_night_overtaken_by_a_later_one_reports_that_it_is_not_published(with_second_loaded):
    settings = with_second_loaded
    compute(settings, SECOND)
    assert run_night(settings, THIRD).state == "published"
    report = run_night(settings, SECOND)
    assert report.state == "unchanged"
    assert f"cannot be after night {THIRD}" in report.message

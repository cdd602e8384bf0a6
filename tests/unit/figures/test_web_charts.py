"""The charts of the pages."""

from __future__ import annotations

import itertools

import pytest
from charts_drawn import axis_texts, parts_of
from lxml import etree

from onestop.figures.web import charts


@pytest.mark.parametrize("values", [(98.21, 98.22), (97.0, 99.0), (97.99, 99.0), (90.0, 90.01)])
def test_marks_beside_a_trend_do_not_touch(values):
    points = [charts.Point(str(value), value) for value in values]
    marks = charts.trend(points, 98.0, "rate", ("lowest", "highest", "target"))
    texts = axis_texts(marks, "y")
    places = sorted(float(text.get("y")) for text in texts)
    assert "target" in [text.text for text in texts]
    assert all(b - a >= 12 for a, b in itertools.pairwise(places)), places


def test_labels_under_a_trend_do_not_touch():
    days = [charts.Point(f"{day}/11", 98.0, "98 %") for day in range(10, 26)]
    texts = axis_texts(charts.trend(days, 98.0, "rate", ("", "", "")), "x")
    places = [float(text.get("x")) for text in texts]
    assert min(b - a for a, b in itertools.pairwise(places)) > 5 * 6


def test_a_chart_has_nothing_that_the_content_policy_refuses():
    points = [charts.Point("1", 97.0, "one <b>"), charts.Point("2", None), charts.Point("3", 99.0)]
    for chart in (
        charts.trend(points, 98.0, "rate", ("97 %", "99 %", "98 %")),
        charts.sparkline(points, 98.0, "rate"),
        charts.stack([90, 1, 0], "rows"),
        charts.bar(0.5, "warn"),
    ):
        for refused in ("script", "style", "defs", "desc"):
            assert not parts_of(chart, refused)
        assert "style=" not in chart
        assert "<b>" not in chart


def test_a_dot_says_its_value_and_whether_it_rests_on_few_cases():
    points = [charts.Point("1", 97.0, "January: 97 %", is_small=True), charts.Point("2", 99.0)]
    first, last = parts_of(charts.trend(points, None, "rate", ("97 %", "99 %", "")), "circle")
    assert (first.get("class"), first.findtext("{*}title")) == ("dot small", "January: 97 %")
    assert (last.get("class"), last.findtext("{*}title")) == ("dot", None)


def test_a_part_of_a_bar_that_is_not_nothing_can_be_seen():
    parts = parts_of(charts.stack([100_000, 1, 0, 1], "rows", 120), "rect")
    bars = [part for part in parts if "rect" in part.get("class")]
    widths = [float(part.get("width", 0)) for part in bars]
    assert widths[1] > 1
    assert widths[2] == 0


def test_a_full_bar_fills_its_ground():
    bar = charts.bar(1)
    [full] = [part for part in parts_of(bar, "rect") if "rect" in part.get("class")]
    left, _, width, _ = map(float, etree.fromstring(str(bar)).get("viewBox").split())
    assert float(full.get("x")) == pytest.approx(left, abs=0.01)
    assert float(full.get("width")) == pytest.approx(width, abs=0.01)


def test_the_parts_of_a_bar_fill_it():
    parts = charts.stack([100_000, 1, 0, 1], "rows", 120)
    last = [part for part in parts_of(parts, "rect") if "rect" in part.get("class")][-1]
    [picture] = parts_of(parts, "svg")
    left, _, width, _ = map(float, picture.get("viewBox").split())
    ends = float(last.get("x")) + float(last.get("width"))
    assert ends == pytest.approx(left + width, abs=0.01)


@pytest.mark.parametrize("target", [98.0, 0.0, None])
@pytest.mark.parametrize("value", [98.0, 0.0])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_values_are_drawn(count, value, target):
    points = [charts.Point(str(at), value, "98 %") for at in range(count)] + [
        charts.Point("9", None)
    ]
    for chart in (
        charts.sparkline(points, target, "rate"),
        charts.trend(points, target, "rate", ("98 %", "98 %", "98 %")),
    ):
        assert bool(chart) == bool(count)
        if chart:
            targets = [path for path in parts_of(chart, "path") if "major" in path.get("class")]
            assert len(targets) == (target is not None)
        assert "No data" not in chart

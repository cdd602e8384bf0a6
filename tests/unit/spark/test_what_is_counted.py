"""Which marts Spark counts, and which of them it holds."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from onestop.spark import compute
from onestop.spark.compute import MartQuery, _Night

MARTS = [
    MartQuery("table", "select 1 as x", is_view=False),
    MartQuery("read_by_views", "select x from mart.table", is_view=True),
    MartQuery("read_once", "select x from mart.table", is_view=True),
    MartQuery("read_twice", "select x from mart.table", is_view=True),
    MartQuery("other", "select * from mart.read_twice cross join mart.read_once", is_view=False),
    MartQuery("third", "select * from mart.read_twice", is_view=False),
    MartQuery("unread", "select x from mart.read_by_views", is_view=True),
]


def test_a_view_is_counted_for_the_tables_that_read_it_and_held_for_more_than_one(monkeypatch):
    monkeypatch.setattr(compute, "_named", lambda _: nullcontext())
    held = {}

    class Night(_Night):
        def _count(self, mart, *, is_held):
            held[mart.name] = is_held
            return [Path(mart.name)]

    counted = list(Night(None, None, Path(), Path()).count(MARTS))
    assert [mart.name for mart in counted] == [mart.name for mart in MARTS]
    assert {mart.name for mart in counted if not mart.files} == {"read_by_views", "unread"}
    views = {mart.name for mart in MARTS if mart.is_view}
    assert {name: is_held for name, is_held in held.items() if name in views} == {
        "read_once": False,
        "read_twice": True,
    }

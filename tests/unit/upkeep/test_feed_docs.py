"""The page about the feeds agrees with the schema, the mapping and the suites."""

from onestop.schema.feeds import FEEDS
from onestop.upkeep.feed_docs import PAGE, feeds_page


def test_the_page_about_the_feeds_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == feeds_page(), "run `make docs`"


def test_the_page_names_every_column_in_both_languages():
    page = feeds_page()
    for feed in FEEDS.values():
        for column in feed.columns:
            assert f"| `{column.name}` | " in page
            assert f"{column.vi} — {column.en}" in page

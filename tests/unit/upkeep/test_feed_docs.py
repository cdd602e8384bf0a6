"""The page about the feeds agrees with the schema, the mapping and the suites."""

from onestop.schema.feeds import FEEDS
from onestop.schema.mapping_files import load_mappings
from onestop.upkeep.feed_docs import PAGE, feeds_page


def test_the_page_about_the_feeds_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == feeds_page(), "run `make docs`"


def test_the_page_names_every_column_in_both_languages():
    page = feeds_page()
    for feed in FEEDS.values():
        for column in feed.columns:
            assert f"| `{column.name}` | " in page
            assert f"{column.vi} — {column.en}" in page


def test_the_page_names_every_text_that_the_built_in_source_reads_as_a_code():
    page = feeds_page()
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    for mapping in load_mappings(None)["one_stop"].feeds.values():
        for column in mapping.columns:
            if mapping.schema.column(column.name).type == "boolean":
                assert all(text in page for _, texts in column.codes for text in texts)
                continue
            for value, texts in column.codes:
                [line] = {one for one in lines if one.startswith(f"| `{column.name}` | {value} |")}
                assert set(texts) <= {text.strip(" |") for text in line.split("|")[3].split(";")}

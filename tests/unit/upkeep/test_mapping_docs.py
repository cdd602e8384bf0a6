"""The page about mappings agrees with the schema, and its examples are valid."""

from __future__ import annotations

import json

import pytest
import yaml

from onestop.schema.mapping_files import SCHEMA, as_yaml, load_mapping
from onestop.upkeep.mapping_docs import EXAMPLE, PAGE, mapping_page, schema_parts

KEYS = [(heading, name, key) for heading, keys in schema_parts() for name, key in keys.items()]
#: Keys that are documented by the keys below them.
CONTAINERS = {"feeds", "columns", "files"}


def test_the_page_about_mappings_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == mapping_page(), "run `make docs`"


@pytest.mark.parametrize(("heading", "name", "key"), KEYS)
def test_every_key_has_a_meaning_and_an_example(heading, name, key):
    assert key.get("description"), (heading, name)
    assert key.get("examples") or name in CONTAINERS, (heading, name)


def test_every_key_that_the_schema_knows_is_on_the_page():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    found = set()

    def collect(part):
        if isinstance(part, dict):
            found.update(part["properties"] if isinstance(part.get("properties"), dict) else ())
            for value in part.values():
                collect(value)
        elif isinstance(part, list):
            for value in part:
                collect(value)

    collect(schema)
    feeds = {"dossiers", "visits", "procedures", "units", "declarations"}
    assert found - feeds - {name for _, name, _ in KEYS} == set()


def test_the_whole_example_is_a_usable_mapping(tmp_path):
    path = tmp_path / "land_registry.yaml"
    path.write_text(EXAMPLE, encoding="utf-8")
    feed = load_mapping(path).feeds["dossiers"]
    assert feed.key_columns == ("dossier_code__1", "dossier_code__2")


@pytest.mark.parametrize(("heading", "name", "key"), [k for k in KEYS if k[2].get("examples")])
def test_examples_written_as_yaml_are_read_back_unchanged(heading, name, key):
    for example in key["examples"]:
        assert yaml.load(as_yaml(example), yaml.BaseLoader) == example, (heading, name)

"""Mapping files: one YAML file per source, read and checked.

The YAML is checked against ``mappings/mapping.schema.json`` and against the canonical feeds. An
error names the file, the key and the remedy. Every scalar in a mapping is text, so that ``10``,
``no`` or ``1.0`` stay what the author wrote.
"""

from __future__ import annotations

import difflib
import json
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import jsonschema
import yaml

from onestop.said import said, said_list, said_text
from onestop.schema.mapping import MappingError, Mappings, SourceMapping
from onestop.schema.mapping_checks import build_feed
from onestop.schema.quick_yaml import SafeLoader

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

BUILT_IN = Path(__file__).parent / "mappings"
SCHEMA = BUILT_IN / "mapping.schema.json"


def read_mappings(folder: Path | None, enabled: Collection[str] = ()) -> Mappings:
    """The built-in sources and those of every ``*.yaml`` in a folder.

    A file with the name of a built-in source replaces the built-in mapping, even when the file
    is broken: the built-in mapping would read that source's files wrongly.

    Args:
        folder: the folder of further mappings, or None.
        enabled: names of the sources to use; all when empty.

    Raises:
        MappingError: the folder does not exist, or no usable source is left.
    """
    built_in = _read_files(sorted(BUILT_IN.glob("*.yaml")))
    added = _read_files(_mapping_files(folder)) if folder else []
    replaced = {name for name, _, _ in added}
    found = [one for one in built_in if one[0] not in replaced] + added
    used = [one for one in found if not enabled or one[0] in enabled]
    names = [name for name, _, _ in used]
    sources: dict[str, SourceMapping] = {}
    problems = []
    for name, file_name, outcome in used:
        if names.count(name) > 1:
            problems.append(
                MappingError(
                    file_name,
                    "source",
                    said(
                        "another file of the folder also maps the source {name}; neither is used",
                        name=name,
                    ),
                    "Give each source a name of its own, and keep one file for each",
                )
            )
        elif isinstance(outcome, MappingError):
            problems.append(outcome)
        else:
            sources[name] = outcome
    problems += [
        MappingError(
            "ONESTOP_SOURCES_ENABLED",
            name,
            "there is no mapping of this source",
            said("Name some of: {names}", names=", ".join(sorted({one[0] for one in found}))),
        )
        for name in sorted(set(enabled) - set(names))
    ]
    if not sources:
        raise problems[0]
    return Mappings(sources, tuple(problems))


def load_mappings(folder: Path | None) -> dict[str, SourceMapping]:
    """Every source, by name; like :func:`read_mappings`, but raises the first problem.

    Raises:
        MappingError: a file is not a usable mapping, or two files name the same source.
    """
    found = read_mappings(folder)
    if found.problems:
        raise found.problems[0]
    return found.sources


def _mapping_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise MappingError(
            str(folder), "ONESTOP_SOURCES", "is not a folder", "Create it or unset the variable"
        )
    return sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".yml"})


def _read_files(paths: Iterable[Path]) -> list[tuple[str, str, SourceMapping | MappingError]]:
    """For each file: its source's name, its own name, and its mapping or the error."""
    found: list[tuple[str, str, SourceMapping | MappingError]] = []
    for path in paths:
        try:
            mapping = load_mapping(path)
        except MappingError as error:
            found.append((_stated_source(path), path.name, error))
        else:
            found.append((mapping.source, path.name, mapping))
    return found


def _stated_source(path: Path) -> str:
    """The source of a broken mapping: from its text when readable, else from its file name."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    stated = re.search(r"^[\"']?source[\"']?\s*:\s*[\"']?([\w-]+)", text, re.MULTILINE)
    return stated[1] if stated else path.stem


def load_mapping(path: Path) -> SourceMapping:
    """Read and check one mapping file.

    Raises:
        MappingError: names the file, the key and the remedy.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(
            path.name,
            "(file)",
            said("cannot be read: {name}", name=type(error).__name__),
            "Save it as UTF-8 text that the pipeline's user may read",
        ) from error
    return _mapping_of(path.name, text)


@lru_cache(maxsize=64)
def _mapping_of(name: str, text: str) -> SourceMapping:
    """The mapping that a text states; each delivery of a night asks for it again."""
    document = _read_yaml(name, text)
    _check_schema(name, document)
    feeds = {
        feed: build_feed(name, document, feed, body) for feed, body in document["feeds"].items()
    }
    return SourceMapping(document["source"], document["title_vi"], document["title_en"], feeds)


class _TextLoader(SafeLoader):  # type: ignore[misc] # either of two loaders
    """YAML in which every scalar is text and a repeated key is an error."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - the base class declares it so

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002 - overridden signature
    ) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value} is given twice", key.start_mark
                    )
                seen.add(key.value)
        return cast("dict[Any, Any]", super().construct_mapping(node, deep))


def _read_yaml(name: str, text: str) -> dict[str, Any]:
    try:
        document = yaml.load(text, _TextLoader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = said("line {number}", number=mark.line + 1) if mark else said_text("(file)")
        problem = getattr(error, "problem", None) or said_text("is not YAML")
        raise MappingError(name, where, problem, "Correct the YAML there") from error
    if not isinstance(document, dict):
        raise MappingError(
            name,
            "(file)",
            "is not a mapping of keys to values",
            "Start from mappings/one_stop.yaml",
        )
    return document


@cache
def _schema() -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(SCHEMA.read_text(encoding="utf-8")))


def _check_schema(file_name: str, document: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(_schema())
    errors = sorted(validator.iter_errors(document), key=lambda error: list(map(str, error.path)))
    if not errors:
        return
    # A misspelt key gives two errors, unknown and missing; the unknown key is the cause.
    unknown_keys = (one for one in errors if one.validator == "additionalProperties")
    error = next(unknown_keys, None) or jsonschema.exceptions.best_match(errors)
    key = ".".join(map(str, error.absolute_path)) or said_text("(top)")
    raise MappingError(file_name, key, *_in_plain_words(error))


def _in_plain_words(error: jsonschema.ValidationError) -> tuple[str, str]:
    """The problem and the remedy for people, without patterns or types of the JSON schema."""
    schema = error.schema if isinstance(error.schema, dict) else {}
    wanted, given = error.validator_value, error.instance
    shown = given if isinstance(given, str) else said_text("this value")
    if error.validator == "required":
        missing = [name for name in wanted if name not in given]
        return said("the key {name} is missing", name=missing[0]), said(
            "Add it. {example}", example=_example(schema, missing[0])
        )
    if error.validator == "additionalProperties" and not wanted:
        known = list(schema.get("properties", {}))
        unknown = next(str(name) for name in given if name not in known)
        near = difflib.get_close_matches(unknown, known, 1)
        remedy = (
            said("Write {near}", near=near[0])
            if near
            else said("Use some of: {names}", names=", ".join(known))
        )
        return said("there is no key {unknown} here", unknown=unknown), remedy
    if error.validator == "enum":
        return said("{shown} is not an allowed value", shown=shown), said(
            "Use one of: {names}", names=", ".join(map(str, wanted))
        )
    problem: str = (
        said("{shown} cannot be used", shown=shown)
        if isinstance(given, str) and given
        else said_text("is not complete")
    )
    if error.validator == "type":
        problem = said("should be {kind}", kind=_KINDS.get(str(wanted), wanted))
    elif error.validator in {"minLength", "minItems", "minProperties"}:
        problem = said_text("has too few entries" if given else "is empty")
    return problem, _remedy(schema) or "See docs/mapping.md"


_KINDS = {
    "object": said_text("keys with values"),
    "array": said_text("a list in [ ]"),
    "string": said_text("one text"),
}


def _example(schema: dict[str, Any], name: str) -> str:
    found = _resolved(schema.get("properties", {}).get(name, {}))
    return _remedy(found, f"{name}: ") or "See docs/mapping.md"


def _remedy(schema: dict[str, Any], before: str = "") -> str:
    """A schema's description and its first example."""
    examples = schema.get("examples", ())
    shown = (
        said("Write for example {before}{example}", before=before, example=as_yaml(examples[0]))
        if examples
        else ""
    )
    description = said_text(str(schema.get("description", "")).rstrip("."))
    return said_list(filter(None, (description, shown)), ". ")


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A part of the schema with its ``$ref`` resolved; its own keys take precedence."""
    reference = schema.get("$ref", "")
    return {**_schema()["$defs"].get(reference.rpartition("/")[2], {}), **schema}


def as_yaml(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """A value as YAML on one line."""
    text = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, width=10_000, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("...").strip()

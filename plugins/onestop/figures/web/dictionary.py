"""The data dictionary: what each table, column, indicator and code means."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from onestop.figures.web.site import PageQuestionError
from onestop.marts.dictionary import (
    SCHEMAS,
    code_lists,
    code_places,
    described_tables,
    read_indicators,
)
from onestop.marts.published import find_night
from onestop.said import said
from onestop.schema.did_you_mean import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onestop.figures.web.site import Visit
    from onestop.marts.dictionary import Table
    from onestop.schema.number_text import Language
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

#: What the schemas hold.
SCHEMA_TEXTS: dict[str, dict[Language, str]] = {
    "mart": {"vi": "số liệu của đêm công bố gần nhất", "en": "the figures as published last"},
    "ref": {"vi": "kế hoạch, chỉ tiêu, danh mục mã", "en": "what was promised, and the code lists"},
    "audit": {"vi": "tệp, quy tắc, các đêm", "en": "files, rules, nights"},
    "core": {"vi": "hồ sơ ghi nhận từ mọi tệp", "en": "the record of all files"},
    "national": {"vi": "tổng của nhiều nơi cài đặt", "en": "the sums of many installations"},
}
#: Parts of the dictionary that are no table.
_PARTS = ("indicators", "codes")


def read_dictionary(warehouse: Warehouse, _settings: Settings, visit: Visit) -> dict[str, Any]:
    """The values of ``dictionary.html``.

    Args:
        warehouse: the published marts, open.
        _settings: of this installation.
        visit: the request, with ``table``, ``part`` or ``q``.

    Raises:
        QuestionError: there is no such table or part.
    """
    tables = described_tables(warehouse)
    asked, part = visit.query.get("table"), visit.query.get("part")
    table = None
    if asked is not None:
        table = next((each for each in tables if each.full_name == asked), None)
        if table is None:
            names = [each.full_name for each in tables]
            raise PageQuestionError(
                said("no table {asked}", asked=asked), remedy=did_you_mean(asked, names)
            )
    elif part is not None and part not in _PARTS:
        raise PageQuestionError(said("no part {part}", part=part))
    text = visit.query.get("q", "").strip()
    return {
        "night": find_night(warehouse, None),
        "table": table,
        "part": part,
        "text": text,
        "schemas": [
            (schema, SCHEMA_TEXTS[schema][visit.lang], [t for t in tables if t.schema == schema])
            for schema in SCHEMAS
            if any(t.schema == schema for t in tables)
        ],
        "found": list(_matches(tables, text)) if text else None,
        "indicators": read_indicators() if part == "indicators" else [],
        "code_lists": code_lists(),
        "code_tables": {kind: place.partition(".")[0] for kind, place in code_places().items()},
    }


def _matches(tables: Sequence[Table], text: str) -> Iterator[tuple[Table, list[Any]]]:
    """Tables with their columns whose names or texts contain a text, in either language.

    Marks of letters and capitals do not count: ``ho so`` finds ``Hồ sơ``.
    """
    wanted = _folded(text)
    for table in tables:
        columns = [
            column
            for column in table.columns
            if wanted in _folded(" ".join((column.name, *column.meaning.values())))
        ]
        if columns or wanted in _folded(" ".join((table.full_name, *table.meaning.values()))):
            yield table, columns


def _folded(text: str) -> str:
    apart = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))

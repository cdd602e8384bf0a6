"""Names of the city and its levels in both languages, in the place of their official names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop.said import said_both

if TYPE_CHECKING:
    from onestop.said import Said
    from onestop.schema.number_text import Language
    from onestop.warehouse import Warehouse

LEVELS: dict[str, dict[Language, str]] = {
    "CITY": {"vi": "Toàn thành phố", "en": "Whole city"},
    "DEPARTMENT": {"vi": "Sở, ngành", "en": "Departments"},
    "DISTRICT": {"vi": "Cấp huyện", "en": "Districts"},
    "COMMUNE": {"vi": "Cấp xã", "en": "Communes"},
}


def level_said(level: str) -> Said:
    """The name of a level for a sentence.

    Args:
        level: as in ``unit_level``: ``district``.
    """
    texts = LEVELS[level.upper()]
    return said_both(vi=texts["vi"], en=texts["en"])


def label_column(warehouse: Warehouse) -> str:
    """The column of ``mart.unit`` by which people tell units of one name apart.

    Args:
        warehouse: the published marts, open; those of an earlier release have names alone.
    """
    return "unit_label" if "unit_label" in warehouse.columns("mart", "unit") else "unit_name"


def unit_label(code: str, name: str | None, lang: Language) -> str:
    """The name of a unit; that of a level or the city in the reader's language."""
    return LEVELS[code][lang] if code in LEVELS else name or code

"""Reads the charts of the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Sequence


def parts_of(chart: str, name: str) -> Sequence[etree._Element]:
    """The elements of a chart that have this tag."""
    return list(etree.fromstring(str(chart)).iter(f"{{*}}{name}"))


def axis_texts(chart: str, axis: str) -> Sequence[etree._Element]:
    """The texts beside (``y``) or under (``x``) an axis of a chart."""
    return [
        text
        for text in parts_of(chart, "text")
        if text.getparent().getparent().get("class").startswith(f"axis {axis}")
    ]

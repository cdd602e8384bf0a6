"""Charts of the pages: SVG that pygal draws on the server.

The pages need no script for them, so they print, keep a strict content policy, and are whole for
every reader. The colours come from the style sheet, as those of the pages do. Each chart says in
words what it shows (``role="img"`` with a label); the pages give the numbers beside it as text.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import pygal
from lxml import etree
from markupsafe import Markup
from pygal.view import Box

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Point:
    """One value of a series.

    Attributes:
        label: its place on the axis, as ``11/2022``.
        value: the value; None leaves a gap.
        text: label and value for people.
        is_small: whether it rests on few cases; drawn hollow.
    """

    label: str
    value: float | None
    text: str = ""
    is_small: bool = False


#: Charts that are kept: a few pages of an installation, in both languages.
_KEPT = 2048
#: What all charts have in common. Without ``no_prefix`` each has a random identifier.
_COMMON = {
    "explicit_size": True,
    "no_prefix": True,
    "show_legend": False,
    "disable_xml_declaration": True,
    "css": (),
    "js": (),
    "truncate_label": -1,
    "allow_interruptions": True,
}
#: Pixels that the library keeps for the marks of an axis, also for empty ones.
_MARKS = 10
#: Pixels of the trend without the marks beside it, of a letter, and of the gap between two labels.
_INNER, _LETTER, _GAP = 370, 6.5, 10
#: Two marks of the axis that are nearer to each other than this share of its length would touch.
_NEAR = 0.11
#: What is for scripts, and lines of the axes other than those of marked values.
_NOT_SHOWN = (
    "//g[@class='tooltip'] | //g[@class='axis x']//path | //g[starts-with(@class, 'axis y')]/path"
)
#: The shortest part of a bar, as a share of its length, and the steps of longer ones.
_SHORTEST, _STEPS = 0.0125, 100


def sparkline(points: Sequence[Point], target: float | None, label: str) -> Markup:
    """A line without axes, as high as a line of text.

    Args:
        points: in order.
        target: drawn as a dashed line.
        label: what the chart shows, in words.

    Returns:
        The picture; empty without any value.
    """
    return _sparkline(tuple(points), target, label)


@lru_cache(maxsize=_KEPT)
def _sparkline(points: tuple[Point, ...], target: float | None, label: str) -> Markup:
    last = max((at for at, point in enumerate(points) if point.value is not None), default=None)
    if last is None:
        return Markup()
    chart = pygal.Line(
        **_COMMON,
        **_range(points, target),
        width=92,
        height=30,
        margin=2,
        margin_left=2 if target is None else 2 - _MARKS,
        spacing=0,
        classes=("spark",),
        dots_size=2.4,
        show_only_major_dots=True,
        show_x_labels=False,
        show_y_labels=target is not None,
    )
    chart.x_labels = [str(at) for at in range(len(points))]
    chart.x_labels_major = [str(last)]
    if target is not None:
        chart.y_labels, chart.y_labels_major = [{"value": target, "label": ""}], [target]
    return _drawn(chart, points, label)


def trend(
    points: Sequence[Point], target: float | None, label: str, texts: tuple[str, str, str]
) -> Markup:
    """A line with axes.

    Args:
        points: in order.
        target: drawn as a dashed line.
        label: what the chart shows, in words.
        texts: the lowest value, the highest one, and the target as text.

    Returns:
        The picture; empty without any value.
    """
    if not _values(points):
        return Markup()
    labels = [point.label for point in points]
    inner = _INNER - max(map(len, texts)) * _LETTER
    step = -(-len(labels) // max(1, int(inner / (max(map(len, labels)) * _LETTER + _GAP))))
    chart = pygal.Line(
        **_COMMON,
        **_range(points, target),
        width=400,
        height=176,
        margin=6,
        margin_right=18,
        spacing=6,
        classes=("trend",),
        dots_size=3,
        show_minor_x_labels=False,
    )
    chart.x_labels, chart.x_labels_major = labels, labels[::-step]
    chart.y_labels = _marks(points, target, texts)
    chart.y_labels_major = [target]
    return _drawn(chart, points, label)


def bar(share: float, kind: str = "", width: int = 160) -> Markup:
    """A horizontal bar, for a cell beside its number.

    Args:
        share: of the longest bar, 0 to 1.
        kind: class of its colour.
        width: of the longest bar, in pixels.
    """
    return _bar((_shown(share),), 1, f"bar {kind}".strip(), width)


def stack(sizes: Sequence[int], label: str, width: int = 220) -> Markup:
    """One bar made of parts, whose colours are those of their places.

    Args:
        sizes: of the parts.
        label: what it shows, in words.
        width: of the whole, in pixels.

    Returns:
        The picture; empty without any part.
    """
    whole = sum(sizes)
    if not whole:
        return Markup()
    shares = tuple(_shown(size / whole) for size in sizes)
    # the label is not part of the picture: bars of one look are drawn once
    return Markup('<span class="stack" role="img" aria-label="{}">{}</span>').format(
        label, _bar(shares, sum(shares), "stack", width)
    )


def _shown(share: float) -> float:
    """A share as a bar shows it: what is not nothing can be seen, in steps of a hundredth."""
    return min(max(round(share * _STEPS) / _STEPS, _SHORTEST), 1) if share > 0 else 0


@lru_cache(maxsize=_KEPT)
def _bar(sizes: tuple[float, ...], whole: float, name: str, width: int) -> Markup:
    chart = pygal.HorizontalStackedBar(
        **_COMMON,
        width=width,
        height=12,
        margin=0,
        spacing=0,
        classes=(name,),
        range=(0, whole),
        show_x_labels=False,
        show_y_labels=False,
    )
    for size in sizes:
        chart.add("", [size])
    chart.add_xml_filter(_without_room)
    return _picture(chart, "")


def _without_room(root: Any) -> Any:  # noqa: ANN401 - untyped library
    """Cuts off the room that the library leaves at both ends of a bar."""
    width, room = float(root.get("width")), Box.margin
    whole = 1 + 2 * room
    root.set("viewBox", f"{width * room / whole:.3f} 0 {width / whole:.3f} {root.get('height')}")
    root.set("preserveAspectRatio", "none")
    return root


def _values(points: Sequence[Point]) -> list[float]:
    return [point.value for point in points if point.value is not None]


def _range(points: Sequence[Point], target: float | None) -> dict[str, tuple[float, float]]:
    """The ends of the axis: all values and the target are within, with some room."""
    within = [*_values(points), *([target] if target is not None else [])]
    low, high = min(within), max(within)
    room = (high - low) * 0.08 or max(abs(high) * 0.01, 0.5)
    return {"range": (low - room, high + room)}


def _marks(
    points: Sequence[Point], target: float | None, texts: tuple[str, str, str]
) -> list[dict[str, Any]]:
    """The target, the highest and the lowest value, as far as they do not touch."""
    values = _values(points)
    lowest, highest, at_target = texts
    marks = {} if target is None else {target: at_target}
    low, high = min(values), max(values)
    within = [low, high, *marks]
    near = (max(within) - min(within)) * _NEAR
    for value, text in ((high, highest), (low, lowest)):
        if all(abs(value - other) > near for other in marks):
            marks[value] = text
    return [{"value": value, "label": text} for value, text in marks.items()]


def _drawn(chart: Any, points: Sequence[Point], label: str) -> Markup:  # noqa: ANN401 - untyped library
    """The line of a chart and its dots, each with its text under the pointer."""
    chart.add(
        "",
        [
            {
                "value": point.value,
                "label": point.text,
                "node": {"class": "dot small" if point.is_small else "dot"},
            }
            for point in points
        ],
    )
    return _picture(chart, label)


def _picture(chart: Any, label: str) -> Markup:  # noqa: ANN401 - idem
    chart.add_xml_filter(partial(_for_pages, label=label))
    return Markup(chart.render(is_unicode=True))  # noqa: S704 - the library escapes every text


def _for_pages(root: Any, label: str) -> Any:  # noqa: ANN401 - idem
    """Leaves out what needs a script or breaks the content policy, and names the picture.

    pygal writes its own style, a script and texts for tooltips that a script shows; a browser shows
    the title of a dot without any.
    """
    etree.strip_elements(root, etree.Comment, "defs", "title", with_tail=False)
    for each in root.xpath(_NOT_SHOWN):
        each.getparent().remove(each)
    for dot in root.findall(".//g[@class='dots']"):
        text = dot.findtext("desc[@class='label']")
        if text:
            etree.SubElement(dot.find("circle"), "title").text = text
    etree.strip_elements(root, "desc", with_tail=False)
    for group in reversed(list(root.iter("g"))):
        if not len(group):
            group.getparent().remove(group)
    if label:
        root.attrib.update({"role": "img", "aria-label": label})
    else:
        root.attrib["aria-hidden"] = "true"
    root.attrib["focusable"] = "false"
    del root.attrib["id"]
    return root

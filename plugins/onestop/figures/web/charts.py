"""Small charts as SVG, without a script; they take their colours from the style sheet.

Each chart says in words what it shows (``role="img"`` with a label); the pages give the numbers
beside it as text.

No chart library draws these. Those for browsers need scripts, which these pages do without, so
that they print, keep a strict content policy and are whole for every reader. Those that write SVG
in Python (pygal, matplotlib, Vega's converter) need 3 to 6 ms for one small line, of which the
overview has dozens, and show no value under the pointer unless a script runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

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


@dataclass(frozen=True)
class Area:
    """The drawing area of a chart, in pixels.

    Attributes:
        width: of the whole picture.
        height: of the whole picture.
        left: margin for the axis.
        right: margin on the right.
        top: margin at the top.
        bottom: margin for the labels.
    """

    width: int
    height: int
    left: float = 3
    right: float = 4
    top: float = 4
    bottom: float = 4


_SPARK = Area(92, 30)
_TREND = Area(400, 176, left=54, right=20, top=12, bottom=26)
#: Width of a letter under a trend, and the gap between two labels.
_LETTER, _GAP = 6.5, 10.0


def sparkline(points: Sequence[Point], target: float | None, label: str) -> Markup:
    """A line without axes, as high as a line of text.

    Args:
        points: in order.
        target: drawn as a dashed line.
        label: what the chart shows, in words.

    Returns:
        The picture; empty without any value.
    """
    if not any(point.value is not None for point in points):
        return Markup()
    scale = _Scale(points, target, _SPARK)
    parts = [scale.target_line(), scale.line(), scale.last_dot()]
    return _picture(_SPARK, "spark", label, parts)


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
    if not any(point.value is not None for point in points):
        return Markup()
    area = _TREND
    scale = _Scale(points, target, area)
    parts = [scale.grid(texts), scale.target_line(), scale.line(), scale.dots(), scale.labels()]
    return _picture(area, "trend", label, parts)


def bar(share: float, kind: str = "", width: int = 160) -> Markup:
    """A horizontal bar, for a cell beside its number.

    Args:
        share: of the longest bar, 0 to 1.
        kind: class of its colour.
        width: of the longest bar, in pixels.
    """
    length = round(max(0.0, min(1.0, share)) * width, 1)
    if share > 0:
        length = max(length, 1.5)
    return Markup(
        '<svg class="bar {kind}" width="{width}" height="12" viewBox="0 0 {width} 12"'
        ' aria-hidden="true" focusable="false"><rect class="ground" width="{width}" height="12"/>'
        '<rect class="length" width="{length}" height="12"/></svg>'
    ).format(kind=kind, width=width, length=length)


def stack(parts: Sequence[tuple[str, int]], label: str, width: int = 220) -> Markup:
    """One bar made of parts.

    Args:
        parts: class and size of each.
        label: what it shows, in words.
        width: of the whole, in pixels.
    """
    total = sum(size for _, size in parts)
    if not total:
        return Markup()
    rects, left = [], 0.0
    for kind, size in parts:
        length = size / total * width
        if size:
            rects.append(
                Markup('<rect class="{}" x="{:.1f}" width="{:.1f}" height="12"/>').format(
                    kind, left, max(length, 1.5)
                )
            )
        left += length
    return _picture(Area(width, 12), "stack", label, rects)


class _Scale:
    """Where values are in the drawing area."""

    def __init__(self, points: Sequence[Point], target: float | None, area: Area) -> None:
        self._points = points
        self._target = target
        self._area = area
        values = [point.value for point in points if point.value is not None]
        self._values = values
        within = [*values, *([target] if target is not None else [])]
        low, high = min(within), max(within)
        margin = (high - low) * 0.08 or max(abs(high) * 0.01, 0.5)
        self._low, self._high = low - margin, high + margin

    def _x(self, position: int) -> float:
        inner = self._area.width - self._area.left - self._area.right
        steps = max(len(self._points) - 1, 1)
        return self._area.left + inner * position / steps

    def _y(self, value: float) -> float:
        inner = self._area.height - self._area.top - self._area.bottom
        share = (value - self._low) / (self._high - self._low)
        return self._area.height - self._area.bottom - inner * share

    def line(self) -> Markup:
        """The line, with a gap where a value is missing."""
        parts, pen_is_down = [], False
        for position, point in enumerate(self._points):
            if point.value is None:
                pen_is_down = False
                continue
            letter = "L" if pen_is_down else "M"
            parts.append(f"{letter}{self._x(position):.1f} {self._y(point.value):.1f}")
            pen_is_down = True
        return Markup('<path class="line" d="{}"/>').format(" ".join(parts))

    def target_line(self) -> Markup:
        """The target as a dashed line."""
        if self._target is None:
            return Markup()
        right = self._area.width - self._area.right
        return Markup('<line class="target" x1="{:.1f}" x2="{:.1f}" y1="{y}" y2="{y}"/>').format(
            self._area.left, right, y=f"{self._y(self._target):.1f}"
        )

    def _dot(self, position: int, value: float, radius: float, point: Point) -> Markup:
        return Markup(
            '<circle class="dot{small}" cx="{x}" cy="{y}" r="{r}"><title>{text}</title></circle>'
        ).format(
            small=" small" if point.is_small else "",
            x=f"{self._x(position):.1f}",
            y=f"{self._y(value):.1f}",
            r=radius,
            text=point.text,
        )

    def last_dot(self) -> Markup:
        """A dot at the last value."""
        position, point = [
            (position, point)
            for position, point in enumerate(self._points)
            if point.value is not None
        ][-1]
        assert point.value is not None  # noqa: S101 - chosen so
        return self._dot(position, point.value, 2.4, point)

    def dots(self) -> Markup:
        """A dot at every value, with its text as a tooltip."""
        return Markup().join(
            self._dot(position, point.value, 3, point)
            for position, point in enumerate(self._points)
            if point.value is not None
        )

    def grid(self, texts: tuple[str, str, str]) -> Markup:
        """Lines at the lowest and highest value, and the text of the target."""
        lowest, highest, target = texts
        marks = {self._y(min(self._values)): lowest, self._y(max(self._values)): highest}
        if self._target is not None:
            at = self._y(self._target)
            near = [y for y in marks if abs(y - at) < _LINE_HEIGHT]
            for y in near:
                del marks[y]
            marks[at] = target
        ordered: list[tuple[float, str]] = []
        for y, text in sorted(marks.items()):
            if not ordered or y - ordered[-1][0] >= _LINE_HEIGHT:
                ordered.append((y, text))
        right = self._area.width - self._area.right
        return Markup().join(
            Markup(
                '<line class="grid" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>'
                '<text class="mark" x="{at}" y="{base}">{text}</text>'
            ).format(
                left=self._area.left,
                right=right,
                y=f"{y:.1f}",
                at=self._area.left - 6,
                base=f"{y + 4:.1f}",
                text=text,
            )
            for y, text in ordered
        )

    def labels(self) -> Markup:
        """The labels under the axis; every n-th where not all of them fit."""
        longest = max(len(point.label) for point in self._points)
        inner = self._area.width - self._area.left - self._area.right
        step = -(-len(self._points) // int(inner / (longest * _LETTER + _GAP)))
        last = len(self._points) - 1
        shown = [place for place in range(len(self._points)) if (last - place) % step == 0]
        return Markup().join(
            Markup('<text class="label" x="{x}" y="{y}">{text}</text>').format(
                x=f"{self._x(place):.1f}",
                y=self._area.height - 8,
                text=self._points[place].label,
            )
            for place in shown
        )


_LINE_HEIGHT = 13


def _picture(area: Area, kind: str, label: str, parts: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg class="{kind}" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img"'
        ' aria-label="{label}" focusable="false">{parts}</svg>'
    ).format(
        kind=kind, w=area.width, h=area.height, label=escape(label), parts=Markup().join(parts)
    )

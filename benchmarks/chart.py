"""A bar chart of ratios as SVG, readable on light and dark ground, without anything from outside."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_NAMES, _BARS, _VALUES = 150, 420, 150  # pixels: columns for servers' names, bars, and numbers
_ROW, _HEAD, _TOP, _FOOT = 20, 30, 64, 16
_COLOURS = 6
_LONGEST = 20  # characters of a name
_STYLE = """\
:root { color-scheme: light dark }
.ground { fill: #ffffff } .ink { fill: #1b2027 } .soft { fill: #545d68 } .line { stroke: #d9dee5 }
.one { stroke: #545d68 }
.c0 { fill: #0b57b0 } .c1 { fill: #b3541e } .c2 { fill: #1a7f37 } .c3 { fill: #8a3fa0 } .c4 { fill: #a0203c }
.c5 { fill: #59636e }
text { font: 12px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
.title { font-size: 15px; font-weight: 600 } .group { font-weight: 600 }
@media (prefers-color-scheme: dark) {
 .ground { fill: #0e1116 } .ink { fill: #e7ecf2 } .soft { fill: #a3adb9 } .line { stroke: #303843 }
 .one { stroke: #a3adb9 }
 .c0 { fill: #6cb0ff } .c1 { fill: #f0a35e } .c2 { fill: #5bd06a } .c3 { fill: #d09bea } .c4 { fill: #ff8398 }
 .c5 { fill: #a3adb9 }
}"""


@dataclass(frozen=True)
class Bar:
    """A server's figure: in relation to the first server (None: not known), and as it is, in words."""

    name: str
    ratio: float | None
    value: str


@dataclass(frozen=True)
class Group:
    """The bars of all servers for one figure."""

    title: str
    bars: Sequence[Bar]


class Scale:
    """Where ratios stand: each step to the right doubles."""

    def __init__(self, ratios: Sequence[float]) -> None:
        powers = [math.log2(ratio) for ratio in ratios]
        self.low = math.floor(min(powers, default=0) - 0.01)  # so that 1x never stands at the edge
        self.high = math.ceil(max(powers, default=0) + 0.01)

    def place(self, ratio: float) -> float:
        """Return the pixels from the left."""
        return round(_NAMES + _BARS * (math.log2(ratio) - self.low) / (self.high - self.low), 1)

    def ticks(self) -> list[tuple[float, str]]:
        """Return ratios to draw a line at, nine at most, and what to write there."""
        step = math.ceil((self.high - self.low) / 8)
        powers = [power for power in range(self.low, self.high + 1) if power % step == 0]
        return [(2.0**power, f"{2**power}x" if power >= 0 else f"1/{2**-power}x") for power in powers]


def svg(groups: Sequence[Group]) -> str:
    """Return the chart.  All bars begin at 1x: to the right is more than the first server, to the left less."""
    scale = Scale([bar.ratio for group in groups for bar in group.bars if bar.ratio])
    width = _NAMES + _BARS + _VALUES
    height = _TOP + sum(_HEAD + _ROW * len(group.bars) for group in groups) + _FOOT
    title = f"In relation to {groups[0].bars[0].name}: less is better" if groups else "Nothing to compare"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
        f"<style>\n{_STYLE}\n</style>",
        f'<rect class="ground" width="{width}" height="{height}" rx="8"/>',
        f'<text class="title ink" x="16" y="26">{escape(title)}</text>',
    ]
    for ratio, label in scale.ticks():
        x = scale.place(ratio)
        kind = "one" if ratio == 1 else "line"
        parts.append(f'<line class="{kind}" x1="{x}" x2="{x}" y1="{_TOP - 8}" y2="{height - _FOOT}"/>')
        parts.append(f'<text class="soft" text-anchor="middle" x="{x}" y="{_TOP - 14}">{label}</text>')
    y = _TOP
    for group in groups:
        y += _HEAD
        parts.append(f'<text class="group ink" x="16" y="{y - 8}">{escape(group.title)}</text>')
        for number, bar in enumerate(group.bars):
            parts += _bar(bar, number % _COLOURS, y, scale)
            y += _ROW
    return "\n".join([*parts, "</svg>", ""])


def _bar(bar: Bar, colour: int, y: int, scale: Scale) -> list[str]:
    """Return a server's name, its bar, and its figure."""
    name = bar.name if len(bar.name) <= _LONGEST else bar.name[: _LONGEST - 1] + "…"
    value = f"{bar.ratio:.2f}x  ({bar.value})" if bar.ratio else bar.value
    parts = [
        f'<text class="ink" text-anchor="end" x="{_NAMES - 10}" y="{y + 11}">{escape(name)}</text>',
        f'<text class="soft" x="{_NAMES + _BARS + 10}" y="{y + 11}">{escape(value)}</text>',
    ]
    if bar.ratio:
        one, end = scale.place(1), scale.place(bar.ratio)
        left, wide = min(one, end), max(abs(end - one), 3)
        parts.append(f'<rect class="c{colour}" x="{left:.1f}" y="{y}" width="{wide:.1f}" height="14" rx="2"/>')
    return parts

"""Draw bars and dots as SVG for the report of a run; the page sets the colours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from turkctl.harmless import harmless_html

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 14, 52
DOTS = 2000
"""Maximum number of dots: the workers with most labels."""
TICKS = 6


@dataclass(frozen=True)
class _Scale:
    """Converts values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """Return round numbers within the scale."""
        step = _round_step((self.high - self.low) / TICKS)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def bars(edges: Sequence[float], counts: Mapping[str, Sequence[int]], across: str, up: str, cut: float | None) -> str:
    """Draw stacked bars, one kind on top of the other; ``counts`` by the kind's style; a line at the cut."""
    totals = [sum(column) for column in zip(*counts.values(), strict=True)]
    x = _Scale(edges[0], edges[-1], LEFT, WIDTH - RIGHT)
    y = _Scale(0, max(*totals, 1), HEIGHT - BOTTOM, TOP)
    parts = []
    base = [0] * len(totals)
    for kind, column in counts.items():
        for at, count in enumerate(column):
            if count:
                left, right, top = x(edges[at]), x(edges[at + 1]), y(base[at] + count)
                size = f'width="{right - left - 1:.1f}" height="{y(base[at]) - top:.1f}"'
                title = f"{edges[at]:.2f} to {edges[at + 1]:.2f}: {count:,}"
                parts.append(f'<rect class="{kind}" x="{left}" y="{top}" {size}><title>{title}</title></rect>')
        base = [before + count for before, count in zip(base, column, strict=True)]
    if cut is not None and edges[0] <= cut <= edges[-1]:
        parts.append(f'<line class="cut" x1="{x(cut)}" x2="{x(cut)}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
    return _svg(x, y, parts, across, up, whole=True)


def plane(
    across: Any,
    up: Any,
    sizes: Any,
    kinds: Any,
    names: tuple[str, str],
    *,
    ends: tuple[tuple[float, float], tuple[float, float]] | None = None,
    slope: float | None = None,
) -> str:
    """Draw a dot per worker, its area growing with ``sizes``; with ``slope``, also the diagonal of guessing."""
    shown = np.argsort(-sizes, kind="stable")[:DOTS]
    x_ends, y_ends = ends or (_ends(across[shown]), _ends(up[shown]))
    x = _Scale(*x_ends, LEFT, WIDTH - RIGHT)
    y = _Scale(*y_ends, HEIGHT - BOTTOM, TOP)
    parts = []
    if slope is not None:
        parts.append(f'<line class="cut" x1="{x(0)}" y1="{y(1)}" x2="{x(1)}" y2="{y(0)}"/>')
    elif x_ends[0] < 0 < x_ends[1]:
        parts.append(f'<line class="cut" x1="{x(0)}" y1="{TOP}" x2="{x(0)}" y2="{HEIGHT - BOTTOM}"/>')
    largest = math.sqrt(float(sizes.max()))
    for at in shown.tolist():
        radius = 2 + 7 * math.sqrt(float(sizes[at])) / largest
        place = f'cx="{x(float(across[at]))}" cy="{y(float(up[at]))}" r="{radius:.1f}"'
        parts.append(f'<circle class="{harmless_html(str(kinds[at]))}" {place}/>')
    return _svg(x, y, parts, *names)


def _ends(values: Any) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.06 * (high - low) or 0.5
    return low - margin, high + margin


def _round_step(least: float) -> float:
    power: float = 10.0 ** math.floor(math.log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * 0.999)


def _svg(x: _Scale, y: _Scale, parts: Sequence[str], across: str, up: str, *, whole: bool = False) -> str:
    """Return the drawing with its axes; ``whole`` if the vertical axis shows counts."""
    floor = HEIGHT - BOTTOM
    lines = []
    for value in x.ticks():
        lines.append(f'<line class="axis" x1="{x(value)}" x2="{x(value)}" y1="{TOP}" y2="{floor}"/>')
        lines.append(f'<text x="{x(value)}" y="{floor + 18}" text-anchor="middle">{_tick(value)}</text>')
    for value in y.ticks():
        if not whole or value == int(value):
            lines.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value)}" y2="{y(value)}"/>')
            lines.append(f'<text x="{LEFT - 6}" y="{y(value) + 4}" text-anchor="end">{_tick(value)}</text>')
    middle = (TOP + floor) / 2
    lines.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{harmless_html(across)}</text>'
    )
    turned = f'transform="rotate(-90 18 {middle})" text-anchor="middle"'
    lines.append(f'<text x="18" y="{middle}" {turned}>{harmless_html(up)}</text>')
    label = harmless_html(f"{up} by {across}")
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
        + "".join(lines)
        + "".join(parts)
        + "</svg>"
    )


def _tick(value: float) -> str:
    return f"{value:,.10g}".replace("-0", "0") if value == 0 else f"{round(value, 10):,.10g}".replace("-", "−")

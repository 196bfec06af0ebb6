"""Plots as SVG, by hand: bars in panels, and lines over logarithmic axes."""

import html
import math

COLOURS = ("#1f6fb4", "#d1601c", "#3a8f3a", "#8a4fa8", "#7a5c4f", "#555555")
STYLE = ("text{font:12px sans-serif;fill:#222;paint-order:stroke;stroke:#fff;stroke-width:3px}.title{font-size:15px;font-weight:bold}"
         ".head{font-weight:bold}.faint{fill:#777}.grid{stroke:#ddd}.floor{stroke:#222;stroke-dasharray:4 3}")


def write(path, svg):
    path.parent.mkdir(exist_ok=True)
    path.write_text(svg)


def text(x, y, words, anchor="start", kind=""):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" class="{kind}">{html.escape(words)}</text>'


def line(x1, y1, x2, y2, kind="grid"):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def ratio(value):
    return f"{value:.2f}" if value >= 0.005 else "< 0.01"


def document(width, height, parts):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}">',
        f"<style>{STYLE}</style>", f'<rect width="{width:.0f}" height="{height:.0f}" fill="#fff"/>', *parts, "</svg>", ""])


def bars(title, panels):
    """panels: (heading, [(label, value)…]); the broken line is 1."""
    left, width, row = 210, 860, 18
    y = 30
    parts = [text(10, y, title, kind="title")]
    for heading, values in panels:
        if not values:
            continue
        y += 34
        parts.append(text(10, y, heading, kind="head"))
        scale = (width - left - 60) / max(1.0, *(value for _, value in values))
        bottom = y + row * len(values) + 10
        parts.append(line(left + scale, y + 6, left + scale, bottom, "floor"))
        for label, value in values:
            y += row
            colour = COLOURS[0] if label.startswith("durability") else "#b8b8b8"
            parts.append(text(left - 8, y + 6, label, "end"))
            parts.append(f'<rect x="{left}" y="{y - 6}" width="{max(1.0, value * scale):.1f}" height="{row - 5}" '
                         f'fill="{colour}"/>')
            parts.append(text(left + value * scale + 5, y + 5, ratio(value)))
    return document(width, y + 30, parts)


def ticks(low, high):
    """Powers of ten."""
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    return [10.0 ** power for power in range(first, max(last, first + 1) + 1)]


def lines(title, x_label, y_label, series, x_name, y_from_zero):
    """series: {label: [(x, y)…]}; x is logarithmic, and so is y unless it begins at zero. Every x is marked; one
    that is 0 stands before the others."""
    width, height, left, right, top, bottom = 640, 380, 80, 20, 44, 80
    points = [point for values in series.values() for point in values]
    xs = sorted({x for x, _ in points})
    above_zero = [x for x in xs if x > 0]
    low, high = min(above_zero), max(above_zero)
    if xs[0] == 0:
        low /= (high / low) ** (1 / max(1, len(above_zero) - 1))

    def across(x):
        share = math.log(max(x, low) / low) / math.log(high / low) if high > low else 0.5
        return left + (width - left - right) * share

    largest = max(y for _, y in points) or 1
    if y_from_zero:
        step = 10 ** math.floor(math.log10(largest))
        step = next(step * part for part in (0.2, 0.5, 1, 2) if largest / (step * part) <= 6)
        marks = [step * count for count in range(math.ceil(largest / step) + 1)]
    else:
        marks = ticks(min(y for _, y in points if y > 0), largest)

    def up(y):
        share = y / marks[-1] if y_from_zero else math.log(max(y, marks[0]) / marks[0]) / math.log(marks[-1] / marks[0])
        return height - bottom - (height - top - bottom) * share

    parts = [text(10, 22, title, kind="title")]
    for mark in marks:
        parts += [line(left, up(mark), width - right, up(mark)), text(left - 6, up(mark) + 4, f"{mark:,g}", "end")]
    for x in xs:
        parts += [line(across(x), top, across(x), height - bottom),
                  text(across(x), height - bottom + 16, x_name(x), "middle")]
    parts += [text((left + width) / 2, height - bottom + 34, x_label, "middle"), text(10, top - 8, y_label, kind="faint")]
    for number, (label, values) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in values)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3" fill="{colour}"/>' for x, y in values]
        x = left + number * (width - left - right) / len(series)
        parts += [f'<rect x="{x:.0f}" y="{height - 24}" width="10" height="10" fill="{colour}"/>',
                  text(x + 15, height - 15, label)]
    return document(width, height, parts)

"""Figures as tables, for the terminal and for docs/benchmarks.md; and into which plots they go."""

import pathlib
import re
import sys

import plot

DOCS = pathlib.Path(__file__).resolve().parents[1] / "docs"
PAGE = "benchmarks.md"
PLOTS = "benchmarks"  # a folder


def rounded(number):
    """Three digits, and a unit where that makes it shorter."""
    for unit, factor, begin in (("M", 1e6, 0.9995e6), ("k", 1e3, 9.995e3)):
        if number >= begin:
            return f"{number / factor:.3g} {unit}"
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def by_place(figures):
    return {(cell["contender"], cell["work"]): cell for cell in figures["cells"]}


def works_without_ratio(figures, label):
    cells = by_place(figures)
    return [work["name"] for work in figures["works"] if "ratio" not in cells.get((label, work["name"]), {})]


def table(figures, works, show):
    """Rows of words: the contenders that have a figure in one of the works, by work."""
    cells = by_place(figures)
    rows = [["", *(work["name"] for work in works)]]
    for label in figures["contenders"]:
        row = [show(cells[label, work["name"]]) if (label, work["name"]) in cells else "–" for work in works]
        if any(word != "–" for word in row):
            rows.append([label, *row])
    return rows


def rate_and_ratio(cell):
    return rounded(cell["rate"]) + (f" ({plot.ratio(cell['ratio'])})" if "ratio" in cell else "")


def latency(cell):
    return f"{rounded(cell['p50_us'])} / {rounded(cell['p99_us'])}" if "p50_us" in cell else "–"


def memory(cell):
    return f"{cell['peak_kib'] / 1024:.1f}"


def calls(cell):
    return f"{cell['calls']:.2f}" if cell.get("calls") is not None else "–"


def tables(figures):
    """(title, rows) of each table."""
    works = figures["works"]
    durable = [work for work in works if work["name"].startswith(("W2", "W3", "W5"))]
    yield "Entries a second, and the ratio to the floor", table(figures, works, rate_and_ratio)
    yield "Latency of a durable append, µs: median / 99th percentile", table(figures, durable, latency)
    yield "Most memory of the process, MiB", table(figures, works, memory)
    if figures["counted_by"]:
        yield f"System calls an entry, counted by {figures['counted_by']}", table(figures, durable, calls)


def conditions(figures):
    before, after = figures["load"]
    rounds = f" Medians of {figures['rounds']} rounds;" if "rounds" in figures else ""
    return f"{figures['machine']}.{rounds} load average {before:.1f} before, {after:.1f} after."


def aligned(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(word.rjust(width) if column else word.ljust(width)
                      for column, (word, width) in enumerate(zip(row, widths))).rstrip() for row in rows]


def text(figures):
    lines = [conditions(figures)]
    for title, rows in tables(figures):
        lines += ["", title, *aligned(rows)]
    lines += ["", *(f"{work['name']:8} {work['says']}; ratio to {work['floor']}; target: {work['target'] or 'none'}"
                    for work in figures["works"])]
    return "\n".join(lines)


def markdown(rows):
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + " --- |" * len(rows[0]), *body])


def replace_block(docs, name, contents):
    """What stands in the page between the comments of that name."""
    path = docs / PAGE
    block = re.compile(rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
    page, count = block.subn(lambda found: found[1] + contents + "\n" + found[2], path.read_text())
    if count != 1:
        sys.exit(f"{path}: no block {name}")
    path.write_text(page)


def write_side_by_side(figures, docs):
    works = [["", "work", "target, as a ratio", "to"],
             *([work["name"], work["says"], work["target"] or "–", work["floor"]] for work in figures["works"])]
    parts = [conditions(figures), markdown(works)]
    parts += [f"**{title}**\n\n{markdown(rows)}" for title, rows in tables(figures)]
    replace_block(docs, "side-by-side", "\n\n".join(parts))
    cells = by_place(figures)
    panels = [(f"{work['name']}: {work['says']}",
               [(label, cells[label, work["name"]]["ratio"]) for label in figures["contenders"]
                if "ratio" in cells.get((label, work["name"]), {})]) for work in figures["works"]]
    plot.write(docs / PLOTS / "ratios.svg", plot.bars("Entries a second, as a ratio to the floor", panels))


def size(count):
    for unit, factor in (("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)):
        if count >= factor:
            return f"{count / factor:g} {unit}iB"
    return f"{count:g} B"


# file, title, curve, what x is, its name, what y is, of a point; whether y begins at zero
CURVES = [
    ("threads-rate", "Durable appends a second", "threads", "threads", "{:g}".format, "a second",
     lambda point: point["rate"], False),
    ("threads-latency", "Latency of a durable append, 99th percentile", "threads", "threads", "{:g}".format, "µs",
     lambda point: point["p99_us"], False),
    ("size-time", "Time of an append without sync", "size", "bytes of an entry", size, "µs",
     lambda point: point["seconds"] / point["entries"] * 1e6, False),
    ("size-memory", "Most memory while appending", "size", "bytes of an entry", size, "MiB",
     lambda point: point["peak_kib"] / 1024, False),
    ("length-append", "Appending, by the length of the log before it", "length", "length of the log", size, "MB a second",
     lambda point: point["bytes_per_second"] / 1e6 if "bytes_per_second" in point else None, True),
    ("length-time", "Opening and replaying a log", "length", "length of the log", size, "ms",
     lambda point: None if "bytes_per_second" in point else point["seconds"] * 1e3, False),
    ("length-memory", "Most memory", "length", "length of the log", size, "MiB",
     lambda point: point["peak_kib"] / 1024, True),
    ("segments-append", "Appending 256 MiB, cut into segments", "segments", "segments", "{:g}".format, "MB a second",
     lambda point: point["bytes_per_second"] / 1e6 if "bytes_per_second" in point else None, True),
    ("segments-time", "Opening and replaying 256 MiB, cut into segments", "segments", "segments", "{:g}".format, "ms",
     lambda point: None if "bytes_per_second" in point else point["seconds"] * 1e3, False),
    ("segments-memory", "Most memory", "segments", "segments", "{:g}".format, "MiB",
     lambda point: point["peak_kib"] / 1024, True),
]


def series_of(figures, curve, y_of):
    series = {}
    for point in figures["points"]:
        if point["curve"] == curve and (y := y_of(point)) is not None:
            series.setdefault(point["series"], []).append((point["x"], y))
    return series


def growth_text(figures):
    lines = [conditions(figures)]
    for _, title, curve, x_label, x_name, y_label, y_of, _ in CURVES:
        series = series_of(figures, curve, y_of)
        xs = sorted({x for points in series.values() for x, _ in points})
        rows = [[x_label, *map(x_name, xs)]]
        rows += [[label, *(rounded(dict(points)[x]) for x in xs)] for label, points in series.items()]
        lines += ["", f"{title}, {y_label}", *aligned(rows)]
    return "\n".join(lines)


def write_growth(figures, docs):
    replace_block(docs, "growth", conditions(figures))
    for name, title, curve, x_label, x_name, y_label, y_of, from_zero in CURVES:
        svg = plot.lines(title, x_label, y_label, series_of(figures, curve, y_of), x_name, from_zero)
        plot.write(docs / PLOTS / f"{name}.svg", svg)

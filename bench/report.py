"""Figures as tables, for the terminal and for docs/benchmarks.md; and into which plots they go."""

import pathlib
import re
import sys

import plot

DOCS = pathlib.Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "benchmarks.md"


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
    ratio = f" ({cell['ratio']:.2f})" if "ratio" in cell else ""
    return rounded(cell["rate"]) + ratio


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
    return (f"{figures['machine']}. Medians of {figures['rounds']} rounds; load average {before:.1f} before, "
            f"{after:.1f} after.")


def text(figures):
    lines = [conditions(figures)]
    for title, rows in tables(figures):
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines += ["", title]
        lines += ["  ".join(word.rjust(width) if column else word.ljust(width)
                            for column, (word, width) in enumerate(zip(row, widths))).rstrip() for row in rows]
    lines += ["", *(f"{work['name']:8} {work['says']}; ratio to {work['floor']}; target: {work['target'] or 'none'}"
                    for work in figures["works"])]
    return "\n".join(lines)


def markdown(rows):
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + " --- |" * len(rows[0]), *body])


def replace_block(name, contents):
    """What stands in the page between the comments of that name."""
    block = re.compile(rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
    page, count = block.subn(lambda found: found[1] + contents + "\n" + found[2], PAGE.read_text())
    if count != 1:
        sys.exit(f"{PAGE}: no block {name}")
    PAGE.write_text(page)


def write_side_by_side(figures):
    works = [["", "work", "target, as a ratio", "to"],
             *([work["name"], work["says"], work["target"] or "–", work["floor"]] for work in figures["works"])]
    parts = [conditions(figures), markdown(works)]
    parts += [f"**{title}**\n\n{markdown(rows)}" for title, rows in tables(figures)]
    replace_block("side-by-side", "\n\n".join(parts))
    cells = by_place(figures)
    panels = [(f"{work['name']}: {work['says']}",
               [(label, cells[label, work["name"]]["ratio"]) for label in figures["contenders"]
                if "ratio" in cells.get((label, work["name"]), {})]) for work in figures["works"]]
    plot.write(DOCS / "benchmarks/ratios.svg", plot.bars("Entries a second, as a ratio to the floor", panels))

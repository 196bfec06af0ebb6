"""The library beside the floor and its peers, in one run: side_by_side.py PROGRAMS [options]

Every contender does every work, one process each, in rounds that take turns, so that a slow minute of the
machine hits all of them; what is printed is the median of the rounds. Absolute figures move from run to run,
ratios to the floor of the same run far less."""

import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import sys
import tempfile

import report
from contenders import Contender, Scratch, SystemCalls, build_rust, failures, machine, measure, peers, say, settle

GROWING, PREALLOCATED, LIBRARY = "floor, growing file", "floor, preallocated", "durability"


@dataclasses.dataclass(frozen=True)
class Work:
    name: str
    says: str
    kind: str
    options: dict
    floor: str  # the contender and the work that its ratio refers to
    floor_work: str
    target: str = ""
    then: object = None  # a work on what this one left


REPLAY_SMALL = Work("W4", "replay of W1's log, every checksum verified", "replay", {}, GROWING, "W4", "0.9")
REPLAY_LARGE = Work("W4b", "replay of W1b's log", "replay", {}, GROWING, "W4b", "0.9")
WORKS = [
    Work("W1", "append 1,000,000 × 128 B, one thread, no sync", "append", {"entries": 1_000_000, "bytes": 128},
         GROWING, "W1", "0.6; one fresh segment 0.85; prepared or recycled 1.3", REPLAY_SMALL),
    Work("W1b", "append 100,000 × 4 KiB, one thread, no sync", "append", {"entries": 100_000, "bytes": 4096},
         GROWING, "W1b", "0.95", REPLAY_LARGE),
    Work("W2", "durable appends of 128 B, one thread", "durable", {"threads": 1}, PREALLOCATED, "W2", "0.95"),
    Work("W3-8", "the same, 8 threads", "durable", {"threads": 8}, PREALLOCATED, "W3-8", "0.95"),
    Work("W3-64", "the same, 64 threads", "durable", {"threads": 64}, PREALLOCATED, "W3-64",
         "0.95, p99 below 1.5 ms"),
    Work("W5-64", "one thread, 64 durable appends in flight", "in-flight", {"in-flight": 64}, PREALLOCATED, "W3-64"),
    Work("W5-1024", "one thread, 1,024 in flight", "in-flight", {"in-flight": 1024}, PREALLOCATED, "W3-64", "2"),
]
ALL = [work for first in WORKS for work in (first, first.then) if work]
DURABLE = [work for work in WORKS if work.kind in ("durable", "in-flight")]


def contenders(programs, rust):
    floor, library = (programs / "bench_floor",), (programs / "bench_durability",)
    appends = ("W1", "W1b", "W4", "W4b")
    return [
        Contender(GROWING, floor),
        Contender(PREALLOCATED, floor, "preallocated", ("W2", "W3-8", "W3-64")),
        Contender(LIBRARY, library),
        Contender("durability, one fresh segment", library, "one-segment", ("W1", "W1b")),
        Contender("durability, prepared segment", library, "prepared", ("W1", "W1b")),
        Contender("durability, recycled segments", library, "recycled", ("W1", "W1b")),
        Contender("durability, truncating", library, "truncating", ("W2", "W3-8", "W3-64")),
        Contender("durability, read-ahead", library, "read-ahead", appends),
        Contender("durability, coroutines", (programs / "bench_coroutines",), only=("W5-64", "W5-1024")),
        *(dataclasses.replace(peer, only=appends if peer.label == "commitlog" else ())
          for peer in peers(programs, rust)),
    ]


def options_of(work, scale):
    options = dict(work.options)
    if work.kind in ("durable", "in-flight"):
        options["seconds"] = scale.seconds
    if "entries" in options:
        options["entries"] = max(1, int(options["entries"] * scale.entries))
    return options


def play_round(field, runs, scale, parent):
    for first in WORKS:
        for contender in field:
            with Scratch(parent) as directory:
                work = first
                while work and (not contender.only or work.name in contender.only):
                    settle(directory)
                    result = measure(contender, work.kind, directory, options_of(work, scale))
                    if result is None:
                        break
                    runs.setdefault((contender.label, work.name), []).append(result)
                    work = work.then


def medians(runs):
    """For each contender and work: the median of each figure, by itself."""
    return {key: {figure: statistics.median(run[figure] for run in many) for figure in many[0]}
            for key, many in runs.items()}


def add_ratios(cells):
    for work in ALL:
        base = cells.get((work.floor, work.floor_work))
        for (_, name), cell in cells.items():
            if name == work.name and base:
                cell["ratio"] = cell["rate"] / base["rate"]


def count_system_calls(field, cells, scale, parent):
    counter = SystemCalls()
    if counter.tool is None:
        return None
    for contender in field:
        for work in DURABLE:
            cell = cells.get((contender.label, work.name))
            if cell:
                cell["calls"] = counter.per_entry(contender, work.kind, parent, options_of(work, scale))
    return counter.tool


def run(options):
    programs = pathlib.Path(options.programs).resolve()
    rust = None if options.smoke else build_rust(programs.parent / "rust")
    field = contenders(programs, rust)
    load = [os.getloadavg()[0]]
    runs = {}
    for number in range(options.rounds):
        say(f"round {number + 1} of {options.rounds}")
        play_round(field, runs, options, options.dir)
    load.append(os.getloadavg()[0])
    cells = medians(runs)
    add_ratios(cells)
    tool = count_system_calls(field, cells, options, options.dir)
    return {
        "machine": machine(options.dir),
        "load": load,
        "rounds": options.rounds,
        "counted_by": tool,
        "works": [{"name": work.name, "says": work.says, "target": work.target, "floor": work.floor} for work in ALL],
        "contenders": [contender.label for contender in field],
        "cells": [{"contender": label, "work": name, **cell} for (label, name), cell in cells.items()],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", help="where the programs bench_* are")
    parser.add_argument("--dir", default=os.environ.get("DURABILITY_BENCH_DIR", tempfile.gettempdir()),
                        help="where to write: the disk under it is what is measured")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1, help="of each durable work")
    parser.add_argument("--entries", type=float, default=1, help="share of the entries of the other works")
    parser.add_argument("--smoke", action="store_true", help="tiny, without the Rust peers: does it all still run?")
    parser.add_argument("--save", help="write the figures to this file too, as JSON")
    parser.add_argument("--write-docs", nargs="?", const=report.DOCS, type=pathlib.Path, metavar="DOCS",
                        help="write tables and plot to docs/ (or DOCS) too")
    options = parser.parse_args()
    if options.smoke:
        options.rounds, options.seconds, options.entries = 1, 0.02, 0.005
    figures = run(options)
    print(report.text(figures))
    if options.save:
        pathlib.Path(options.save).write_text(json.dumps(figures, indent=1))
    if options.write_docs:
        report.write_side_by_side(figures, options.write_docs)
    if failures:
        sys.exit(f"failed: {', '.join(sorted(set(failures)))}")
    missing = report.works_without_ratio(figures, LIBRARY)
    if missing:
        sys.exit(f"no figure of the library for {', '.join(missing)}")


if __name__ == "__main__":
    main()

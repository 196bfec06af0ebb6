"""How cost grows: growth.py PROGRAMS [options]

With threads, with the size of an entry, with the length of the log and with the number of its segments. What
should grow in proportion is a straight line on two logarithmic axes; what should not grow is a flat one."""

import argparse
import json
import os
import pathlib
import statistics
import tempfile

import report
from contenders import Contender, Scratch, failures, machine, measure, say, settle

KIB, MIB = 1 << 10, 1 << 20
FULL = {
    "threads": [1 << power for power in range(9)],
    "sizes": [0, *(4 ** power for power in range(2, 13))],
    "lengths": [MIB * 4 ** power for power in range(7)],
    "segments": [4 ** power for power in range(6)],
    "all": 256 * MIB,  # bytes that are written for a point of the curves of sizes and segments
    "most": 300_000,   # entries that are written for a point of the curve of sizes
    "seconds": 0.5,
    "repeat": 3,
}
SMOKE = {"threads": [1, 2], "sizes": [0, 4096], "lengths": [MIB, 2 * MIB], "segments": [1, 4], "all": MIB,
         "most": 100, "seconds": 0.02, "repeat": 1}
ENTRY = 4 * KIB  # of the curves of lengths and segments


class Growth:
    def __init__(self, programs, scale, parent):
        self.scale = scale
        self.parent = parent
        self.points = []
        floor, library = (programs / "bench_floor",), (programs / "bench_durability",)
        self.library = Contender("durability", library)
        self.one_segment = Contender("durability", library, "one-segment")
        self.floor = Contender("floor", floor)
        self.preallocated = Contender("floor", floor, "preallocated")

    def measure(self, contender, work, directory, options):
        settle(directory)
        result = measure(contender, work, directory, options)
        if result is None:
            raise SystemExit(f"{contender.label} has no {work}")
        return result

    def median(self, runs):
        return {figure: statistics.median(run[figure] for run in runs) for figure in runs[0]}

    def afresh(self, contender, work, options):
        """The median of some runs, each in a directory of its own."""
        runs = []
        for _ in range(self.scale["repeat"]):
            with Scratch(self.parent) as directory:
                runs.append(self.measure(contender, work, directory, options))
        return self.median(runs)

    def again(self, work, directory, options):
        """The median of some runs in the same directory, which they leave as it is."""
        return self.median([self.measure(self.library, work, directory, options) for _ in range(self.scale["repeat"])])

    def add(self, curve, series, x, result, **more):
        self.points.append({"curve": curve, "series": series, "x": x, **result, **more})

    def threads(self):
        for threads in self.scale["threads"]:
            for contender in (self.library, self.preallocated):
                options = {"threads": threads, "seconds": self.scale["seconds"]}
                self.add("threads", contender.label, threads, self.afresh(contender, "durable", options))

    def sizes(self):
        for size in self.scale["sizes"]:
            options = {"bytes": size, "entries": max(8, min(self.scale["most"], self.scale["all"] // (size + 32)))}
            for contender in (self.one_segment, self.floor):
                self.add("size", contender.label, size, self.afresh(contender, "append", options))

    def reopen_and_replay(self, curve, x, directory, options):
        for work in ("open", "replay"):
            self.add(curve, work, x, self.again(work, directory, options))

    def lengths(self):
        with Scratch(self.parent) as directory:
            written = 0
            for length in self.scale["lengths"]:
                options = {"bytes": ENTRY, "entries": (length - written) // ENTRY}
                result = self.measure(self.library, "append", directory, options)
                self.add("length", "append", length, result, bytes_per_second=result["rate"] * ENTRY)
                self.reopen_and_replay("length", length, directory, {})
                written = length

    def segments(self):
        for segments in self.scale["segments"]:
            segment = {"segment-bytes": self.scale["all"] // segments}
            with Scratch(self.parent) as directory:
                options = {"bytes": ENTRY, "entries": self.scale["all"] // ENTRY, **segment}
                result = self.measure(self.library, "append", directory, options)
                self.add("segments", "append", segments, result, bytes_per_second=result["rate"] * ENTRY)
                self.reopen_and_replay("segments", segments, directory, segment)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", help="where the programs bench_* are")
    parser.add_argument("--dir", default=os.environ.get("DURABILITY_BENCH_DIR", tempfile.gettempdir()),
                        help="where to write, up to 4 GiB: the disk under it is what is measured")
    parser.add_argument("--smoke", action="store_true", help="tiny: does it all still run?")
    parser.add_argument("--save", help="write the figures to this file too, as JSON")
    parser.add_argument("--write-docs", nargs="?", const=report.DOCS, type=pathlib.Path, metavar="DOCS",
                        help="write the plots to docs/ (or DOCS) too")
    options = parser.parse_args()
    growth = Growth(pathlib.Path(options.programs).resolve(), SMOKE if options.smoke else FULL, options.dir)
    load = [os.getloadavg()[0]]
    for curve in (growth.threads, growth.sizes, growth.lengths, growth.segments):
        say(f"growth with {curve.__name__}")
        curve()
    load.append(os.getloadavg()[0])
    figures = {"machine": machine(options.dir), "load": load, "points": growth.points}
    print(report.growth_text(figures))
    if options.save:
        pathlib.Path(options.save).write_text(json.dumps(figures, indent=1))
    if options.write_docs:
        report.write_growth(figures, options.write_docs)
    if failures:
        raise SystemExit(f"failed: {', '.join(sorted(set(failures)))}")


if __name__ == "__main__":
    main()

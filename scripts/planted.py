#!/usr/bin/env python3
"""Brings back, one by one, the bugs of scripts/planted_bugs.txt, and looks for a test that fails.

    planted.py write OUT                 copies of the sources with a switch for each bug (CMake does this)
    planted.py run BUILD [options]       runs each bug's tests with it alive, and prints the table
    planted.py check                     every case has its bug, and every bug its place in the source
    planted.py sources, programs         what the table names (CMake asks)

As for mutants.py, one build holds all of them. Exit status 1 where one survives. A bug whose old text is no
longer in the source is an error: the table is to be mended with the code.
"""

import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import sys
import time

import mutants
from project import ROOT

TABLE = ROOT / "scripts" / "planted_bugs.txt"
CASES = [f"{letter}{number}" for letter, last in (("F", 8), ("C", 30), ("V", 28)) for number in range(1, last + 1)]
FIRST_LINE = re.compile(r"([A-Z]\d+) (.+)")


@dataclasses.dataclass
class Place:
    file: str
    old: str = ""
    new: str = ""


@dataclasses.dataclass
class Bug:
    number: int
    case: str
    says: str
    places: list = dataclasses.field(default_factory=list)
    tests: list = dataclasses.field(default_factory=list)  # (program, filter)
    why_not: str = ""  # it cannot be planted


def parse(text):
    """The table's bugs; its own first lines say how it is to be read."""
    bugs = []
    for at, line in enumerate(text.splitlines(), 1):
        sign, _, rest = line.partition(" ")
        if not line or sign == "#":
            continue
        if found := FIRST_LINE.fullmatch(line):
            bugs.append(Bug(len(bugs) + 1, found[1], found[2]))
        elif sign == "in":
            bugs[-1].places.append(Place("durability/" + rest))
        elif sign == "-":
            if bugs[-1].places[-1].new:
                bugs[-1].places.append(Place(bugs[-1].places[-1].file))
            bugs[-1].places[-1].old += rest.strip() + "\n"
        elif sign == "+":
            bugs[-1].places[-1].new += rest.strip() + "\n"
        elif sign == "by":
            bugs[-1].tests.append(tuple(rest.split(" ", 1)))
        elif sign == "cannot:":
            bugs[-1].why_not = rest
        else:
            sys.exit(f"{TABLE.name}:{at}: what is this line? {line}")
    return bugs


def pattern_of(old):
    """Finds the text however its lines are broken."""
    return re.compile(r"\s+".join(map(re.escape, old.split())))


def with_switch(bug, place, text):
    new, old = place.new.strip(), place.old.strip()
    alive = f"::durability::mutants::is({bug.number})"
    if ";" in old:
        instead = f"if ({alive}) {{ {new} }} else {{ {old} }}"
    else:
        instead = f"({alive} ? ({new}) : ({old}))"
    return pattern_of(old).sub(lambda _: instead, text)


def planted(file, bugs):
    """The file's text with all switches; those of larger places first, so that smaller ones may lie inside."""
    original = text = (ROOT / file).read_text()
    places = [(bug, place) for bug in bugs for place in bug.places if place.file == file]
    for bug, place in sorted(places, key=lambda each: -len(each[1].old)):
        there = len(pattern_of(place.old).findall(original))
        if there != 1:
            sys.exit(f"planted.py: {bug.case} ({bug.says}): its old text is {there} times in {file}, must be there "
                     f"once; mend scripts/planted_bugs.txt:\n{place.old}")
        changed = with_switch(bug, place, text)
        if changed == text:
            sys.exit(f"planted.py: {bug.case} ({bug.says}): its place in {file} overlaps with another bug's")
        text = changed
    return text


def sources(bugs):
    return sorted({place.file for bug in bugs for place in bug.places})


def check(bugs):
    for bug in bugs:
        if not bug.why_not and not (bug.places and bug.tests):
            sys.exit(f"planted.py: {bug.case} ({bug.says}) has no place, or no tests")
    if missing := [case for case in CASES if case not in {bug.case for bug in bugs}]:
        sys.exit(f"planted.py: no bug is there for {', '.join(missing)}")
    return {file: planted(file, bugs) for file in sources(bugs)}


def kill(build, bug, limits):
    for program, tests in bug.tests:
        killer = mutants.run_program(build, program, bug.number, limits[program, tests], tests)
        if killer:
            return killer
    return None


def measure(build, bugs):
    limits = {}
    for program, tests in sorted({each for bug in bugs for each in bug.tests}):
        begin = time.monotonic()
        if failed := mutants.run_program(build, program, 0, None, tests):
            sys.exit(f"planted.py: {failed} fails with no bug alive")
        limits[program, tests] = 30 + 6 * (time.monotonic() - begin)
    return limits


def run(build, bugs, jobs):
    alive = [bug for bug in bugs if not bug.why_not]
    os.environ.setdefault("DURABILITY_CRASH_SAMPLES", "1")
    limits = measure(build, alive)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        killers = list(pool.map(lambda bug: kill(build, bug, limits), alive))
    for bug, killer in zip(alive, killers):
        print(f'{bug.case:4} {bug.says:100}  {killer or "SURVIVES"}')
    for bug in bugs:
        if bug.why_not:
            print(f"{bug.case:4} {bug.says}: cannot be planted, {bug.why_not}")
    caught = sum(killer is not None for killer in killers)
    print(f"planted: {caught} of {len(alive)} bugs caught, of {len({bug.case for bug in alive})} cases; "
          f"{len(bugs) - len(alive)} cannot be planted")
    return 0 if caught == len(alive) else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("write", "run", "check", "sources", "programs"))
    parser.add_argument("place", type=pathlib.Path, nargs="?")
    parser.add_argument("--jobs", "-j", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", help="a regular expression on case and sentence")
    arguments = parser.parse_args()
    bugs = parse(TABLE.read_text())
    if arguments.command == "sources":
        print("\n".join(sources(bugs)))
    elif arguments.command == "programs":
        print("\n".join(sorted({program for bug in bugs for program, _ in bug.tests})))
    elif arguments.command == "run":
        chosen = [bug for bug in bugs if re.search(arguments.only, f"{bug.case} {bug.says}")]
        return run(arguments.place.resolve(), chosen, arguments.jobs)
    else:
        copies = check(bugs)
        if arguments.command == "write":
            mutants.write_copies(arguments.place.resolve(), copies, [])
    return 0


if __name__ == "__main__":
    sys.exit(main())

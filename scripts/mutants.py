#!/usr/bin/env python3
"""Takes out, one by one, every call of the library that syncs, renames, removes, truncates, poisons or wakes
others, every flag that is set and every guard, swaps calls that stand one after the other, and looks for a
test that fails.

    mutants.py write OUT [--files …]     copies with switches, and the list of sites (CMake does this)
    mutants.py run BUILD [options]       runs the tests on each mutant and prints the table

One build holds all mutants: the environment variable DURABILITY_MUTANT says which of them is alive. It is
killed by the first program that fails, hangs or crashes. Exit status 1 where one survives that is not among
the ones known to (scripts/surviving_mutants.txt, each with its reason), or one of those is killed.
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import mutation_sites
from project import ROOT

HEADER = """#pragma once

#include <cstdlib>
#include <exception>

#include "durability/base/result.hpp"

namespace durability::mutants {
inline bool is(int number) noexcept {
  static const int alive = [] {
    const char* text = std::getenv("DURABILITY_MUTANT");
    return text == nullptr ? 0 : std::atoi(text);
  }();
  return alive == number;
}
template <class T>
Status status_of(Result<T> result) {
  if (result) return {};
  return std::move(result).error();
}
}  // namespace durability::mutants
"""

# Which programs are asked about a module's mutants, the likeliest killer first.
KILLERS = {
    "storage": ("storage_test", "testing_test", "walog_test", "schedules_test", "checkpointing_test",
                "crash_test"),
    "walog": ("walog_test", "schedules_test", "publish_test", "crash_test", "faults_test", "checkpointing_test",
              "shortages_test"),
    "base": ("base_test", "schedules_test", "walog_test", "shortages_test"),
    "async": ("async_test", "eventloop_test", "shortages_test"),
    "checkpoint": ("checkpoint_test", "publish_test", "checkpointing_test"),
    "publish": ("publish_test", "schedules_test", "checkpointing_test"),
    "segment_index": ("segment_index_test", "checkpointing_test"),
    "recordlog": ("recordlog_test",),
    "recover": ("recover_test", "checkpointing_test"),
}
OTHERWISE = ("{module}_test", "crash_test")
# Long tests of reading; no mutant is theirs.
NOT_ASKED = "*WrittenLog*:*AnEntryAtTheCap*:*DISABLED*"
# Seconds each: asked when all else has let a mutant live.
SLOW = {"walog_test": "*ParallelWalkOf*:ReadAhead.*:HostileLog.*"}
KNOWN = ROOT / "scripts" / "surviving_mutants.txt"


def write(out, files):
    numbering = mutation_sites.Numbering()
    copies = {}
    sources = [path for module in mutation_sites.MODULES
               for path in sorted((ROOT / "durability" / module).rglob("*.[ch]pp"))]
    # Headers first: a new site in a source file gives them no other numbers, and rebuilds little.
    for path in sorted(sources, key=lambda path: path.suffix != ".hpp"):
        name = path.relative_to(ROOT).as_posix()
        before = len(numbering.sites)
        if mutation_sites.LEFT_OUT.search("/" + name) or (files and name not in files):
            continue
        text = mutation_sites.mutated(name, path.read_text(), numbering)
        if len(numbering.sites) > before:
            copies[name] = text
    write_copies(out, copies, numbering.sites)


def write_copies(out, copies, sites):
    """Rewrites only what has changed, so that a build stays incremental."""
    wanted = {"durability/base/mutants.hpp": HEADER}
    for name, text in copies.items():
        include = '#include "durability/base/mutants.hpp"\n'
        pragma = "#pragma once\n"
        wanted[name] = text.replace(pragma, pragma + include, 1) if name.endswith(".hpp") else include + text
    for name, text in wanted.items():
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_text() != text:
            target.write_text(text)
    for stale in (out / "durability").rglob("*.[ch]pp"):
        if stale.relative_to(out).as_posix() not in wanted:
            stale.unlink()
    (out / "sites.json").write_text(json.dumps(sites, indent=1))


def programs_for(site):
    module = site["file"].split("/")[1]
    programs = [name.format(module=module) for name in KILLERS.get(module, OTHERWISE)]
    # Whoever is held up for ever is found at once under a scheduler, and elsewhere when time is over.
    held_up = site["kind"] in ("wake", "flag", "guard")
    return sorted(programs, key=lambda program: program != "schedules_test") if held_up else programs


def end_session(program):
    """Children that it forked may live on, and turn in circles for ever."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)


def run_program(build, program, mutant, limit, tests=f"-{NOT_ASKED}"):
    """None where it passes, else what killed the mutant."""
    environment = os.environ | {"DURABILITY_MUTANT": str(mutant), "GTEST_FAIL_FAST": "1", "GTEST_FILTER": tests}
    # The faults need no fraction: they end at the first that is not borne.
    environment.setdefault("DURABILITY_CRASH_SAMPLES", "1" if program == "faults_test" else "0.3")
    done = subprocess.Popen([build / "bin" / program], env=environment, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
    try:
        output, hangs = done.communicate(timeout=limit)[0], ""
    except subprocess.TimeoutExpired:
        end_session(done)
        output, hangs = done.communicate()[0], "hangs"
    end_session(done)
    if "Running 0 tests" in output:
        return f"{program}: no such test as {tests}"
    if done.returncode == 0:
        return None
    failed = re.search(r"\[  FAILED  \] (\S+?)[,.]? ", output)
    running = re.findall(r"\[ RUN      \] (\S+)", output)
    if failed:
        return failed[1]
    return f"{running[-1] if running else program}: {hangs or f'exit status {done.returncode}'}"


def kill(build, site, limits):
    programs = [program for program in programs_for(site) if program in limits]
    quick = [(program, f"-{NOT_ASKED}:{SLOW.get(program, '')}") for program in programs]
    slow = [(program, SLOW[program]) for program in programs if program in SLOW]
    for program, tests in quick + slow:
        killer = run_program(build, program, site["number"], limits[program], tests)
        if killer:
            return killer
    return None


def measure(build, sites):
    """A limit for each program that is there, from how long it takes with no mutant alive."""
    limits = {}
    for program in sorted({program for site in sites for program in programs_for(site)}):
        if not (build / "bin" / program).exists():
            continue
        begin = time.monotonic()
        if run_program(build, program, 0, None):
            sys.exit(f"mutants: {program} fails with no mutant alive")
        limits[program] = 30 + 6 * (time.monotonic() - begin)
    return limits


def known_survivors():
    """(file, kind, text) of those that may survive."""
    lines = KNOWN.read_text().splitlines() if KNOWN.exists() else []
    return {tuple(line.split(" | ")[:3]) for line in lines if line and not line.startswith("#")}


def identity(site):
    return (site["file"].removeprefix("durability/"), site["kind"], site["text"])


def say(site, killer, known):
    killer = killer or ("SURVIVES, as is known" if identity(site) in known else "SURVIVES")
    place = f'{site["file"].removeprefix("durability/")}:{site["line"]}'
    print(f'{site["number"]:4} {place:38} {site["kind"]:6} {site["text"][:70]:70}  {killer}', flush=True)


def report(sites, killers, known):
    survivors = [site for site in sites if killers[site["number"]] is None]
    new = [site for site in survivors if identity(site) not in known]
    stale = known - {identity(site) for site in survivors} & {identity(site) for site in sites}
    stale &= {identity(site) for site in sites}
    stale -= {identity(site) for site in survivors}
    print()
    for kind in sorted({site["kind"] for site in sites}):
        of_kind = [site for site in sites if site["kind"] == kind]
        killed = sum(killers[site["number"]] is not None for site in of_kind)
        print(f"{kind:6} {killed} of {len(of_kind)} killed")
    print(f"mutants: {len(sites) - len(survivors)} of {len(sites)} killed, {len(survivors) - len(new)} known to "
          f"survive, {len(new)} survive unexplained")
    for entry in stale:
        print(f"mutants: listed as surviving, but killed: {' | '.join(entry)}")
    return 1 if new or stale else 0


def run(build, arguments):
    sites = json.loads((build / "mutated" / "sites.json").read_text())
    if arguments.only:
        sites = [site for site in sites if re.search(arguments.only, f'{site["number"]} {site["file"]} {site["text"]}')]
    limits = measure(build, sites)
    known = known_survivors()
    killers = {}
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        waiting = {pool.submit(kill, build, site, limits): site for site in sites}
        for done in concurrent.futures.as_completed(waiting):
            site = waiting[done]
            killers[site["number"]] = done.result()
            say(site, done.result(), known)
    return report(sites, killers, known)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("write", "run"))
    parser.add_argument("place", type=pathlib.Path)
    parser.add_argument("--jobs", "-j", type=int, default=os.cpu_count())
    parser.add_argument("--files", type=lambda text: text.split(","), help="only these sources, with commas between them")
    parser.add_argument("--only", help="a regular expression on number, file and text")
    arguments = parser.parse_args()
    place = arguments.place.resolve()
    sys.exit(write(place, arguments.files) if arguments.command == "write" else run(place, arguments))


if __name__ == "__main__":
    main()

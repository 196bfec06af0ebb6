"""Runs the fuzz targets: fuzz.py <directory of programs> [--seconds N | --runs N] [-j N] [target ...]

With --seconds each target runs that long, as many side by side as -j says, and goes on from what earlier runs
found (<build>/fuzz-work/<target>/corpus). With --runs each makes so many executions, the same ones every time.
Inputs that once failed lie in fuzz/found/<target> and are run first. Exit status 1 where a target failed: then
the input's path is printed, and the command that runs it again."""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

import project

FUZZ = project.ROOT / "fuzz"
LIMITS = ["-timeout=20", "-rss_limit_mb=2048", "-malloc_limit_mb=64", "-print_final_stats=1"]


def targets_in(programs):
    names = (path.name.removeprefix("fuzz_") for path in programs.glob("fuzz_*"))
    return sorted(name for name in names if name != "seeds")


def command_for(program, place, options):
    """`place` is a directory of the target's own, for what it makes."""
    target = program.name.removeprefix("fuzz_")
    for name in ("corpus", "seeds", "failures"):
        (place / name).mkdir(parents=True, exist_ok=True)
    subprocess.run([program.parent / "fuzz_seeds", target, place / "seeds"], check=True)
    inputs = [place / "corpus", *([FUZZ / "found" / target] if (FUZZ / "found" / target).exists() else []),
              place / "seeds"]
    how = [f"-max_total_time={options.seconds}"] if options.seconds else [f"-runs={options.runs}", "-seed=1"]
    return [program, *LIMITS, *how, f"-dict={FUZZ / 'formats.dict'}", f"-artifact_prefix={place / 'failures'}/",
            *inputs]


def run(program, place, options):
    """One target. Returns (sound, what to print)."""
    begin = time.monotonic()
    done = subprocess.run(command_for(program, place, options), capture_output=True, text=True, errors="replace")
    seconds = time.monotonic() - begin
    executed = re.search(r"stat::number_of_executed_units: *(\d+)", done.stderr)
    coverage = re.findall(r"cov: (\d+)", done.stderr)
    said = (f"{program.name}: {int(executed[1]) if executed else 0} executions in {seconds:.0f} s"
            f"{f', {coverage[-1]} edges' if coverage else ''}")
    if done.returncode == 0:
        return True, said
    written = re.search(r"Test unit written to (\S+)", done.stderr)
    again = shlex.join([os.path.relpath(program), os.path.relpath(written[1])]) if written else "none: see above"
    return False, (f"{done.stderr[-6000:]}\n{said}, FAILED\n  input: {written[1] if written else 'none was written'}\n"
                   f"  again: {again}\n  once it is mended, keep the input in fuzz/found/"
                   f"{program.name.removeprefix('fuzz_')}/")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=pathlib.Path)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("-j", type=int, default=os.cpu_count())
    options = parser.parse_intermixed_args()
    programs = options.programs.resolve()

    with tempfile.TemporaryDirectory(prefix="durability-fuzz-") as scratch, \
            concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        places = programs.parent / "fuzz-work" if options.seconds else pathlib.Path(scratch)
        runs = [pool.submit(run, programs / f"fuzz_{target}", places / target, options)
                for target in options.targets or targets_in(programs)]
        sound = True
        for finished in concurrent.futures.as_completed(runs):
            good, said = finished.result()
            print(said, flush=True)
            sound = sound and good
    sys.exit(0 if sound else 1)


if __name__ == "__main__":
    main()

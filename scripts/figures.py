"""Runs a long run and writes what came of it into docs/figures/: figures.py <name> [--root DIR] -- <command ...>

The command's output passes through as it comes, and its exit status is kept. Once it has ended, docs/figures/<name>.md
is written anew: outcome, day, commit, machine, command with its parameters, time, and the lines of the output that
RUNS names. A run that fails is written as failed, with its last lines. One that is interrupted, or that could test
nothing here (exit status 77), leaves the page as it is."""

import argparse
import collections
import os
import pathlib
import re
import resource
import shlex
import signal
import subprocess
import sys
import tempfile
import time

import project

sys.path.append(str(project.ROOT / "bench"))
from contenders import machine  # noqa: E402

GTEST = r"\[       OK \]|\[  PASSED  \]"
# The make target of each run, and which of its lines are its result.
RUNS = {
    "async-kills": r"^killed ",
    "async-load": GTEST,
    "crash": r"^crash explorer: ",
    "fuzz": r"^fuzz_\w+: ",
    "interop": rf"^seeds |{GTEST}|tests passed",
    "mutants": r"^\w+ +\d+ of \d+ killed$|^mutants: ",
    "planted": r"^planted: ",
    "powercut": r"^powercut: ",
    "properties": rf"^Using configuration: |{GTEST}",
    "schedules": r": \d+ threads, up to |\[  PASSED  \]",
    "shortages": rf"^\[shortages\] |{GTEST}|tests passed",
    "soak": r"^ *\d+ s: ",
}
ALWAYS = r"FAILED|SKIPPED|NOT TESTED|SURVIVES"
MOST = 100  # lines of a result
TAIL = 20  # lines of a run that failed
NOTHING_TESTED = 77
# `ctest -V` puts the number of its test before each line, and mixes those that run side by side.
OF_CTEST = re.compile(r"(?:(\d+): )?(.*)")
PARAMETERS = re.compile(r"DURABILITY_|RC_PARAMS$")


def without_folders(text):
    """Paths of the project from its top, others as their last name: a page does not say where it was made."""
    text = text.replace(f"{project.ROOT}/", "")
    return re.sub(r"(?<![\w./:])/(?:[^\s/]+/)+", "", text)


def readable(line):
    """What stands on a terminal in the end: a progress that was written over is gone."""
    line = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line.rstrip("\r").rpartition("\r")[2])
    return without_folders("".join(c for c in line if c.isprintable())).replace("```", "...").rstrip()


def lines_passed_on(pipe):
    """The lines of the output, each of which has been seen by the caller's terminal as it came."""
    rest = b""
    while chunk := os.read(pipe.fileno(), 1 << 16):
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (readable(line.decode(errors="replace")) for line in whole)
    if rest:
        yield readable(rest.decode(errors="replace"))


def watch(command, pattern):
    """Runs it. Returns (exit status as of Popen, lines that the pattern finds, last lines)."""
    found, last = [], collections.deque(maxlen=TAIL)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        try:
            for line in lines_passed_on(child.stdout):
                number, said = OF_CTEST.fullmatch(line).groups()
                if re.search(pattern, said) or re.search(ALWAYS, said):
                    found.append((int(number) if number else sys.maxsize, said))
                last.append(line)
        except KeyboardInterrupt:
            child.terminate()
            raise
    return child.returncode, [said for _, said in sorted(found, key=lambda each: each[0])], list(last)


def commit(root):
    """As in `d19dfc1+`, where '+' stands for changes beside those of these pages."""
    def git(*words):
        return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout.strip()
    try:
        return git("rev-parse", "--short", "HEAD") + "+" * bool(git("status", "--porcelain", "--", ".", ":!docs/figures"))
    except (OSError, subprocess.CalledProcessError):
        return "not recorded"


def command_line(command):
    settings = [f"{name}={shlex.quote(value)}" for name, value in sorted(os.environ.items()) if PARAMETERS.match(name)]
    return without_folders(" ".join([*settings, shlex.join(command)]))


def outcome(status, found):
    if status < 0:
        return f"FAILED, killed by {signal.Signals(-status).name}"
    if status > 0:
        return f"FAILED, exit status {status}"
    return "passed" if found else "passed, but it printed no line that is known as a result"


def page(name, facts, found, last):
    """`last` is shown where the run failed."""
    left_out = [f"({len(found) - MOST} lines before these)"] if len(found) > MOST else []
    blocks = [left_out + found[-MOST:]] + ([["(its last lines)", *last]] if facts["outcome"].startswith("FAILED") else [])
    listed = "\n".join(f"- {key}: {value}" for key, value in facts.items())
    shown = "\n\n".join("\n".join(["```", *block, "```"]) for block in blocks if block)
    return (f"# make {name}\n\n`make {name}` rewrites this page when it ends. What it does: [testing.md](../testing.md)."
            f"\n\n{listed}\n\n{shown}".rstrip() + "\n")


def run(name, command, root):
    facts = {"outcome": "", "day": time.strftime("%Y-%m-%d (UTC)", time.gmtime()), "commit": commit(root),
             "machine": f"{machine(tempfile.gettempdir())}; load average {os.getloadavg()[0]:.1f} before",
             "command": f"`{command_line(command)}`"}
    begin = time.monotonic()
    status, found, last = watch(command, RUNS[name])
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    facts["time"] = f"{time.monotonic() - begin:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of processors"
    facts["outcome"] = outcome(status, found)
    place = pathlib.Path("docs/figures") / f"{name}.md"
    if status == NOTHING_TESTED:
        print(f"figures: {place} stays as it is, nothing was tested")
    else:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(page(name, facts, found, last))
        print(f"figures: {place}: {facts['outcome']}")
    return status if status >= 0 else 128 - status


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=RUNS)
    parser.add_argument("--root", type=pathlib.Path, default=project.ROOT, help="the project whose page it is")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return run(arguments.name, arguments.command, arguments.root)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except OSError as error:
        print(f"figures: {error}", file=sys.stderr)
        return 127


if __name__ == "__main__":
    sys.exit(main())

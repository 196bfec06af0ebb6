"""Runs clang-tidy over every source file of a configured build: tidy.py <build directory> [-j N]

What was clean once is not looked at again: a stamp remembers the command, the configuration and the
contents of the file and of every header of ours that it includes. Tests and the tool get the checks that find
mistakes rather than style: the full set takes seconds in every file that includes GoogleTest, and half a minute
in one that includes CLI11 and nlohmann/json."""

import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import shlex
import subprocess
import sys

import project

SHORT_CHECKS = "-*,bugprone-use-after-move,bugprone-dangling-handle,performance-*,-performance-enum-size," \
    "-performance-inefficient-vector-operation,-performance-unnecessary-value-param"


# How far the analyzer looks, a tenth of its default: two thirds of all the time went there.
BOUNDED_ANALYZER = [f"--extra-arg={word}" for word in ("-Xclang", "-analyzer-config", "-Xclang", "max-nodes=25000")]


def is_test(path):
    inside = pathlib.Path(path).relative_to(project.ROOT)
    return inside.parts[0] in ("tests", "fuzz") or inside.name.endswith("_test.cpp")


def is_generated(path):
    return pathlib.Path(path).relative_to(project.ROOT).parts[0] == "build"


def options_for(path, whole):
    short = is_test(path) or pathlib.Path(path).relative_to(project.ROOT).parts[0] == "cli"
    return [f"--checks={SHORT_CHECKS}"] if short else [] if whole else BOUNDED_ANALYZER


def without_output(command):
    """The compiler's arguments, without a launcher, without -o and -c."""
    words = shlex.split(command)
    while "clang++" not in words[0]:
        words.pop(0)
    at = words.index("-o")
    del words[at:at + 2]
    return [word for word in words if word != "-c"]


def fingerprint(entry, options):
    """A hash of all that decides what clang-tidy says of a file, or None where it does not compile."""
    words = without_output(entry["command"])
    made = subprocess.run([*words, "-MM"], cwd=entry["directory"], capture_output=True, text=True)
    if made.returncode != 0:
        return None
    headers = made.stdout.replace("\\\n", " ").split()[1:]
    digest = hashlib.sha256(" ".join([*words, *options]).encode())
    for path in [project.ROOT / ".clang-tidy", *sorted(headers)]:
        digest.update((pathlib.Path(entry["directory"]) / path).read_bytes())
    return digest.hexdigest()


def tidy(entry, build, stamps, whole):
    """None, or what clang-tidy found."""
    options = options_for(entry["file"], whole)
    mark = fingerprint(entry, options)
    stamp = stamps / mark if mark else None
    if stamp and stamp.exists():
        return None
    done = subprocess.run(["clang-tidy-19", "--quiet", "-p", build, *options, entry["file"]],
                          capture_output=True, text=True)
    if done.returncode != 0:
        return done.stdout + done.stderr
    if stamp:
        stamp.touch()
    return None


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("build", type=pathlib.Path)
    arguments.add_argument("-j", type=int, default=2)
    arguments.add_argument("--whole", action="store_true", help="tests too, and the analyzer as far as it goes")
    options = arguments.parse_args()

    stamps = options.build / "tidy"
    stamps.mkdir(exist_ok=True)
    entries = [entry for entry in json.loads((options.build / "compile_commands.json").read_text())
               if not is_generated(entry["file"]) and (options.whole or not is_test(entry["file"]))]
    with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        looked_at = pool.map(lambda entry: tidy(entry, options.build, stamps, options.whole), entries)
        findings = [text for text in looked_at if text]
    for text in findings:
        print(text)
    print(f"clang-tidy: {len(entries)} files, {len(findings)} with findings")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()

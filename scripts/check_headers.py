"""Each header that a user may include compiles alone.

    check_headers.py BUILD [-j N] [--all]     BUILD: a configured tree with compile_commands.json
                                              --all: each of the library's headers, and the tool's
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys

import check_layers
import project

# A source whose flags serve for the headers below a folder.
MODELS = {"durability/": "durability/async/blocking_pool.cpp", "cli/": "cli/output.cpp"}
TESTS = "durability/base/bytes_test.cpp"  # for headers that only tests use


def command_of(build, source):
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if entry["file"].endswith("/" + source):
            words = shlex.split(entry["command"])
            return [word for word in words[:words.index("-o")] if "ccache" not in word], entry["directory"]
    sys.exit(f"check_headers.py: {source} is not in {build}/compile_commands.json")


def for_users():
    """What durability.hpp, async.hpp and formats.hpp include, they themselves, and the testing directories."""
    doors = {path for path in project.files(project.ROOT) if check_layers.PUBLIC.match(path)}
    return doors | {included for door in doors
                    for _, _, included in check_layers.includes((project.ROOT / door).read_text())}


def is_for_tests(header):
    return "test_support" in header or header.startswith("durability/storage/test_")


def compiles(header, command, directory):
    alone = command + ["-fsyntax-only", "-x", "c++", "-Wno-pragma-once-outside-header", str(project.ROOT / header)]
    return subprocess.run(alone, cwd=directory, capture_output=True, text=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("-j", type=int, default=os.cpu_count())
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    headers = [path for path in project.files(project.ROOT) if path.endswith(".hpp") and path.startswith(tuple(MODELS))]
    if not options.all:
        headers = [path for path in headers if path in for_users()]
    jobs = {}
    with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        for header in headers:
            model = TESTS if is_for_tests(header) else next(MODELS[top] for top in MODELS if header.startswith(top))
            jobs[header] = pool.submit(compiles, header, *command_of(options.build, model))
    bad = {header: job.result().stderr for header, job in jobs.items() if job.result().returncode != 0}
    for header, said in bad.items():
        print(f"{header} does not compile alone:\n{said}", file=sys.stderr)
    print(f"headers alone: {len(headers)}, {len(bad)} that do not compile")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()

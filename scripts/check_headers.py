"""Each header that a user may include compiles alone.

    check_headers.py BUILD [-j N] [--all]     BUILD: a configured tree with compile_commands.json
                                              --all: each of the library's headers, and the tool's
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

import check_layers
import project
import tidy

# A source whose flags serve for the headers below a folder.
MODELS = {"durability/": "durability/async/blocking_pool.cpp", "cli/": "cli/output.cpp"}
TESTS = "durability/base/bytes_test.cpp"  # for headers that only tests use


def command_of(commands, source):
    for entry in commands:
        if entry["file"] == str(project.ROOT / source):
            return [word for word in tidy.without_output(entry["command"]) if word != entry["file"]]
    sys.exit(f"check_headers.py: {source} is not in compile_commands.json")


def for_users(headers):
    """What durability.hpp, async.hpp and formats.hpp include, they themselves, and the testing directories."""
    doors = {path for path in headers if check_layers.PUBLIC.match(path)}
    rooms = {included for door in doors
             for _, _, included in check_layers.includes((project.ROOT / door).read_text())}
    return [path for path in headers if path in doors | rooms]


def model_of(header):
    is_for_tests = check_layers.IS_TEST.search(header.rpartition("/")[2])
    return TESTS if is_for_tests else next(model for top, model in MODELS.items() if header.startswith(top))


def compiles(header, command):
    alone = command + ["-fsyntax-only", "-x", "c++", "-Wno-pragma-once-outside-header", str(project.ROOT / header)]
    return subprocess.run(alone, capture_output=True, text=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("-j", type=int, default=os.cpu_count())
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    headers = [path for path in project.files(project.ROOT) if path.endswith(".hpp") and path.startswith(tuple(MODELS))]
    if not options.all:
        headers = for_users(headers)
    commands = json.loads((options.build / "compile_commands.json").read_text())
    command = {model: command_of(commands, model) for model in [*MODELS.values(), TESTS]}
    with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        done = dict(zip(headers, pool.map(lambda header: compiles(header, command[model_of(header)]), headers)))
    bad = {header: compiled.stderr for header, compiled in done.items() if compiled.returncode != 0}
    for header, said in bad.items():
        print(f"{header} does not compile alone:\n{said}", file=sys.stderr)
    print(f"headers alone: {len(headers)}, {len(bad)} that do not compile")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()

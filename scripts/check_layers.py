"""Includes follow the arrows between modules, which stand once: in the durability_module() lines of
CMakeLists.txt. All I/O goes through Directory. What stands outside the library sees its public headers."""

import re

import project

MODULE = re.compile(r"^[ \t]*durability_module\(\s*([\w/]+)(?:\s+DEPENDS\s+([\w/\s]+?))?\s*\)", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

# A unit test, or a header for tests only, may also use the fault-injecting directories, and may
# prepare and damage real files.
IS_TEST = re.compile(r"(^|_)test(_|\.|$)")

# The files that may talk to the operating system about files.
IO_FILES = re.compile(r"^durability/storage/(fs_\w+|system_calls)\.[ch]pp$")
IO_HEADERS = re.compile(
    r"^(fcntl|unistd|dirent|stdio|aio|liburing)\.h$|^(sys/(?!random\b)|linux/)\w+\.h$|^fstream$")
IO_CALLS = re.compile(  # <cstdio> is allowed for stderr
    r"\b(?:std::filesystem|fs)::(?!path\b)\w+|\bnamespace\s+\w+\s*=\s*std::filesystem\b"
    r"|\b(?:fopen|freopen|fdopen|tmpfile|fread|fwrite|std::rename)(?=\s*\()")

# What a program that uses the library may include: these, and what they lead to.
PUBLIC = re.compile(r"^durability/(durability|formats|async)\.hpp$|^durability/testing/\w+\.hpp$")
OUTSIDE = ("cli/", "examples/", "bench/", "tests/", "fuzz/")
# Compiles the library's own sources, for what its threads do to each other.
INSIDE = "tests/schedules/"


def reachable(start, edges):
    """Everything that arrows lead to from the names in start, start included."""
    seen = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(edges.get(name, ()))
    return seen


def includes(text):
    """(line number, bracket, path) of each #include."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := INCLUDE.match(line):
            yield number, found[1], found[2]


def arrows_of(root):
    """{module or layer: those it may use}, in the order of CMakeLists.txt."""
    text = (root / "CMakeLists.txt").read_text()
    return {name: depends.split() for name, depends in MODULE.findall(text)}


def module_of(path, arrows):
    """`walog/read` for durability/walog/read/scan.hpp where that is a layer with arrows of its own, else `walog`."""
    parts = path.split("/")
    layer = "/".join(parts[1:3])
    return layer if layer in arrows else parts[1]


def is_allowed(included, allowed, arrows, leads_to):
    """Whether a file whose module may use `allowed` may include that one. A header at the top of a module with
    layers is for every layer that may use all that it leads to: options, say."""
    module = module_of(included, arrows)
    if module in allowed:
        return True
    if not any(name.startswith(module + "/") for name in allowed):
        return False
    return {module_of(path, arrows) for path in reachable({included}, leads_to)} <= allowed | {module}


def check_module_file(path, text, arrows, leads_to):
    """A file of durability/<module>/: its includes and its I/O."""
    module = module_of(path, arrows)
    is_test = bool(IS_TEST.search(path.rpartition("/")[2]))
    allowed = reachable({module.split("/")[0], "testing"} if is_test else {module}, arrows)
    may_do_io = is_test or IO_FILES.match(path)
    if module not in arrows:
        yield f"{path}: module {module} is not in CMakeLists.txt"
    for number, bracket, included in includes(text):
        place = f"{path}:{number}: #include {included}"
        if bracket == "<":
            if IO_HEADERS.match(included) and not may_do_io:
                yield f"{place}: all I/O goes through Directory"
            if included.startswith("durability/"):
                yield f'{place}: the project\'s own headers stand between ""'
        elif not included.startswith("durability/"):
            yield f'{place}: write "durability/<module>/<file>.hpp"'
        elif not is_allowed(included, allowed, arrows, leads_to):
            yield f"{place}: against the arrows; {module} may use {', '.join(sorted(allowed))}"
    if not may_do_io:
        for number, line in enumerate(text.splitlines(), 1):
            if found := IO_CALLS.search(line.split("//")[0]):
                yield f"{path}:{number}: {found.group()}: all I/O goes through Directory"


def check(root):
    paths = [path for path in project.files(root) if path.endswith((".cpp", ".hpp"))]
    texts = {path: (root / path).read_text() for path in paths}
    arrows = arrows_of(root)
    if not arrows:
        yield "CMakeLists.txt: no durability_module() line"

    leads_to = {path: {included for _, _, included in includes(text) if included in texts}
                for path, text in texts.items()}
    public = reachable({path for path in paths if PUBLIC.match(path)}, leads_to)

    for path, text in texts.items():
        if path.startswith("durability/") and path.count("/") > 1:
            yield from check_module_file(path, text, arrows, leads_to)
        elif path.startswith(OUTSIDE) and not path.startswith(INSIDE):
            for number, _, included in includes(text):
                if included.startswith("durability/") and included not in public:
                    yield f"{path}:{number}: #include {included}: not reached from a public header"


if __name__ == "__main__":
    project.run(check)

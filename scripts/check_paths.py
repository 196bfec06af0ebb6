"""A path that a comment or a document names is there: of the project, of durability/, or beside it."""

import re

import project

# With a folder: `walog/read/scan.hpp`, `docs/formats.md`. Names alone are too often an example's.
PATH = re.compile(r"(?<![\w./<$*{-])((?:[\w-]+/)+[\w-]+\.(?:hpp|cpp|py|md|sh|txt|json|cmake))\b")
TEXT = (".cpp", ".hpp", ".py", ".sh", ".cmake", ".md", "Makefile", "CMakeLists.txt")
# What the checks' own tests plant, and pictures of other projects.
EXAMPLES = ("tests/layering/", "tests/docs/", "docs/benchmarks/", "CHANGELOG.md")
COMMENT = re.compile(r"(?://|#(?!include)).*")


def said(path, line):
    """What the line says to its reader."""
    if path.endswith(".md"):
        return line
    found = COMMENT.search(line)
    return found.group() if found else ""


def check(root):
    paths = set(project.files(root))
    tops = {path.split("/")[0] for path in paths if "/" in path}
    modules = {path.split("/")[1] for path in paths if path.startswith("durability/") and path.count("/") > 1}
    for path in sorted(paths):
        if not path.endswith(TEXT) or path.startswith(EXAMPLES):
            continue
        beside = path.rpartition("/")[0]
        for number, line in enumerate((root / path).read_text().splitlines(), 1):
            for found in PATH.finditer(said(path, line)):
                named = found[1]
                if named.split("/")[0] not in tops | modules:
                    continue
                if not {named, f"durability/{named}", f"{beside}/{named}"} & paths:
                    yield f"{path}:{number}: there is no {named}"


if __name__ == "__main__":
    project.run(check)

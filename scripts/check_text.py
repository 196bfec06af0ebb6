"""What must not stand in a file of the project: paths of one machine, hosts of package registries, things
outside the project, and labels of cases (a letter and a number) that docs/histories.md does not explain. Lock
files of package managers are not tracked."""

import re

import project

FORBIDDEN = {
    "a path of somebody's machine": re.compile(r"(?<![\w.])/(?:work|root|home)/"),
    "a package registry's host": re.compile(
        r"\b(?:crates\.io|docs\.rs|pypi\.org|pythonhosted\.org|debian\.org|ubuntu\.com|npmjs\.(?:com|org)"
        r"|rubygems\.org|proxy\.golang\.org|conan\.io|docker\.io)\b"),
    "a reference to something outside the project": re.compile(r"\.\./shared\b"),
}
HISTORIES = "docs/histories.md"
LABEL = re.compile(r"\b[CFVIRSXPLWGK][0-9]{1,2}\b")
ROW = re.compile(r"^\| ([A-Z][0-9]{1,2}) \|", re.MULTILINE)
WITH_LABELS = re.compile(r"\.(?:cpp|hpp|rs|py|sh|md|txt|cmake|yml|toml)$|(?:^|/)Makefile$")
OTHER_NAMES = ("bench/", "docs/benchmarks", "tests/vectors/")  # of workloads, and data
LOCK_FILES = {
    "Cargo.lock", "Gemfile.lock", "Pipfile.lock", "composer.lock", "conan.lock", "flake.lock", "go.sum",
    "package-lock.json", "pnpm-lock.yaml", "poetry.lock", "uv.lock", "yarn.lock",
}


def explained(root):
    """The labels that have a row in docs/histories.md."""
    page = root / HISTORIES
    return set(ROW.findall(page.read_text())) if page.is_file() else set()


def check(root):
    known = explained(root)
    for path in project.files(root):
        if path.rpartition("/")[2] in LOCK_FILES:
            yield f"{path}: a lock file; leave it untracked"
        contents = (root / path).read_bytes()
        if b"\0" in contents:
            continue  # data
        labels = LABEL if WITH_LABELS.search(path) and not path.startswith(OTHER_NAMES) else None
        for number, line in enumerate(contents.decode(errors="replace").splitlines(), 1):
            for label in sorted(set(labels.findall(line)) - known if labels else ()):
                yield f"{path}:{number}: {label}: a label without a row in {HISTORIES}"
            for what, pattern in FORBIDDEN.items():
                if found := pattern.search(line):
                    yield f"{path}:{number}: {found.group()}: {what}"


if __name__ == "__main__":
    project.run(check)

"""What must not stand in a file of the project: paths of one machine, hosts of package registries, and
things outside the project. Lock files of package managers are not tracked."""

import re

import project

FORBIDDEN = {
    "a path of somebody's machine": re.compile(r"(?<![\w.])/(?:work|root|home)/"),
    "a package registry's host": re.compile(
        r"\b(?:crates\.io|docs\.rs|pypi\.org|pythonhosted\.org|debian\.org|ubuntu\.com|npmjs\.(?:com|org)"
        r"|rubygems\.org|proxy\.golang\.org|conan\.io|docker\.io)\b"),
    "a reference to something outside the project": re.compile(r"\.\./shared\b"),
}
LOCK_FILES = {
    "Cargo.lock", "Gemfile.lock", "Pipfile.lock", "composer.lock", "conan.lock", "flake.lock", "go.sum",
    "package-lock.json", "pnpm-lock.yaml", "poetry.lock", "uv.lock", "yarn.lock",
}


def check(root):
    for path in project.files(root):
        if path.rpartition("/")[2] in LOCK_FILES:
            yield f"{path}: a lock file; leave it untracked"
        contents = (root / path).read_bytes()
        if b"\0" in contents:
            continue  # data
        for number, line in enumerate(contents.decode(errors="replace").splitlines(), 1):
            for what, pattern in FORBIDDEN.items():
                if found := pattern.search(line):
                    yield f"{path}:{number}: {found.group()}: {what}"


if __name__ == "__main__":
    project.run(check)

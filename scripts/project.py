"""What the checks have in common: the files of the project, and how a check ends."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def files(root):
    """Paths below root, relative and with '/', of all files that git tracks or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root, check=True, capture_output=True, text=True).stdout
    return sorted(path for path in set(listed.split("\0")) if path and (root / path).is_file())


def run(check):
    """Runs check(root), which yields a line for each violation, and ends the program: 1 if there is one."""
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    violations = list(check(root))
    for violation in violations:
        print(violation, file=sys.stderr)
    sys.exit(1 if violations else 0)

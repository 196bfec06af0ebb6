"""Files stay small: one of more than 300 lines asks to be two (said), one of more than 500 fails."""

import project

ASKS = 300
FAILS = 500
CODE = (".cpp", ".hpp", ".py", ".sh", ".cmake", ".rs", "CMakeLists.txt", "Makefile")


def check(root):
    for path in project.files(root):
        if not path.endswith(CODE):
            continue
        lines = (root / path).read_bytes().count(b"\n")
        if lines > FAILS:
            yield f"{path}: {lines} lines; the limit is {FAILS}"
        elif lines > ASKS:
            print(f"{path}: {lines} lines; past {ASKS} a file asks to be two")


if __name__ == "__main__":
    project.run(check)

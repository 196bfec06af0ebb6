"""Draws the modules and their layers as the #include lines are, for docs/architecture.md.

    draw_modules.py            fails where the picture in docs/architecture.md is not what the sources say
    draw_modules.py --write    puts it there
"""

import re
import sys

import check_layers
import project

PAGE = "docs/architecture.md"
PICTURE = re.compile(r"(?<=```mermaid\n).*?(?=```)", re.DOTALL)


def uses(root):
    """{module or layer: those whose headers its sources include}, tests left out."""
    paths = [path for path in project.files(root)
             if re.match(r"durability/\w+/.*\.[ch]pp$", path) and not check_layers.IS_TEST.search(path.rpartition("/")[2])]
    arrows = check_layers.arrows_of(root)
    used = {name: set() for name in arrows}
    for path in paths:
        module = check_layers.module_of(path, arrows)
        for _, _, included in check_layers.includes((root / path).read_text()):
            if included.startswith("durability/"):
                used[module].add(check_layers.module_of(included, arrows))
    # A layer includes options from the top of its module; the module stands on its layers all the same.
    return {name: {other for other in others if other != name and not name.startswith(other + "/")}
            for name, others in used.items()}


def node(name):
    return name.replace("/", "_")


def picture(used):
    lines = ["graph BT"] + [f'  {node(name)}["{name}"]' for name in used]
    for name, others in used.items():
        further = check_layers.reachable(set().union(*(used[other] for other in others)), used)
        lines += [f"  {node(name)} --> {node(other)}" for other in used if other in others - further]
    return "\n".join(lines) + "\n"


def write(root):
    page = root / PAGE
    page.write_text(PICTURE.sub(picture(uses(root)), page.read_text()))


def check(root):
    drawn = PICTURE.search((root / PAGE).read_text())
    if not drawn or drawn[0] != picture(uses(root)):
        yield f"{PAGE}: the picture of the modules is not what the sources say (scripts/draw_modules.py --write)"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write(project.ROOT)
    else:
        project.run(check)

"""Nothing lies about unused: each file is compiled, included, run or named by another one, and each name that a header
declares is used in a file that includes the header, or in the code of a page.

A use is told by its text: the word, where it isn't declared, and outside of what it names. Of a function: it is called,
or named as a member, or handed on, by name alone or with `&`.
"""

import collections
import pathlib
import posixpath
import re

import check_layers
import declarations
import project

# Who uses these is no part of the project.
USED_FROM_OUTSIDE = {
    "execute": "Asio, of an executor",
    "PrintTo": "GoogleTest",
    "caught": "the runtime: the layout is its own",
    "uncaught": "the runtime: the layout is its own",
}
DATA = re.compile(r"tests/(vectors/|golden/\w+\.txt)")  # golden_test.cpp looks for pages that it does not make
NAMED = (".py", ".sh", ".txt", ".cmake", ".dict")  # but CMakeLists.txt, of which folders are named
NAMES = (".md", ".py", ".sh", ".cmake", "CMakeLists.txt", "Makefile", ".ci/run")
HEADER_OF_MACRO = re.compile(r'(\w+)="([\w/]+\.hpp)"')  # in CMake: target_compile_definitions
MACRO_INCLUDED = re.compile(r"^#\s*include\s+(\w+)", re.MULTILINE)
IMPORTED = re.compile(r"^\s*(?:import|from) (\w+)", re.MULTILINE)
CODE_IN_PAGE = re.compile(r"^```cpp(.*?)^```|^```.*?^```|`([^`\n]+)`", re.DOTALL | re.MULTILINE)


def is_for_tests(path):
    return not path.startswith(("durability/", "cli/")) or path.startswith("durability/testing/") or \
        bool(check_layers.IS_TEST.search(posixpath.basename(path)))


def headers_included(texts):
    """{file: the project's headers that it includes}: from the top, from beside it, or on another path of CMake's."""
    by_name = collections.defaultdict(list)
    for path in texts:
        by_name[posixpath.basename(path)].append(path)
    macros = {macro: header for path, text in texts.items() if path.endswith("CMakeLists.txt")
              for macro, header in HEADER_OF_MACRO.findall(text)}
    found = {}
    for path, text in texts.items():
        if path.endswith((".cpp", ".hpp")):
            named = [name for _, _, name in check_layers.includes(text)]
            named += [macros[macro] for macro in MACRO_INCLUDED.findall(text) if macro in macros]
            found[path] = set()
            for name in named:
                beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
                others = [other for other in by_name[posixpath.basename(name)] if other.endswith("/" + name)]
                found[path].update([beside] if beside in texts else [name] if name in texts else others)
    return found


class Lists:
    """What a CMakeLists.txt lists: files by name, by a variable's values, by a pattern."""

    def __init__(self, text):
        text = re.sub(r"#.*", "", text).replace("${CMAKE_CURRENT_SOURCE_DIR}/", "")
        self.words = set(re.findall(r'[^\s()";]+', text))

    def names(self, path):
        if path in self.words:
            return True
        for word in self.words:
            if "*" in word:
                pattern = re.sub(r"\$\{\w+\}", "*", word)
                if pattern.count("/") == path.count("/") and pathlib.PurePosixPath(path).match(pattern):
                    return True
            elif "${" in word:
                pattern = r"([\w.]+)".join(map(re.escape, re.split(r"\$\{\w+\}", word)))
                if (found := re.fullmatch(pattern, path)) and self.words.issuperset(found.groups()):
                    return True
        return False


def is_listed(path, lists):
    """By the CMakeLists.txt beside the file or above it; one of them is listed as its folder."""
    path = path.removesuffix("/CMakeLists.txt")
    folder = posixpath.dirname(path)
    while folder and folder not in lists:
        folder = posixpath.dirname(folder)
    return folder in lists and lists[folder].names(posixpath.relpath(path, folder or "."))


def unused_files(texts, included, arrows):
    lists = {posixpath.dirname(path): Lists(text) for path, text in texts.items() if path.endswith("CMakeLists.txt")}
    words = {path: set(re.findall(r"[\w.]+", text)) | {f"{module}.py" for module in IMPORTED.findall(text)}
             for path, text in texts.items() if path.endswith(NAMES) and path != "CHANGELOG.md"}
    includers = collections.defaultdict(list)
    for path, headers in included.items():
        for header in headers:
            includers[header].append(path)
    for path in texts:
        name = posixpath.basename(path)
        if path.endswith(".hpp"):
            own = path.replace(".hpp", ".cpp")
            others = [other for other in includers[path] if other != own or "int main(" in texts[own]]
            may_be_tests = is_for_tests(path) or check_layers.PUBLIC.match(path)
            if not any(may_be_tests or not is_for_tests(other) for other in others):
                only = "only a test" if others else "only its own source" if includers[path] else "nothing"
                yield f"{path}: {only} includes it"
        elif path.endswith(".cpp") and path.startswith("durability/"):
            if posixpath.dirname(path).partition("/")[2] not in arrows:
                yield f"{path}: its folder is no durability_module()"
        elif path.endswith((".cpp", "/CMakeLists.txt")):
            if not is_listed(path, lists):
                yield f"{path}: no CMakeLists.txt lists it"
        elif path.endswith(NAMED) and "/" in path and not is_listed(path, lists):
            if not any(name in found for other, found in words.items() if other != path):
                yield f"{path}: nothing names it"


def uses_in(parsed):
    """(name, whether it may be a function) where a file uses it."""
    own, places = collections.defaultdict(list), set()
    for declared in parsed.found:
        own[declared.name].append((declared.begin, declared.end))
        places.add(declared.at)
    tokens = parsed.tokens
    for at in range(len(parsed.lines)):
        name, before = tokens[at], tokens[at - 1]
        if at in places or not declarations.WORD.match(name):
            continue
        is_others = before in (".", "->", "::") and tokens[at - 2] != "this"
        if is_others or not any(begin <= at < end for begin, end in own.get(name, ())):
            after = tokens[at + 1]
            is_handed_on = before in ("(", ",", "{", "=") and after in (")", ",", "}", ";")
            yield name, after in ("(", "<") or before in (".", "->", "::", "&") or is_handed_on


def unused_declarations(texts, included):
    def may_use(user, path):
        """The last two: for a template, which asks of its argument what it does not include."""
        return path in reached[user] or user in reached[path] or user.split("/")[:2] == path.split("/")[:2]

    parsed = {path: declarations.Declarations(texts[path]) for path in included}
    used = collections.defaultdict(set)  # (name, whether as a function) -> files
    for path, file in parsed.items():
        for name, as_function in uses_in(file):
            used[name, False].add(path)
            if as_function:
                used[name, True].add(path)
    in_pages = {word for path, text in texts.items() if path.endswith(".md") and path != "CHANGELOG.md"
                for codes in CODE_IN_PAGE.findall(text) for word in declarations.WORD.findall(" ".join(codes))}
    reached = {path: check_layers.reachable({path}, included) for path in included}
    for path, file in parsed.items():
        if path.endswith(".hpp"):
            for declared in file.found:
                name = declared.name
                if declared.is_new and name not in USED_FROM_OUTSIDE and name not in in_pages and \
                        not any(may_use(user, path) for user in used[name, declared.is_function]):
                    yield f"{path}:{file.lines[declared.at]}: nothing uses {name}"


def check(root):
    texts = {path: (root / path).read_text() for path in project.files(root)
             if path.endswith((".cpp", ".hpp", *NAMED, *NAMES)) and not DATA.match(path)}
    included = headers_included(texts)
    yield from unused_files(texts, included, check_layers.arrows_of(root))
    yield from unused_declarations(texts, included)


if __name__ == "__main__":
    project.run(check)

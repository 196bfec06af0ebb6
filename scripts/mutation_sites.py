"""The places at which the library syncs, renames, removes, truncates, poisons, wakes others, sets a flag or
guards one, each with a number, and the same sources with a switch at each of them.

A site is a call, found by its name, or a flag that is set; its mutant does nothing and says that it succeeded
(a poison that is taken out hands its error on and poisons nothing; what a latch watches is done unwatched). A
guard is what a destructor does on every way out; its mutant does nothing where an exception is that way. A
pair is two statements, one directly after the other, that each touch the disk or wait for it; its mutant runs
them the other way round. The sources stay as they are: the switches are in copies below the build directory,
which are compiled in place of the originals.
"""

import re

MODULES = ("base", "storage", "walog", "checkpoint", "recover", "publish", "segment_index", "recordlog", "async")
# Memory directories sync nothing; the headers for tests are no part of the library.
LEFT_OUT = re.compile(r"(_test\.cpp|/memory_\w+\.[ch]pp|/test_\w+\.hpp|_test_support\.hpp|/sync_gate\.hpp)$")

SYNC = ("sync|sync_data|sync_all|sync_directory|do_sync_directory|sync_where_stable|sync_nearest_parent|"
        "sync_segment|sync_seal|flush_and_sync|sync_leftovers|wait|wait_for_seal|finish_segment|finish_log|write_mark")
NAMES = ("rename|do_rename|rename_durable|renameat|remove|do_remove_file|do_remove_empty_directory|remove_durable|"
         "remove_tree|remove_temporaries|remove_temporaries_of|remove_if_file|discard_temporary|unlinkat")
SIZES = "truncate|ftruncate|cut_short_padding|truncate_prefix"
WAKE = "notify_one|notify_all|wake|release|give_back|end_publication"
WATCH = "watch|watch_exceptions"
CALL = re.compile(rf"\b({SYNC}|{NAMES}|{SIZES}|{WAKE}|{WATCH}|poison|poison_on_error|fail|finish(?=\(\)))\(")
# What is under way, closing, idle: where it is set, not where it is declared.
FLAG = re.compile(r"(?<=[{;)\n])[ \n]*\b((?:(?:\w+(?:\.|->))+\w+|\w+_)(?: = (?:true|false)(?=;)|\.store\(true[^)]*\)))")
GUARD = re.compile(r"~(UnderWay|Leading|Leadership|AllTold|Closing|Ending|Armed|Dropped|Use|Publication|ForksWait|"
                   r"ParentsFd|Staged)\(\)[ \w()]*\{")
# A statement that fits on a line, and is worth being out of its order.
STATEMENT = re.compile(r"^ *(?:if \([\w().!]+\) )?(?:DURABILITY_TRY\((?P<tried>.*)\)|return (?P<returned>.*));$")
TOUCHES_DISK = re.compile(rf"\b({SYNC}|{NAMES}|{SIZES}|flush_segment|write_at|append|preallocate|seal_segment|"
                          r"write_through|flush|write_durable|atomic_write|write_record|create_directories|"
                          r"replace_by_copy|write_copy|copy_what_is_replaced|write_zeros|check(?=\([^ ])|close)\(")


def kind_of(name):
    for kind, names in (("sync", SYNC), ("name", NAMES), ("size", SIZES), ("wake", WAKE), ("flag", "flag"),
                        ("guard", "guard")):
        if name in names.split("|"):
            return kind
    return "sync" if name == "finish" else "poison"


def without_comments_and_strings(text):
    """The same text, as long, with blanks for what is no code."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\''
    return re.sub(pattern, lambda found: re.sub(r"[^\n]", " ", found.group()), text, flags=re.S)


def matching(code, open_at):
    """Where the bracket at open_at is closed."""
    depth = 0
    for at in range(open_at, len(code)):
        depth += (code[at] in "([{") - (code[at] in ")]}")
        if depth == 0:
            return at
    raise ValueError("a bracket without its counterpart")


def start_of_expression(code, at):
    """Where `a.b()->c[1]::` before a name begins."""
    while True:
        before = code[:at]
        if before.endswith(("->", "::")):
            at -= 2
        elif before.endswith("."):
            at -= 1
        elif before and before[-1] in ")]" and code[at:at + 1] in (".", "-", "(", "["):
            depth = 0
            while True:
                at -= 1
                depth += (code[at] in ")]") - (code[at] in "([")
                if depth == 0:
                    break
        elif before and (before[-1].isalnum() or before[-1] == "_") and not (
                code[at].isalnum() or code[at] in "_ "):
            at -= len(re.search(r"\w+$", before).group())
        else:
            return at


def is_call(code, start):
    """Not a declaration, before which stands a type."""
    before = code[:start].rstrip()
    word = re.search(r"[\w>&*]+$", before)
    return word is None or word.group() in ("return", "else") or word.group().endswith(("&&",))


def calls(text):
    """(begin, end, name, mutated text) of each site that is a call or a poison."""
    code = without_comments_and_strings(text)
    for found in CALL.finditer(code):
        begin = start_of_expression(code, found.start())
        if not is_call(code, begin):
            continue
        end = matching(code, found.end() - 1) + 1
        expression, argument = text[begin:end], text[found.end():end - 1]
        if found[1] == "wait" and not re.search(r",\s*\[", argument):
            continue  # until there is something to do, not for a sync
        if found[1] == "flush_and_sync" and not code[:begin].endswith("DURABILITY_TRY("):
            continue  # yields an id that only a sync can give
        if found[1] == "release" and not argument.startswith("lock"):
            continue  # of a pointer, or of a list of those who wait
        instead = argument if found[1].startswith("poison") else f"decltype({expression})()"
        if found[1] in WATCH.split("|"):
            instead = f"({argument})()"
        yield begin, end, found[1], "Status()" if found[1] == "flush_and_sync" else instead
    for found in FLAG.finditer(code):
        yield found.start(1), found.end(1), "flag", None
    for found in GUARD.finditer(code):
        yield found.end(), found.end(), "guard", None


def pairs(text):
    """(index of the first line, its two mutated lines) of each pair."""
    lines = without_comments_and_strings(text).split("\n")
    originals = text.split("\n")
    for i in range(len(lines) - 1):
        first, second = STATEMENT.match(lines[i]), STATEMENT.match(lines[i + 1])
        if not first or not second or first["tried"] is None:
            continue
        if not TOUCHES_DISK.search(lines[i]) or not TOUCHES_DISK.search(lines[i + 1]):
            continue
        if second["returned"] is None:
            yield i, f"{originals[i + 1]} {originals[i]}"
        elif first["tried"] and "?" not in second["returned"] and not lines[i].lstrip().startswith("if"):
            tried = originals[i][first.start("tried"):first.end("tried")]
            returned = originals[i + 1][second.start("returned"):second.end("returned")]
            yield i, f"DURABILITY_TRY({returned}); return {tried};"


class Numbering:
    """Numbers sites, and says what each is."""

    def __init__(self):
        self.sites = []

    def add(self, path, line, kind, text):
        self.sites.append({"number": len(self.sites) + 1, "file": path, "line": line, "kind": kind,
                           "text": " ".join(text.split())})
        return self.sites[-1]["number"]


def is_any(numbers):
    return "(" + " || ".join(f"::durability::mutants::is({number})" for number in numbers) + ")"


def mutated(path, text, numbering):
    """The text with a switch at each site."""
    replacements = []  # (begin, end, opening, closing)
    for begin, end, name, instead in calls(text):
        shown = text[begin:end] or text[text.rindex("~", 0, begin):begin - 2]
        number = numbering.add(path, text.count("\n", 0, begin) + 1, kind_of(name), shown)
        if name == "guard":
            replacements.append((begin, end, f" if ({is_any([number])} && std::uncaught_exceptions() > 0) return; ", ""))
        elif instead is None:
            replacements.append((begin, end, f"static_cast<void>({is_any([number])} || ((", "), true))"))
        else:
            as_status = "::durability::mutants::status_of" if instead == "Status()" else ""
            replacements.append((begin, end, f"({is_any([number])} ? {instead} : {as_status}(", "))"))
    pairs_by_line = {}
    for index, swapped in pairs(text):
        lines = text.split("\n")
        number = numbering.add(path, index + 1, "order", f"{lines[index].strip()} {lines[index + 1].strip()}")
        pairs_by_line[index] = (number, swapped.strip())
    marks = [""] * (len(text) + 1)
    for begin, end, opening, closing in sorted(replacements):
        marks[begin] += opening
        marks[end] = closing + marks[end]
    result, index = [], 0
    for line in text.split("\n"):
        begin = index
        index += len(line) + 1
        number = len(result)
        changed = "".join(marks[begin + at] + line[at] for at in range(len(line))) + marks[begin + len(line)]
        skipped = [pairs_by_line[at][0] for at in (number - 1, number) if at in pairs_by_line]
        if skipped:
            changed = f"if (!{is_any(skipped)}) {{ {changed} }}"
        if number in pairs_by_line:
            one, swapped = pairs_by_line[number]
            changed = f"if ({is_any([one])}) {{ {swapped} }} {changed}"
        result.append(changed)
    return "\n".join(result)

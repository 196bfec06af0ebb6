"""What a C++ file declares outside of functions, read from its text: as much of the grammar as this project uses."""

import collections
import re

TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])+\''
                   r"|^[ \t]*#(?:\\\n|[^\n])*|operator\b(?:\(\)|\[\]|[^\w\s(;]+)?"
                   r"|[A-Za-z_]\w*|\d[\w.']*|::|->|\S", re.DOTALL | re.MULTILINE)
DIRECTIVE = re.compile(r"\s*#\s*(define|include|)\s*(\w*)")
WORD = re.compile(r"[A-Za-z_]\w*")
STRING = '""'
CLASSES = ("class", "struct", "union")
CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}
# What may stand before a constructor's name, or a macro's; before a function's stands its type.
SPECIFIERS = {"explicit", "constexpr", "inline", "static"}
# What takes parentheses, and is no function's name.
NO_NAMES = {"requires", "decltype", "noexcept", "alignas", "explicit"}
# What thread_annotations.hpp says of a declaration is no part of it.
ANNOTATION = re.compile(r"DURABILITY_(SCOPED_)?CAPABILITY|DURABILITY_(PT_)?GUARDED_BY"
                        r"|DURABILITY_(REQUIRES|ACQUIRE|RELEASE|NO_ANALYSIS)")

# `name` stands at token `at`; all of it, with its body, is begin..end. `is_new`: neither an override, nor the
# definition of what was declared before, nor the mention of a class there.
Declaration = collections.namedtuple("Declaration", "name at begin end is_new is_function")


def tokens_of(text):
    """(token, line) of each. All strings are the empty one, all operators `operator`. A directive is `#` or `#define`,
    what follows, and `#end`."""
    line, last = 1, 0
    for match in TOKEN.finditer(text):
        token = match.group()
        line += text.count("\n", last, match.start())
        last = match.start()
        if token.lstrip(" \t").startswith("#"):
            directive = DIRECTIVE.match(token)
            yield ("#define" if directive[1] == "define" else "#"), line
            rest = token[directive.start(2):] if directive[1] != "include" or directive[2] else ""
            yield from ((inner, line) for inner, _ in tokens_of(re.sub(r"#|\\\n", " ", rest)))
            yield "#end", line
        elif token[0] in "\"'" or token.startswith('R"'):
            yield STRING, line
        elif not token.startswith(("//", "/*")):
            yield "operator" if token.startswith("operator") and not WORD.fullmatch(token) else token, line


class Declarations:
    def __init__(self, text):
        pairs = list(tokens_of(text))
        self.lines = [line for _, line in pairs]
        # What is looked at past the end is the end of something.
        self.tokens = [token for token, _ in pairs] + ["}", "}"]
        self.found = []
        self.scope(0, None)

    def declare(self, name, begin, end, is_new=True, is_function=False):
        self.found.append(Declaration(self.tokens[name], name, begin, end, is_new, is_function))

    def past_bracket(self, at):
        opening, depth = self.tokens[at], 0
        while at < len(self.tokens):
            token = self.tokens[at]
            if opening == "<" and token in "([{":
                at = self.past_bracket(at)
                continue
            depth += (token == opening) - (token == CLOSING[opening])
            at += 1
            if depth == 0 or (opening == "<" and token == ";"):  # `a < b`
                break
        return min(at, len(self.tokens) - 1)

    def find(self, at, *ends):
        """The first of these tokens that is in no bracket."""
        while at < len(self.tokens) - 1 and self.tokens[at] not in ends:
            at = self.past_bracket(at) if self.tokens[at] in ("(", "[", "{") else at + 1
        return at

    def past_directive(self, at):
        return self.tokens.index("#end", at) + 1

    def past_function(self, at):
        """After a body, or after the `;` of what has none. A constructor's members come before a body."""
        at = self.find(at, "{", ";", ":")
        members = self.tokens[at] == ":"
        at = self.find(at, "{", ";")
        while members and self.tokens[at] == "{" and self.tokens[at - 1] not in (")", "}"):
            at = self.find(self.past_bracket(at), "{", ";")
        return self.past_bracket(at) if self.tokens[at] == "{" else at + 1

    def scope(self, at, class_name):
        """What a namespace or a class declares, to its closing brace; returns what is after it."""
        while at < len(self.tokens):
            token = self.tokens[at]
            if token == "}":
                return at + 1
            if token == "#define":
                end = self.past_directive(at)
                self.declare(at + 1, at, end)
                at = end
            elif token == "#":
                at = self.past_directive(at)
            elif token in ("public", "private", "protected"):
                at += 2
            elif WORD.match(token) or token in ("[", "~"):
                at = self.statement(at, class_name)
            else:
                at += 1
        return at

    def statement(self, begin, class_name):
        at, head = begin, []  # the places of what is in no bracket, up to a body, a value, or the end
        while self.tokens[at] not in (";", "{", "=", "}", ":"):
            token = self.tokens[at]
            if token in ("#", "#define"):
                at = self.past_directive(at)
                continue
            if ANNOTATION.fullmatch(token):
                at = self.past_bracket(at + 1) if self.tokens[at + 1] == "(" else at + 1
                continue
            if token != "[":
                head.append(at)
            at = self.past_bracket(at) if token in ("(", "[", "<") else at + 1
        while [self.tokens[place] for place in head[:2]] == ["template", "<"]:
            head = head[2:]
        words = [self.tokens[place] for place in head] or [""]
        if words[0] == "requires" and (classes := [place for place, word in enumerate(words) if word in CLASSES]):
            head, words = head[classes[0]:], words[classes[0]:]
        if words[0] == "namespace" or words == ["extern", STRING]:
            return self.scope(at + 1, None) if self.tokens[at] == "{" else self.find(at, ";") + 1
        if words[0] in ("using", "concept"):
            end = self.find(at, ";")
            if self.tokens[at] == "=":
                self.declare(head[1], begin, end)
            return end + 1
        if words[0] == "friend":
            if words[1] in CLASSES:
                self.declare(head[-1], begin, at, is_new=False)
            return self.past_function(at)
        if words[0] == "enum":
            return self.enumeration(begin, at, head)
        if words[0] in CLASSES and "(" not in words:
            return self.class_or_its_object(begin, at, head)
        return self.function_or_variable(begin, at, head, class_name)

    def enumeration(self, begin, at, head):
        at = self.find(at, "{", ";")
        end = self.past_bracket(at) if self.tokens[at] == "{" else at
        names = [place for place in head[1:] if self.tokens[place] not in CLASSES]
        if names:
            self.declare(names[0], begin, end)
        at += 1
        while at < end - 1:
            next_one = self.find(at, ",", "}")
            self.declare(at, at, next_one)
            at = next_one + 1
        return end

    def class_or_its_object(self, begin, at, head):
        at = self.find(at, "{", ";", "=")
        names = [place for place in head[1:] if WORD.match(self.tokens[place]) and self.tokens[place] != "final"]
        end = self.scope(at + 1, self.tokens[names[-1]] if names else None) if self.tokens[at] == "{" else at
        if names:  # a specialisation is no new class
            self.declare(names[-1], begin, end, is_new="<" not in [self.tokens[place] for place in head])
        return end

    def function_or_variable(self, begin, at, head, class_name):
        words = [self.tokens[place] for place in head]
        is_operator = "operator" in words
        calls = [place - 1 for place in range(1, len(words))
                 if words[place] == "(" and WORD.match(words[place - 1]) and words[place - 1] not in NO_NAMES]
        if not is_operator and not calls:
            end = self.find(at, ";")
            names = [place for place in head if WORD.match(self.tokens[place])]
            if len(names) > 1:
                self.declare(names[-1], begin, end)
            return end + 1
        end = self.past_function(at)
        name = words.index("operator") if is_operator else calls[0]
        first = name
        while first >= 2 and words[first - 1] == "::":  # `Class::name`, `Class<T>::name`
            first -= 3 if words[first - 2] == "<" else 2
            self.declare(head[first], begin, end, is_new=False)
        has_type = any(word not in SPECIFIERS for word in words[:first])
        if has_type and not is_operator and words[name] != class_name and words[name - 1] != "~":
            is_new = first == name and not {"override", "final"} & set(words)
            self.declare(head[name], begin, end, is_new, is_function=True)
        return end

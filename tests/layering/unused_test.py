"""check_unused.py passes a small project in which all is used, and fails on each kind of thing that is not."""

import unittest

import checks_test

HEADER = "durability/base/size.hpp"
SOURCE = "durability/base/size.cpp"
USED = {
    "CMakeLists.txt": """
        durability_module(base)
        add_subdirectory(cli)
        add_subdirectory(examples)
        add_subdirectory(tests)
        """,
    "cli/CMakeLists.txt": "file(GLOB sources ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)\n",
    "examples/CMakeLists.txt": """
        foreach(example quick slow)
          add_executable(${example} ${example}.cpp)
        endforeach()
        """,
    "tests/CMakeLists.txt": """
        file(GLOB areas ${CMAKE_CURRENT_SOURCE_DIR}/*)
        file(GLOB sources ${area}/*.cpp)
        """,
    "Makefile": "check:\n\tpython3 scripts/check.py\n",
    "scripts/check.py": "import helper\n",
    "scripts/helper.py": "",
    HEADER: """#define TWICE(x) ((x) * 2)
struct Size {
  int bytes() const;
  int blocks_ = 0;
};
""",
    SOURCE: f'#include "{HEADER}"\nint Size::bytes() const {{ return TWICE(blocks_); }}\n',
    "durability/base/watch_test_support.hpp": "inline int watched() { return 1; }\n",
    "durability/base/size_test.cpp": '#include "durability/base/watch_test_support.hpp"\nint all = watched();\n',
    "cli/main.cpp": f'#include "{HEADER}"\nint main() {{ return Size().bytes(); }}\n',
    "examples/quick.cpp": "int main() {}\n",
    "tests/crash/kill_test.cpp": "",
    "docs/tour.md": "",
}
LATER = {
    "a declaration": "int lost();",
    "a definition": "inline int lost() { return 0; }",
    "a function that only calls itself": "inline int lost(int n) { return n > 0 ? lost(n - 1) : 0; }  // lost()",
    "a template": "template <class T>\n  requires(sizeof(T) > 1)\n[[nodiscard]] T lost(T t);",
    "a macro": "#define lost(x) x",
    "a class": "struct lost {\n  lost() = default;\n  lost(const lost&) = delete;\n};",
    "a class that is told of": "class lost;",
    "a class with an annotation": 'class DURABILITY_CAPABILITY("mutex") lost {};',
    "a type": "using lost = int;",
    "an enumeration": "enum class lost : unsigned char {};",
    "an enumerator": "enum { lost = 1 };",
    "a concept": "template <class T>\nconcept lost = (sizeof(T) > 1);",
    "a constant": "inline constexpr std::array<int, 2> lost{1, 2};",
    "a constant in a namespace": 'namespace a {\nconstexpr const char* lost = "lost";\n}',
}
MEMBERS = {
    "a function": "int lost() const noexcept;",
    "a static function": "static Result<int> lost(int a = 0);",
    "a virtual function": "virtual int lost() = 0;",
    "a function that only calls itself": "auto lost() const -> int { return this->lost(); }",
    "a field": "int lost = 0;",
    "a guarded field": "int lost DURABILITY_GUARDED_BY(mutex_) = 0;",
    "a function that needs a mutex": "int lost() const noexcept DURABILITY_REQUIRES(mutex_);",
    "after a constructor": "Size() : blocks_{1}, more_{2} {}\n  int lost();",
    "after a friend": "friend class Other;\n  int lost();",
    "after an operator": "bool operator<(const Size&) const;\n  int lost();",
}


class Unused(checks_test.Check):
    sound = USED

    def says(self, changes, line):
        """Of the project with these files, this one line."""
        done = checks_test.Project(changes, USED).run("check_unused.py")
        self.assertEqual((done.returncode, done.stderr), (1, line + "\n"))

    def test_a_project_in_which_all_is_used_passes(self):
        self.passes("check_unused.py", {})

    def test_a_file_that_nothing_reaches(self):
        for path, why in {
            "durability/base/lost.hpp": "nothing includes it",
            "durability/base/lost/lost.cpp": "its folder is no durability_module()",
            "cli/deeper/lost.cpp": "no CMakeLists.txt lists it",
            "cli/deeper/CMakeLists.txt": "no CMakeLists.txt lists it",
            "examples/lost.cpp": "no CMakeLists.txt lists it",
            "tests/crash/deeper/lost.cpp": "no CMakeLists.txt lists it",
            "scripts/lost.py": "nothing names it",
            "scripts/lost.sh": "nothing names it",
            "scripts/lost.txt": "nothing names it",
            "cmake/Lost.cmake": "nothing names it",
        }.items():
            with self.subTest(path):
                self.says({path: f"# {path}" if why == "nothing names it" else ""}, f"{path}: {why}")

    def test_a_header_that_only_its_own_source_or_a_test_includes(self):
        header = "durability/base/lost.hpp"
        for other, whose in {"lost.cpp": "its own source", "lost_test.cpp": "a test"}.items():
            with self.subTest(other):
                self.says({header: "", f"durability/base/{other}": f'#include "{header}"\n'},
                          f"{header}: only {whose} includes it")

    def test_files_that_are_reached(self):
        self.passes("check_unused.py", {
            "examples/slow.cpp": "",
            "durability/formats.hpp": "",
            "tests/crash/kill_test.cpp": '#include "durability/formats.hpp"\n',
            "scripts/by_a_page.sh": "",
            "docs/tour.md": "Run `scripts/by_a_page.sh`.",
        })

    def test_a_declaration_that_nothing_uses(self):
        for what, text in LATER.items():
            with self.subTest(what):
                self.fails("check_unused.py", HEADER, f"{USED[HEADER]}{text}\n", "nothing uses lost")

    def test_a_member_that_nothing_uses(self):
        for what, text in MEMBERS.items():
            with self.subTest(what):
                changed = USED[HEADER].replace("  int bytes", f"  {text}\n  int bytes")
                self.fails("check_unused.py", HEADER, changed, "nothing uses lost")

    def test_a_definition_or_an_override_is_no_use(self):
        classes = """struct Base {
  virtual int lost();
};
struct Derived : Base {
  int lost() override;
};
inline int Derived::lost() { return 1; }
"""
        self.says({HEADER: USED[HEADER] + classes,
                   SOURCE: USED[SOURCE] + "int Base::lost() { return 0; }\n",
                   "cli/main.cpp": USED["cli/main.cpp"] + "Derived derived;\n"},
                  f"{HEADER}:7: nothing uses lost")

    def test_a_class_is_not_used_by_its_own_members(self):
        self.says({HEADER: USED[HEADER] + "struct lost {\n  int bytes();\n};\n",
                   SOURCE: USED[SOURCE] + "int lost::bytes() { return lost().bytes(); }\n"},
                  f"{HEADER}:6: nothing uses lost")

    def test_comments_and_strings_are_no_use(self):
        for text in ("// lost", "/* lost\n lost */", 'auto text = "lost";', 'auto raw = R"(lost)";'):
            with self.subTest(text):
                self.says({HEADER: USED[HEADER] + "const int lost = 1;\n",
                           "cli/main.cpp": f"{USED['cli/main.cpp']}{text}\n"}, f"{HEADER}:6: nothing uses lost")

    def test_a_use_where_the_header_is_not_included_is_of_something_else(self):
        self.says({HEADER: USED[HEADER] + "int lost();\n", "tests/crash/kill_test.cpp": "int x = lost();\n"},
                  f"{HEADER}:6: nothing uses lost")

    def test_a_variable_of_a_functions_name_is_no_use(self):
        function = "int f() {\n  int lost = 0;\n  return lost;\n}\n"
        self.says({HEADER: USED[HEADER] + "int lost();\n", "cli/main.cpp": USED["cli/main.cpp"] + function},
                  f"{HEADER}:6: nothing uses lost")

    def test_what_is_used_in_a_test_or_in_the_code_of_a_page(self):
        for path, text in {
            "docs/tour.md": "Call `found()`.\n",
            "cli/main.cpp": USED["cli/main.cpp"] + "auto f = &found;\n",
            SOURCE: USED[SOURCE] + "const Size* size = make(found, 1);\n",
            "tests/crash/macro_test.cpp": f'#include "{HEADER}"\n#define ALL(x) \\\n  (#x, found(x))\n',
            "tests/crash/kill_test.cpp": f'#include "{HEADER}"\nint x = found();\n',
        }.items():
            with self.subTest(path):
                self.passes("check_unused.py", {HEADER: USED[HEADER] + "int found();\n", path: text})


if __name__ == "__main__":
    unittest.main()

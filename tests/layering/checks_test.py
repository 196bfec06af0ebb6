"""Each check of scripts/ passes a small sound project, and fails on each kind of violation planted in it."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"

SOUND = {
    "CMakeLists.txt": """
        durability_module(base)
        durability_module(storage DEPENDS base)
        durability_module(walog/read DEPENDS storage)
        durability_module(walog/write DEPENDS walog/read)
        durability_module(walog DEPENDS
                          walog/write)
        durability_module(testing DEPENDS storage)
        """,
    "durability/base/error.hpp": "#include <string>\n",
    "durability/storage/file.hpp": '#include <filesystem>\n#include "durability/base/error.hpp"\nstd::filesystem::path p;\n',
    "durability/storage/fs_file.cpp": '#include <fcntl.h>\n#include <sys/file.h>\n#include "durability/storage/file.hpp"\n',
    "durability/storage/system_calls.hpp": "#include <sys/stat.h>\n",
    "durability/testing/faults.hpp": '#include "durability/storage/file.hpp"\n',
    "durability/walog/writer.hpp": '#include "durability/base/error.hpp"\n#include "durability/storage/file.hpp"\n',
    "durability/walog/options.hpp": '#include "durability/base/error.hpp"\n',
    "durability/walog/read/walk.hpp":
        '#include "durability/storage/file.hpp"\n#include "durability/walog/options.hpp"\n',
    "durability/walog/read/walk_test.cpp": '#include "durability/walog/write/log.hpp"\n',
    "durability/walog/write/log.hpp": '#include "durability/walog/read/walk.hpp"\n',
    "durability/walog/log.hpp": '#include "durability/walog/write/log.hpp"\n',
    "durability/walog/scan.hpp": '#include "durability/base/error.hpp"\n',
    "durability/walog/warn.cpp": '#include <cstdio>\nfmt::print(stderr, "fwrite");\ndir.rename("x", "y");\n',
    "durability/walog/writer_test.cpp":
        '#include <fstream>\n#include "durability/testing/faults.hpp"\n#include "durability/walog/scan.hpp"\n',
    "durability/durability.hpp": '#include "durability/walog/writer.hpp"\n',
    "cli/main.cpp":
        '#include "cli/options.hpp"\n#include "durability/durability.hpp"\n#include "durability/storage/file.hpp"\n',
    "tests/crash/kill_test.cpp": '#include "durability/testing/faults.hpp"\n',
    "README.md": "A framework/home/ page.\n",
}


class Project:
    """A throw-away project: SOUND, or another one, with some files replaced or added."""

    def __init__(self, changes, sound):
        self.folder = tempfile.TemporaryDirectory()
        root = pathlib.Path(self.folder.name)
        subprocess.run(["git", "init", "-q", root], check=True)
        for path, text in {**sound, **changes}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)

    def run(self, script):
        with self.folder:
            return subprocess.run([sys.executable, SCRIPTS / script, self.folder.name],
                                  capture_output=True, text=True)


class Check(unittest.TestCase):
    sound = SOUND

    def passes(self, script, changes):
        done = Project(changes, self.sound).run(script)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def fails(self, script, path, text, saying):
        """The project with that one file in it fails, naming the file, and for that reason alone."""
        done = Project({path: text}, self.sound).run(script)
        self.assertEqual(done.returncode, 1, "the planted violation was not seen")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertTrue(done.stderr.startswith(path), done.stderr)
        self.assertIn(saying, done.stderr)


class Paths(Check):
    def test_a_comment_or_page_names_what_is_not_there(self):
        for path, text in {"durability/walog/scan.hpp": "// As in walog/scanner.hpp.\n",
                           "README.md": "See cli/lost.hpp.\n"}.items():
            self.fails("check_paths.py", path, text, "there is no ")

    def test_what_is_there_may_be_named_from_the_top_or_from_the_modules(self):
        self.passes("check_paths.py", {"durability/walog/scan.hpp":
                                       "// walog/read/walk.hpp, durability/walog/log.hpp, other/project.hpp\n"})


class Layers(Check):
    def test_a_sound_project_passes(self):
        self.passes("check_layers.py", {})

    def test_a_layer_of_a_module_has_arrows_of_its_own(self):
        for header in ("write/log.hpp", "log.hpp"):
            self.fails("check_layers.py", "durability/walog/read/bad.cpp",
                       f'#include "durability/walog/{header}"\n', "against the arrows")

    def test_an_include_against_the_arrows(self):
        self.fails("check_layers.py", "durability/base/bad.hpp",
                   '#include "durability/storage/file.hpp"\n', "against the arrows")

    def test_an_include_of_a_module_beside(self):
        self.fails("check_layers.py", "durability/testing/bad.hpp",
                   '#  include "durability/walog/writer.hpp"\n', "against the arrows")

    def test_the_library_itself_does_not_use_the_testing_module(self):
        self.fails("check_layers.py", "durability/walog/bad.cpp",
                   '#include "durability/testing/faults.hpp"\n', "against the arrows")

    def test_a_unit_test_does_not_reach_above_its_module(self):
        self.fails("check_layers.py", "durability/base/bad_test.cpp",
                   '#include "durability/walog/writer.hpp"\n', "against the arrows")

    def test_a_module_does_not_include_everything(self):
        self.fails("check_layers.py", "durability/walog/bad.cpp",
                   '#include "durability/durability.hpp"\n', "against the arrows")

    def test_a_relative_include(self):
        self.fails("check_layers.py", "durability/walog/bad.cpp", '#include "writer.hpp"\n', "write \"durability/")

    def test_a_module_that_the_table_does_not_know(self):
        self.fails("check_layers.py", "durability/cache/bad.hpp", "", "not in CMakeLists.txt")

    def test_a_header_of_the_operating_system(self):
        for header in ("fcntl.h", "unistd.h", "sys/file.h", "sys/stat.h", "dirent.h", "fstream"):
            with self.subTest(header):
                self.fails("check_layers.py", "durability/walog/bad.cpp", f"#include <{header}>\n",
                           "through Directory")

    def test_a_header_of_the_operating_system_in_storage_beside_the_fs_files(self):
        self.fails("check_layers.py", "durability/storage/bad.cpp", "#include <unistd.h>\n", "through Directory")

    def test_an_operation_on_files_without_such_a_header(self):
        for call in ("std::filesystem::remove(p);", "fs::exists(p);", "namespace fs = std::filesystem;",
                     'auto* f = std::fopen("x", "r");', 'std::rename("x", "y");'):
            with self.subTest(call):
                self.fails("check_layers.py", "durability/walog/bad.cpp", call + "\n", "through Directory")

    def test_the_tool_and_the_tests_see_public_headers_only(self):
        for path in ("cli/bad.cpp", "tests/crash/bad_test.cpp", "examples/bad.cpp"):
            with self.subTest(path):
                self.fails("check_layers.py", path, '#include "durability/walog/scan.hpp"\n', "public header")

    def test_a_table_that_cannot_be_read_is_a_failure(self):
        done = Project({"CMakeLists.txt": "project(x)\n"}, SOUND).run("check_layers.py")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no durability_module() line", done.stderr)


class Sizes(Check):
    def test_500_lines_pass_and_are_said_to_be_many(self):
        said = self.passes("check_sizes.py", {"durability/base/long.cpp": "\n" * 500})
        self.assertIn("durability/base/long.cpp: 500 lines", said)

    def test_300_lines_pass_in_silence(self):
        self.assertEqual(self.passes("check_sizes.py", {"durability/base/long.cpp": "\n" * 300}), "")

    def test_501_lines_fail(self):
        for path in ("durability/base/long.cpp", "scripts/long.py", "cmake/long.cmake", "Makefile"):
            with self.subTest(path):
                self.fails("check_sizes.py", path, "\n" * 501, "501 lines")


class Picture(Check):
    def test_what_the_sources_say_must_be_drawn(self):
        page = "docs/architecture.md"
        self.fails("draw_modules.py", page, "```mermaid\ngraph BT\n```\n", "not what the sources say")


class Text(Check):
    def test_a_sound_project_passes(self):
        self.passes("check_text.py", {})

    def test_a_machine_path(self):
        for name in ("work", "root", "home"):
            with self.subTest(name):
                self.fails("check_text.py", "docs/bad.md", f"see /{name}/someone\n", "somebody's machine")

    def test_a_registry_host(self):
        for name, end in (("crates", "io"), ("pypi", "org"), ("deb.debian", "org"), ("registry.npmjs", "org")):
            with self.subTest(name):
                self.fails("check_text.py", "docs/bad.md", f"https://{name}.{end}/x\n", "registry")

    def test_something_outside_the_project(self):
        self.fails("check_text.py", "docs/bad.md", ".." + "/shared/DESIGN.md\n", "outside the project")

    def test_a_label_that_no_page_explains(self):
        page = "| F" + "1 | half a header | it opens | `a_test.cpp` |\n"
        for path in ("durability/base/bad_test.cpp", "docs/bad.md", "tests/bad.py"):
            with self.subTest(path):
                self.fails("check_text.py", path, "// F" + "2: a story\n", "without a row")
        self.passes("check_text.py", {"docs/histories.md": page, "durability/base/good_test.cpp": "// F" + "1: a story\n"})
        self.passes("check_text.py", {"bench/works.py": "W = 'W" + "1'\n"})

    def test_a_lock_file(self):
        self.fails("check_text.py", "tests/tool/Cargo" + ".lock", "", "lock file")

    def test_data_is_not_read_as_text(self):
        self.passes("check_text.py", {"tests/data/x.log": "\0/" + "root/x"})


if __name__ == "__main__":
    unittest.main()

"""The documentation's examples, computed anew from its text with nothing of the library; and its links."""

import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "scripts"))
import figures  # noqa: E402

LOG_ID = bytes(range(16))
CREATED_AT = 1_700_000_000_000_000_000


def shown(name):
    """The bytes of the block after <!-- example:name --> in docs/formats.md."""
    text = (ROOT / "docs/formats.md").read_text()
    return bytes.fromhex(re.search(rf"<!-- example:{name} -->\n```\n(.*?)```", text, re.DOTALL)[1])


def header():
    first = b"VWAL" + struct.pack("<IQQ", 4, 1, 1) + LOG_ID + struct.pack("<Q", CREATED_AT) + bytes(12)
    return first + struct.pack("<I", zlib.crc32(first))


def frame(lag, flags, payload):
    """A version-4 frame with entry id 1 in segment 1."""
    rest = struct.pack("<IQII", 24 + len(payload), 1, lag, flags) + payload
    return struct.pack("<I", zlib.crc32(LOG_ID + struct.pack("<Q", 1) + rest)) + rest


def varint(number):
    """Of two bytes."""
    return bytes([number & 127 | 128, number >> 7])


class Formats(unittest.TestCase):
    def test_header(self):
        self.assertEqual(shown("header"), header())

    def test_start_value(self):
        start = zlib.crc32(LOG_ID + struct.pack("<Q", 1))
        self.assertIn(f"is {start:#x}.", (ROOT / "docs/formats.md").read_text())

    def test_entry(self):
        self.assertEqual(shown("entry"), frame(1, 0, b"hello") + bytes(3))

    def test_mark(self):
        self.assertEqual(shown("mark"), frame(0, 2, b""))

    def test_seal(self):
        of_checksums = zlib.crc32(frame(1, 0, b"hello")[:4])
        self.assertEqual(shown("seal"), frame(1, 1, struct.pack("<QII", 1, of_checksums, 0)))

    def test_version_3(self):
        head = struct.pack("<IQ", 21, 1)
        self.assertEqual(shown("v3"), head + struct.pack("<I", zlib.crc32(head + b"hello")) + b"hello")

    def test_version_2(self):
        head = struct.pack("<IQ", 21, 1)
        self.assertEqual(shown("v2"), head + struct.pack("<I", zlib.crc32(b"hello")) + b"hello")

    def test_checkpoint(self):
        head = b"VCKP" + struct.pack("<IQQ", 2, 1, 5)
        self.assertEqual(shown("checkpoint"), head + struct.pack("<I", zlib.crc32(head + b"state")) + b"state")

    def test_record_log(self):
        length = struct.pack("<I", 5)
        record = length + struct.pack("<I", zlib.crc32(length + b"hello")) + b"hello"
        self.assertEqual(shown("recordlog"), b"VRLG" + struct.pack("<I", 2) + record)

    def test_end_merge(self):
        self.assertEqual(shown("end-merge"), bytes([3, 7, 3, 2, 1]) + varint(300) + bytes([1, 3, 4]))

    def test_checkpoint_state(self):
        self.assertEqual(shown("checkpoint-state"), bytes([1, 3, 30, 2, 2]) + varint(200))


def anchor(heading):
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


class Links(unittest.TestCase):
    def test_every_relative_link_leads_somewhere(self):
        pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
        self.assertTrue(pages)
        for page in pages:
            for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
                if "://" in target:
                    continue
                path, _, fragment = target.partition("#")
                leads_to = page.parent / path if path else page
                with self.subTest(page=page.name, target=target):
                    self.assertTrue(leads_to.exists())
                    if fragment:
                        headings = re.findall(r"^#+ (.*)$", leads_to.read_text(), re.MULTILINE)
                        self.assertIn(fragment, [anchor(heading) for heading in headings])


class Snippets(unittest.TestCase):
    """The documentation shows no C++ that no compiler has seen."""

    def test_every_one_is_compiled(self):
        # docs/async.md is compiled as it stands (CMakeLists.txt here); the others quote a file of examples/.
        compiled = [example.read_text() for example in (ROOT / "examples").rglob("*.?pp")]
        for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
            if page.name == "async.md":
                continue
            snippets = re.findall(r"^```cpp\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
            for number, snippet in enumerate(snippets):
                with self.subTest(page=page.name, number=number):
                    indented = re.sub(r"^(?=.)", "  ", snippet, flags=re.MULTILINE)
                    self.assertTrue(any(snippet in text or indented in text for text in compiled), snippet)


class Figures(unittest.TestCase):
    """Results of long runs are in docs/figures/, where the runs write them, and nowhere else by hand."""

    def test_each_long_run_has_a_page_that_the_page_on_tests_links_to(self):
        makefile = (ROOT / "Makefile").read_text()
        recipes = re.findall(r"^([\w-]+):.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
        runs = {target for target, recipe in recipes if "$(FIGURE)" in recipe}
        self.assertTrue(runs)
        links = re.findall(r"\(figures/([\w-]+)\.md\)", (ROOT / "docs/testing.md").read_text())
        pages = list((ROOT / "docs/figures").iterdir())
        self.assertEqual({page.name for page in pages}, {f"{run}.md" for run in runs})
        self.assertEqual(set(links), runs)
        self.assertEqual(set(figures.RUNS), runs)
        for page in pages:
            self.assertTrue(page.read_text().startswith(f"# make {page.stem}\n"), page.name)

    def test_the_page_on_tests_has_no_result_of_some_day(self):
        self.assertNotRegex((ROOT / "docs/testing.md").read_text(), r"\b20\d\d-\d\d-\d\d\b")

    @unittest.skipUnless(shutil.which("make"), "asks make")
    def test_what_everybody_runs_leaves_the_pages_as_they_are(self):
        def commands(*words):
            environment = {name: value for name, value in os.environ.items()
                           if name not in ("FIGURES", "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS")}
            return subprocess.run(["env", *words], cwd=ROOT, check=True, capture_output=True, text=True,
                                  env=environment).stdout
        self.assertIn("figures.py", commands("make", "-n", "crash"))
        self.assertNotIn("figures.py", commands("make", "-n", "build", "demo", "check", "test", "test-clang"))
        of_ci = re.findall(r"^((?:\w+=\S+ )*make) ([\w -]+?) 2>&1", (ROOT / ".ci/run").read_text(), re.MULTILINE)
        self.assertEqual([targets for _, targets in of_ci], ["check", "test", "crash"])
        for make, targets in of_ci:
            self.assertNotIn("figures.py", commands(*make.split(), "-n", *targets.split()))


@unittest.skipUnless("DURABILITY_BIN" in os.environ, "the example is compiled with the rest")
class AsyncExample(unittest.TestCase):
    """docs/async.md began with an example that did not compile."""

    def test_it_leaves_a_log(self):
        with tempfile.TemporaryDirectory(prefix="durability-docs-") as directory:
            example = pathlib.Path(os.environ["DURABILITY_BIN"]) / "docs_async_example"
            ended = subprocess.run([example, directory], capture_output=True, text=True, timeout=30)
            self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, "", ""))
            self.assertIn(b"Kyoto", (pathlib.Path(directory) / "wal/wal_1.log").read_bytes())


if __name__ == "__main__":
    unittest.main()

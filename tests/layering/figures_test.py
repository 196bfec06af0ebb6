"""A long run's page in docs/figures/ says what came of the last one, and the run itself is as it is without it."""

import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "figures.py"
GIT = ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
STATES = 'echo "crash explorer: 12 states"'


class Figures(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.place = self.root / "docs/figures/crash.md"

    def begin(self, program, **settings):
        return subprocess.Popen([sys.executable, "-B", SCRIPT, "crash", "--root", self.root, "--", "sh", "-c", program],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=os.environ | {"PYTHONUNBUFFERED": ""} | settings)

    def run_of(self, program, **settings):
        """(exit status, output)"""
        child = self.begin(program, **settings)
        output, errors = child.communicate(timeout=60)
        self.assertEqual(errors, "")
        return child.returncode, output

    def expect_begun(self, child):
        """Not for ever."""
        if not select.select([child.stdout], [], [], 30)[0]:
            child.kill()
            self.fail("its output does not come while it runs")
        self.assertEqual(child.stdout.readline(), "begun\n")

    def page(self):
        return self.place.read_text()

    def git(self, *words):
        return subprocess.run([*GIT, *words], cwd=self.root, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self):
        return re.search("^- commit: (.*)$", self.page(), re.MULTILINE)[1]

    def test_a_run_that_passes_is_written_with_its_result_alone(self):
        status, output = self.run_of(f"echo before; {STATES}")
        self.assertEqual(status, 0)
        self.assertTrue(output.startswith("before\ncrash explorer: 12 states\n"), output)
        self.assertIn("- outcome: passed\n", self.page())
        self.assertRegex(self.page(), r"(?m)^- day: \d{4}-\d\d-\d\d \(UTC\)$")
        self.assertIn("\n```\ncrash explorer: 12 states\n```\n", self.page())
        self.assertNotIn("\nbefore\n", self.page())

    def test_a_run_that_fails_is_written_as_failed_and_its_status_is_kept(self):
        self.run_of(STATES)
        status, output = self.run_of("echo it broke >&2; exit 3")
        self.assertEqual(status, 3)
        self.assertTrue(output.startswith("it broke\n"), output)
        self.assertIn("- outcome: FAILED, exit status 3\n", self.page())
        self.assertIn("it broke\n", self.page())
        self.assertNotIn("passed", self.page())
        self.assertNotIn("12 states", self.page())

    def test_a_result_does_not_hide_that_the_run_failed(self):
        self.run_of(f"{STATES}; exit 1")
        self.assertIn("- outcome: FAILED, exit status 1\n", self.page())

    def test_a_run_that_dies_is_written_as_failed(self):
        status, _ = self.run_of(f"{STATES}; kill -SEGV $$")
        self.assertEqual(status, 128 + signal.SIGSEGV)
        self.assertIn("- outcome: FAILED, killed by SIGSEGV\n", self.page())

    def test_a_run_without_a_known_result_says_so(self):
        self.assertEqual(self.run_of("echo other words")[0], 0)
        self.assertIn("no line that is known as a result", self.page())

    def test_a_run_that_is_interrupted_has_no_result(self):
        self.run_of(STATES)
        before = self.page()
        child = self.begin("echo begun; read line")
        self.expect_begun(child)
        child.terminate()
        child.communicate(timeout=60)
        self.assertEqual((child.returncode, self.page()), (130, before))

    def test_a_run_that_could_test_nothing_has_no_result(self):
        self.run_of(STATES)
        before = self.page()
        self.assertEqual(self.run_of("echo SKIPPED; exit 77")[0], 77)
        self.assertEqual(self.page(), before)

    def test_output_comes_while_the_run_goes_on(self):
        child = self.begin('echo begun; read line; echo "crash explorer: $line"')
        self.expect_begun(child)
        child.communicate("went on\n", timeout=60)
        self.assertIn("crash explorer: went on\n", self.page())

    def test_parameters_are_said_and_no_folders(self):
        self.run_of(f'echo "crash explorer: /some/where/far.txt"; : {SCRIPT}', DURABILITY_CRASH_SAMPLES="24")
        self.assertRegex(self.page(), r"- command: `.*DURABILITY_CRASH_SAMPLES=24 .*sh -c .*: scripts/figures\.py'`\n")
        self.assertIn("\ncrash explorer: far.txt\n", self.page())

    def test_a_progress_that_was_written_over_is_not_kept(self):
        self.run_of('printf "1/2\\r2/2\\ra.b FAILED\\n"')
        self.assertIn("\n```\na.b FAILED\n", self.page())

    def test_lines_of_tests_side_by_side_are_told_test_by_test(self):
        line = "crash explorer: {}"
        said = [f"2: {line.format('c')}", f"1: {line.format('a')}", f"2: {line.format('d')}", f"1: {line.format('b')}"]
        self.run_of("; ".join(f'echo "{each}"' for each in said))
        self.assertIn("\n".join(line.format(each) for each in "abcd"), self.page())

    def test_the_commit_has_a_plus_where_the_tree_has_changes(self):
        self.run_of(STATES)
        self.assertEqual(self.commit(), "not recorded")
        self.git("init", "-q")
        (self.root / "source").write_text("1")
        self.git("add", ".")
        self.git("commit", "-q", "-m", "first")
        head = self.git("rev-parse", "--short", "HEAD")
        for _ in range(2):  # the first run changes its page, which does not count
            self.run_of(STATES)
            self.assertEqual(self.commit(), head)
        (self.root / "source").write_text("2")
        self.run_of(STATES)
        self.assertEqual(self.commit(), head + "+")


if __name__ == "__main__":
    unittest.main()

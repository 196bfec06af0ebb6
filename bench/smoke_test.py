"""Every work of every contender that is there still runs, and becomes tables and plots: smoke_test.py PROGRAMS
With a handful of entries, so that no figure means anything."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

import report

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = sys.argv.pop(1)


class Smoke(unittest.TestCase):
    def setUp(self):
        self.docs = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        shutil.copy(report.DOCS / report.PAGE, self.docs)

    def play(self, script):
        command = [sys.executable, "-B", HERE / script, PROGRAMS, "--smoke", "--write-docs", self.docs]
        run = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        return run.stdout

    def plots(self):
        """Their names; each is well-formed."""
        found = sorted((self.docs / report.PLOTS).glob("*.svg"))
        for path in found:
            xml.etree.ElementTree.parse(path)
        return [path.stem for path in found]

    def test_side_by_side(self):
        printed = self.play("side_by_side.py")
        first = next(line for line in printed.splitlines() if line.startswith("durability "))
        self.assertEqual(len(re.findall(r"\(\d+\.\d\d\)", first)), 9, first)
        self.assertIn("\n| durability | ", (self.docs / report.PAGE).read_text())
        self.assertEqual(self.plots(), ["ratios"])

    def test_growth(self):
        printed = self.play("growth.py")
        self.assertIn("Durable appends a second", printed)
        self.assertEqual(self.plots(), sorted(curve[0] for curve in report.CURVES))


if __name__ == "__main__":
    unittest.main()

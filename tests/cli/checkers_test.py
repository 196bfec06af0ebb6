"""The demo and the kill loop pass, and they fail where an acknowledged entry is lost: they would notice."""

import os
import pathlib
import stat
import subprocess
import sys
import unittest

import tool

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = [ROOT / "scripts/demo.sh"]
KILL_LOOP = [sys.executable, "-B", ROOT / "tests/cli/kill_loop.py", "--kills", "4", "--seed", "1"]


class Checkers(tool.Case):
    # What stands in for a program; $real is the program.
    AS_IT_IS = 'exec $real "$@"'
    LOSES_AN_ENTRY = 'if [ "$2" = dump ]; then $real "$@" | sed 3d; else exec $real "$@"; fi'
    CHANGES_AN_ENTRY = ('if [ "$2" = dump ]; then $real "$@" | sed \'3s/"payload":"../"payload":"58/\'; '
                        'else exec $real "$@"; fi')
    ACKNOWLEDGES_NOTHING = 'if [ "$2" = append ]; then exec true; else exec $real "$@"; fi'
    STARTS_ANEW = 'rm -rf "$1/wal" "$1/table.ckpt"; exec $real "$@"'

    def check(self, command, tool_script=None, store_script=None):
        """Runs it with programs of which some are replaced by a script; its status and output."""
        directory = self.root / "bin"
        directory.mkdir(exist_ok=True)
        for name, script in (("durability", tool_script), ("kv_store", store_script), ("power_cut", None)):
            program = directory / name
            program.unlink(missing_ok=True)
            program.write_text(f"#!/bin/bash\nreal={tool.BIN / name}\n{script or self.AS_IT_IS}\n")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        done = subprocess.run(command, env=os.environ | {"DURABILITY_BIN": str(directory)}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=300, check=False)
        return done.returncode, done.stdout.decode(errors="replace")

    def test_the_demo_passes(self):
        status, output = self.check(DEMO)
        self.assertEqual(status, 0, output)
        self.assertIn("Nothing that was acknowledged is missing.", output)

    def test_the_demo_takes_any_file(self):
        for name, contents in (("binary", os.urandom(20_000)), ("one line", b"x"), ("empty lines", b"\n" * 30)):
            with self.subTest(name=name):
                file = self.root / name
                file.write_bytes(contents)
                status, output = self.check([*DEMO, file])
                self.assertEqual(status, 0, output)

    def test_the_demo_fails_where_something_is_lost_or_nothing_was_acknowledged(self):
        for script in (self.LOSES_AN_ENTRY, self.CHANGES_AN_ENTRY):
            status, output = self.check(DEMO, script)
            self.assertEqual((status, "ACKNOWLEDGED ENTRIES ARE MISSING" in output), (1, True), output)
        status, output = self.check(DEMO, self.ACKNOWLEDGES_NOTHING)
        self.assertEqual((status, "stopped acknowledging" in output), (1, True), output)
        status, output = self.check(DEMO, None, self.STARTS_ANEW)
        self.assertEqual((status, "AN ACKNOWLEDGED CHANGE IS MISSING" in output), (1, True), output)

    def test_the_kill_loop_passes_and_fails_likewise(self):
        status, output = self.check(KILL_LOOP)
        self.assertEqual(status, 0, output)
        for script in (self.LOSES_AN_ENTRY, self.CHANGES_AN_ENTRY, self.ACKNOWLEDGES_NOTHING):
            status, output = self.check(KILL_LOOP, script)
            self.assertEqual((status, "try again with: " in output), (1, True), output)


if __name__ == "__main__":
    unittest.main()

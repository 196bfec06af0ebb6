"""A durable append that waited for ever.

Eight threads shared their syncs. The one that was to lead the next sync was woken for it, but found its own entry
durable already, by the sync of a seal, and returned; nobody led, and the others waited. It took a few hundred runs
of many small segments, and their end to come soon after a rotation.

60 runs; DURABILITY_WAITING_ROUNDS in the environment says otherwise, DURABILITY_WAITING_DIR where."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import tool

ROUNDS = int(os.environ.get("DURABILITY_WAITING_ROUNDS", "60"))
LINES = b"".join(b"%d\n" % i for i in range(1, 41))


class Waiting(unittest.TestCase):
    def test_every_append_of_many_threads_returns_however_soon_after_a_rotation_it_ends(self):
        root = pathlib.Path(tempfile.mkdtemp(prefix="durability-test-", dir=os.environ.get("DURABILITY_WAITING_DIR")))
        self.addCleanup(shutil.rmtree, root, ignore_errors=True)
        for number in range(1, ROUNDS + 1):
            log = root / "log"
            command = [tool.TOOL, "wal", "append", log, "--durable", "--threads", "8", "--segment-bytes",
                       "65536" if number % 8 == 0 else "256"]
            with self.subTest(round=number):
                try:
                    done = subprocess.run(command, input=LINES, capture_output=True, timeout=60, check=False)
                except subprocess.TimeoutExpired:
                    self.fail(f"round {number} of {ROUNDS} waits for ever")
                self.assertEqual(done.returncode, 0, done)
                self.assertIn(b"appended 40 entries", done.stdout)
            shutil.rmtree(log)


if __name__ == "__main__":
    unittest.main()

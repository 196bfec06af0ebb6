"""A disk that is really full: a small tmpfs of our own. Needs root, or user namespaces; says loudly where it
has neither. The mount lives in a namespace of this process, and goes with it."""

import os
import shutil
import subprocess
import sys
import unittest

import tool

MOUNTED = "DURABILITY_OWN_MOUNTS"
LINES = [b"%d " % number + b"x" * (number % 700) for number in range(1, 20_001)]


class FullDisk(tool.Case):
    def setUp(self):
        super().setUp()
        self.disk = self.root / "disk"
        self.disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", self.disk], check=True)
        self.addCleanup(subprocess.run, ["umount", self.disk], check=True)
        self.dir = self.disk / "log"

    def append_until_full(self, *options):
        """{entry id: payload} of what was acknowledged before there was no space left."""
        done = tool.run("wal", "append", self.dir, "--acks", "--segment-bytes", "65536", *options,
                        stdin=b"\n".join(LINES) + b"\n")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(b"No space left on device", done.stderr)
        acks = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
        return {entry: LINES[line - 1] for line, entry in acks}

    def test_keeps_what_it_acknowledged_and_goes_on_once_there_is_space(self):
        for options in (["--durable"], ["--durable", "--threads", "4"], [], ["--durable", "--format", "3"],
                        ["--durable", "--preallocate", "0"], ["--durable", "--batch", "7"]):
            with self.subTest(options=options):
                ballast = self.disk / "ballast"
                ballast.write_bytes(bytes(300_000))
                acknowledged = self.append_until_full(*options)
                self.assertGreater(len(acknowledged), 300)
                there = self.entries("--best-effort")
                self.assertEqual({entry: there.get(entry) for entry in acknowledged}, acknowledged)

                ballast.unlink()
                line = b"after the full disk"
                summary = self.append([line], "--segment-bytes", "65536")
                self.assertEqual(summary["entries"], 1)
                again = self.entries()
                self.assertEqual(again[summary["last_entry_id"]], line)
                self.assertEqual({entry: again.get(entry) for entry in acknowledged}, acknowledged)
                shutil.rmtree(self.dir)

    def test_lets_a_truncation_make_the_space(self):
        acknowledged = self.append_until_full("--durable")
        through = max(acknowledged) // 2
        done = self.json("wal", "truncate", self.dir, "--through", through, "--force")
        self.assertGreater(done["deleted_segments"], 1)
        summary = self.append([b"after the full disk"])
        there = self.entries()
        self.assertEqual(there[summary["last_entry_id"]], b"after the full disk")
        left = {entry: line for entry, line in acknowledged.items() if entry > through}
        self.assertEqual({entry: there.get(entry) for entry in left}, left)


def own_mounts():
    """Runs this program anew where it may mount; returns why that cannot be."""
    if shutil.which("unshare") is None:
        return "no unshare"
    for who in ([], ["--user", "--map-root-user"]):
        command = ["unshare", *who, "--mount"]
        if subprocess.run([*command, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True,
                          check=False).returncode == 0:
            os.environ[MOUNTED] = "1"
            os.execvp("unshare", [*command, sys.executable, "-B", *sys.argv])
    return "neither root nor user namespaces let us mount a tmpfs"


if __name__ == "__main__":
    if MOUNTED not in os.environ:
        print(f"*** SKIPPED, NOT TESTED HERE *** a disk that is full: {own_mounts()}")
        sys.exit(77)
    unittest.main()

"""On a disk whose syncs fail nothing is acknowledged but by a sync that succeeded, and no part of a converted log
gets the name of a log."""

import json
import os
import subprocess
import unittest

import tool

LINES = [b"line %d" % i for i in range(1, 41)]


def failing(fail_sync):
    return os.environ | {"LD_PRELOAD": os.environ["FAILING_SYNC"], "FAIL_SYNC": str(fail_sync),
                         "ASAN_OPTIONS": "verify_asan_link_order=0"}


class FailingDisk(tool.Case):
    def append(self, fail_sync, *options):
        done = subprocess.run([tool.TOOL, "wal", "append", self.dir, "--durable", "--acks", "--json",
                               "--segment-bytes", "65536", *options],
                              input=b"\n".join(LINES) + b"\n", capture_output=True, env=failing(fail_sync), timeout=60)
        *acks, summary = done.stdout.splitlines()
        return done.returncode, {int(n): int(i) for n, i in map(bytes.split, acks)}, json.loads(summary)

    def test_what_was_acknowledged_before_a_sync_failed_is_there_and_nothing_was_after_it(self):
        """One thread, a sync for each entry: each sync that fails must cost exactly its own entry."""
        self.dir = self.root / "sound"
        status, acks, summary = self.append(10**9)
        self.assertEqual((status, len(acks)), (0, 40))
        self.assertGreaterEqual(summary["syncs"], 40)

        counts = []
        for fail_sync in range(1, 60):
            for options in ([], ["--threads", "8"], ["--batch", "5"]):
                with self.subTest(fail_sync=fail_sync, options=options):
                    self.dir = self.root / f"{fail_sync}{''.join(options)}"
                    status, acks, summary = self.append(fail_sync, *options)
                    if not options:
                        counts.append(len(acks))
                    if status == 0:
                        self.assertEqual(len(acks), 40)
                        continue
                    self.assertEqual((status, summary["ok"], summary["error"]["code"]), (1, False, "io"))
                    self.assertEqual(summary["error"]["errno"], 5)
                    self.assertEqual(summary.get("entries", 0), len(acks))
                    there = self.entries("--best-effort", "--allow-empty") if self.dir.exists() else {}
                    for line, entry in acks.items():
                        self.assertEqual(there[entry], LINES[line - 1])
        # Opening and closing take a few syncs; in between each one that succeeds acknowledges one entry.
        first = counts.index(1)
        self.assertEqual(counts[:first], [0] * first)
        self.assertLess(first, 12)
        self.assertEqual(counts[first:first + 40], list(range(1, 41)))
        self.assertEqual(set(counts[first + 40:]), {40})

    def test_a_converted_log_gets_its_name_when_it_is_durable_and_counts_when_the_name_is(self):
        self.dir = self.root / "log"
        self.append(10**9)
        before, after = [], []  # the renaming
        for fail_sync in range(1, 60):
            out = self.root / f"out{fail_sync}"
            answer = tool.run("wal", "convert", self.dir, out, "--format", "3", "--json", env=failing(fail_sync))
            if answer.returncode == 0:
                break
            error = json.loads(answer.stdout)["error"]
            self.assertEqual((error["code"], error["errno"]), ("io", 5))
            (after if (out / "wal").exists() else before).append(fail_sync)
        self.assertEqual(before, list(range(1, len(before) + 1)))
        self.assertGreaterEqual(len(before), 5, "directories, the lock's, wal/, the segment's name, its entries")
        self.assertEqual(len(after), 2, "the directories that it was renamed from and to")


if __name__ == "__main__":
    unittest.main()

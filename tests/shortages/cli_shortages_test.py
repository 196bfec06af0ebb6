"""The tool where memory, threads or descriptors run short: it ends, with a status of its own and JSON where JSON
was asked for, and what it acknowledged is there.

DURABILITY_SHORTAGES=all: every allocation, thread start and descriptor; by default a part of them. A failure says
the line that repeats it."""

import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "cli"))
import tool  # noqa: E402

LINES = [b"line %d of the input" % n for n in range(1, 31)]
ALL = os.environ.get("DURABILITY_SHORTAGES") == "all"
MOST = 12  # of each command, resource and way, unless all
MOST_FAILURES = 3  # that are told, of a command and resource
HANG = 60  # seconds


def chosen(count):
    """Which of so many fail: the first ones are all alike (the command line is parsed)."""
    if ALL or count <= MOST:
        return list(range(1, count + 1))
    return sorted({count - (count - 1) * n // (MOST - 1) for n in range(MOST)})


class Shortages(tool.Case):
    def setUp(self):
        super().setUp()
        self.template = self.root / "template"
        tool.run("wal", "append", self.template, "--durable", "--segment-bytes", "512", stdin=b"\n".join(LINES) + b"\n")
        tool.run("recordlog", "append", self.template / "records", "--durable", stdin=b"\n".join(LINES) + b"\n")
        self.damaged = self.root / "damaged"
        shutil.copytree(self.template, self.damaged)
        tool.flip(self.damaged / "wal" / "wal_2.log", 5)
        self.plan = self.root / "plan"
        self.plan.write_bytes(tool.run("wal", "repair", self.damaged, "--plan", "--json").stdout)
        self.count = self.root / "count"

    def run_short_of(self, shortage, arguments, stdin):
        environment = os.environ | {"LD_PRELOAD": os.environ["PRELOADED"], "SHORTAGE": shortage,
                                    "SHORTAGE_COUNT": str(self.count), "ASAN_OPTIONS": "verify_asan_link_order=0"}
        return subprocess.run([tool.TOOL, *map(str, arguments)], input=stdin, capture_output=True, env=environment,
                              timeout=HANG)

    def judge(self, done, before, acknowledges):
        self.assertIn(done.returncode, (0, 1, 2), done.stderr.decode(errors="replace"))
        *lines, summary = done.stdout.splitlines() or [b""]
        self.assertIsInstance(json.loads(summary), dict)
        self.assertEqual(json.loads(summary).get("ok", True), done.returncode == 0)
        if not acknowledges:
            return
        acks = {int(n): int(i) for n, i in map(bytes.split, lines)}
        there = self.entries() if self.dir.exists() else {}
        for line, entry in acks.items():
            self.assertEqual(there[entry], LINES[line - 1])
        for entry, payload in before.items():
            self.assertEqual(there[entry], payload)
        self.ok("wal", "append", self.dir, "--durable", stdin=b"goes on\n")

    def take_census(self, *arguments, template=None, stdin=b"", acknowledges=False):
        arguments = [self.dir if a == "DIR" else self.dir / "records" if a == "RECORDS" else a for a in arguments]
        for resource in ("allocation", "thread", "descriptor"):
            self.begin(template)
            self.count.unlink(missing_ok=True)
            self.run_short_of(f"{resource} once 0", arguments, stdin)
            count = int(self.count.read_text())
            runs = 0
            wrong = 0
            for lasting in ("once", "from-then-on"):
                for number in chosen(count):
                    if wrong == MOST_FAILURES:
                        break
                    wrong += 1
                    before = self.begin(template) if acknowledges else self.begin(template) and {}
                    shortage = f"{resource} {lasting} {number}"
                    with self.subTest(repeat=f"SHORTAGE='{shortage}' LD_PRELOAD={os.environ['PRELOADED']} "
                                             f"{shlex.join(map(str, [tool.TOOL, *arguments]))}"):
                        runs += 1
                        self.judge(self.run_short_of(shortage, arguments, stdin), before, acknowledges)
                        wrong -= 1
            print(f"[shortages] {' '.join(map(str, arguments[:2]))}: {count} {resource}s, "
                  f"{len(chosen(count))} of them failed, {runs} runs", flush=True)

    def begin(self, template):
        """What is there before a run: {id: payload}."""
        shutil.rmtree(self.dir, ignore_errors=True)
        if template is None:
            return {}
        shutil.copytree(template, self.dir)
        return dict(enumerate(LINES, 1))

    def test_in_durable_appends(self):
        self.take_census("wal", "append", "DIR", "--durable", "--acks", "--json", "--segment-bytes", "512",
                         stdin=b"\n".join(LINES) + b"\n", acknowledges=True)

    def test_in_durable_appends_of_threads(self):
        self.take_census("wal", "append", "DIR", "--durable", "--acks", "--json", "--threads", "4",
                         "--segment-bytes", "512", template=self.template, stdin=b"\n".join(LINES) + b"\n",
                         acknowledges=True)

    def test_in_looking_at_a_log(self):
        for arguments in (["wal", "verify", "DIR"], ["wal", "ls", "DIR"], ["wal", "stat", "DIR"], ["wal", "dump", "DIR"],
                          ["recordlog", "verify", "RECORDS"]):
            self.take_census(*arguments, "--json", template=self.template)

    def test_in_changing_a_log(self):
        self.take_census("wal", "truncate", "DIR", "--through", "20", "--force", "--json", template=self.template)
        self.take_census("recordlog", "append", "RECORDS", "--durable", "--json", template=self.template,
                         stdin=b"more\n" * 20)

    def test_in_repairing_a_log(self):
        self.take_census("wal", "repair", "DIR", "--plan", "--json", template=self.damaged)
        self.take_census("wal", "repair", "DIR", "--apply", str(self.plan), "--json", template=self.damaged)


if __name__ == "__main__":
    unittest.main()

"""The tool where memory, threads or descriptors run short: it ends, with a status of its own and JSON where JSON
was asked for, and what it acknowledged is there.

DURABILITY_SHORTAGES=all: every allocation, thread start and descriptor; by default a part of them. A failure says
the line that repeats it."""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "cli"))
import checkpoint_test  # noqa: E402
import index_log  # noqa: E402
import tool  # noqa: E402

LINES = [b"line %d of the input" % n for n in range(1, 31)]
INPUT = b"\n".join(LINES) + b"\n"
ACK = re.compile(rb"\d+ \d+")
ALL = os.environ.get("DURABILITY_SHORTAGES") == "all"
MOST = 5  # of each command, resource and way, unless all
MOST_FAILURES = 3  # that are told, of a command and resource
HANG = 60  # seconds


def chosen(count):
    """Which of so many fail: the first ones are all alike (the command line is parsed)."""
    if ALL or count <= MOST:
        return list(range(1, count + 1))
    return sorted({count - (count - 1) * n // (MOST - 1) for n in range(MOST)})


def files_in(path):
    return {name.removeprefix(str(path)): state[4] for name, state in tool.snapshot(path).items()
            if not name.endswith(".lock")}


class Shortages(tool.Case):
    def setUp(self):
        super().setUp()
        self.template = self.root / "template"
        tool.run("wal", "append", self.template, "--durable", "--segment-bytes", "512", stdin=INPUT)
        tool.run("recordlog", "append", self.template / "records", "--durable", stdin=INPUT)
        checkpoint_test.write(self.template / "state.ckpt", 30)
        self.damaged = self.root / "damaged"
        shutil.copytree(self.template, self.damaged)
        tool.flip(self.damaged / "wal" / "wal_2.log", 100)
        self.plan = self.root / "plan"
        self.plan.write_bytes(tool.run("wal", "repair", self.damaged, "--plan", "--json").stdout)
        self.index = self.root / "index"
        entries = [index_log.add(1, 100), index_log.marker("segments.ckpt", 1), index_log.delete((1, 4))]
        tool.run("wal", "append", self.index, "--durable", stdin=b"".join(entry + b"\n" for entry in entries))
        index_log.write_checkpoint(self.index / "segments.ckpt", 1, {1: (100, [])})
        self.count = self.root / "count"

    def run_short_of(self, shortage, arguments, stdin):
        environment = os.environ | {"LD_PRELOAD": os.environ["PRELOADED"], "SHORTAGE": shortage,
                                    "SHORTAGE_COUNT": str(self.count), "ASAN_OPTIONS": "verify_asan_link_order=0"}
        return subprocess.run([tool.TOOL, *map(str, arguments)], input=stdin, capture_output=True, env=environment,
                              timeout=HANG)

    def judge_answer(self, done):
        """Its last line says whether it went well, as the status does."""
        self.assertIn(done.returncode, (0, 1, 2), done.stderr.decode(errors="replace"))
        rows = [json.loads(line) for line in done.stdout.splitlines() if not ACK.fullmatch(line)]
        self.assertTrue(rows or done.returncode == 0, done)
        if rows:
            self.assertEqual(rows[-1].get("ok", True), done.returncode == 0, done)
        self.assertTrue(all(row.get("ok", True) for row in rows[:-1]), done)
        self.assertLessEqual(sum("ok" in row for row in rows), 1, done)

    def entries_there(self):
        """{id: payload}; none where there is no log."""
        done = tool.run("wal", "dump", self.dir, "--json")
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        if rows and rows[-1].get("error", {}).get("code") == "not_found":
            return {}
        self.assertEqual(done.returncode, 0, done)
        return {row["entry_id"]: bytes.fromhex(row["payload"]) for row in rows}

    def take_census(self, *arguments, template=None, stdin=b"", judge=None):
        """`judge`: of a run, beyond its answer."""
        arguments = [str(a).replace("DIR", str(self.dir)) for a in arguments]
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
                    self.begin(template)
                    shortage = f"{resource} {lasting} {number}"
                    with self.subTest(repeat=f"SHORTAGE='{shortage}' LD_PRELOAD={os.environ['PRELOADED']} "
                                             f"{shlex.join([str(tool.TOOL), *arguments])}"):
                        runs += 1
                        done = self.run_short_of(shortage, arguments, stdin)
                        self.judge_answer(done)
                        if judge is not None:
                            judge(done)
                        wrong -= 1
            print(f"[shortages] {' '.join(arguments[:2])}: {count} {resource}s, "
                  f"{len(chosen(count))} of them failed, {runs} runs", flush=True)

    def begin(self, template):
        shutil.rmtree(self.dir, ignore_errors=True)
        if template is not None:
            shutil.copytree(template, self.dir)

    def take_census_of_reading(self, *arguments, template=None):
        """A command that changes nothing."""
        template = template or self.template
        files = files_in(template)
        self.take_census(*arguments, template=template,
                         judge=lambda done: self.assertEqual(files_in(self.dir), files))

    def judge_append(self, before):
        def judge(done):
            there = self.entries_there()
            for line, entry in (map(int, ack.split()) for ack in filter(ACK.fullmatch, done.stdout.splitlines())):
                self.assertEqual(there[entry], LINES[line - 1])
            self.assertLessEqual(before.items(), there.items())
            self.ok("wal", "append", self.dir, "--durable", stdin=b"goes on\n")
        return judge

    def test_in_durable_appends(self):
        self.take_census("wal", "append", "DIR", "--durable", "--acks", "--json", "--segment-bytes", "512",
                         stdin=INPUT, judge=self.judge_append({}))

    def test_in_durable_appends_of_threads(self):
        self.take_census("wal", "append", "DIR", "--durable", "--acks", "--json", "--threads", "4",
                         "--segment-bytes", "512", template=self.template, stdin=INPUT,
                         judge=self.judge_append(dict(enumerate(LINES, 1))))

    def test_in_reading(self):
        for command in ("verify", "ls", "stat", "dump"):
            self.take_census_of_reading("wal", command, "DIR", "--json")
            self.take_census_of_reading("wal", command, "DIR", "--json", template=self.damaged)
        for command in ("verify", "dump"):
            self.take_census_of_reading("recordlog", command, "DIR/records", "--json")
        for command in ("show", "verify"):
            self.take_census_of_reading("checkpoint", command, "DIR/state.ckpt", "--json")
        self.take_census_of_reading("recover", "DIR", "--latest", "--json", template=self.index)

    def test_in_truncating_and_converting(self):
        def judge_truncate(_):
            there = self.entries_there()
            self.assertEqual(there, {i: LINES[i - 1] for i in range(min(there), 31)})
            self.assertLessEqual(min(there), 21)

        def judge_convert(done):
            self.dir = self.root / "log" / "old"
            self.assertEqual(files_in(self.dir), files)
            self.dir = self.root / "log" / "new"
            if done.returncode == 0:
                self.assertEqual(self.entries_there(), dict(enumerate(LINES, 1)))
            self.dir = self.root / "log"

        self.take_census("wal", "truncate", "DIR", "--through", "20", "--force", "--json", template=self.template,
                         judge=judge_truncate)
        pair = self.root / "pair"
        shutil.copytree(self.template, pair / "old")
        files = files_in(pair / "old")
        self.take_census("wal", "convert", "DIR/old", "DIR/new", "--format", "3", "--json", template=pair,
                         judge=judge_convert)

    def test_in_a_record_log(self):
        def judge(done):
            dumped = self.ok("recordlog", "dump", self.dir / "records", "--json")
            rows = [bytes.fromhex(json.loads(row)["payload"]) for row in dumped.splitlines()]
            self.assertEqual(rows, (LINES + [b"more"] * 20)[:len(rows)])
            self.assertGreaterEqual(len(rows), 50 if done.returncode == 0 else 30)

        self.take_census("recordlog", "append", "DIR/records", "--durable", "--json", template=self.template,
                         stdin=b"more\n" * 20, judge=judge)

    def test_in_repairing(self):
        """Planned, repaired and brought back; whatever was left half done is planned and done again."""
        def judge_repair(done):
            plan = self.json("wal", "repair", self.dir, "--plan")
            self.assertTrue(plan["needed"] or done.returncode == 0 or done.stdout)
            if plan["needed"]:
                again = self.root / "again"
                again.write_text(json.dumps(plan))
                self.json("wal", "repair", self.dir, "--apply", again, "--cut-sound-entries")
            there = self.entries_there()
            self.assertEqual(there, {i: LINES[i - 1] for i in there})
            self.assertEqual(len(there), kept)
            self.ok("wal", "append", self.dir, "--durable", stdin=b"goes on\n")

        repaired = self.root / "repaired"
        shutil.copytree(self.damaged, repaired)
        self.ok("wal", "repair", repaired, "--apply", self.plan, "--cut-sound-entries")
        kept = json.loads(tool.run("wal", "verify", repaired, "--json").stdout)["entries"]
        self.take_census_of_reading("wal", "repair", "DIR", "--plan", "--json", template=self.damaged)
        self.take_census("wal", "repair", "DIR", "--apply", str(self.plan), "--cut-sound-entries", "--json", template=self.damaged,
                         judge=judge_repair)
        self.take_census("wal", "repair", "DIR", "--undo", "--json", template=repaired, judge=judge_repair)


if __name__ == "__main__":
    unittest.main()

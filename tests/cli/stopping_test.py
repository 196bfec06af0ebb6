"""How `append` ends, and what it does while nothing comes: signals, limits, pauses."""

import json
import os
import signal
import subprocess
import unittest

import tool

STOPS = (signal.SIGINT, signal.SIGTERM)
WAYS = ([], ["--policy", "manual"], ["--policy", "manual", "--threads", "4"], ["--batch", "100"],
        ["--policy", "every=1000", "--batch", "7", "--threads", "3"])


def until(condition):
    """Waits for what another process does, without end but that of the test."""
    while not condition():
        pass


class Stopping(tool.Case):
    def seen(self):
        """Payloads that a reader sees beside the live writer."""
        done = tool.run("wal", "dump", self.dir, "--best-effort", "--raw", "--allow-empty")
        return sorted(done.stdout.splitlines())

    def test_input_that_pauses_is_flushed(self):
        """Entries lay in the buffer of a writer that had nothing more to do; a kill -9 an hour later lost them."""
        for options in WAYS:
            with self.subTest(options=options):
                self.dir = self.root / "-".join(options)
                with tool.start("wal", "append", self.dir, "--acks", *options) as writer:
                    expected = []
                    for burst in range(5):
                        lines = [b"%d %d" % (burst, i) for i in range(3)]
                        writer.stdin.write(b"".join(line + b"\n" for line in lines))
                        self.assertEqual(sorted(int(writer.hear().split()[0]) for _ in lines),
                                         list(range(len(expected) + 1, len(expected) + 4)))
                        expected += lines
                    writer.kill_9()
                self.assertEqual(self.seen(), sorted(expected))

    def test_records_that_pause_are_flushed(self):
        file = self.root / "records.log"
        with tool.start("recordlog", "append", file) as writer:
            writer.stdin.write(b"a\nb\nunfinished")
            until(lambda: tool.run("recordlog", "dump", file, "--raw", "--allow-empty").stdout == b"a\nb\n")
            writer.kill_9()

    def test_a_signal_ends_the_input_and_nothing_that_was_read_is_lost(self):
        for number in STOPS:
            for options in (*WAYS, ["--durable"], ["--durable", "--threads", "8", "--segment-bytes", "256"]):
                with self.subTest(signal=number, options=options):
                    self.dir = self.root / f"{number}-{'-'.join(options)}"
                    lines = [b"line %d" % i for i in range(100)]
                    with tool.start("wal", "append", self.dir, "--json", *options) as writer:
                        writer.stdin.write(b"".join(line + b"\n" for line in lines) + b"unfinished")
                        until(lambda: len(self.seen()) == 100)
                        writer.send_signal(number)
                        self.assertEqual(writer.wait(timeout=60), 0)
                        summary = json.loads(writer.stdout.read())
                    self.assertEqual((summary["ok"], summary["entries"], summary["stopped_by"]),
                                     (True, 100, signal.Signals(number).name))
                    self.assertEqual(summary["unfinished_bytes"], len(b"unfinished"))
                    self.assertEqual(sorted(self.entries().values()), sorted(lines))  # strict: closed

    def test_lines_that_were_read_at_once_are_appended_before_it_ends(self):
        """More lines than are taken at a time, all in one read: each is acknowledged."""
        for number in STOPS:
            self.dir = self.root / str(number)
            with tool.start("wal", "append", self.dir, "--durable", "--acks") as writer:
                writer.stdin.write(b"".join(b"line %d\n" % i for i in range(2000)))
                self.assertEqual(writer.hear(), "1 1")
                writer.send_signal(number)
                rest = writer.stdout.read().splitlines()  # to its end
                self.assertEqual(writer.wait(timeout=60), 0)
                self.assertIn(b"stopped by " + signal.Signals(number).name.encode(), writer.stderr.read())
            acknowledged = {1, *(int(line.split()[1]) for line in rest)}
            self.assertEqual(acknowledged, set(self.entries()))
            self.assertGreater(len(acknowledged), 1)

    def test_a_signal_ends_records_too(self):
        for number in STOPS:
            file = self.root / f"{number}.log"
            with tool.start("recordlog", "append", file, "--json") as writer:
                writer.stdin.write(b"a\nb\nunfinished")
                until(lambda: tool.run("recordlog", "dump", file, "--raw", "--allow-empty").stdout == b"a\nb\n")
                writer.send_signal(number)
                self.assertEqual(writer.wait(timeout=60), 0)
                summary = json.loads(writer.stdout.read())
            self.assertEqual((summary["records"], summary["stopped_by"], summary["unfinished_bytes"]),
                             (2, signal.Signals(number).name, 10))

    def test_a_signal_that_the_caller_ignores_stays_ignored(self):
        with subprocess.Popen(["bash", "-c", 'trap "" INT; exec "$0" "$@"', tool.TOOL, "wal", "append", self.dir,
                               "--durable", "--acks"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, bufsize=0) as writer:
            for line in (b"1 1\n", b"2 2\n"):
                writer.stdin.write(b"x\n")
                self.assertEqual(writer.stdout.readline(), line)
                writer.send_signal(signal.SIGINT)
            writer.stdin.close()
            self.assertEqual(writer.wait(timeout=60), 0)
            self.assertNotIn(b"stopped", writer.stderr.read())

    def test_a_limit_on_the_size_of_files_is_an_error_and_no_death(self):
        """SIGXFSZ killed it, with status 153 and a core."""
        for command in (["wal", "append", self.dir, "--durable", "--preallocate", "0"],
                        ["recordlog", "append", self.root / "records.log", "--durable"]):
            done = subprocess.run(["bash", "-c", 'ulimit -f 100; exec "$0" "$@"', tool.TOOL, *map(str, command),
                                   "--json"], input=(b"x" * 1000 + b"\n") * 500, capture_output=True, timeout=60,
                                  check=False)
            answer = json.loads(done.stdout)
            self.assertEqual((done.returncode, answer["ok"], answer["error"]["errno"]), (1, False, 27), done)
        self.assertGreater(len(self.entries("--best-effort")), 20)


if __name__ == "__main__":
    unittest.main()

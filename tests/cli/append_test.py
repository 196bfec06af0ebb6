"""wal append."""

import json
import os
import resource
import subprocess
import unittest

import tool

CAP = 16 << 20  # bytes in an entry


def acks(output):
    """{line number: entry id}"""
    pairs = [line.split() for line in output.decode().splitlines()]
    assert len(pairs) == len({line for line, _ in pairs}), "a line is acknowledged twice"
    return {int(line): int(entry) for line, entry in pairs}


class Append(tool.Case):
    def append_raw(self, stdin, *options, status=0):
        return self.json("wal", "append", self.dir, *options, stdin=stdin, status=status)

    def test_each_line_is_an_entry_whatever_is_in_it(self):
        lines = [b"plain", b"", b"\0\xff\r", "città".encode(), b" spaces ", b"x" * 100_000]
        summary = self.append(lines)
        self.assertEqual(
            {key: summary[key] for key in ("ok", "entries", "first_entry_id", "last_entry_id", "bytes")},
            {"ok": True, "entries": 6, "first_entry_id": 1, "last_entry_id": 6, "bytes": sum(map(len, lines))})
        self.assertGreater(summary["seconds"], 0)
        self.assertGreaterEqual(summary["syncs"], 1)
        self.assertEqual(list(self.entries().values()), lines)
        self.assertEqual(self.ok("wal", "dump", self.dir, "--raw"), b"".join(line + b"\n" for line in lines))

    def test_a_last_line_without_newline_counts(self):
        self.append_raw(b"one\ntwo")
        self.assertEqual(list(self.entries().values()), [b"one", b"two"])

    def test_no_input_is_no_entry_and_ids_are_null(self):
        summary = self.append_raw(b"", "--durable")
        self.assertEqual((summary["ok"], summary["entries"], summary["bytes"]), (True, 0, 0))
        self.assertIsNone(summary["first_entry_id"])
        self.assertIsNone(summary["last_entry_id"])

    def test_ids_go_on_in_the_next_run(self):
        self.append([b"a", b"b"])
        summary = self.append([b"c"])
        self.assertEqual((summary["first_entry_id"], summary["last_entry_id"]), (3, 3))
        self.assertEqual(self.entries(), {1: b"a", 2: b"b", 3: b"c"})

    def test_threads_take_each_line_once_and_share_syncs(self):
        lines = [b"line %d" % i for i in range(2000)]
        done = tool.run("wal", "append", self.dir, "--durable", "--threads", 8, "--acks", "--json",
                        "--segment-bytes", 8192, stdin=b"\n".join(lines))
        *acknowledged, summary = done.stdout.splitlines()
        acknowledged = acks(b"\n".join(acknowledged))
        summary = json.loads(summary)
        self.assertEqual(summary["entries"], 2000)
        self.assertLess(summary["syncs"], 2000)
        self.assertEqual(sorted(acknowledged), list(range(1, 2001)))
        self.assertEqual(self.entries(), {entry: lines[line - 1] for line, entry in acknowledged.items()})

    def test_each_way_of_appending_gives_the_same_log(self):
        lines = [b"entry %d " % i * (i % 7) for i in range(500)]
        for options in (["--batch", 7], ["--batch", 1000, "--durable"], ["--policy", "per-append"],
                        ["--policy", "every=3"], ["--policy", "interval=1"], ["--policy", "manual"],
                        ["--segment-bytes", 1024], ["--preallocate", 0], ["--format", 3], ["--format", 2]):
            with self.subTest(options=options):
                self.dir = self.root / "-".join(map(str, options))
                output = self.ok("wal", "append", self.dir, "--acks", *options, stdin=b"\n".join(lines) + b"\n")
                self.assertEqual(acks(output), {i: i for i in range(1, 501)})
                self.assertEqual(list(self.entries().values()), lines)

    def test_format_and_segment_bytes_reach_the_log(self):
        self.append([b"x" * 100] * 50, "--format", 3, "--segment-bytes", 1000)
        rows = self.json("wal", "ls", self.dir)["segments"]
        self.assertGreater(len(rows), 4)
        self.assertEqual({row["version"] for row in rows}, {3})

    def test_an_entry_is_acknowledged_when_it_counts_and_not_before_the_next_is_read(self):
        for options in (["--durable"], ["--durable", "--threads", 4], ["--policy", "per-append"],
                        ["--policy", "per-append", "--threads", 4]):
            with self.subTest(options=options), tool.start("wal", "append", self.dir, "--acks", *options) as writer:
                for i, line in enumerate([b"first", b"x" * 200_000, b"last"], 1):
                    writer.say(line)
                    self.assertEqual(writer.hear().split()[0], str(i))
                writer.kill_9()
                self.assertIn(line, self.entries("--best-effort").values())

    def test_a_killed_writer_keeps_what_was_flushed_and_leaves_no_lock(self):
        with tool.start("wal", "append", self.dir, "--acks", "--policy", "every=2") as writer:
            for line in (b"a", b"b", b"c"):
                writer.say(line)
            self.assertEqual([writer.hear(), writer.hear()], ["1 1", "2 2"])
            writer.kill_9()
        self.assertEqual(self.append([b"d"])["entries"], 1)
        self.assertIn(list(self.entries().values()), ([b"a", b"b", b"d"], [b"a", b"b", b"c", b"d"]))

    def test_a_second_writer_is_refused(self):
        with tool.start("wal", "append", self.dir, "--durable", "--acks") as writer:
            writer.say(b"mine")
            self.assertEqual(writer.hear(), "1 1")
            refused = self.json("wal", "append", self.dir, stdin=b"theirs\n", status=1)
            self.assertEqual(refused["error"]["code"], "lock_failed")
            self.assertEqual(self.json("wal", "truncate", self.dir, "--through", 1, "--force", status=1)["error"]["code"],
                             "lock_failed")
            writer.say(b"still mine")
            self.assertEqual(writer.hear(), "2 2")
        self.assertEqual(self.entries("--best-effort"), {1: b"mine", 2: b"still mine"})

    def test_a_line_of_16_mebibytes_is_an_entry_and_a_longer_one_is_named_and_refused(self):
        whole = b"x" * CAP
        summary = self.append_raw(b"a\n" + whole + b"\nb\n" + whole + b"x\nnever\n", "--durable", status=1)
        self.assertEqual((summary["ok"], summary["entries"], summary["last_entry_id"]), (False, 3, 3))
        self.assertEqual(summary["error"]["code"], "encode")
        self.assertIn("line 4 ", summary["error"]["message"])
        self.assertEqual(summary["error"]["offset"], 2 + CAP + 1 + 2)
        self.assertEqual(list(self.entries().values()), [b"a", whole, b"b"])

    def test_a_long_line_without_end_is_refused_in_a_batch_and_the_lines_before_it_are_kept(self):
        summary = self.append_raw(b"a\nb\n" + b"x" * (CAP + 1), "--batch", 100, status=1)
        self.assertEqual(summary["entries"], 2)
        self.assertIn("line 3 ", summary["error"]["message"])
        self.assertEqual(list(self.entries().values()), [b"a", b"b"])

    def test_a_closed_output_stops_it_and_nothing_is_written_elsewhere(self):
        """Where descriptor 1 is free, the next file that is opened gets it: an acknowledgement would be
        written into the log itself."""
        for close in (lambda: os.close(1), lambda: (os.close(0), os.close(1))):
            done = subprocess.run([tool.TOOL, "wal", "append", self.dir, "--durable", "--acks"], input=b"a\nb\n",
                                  stderr=subprocess.PIPE, preexec_fn=close, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"standard ", done.stderr)
        self.ok("wal", "verify", self.dir)

    def test_a_reader_of_acknowledgements_that_goes_away_stops_it(self):
        with tool.start("wal", "append", self.dir, "--durable", "--acks") as writer:
            writer.say(b"heard")
            self.assertEqual(writer.hear(), "1 1")
            writer.stdout.close()
            writer.say(b"not heard")
            self.assertEqual(writer.wait(timeout=60), 1)
            self.assertIn(b"durability: standard output: ", writer.stderr.read())
        self.assertEqual(self.entries(), {1: b"heard", 2: b"not heard"})

    def test_a_failure_of_one_thread_stops_those_that_wait_for_input(self):
        with tool.start("wal", "append", self.dir, "--durable", "--acks", "--threads", 4) as writer:
            writer.stdout.close()
            writer.say(b"one line, and then silence")
            self.assertEqual(writer.wait(timeout=60), 1)

    def test_a_full_disk_stops_it_with_the_error_and_what_was_acknowledged_is_there(self):
        limit = 300_000  # bytes in a file: a write beyond it fails with EFBIG
        done = subprocess.run(
            ["bash", "-c", f'ulimit -f {limit // 1024}; exec "$0" "$@"', tool.TOOL, "wal", "append",
             self.dir, "--durable", "--acks", "--threads", "4", "--preallocate", "0"],
            input=b"".join(b"%d " % i + b"x" * 10_000 + b"\n" for i in range(100)), capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"durability: ", done.stderr)
        self.assertIn(b"wal_1.log", done.stderr)
        acknowledged = acks(done.stdout)
        self.assertGreater(len(acknowledged), 5)
        there = self.entries("--best-effort")
        for line, entry in acknowledged.items():
            self.assertTrue(there[entry].startswith(b"%d " % (line - 1)))

    def test_options_that_make_no_sense_change_nothing(self):
        for options in (["--threads", 0], ["--threads", "x"], ["--batch", 0], ["--policy", "sometimes"],
                        ["--policy", "every=0"], ["--policy", "every="], ["--policy", "interval=0"],
                        ["--policy", "interval=99999999999999999"], ["--format", 5], ["--segment-bytes", 5],
                        ["--segment-bytes", -1], ["--preallocate", 1 << 30]):
            with self.subTest(options=options):
                done = tool.run("wal", "append", self.dir, *options, stdin=b"a\n")
                self.assertEqual(done.returncode, 2, done)
                self.assertTrue(done.stderr.startswith(b"durability: "))
                self.assertFalse(self.dir.exists())

    def test_files_are_for_their_owner_only(self):
        self.append([b"secret"])
        self.assertEqual(self.segment(1).stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.segment(1).parent.stat().st_mode & 0o777, 0o700)

    def test_text_goes_to_standard_error_beside_acknowledgements(self):
        text = self.ok("wal", "append", self.dir, stdin=b"a\n")
        self.assertIn(b"appended 1 entry (1 byte), ids 1 to 1 in ", text)
        done = tool.run("wal", "append", self.dir, "--acks", stdin=b"a\n")
        self.assertEqual(done.stdout, b"1 2\n")
        self.assertIn(b"appended 1 entry", done.stderr)

    # Without a descriptor for the next segment the advice was to free some space, and it could not "make an eventfd".
    @unittest.skipIf(tool.SANITIZED, "without descriptors a sanitizer cannot look at memory, and takes all of it for invalid")
    def test_too_many_open_files_are_told_from_a_full_disk(self):
        lines = b"".join(b"entry %d\n" % i for i in range(200))
        said = set()
        for limit in range(4, 24):
            bound = lambda limit=limit: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            for command in (["wal", "append", self.root / f"log {limit}", "--segment-bytes", 512, "--batch", 150],
                            ["recordlog", "append", self.root / f"records {limit}"]):
                done = tool.run(*command, "--json", stdin=lines, preexec_fn=bound)
                if not done.stdout:
                    continue  # its libraries could not be loaded
                answer = json.loads(done.stdout)
                if answer["ok"]:
                    continue
                error = answer["error"]
                self.assertEqual(error.get("errno"), 24, error)
                self.assertIn("close some files or raise the limit on open ones (ulimit -n)", error["advice"])
                self.assertNotIn("eventfd", error["message"])
                said.add(error["advice"].split(";")[0].rstrip(" 0123456789"))
        self.assertIn("nothing was changed", said)
        self.assertIn("nothing was appended", said)
        self.assertTrue(any(word.startswith("the first ") for word in said), said)


if __name__ == "__main__":
    unittest.main()

"""recordlog append, dump and verify."""

import json
import os
import struct
import unittest
import zlib

import tool


def record(payload, version=2):
    """A record, made without the library."""
    length = struct.pack("<I", len(payload))
    crc = zlib.crc32(length + payload if version == 2 else payload)
    return length + struct.pack("<I", crc) + payload


def file_of(payloads, version=2):
    return b"VRLG" + struct.pack("<I", version) + b"".join(record(x, version) for x in payloads)


class RecordLog(tool.Case):
    def setUp(self):
        super().setUp()
        self.file = self.root / "records.log"

    def append_lines(self, lines, *options, status=0):
        return self.json("recordlog", "append", self.file, *options, stdin=b"".join(x + b"\n" for x in lines),
                         status=status)

    def records(self, *options):
        rows = [json.loads(line) for line in self.ok("recordlog", "dump", self.file, "--json", *options).splitlines()]
        self.assertEqual([row["record"] for row in rows], list(range(1, len(rows) + 1)))
        return [bytes.fromhex(row["payload"]) for row in rows]

    def test_lines_become_records_in_the_documented_bytes(self):
        lines = [b"a", b"", bytes(range(256)).replace(b"\n", b""), b"x" * 100_000]
        for version in (1, 2):
            for durable in ([], ["--durable"]):
                with self.subTest(version=version, durable=durable):
                    self.file = self.root / f"{version}{len(durable)}.log"
                    summary = self.append_lines(lines, "--format", version, *durable)
                    seconds = summary.pop("seconds")
                    self.assertGreater(seconds, 0)
                    self.assertEqual(summary, {"ok": True, "records": 4, "first_record": 1, "last_record": 4,
                                               "bytes": sum(map(len, lines))})
                    self.assertEqual(self.file.read_bytes(), file_of(lines, version))
                    self.assertEqual(self.records(), lines)
                    self.assertEqual(self.ok("recordlog", "dump", self.file, "--raw"),
                                     b"".join(line + b"\n" for line in lines))

    def test_it_goes_on_with_the_file_in_its_own_version_and_makes_missing_directories(self):
        self.file = self.root / "new" / "dir" / "records.log"
        self.append_lines([b"a"], "--format", 1)
        summary = self.append_lines([b"b", b"c"])
        self.assertEqual((summary["first_record"], summary["last_record"]), (2, 3))
        self.assertEqual(self.file.read_bytes(), file_of([b"a", b"b", b"c"], 1))
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)

    def test_dump_says_where_each_record_lies(self):
        self.file.write_bytes(file_of([b"one", b"tw\xff"]))
        self.assertEqual(self.ok("recordlog", "dump", self.file), b"1\t8\tone\n2\t19\ttw\\xff\n")
        rows = [json.loads(x) for x in self.ok("recordlog", "dump", self.file, "--json").splitlines()]
        self.assertEqual(rows, [{"record": 1, "offset": 8, "payload": "6f6e65"},
                                {"record": 2, "offset": 19, "payload": "7477ff"}])

    def test_verify_counts_and_says_the_version(self):
        for version in (1, 2):
            self.file.write_bytes(file_of([b"a", b"b"], version))
            answer = self.json("recordlog", "verify", self.file)
            self.assertEqual((answer["ok"], answer["version"], answer["records"]), (True, version, 2))
        self.assertEqual(self.ok("recordlog", "verify", self.file), b"sound: 2 records\n")

    def test_a_torn_tail_is_damage_when_strict_and_left_out_in_best_effort(self):
        self.file.write_bytes(file_of([b"a", b"b"]) + record(b"torn")[:-1])
        answer = self.json("recordlog", "verify", self.file, status=1)
        self.assertEqual((answer["ok"], answer["version"], answer["records"]), (False, 2, 2))
        self.assertEqual((answer["error"]["code"], answer["error"]["offset"], answer["error"]["path"]),
                         ("truncated", 26, str(self.file)))
        answer = self.json("recordlog", "verify", self.file, "--best-effort")
        self.assertEqual((answer["ok"], answer["records"], answer["torn_tail"]), (True, 2, True))
        self.assertEqual(self.records("--best-effort"), [b"a", b"b"])
        self.assertEqual(tool.run("recordlog", "dump", self.file).stdout, b"1\t8\ta\n2\t17\tb\n")
        self.append_lines([b"c"])
        self.assertEqual(self.file.read_bytes(), file_of([b"a", b"b", b"c"]))

    def test_damage_is_an_error_with_its_place_and_appending_touches_nothing(self):
        whole = file_of([b"first", b"second", b"third"])
        for offset, code in ((0, "format"), (4, "format"), (8 + 13 + 9, "crc_mismatch"), (8 + 13 + 3, "format")):
            with self.subTest(offset=offset):
                self.file.write_bytes(whole)
                tool.flip(self.file, offset)
                damaged = self.file.read_bytes()
                for mode in ("--strict", "--best-effort"):
                    answer = self.json("recordlog", "verify", self.file, mode, status=1)
                    self.assertEqual((answer["ok"], answer["error"]["code"]), (False, code))
                answer = self.append_lines([b"x"], status=1)
                self.assertEqual((answer["error"]["code"], answer["error"]["path"]), ("format", str(self.file)))
                done = tool.run("recordlog", "verify", self.file)
                self.assertTrue(done.stderr.startswith(b"durability: %s: offset " % os.fsencode(self.file)), done)
                self.assertEqual(self.file.read_bytes(), damaged)

    def test_reading_changes_nothing_and_takes_no_lock(self):
        self.append_lines([b"a"])
        before = tool.snapshot(self.root)
        self.ok("recordlog", "dump", self.file)
        self.ok("recordlog", "verify", self.file)
        self.assertEqual(tool.snapshot(self.root), before)

    def test_a_second_writer_is_refused_and_readers_see_what_was_appended(self):
        with tool.start("recordlog", "append", self.file, "--durable") as writer:
            writer.say(b"mine")
            while self.records("--allow-empty") != [b"mine"]:
                pass
            answer = self.append_lines([b"theirs"], status=1)
            self.assertEqual(answer["error"]["code"], "lock_failed")
            writer.kill_9()
        self.append_lines([b"next"])
        self.assertEqual(self.records(), [b"mine", b"next"])

    def test_a_line_over_the_cap_is_named_and_the_lines_before_it_are_kept(self):
        cap = 64 << 20
        done = self.json("recordlog", "append", self.file, stdin=b"a\n" + b"x" * cap + b"\n" + b"x" * (cap + 1),
                         status=1)
        self.assertEqual((done["records"], done["error"]["code"]), (2, "encode"))
        self.assertIn("line 3 is longer than 64 MiB", done["error"]["message"])
        self.assertEqual(self.json("recordlog", "verify", self.file)["records"], 2)

    def test_options_that_make_no_sense_change_nothing(self):
        for options in (["append", self.file, "--format", 3], ["append"], ["dump", self.file, "--raw", "--json"],
                        ["verify", self.file, "--strict", "--best-effort"], []):
            self.assertEqual(tool.run("recordlog", *options).returncode, 2, options)
        self.assertEqual(list(self.root.iterdir()), [])


if __name__ == "__main__":
    unittest.main()

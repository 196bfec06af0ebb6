"""wal dump, verify and ls: what they say of sound logs and of others, and that they leave no trace."""

import json
import os
import unittest

import tool

READING = (["wal", "dump"], ["wal", "dump", "--json"], ["wal", "dump", "--best-effort", "--raw"], ["wal", "verify"],
           ["wal", "verify", "--best-effort", "--json"], ["wal", "ls"], ["wal", "ls", "--json"])


class Reading(tool.Case):
    def fill(self, entries=100, *options):
        self.append([b"entry %d" % i for i in range(1, entries + 1)], *options)

    def tear(self):
        """A log whose last entry is torn: flushed, not synced, damaged, and vouched for by none."""
        self.fill(3)
        with tool.start("wal", "append", self.dir, "--acks", "--policy", "per-append") as writer:
            writer.say(b"lost")
            self.assertEqual(writer.hear(), "1 4")
        [row] = self.rows(b"lost")
        tool.flip(self.segment(1), row["offset"] + 24)

    def rows(self, payload):
        rows = map(json.loads, self.ok("wal", "dump", self.dir, "--json").splitlines())
        return [row for row in rows if row["payload"] == payload.hex()]

    # A range the wrong way round was "no entry 10: the last one is 5" with status 0, of a log that has entry 10.
    def test_a_range_from_beyond_its_end_is_wrong_usage(self):
        self.append([b"entry %d" % i for i in range(1, 21)])
        answer = self.json("wal", "dump", self.dir, "--from", 10, "--to", 5, status=2)
        self.assertIn("--from 10 comes after --to 5", answer["error"]["message"])
        self.assertEqual(self.ok("wal", "dump", self.dir, "--from", 5, "--to", 5, "--raw"), b"entry 5\n")

    def test_they_make_nothing_and_change_nothing(self):
        self.fill(50, "--segment-bytes", 512)
        empty = self.root / "empty"
        empty.mkdir()
        before = tool.snapshot(self.root)
        for command in READING:
            for place in (self.dir, empty, self.root / "missing"):
                with self.subTest(command=command, place=place.name):
                    done = tool.run(*command, place)
                    self.assertEqual(done.returncode, 0 if place == self.dir else 1)
        self.assertEqual(tool.snapshot(self.root), before)

    def test_a_missing_directory_is_not_found(self):
        for command in READING:
            if "--json" not in command:
                done = tool.run(*command, self.root / "missing")
                self.assertEqual(done.stdout, b"")
                self.assertIn(b"durability: %s: " % os.fsencode(self.root / "missing"), done.stderr)
                continue
            done = tool.run(*command, self.root / "missing")
            answer = json.loads(done.stdout)
            self.assertEqual((answer["ok"], answer["error"]["code"]), (False, "not_found"))
            self.assertEqual(answer["error"]["path"], str(self.root / "missing"))

    def test_a_sound_log(self):
        self.fill(100, "--segment-bytes", 1024)
        answer = self.json("wal", "verify", self.dir)
        self.assertEqual((answer["entries"], answer["first_entry_id"], answer["last_entry_id"]), (100, 1, 100))
        rows = self.json("wal", "ls", self.dir)["segments"]
        kept = [row for row in rows if row["state"] != "spare"]
        self.assertEqual(answer["segments"], len(kept))
        self.assertEqual(answer["bytes"], sum(row["bytes"] for row in kept))
        *sealed, last = [row["state"] for row in kept]
        self.assertLessEqual(set(sealed), {"sealed", "sealed, not read"})
        self.assertEqual((sealed[0], last), ("sealed, not read", "active"))
        self.assertEqual([row["segment_id"] for row in rows], list(range(1, len(rows) + 1)))
        self.assertEqual(sum(row["entries"] for row in kept), 100)
        ends = [(row["first_entry_id"], row["last_entry_id"]) for row in kept if row["entries"]]
        self.assertEqual((ends[0][0], ends[-1][1]), (1, 100))
        for row in rows:
            self.assertEqual(row["bytes"], self.segment(row["segment_id"]).stat().st_size)
        self.assertIn("sound: 100 entries, ids 1 to 100", self.ok("wal", "verify", self.dir).decode())
        self.assertEqual(len(self.ok("wal", "ls", self.dir).splitlines()), 1 + len(rows))

    def test_a_missing_segment_has_a_row_and_is_counted_nowhere(self):
        """It was counted among the segments that verify had found."""
        self.fill(100, "--segment-bytes", 1024)
        self.segment(2).unlink()
        rows = self.json("wal", "ls", self.dir, status=1)["segments"]
        self.assertEqual([row["segment_id"] for row in rows if row["state"] == "missing"], [2])
        there = [row for row in rows if row["state"] not in ("missing", "spare")]
        answer = self.json("wal", "verify", self.dir, status=1)
        self.assertEqual(answer["segments"], len(there))

    def test_dump_gives_the_part_that_is_asked_for(self):
        self.fill(100, "--segment-bytes", 512)
        for options, ids in (([], range(1, 101)), (["--from", 40], range(40, 101)), (["--to", 3], range(1, 4)),
                             (["--from", 30, "--to", 32], range(30, 33)), (["--from", 1000], ()),
                             (["--to", 2**64 - 1], range(1, 101)), (["--from", 2**64 - 1], ())):
            with self.subTest(options=options):
                self.assertEqual(self.entries(*options), {i: b"entry %d" % i for i in ids})

    def test_dump_beyond_the_end_says_where_the_end_is(self):
        self.fill(40, "--segment-bytes", 512)
        for form in ([], ["--json"], ["--raw"]):
            done = tool.run("wal", "dump", self.dir, "--from", 99, *form)
            self.assertEqual((done.returncode, done.stdout), (0, b""))
            self.assertEqual(done.stderr.decode(), f"durability: {self.dir}: no entry 99: the last one is 40\n")
            self.assertEqual(tool.run("wal", "dump", self.dir, "--from", 40, *form).stderr, b"")
        self.dir = self.root / "empty"
        self.append([])
        self.assertIn(b"the log is empty", tool.run("wal", "dump", self.dir, "--from", 1).stderr)

    def test_dump_up_to_what_was_truncated_away_says_where_the_log_begins(self):
        self.fill(100, "--segment-bytes", 512)
        first = self.json("wal", "truncate", self.dir, "--through", 60, "--force")["first_entry_id"]
        for form in ([], ["--json"], ["--raw"]):
            done = tool.run("wal", "dump", self.dir, "--to", first - 1, *form)
            self.assertEqual((done.returncode, done.stdout), (0, b""))
            self.assertEqual(done.stderr.decode(), f"durability: {self.dir}: no entry up to {first - 1}: the log "
                                                   f"begins with entry {first}\n")
            self.assertEqual(tool.run("wal", "dump", self.dir, "--to", first, *form).stderr, b"")

    def test_dump_says_where_an_entry_lies_and_escapes_it(self):
        self.append([b"tab\there \xff"])
        line = self.ok("wal", "dump", self.dir)
        self.assertEqual(line, b"1\t1\t64\ttab\\x09here \\xff\n")
        [row] = self.rows(b"tab\there \xff")
        self.assertEqual((row["segment_id"], row["offset"]), (1, 64))
        self.assertIn(b"tab\there \xff", self.segment(1).read_bytes()[64:64 + 24 + 11])

    def test_damage_to_an_acknowledged_entry_is_an_error_with_its_place(self):
        self.fill(100)
        [row] = self.rows(b"entry 40")
        tool.flip(self.segment(1), row["offset"] + 25)
        before = tool.snapshot(self.root)
        for mode in ("--strict", "--best-effort"):
            answer = self.json("wal", "verify", self.dir, mode, status=1)
            self.assertEqual((answer["ok"], answer["entries"], answer["last_entry_id"]), (False, 39, 39))
            self.assertEqual((answer["error"]["code"], answer["error"]["offset"]), ("corrupt", row["offset"]))
            self.assertEqual(answer["error"]["path"], str(self.segment(1)))
        done = tool.run("wal", "dump", self.dir, "--json")
        *entries, error = map(json.loads, done.stdout.splitlines())
        self.assertEqual((done.returncode, len(entries), error["ok"]), (1, 39, False))
        self.assertEqual(error["error"]["code"], "corrupt")
        done = tool.run("wal", "verify", self.dir)
        self.assertRegex(done.stderr.decode(),
                         rf"^durability: {self.segment(1)}: offset {row['offset']}: [^\n]+; [^\n]+\n$")
        answer = self.json("wal", "ls", self.dir, status=1)
        self.assertEqual(answer["segments"][0]["state"], "damaged")
        self.assertEqual(self.json("wal", "append", self.dir, stdin=b"x\n", status=1)["error"]["code"], "corrupt")
        self.assertEqual(tool.snapshot(self.segment(1)), {k: v for k, v in before.items() if k == str(self.segment(1))})

    def test_verify_counts_what_stands_in_front_of_damage_in_one_of_many_segments(self):
        self.fill(100, "--segment-bytes", 512)
        [row] = self.rows(b"entry 40")
        damaged = self.segment(row["segment_id"])
        tool.flip(damaged, row["offset"] + 25)
        answer = self.json("wal", "verify", self.dir, status=1)
        self.assertEqual((answer["entries"], answer["first_entry_id"], answer["last_entry_id"]), (39, 1, 39))
        self.assertEqual((answer["error"]["code"], answer["error"]["offset"]), ("corrupt", row["offset"]))
        self.assertEqual(answer["error"]["path"], str(damaged))

    def test_a_torn_tail_is_an_error_to_strict_reading_only_and_appending_goes_on(self):
        self.tear()
        before = tool.snapshot(self.root)
        answer = self.json("wal", "verify", self.dir, status=1)
        self.assertEqual((answer["error"]["code"], answer["entries"]), ("torn_tail", 3))
        answer = self.json("wal", "verify", self.dir, "--best-effort")
        self.assertEqual((answer["ok"], answer["entries"], answer["torn_tail"]), (True, 3, True))
        self.assertEqual(self.json("wal", "ls", self.dir)["segments"][0]["state"], "torn")
        self.assertEqual(tool.snapshot(self.root), before)
        self.assertEqual(self.append([b"next"])["first_entry_id"], 4)
        self.assertEqual(self.json("wal", "verify", self.dir)["entries"], 4)
        self.assertEqual(self.entries()[4], b"next")

    def test_a_torn_tail_of_an_older_version_is_a_state_too(self):
        self.fill(3, "--format", 3)
        os.truncate(self.segment(1), self.segment(1).stat().st_size - 3)
        self.assertEqual(self.json("wal", "verify", self.dir, status=1)["error"]["code"], "truncated")
        self.assertEqual(self.json("wal", "verify", self.dir, "--best-effort")["entries"], 2)
        self.assertEqual(self.json("wal", "ls", self.dir)["segments"][0]["state"], "torn")

    def test_a_missing_segment_is_an_error(self):
        self.fill(100, "--segment-bytes", 512)
        self.segment(3).unlink()
        answer = self.json("wal", "verify", self.dir, status=1)
        self.assertEqual(answer["error"]["code"], "corrupt")

    def test_a_reader_works_beside_a_live_writer(self):
        with tool.start("wal", "append", self.dir, "--durable", "--acks", "--segment-bytes", 512) as writer:
            for i in range(1, 60):
                writer.say(b"entry %d" % i)
                self.assertEqual(writer.hear(), f"{i} {i}")
                self.assertEqual(self.json("wal", "verify", self.dir, "--best-effort")["entries"], i)

    def test_nothing_outside_the_directory_is_read_and_no_fifo_is_waited_for(self):
        self.fill(3)
        elsewhere = self.root / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "wal").symlink_to(self.dir / "wal")
        piped = self.root / "piped"
        (piped / "wal").mkdir(parents=True)
        os.mkfifo(piped / "wal" / "wal_1.log")
        for place in (elsewhere, piped):
            for command in READING:
                with self.subTest(place=place.name, command=command):
                    self.assertEqual(tool.run(*command, place).returncode, 1)

    def test_output_that_cannot_be_written_is_an_error(self):
        self.fill(3)
        for command in READING:
            with open("/dev/full", "wb") as full, self.subTest(command=command):
                done = tool.subprocess.run([tool.TOOL, *command, self.dir], stdout=full, stderr=tool.subprocess.PIPE)
                self.assertEqual(done.returncode, 1)
                self.assertIn(b"durability: standard output: ", done.stderr)


if __name__ == "__main__":
    unittest.main()

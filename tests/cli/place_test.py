"""Wrong places. `wal verify /etc`, or DIR/wal by mistake, was "sound: 0 entries" with status 0, so that whoever
monitored the wrong path heard that all was well; and `wal append DIR/wal` began a log inside a log."""

import json
import os
import unittest

import tool

READING = (["wal", "verify"], ["wal", "verify", "--best-effort"], ["wal", "dump"], ["wal", "ls"], ["wal", "stat"],
           ["wal", "repair", "--plan"], ["recover"])
WRITING = (["wal", "truncate", "--through", "1", "--force"], ["wal", "repair", "--undo"])


class Place(tool.Case):
    def setUp(self):
        super().setUp()
        self.append([b"a", b"b"])

    def commands(self):
        yield from READING
        yield from WRITING
        yield ["wal", "convert", "--format", "3", None]

    def run_at(self, command, place, *more):
        command = [self.root / "out" if word is None else word for word in command]
        words = 1 if command[0] == "recover" else 2
        return tool.run(*command[:words], place, *command[words:], *more)

    def refused(self, command, place, word):
        """`not_found`, with that word, in both forms."""
        done = self.run_at(command, place)
        self.assertEqual((done.returncode, done.stdout), (1, b""), (command, done))
        self.assertRegex(done.stderr.decode(), r"^durability: [^\n]+; [^\n;]+\n$")
        self.assertIn(word, done.stderr.decode())
        done = self.run_at(command, place, "--json")
        answer = json.loads(done.stdout)
        self.assertEqual((done.returncode, answer["ok"], answer["error"]["code"]), (1, False, "not_found"))
        self.assertEqual((answer["error"]["path"], done.stderr), (str(place), b""))

    def test_where_there_is_no_log_it_is_not_found(self):
        empty = self.root / "empty"
        begun = self.root / "begun"
        empty.mkdir()
        (begun / "wal").mkdir(parents=True)
        before = tool.snapshot(self.root)
        for command in self.commands():
            with self.subTest(command=command):
                self.refused(command, self.root / "nowhere", "nowhere")
                self.refused(command, empty, "no wal/")
                if "--undo" not in command:
                    self.refused(command, begun, "no segments")
                    self.refused(command, "/etc", "no wal/")
        self.assertEqual(tool.snapshot(self.root), before)

    def test_the_wal_directory_of_a_log_leads_to_the_log(self):
        for command in self.commands():
            for place in (self.dir / "wal", str(self.dir / "wal") + "/"):
                with self.subTest(command=command, place=place):
                    self.refused(command, place, f"did you mean {self.dir}?")
        os.chdir(self.dir / "wal")
        try:
            self.assertIn(b"did you mean ..?", tool.run("wal", "verify", ".").stderr)
        finally:
            os.chdir("/")
        os.chdir(self.dir)
        try:
            self.assertIn(b"did you mean .?", tool.run("wal", "verify", "wal").stderr)
        finally:
            os.chdir("/")

    def test_segments_in_no_wal_directory_and_the_path_of_a_segment_are_told_where_they_belong(self):
        (self.dir / "wal").rename(self.root / "saved")
        self.refused(["wal", "verify"], self.root / "saved", "wal/ of the one that is given")
        done = tool.run("wal", "verify", self.root / "saved" / "wal_1.log")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"this is a segment", done.stderr)

    def test_allow_empty_takes_it_for_an_empty_log(self):
        empty = self.root / "empty"
        empty.mkdir()
        before = tool.snapshot(self.root)
        for place in (empty, self.root / "nowhere"):
            answer = self.json("wal", "verify", place, "--allow-empty")
            self.assertEqual(
                {key: answer[key] for key in ("ok", "entries", "first_entry_id", "last_entry_id", "segments", "error")},
                {"ok": True, "entries": 0, "first_entry_id": None, "last_entry_id": None, "segments": 0,
                 "error": None})
            self.assertEqual(self.ok("wal", "dump", place, "--json", "--allow-empty"), b"")
            self.assertEqual(self.json("wal", "ls", place, "--allow-empty")["segments"], [])
            self.assertEqual(self.json("wal", "stat", place, "--allow-empty")["entries"], 0)
            self.assertEqual(self.json("wal", "repair", place, "--plan", "--allow-empty")["needed"], False)
            self.assertIsNone(self.json("recover", place, "--allow-empty")["last_entry_id"])
            self.assertEqual(self.json("wal", "truncate", place, "--through", 1, "--force", "--allow-empty"),
                             {"ok": True, "deleted_segments": 0, "deleted_entries": 0, "first_entry_id": None,
                              "next_entry_id": None})
        self.assertEqual(tool.snapshot(self.root), before)

    def test_a_log_that_was_begun_and_holds_nothing_is_sound(self):
        self.dir = self.root / "fresh"
        self.append([])
        answer = self.json("wal", "verify", self.dir)
        self.assertEqual((answer["entries"], answer["first_entry_id"], answer["last_entry_id"]), (0, None, None))

    def test_no_log_is_begun_inside_another(self):
        before = tool.snapshot(self.root)
        for place in (self.dir / "wal", str(self.dir / "wal") + "/"):
            answer = self.json("wal", "append", place, stdin=b"x\n", status=1)
            self.assertEqual((answer["error"]["code"], answer["error"]["path"]), ("invalid_state", str(place)))
            self.assertIn(f"did you mean {self.dir}?", answer["error"]["advice"])
            answer = self.json("wal", "convert", self.dir, place, "--format", 3, status=1)
            self.assertEqual(answer["error"]["code"], "invalid_state")
        self.assertEqual(tool.snapshot(self.root), before)
        # A directory may be called wal, and one that holds a log goes on with it.
        elsewhere = self.root / "wal"
        self.ok("wal", "append", elsewhere, stdin=b"x\n")
        self.ok("wal", "append", elsewhere, stdin=b"y\n")
        self.assertEqual(self.json("wal", "verify", elsewhere)["entries"], 2)

    # Beside the wal/ directory itself, which is refused above, any directory in it was taken; a repair keeps its
    # quarantine there.
    def test_no_log_is_begun_below_the_wal_directory_of_another(self):
        (self.dir / "wal" / "quarantine").mkdir()
        before = tool.snapshot(self.root)
        (self.root / "link").symlink_to(self.dir / "wal")
        for place in (self.dir / "wal" / "sub", self.dir / "wal" / "quarantine", self.dir / "wal" / "a" / "b",
                      self.root / "link" / "sub", str(self.dir / "wal" / "sub") + "/"):
            with self.subTest(place=place):
                answer = self.json("wal", "append", place, stdin=b"x\n", status=1)
                self.assertEqual((answer["error"]["code"], answer["error"]["path"]), ("invalid_state", str(place)))
                answer = self.json("wal", "convert", self.dir, place, "--format", 3, status=1)
                self.assertEqual(answer["error"]["code"], "invalid_state")
        (self.root / "link").unlink()
        self.assertEqual({k: v for k, v in tool.snapshot(self.root).items() if k != str(self.root)},
                         {k: v for k, v in before.items() if k != str(self.root)})

    # A record log called wal_99.log among the segments of a log was a segment of no known version, and the log
    # could not be opened any more; one called wal_1.log left its lock file there.
    def test_no_record_log_is_written_among_the_segments_of_a_log(self):
        before = tool.snapshot(self.root)
        for name in ("wal_99.log", "wal_1.log", "other.log", "sub/x.log"):
            file = self.dir / "wal" / name
            error = self.json("recordlog", "append", file, stdin=b"x\n", status=1)["error"]
            self.assertEqual((error["code"], error["path"]), ("invalid_state", str(file)))
        os.chdir(self.dir / "wal")
        try:
            self.assertEqual(tool.run("recordlog", "append", "wal_99.log", stdin=b"x\n").returncode, 1)
        finally:
            os.chdir("/")
        self.assertEqual(tool.snapshot(self.root), before)
        self.ok("recordlog", "append", self.dir / "records.log", stdin=b"x\n")
        self.assertTrue(self.json("wal", "verify", self.dir)["ok"])

    def test_a_record_log_that_is_not_there_is_not_found(self):
        for command in ("verify", "dump"):
            for place in (self.root / "no.log", self.root / "no" / "file"):
                answer = self.json("recordlog", command, place, status=1)
                self.assertEqual((answer["error"]["code"], answer["error"]["path"]), ("not_found", str(
                    place if place.parent.exists() else place.parent)))
        answer = self.json("recordlog", "verify", self.root / "no.log", "--allow-empty")
        self.assertEqual((answer["ok"], answer["version"], answer["records"]), (True, None, 0))
        self.assertEqual(self.ok("recordlog", "dump", self.root / "no.log", "--allow-empty"), b"")

    def test_a_directory_or_a_segment_for_a_file_is_an_error_that_names_it(self):
        for command in (["checkpoint", "show"], ["checkpoint", "verify"], ["recordlog", "dump"],
                        ["recordlog", "verify"]):
            for place in (self.dir, self.segment(1)):
                with self.subTest(command=command, place=place):
                    answer = self.json(*command, place, status=1)
                    self.assertEqual(answer["error"]["path"], str(place))


    # Of a file that is only read, the advice was "move it out of the way": of /dev/zero, or of somebody's directory.
    # A file that is not there, and a directory that is none, were reported without any word on what to do.
    def test_what_is_wrong_with_a_path_leads_to_checking_it(self):
        missing = self.root / "nonex"
        below = missing / "file"
        file = self.root / "file"
        file.write_bytes(b"x")
        reading = [["checkpoint", "show"], ["checkpoint", "verify"], ["wal", "repair", self.dir, "--apply"],
                   ["wal", "truncate", self.dir, "--through", 1, "--checkpoint"]]
        for command in reading:
            for place in (missing, below, "/dev/zero", self.root, self.dir):
                with self.subTest(command=command, place=place):
                    error = self.json(*command, place, status=1)["error"]
                    self.assertIn("check the path", error.get("advice", ""))
                    self.assertNotIn("out of the way", error["advice"])
        for command in [["wal", "verify"], ["wal", "append"], ["recover"], ["wal", "ls"], ["wal", "repair", "--plan"]]:
            error = self.json(*command, file, status=1)["error"]
            self.assertEqual((error["errno"], error["path"]), (20, str(file)))
            self.assertIn("check the path", error["advice"])
        self.assertEqual(file.read_bytes(), b"x")


if __name__ == "__main__":
    unittest.main()

"""wal convert."""

import resource
import shutil
import unittest

import tool


class Convert(tool.Case):
    def setUp(self):
        super().setUp()
        self.append([b"entry %d" % i for i in range(1, 101)], "--segment-bytes", 512)
        self.out = self.root / "out"

    def convert(self, version, *options, status=0, **how):
        return self.json("wal", "convert", self.dir, self.out, "--format", version, *options, status=status, **how)

    def test_each_version_holds_the_same_entries_under_the_same_ids(self):
        self.json("wal", "truncate", self.dir, "--through", 50, "--force")
        entries = self.entries()
        before = tool.snapshot(self.dir)
        for version in (2, 3, 4):
            self.out = self.root / f"out{version}"
            answer = self.convert(version)
            self.assertEqual((answer["entries"], answer["first_entry_id"]), (len(entries), min(entries)))
            self.assertEqual((answer["last_entry_id"], answer["next_entry_id"]), (100, 101))
            rows = self.json("wal", "ls", self.out)["segments"]
            self.assertEqual({row["version"] for row in rows}, {version})
            self.dir, log = self.out, self.dir
            self.assertEqual(self.entries(), entries)
            self.assertEqual(self.append([b"next"])["first_entry_id"], 101)
            self.dir = log
        self.assertEqual(tool.snapshot(self.dir), before)

    def test_a_log_that_is_there_is_not_touched(self):
        self.convert(3)
        before = tool.snapshot(self.out / "wal")
        error = self.convert(2, status=1)["error"]
        self.assertEqual(error["code"], "invalid_state")
        self.assertIn(str(self.out), error["path"])
        self.assertEqual({k: v[4] for k, v in tool.snapshot(self.out / "wal").items()},
                         {k: v[4] for k, v in before.items()})

    def test_a_damaged_log_is_refused_before_anything_is_written(self):
        tool.flip(self.dir / "wal" / "wal_2.log", 100)
        error = self.convert(3, status=1)["error"]
        self.assertEqual((error["code"], error["path"]), ("corrupt", str(self.dir / "wal" / "wal_2.log")))
        self.assertFalse((self.out / "wal").exists())

    def test_a_torn_tail_is_left_out_where_best_effort_is_asked_for(self):
        last = max((self.dir / "wal").glob("wal_*.log"), key=lambda p: int(p.stem[4:]) * (p.read_bytes().strip(b"\0") != b""))
        size = len(last.read_bytes().rstrip(b"\0"))
        with open(last, "r+b") as file:
            file.seek((size + 7) // 8 * 8)
            file.write(b"torn")
        self.assertEqual(self.convert(3, status=1)["error"]["code"], "torn_tail")
        self.assertTrue(self.convert(3, "--best-effort")["torn_tail"])

    # A conversion that was broken off left the beginning of a log in OUT/wal. The next one said that a log exists
    # there, "open it", and whoever did had a part of the entries, and no way to see that.
    def test_one_that_fails_leaves_no_part_of_a_log(self):
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        error = self.convert(3, status=1, preexec_fn=limit)["error"]
        self.assertEqual(error["errno"], 27)
        self.assertEqual(error["advice"], "what was written was removed again; raise the limit on the size of files "
                                          "(ulimit -f) and convert again")
        self.assertEqual(list(self.out.iterdir()), [])
        self.assertEqual(self.convert(3)["entries"], 100)

    def test_one_that_is_killed_leaves_all_or_nothing_and_can_be_run_again(self):
        shutil.rmtree(self.dir)
        self.append([b"%d" % i + bytes(5000) for i in range(3000)])
        with tool.start("wal", "convert", self.dir, self.out, "--format", "3") as running:
            while running.poll() is None and not list(self.out.rglob("wal_1.log")):
                pass
            running.kill_9()
        if not (self.out / "wal").exists():
            self.assertEqual(self.json("wal", "verify", self.out, status=1)["error"]["code"], "not_found")
            self.assertEqual(self.convert(3)["entries"], 3000)
        self.assertEqual(self.json("wal", "verify", self.out)["entries"], 3000)
        self.assertEqual([path.name for path in self.out.iterdir()], ["wal"])

    def test_what_is_left_of_one_is_recognised_and_replaced(self):
        half = self.out / "wal.converting" / "wal"
        half.mkdir(parents=True)
        shutil.copy(self.segment(1), half)
        for command in (["verify"], ["ls"], ["dump"]):
            error = self.json("wal", *command, self.out, status=1)["error"]
            self.assertEqual(error["code"], "not_found")
            self.assertIn("conversion was broken off", error["message"])
        error = self.json("wal", "append", self.out, stdin=b"x\n", status=1)["error"]
        self.assertEqual((error["code"], error["path"]), ("invalid_state", str(self.out)))
        self.assertFalse((self.out / "wal").exists())
        self.assertEqual(self.convert(3)["entries"], 100)
        self.assertEqual([path.name for path in self.out.iterdir()], ["wal"])
        self.dir = self.out
        self.assertEqual(len(self.entries()), 100)

    def test_wrong_usage(self):
        for version in ("1", "5", "x"):
            self.convert(version, status=2)
        self.dir = self.root / "nowhere"
        self.assertEqual(self.convert(3, status=1)["error"]["code"], "not_found")
        self.assertFalse(self.out.exists())


if __name__ == "__main__":
    unittest.main()

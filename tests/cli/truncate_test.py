"""wal truncate."""

import unittest

import checkpoint_test
import index_log
import tool


class Truncate(tool.Case):
    def setUp(self):
        super().setUp()
        self.append([b"entry %d" % i for i in range(1, 101)], "--segment-bytes", 512)
        self.checkpoint = self.root / "state.ckpt"

    def truncate(self, through, *options, status=0):
        return self.json("wal", "truncate", self.dir, "--through", through, *options, status=status)

    def refuses(self, code, through, *options):
        before = tool.snapshot(self.dir / "wal")
        answer = self.truncate(through, *options, status=1)
        self.assertEqual((answer["ok"], answer["error"]["code"]), (False, code), answer)
        after = tool.snapshot(self.dir / "wal")
        contents = lambda seen: {name: state[4] for name, state in seen.items()}
        self.assertEqual(contents(after), contents(before))

    def test_what_a_checkpoint_covers_is_deleted_and_the_rest_stays(self):
        checkpoint_test.write(self.checkpoint, last_applied=50)
        before = len(self.json("wal", "ls", self.dir)["segments"])
        answer = self.truncate(50, "--checkpoint", self.checkpoint)
        first = answer["first_entry_id"]
        self.assertLessEqual(first, 51)
        self.assertGreater(first, 30)
        self.assertEqual((answer["deleted_entries"], answer["next_entry_id"]), (first - 1, 101))
        self.assertGreaterEqual(answer["deleted_segments"], 2)
        self.assertLessEqual(len(self.json("wal", "ls", self.dir)["segments"]), before - 1)
        self.assertEqual(self.entries(), {i: b"entry %d" % i for i in range(first, 101)})
        self.assertEqual(self.json("wal", "verify", self.dir)["first_entry_id"], first)
        self.assertEqual(self.append([b"entry 101"])["first_entry_id"], 101)
        self.assertEqual(self.truncate(50, "--checkpoint", self.checkpoint)["deleted_segments"], 0)

    def test_it_refuses_to_go_beyond_the_checkpoint(self):
        checkpoint_test.write(self.checkpoint, last_applied=50)
        self.refuses("invalid_state", 51, "--checkpoint", self.checkpoint)

    def test_it_refuses_without_a_checkpoint_and_with_a_damaged_or_missing_one(self):
        self.refuses("invalid_state", 50)
        self.refuses("not_found", 50, "--checkpoint", self.checkpoint)
        checkpoint_test.write(self.checkpoint, last_applied=50)
        tool.flip(self.checkpoint, 9)
        self.refuses("crc_mismatch", 50, "--checkpoint", self.checkpoint)

    def test_force_needs_no_checkpoint_and_the_newest_segment_stays(self):
        self.assertEqual(self.truncate(100, "--force")["next_entry_id"], 101)
        self.assertEqual(self.append([b"next"])["first_entry_id"], 101)

    # --force made --checkpoint a word without a meaning: a file that does not exist was no error, and segments went.
    def test_force_with_a_checkpoint_is_wrong_usage(self):
        checkpoint_test.write(self.checkpoint, last_applied=50)
        before = tool.snapshot(self.dir)
        for file in (self.checkpoint, self.root / "nonex"):
            answer = self.truncate(20, "--force", "--checkpoint", file, status=2)
            self.assertIn("--force and --checkpoint do not go together", answer["error"]["message"])
        self.assertEqual(tool.snapshot(self.dir), before)

    def test_it_refuses_to_go_beyond_the_log(self):
        self.refuses("invalid_state", 101, "--force")
        self.refuses("invalid_state", 2**64 - 1, "--force")

    def test_where_there_is_no_log_nothing_is_made(self):
        self.dir = self.root / "other"
        self.assertEqual(self.truncate(1, "--force", status=1)["error"]["code"], "not_found")
        self.assertFalse(self.dir.exists())
        self.dir.mkdir()
        self.assertEqual(self.truncate(1, "--force", status=1)["error"]["code"], "not_found")

    def test_text(self):
        text = self.ok("wal", "truncate", self.dir, "--through", 20, "--force").decode()
        self.assertRegex(text, r"^deleted \d+ segments? with \d+ entries; the log now begins at entry \d+\n$")


class TruncateIndex(tool.Case):
    """The log of a segment index says itself which checkpoint covers it."""

    def setUp(self):
        super().setUp()
        entries = [index_log.add(i, 100) for i in range(11, 60)]
        entries[19:19] = [index_log.marker("old.ckpt", 19)]
        entries[39:39] = [index_log.marker("new.ckpt", 39)]
        self.append(entries, "--segment-bytes", 300)
        for name, last in (("old.ckpt", 19), ("new.ckpt", 39)):
            index_log.write_checkpoint(self.dir / name, last, {})

    def truncate(self, through, status=0):
        return self.json("wal", "truncate", self.dir, "--through", through, status=status)

    def test_the_newest_one_counts(self):
        error = self.truncate(40, status=1)["error"]
        self.assertEqual((error["code"], error["path"]), ("invalid_state", str(self.dir / "new.ckpt")))
        self.assertEqual((error["expected"], error["actual"]), (40, 39))
        self.assertGreater(self.truncate(39)["first_entry_id"], 20)
        self.assertEqual(self.truncate(39)["deleted_segments"], 0)

    def test_one_that_is_lost_does_not(self):
        (self.dir / "new.ckpt").unlink()
        self.assertEqual(self.truncate(20, status=1)["error"]["path"], str(self.dir / "old.ckpt"))
        self.assertGreater(self.truncate(19)["first_entry_id"], 10)
        # The log lost its beginning: from here on the older one may leave a gap, and does not count.
        self.assertEqual(self.truncate(19, status=1)["error"]["code"], "invalid_state")

    def test_a_damaged_one_is_an_error(self):
        tool.flip(self.dir / "new.ckpt", 9)
        before = tool.snapshot(self.dir / "wal")
        self.assertEqual(self.truncate(19, status=1)["error"]["code"], "crc_mismatch")
        self.assertEqual(tool.snapshot(self.dir / "wal"), before)


if __name__ == "__main__":
    unittest.main()

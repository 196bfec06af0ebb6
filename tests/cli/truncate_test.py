"""wal truncate."""

import unittest

import checkpoint_test
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


if __name__ == "__main__":
    unittest.main()

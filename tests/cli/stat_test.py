"""wal stat."""

import os
import unittest

import index_log
import tool


class Stat(tool.Case):
    def stat(self):
        return self.json("wal", "stat", self.dir)

    def test_sizes_fall_into_powers_of_two(self):
        self.append([b"x" * size for size in (0, 1, 2, 3, 4, 7, 8, 1000, 1023, 1024)])
        answer = self.stat()
        self.assertEqual((answer["entries"], answer["payload_bytes"]), (10, 3072))
        self.assertEqual([(row["from"], row["to"], row["entries"]) for row in answer["histogram"]],
                         [(0, 0, 1), (1, 1, 1), (2, 3, 2), (4, 7, 2), (8, 15, 1), (512, 1023, 2), (1024, 2047, 1)])

    def test_segments_and_their_rates(self):
        self.append([b"entry %d" % i for i in range(1, 101)], "--segment-bytes", 512)
        answer = self.stat()
        listed = self.json("wal", "ls", self.dir)["segments"]
        self.assertEqual([(row["segment_id"], row["entries"]) for row in answer["segments"]],
                         [(row["segment_id"], row["entries"]) for row in listed])
        self.assertEqual(answer["bytes"], sum(row["bytes"] for row in listed))
        self.assertEqual(sum(row["payload_bytes"] for row in answer["segments"]), answer["payload_bytes"])
        for row in answer["segments"][:3]:
            self.assertGreater(row["seconds"], 0)
            self.assertAlmostEqual(row["entries_per_second"] * row["seconds"], row["entries"], 3)
            self.assertAlmostEqual(row["payload_bytes_per_second"] * row["seconds"], row["payload_bytes"], 3)
        self.assertIsNone(answer["segments"][-1]["seconds"])

    def test_what_it_says_that_truncation_frees_is_what_truncation_frees(self):
        entries = [index_log.add(i, 100) for i in range(11, 60)]
        entries[39:39] = [index_log.marker("new.ckpt", 39)]
        self.append(entries, "--segment-bytes", 300)
        answer = self.stat()
        self.assertEqual(answer["last_marker"],
                         {"entry_id": 40, "checkpoint_path": "new.ckpt", "last_entry_id": 39, "sound": False})
        self.assertIsNone(answer["freed_by_last_checkpoint"])
        index_log.write_checkpoint(self.dir / "new.ckpt", 39, {})
        covered = self.stat()["freed_by_last_checkpoint"]
        self.assertTrue(self.stat()["last_marker"]["sound"])
        done = self.json("wal", "truncate", self.dir, "--through", 39)
        self.assertEqual((covered["segments"], covered["entries"]), (done["deleted_segments"], done["deleted_entries"]))
        most = self.stat()["freed_at_most"]
        self.assertGreater(most["segments"], 0)
        bytes_before = self.stat()["bytes"]
        done = self.json("wal", "truncate", self.dir, "--through", 50, "--force")
        self.assertEqual((most["segments"], most["entries"]), (done["deleted_segments"], done["deleted_entries"]))
        self.assertEqual(self.stat()["freed_at_most"], {"segments": 0, "entries": 0, "bytes": 0})
        self.assertLess(most["bytes"], bytes_before)

    def test_another_log_names_no_checkpoint(self):
        self.append([index_log.marker("new.ckpt", 1), b"entry 2", index_log.marker("new.ckpt", 1)])
        self.assertIsNone(self.stat()["last_marker"])

    def test_damage_is_an_error_and_a_torn_tail_is_none(self):
        self.append([b"entry 1", b"entry 2"], "--format", 3)
        os.truncate(self.segment(1), self.segment(1).stat().st_size - 1)
        self.assertEqual(self.stat()["entries"], 1)
        tool.flip(self.segment(1), 40)
        self.assertEqual(self.json("wal", "stat", self.dir, status=1)["error"]["code"], "crc_mismatch")

    def test_nothing_is_made_or_changed(self):
        self.append([b"entry 1"])
        before = tool.snapshot(self.root)
        self.ok("wal", "stat", self.dir)
        for place in (self.root, self.root / "missing"):
            self.assertEqual(tool.run("wal", "stat", place).returncode, 1)
        self.assertEqual(tool.snapshot(self.root), before)

    def test_text(self):
        self.append([b"entry 1", b"entry 2"])
        text = self.ok("wal", "stat", self.dir).decode()
        self.assertRegex(text, r"^2 entries, 14 bytes in them, \d+ bytes on disk\n\n")
        self.assertRegex(text, r"\n +4-7 +2\n")
        self.assertRegex(text, r"\nlast checkpoint: none is named\ntruncation can free at most: 0 segments, ")


if __name__ == "__main__":
    unittest.main()

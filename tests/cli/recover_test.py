"""recover, and wal dump --type wal-entry: what they say of the logs of a segment index."""

import json
import os
import pathlib
import shutil
import unittest

import index_log
import tool

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "vectors/segment_index/logs"


class Index(tool.Case):
    def setUp(self):
        super().setUp()
        self.entries_ = [index_log.add(1, 100), index_log.add(2, 200), index_log.delete((1, 4), (2, 5), (7, 1)),
                         index_log.marker("segments.ckpt", 3), index_log.start(9, [1, 2]), index_log.delete((2, 6)),
                         index_log.end(9, 3, [1, 2], [(3, 4), (2, 6)]), index_log.cancel(8, [3])]
        self.assertNotIn(b"\n", b"".join(self.entries_))  # each is a line

    def fill(self, *options, checkpoint=True):
        self.append(self.entries_, *options)
        if checkpoint:
            index_log.write_checkpoint(self.dir / "segments.ckpt", 3, {1: (100, [4]), 2: (200, [5])})

    def truncate(self):
        """A log that begins later than entry 1."""
        shutil.rmtree(self.dir, ignore_errors=True)
        self.fill("--segment-bytes", 150)
        self.assertGreater(self.json("wal", "truncate", self.dir, "--through", 3)["first_entry_id"], 1)

    def recover(self, *options, status=0):
        return self.json("recover", self.dir, *options, status=status)

    def segments(self, *options):
        """{id: (documents, deletes)}, last entry"""
        answer = self.recover(*options)
        segments = {row["segment_id"]: (row["doc_count"], row["deleted_docs"]) for row in answer["segments"]}
        self.assertEqual(len(segments), len(answer["segments"]))
        self.assertEqual(answer["documents"], sum(documents for documents, _ in segments.values()))
        self.assertEqual(answer["deletes"], sum(len(deletes) for _, deletes in segments.values()))
        return segments, answer["last_entry_id"]

    def refused(self, code, *options):
        answer = self.recover(*options, status=1)
        self.assertEqual((answer["ok"], answer["error"]["code"]), (False, code), answer)
        return answer["error"]


class Recover(Index):
    def test_the_state_is_that_of_the_log_wherever_it_begins(self):
        self.fill()
        path = "segments.ckpt"
        for options in ([], ["--latest"], ["--checkpoint", path], ["--checkpoint", self.dir / path]):
            for mode in ([], ["--strict"], ["--best-effort"]):
                with self.subTest(options=options, mode=mode):
                    self.assertEqual(self.segments(*options, *mode), ({3: (0, [4])}, 8))
                    self.assertEqual(self.recover(*options, *mode)["checkpoint"], "segments.ckpt" if options else None)

    def test_a_trailing_slash_is_no_matter(self):
        self.fill()
        answer = self.json("recover", str(self.dir) + "/", "--checkpoint", self.dir / "segments.ckpt")
        self.assertEqual(answer["checkpoint"], "segments.ckpt")

    def test_an_earlier_state(self):
        self.fill()
        after = {1: {1: (100, [])}, 3: {1: (100, [4]), 2: (200, [5])}, 6: {1: (100, [4]), 2: (200, [5, 6])},
                 7: {3: (0, [4])}, 100: {3: (0, [4])}}
        for ceiling, segments in after.items():
            for options in ([], ["--latest"]):
                self.assertEqual(self.segments("--up-to", ceiling, *options), (segments, min(ceiling, 8)))
        self.refused("invalid_state", "--up-to", 2, "--checkpoint", "segments.ckpt")

    # C6, C29
    def test_a_truncated_log_needs_its_checkpoint(self):
        self.truncate()
        self.assertEqual(self.segments("--latest"), ({3: (0, [4])}, 8))
        self.assertEqual(self.segments("--checkpoint", "segments.ckpt", "--strict"), ({3: (0, [4])}, 8))
        self.assertIn("are no longer in the log", self.refused("truncated_away")["message"])
        (self.dir / "segments.ckpt").unlink()
        self.refused("truncated_away", "--checkpoint", "segments.ckpt")
        self.assertIn("segments.ckpt", self.refused("invalid_state", "--latest")["message"])

    def test_a_checkpoint_that_is_not_there_is_not_needed_by_a_whole_log(self):
        self.fill(checkpoint=False)
        for options in (["--latest"], ["--checkpoint", "segments.ckpt"]):
            self.assertEqual(self.segments(*options), ({3: (0, [4])}, 8))
            self.assertIsNone(self.recover(*options)["checkpoint"])

    def test_a_damaged_checkpoint_is_ignored_only_by_best_effort_and_with_a_whole_log(self):
        self.fill()
        tool.flip(self.dir / "segments.ckpt", 30)
        self.assertEqual(self.segments("--latest"), ({3: (0, [4])}, 8))
        self.assertIn("segments.ckpt", self.recover("--latest")["ignored_checkpoint"])
        self.refused("crc_mismatch", "--latest", "--strict")
        self.truncate()
        tool.flip(self.dir / "segments.ckpt", 30)
        self.refused("crc_mismatch", "--latest")

    # A path that was read from a log can be anything.
    def test_a_hostile_path_in_the_log_leads_nowhere(self):
        index_log.write_checkpoint(self.root / "outside.ckpt", 1, {77: (1, [])})
        for path in ("../outside.ckpt", str(self.root / "outside.ckpt"), ""):
            shutil.rmtree(self.dir, ignore_errors=True)
            self.append([index_log.add(1, 100), index_log.marker(path, 1)])
            self.assertEqual(self.segments("--latest"), ({1: (100, [])}, 2))
            self.assertIsNone(self.recover("--latest")["checkpoint"])

    def test_a_checkpoint_elsewhere_is_wrong_usage(self):
        self.fill()
        for path in ("../x.ckpt", self.root / "x.ckpt"):
            self.assertEqual(self.recover("--checkpoint", path, status=2)["error"]["code"], "invalid_config")
        self.assertEqual(tool.run("recover", self.dir, "--latest", "--checkpoint", "x").returncode, 2)

    def test_a_torn_tail_is_left_out_unless_it_is_strict(self):
        self.fill()
        with tool.start("wal", "append", self.dir, "--acks", "--policy", "per-append") as writer:
            writer.say(index_log.add(5, 1))
            self.assertEqual(writer.hear(), "1 9")
        row = [json.loads(line) for line in self.ok("wal", "dump", self.dir, "--json").splitlines()][-1]
        tool.flip(self.segment(row["segment_id"]), row["offset"] + 24)
        self.assertEqual(self.segments(), ({3: (0, [4])}, 8))
        self.assertTrue(self.recover()["torn_tail"])
        self.refused("torn_tail", "--strict")

    def test_nothing_is_made_or_changed(self):
        self.fill()
        (self.root / "empty").mkdir()
        before = tool.snapshot(self.root)
        for place, status in ((self.dir, 0), (self.root / "empty", 1), (self.root / "missing", 1)):
            for options in ([], ["--latest", "--json"], ["--strict"], ["--checkpoint", "other.ckpt"]):
                self.assertEqual(tool.run("recover", place, *options).returncode, status)
        self.assertEqual(tool.snapshot(self.root), before)

    def test_of_nothing_there_is_nothing(self):
        self.dir.mkdir()
        self.assertEqual(self.recover("--latest", "--allow-empty"), {
            "ok": True, "last_entry_id": None, "checkpoint": None, "ignored_checkpoint": None, "torn_tail": False,
            "segments": [], "documents": 0, "deletes": 0})
        self.assertEqual(self.json("recover", self.root / "missing", status=1)["error"]["code"], "not_found")

    def test_another_kind_of_log_does_not_decode(self):
        self.append([b"entry 1"])
        error = self.refused("decode")
        self.assertEqual((error["path"], error["offset"]), (str(self.segment(1)), 64))
        self.assertIn("not an entry of a segment index", error["message"])
        self.assertIn("wal dump", error["advice"])

    def test_text(self):
        self.fill()
        self.assertEqual(self.ok("recover", self.dir, "--latest").decode().split("\n"), [
            "             segment   documents     deletes", "                   3           0           1",
            "1 segment, 0 documents, 1 delete; the last entry is 8", "began with the checkpoint segments.ckpt", ""])

    def test_a_log_of_the_rust_crate(self):
        answer = self.json("recover", VECTORS / "published", "--latest", "--strict")
        self.assertEqual((answer["checkpoint"], answer["last_entry_id"]), ("checkpoints/2.ckpt", 14))
        self.assertEqual(answer["segments"], [{"segment_id": 3, "doc_count": 30, "deleted_docs": [2]},
                                              {"segment_id": 4, "doc_count": 0, "deleted_docs": [6]}])


class DumpType(Index):
    DECODED = [{"type": "AddSegment", "segment_id": 1, "doc_count": 100},
               {"type": "AddSegment", "segment_id": 2, "doc_count": 200},
               {"type": "DeleteDocuments", "deletes": [{"segment_id": 1, "doc_id": 4}, {"segment_id": 2, "doc_id": 5},
                                                       {"segment_id": 7, "doc_id": 1}]},
               {"type": "Checkpoint", "checkpoint_path": "segments.ckpt", "last_entry_id": 3},
               {"type": "StartMerge", "transaction_id": 9, "segment_ids": [1, 2]},
               {"type": "DeleteDocuments", "deletes": [{"segment_id": 2, "doc_id": 6}]},
               {"type": "EndMerge", "transaction_id": 9, "new_segment_id": 3, "old_segment_ids": [1, 2],
                "remapped_deletes": [{"segment_id": 3, "doc_id": 4}, {"segment_id": 2, "doc_id": 6}]},
               {"type": "CancelMerge", "transaction_id": 8, "segment_ids": [3]}]

    def test_entries_are_decoded_beside_their_payload(self):
        self.fill()
        rows = [json.loads(x) for x in self.ok("wal", "dump", self.dir, "--json", "--type", "wal-entry").splitlines()]
        self.assertEqual([row["entry"] for row in rows], self.DECODED)
        self.assertEqual([bytes.fromhex(row["payload"]) for row in rows], self.entries_)
        lines = self.ok("wal", "dump", self.dir, "--type", "wal-entry").decode().splitlines()
        self.assertEqual([json.loads(line.split("\t")[3]) for line in lines], self.DECODED)

    def test_what_does_not_decode_is_an_error_with_its_place_after_what_does(self):
        self.append([self.entries_[0], b"entry 1"])
        done = tool.run("wal", "dump", self.dir, "--json", "--type", "wal-entry")
        first, error = map(json.loads, done.stdout.splitlines())
        self.assertEqual((done.returncode, first["entry"]), (1, self.DECODED[0]))
        self.assertEqual((error["error"]["code"], error["error"]["path"], error["error"]["offset"]),
                         ("decode", str(self.segment(1)), 64 + 32))

    def test_wrong_usage(self):
        self.fill()
        for options in (["--type", "word"], ["--type", "wal-entry", "--raw"], ["--type"]):
            self.assertEqual(tool.run("wal", "dump", self.dir, *options).returncode, 2)


if __name__ == "__main__":
    unittest.main()

"""The examples do what they say, and the README shows what is compiled and run here."""

import pathlib
import re
import subprocess
import unittest

import tool

ROOT = pathlib.Path(__file__).resolve().parents[2]


class QuickStart(tool.Case):
    def test_the_readme_shows_it_word_for_word(self):
        readme = (ROOT / "README.md").read_text()
        shown = re.search(r"<!-- quick-start:begin -->\n```cpp\n(.*?)```\n<!-- quick-start:end -->", readme, re.DOTALL)
        self.assertEqual(shown[1], (ROOT / "examples/quick_start.cpp").read_text())

    def test_it_runs_and_finds_what_the_last_run_left(self):
        said = []
        for _ in range(3):
            done = subprocess.run([tool.BIN / "quick_start"], cwd=self.root, capture_output=True, check=True)
            said.append(done.stdout.decode().splitlines())
        self.assertEqual(said, [["recovered 0 keys", "entry 1 is durable: city = Kyoto"],
                                ["recovered 1 keys", "entry 2 is durable: city = Kyoto"],
                                ["recovered 1 keys", "entry 3 is durable: city = Kyoto"]])
        self.assertEqual(self.json("checkpoint", "verify", self.root / "data/table.ckpt")["last_applied_id"], 3)


class KvStore(tool.Case):
    def store(self, commands, status=0):
        done = subprocess.run([tool.BIN / "kv_store", self.dir], input=commands, capture_output=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, status, done)
        return done.stdout.decode()

    def test_it_acknowledges_and_remembers(self):
        self.assertEqual(self.store(b"put a 1\nput b two words\nput a 3\nput c \nerase c\n"),
                         "1 put a 1\n2 put b two words\n3 put a 3\n4 put c \n5 erase c\n")
        self.assertEqual(self.store(b"dump\ncheckpoint\nput d 4\n"), "a 3\nb two words\ncheckpoint\n6 put d 4\n")
        self.assertEqual(self.store(b"dump\n"), "a 3\nb two words\nd 4\n")
        self.assertEqual(self.json("checkpoint", "show", self.dir / "table.ckpt")["last_applied_id"], 5)

    def test_a_killed_store_has_what_it_acknowledged(self):
        with tool.Running([tool.BIN / "kv_store", self.dir]) as store:
            for command, answer in ((b"put a 1", "1 put a 1"), (b"checkpoint", "checkpoint"), (b"put b 2", "2 put b 2")):
                store.say(command)
                self.assertEqual(store.hear(), answer)
            store.kill_9()
        self.assertEqual(self.store(b"dump\n"), "a 1\nb 2\n")

    def test_one_process_at_a_time(self):
        with tool.Running([tool.BIN / "kv_store", self.dir]) as store:
            store.say(b"put a 1")
            self.assertEqual(store.hear(), "1 put a 1")
            self.assertEqual(self.store(b"put b 2\n", status=1), "")

    def test_what_is_no_command_ends_it(self):
        for command in (b"sing", b"put a", b"erase", b"checkpoint now"):
            self.assertEqual(self.store(command + b"\n", status=1), "")


class SegmentLifecycle(tool.Case):
    def test_it_is_killed_recovers_and_goes_on(self):
        segments = ["segment 3: 0 documents, 2 deleted", "segment 4: 9 documents, 1 deleted"]
        for upto in (6, 15):
            done = subprocess.run([tool.BIN / "segment_lifecycle", self.dir], capture_output=True, check=True)
            self.assertEqual(done.stdout.decode().splitlines(), [
                f"published checkpoints/{upto}.ckpt", f"durable up to entry {upto + 3}",
                f"recovered from checkpoints/{upto}.ckpt up to entry {upto + 3}", *segments])
        answer = self.json("recover", self.dir, "--latest")
        self.assertEqual(answer["segments"], [{"segment_id": 3, "doc_count": 0, "deleted_docs": [0, 7]},
                                              {"segment_id": 4, "doc_count": 9, "deleted_docs": [8]}])
        self.assertEqual((answer["checkpoint"], answer["last_entry_id"]), ("checkpoints/15.ckpt", 18))

    def test_a_child_that_is_not_killed_is_an_error(self):
        (self.dir / "wal").mkdir(parents=True)
        (self.dir / "wal/wal_7.log").write_bytes(b"no log")
        done = subprocess.run([tool.BIN / "segment_lifecycle", self.dir], capture_output=True, check=False)
        self.assertEqual(done.returncode, 1, done)


class PowerCut(tool.Case):
    def test_no_acknowledged_entry_is_lost_and_it_fails_where_nothing_was_torn(self):
        for lines, status in ((b"".join(b"line %d\n" % i for i in range(24)), 0), (b"", 1)):
            done = subprocess.run([tool.BIN / "power_cut"], input=lines, capture_output=True, check=False)
            self.assertEqual(done.returncode, status, done)
            self.assertIn(b", 0 logs that lost an acknowledged entry or did not open\n", done.stdout)


class OwnLog(tool.Case):
    """What docs/test-your-own.md shows is what the example prints."""

    def own_log(self, *arguments):
        return subprocess.run([tool.BIN / "own_log", *arguments], capture_output=True, text=True, timeout=60, check=False)

    def test_the_explorer_finds_what_its_author_forgot_and_the_line_leads_there(self):
        found = self.own_log("left")
        self.assertEqual(found.returncode, 1)
        page = (ROOT / "docs/test-your-own.md").read_text()
        self.assertIn(found.stdout.rstrip(), page)
        records, path = re.search(r"own log of (\d+) records \| (.*)", found.stdout).groups()
        again = self.own_log("left", records, path)
        self.assertEqual(again.returncode, 1)
        self.assertIn(found.stdout.splitlines()[-1].strip(), again.stdout)
        self.assertEqual(self.own_log("cut", records, path).returncode, 0)

    def test_nothing_is_found_once_that_is_mended(self):
        self.assertEqual(self.own_log("cut").returncode, 0)

    def test_a_path_that_is_none_is_said_to_be(self):
        self.assertEqual(self.own_log("cut", "1", "nonsense").returncode, 2)
        self.assertEqual(self.own_log().returncode, 2)


if __name__ == "__main__":
    unittest.main()

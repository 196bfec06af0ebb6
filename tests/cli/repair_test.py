"""wal repair."""

import json
import unittest

import tool


def contents(path):
    return {name: state[4] for name, state in tool.snapshot(path).items() if not name.endswith(".lock")}


class Repair(tool.Case):
    def setUp(self):
        super().setUp()
        self.append([b"entry %d" % i for i in range(1, 101)], "--segment-bytes", 512)
        self.wal = self.dir / "wal"
        self.plan_file = self.root / "plan.json"

    def plan(self, *options, status=0):
        return self.json("wal", "repair", self.dir, "--plan", *options, status=status)

    def apply(self, *options, status=0):
        return self.json("wal", "repair", self.dir, "--apply", self.plan_file, *options, status=status)

    def damage(self, segment=3, offset=100):
        tool.flip(self.wal / f"wal_{segment}.log", offset)

    def test_a_damaged_log_is_planned_repaired_and_brought_back(self):
        self.damage()
        self.assertFalse(self.json("wal", "verify", self.dir, status=1)["ok"])
        before = tool.snapshot(self.dir)
        plan = self.plan()
        self.assertEqual(tool.snapshot(self.dir), before)
        self.assertEqual((plan["ok"], plan["needed"], plan["code"], plan["cut_segment"]), (True, True, "corrupt", 3))
        self.assertEqual(plan["last_lost_seen"], 100)
        first_lost = plan["first_lost"]
        self.assertEqual(plan["next_entry_id"], first_lost)
        self.assertGreaterEqual(plan["acknowledged"], 99)

        self.plan_file.write_text(json.dumps(plan))
        files = contents(self.wal)
        refused = self.apply(status=1)["error"]
        self.assertEqual(refused["code"], "invalid_state")
        self.assertIn("--cut-sound-entries", json.dumps(refused))  # the tool's word for it, not the library's
        self.assertEqual(contents(self.wal), files)
        answer = self.apply("--cut-sound-entries")
        self.assertEqual((answer["next_entry_id"], answer["quarantine"]), (first_lost, "wal/quarantine/1"))
        self.assertEqual(self.entries(), {i: b"entry %d" % i for i in range(1, first_lost)})
        self.assertTrue(self.json("wal", "verify", self.dir)["ok"])
        self.assertFalse(self.plan()["needed"])
        self.assertEqual(self.apply(status=1)["error"]["code"], "invalid_state")

        self.assertEqual(self.json("wal", "repair", self.dir, "--undo")["quarantine"], "wal/quarantine/1")
        self.assertEqual({k: v for k, v in contents(self.wal).items() if "quarantine" not in k}, files)
        self.assertEqual(self.json("wal", "repair", self.dir, "--undo", status=1)["error"]["code"], "not_found")

        self.apply("--cut-sound-entries")
        self.assertEqual(self.append([b"new"])["first_entry_id"], first_lost)
        self.assertEqual(self.json("wal", "repair", self.dir, "--undo", status=1)["error"]["code"], "invalid_state")

    def test_the_plan_reads_as_text(self):
        self.damage()
        text = self.ok("wal", "repair", self.dir, "--plan").decode()
        for part in ("wal/wal_3.log", "lost:", "acknowledged: yes", "moved away", "Nothing was changed"):
            self.assertIn(part, text)

    # A bit had flipped in a sealed segment. The log opened and took appends, and the plan offered to cut the 3,800
    # sound entries after it.
    def test_sound_entries_after_the_damage_of_a_log_that_opens_are_cut_only_on_demand(self):
        self.damage()
        plan = self.plan()
        self.assertTrue(plan["opens"])
        after = plan["sound_behind"]
        self.assertEqual(plan["sound_entries_behind"], sum(run["entries"] for run in after))
        self.assertEqual(after[-1]["first_entry_id"] + after[-1]["entries"], 101)
        self.assertGreaterEqual(plan["sound_entries_behind"], 100 - plan["first_lost"])
        self.plan_file.write_text(json.dumps(plan))
        before = contents(self.wal)
        refused = self.apply(status=1)["error"]
        self.assertEqual(refused["code"], "invalid_state")
        self.assertEqual(contents(self.wal), before)
        self.assertIn("--cut-sound-entries", self.ok("wal", "repair", self.dir, "--plan").decode())

    def test_a_sound_log_needs_no_repair(self):
        self.assertEqual(self.plan(), {"ok": True, "needed": False})
        self.plan_file.write_text(json.dumps({"ok": True, "needed": False}))
        self.assertEqual(self.apply(status=1)["error"]["code"], "invalid_state")

    def test_a_plan_is_for_one_state_of_one_log(self):
        self.damage()
        plan = self.plan()
        for change in ({"cut_offset": 64}, {"kept_crc": 1}, {"files": []}, {"reason": "other"}, {"next_entry_id": 1}):
            self.plan_file.write_text(json.dumps(plan | change))
            before = contents(self.wal)
            self.assertEqual(self.apply("--cut-sound-entries", status=1)["error"]["code"], "invalid_state", change)
            self.assertEqual(contents(self.wal), before)
        for text in ("", "[]", "{}", "null", '{"code":3}', json.dumps(plan)[:-2]):
            self.plan_file.write_text(text)
            self.assertEqual(self.apply(status=1)["error"]["code"], "decode", text)
        self.plan_file.unlink()
        self.assertEqual(self.apply(status=1)["error"]["code"], "not_found")

    def test_a_log_without_its_beginning_goes_on_where_it_is_told(self):
        self.json("wal", "truncate", self.dir, "--through", 50, "--force")
        first = min(int(p.stem[4:]) for p in self.wal.glob("wal_*.log"))
        self.damage(first, 4)
        self.assertEqual(self.plan(status=1)["error"]["code"], "invalid_state")
        plan = self.plan("--restart-at", 1000)
        self.assertIsNone(plan["first_lost"])
        self.plan_file.write_text(json.dumps(plan))
        self.assertEqual(self.apply()["next_entry_id"], 1000)
        self.assertEqual(self.append([b"new"])["first_entry_id"], 1000)

    def test_beside_a_writer_it_is_refused(self):
        self.damage()
        self.plan_file.write_text(json.dumps(self.plan()))
        sound = self.root / "sound"
        with tool.start("wal", "append", sound, "--acks", "--durable") as writer:
            writer.say(b"one")
            writer.hear()
            for file in self.wal.glob("*.log"):
                (sound / "wal" / file.name).write_bytes(file.read_bytes())
            answer = self.json("wal", "repair", sound, "--apply", self.plan_file, "--cut-sound-entries",
                               status=1)
            self.assertEqual(answer["error"]["code"], "lock_failed")

    def test_one_of_the_three_must_be_asked_for(self):
        for arguments in ((), ("--plan", "--undo"), ("--undo", "--restart-at", "5")):
            self.assertEqual(tool.run("wal", "repair", self.dir, *arguments).returncode, 2, arguments)
        missing = self.json("wal", "repair", self.root / "nowhere", "--plan", status=1)
        self.assertEqual(missing["error"]["code"], "not_found")

    # To apply the plan of a sound log was "its fields are not those that --plan --json prints", which they are.
    def test_the_plan_of_a_sound_log_has_nothing_to_apply(self):
        plan = self.plan()
        self.assertEqual(plan, {"ok": True, "needed": False})
        self.plan_file.write_text(json.dumps(plan))
        files = contents(self.wal)
        error = self.apply(status=1)["error"]
        self.assertEqual((error["code"], error["path"]), ("invalid_state", str(self.plan_file)))
        self.assertIn("nothing is to be repaired", error["message"])
        self.assertEqual(contents(self.wal), files)
        self.plan_file.write_text("[]")
        self.assertEqual(self.apply(status=1)["error"]["code"], "decode")

    def test_repair_and_undo_call_the_quarantine_by_one_path(self):
        self.damage()
        self.plan_file.write_text(json.dumps(self.plan()))
        place = str(self.wal / "quarantine" / "1")
        done = self.ok("wal", "repair", self.dir, "--apply", self.plan_file, "--cut-sound-entries").decode()
        self.assertIn(f"what was cut is in {place}\n", done)
        self.assertEqual(self.ok("wal", "repair", self.dir, "--undo").decode(),
                         f"undone: every byte that was in {place} is back\n")


if __name__ == "__main__":
    unittest.main()

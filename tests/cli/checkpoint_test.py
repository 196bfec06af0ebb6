"""checkpoint show and verify."""

import os
import struct
import unittest
import zlib

import tool


def write(path, last_applied, payload=b"state", version=2):
    """A checkpoint file, made without the library."""
    head = b"VCKP" + struct.pack("<IQQ", version, last_applied, len(payload))
    crc = zlib.crc32(head + payload if version == 2 else payload)
    path.write_bytes(head + struct.pack("<I", crc) + payload)


class Checkpoint(tool.Case):
    def setUp(self):
        super().setUp()
        self.file = self.root / "state.ckpt"

    def test_both_say_what_is_in_it(self):
        for command in ("show", "verify"):
            for version in (1, 2):
                with self.subTest(command=command, version=version):
                    write(self.file, 2**64 - 2, b"hello", version)
                    self.assertEqual(self.json("checkpoint", command, self.file), {
                        "ok": True, "version": version, "last_applied_id": 2**64 - 2, "payload_len": 5,
                        "payload_crc": "%08x" % zlib.crc32(b"hello")})
        self.assertIn(b"18446744073709551614", self.ok("checkpoint", "show", self.file))
        self.assertTrue(self.ok("checkpoint", "verify", self.file).startswith(b"sound: "))

    def test_a_path_without_a_directory_is_one_in_the_working_directory(self):
        write(self.file, 1)
        self.assertTrue(self.json("checkpoint", "verify", "state.ckpt", cwd=self.root)["ok"])

    def test_damage_is_an_error_with_its_place(self):
        def cut(size):
            os.truncate(self.file, size)

        for what, code, damage in (
                ("payload", "crc_mismatch", lambda: tool.flip(self.file, 30)),
                ("id", "crc_mismatch", lambda: tool.flip(self.file, 9)),
                ("magic", "format", lambda: tool.flip(self.file, 0)),
                ("version", "format", lambda: tool.flip(self.file, 4)),
                ("length", "format", lambda: tool.flip(self.file, 22)),
                ("end", "truncated", lambda: cut(30)),
                ("header", "truncated", lambda: cut(10)),
                ("bytes after it", "format", lambda: self.file.write_bytes(self.file.read_bytes() + b"x"))):
            for command in ("show", "verify"):
                with self.subTest(what=what, command=command):
                    write(self.file, 7)
                    damage()
                    answer = self.json("checkpoint", command, self.file, status=1)
                    self.assertEqual((answer["ok"], answer["error"]["code"]), (False, code))
                    self.assertEqual(answer["error"]["path"], str(self.file))
                    done = tool.run("checkpoint", command, self.file)
                    self.assertTrue(done.stderr.startswith(b"durability: %s: " % os.fsencode(self.file)))

    def test_a_missing_file_is_not_found_and_nothing_is_made(self):
        for path in (self.file, self.root / "no" / "such" / "file"):
            answer = self.json("checkpoint", "show", path, status=1)
            self.assertEqual(answer["error"]["code"], "not_found")
        self.assertEqual(list(self.root.iterdir()), [])

    def test_what_is_no_file_is_refused(self):
        os.mkfifo(self.file)
        self.assertEqual(tool.run("checkpoint", "show", self.file).returncode, 1)
        self.assertEqual(tool.run("checkpoint", "show", self.root).returncode, 1)


if __name__ == "__main__":
    unittest.main()

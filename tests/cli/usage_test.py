"""What all commands have in common."""

import os
import unittest

import tool

COMMANDS = (["wal", "append"], ["wal", "dump"], ["wal", "verify"], ["wal", "ls"], ["wal", "truncate"],
            ["checkpoint", "show"], ["checkpoint", "verify"])


class Usage(tool.Case):
    def test_each_command_has_help(self):
        for command in ([], ["wal"], ["checkpoint"], *COMMANDS):
            with self.subTest(command=command):
                text = self.ok(*command, "--help").decode()
                self.assertIn(" ".join(["Usage: durability", *command]), text)
        for command in COMMANDS:
            self.assertIn("--json", self.ok(*command, "--help").decode())

    def test_wrong_usage_ends_with_2_and_says_why(self):
        for arguments in ([], ["wal"], ["checkpoint"], ["sing"], ["wal", "sing"], *COMMANDS,
                          *([*command, "place", "--sing"] for command in COMMANDS),
                          *([*command, "place", "another"] for command in COMMANDS),
                          ["wal", "truncate", self.dir], ["wal", "truncate", self.dir, "--through", "x"],
                          ["wal", "truncate", self.dir, "--through", "-1"],
                          ["wal", "dump", self.dir, "--from", str(2**64)],
                          ["wal", "dump", self.dir, "--strict", "--best-effort"],
                          ["wal", "dump", self.dir, "--raw", "--json"]):
            with self.subTest(arguments=arguments):
                done = tool.run(*arguments)
                self.assertEqual(done.returncode, 2)
                if "--json" not in arguments:
                    self.assertRegex(done.stderr.decode(), r"^durability: [^\n]+; [^\n]+\n$")
                    self.assertEqual(done.stdout, b"")
        self.assertEqual(list(self.root.iterdir()), [])

    def test_wrong_usage_is_an_object_too(self):
        for command in COMMANDS:
            answer = self.json(*command, status=2)
            self.assertEqual((answer["ok"], answer["error"]["code"]), (False, "invalid_config"))
            self.assertEqual(set(answer["error"]) - {"advice"}, {"code", "message", "path", "offset"})

    def test_a_command_or_option_that_does_not_exist_is_answered_with_the_one_it_is_like(self):
        for arguments, like in ((["wal", "vrify", self.dir], "verify"), (["wal", "verfiy"], "verify"),
                                (["wal", "verif", self.dir], "verify"), (["wall", "verify", self.dir], "wal"),
                                (["checkpoint", "shwo"], "show"), (["recordlog", "appned", "x"], "append"),
                                (["recovr", self.dir], "recover"), (["wal", "trunc", self.dir], "truncate"),
                                (["wal", "append", self.dir, "--durabel"], "--durable"),
                                (["wal", "append", self.dir, "--segment-byte=3"], "--segment-bytes"),
                                (["wal", "dump", self.dir, "--best-efort"], "--best-effort"),
                                (["wal", "repair", self.dir, "--paln"], "--plan"),
                                (["wal", "verify", self.dir, "--jsn"], "--json"),
                                (["wal", "list", self.dir], "ls"), (["wal", "show", self.dir], "dump"),
                                (["wal", "check", self.dir], "verify"), (["checkpoint", "dump", "x"], "show"),
                                (["WAL", "verify", self.dir], "wal"), (["wal", "VERIFY", self.dir], "verify"),
                                (["wal", "verify", self.dir, "--JSON"], "--json"),
                                (["walverify", self.dir], "wal verify"), (["wal-verify", self.dir], "wal verify"),
                                (["verify", self.dir], "wal verify"), (["truncate", self.dir], "wal truncate"),
                                (["help"], "--help"), (["wal", "help"], "--help")):
            with self.subTest(arguments=arguments):
                done = tool.run(*arguments)
                self.assertEqual(done.returncode, 2)
                self.assertIn(f"did you mean {like}?", done.stderr.decode())
        for arguments in (["wal", "xyzzy", self.dir], ["wal", "verify", self.dir, "--xyzzy"], ["wal", "q"]):
            self.assertNotIn(b"did you mean", tool.run(*arguments).stderr)

    def test_what_is_wrong_is_said_in_plain_words(self):
        for arguments, text in ((["wal"], "a command is missing: one of append, dump, "),
                                ([], "a command is missing: one of wal, checkpoint, "),
                                (["wal", "verify"], "DIR is missing"),
                                (["wal", "truncate", self.dir], "--through is missing"),
                                (["wal", "convert", self.dir, "--format", "3"], "OUT is missing"),
                                (["wal", "verify", self.dir, "more"], "more is one argument too many"),
                                (["wal", "repair", self.dir], "give one of --plan, --apply, --undo, and only one"),
                                (["wal", "repair", self.dir, "--plan", "--undo"], "give one of --plan, "),
                                (["wal", "dump", self.dir, "--strict", "--best-effort"], "do not go together"),
                                (["wal", "dump", self.dir, "--from"], "--from was given without its value;"),
                                (["wal", "dump", self.dir, "--from", "1", "--from", "2"], "--from was given twice;"),
                                (["wal", "dump", self.dir, "--from=1", "--from=2"], "--from was given twice;"),
                                (["wal", "append", self.dir, "--segment-bytes", "0"], ": --segment-bytes is 0: use "),
                                (["wal", "append", self.dir, "--recycle", "2000"], ": --recycle is 2000: use 0 to "),
                                (["wal", "append", self.dir, "--segment-bytes", "4k", "--preallocate", "8k"],
                                 ": --preallocate is 8192: "),
                                (["wal", "append", self.dir, "--policy", "every=0"], "--policy: use per-append, "),
                                (["wal", "append", self.dir, "--policy", "interval=0"], "--policy: use per-append, "),
                                (["wal", "dump", self.dir, "--from", "x"], "use a whole number from 0 to "),
                                (["wal", "dump", self.dir, "--type", "x"], "use wal-entry, not x"),
                                (["wal", "append", self.dir, "--format", "5"], "use 2, 3 or 4, not 5"),
                                (["recordlog", "append", self.dir, "--format", "x"], "use 1 or 2, not x")):
            with self.subTest(arguments=arguments):
                done = tool.run(*arguments)
                self.assertEqual(done.returncode, 2)
                self.assertIn(text, done.stderr.decode())

    def test_sizes_take_units(self):
        for text, number in (("4096", 4096), ("64k", 65536), ("64K", 65536), ("64KiB", 65536), ("64kiB", 65536),
                             ("1M", 1 << 20), ("1MiB", 1 << 20), ("1m", 1 << 20)):
            with self.subTest(text=text):
                place = self.root / text
                self.ok("wal", "append", place, "--durable", "--segment-bytes", text, "--preallocate", text, stdin=b"a\n")
                self.assertEqual((place / "wal" / "wal_1.log").stat().st_size, number)
        for option in ("--segment-bytes", "--preallocate"):
            for text in ("", "k", "iB", "64iB", "64MB", "64B", "6.4M", "-1M", "64 M", "64MM", "17179869184G", "0x10"):
                with self.subTest(option=option, text=text):
                    done = tool.run("wal", "append", self.root / "no", f"{option}={text}", stdin=b"a\n")
                    self.assertEqual(done.returncode, 2, done)
                    self.assertFalse((self.root / "no").exists())
        self.assertIn(b"64MiB", tool.run("wal", "append", self.dir, "--segment-bytes", "64MB").stderr)

    def test_a_dash_is_no_place(self):
        os.chdir(self.root)
        try:
            for command in (*COMMANDS, ["recordlog", "append"], ["recordlog", "verify"], ["recover"]):
                more = ["--through", "1"] if "truncate" in command else []
                for place in ("-", ""):
                    answer = self.json(*command, place, *more, stdin=b"a\n", status=2)
                    self.assertEqual(answer["error"]["code"], "invalid_config")
            for command in (["wal", "truncate", "log", "--through", "1", "--checkpoint"],
                            ["wal", "repair", "log", "--apply"], ["recover", "log", "--checkpoint"],
                            ["wal", "convert", "log", "--format", "3"]):
                for place in ("-", ""):
                    answer = self.json(*command, place, status=2)
                    self.assertIn(f'"{place}" names no place', answer["error"]["message"])
            self.assertEqual(list(self.root.iterdir()), [])
            self.ok("wal", "append", "./-", stdin=b"a\n")
        finally:
            os.chdir("/")

    def test_a_name_that_is_not_text_does_no_harm(self):
        name = self.root / "bad \udcff name\n"
        answer = self.json("wal", "verify", name, status=1)
        self.assertEqual(answer["error"]["code"], "not_found")
        done = tool.run("wal", "verify", name)
        self.assertIn(b"bad \\xff name\\x0a: ", done.stderr)


if __name__ == "__main__":
    unittest.main()

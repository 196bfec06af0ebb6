"""What all commands have in common."""

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

    def test_a_name_that_is_not_text_does_no_harm(self):
        name = self.root / "bad \udcff name\n"
        answer = self.json("wal", "verify", name, status=1)
        self.assertEqual(answer["error"]["code"], "not_found")
        done = tool.run("wal", "verify", name)
        self.assertIn(b"bad \\xff name\\x0a: ", done.stderr)


if __name__ == "__main__":
    unittest.main()

"""Whatever the system lacks, the tool ends with 0, 1 or 2, and says one line, or one object.

It aborted, with status 134, where standard error was closed or full and it had something to say there, and where
memory ended. A full standard output went unnoticed by --help."""

import json
import os
import subprocess
import unittest

import tool

LINES = b"".join(b"entry %d\n" % i for i in range(200))
BOUNDED = "a sanitizer reserves more address space than any limit leaves"


def shell(redirections, *command, stdin=b"", before=""):
    """Runs the tool with what a shell would redirect."""
    script = f'{before} exec "$0" "$@" {redirections}'
    return subprocess.run(["bash", "-c", script, tool.TOOL, *map(str, command)], input=stdin, capture_output=True,
                          timeout=120, check=False)


class Streams(tool.Case):
    def setUp(self):
        super().setUp()
        self.append([b"entry %d" % i for i in range(1, 101)], "--segment-bytes", 512)
        self.records = self.root / "records.log"
        self.ok("recordlog", "append", self.records, stdin=LINES)
        self.damaged = self.root / "damaged"
        self.ok("wal", "append", self.damaged, "--durable", stdin=LINES)
        tool.flip(self.damaged / "wal" / "wal_1.log", 100)
        self.index = self.root / "index"
        self.ok("wal", "append", self.index, "--durable", stdin=b"\x00\x01\x02\n")

    def commands(self):
        """{name: (arguments, standard input)}: each command once where it succeeds, and once where it fails."""
        new = self.root / f"new{len(list(self.root.iterdir()))}"
        return {
            "help": (["--help"], b""),
            "version": (["--version"], b""),
            "usage": (["wal", "vrify", self.dir], b""),
            "append": (["wal", "append", new], LINES),
            "append acks": (["wal", "append", new / "acks", "--durable", "--acks", "--threads", 4], LINES),
            "append damaged": (["wal", "append", self.damaged], LINES),
            "dump": (["wal", "dump", self.dir], b""),
            "dump past the end": (["wal", "dump", self.dir, "--from", 999], b""),
            "dump damaged": (["wal", "dump", self.damaged], b""),
            "verify": (["wal", "verify", self.dir], b""),
            "verify damaged": (["wal", "verify", self.damaged], b""),
            "verify nothing": (["wal", "verify", self.root / "nowhere"], b""),
            "ls": (["wal", "ls", self.dir], b""),
            "stat": (["wal", "stat", self.dir], b""),
            "truncate": (["wal", "truncate", self.dir, "--through", 1, "--force"], b""),
            "truncate refused": (["wal", "truncate", self.dir, "--through", 1], b""),
            "repair": (["wal", "repair", self.damaged, "--plan"], b""),
            "repair not": (["wal", "repair", self.dir, "--undo"], b""),
            "convert": (["wal", "convert", self.dir, new / "converted", "--format", 3], b""),
            "checkpoint show": (["checkpoint", "show", self.records], b""),
            "checkpoint verify": (["checkpoint", "verify", self.root / "nowhere"], b""),
            "recordlog append": (["recordlog", "append", new / "records"], LINES),
            "recordlog dump": (["recordlog", "dump", self.records], b""),
            "recordlog verify": (["recordlog", "verify", self.records], b""),
            "recover": (["recover", self.index], b""),
            "recover not": (["recover", self.dir], b""),
        }

    def each(self, redirections, before="", forms=([], ["--json"])):
        for form in forms:
            for name, (command, stdin) in self.commands().items():
                if form and name in ("help", "version"):
                    continue
                with self.subTest(name=name, form=form, redirections=redirections, before=before):
                    done = shell(redirections, *command, *form, stdin=stdin, before=before)
                    self.assertIn(done.returncode, (0, 1, 2), done)
                    yield name, bool(form), done

    def statuses(self):
        return {(name, form): done.returncode for name, form, done in self.each("")}

    def test_standard_error_that_is_closed_or_full_changes_nothing(self):
        expected = self.statuses()
        for redirections in ("2>&-", "2>/dev/full"):
            for name, form, done in self.each(redirections):
                self.assertEqual(done.returncode, expected[name, form], (name, done))
                self.assertEqual(done.stderr, b"")

    def test_standard_output_that_is_full_or_closed_is_an_error(self):
        expected = self.statuses()
        for redirections in (">/dev/full", ">&-"):
            for name, form, done in self.each(redirections):
                if name == "dump past the end":  # prints nothing there
                    self.assertEqual(done.returncode, 0)
                elif expected[name, form] == 0:
                    self.assertEqual(done.returncode, 1, (name, done))
                    self.assertIn(b"durability: standard output: ", done.stderr, name)
                else:
                    self.assertEqual(done.returncode, expected[name, form], (name, done))
                    self.assertIn(b"durability: ", done.stderr, name)

    def test_both_may_be_gone(self):
        for redirections in (">&- 2>&-", ">/dev/full 2>/dev/full", "<&- >&- 2>&-"):
            for _ in self.each(redirections):
                pass

    def test_a_reader_that_goes_away_is_an_error_and_no_death(self):
        for command in (["dump"], ["dump", "--json"], ["verify"]):
            read, write = os.pipe()
            os.close(read)
            with os.fdopen(write, "wb") as pipe:
                done = subprocess.run([tool.TOOL, "wal", *command, self.dir], stdout=pipe, stderr=subprocess.PIPE,
                                      timeout=60, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"durability: standard output: ", done.stderr)

    def test_a_pipe_that_does_not_block_is_waited_for(self):
        read, write = os.pipe()
        os.set_blocking(write, False)
        self.ok("wal", "append", self.root / "large", stdin=(b"x" * 1000 + b"\n") * 500)
        with subprocess.Popen([tool.TOOL, "wal", "dump", "--raw", self.root / "large"], stdout=write,
                              stderr=subprocess.PIPE) as dump:
            os.close(write)
            with os.fdopen(read, "rb") as pipe:
                self.assertEqual(len(pipe.read()), 500 * 1001)
            self.assertEqual((dump.wait(timeout=60), dump.stderr.read()), (0, b""))

    @unittest.skipIf(tool.SANITIZED, BOUNDED)
    def test_where_memory_ends_it_says_so_in_one_line_or_object(self):
        """From too little for anything but to begin, up to where all goes well."""
        least = self.least_address_space()
        ended = 0
        for more, form in ((0, []), (0, ["--json"]), (512, []), (2048, ["--json"]), (16384, [])):
            for name, form, done in self.each("", before=f"ulimit -v {least + more};", forms=(form,)):
                text = done.stdout if form else done.stderr
                if b"out of memory" not in text:
                    continue
                ended += 1
                self.assertEqual(done.returncode, 1, (name, done))
                if form:
                    answer = json.loads(text.splitlines()[-1])
                    self.assertEqual((answer["ok"], answer["error"]["errno"]), (False, 12))
                else:
                    self.assertEqual(len(text.splitlines()), 1, (name, done))
        self.assertGreater(ended, 0)

    # A command that only reads said that "what counted is kept, the rest was not done", and not where.
    @unittest.skipIf(tool.SANITIZED, BOUNDED)
    def test_where_memory_ends_it_says_what_is_true_of_the_command_and_where(self):
        place = self.root / "one large entry"
        line = b"x" * (8 << 20) + b"\n"
        self.ok("wal", "append", place, stdin=line)
        least = self.least_address_space()
        for arguments, advice in ((["wal", "verify", place], "nothing was changed; free some memory and try again"),
                                  (["wal", "dump", place], "nothing was changed; free some memory and try again"),
                                  (["recordlog", "append", self.root / "records"], "what counted is kept, the rest was not done")):
            with self.subTest(arguments=arguments):
                before = f"ulimit -v {least + 4096};"
                said = f"durability: {arguments[2]}: out of memory: Cannot allocate memory; {advice}\n"
                done = shell("", *arguments, before=before, stdin=line)
                self.assertEqual((done.returncode, done.stderr.decode()), (1, said))
                done = shell("", *arguments, "--json", before=before, stdin=line)
                error = json.loads(done.stdout.splitlines()[-1])["error"]
                self.assertEqual((error["path"], error["advice"], error["errno"]), (str(arguments[2]), advice, 12))

    def least_address_space(self):
        """KiB with which the loader still gets as far as main()."""
        low, high = 0, 1 << 20
        while high - low > 64:
            middle = (low + high) // 2
            done = shell("", "--version", before=f"ulimit -v {middle};")
            # 127: a library could not be mapped. The tool's own end is 0 or 1.
            if done.returncode in (0, 1) and b"bash" not in done.stderr and b"loading" not in done.stderr:
                high = middle
            else:
                low = middle
        return high

    @unittest.skipIf(tool.SANITIZED, BOUNDED)
    def test_threads_that_cannot_be_started_are_an_error(self):
        # A limit on processes does not bind root; on address space for their stacks it does.
        done = shell("", "wal", "append", self.root / "many", "--threads", 1000, stdin=LINES,
                     before="ulimit -v 2000000;")
        self.assertIn(done.returncode, (0, 1), done)
        if done.returncode == 1:
            self.assertEqual(len(done.stderr.splitlines()), 1, done)
        self.ok("wal", "verify", self.root / "many", "--best-effort", "--allow-empty")


if __name__ == "__main__":
    unittest.main()

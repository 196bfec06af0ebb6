"""Running the tool from tests."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ["DURABILITY_BIN"])
TOOL = BIN / "durability"
SANITIZED = "DURABILITY_SANITIZED" in os.environ


def run(*arguments, stdin=b"", **options):
    """Runs the tool to its end; bytes in, bytes out."""
    return subprocess.run([TOOL, *map(str, arguments)], input=stdin, capture_output=True, timeout=120, **options)


def start(*arguments, **options):
    """Starts the tool with a pipe at each end. Use as a context: it is killed at the end of that."""
    return Running([TOOL, *map(str, arguments)], **options)


class Running(subprocess.Popen):
    def __init__(self, command, **options):
        super().__init__(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         bufsize=0, **options)

    def __exit__(self, *exception):
        self.kill()
        super().__exit__(*exception)

    def say(self, line):
        self.stdin.write(line + b"\n")

    def hear(self):
        """The next line of its output, waited for."""
        return self.stdout.readline().decode().rstrip("\n")

    def kill_9(self):
        self.send_signal(signal.SIGKILL)
        self.wait()


def snapshot(path):
    """Everything about a directory that a write would change."""
    seen = {}
    for entry in [path, *sorted(path.rglob("*"))]:
        status = entry.lstat()
        contents = entry.read_bytes() if entry.is_file() else None
        seen[str(entry)] = (status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, contents)
    return seen


class Case(unittest.TestCase):
    """A test with a directory of its own."""

    maxDiff = 2000

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="durability-test-")
        self.addCleanup(temporary.cleanup)
        self.root = pathlib.Path(temporary.name)
        self.dir = self.root / "log"

    def ok(self, *arguments, **options):
        """Standard output of a run that must succeed."""
        done = run(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr.decode(errors="replace"))
        return done.stdout

    def json(self, *arguments, status=0, **options):
        """The object that a run with --json printed, with that exit status."""
        done = run(*arguments, "--json", **options)
        self.assertEqual(done.returncode, status, done)
        self.assertEqual(done.stderr, b"")
        return json.loads(done.stdout)

    def append(self, lines, *options):
        """Appends lines durably; the summary."""
        return self.json("wal", "append", self.dir, "--durable", *options, stdin=b"".join(x + b"\n" for x in lines))

    def entries(self, *options):
        """{id: payload} as dump says."""
        dumped = self.ok("wal", "dump", self.dir, "--json", *options)
        rows = [json.loads(line) for line in dumped.splitlines()]
        self.assertEqual(len(rows), len({row["entry_id"] for row in rows}))
        return {row["entry_id"]: bytes.fromhex(row["payload"]) for row in rows}

    def segment(self, number):
        return self.dir / "wal" / f"wal_{number}.log"


def flip(path, offset):
    """Damages one byte."""
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x40]))

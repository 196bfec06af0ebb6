"""Loads real input while the writer is killed, cuts the power, recovers, compares: what `make demo` shows.

    scripts/demo.sh [FILE]     the package list of this machine, or the lines of FILE
    DURABILITY_BIN             where the programs are; build/release/bin, unless given

What must be there is what a writer acknowledged on its output, never merely what it was given. Exit status
1 if one acknowledged entry is missing, or if nothing was acknowledged.
"""

import json
import os
import pathlib
import random
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(os.environ.get("DURABILITY_BIN", ROOT / "build/release/bin"))
MAX_LINES = 4000  # of a log; the store syncs for each change, so it gets fewer
MAX_CHANGES = 400
KILLS = 5
PATIENCE = 20  # seconds without an acknowledgement, after which there will be none


class Failure(Exception):
    """What must not happen did."""


def require(true, what):
    if not true:
        raise Failure(what)


def say(text):
    print("  " + text, flush=True)


def read_input(arguments):
    """Lines of a file, or `name version` of each package."""
    if arguments:
        return pathlib.Path(arguments[0]).read_bytes().splitlines()[:MAX_LINES], f"lines of {arguments[0]}"
    try:
        listed = subprocess.run(["dpkg-query", "-W", "-f", "${Package}:${Architecture} ${Version}\n"],
                                capture_output=True, check=True)
    except FileNotFoundError:
        raise Failure("there is no dpkg-query here: give a file, whose lines are taken instead") from None
    return listed.stdout.splitlines()[:MAX_LINES], "packages of this machine, name and version"


def tool(*arguments, stdin=b""):
    return subprocess.run([BIN / "durability", *map(str, arguments)], input=stdin, capture_output=True, check=False)


def tool_ok(*arguments):
    done = tool(*arguments)
    require(done.returncode == 0, done.stderr.decode(errors="replace") or done.stdout.decode(errors="replace"))
    return done.stdout


def feed_and_kill(command, lines, after):
    """Feeds lines to a program, waits for `after` acknowledgements, kills it with SIGKILL, and returns all the
    acknowledgements it printed. Its input stays open, so it dies at work, or waiting for more."""
    writer = subprocess.Popen([*map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def feed():
        try:
            for line in lines:
                writer.stdin.write(line + b"\n")
        except BrokenPipeError:
            pass

    feeder = threading.Thread(target=feed)
    feeder.start()
    heard = b""
    more = b"more"
    while more and heard.count(b"\n") < after and select.select([writer.stdout], [], [], PATIENCE)[0]:
        more = os.read(writer.stdout.fileno(), 65536)
        heard += more
    writer.kill()
    heard += writer.stdout.read()
    writer.wait()
    feeder.join()
    writer.stdin.close()
    writer.stdout.close()
    require(heard.count(b"\n") >= after, "the writer ended by itself, or stopped acknowledging")
    return heard.split(b"\n")[:-1]  # a line that was cut off acknowledges nothing


class Log:
    """A log that the tool writes and the demo kills."""

    def __init__(self, directory, lines):
        self.directory = directory
        self.lines = lines
        self.acknowledged = {}  # entry id -> line

    def append(self):
        return [BIN / "durability", "wal", "append", self.directory, "--durable", "--acks", "--threads", "8"]

    def take(self, acks, waiting):
        """Notes acknowledgements; returns the lines that still wait for one."""
        taken = set()
        for ack in acks:
            number, entry = map(int, ack.split())
            require(entry not in self.acknowledged, f"the id {entry} was given out twice")
            self.acknowledged[entry] = waiting[number - 1]
            taken.add(number)
        return [line for number, line in enumerate(waiting, 1) if number not in taken]

    def compare(self):
        """Every acknowledged entry must be there, with its bytes. Returns how many entries there are."""
        rows = map(json.loads, tool_ok("wal", "dump", self.directory, "--json", "--best-effort",
                                       "--allow-empty").splitlines())
        there = {row["entry_id"]: bytes.fromhex(row["payload"]) for row in rows}
        lost = [entry for entry, line in self.acknowledged.items() if there.get(entry) != line]
        require(not lost, f"{len(lost)} ACKNOWLEDGED ENTRIES ARE MISSING, ids {lost[:10]}")
        return len(there)

    def load(self):
        waiting = self.lines
        for kill in range(1, KILLS + 1):
            acks = feed_and_kill(self.append(), waiting, random.randint(1, max(1, len(waiting) // 3)))
            waiting = self.take(acks, waiting)
            say(f"kill {kill}: {len(acks)} acknowledged before it; the log now holds {self.compare()} entries, "
                f"all {len(self.acknowledged)} acknowledged so far among them")
            if not waiting:
                break
        done = subprocess.run(self.append(), input=b"".join(line + b"\n" for line in waiting), capture_output=True,
                              check=False)
        require(done.returncode == 0, done.stderr.decode(errors="replace"))
        waiting = self.take(done.stdout.splitlines(), waiting)
        require(not waiting, "the last run did not acknowledge everything")
        require(self.acknowledged, "nothing was acknowledged: nothing was shown")
        say(f"the last run was left alone: {self.compare()} entries, {len(self.acknowledged)} acknowledged, "
            "none missing, no id given twice")


class Store:
    """The example, examples/kv_store, killed likewise."""

    def __init__(self, directory, lines):
        self.command = [BIN / "kv_store", directory, "4096"]
        self.directory = directory
        self.changes = []
        for number, line in enumerate(lines, 1):
            key, _, value = line.partition(b" ")
            self.changes.append(b"put %s %s" % (key or b"line-%d" % number, value))
            if number % 10 == 0:
                self.changes.append(b"erase " + self.changes[-5].split(b" ")[1])
            if number % 50 == 0 and number <= len(lines) // 2:  # the rest is for the last checkpoint
                self.changes.append(b"checkpoint")
        self.done = 0  # so many changes are acknowledged

    def table_after(self, count):
        table = {}
        for change in self.changes[:count]:
            verb, _, rest = change.partition(b" ")
            key, _, value = rest.partition(b" ")
            if verb == b"put":
                table[key] = value
            elif verb == b"erase":
                table.pop(key, None)
        return table

    def run(self, *commands):
        done = subprocess.run([*map(str, self.command)], input=b"".join(line + b"\n" for line in commands),
                              capture_output=True, check=False)
        require(done.returncode == 0, done.stderr.decode(errors="replace"))
        return done.stdout

    def compare(self):
        """It must hold what was acknowledged; one more change, under way at the kill, may be there."""
        table = dict(line.split(b" ", 1) for line in self.run(b"dump").splitlines())
        for count in (self.done, self.done + 1):
            if table == self.table_after(count):
                self.done = min(count, len(self.changes))
                return len(table)
        raise Failure(f"AN ACKNOWLEDGED CHANGE IS MISSING: the store is not as after {self.done} changes, or one more")

    def note(self, acks):
        for change, ack in zip(self.changes[self.done:], acks):
            require(ack == change or ack.partition(b" ")[2] == change, f"an acknowledgement of something else: {ack}")
        self.done += len(acks)

    def load(self):
        for kill in range(1, KILLS + 1):
            waiting = self.changes[self.done:]
            acks = feed_and_kill(self.command, waiting, random.randint(1, max(1, len(waiting) // 4)))
            require(acks, "nothing was acknowledged: nothing was shown")
            self.note(acks)
            say(f"kill {kill}: {len(acks)} changes acknowledged before it; recovered from checkpoint and log, the "
                f"store holds {self.compare()} keys, as it should")
            if self.done == len(self.changes):
                return
        self.note(self.run(*self.changes[self.done:]).splitlines())
        say(f"the last run was left alone: all {self.done} changes, {self.compare()} keys")


def cut_the_power(lines):
    done = subprocess.run([BIN / "power_cut"], input=b"".join(line + b"\n" for line in (lines * 100)[:100]),
                          capture_output=True, check=False)
    for line in done.stdout.decode(errors="replace").splitlines():
        say(line)
    require(done.returncode == 0, "A POWER CUT LOST AN ACKNOWLEDGED ENTRY, or tore nothing")


def segments_of(directory):
    rows = json.loads(tool_ok("wal", "ls", directory, "--json"))["segments"]
    return [row for row in rows if row["state"] != "spare"]


def checkpoint_and_truncate(store):
    before = segments_of(store.directory)
    keys = store.compare()
    store.run(b"checkpoint")
    after = segments_of(store.directory)
    require(len(after) == 1, "a checkpoint was published, and the log that it covers is still there")
    file = store.directory / "table.ckpt"
    shown = json.loads(tool_ok("checkpoint", "show", file, "--json"))
    say(f"the checkpoint holds everything up to entry {shown['last_applied_id']}, {shown['payload_len']} bytes; "
        f"of the log's segments, {len(before)} before it, the newest is left")
    beyond = tool("wal", "truncate", store.directory, "--through", shown["last_applied_id"] + 1, "--checkpoint", file)
    require(beyond.returncode == 1, "truncating beyond the checkpoint was not refused")
    say("deleting beyond it is refused; `durability wal truncate` says:")
    say("  " + beyond.stderr.decode(errors="replace").strip())
    tool_ok("wal", "truncate", store.directory, "--through", shown["last_applied_id"], "--checkpoint", file)
    require(store.compare() == keys, "RECOVERY FROM THE CHECKPOINT LOST KEYS")
    say(f"recovered from the checkpoint: {keys} keys, the same")


def damage_a_copy(log, directory):
    shutil.copytree(log.directory, directory)
    rows = [json.loads(row) for row in tool_ok("wal", "dump", directory, "--json").splitlines()]
    row = rows[len(rows) // 2]
    payload = bytes.fromhex(row["payload"])
    segment = directory / "wal" / f"wal_{row['segment_id']}.log"
    whole = bytearray(segment.read_bytes())
    place = whole.index(payload, row["offset"]) if payload else row["offset"]
    whole[place] ^= 1
    segment.write_bytes(whole)
    say(f"in a copy, one bit of entry {row['entry_id']} is flipped; `durability wal verify` says:")
    verified = tool("wal", "verify", directory)
    require(verified.returncode == 1, "damage to an acknowledged entry was not found")
    say("  " + verified.stderr.decode(errors="replace").strip())
    require(tool("wal", "append", directory, stdin=b"more\n").returncode == 1, "a damaged log was appended to")
    require(segment.read_bytes() == whole, "a damaged log was changed")
    say("a writer refuses it too, and leaves every byte where it is")
    tool_ok("wal", "verify", log.directory)


def show(arguments, directory):
    lines, what = read_input(arguments)
    require(lines, "there is no input")
    texts = [line.decode(errors="replace").encode() for line in lines]  # for programs that store strings
    log = Log(directory / "log", lines)
    store = Store(directory / "store", texts[:MAX_CHANGES])
    steps = (
        (f"{len(lines)} {what}: loaded durably by `durability wal append`, 8 threads, killed with SIGKILL {KILLS} times",
         log.load),
        ("the same into examples/kv_store, with checkpoints in between, killed likewise", store.load),
        ("the power cut in a simulated disk, which tears writes as a kill hardly ever does", lambda: cut_the_power(texts)),
        ("a checkpoint, and the log that it covers deleted", lambda: checkpoint_and_truncate(store)),
        ("damage to what was acknowledged is no torn write, and is not repaired but reported",
         lambda: damage_a_copy(log, directory / "copy")),
    )
    for number, (title, step) in enumerate(steps, 1):
        print(f"{number}. {title}", flush=True)
        begin = time.monotonic()
        step()
        say(f"({time.monotonic() - begin:.1f} s)")


def main():
    begin = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="durability-demo-") as directory:
            show(sys.argv[1:], pathlib.Path(directory))
    except Failure as failure:
        print(f"FAILED: {failure}")
        sys.exit(1)
    print(f"Nothing that was acknowledged is missing. {time.monotonic() - begin:.1f} s in all.")


if __name__ == "__main__":
    main()

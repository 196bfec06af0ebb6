"""`durability wal append --durable --acks`, killed with SIGKILL at random moments, again and again on the same log.

The log must open each time, hold each acknowledged entry with its own bytes, give no id to two entries,
and hold nothing twice. Acknowledgements are what the writer's output said, nothing else.

    DURABILITY_BIN=build/gcc/bin python3 tests/cli/kill_loop.py --kills 200 [--seed N] [--flushed]

--flushed leaves --durable out: then an acknowledgement says that a kill cannot take the entry any more.
"""

import argparse
import json
import os
import pathlib
import random
import select
import subprocess
import sys
import tempfile
import time


class Failure(Exception):
    """The log broke a promise."""


def require(true, what):
    if not true:
        raise Failure(what)


class KillLoop:
    def __init__(self, tool, directory, seed, flushed):
        self.tool = str(tool)
        self.log = pathlib.Path(directory) / "log"
        self.input = pathlib.Path(directory) / "input"
        self.random = random.Random(seed)
        self.how = ["--acks", "--threads", "8", *([] if flushed else ["--durable"])]
        self.numbers = self.make_input()  # line -> its number
        self.acknowledged = {}  # entry id -> line number
        self.checked = 0  # up to this id, the log has been compared
        self.kills = 0
        self.kills_while_opening = 0

    def make_input(self):
        """Lines of all lengths, each one of its kind."""
        lines = []
        for number in range(1, 20_001):
            size = self.random.choice((0, 10, 100, 100, 1000)) if number % 500 else 200_000
            noise = self.random.randbytes(self.random.randint(0, size)).replace(b"\n", b"\0")
            lines.append(b"%d " % number + noise)
        self.input.write_bytes(b"".join(line + b"\n" for line in lines))
        return {line: number for number, line in enumerate(lines, 1)}

    def append_and_kill(self):
        """One writer's life. Returns what it acknowledged: {entry id: line number}."""
        command = [self.tool, "wal", "append", str(self.log), *self.how,
                   "--segment-bytes", str(self.random.choice((4096, 65536, 1 << 20)))]
        enough = self.random.choice((0, 1, 20, 100, 300))  # acknowledgements to let pass
        moment = self.random.uniform(0, 0.02)  # and then this long
        with open(self.input, "rb") as source:
            writer = subprocess.Popen(command, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output = self.listen(writer, enough)
        deadline = time.monotonic() + moment
        while time.monotonic() < deadline and writer.poll() is None:
            output += self.heard(writer, deadline)
        writer.kill()
        rest, errors = writer.communicate()
        acknowledged = self.parse(output + rest)
        if writer.returncode == 0:  # it was done before the kill came
            return acknowledged
        require(writer.returncode == -9, f"it ended by itself: {writer.returncode} {errors.decode(errors='replace')}")
        require(not errors, f"it complained: {errors.decode(errors='replace')}")
        self.kills += 1
        self.kills_while_opening += not acknowledged
        return acknowledged

    @staticmethod
    def heard(writer, deadline):
        readable, _, _ = select.select([writer.stdout], [], [], max(0, deadline - time.monotonic()))
        return os.read(writer.stdout.fileno(), 65536) if readable else b""

    @staticmethod
    def listen(writer, enough):
        output = b""
        while output.count(b"\n") < enough:
            more = os.read(writer.stdout.fileno(), 65536)
            if not more:
                break
            output += more
        return output

    @staticmethod
    def parse(output):
        acknowledged = {}
        for line in output.split(b"\n")[:-1]:  # the last one may have been cut off by the kill
            number, entry = map(int, line.split())
            require(entry not in acknowledged, f"entry {entry} was acknowledged twice")
            acknowledged[entry] = number
        require(len(set(acknowledged.values())) == len(acknowledged), "a line was acknowledged twice")
        return acknowledged

    def entries(self, first):
        """[(id, payload)] from that id on, as a reader finds them."""
        # Empty where it was killed before it was made.
        dumped = subprocess.run([self.tool, "wal", "dump", self.log, "--json", "--best-effort", "--from", str(first),
                                 "--allow-empty"], capture_output=True, check=False)
        require(dumped.returncode == 0, f"it cannot be read: {dumped.stdout[-1000:]!r}")
        rows = map(json.loads, dumped.stdout.splitlines())
        return [(row["entry_id"], bytes.fromhex(row["payload"])) for row in rows]

    def compare(self, entries, acknowledged, one_life):
        """Entries must be consecutive, be lines of the input, and hold all that was acknowledged."""
        seen = set()
        for position, (entry, payload) in enumerate(entries):
            require(entry == entries[0][0] + position, f"entry {entry} does not follow its predecessor")
            require(payload in self.numbers, f"entry {entry} is not what was appended")
            number = self.numbers[payload]
            require(acknowledged.get(entry, number) == number, f"entry {entry} is another one than acknowledged")
            require(not one_life or number not in seen, f"line {number} is there twice")
            seen.add(number)
        missing = acknowledged.keys() - {entry for entry, _ in entries}
        require(not missing, f"acknowledged entries are missing: {sorted(missing)[:10]}")

    def run_once(self):
        acknowledged = self.append_and_kill()
        repeated = self.acknowledged.keys() & acknowledged.keys()
        require(not repeated, f"ids were given out again: {sorted(repeated)[:10]}")
        require(min(acknowledged, default=self.checked + 1) > self.checked,
                "an id that the log held before was given out again")
        self.acknowledged |= acknowledged
        entries = self.entries(self.checked + 1)
        require(not entries or entries[0][0] == self.checked + 1, "the log does not go on where it ended")
        self.compare(entries, acknowledged, one_life=True)
        if entries:
            self.checked = entries[-1][0]

    def finish(self):
        """Opens it once more, closes it properly, and compares all of it."""
        require(self.acknowledged, "nothing was ever acknowledged: nothing was tested")
        closed = subprocess.run([self.tool, "wal", "append", self.log, "--durable"], stdin=subprocess.DEVNULL,
                                capture_output=True, check=False)
        require(closed.returncode == 0, f"it does not open: {closed.stderr!r}")
        strict = subprocess.run([self.tool, "wal", "verify", self.log], capture_output=True, check=False)
        require(strict.returncode == 0, f"closed, it is not sound: {strict.stderr!r}")
        self.compare(self.entries(1), self.acknowledged, one_life=False)


def run(tool, kills, seed, flushed):
    """Raises Failure. Returns a line for people."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="durability-kills-") as directory:
        loop = KillLoop(tool, directory, seed, flushed)
        while loop.kills < kills:
            loop.run_once()
        loop.finish()
        return (f"killed {kills} times ({loop.kills_while_opening} before the first acknowledgement), "
                f"{len(loop.acknowledged)} entries acknowledged, {loop.checked} in the log, none lost, "
                f"no id repeated, {time.monotonic() - begin:.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=int(os.environ.get("DURABILITY_KILLS", "25")))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--flushed", action="store_true")
    arguments = parser.parse_args()
    try:
        tool = pathlib.Path(os.environ["DURABILITY_BIN"]) / "durability"
        print(run(tool, arguments.kills, arguments.seed, arguments.flushed))
    except Failure as failure:
        print(f"{failure}\ntry again with: {__file__} --kills {arguments.kills} --seed {arguments.seed}"
              f"{' --flushed' if arguments.flushed else ''}",
              file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()

"""The power is cut under real file systems: ext4, xfs and btrfs, each on a disk that is a file.

    DURABILITY_BIN=build/release/bin python3 tests/powercut/powercut.py [--rounds N] [--seed N] [ext4 xfs btrfs]

Needs root, loop devices and the mkfs programs; what cannot be run is said loudly, and is not counted.

A round: `wal append --durable --acks` writes to the mounted file system; at a random moment its disk is
copied; the writer is killed, and the file system is mounted anew from the copy, which makes it replay its
journal. The log must hold every entry that was acknowledged before the copying began, each with its own
bytes, consecutive, and nothing that was not appended. The next round goes on from there.

What is exact about the copy. The disk is a file on a host file system, behind a loop device. Freezing the
host (FIFREEZE) holds every write to that file, each whole, and none gets through until the copy is made; the
file system on the disk knows nothing of it. So the copy is the disk at one instant: all that was written to
the device, what is still in the memory of the file system not. What it is not: a device that loses its own
cache, since every write that the loop device has completed is in the copy, flushed or not. That a sync
without a flush would go unnoticed here is why the crash tests (tests/crash) simulate it.
"""

import argparse
import contextlib
import os
import pathlib
import random
import select
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
from kill_loop import Failure, KillLoop, require  # noqa: E402

# Megabytes of the disk, the way to make it. The sizes are near the smallest that each will have.
FILE_SYSTEMS = {
    "ext4": (64, ["mkfs.ext4", "-q", "-F"]),
    "xfs": (320, ["mkfs.xfs", "-q", "-f"]),
    "btrfs": (160, ["mkfs.btrfs", "-q", "-f"]),
}
HOST_MEGABYTES = 1024


def command(*words):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(map(str, words))}: {done.stderr.strip() or done.returncode}")


@contextlib.contextmanager
def mounted(image, place):
    """The loop device goes when the mount does."""
    place.mkdir(exist_ok=True)
    command("mount", "-o", "loop", image, place)
    try:
        yield place
    finally:
        for _ in range(50):  # the writer is dead, but its last pages may still be on their way
            if subprocess.run(["umount", place], capture_output=True, check=False).returncode == 0:
                break
            time.sleep(0.1)
        else:
            command("umount", "--lazy", place)


@contextlib.contextmanager
def frozen(place):
    command("fsfreeze", "--freeze", place)
    try:
        yield
    finally:
        command("fsfreeze", "--unfreeze", place)


def make_disk(path, megabytes, how):
    with open(path, "wb") as file:
        file.truncate(megabytes << 20)
    command(*how, path)


class PowerCut(KillLoop):
    """The log on one kind of file system, from cut to cut."""

    def __init__(self, tool, directory, seed, kind):
        super().__init__(tool, directory, seed, flushed=False)
        self.directory = directory
        self.host, self.copy = directory / "host", directory / "copy.img"
        self.disk = self.host / "disk.img"
        megabytes, how = FILE_SYSTEMS[kind]
        make_disk(self.disk, megabytes, how)
        self.cuts = 0
        self.cuts_at_work = 0
        self.waiting = 0.0

    def start(self):
        command_line = [self.tool, "wal", "append", str(self.log), *self.how, "--recycle", "2",
                        "--segment-bytes", str(self.random.choice((4096, 65536, 1 << 20)))]
        with open(self.input, "rb") as source:
            return subprocess.Popen(command_line, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def write_and_cut(self):
        """What was acknowledged before the copying began."""
        writer = self.start()
        try:
            output = self.listen(writer, self.random.choice((1, 20, 100, 300)))
            deadline = time.monotonic() + self.random.uniform(0, 0.05)
            while time.monotonic() < deadline and writer.poll() is None:
                output += self.heard(writer, deadline)
            while select.select([writer.stdout], [], [], 0)[0]:
                more = os.read(writer.stdout.fileno(), 65536)
                if not more:
                    break
                output += more
            with frozen(self.host):
                self.cuts_at_work += writer.poll() is None
                command("cp", "--sparse=always", "--reflink=never", self.disk, self.copy)
        finally:
            writer.kill()
            _, errors = writer.communicate()
        require(not errors, f"the writer complained: {errors.decode(errors='replace')}")
        return self.parse(output)

    def truncate(self):
        through = self.checked - self.random.randrange(1, 200)
        if through > 0 and self.random.random() < 0.5:
            command(self.tool, "wal", "truncate", self.log, "--through", through, "--force")

    def round(self):
        with mounted(self.disk, self.directory / "disk") as place:
            self.log = place / "log"
            self.truncate()
            acknowledged = self.write_and_cut()
        # The machine comes up again, with the disk as it was at that instant.
        shutil.copyfile(self.copy, self.disk)
        with mounted(self.disk, self.directory / "disk"):
            entries = self.entries(self.checked + 1)
            require(not entries or entries[0][0] == self.checked + 1, "the log does not go on where it ended")
            self.compare(entries, acknowledged, one_life=True)
        self.cuts += 1
        self.acknowledged |= acknowledged
        self.checked = entries[-1][0] if entries else self.checked

    def finish(self):
        with mounted(self.disk, self.directory / "disk") as place:
            self.log = place / "log"
            command(self.tool, "wal", "truncate", self.log, "--through", 0, "--force")  # opens and closes it
            command(self.tool, "wal", "verify", self.log)


def run(tool, kind, rounds, seed):
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="durability-powercut-") as name:
        directory = pathlib.Path(name)
        make_disk(directory / "host.img", HOST_MEGABYTES, FILE_SYSTEMS["ext4"][1])
        with mounted(directory / "host.img", directory / "host"):
            loop = PowerCut(tool, directory, seed, kind)
            for _ in range(rounds):
                loop.round()
            loop.finish()
    return (f"powercut: {kind}: {loop.cuts} cuts ({loop.cuts_at_work} with the writer at work), "
            f"{len(loop.acknowledged)} entries acknowledged before them, {loop.checked} in the log, none lost, "
            f"{time.monotonic() - begin:.1f} s")


def obstacle(kind):
    """Why that file system cannot be tested here; None where it can."""
    if os.geteuid() != 0:
        return "not root"
    for program in ("mount", "umount", "fsfreeze", FILE_SYSTEMS["ext4"][1][0], FILE_SYSTEMS[kind][1][0]):
        if shutil.which(program) is None:
            return f"no {program}: scripts/bootstrap.sh powercut installs it"
    with tempfile.TemporaryDirectory(prefix="durability-powercut-") as name:
        disk = pathlib.Path(name) / "disk.img"
        try:
            make_disk(disk, *FILE_SYSTEMS[kind])
            with mounted(disk, pathlib.Path(name) / "disk"):
                return None
        except OSError as error:
            return str(error)


def in_a_mount_namespace():
    """So that no mount outlives this program, however it ends."""
    if os.geteuid() != 0 or "DURABILITY_POWERCUT" in os.environ or shutil.which("unshare") is None:
        return
    os.environ["DURABILITY_POWERCUT"] = "1"
    os.execvp("unshare", ["unshare", "--mount", sys.executable, "-B", *sys.argv])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", default=list(FILE_SYSTEMS), metavar="file system")
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("DURABILITY_CUTS", "20")))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    arguments = parser.parse_args()
    in_a_mount_namespace()
    tool = pathlib.Path(os.environ["DURABILITY_BIN"]).resolve() / "durability"
    skipped = []
    for kind in arguments.kinds:
        why = obstacle(kind)
        if why:
            skipped.append(f"{kind}: {why}")
            continue
        try:
            print(run(tool, kind, arguments.rounds, arguments.seed), flush=True)
        except Failure as failure:
            sys.exit(f"powercut: {kind}: {failure}\ntry again with: {__file__} --rounds {arguments.rounds} "
                     f"--seed {arguments.seed} {kind}")
    for line in skipped:
        print(f"powercut: *** SKIPPED, NOT TESTED HERE *** {line}")
    sys.exit(77 if len(skipped) == len(arguments.kinds) else 0)


if __name__ == "__main__":
    main()

"""The contenders: programs of one command line (contender.hpp, peers/rust), and how one is measured."""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
failures = []  # labels of contenders that ended with an error
NOT_MEASURED = 3  # exit status: this contender has no such work

CPP_PEERS = {"rocksdb": "RocksDB", "leveldb": "LevelDB", "sqlite": "SQLite WAL", "lmdb": "LMDB"}
RUST_PEERS = {"durability": "Rust durability 0.10.0", "okaywal": "okaywal", "wal-db": "wal-db",
              "commitlog": "commitlog"}


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


@dataclasses.dataclass(frozen=True)
class Contender:
    label: str
    command: tuple
    variant: str = ""
    only: tuple = ()  # names of the works it is measured in; none: all it has


def build_rust(target):
    """The program of the Rust peers, or None, and why is said."""
    cargo = shutil.which("cargo") or os.path.expanduser("~/.cargo/bin/cargo")
    if not os.access(cargo, os.X_OK):
        say("NO cargo HERE: the Rust peers will be missing (scripts/bootstrap.sh says how to get it)")
        return None
    manifest = HERE / "peers/rust/Cargo.toml"
    build = [cargo, "build", "--quiet", "--release", "--manifest-path", str(manifest), "--target-dir", str(target)]
    for command in ([*build, "--offline"], build):  # what cargo has already is used without asking the network
        built = subprocess.run(command, capture_output=True, text=True)
        if built.returncode == 0:
            return target / "release/bench_rust"
    say(f"THE RUST PEERS DO NOT BUILD and will be missing:\n{built.stderr}")
    return None


def peers(programs, rust):
    """Every peer that is there; those that are not are named."""
    found = []
    for name, label in CPP_PEERS.items():
        program = programs / f"bench_{name}"
        if program.exists():
            found.append(Contender(label, (program,)))
        else:
            say(f"{label} IS NOT INSTALLED and will be missing (scripts/bootstrap.sh bench)")
    if rust:
        found += [Contender(label, (rust, name)) for name, label in RUST_PEERS.items()]
    return found


class Scratch:
    """A fresh directory on the disk that is measured, gone with all in it afterwards."""

    def __init__(self, parent):
        self.path = tempfile.mkdtemp(prefix="durability-bench-", dir=parent)

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path)


def settle(directory):
    """What earlier measurements left to be written is written before the next begins."""
    subprocess.run(["sync", "-f", directory], check=True)


def measure(contender, work, directory, options, prefix=()):
    """One run, as a dict of what the program printed; None where the contender has no such work, or failed."""
    arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    if contender.variant:
        arguments += ["--variant", contender.variant]
    command = [*prefix, *map(str, contender.command), work, directory, *arguments]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode == NOT_MEASURED:
        return None
    if run.returncode != 0:
        say(f"FAILED ({run.returncode}): {' '.join(command)}\n{run.stderr}")
        failures.append(contender.label)
        return None
    result = json.loads(run.stdout)
    result["rate"] = result["entries"] / result["seconds"]
    return result


class SystemCalls:
    """Counts the system calls of a run: by perf where it may, else by strace, else not at all."""

    def __init__(self):
        self.tool = next((tool for tool in ("perf", "strace") if self.works(tool)), None)
        if self.tool is None:
            say("NEITHER perf NOR strace WORKS HERE: system calls are not counted (scripts/bootstrap.sh bench)")

    @staticmethod
    def prefix(tool, report):
        if tool == "perf":
            return ["perf", "stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-o", report, "--"]
        return ["strace", "-f", "-c", "-o", report]

    @classmethod
    def works(cls, tool):
        if not shutil.which(tool):
            return False
        with tempfile.NamedTemporaryFile() as report:
            run = subprocess.run([*cls.prefix(tool, report.name), "true"], capture_output=True)
            return run.returncode == 0 and cls.total(tool, report.name) is not None

    @staticmethod
    def total(tool, report):
        for line in pathlib.Path(report).read_text().splitlines():
            if tool == "perf" and "raw_syscalls:sys_enter" in line and line.split(",")[0].isdigit():
                return int(line.split(",")[0])
            if tool == "strace" and line.endswith(" total"):
                return int(line.split()[3])
        return None

    def per_entry(self, contender, work, parent, options):
        """Those of a run that goes on for a while less those of one that ends after the first append."""
        counts = []
        for seconds in (options["seconds"], 0):
            with Scratch(parent) as directory, tempfile.NamedTemporaryFile() as report:
                result = measure(contender, work, directory, {**options, "seconds": seconds},
                                 self.prefix(self.tool, report.name))
                if result is None:
                    return None
                counts.append((self.total(self.tool, report.name), result["entries"]))
        (calls, entries), (calls_first, entries_first) = counts
        return max(0, calls - calls_first) / max(1, entries - entries_first)


def machine(parent):
    """What a figure depends on besides the program, in words."""
    model = "an unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    system = subprocess.run(["findmnt", "-no", "FSTYPE", "-T", parent], capture_output=True, text=True).stdout.strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    return (f"{os.cpu_count()} cores ({model}), {memory} GiB of memory, {system or 'an unknown file system'}, "
            f"Linux {os.uname().release}")

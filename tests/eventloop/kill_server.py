"""The example servers, killed with SIGKILL under load again and again, on one and the same directory.

Each time the server is started anew, and must say of every key what was acknowledged last, or what was on its way
when the kill came: one put a client, no more. Acknowledged is what the load generator was told over its
connections, nothing else.

    DURABILITY_BIN=build/gcc/bin python3 tests/eventloop/kill_server.py --kills 50 [--seed N] [--clients 64]
"""

import argparse
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time

BIN = pathlib.Path(os.environ["DURABILITY_BIN"])
SERVERS = ("kv_server", "kv_server_callbacks")
KEYS_OF_A_CLIENT = 100


class Failure(Exception):
    """A promise was broken."""


def require(true, what):
    if not true:
        raise Failure(what)


class Server:
    def __init__(self, program, directory):
        self.process = subprocess.Popen([BIN / program, directory], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = self.process.stdout.readline().decode()
        if not line.startswith("listening on "):
            raise Failure(f"{program} does not start: {line} {self.rest()}")
        self.port = int(line.split()[-1])

    def rest(self):
        return b"".join(self.process.communicate(timeout=60)).decode(errors="replace")

    def kill(self):
        self.process.kill()
        complaint = self.rest()
        require(self.process.returncode == -signal.SIGKILL and not complaint, f"it ended by itself: {complaint}")

    def stop(self):
        self.process.terminate()
        complaint = self.rest()
        require(self.process.returncode == 0 and not complaint, f"it does not end in order: {complaint}")

    def values(self, keys):
        """{key: number stored, or None}."""
        with socket.create_connection(("127.0.0.1", self.port)) as connection, connection.makefile("rwb") as lines:
            found = {}
            for key in keys:
                lines.write(f"get {key}\n".encode())
                lines.flush()
                answer = lines.readline().decode().split()
                found[key] = int(answer[1]) if answer[0] == "value" else None
            return found


class KillLoop:
    def __init__(self, directory, seed, clients):
        self.directory = pathlib.Path(directory) / "data"
        self.acks = pathlib.Path(directory) / "acknowledged"
        self.random = random.Random(seed)
        self.clients = clients
        self.expected = {}  # key -> number that was acknowledged last
        self.acknowledged = 0

    def load_and_kill(self, program):
        """One life of a server under load. Yields what each client had acknowledged last, and its keys."""
        server = Server(program, self.directory)
        self.acks.unlink(missing_ok=True)
        load = subprocess.Popen([BIN / "kv_load", str(server.port), str(self.clients), "60", self.acks],
                                stdout=subprocess.PIPE)
        time.sleep(self.random.uniform(0.02, 0.5))
        server.kill()
        load.communicate(timeout=60)  # it ends where the server goes away
        last = {client: 0 for client in range(self.clients)}
        for line in self.acks.read_text().splitlines():
            key, number = line.split()
            self.expected[key] = int(number)
            last[int(key[1:key.index("-")])] = int(number)
            self.acknowledged += 1
        return last

    def check(self, program, last):
        """What is stored, and what may be: the put that each client had on its way besides."""
        on_its_way = {f"c{client}-{(number + 1) % KEYS_OF_A_CLIENT}": number + 1 for client, number in last.items()}
        server = Server(program, self.directory)
        for key, stored in server.values(sorted(self.expected | on_its_way)).items():
            if stored is not None and stored == on_its_way.get(key):
                self.expected[key] = stored
            require(stored == self.expected.get(key),
                    f"{key}: {self.expected.get(key)} was acknowledged, {stored} is there")
        server.stop()


def run(kills, seed, clients):
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="durability-server-") as directory:
        loop = KillLoop(directory, seed, clients)
        for number in range(kills):
            last = loop.load_and_kill(SERVERS[number % 2])
            loop.check(SERVERS[(number // 2) % 2], last)
        require(loop.acknowledged, "nothing was ever acknowledged: nothing was tested")
        return (f"killed {kills} times under load of {clients} clients, {loop.acknowledged} puts acknowledged, "
                f"none lost, {time.monotonic() - begin:.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    arguments = parser.parse_args()
    try:
        print(run(arguments.kills, arguments.seed, arguments.clients))
    except Failure as failure:
        print(f"{failure}\ntry again with: {__file__} --kills {arguments.kills} --clients {arguments.clients} "
              f"--seed {arguments.seed}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()

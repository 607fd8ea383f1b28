"""A swarm's own costs: a commit beyond the slowest update, a leader's death, and consensus of 100 in the simulated world."""
import json
import pathlib
import re
import signal
import subprocess
import tempfile
import time

from federation import Federation
from kit import Series

TITLE = "commits of a swarm of 4, 7 and 16 daemons on loopback, and of 100 simulated members"
TARGETS = {4: "0.15", 7: "0.3", 16: "1"}
PARAMETERS = 1000000
SIMULATED = 100

SIM_JOB = """version: 1
name: consensus
seed: 1
profile: open
model: |
  x    = input 2
  out  = dense x 1 init=xavier
  loss = bce_logits out
data:
  format: csv
  columns:
    - {{ name: a, type: numeric }}
    - {{ name: b, type: numeric }}
    - {{ name: y, type: target, positive: ["1"] }}
training: {{ optimiser: sgd, rate: 0.1, batch: 8, epochs: 1 }}
rounds: {{ count: {rounds}, cohort: {members}, quorum: {members} }}
"""


TINY_JOB = SIM_JOB.replace("quorum: {members}", "quorum: {quorum}, invite: 2s")


class Swarm(Federation):
    """The same federation without a coordinator; `log` is that of one member."""

    def write_files(self, parameters):
        """A member may be missing, and is not waited for longer than two seconds."""
        super().write_files(parameters)
        job = self.folder / "job.yaml"
        text = job.read_text().replace(f"quorum: {self.nodes}", f"quorum: {self.nodes - 1}")
        job.write_text(text.replace("invite: 60s", "invite: 2s"))

    def call(self, program, *arguments):
        super().call(program, *arguments, "--mode", "swarm")

    def start(self, pause=0.0):
        for name in self.names:
            self.start_member(name)

    def start_member(self, name):
        return self.spawn(name, "panal-node", "--config", f"lab/{name}/node.yaml", "--once",
                          "--log-level", "debug", "--keep-updates", "2")

    def moments_of(self, name, pattern):
        text = (self.folder / f"{name}.log").read_text()
        found = re.findall(r"^(\d\d):(\d\d):(\d\d\.\d+) .*" + pattern, text, re.M)
        return {int(f[3]): int(f[0]) * 3600 + int(f[1]) * 60 + float(f[2]) for f in found}

    def wait(self, seconds):
        until = time.monotonic() + seconds
        for process in self.processes:
            process.wait(timeout=max(1, until - time.monotonic()))

    def commit_seconds(self):
        """From the last `trained` to the last `committed` of each round but the first."""
        trained = [self.moments_of(n, r"round=(\d+) event=trained") for n in self.names]
        committed = [self.moments_of(n, r"round=(\d+) event=committed") for n in self.names]
        rounds = set.intersection(*(set(c) for c in committed)) & set(trained[0])
        return [max(c[r] for c in committed) - max(t[r] for t in trained)
                for r in sorted(rounds) if r > 1]


class Late(Swarm):
    """The last member has so many records that the others have each other's updates before it has made its own."""

    def write_files(self, parameters):
        super().write_files(parameters)
        table = self.folder / f"{self.names[-1]}.csv"
        header, *records = table.read_text().splitlines()
        table.write_text("\n".join([header] + records * (50 * self.nodes)) + "\n")


class Tiny(Swarm):
    """A model of three numbers: what is left is the ledger. The daemons stay when the run is over."""

    def write_files(self, parameters):
        super().write_files(parameters)
        (self.folder / "job.yaml").write_text(TINY_JOB.format(rounds=self.rounds, members=self.nodes,
                                                              quorum=self.nodes - 1))
        for name in self.names:
            (self.folder / f"{name}.csv").write_text(
                "a,b,y\n" + "".join(f"{i % 7},{i % 5},{i % 2}\n" for i in range(30)))

    def start_member(self, name):
        return self.spawn(name, "panal-node", "--config", f"lab/{name}/node.yaml")

    def height(self, name):
        """Of the newest block that the log tells of."""
        found = re.findall(r"event=committed height=(\d+)", (self.folder / f"{name}.log").read_text())
        return int(found[-1]) if found else 0

    def wait_height(self, name, height, seconds):
        until = time.monotonic() + seconds
        while self.height(name) < height:
            if time.monotonic() > until:
                raise RuntimeError(f"{name} is at height {self.height(name)}, not at {height}")
            time.sleep(0.02)


def loopback_bytes():
    line = next(x for x in open("/proc/net/dev") if x.strip().startswith("lo:"))
    return int(line.split()[9])


def measure_commits(kit, members, rounds):
    with Swarm(kit.build, PARAMETERS, members, rounds, "/dev/shm") as swarm:
        before = loopback_bytes()
        swarm.start()
        swarm.wait(120 + 20 * rounds)
        sent = loopback_bytes() - before
        kit.row(f"{members} members: last update made to last commit",
                Series(swarm.commit_seconds()), "s", TARGETS[members])
        least = rounds * members * (members - 1) * 4 * PARAMETERS
        kit.row(f"{members} members: bytes on loopback beside n-1 updates received",
                Series([sent / least]), "x", "")


def measure_late(kit, members, rounds):
    """What a commit takes after the slowest update, when that is slow."""
    with Late(kit.build, PARAMETERS, members, rounds, "/dev/shm") as swarm:
        swarm.start()
        swarm.wait(120 + 30 * rounds)
        kit.row(f"{members} members, one update later than all others: made to last commit",
                Series(swarm.commit_seconds()), "s", TARGETS[members])


def measure_death(kit):
    """The leader of the height that is on is killed; the others' next commit."""
    rounds = 6
    with Swarm(kit.build, PARAMETERS, 4, rounds, "/dev/shm") as swarm:
        swarm.start()
        until = time.monotonic() + 120
        while 2 not in swarm.moments_of(swarm.names[1], r"round=(\d+) event=committed"):
            if time.monotonic() > until:
                raise RuntimeError("no second round")
            time.sleep(0.01)
        swarm.processes[3].send_signal(signal.SIGKILL)  # it leads height 3
        died = time.time() % 86400
        while 3 not in swarm.moments_of(swarm.names[1], r"round=(\d+) event=committed"):
            if time.monotonic() > until:
                raise RuntimeError("no commit after the leader's death")
            time.sleep(0.01)
        at = swarm.moments_of(swarm.names[1], r"round=(\d+) event=committed")[3]
        kit.row("4 members: a leader's death to the next commit",
                Series([(at - died) % 86400]), "s", "")


def measure_return(kit, rounds):
    """One of four leaves after the second round and comes back when the others have the last block."""
    with Tiny(kit.build, 100000, 4, rounds, "/dev/shm") as swarm:
        swarm.start()
        swarm.wait_height(swarm.names[3], 2, 60)
        swarm.processes[3].send_signal(signal.SIGTERM)
        swarm.processes[3].wait(timeout=20)
        missed = rounds + 1 - swarm.height(swarm.names[3])
        swarm.wait_height(swarm.names[0], rounds + 1, 120 + 2 * rounds)  # 4 s for each block that the fourth would lead
        began = time.monotonic()
        swarm.start_member(swarm.names[3])
        swarm.wait_height(swarm.names[3], rounds + 1, 600)
        seconds = time.monotonic() - began
        kit.row(f"a member that is back after {missed} blocks: start to the newest", Series([seconds]), "s", "")


def simulate(kit, members, rounds):
    with tempfile.TemporaryDirectory(prefix="panal-bench.") as folder:
        folder = pathlib.Path(folder)
        (folder / "job.yaml").write_text(SIM_JOB.format(rounds=rounds, members=members))
        (folder / "data.csv").write_text(
            "a,b,y\n" + "".join(f"{i % 7},{i % 5},{i % 2}\n" for i in range(30)))
        (folder / "sites.yaml").write_text("version: 1\nsites:\n" + "".join(
            f"  - {{ name: site-{i:03d}, organisation: o{i}, data: {{ file: data.csv }} }}\n"
            for i in range(members)))
        done = subprocess.run([kit.program("panal-sim"), "run", "job.yaml", "--mode", "swarm", "--json"],
                              cwd=folder, check=True, timeout=600, capture_output=True, text=True)
        result = json.loads(done.stdout)
        heights = rounds + 2
        kit.row(f"{members} simulated members: messages of a height", Series([result["frames"] / heights]), "", "")
        kit.row(f"{members} simulated members: bytes of a height", Series([result["bytes"] / heights / 1e6]), "MB", "")
        kit.row(f"{members} simulated members: CPU of a height, all members",
                Series([result["rounds_cpu_s"] / rounds]), "s", "")


def run(kit):
    rounds = 4 if kit.quick else 8
    for members in (4,) if kit.quick else (4, 7, 16):
        measure_commits(kit, members, rounds)
        measure_late(kit, members, rounds)
    measure_death(kit)
    measure_return(kit, 40 if kit.quick else 1000)
    simulate(kit, SIMULATED, 3)

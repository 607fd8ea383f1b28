"""A federation of real daemons on this machine, for benchmarks: keys, signed roster, CURVE, loopback.

    with Federation(build, parameters=1000000, nodes=8, rounds=6, state="/dev/shm") as f:
        f.start()
        f.wait(120)
        f.round_seconds()    # between the commits of the ledger, by the coordinator's log
        f.hub_memory()       # {"VmHWM": bytes, "VmRSS": bytes}, while it runs

Training is negligible: two records, one step; a third one to evaluate. Every wait is bounded, every process is ended.
"""
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time

# Inputs and hidden units: (inputs + 2) * hidden + 1 is exactly so many parameters. Nearly all are in
# the first layer, whose step is the cheapest there is: no gradient has to pass below it.
SHAPES = {100000: (367, 271), 1000000: (775, 1287), 10000000: (715, 13947)}

JOB = """version: 1
name: bench
seed: 1
profile: open
model: |
  x    = input {inputs}
  h    = dense x {hidden} init=xavier
  out  = dense h 1 init=xavier
  loss = mse out
data:
  format: csv
  columns:
{columns}
    - {{ name: y, type: target }}
  split: {{ validation: 0.34, test: 0 }}
training: {{ optimiser: sgd, rate: 0.01, batch: 2, epochs: 1 }}
rounds: {{ count: {rounds}, cohort: {nodes}, quorum: {nodes}, gather: 10m, invite: 60s, train: 5m,
          collect: 5m, evaluate: 5m }}
"""


def free_port():
    """Below the ports that the kernel gives to outgoing connections."""
    taken = {int(line.split()[1].split(":")[1], 16)
             for line in open("/proc/net/tcp").readlines()[1:]}
    return random.choice([p for p in range(20000, 32000) if p not in taken])


class Federation:
    def __init__(self, build, parameters, nodes, rounds, state=None, hub_options=()):
        self.bin = pathlib.Path(build) / "bin"
        self.nodes, self.rounds, self.hub_options = nodes, rounds, list(hub_options)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="panal-bench.", dir=state))
        self.processes, self.hub = [], None
        self.names = [f"site-{i:03d}" for i in range(nodes)]
        self.write_files(parameters)
        self.call("panal", "lab", "prepare", "job.yaml", "--sites", "sites.yaml", "--out", "lab")

    def write_files(self, parameters):
        inputs, hidden = SHAPES[parameters]
        columns = "\n".join(f"    - {{ name: x{i}, type: numeric }}" for i in range(inputs))
        (self.folder / "job.yaml").write_text(JOB.format(
            inputs=inputs, hidden=hidden, columns=columns, rounds=self.rounds,
            nodes=self.nodes))
        header = ",".join([f"x{i}" for i in range(inputs)] + ["y"])
        for k, name in enumerate(self.names):
            # No two nodes the same records: equal updates are one content, which travels once.
            rows = [",".join(f"{(7 * k + 3 * i + j) % 257 / 2570:.4f}" for j in range(inputs + 1))
                    for i in range(3)]
            (self.folder / f"{name}.csv").write_text("\n".join([header] + rows) + "\n")
        (self.folder / "sites.yaml").write_text("version: 1\nsites:\n" + "".join(
            f"  - {{ name: {n}, organisation: \"{n}\", data: {{ file: {n}.csv }} }}\n"
            for n in self.names))

    def call(self, program, *arguments):
        subprocess.run([self.bin / program, *arguments], cwd=self.folder, check=True, timeout=120,
                       stdout=subprocess.DEVNULL)

    def spawn(self, name, program, *arguments):
        log = open(self.folder / f"{name}.log", "w")
        process = subprocess.Popen([self.bin / program, *arguments], cwd=self.folder, stdout=log,
                                   stderr=log)
        self.processes.append(process)
        return process

    def start_hub(self):
        self.port = free_port()
        self.hub = self.spawn("hub", "panal-coordinator", "--config", "lab/hub/coordinator.yaml",
                              "--listen", f"tcp://127.0.0.1:{self.port}", "--log-level", "debug",
                              "--keep-models", "2", "--keep-updates", "2", *self.hub_options)
        self.wait_for(r"event=listening", 20)

    def start(self, pause=0.0):
        """The coordinator, then the nodes one after another."""
        self.start_hub()
        for name in self.names:
            self.spawn(name, "panal-node", "--config", f"lab/{name}/node.yaml", "--connect",
                       f"tcp://127.0.0.1:{self.port}", "--once")
            time.sleep(pause)

    def log(self):
        return (self.folder / "hub.log").read_text()

    def wait_for(self, pattern, seconds):
        until = time.monotonic() + seconds
        while not re.search(pattern, self.log()):
            if time.monotonic() > until or self.hub.poll() is not None:
                raise RuntimeError(f"the coordinator never said {pattern}:\n{self.log()[-2000:]}")
            time.sleep(0.02)

    def wait(self, seconds):
        """Until the run is over: the coordinator ended well."""
        if self.hub.wait(timeout=seconds) != 0:
            raise RuntimeError(f"the coordinator failed:\n{self.log()[-2000:]}")

    def moments(self, pattern):
        """Seconds of the day of every log line with this."""
        found = re.findall(r"^(\d\d):(\d\d):(\d\d\.\d+) .*" + pattern, self.log(), re.M)
        return [int(h) * 3600 + int(m) * 60 + float(s) for h, m, s in found]

    def round_seconds(self):
        """From commit to commit; the first two rounds (start-up, first models) are left out."""
        at = self.moments(r"round=[1-9]\d* attempt=[1-9]\d* event=commit")
        return [(b - a) % 86400 for a, b in zip(at[1:], at[2:])]

    def hub_memory(self):
        text = pathlib.Path(f"/proc/{self.hub.pid}/status").read_text()
        return {key: int(re.search(rf"{key}:\s+(\d+) kB", text).group(1)) * 1024
                for key in ("VmHWM", "VmRSS")}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

#!/usr/bin/env python3
"""The simulator beside JAX and pfl-research: clients per second, one core and two.

    bench/run sim                     with the other benchmarks
    bench/sim/bench.py [--pairs N] [--quick] [--build DIR] [--json FILE]     alone

Ours and theirs alternate. Ratios are pair by pair, from wall time; a machine with other work on it
spoils those, so the same is said of processor time.
Environments of the peers: $PANAL_PEERS (default build/peers), jax or torch, and pfl.
"""
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

TITLE = "panal-sim beside JAX and pfl: clients per second"
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FLOWER_1000 = 49  # clients/s, reference/performance.md, section 1.3: two quiet cores, no training
COLUMN = "    - {{ name: f{0}, type: numeric }}\n"


def dense_net(sizes):
    lines, last = [f"  x    = input {sizes[0]}"], "x"
    for i, size in enumerate(sizes[1:], 1):
        end = i == len(sizes) - 1
        lines.append(f"  fc{i}  = dense {last} {size} init={'xavier' if end else 'he'}")
        last = f"fc{i}"
        if not end:
            lines.append(f"  a{i}   = relu fc{i}")
            last = f"a{i}"
    return "\n".join(lines), last


def job(net, loss, data, batch, rounds, cohort, follow="cohort"):
    text, last = net
    return f"""version: 1
name: bench
seed: 1
profile: open
model: |
{text}
  loss = {loss} {last}
data:
{data}  split: {{ validation: 0, test: 0 }}
training: {{ optimiser: sgd, rate: 0.05, batch: {batch}, epochs: 1, clip: 50 }}
rounds: {{ count: {rounds}, cohort: {cohort}, quorum: {cohort}, evaluate_every: 1000000,
          follow: {follow} }}
"""


def sites(count, files):
    return f"""version: 1
sites:
  - name: site
    count: {count}
    data: {{ {files}, share: {{ of: {count}, kind: iid, seed: 1 }} }}
"""


def csv_columns(count, target):
    return ("  format: csv\n  columns:\n" + "".join(COLUMN.format(i) for i in range(count)) +
            f"    - {{ name: y, type: target{target} }}\n")


def write_csv(path, columns, rows):
    """Numbers of 4 digits out of random bytes: their values do not matter."""
    rng = random.Random(3)
    with open(path, "w") as out:
        out.write(",".join([f"f{i}" for i in range(columns)] + ["y"]) + "\n")
        for row in range(rows):
            noise = rng.randbytes(columns)
            out.write(",".join([f"{(b - 128) / 64:.4f}" for b in noise] + [str(row % 2)]) + "\n")


def write_idx(folder, rows, pixels=784):
    rng = random.Random(3)
    head = lambda *dims: bytes([0, 0, 8, len(dims)]) + b"".join(d.to_bytes(4, "big") for d in dims)
    (folder / "images").write_bytes(head(rows, 28, 28) + rng.randbytes(rows * pixels))
    (folder / "labels").write_bytes(head(rows) + bytes(b % 10 for b in rng.randbytes(rows)))


def write_fraud(folder, quick):
    rounds = 10 if quick else 60
    write_csv(folder / "fraud.csv", 30, 100000)
    for follow in ("cohort", "all"):
        (folder / f"fraud-{follow}.yaml").write_text(job(
            dense_net([30, 64, 32, 2]), "cce_logits", csv_columns(30, ', values: ["0", "1"]'), 32,
            rounds if follow == "cohort" else rounds // 5, 100, follow))
    (folder / "fraud-sites.yaml").write_text(sites(1000, "file: fraud.csv"))


def write_digits(folder, quick):
    write_idx(folder, 60000)
    (folder / "digits.yaml").write_text(job(
        dense_net([784, 200, 200, 10]), "cce_logits",
        "  format: idx\n  shape: [28, 28]\n  classes: 10\n  divide: 255\n", 10,
        2 if quick else 8, 10))
    (folder / "digits-sites.yaml").write_text(sites(100, "images: images, labels: labels"))


def write_empty(folder, quick):
    """100,000 parameters, one record a node: what is not training."""
    write_csv(folder / "empty.csv", 367, 1000)
    (folder / "empty.yaml").write_text(job(dense_net([367, 271, 1]), "mse", csv_columns(367, ""), 1,
                                           2 if quick else 4, 1000))
    (folder / "empty-sites.yaml").write_text(sites(1000, "file: empty.csv"))


class Simulator:
    """What one run of panal-sim said."""

    def __init__(self, kit, folder, name, sites_name, cores, identity):
        command = ["taskset", "-c", ",".join(map(str, range(cores))), kit.program("panal-sim"), "run",
                   f"{name}.yaml", "--sites", f"{sites_name}-sites.yaml", "--identity", identity,
                   "--workers", str(cores), "--json"]
        said = json.loads(kit.call(*command, timeout=600, cwd=folder))
        self.per_s = said["clients_per_s"]
        self.per_cpu_s = said["clients"] / max(said["rounds_cpu_s"], 1e-9)
        self.model, self.peak = said["model"], said["peak_bytes"]


def peer_runs(kit, script, python, workload, cores, rounds):
    """Medians and best of one run of a peer: the fastest of its ways."""
    threads = {"OMP_NUM_THREADS": str(cores), "MKL_NUM_THREADS": str(cores)}
    more = ["--threads", str(cores)] if script == "sim_jax.py" else []
    said = kit.call("taskset", "-c", ",".join(map(str, range(cores))), python,
                    str(kit.shared / "peers" / script), "--workload", workload, "--rounds",
                    str(rounds), *more, timeout=600, env={**os.environ, **threads})
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return (max(line["clients_per_s_median"] for line in lines),
            max(line["clients_per_s_best"] for line in lines))


# Processor time of rounds alone: a long run less a short one, both with their compilation.
PER_CPU = """
import os, sys, time
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
peers, workload, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
sys.path.insert(0, peers)
import sim_jax
from sim_pfl import WORKLOADS
begun = time.process_time()
sim_jax.run(workload, "scan", 2)
middle = time.process_time()
sim_jax.run(workload, "scan", 2 + rounds)
spent = (time.process_time() - middle) - (middle - begun)
print(WORKLOADS[workload][4] * rounds / spent)
"""


def jax_per_cpu(kit, python, workload, rounds):
    return float(kit.call("taskset", "-c", "0", python, "-c", PER_CPU, str(kit.shared / "peers"),
                          workload, str(rounds), timeout=600,
                          env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}))


def compare(kit, folder, what, name, workload, jax, pfl):
    """One workload: ours with nominal identity on one core and two, JAX, pfl; then ours with real."""
    ours, two, theirs, best, others = [], [], [], [], []
    long = {"fraud_mlp_100": 200, "mnist_2nn_600": 5}[workload]
    for _ in range(kit.pairs):
        ours.append(Simulator(kit, folder, name, name.split("-")[0], 1, "nominal"))
        if jax:
            theirs.append(peer_runs(kit, "sim_jax.py", jax, workload, 1, 10)[0])
            best.append(jax_per_cpu(kit, jax, workload, long))
        two.append(Simulator(kit, folder, name, name.split("-")[0], 2, "nominal"))
        if pfl and len(others) < 2:
            others.append(peer_runs(kit, "sim_pfl.py", pfl, workload, 1, 3)[0])
    real = Simulator(kit, folder, name, name.split("-")[0], 1, "real")
    if {run.model for run in ours + two + [real]} != {ours[0].model}:
        kit.say(f"!!! {what}: the model depends on identity or threads")
    kit.row(f"{what}, nominal, 1 core", kit.series(run.per_s for run in ours), "clients/s")
    kit.row(f"{what}, nominal, 2 cores", kit.series(run.per_s for run in two), "clients/s")
    kit.row(f"{what}, real, 1 core", real.per_s, "clients/s")
    kit.row(f"{what}, nominal, 1 core, of processor time",
            kit.series(run.per_cpu_s for run in ours), "clients/s")
    kit.row(f"{what}, real, 1 core, of processor time", real.per_cpu_s, "clients/s")
    if theirs:
        kit.row(f"{what}, JAX, 1 core, median round", kit.series(theirs), "clients/s")
        kit.row(f"{what}, JAX, 1 core, of processor time", kit.series(best), "clients/s")
        kit.row(f"{what}, panal / JAX, 1 core",
                kit.series(a.per_s / b for a, b in zip(ours, theirs)), "x", "1")
        kit.row(f"{what}, panal on 2 cores / JAX on 1",
                kit.series(a.per_s / b for a, b in zip(two, theirs)), "x")
        kit.row(f"{what}, panal / JAX, both of processor time",
                kit.series(a.per_cpu_s / b for a, b in zip(ours, best)), "x", "1")
    if others:
        kit.row(f"{what}, pfl, 1 core", kit.series(others), "clients/s")
        kit.row(f"{what}, panal / pfl, 1 core", ours[0].per_s / others[0], "x")


def empty(kit, folder):
    for identity in ("nominal", "real"):
        runs = [Simulator(kit, folder, "empty", "empty", 2, identity)
                for _ in range(kit.pairs if identity == "nominal" else 1)]
        kit.row(f"1,000 nodes, no training, 100,000 parameters, {identity}, 2 cores",
                kit.series(run.per_s for run in runs), "clients/s")
        kit.row(f"  of processor time", kit.series(run.per_cpu_s for run in runs), "clients/s")
        kit.row(f"  beside Flower's {FLOWER_1000} on two quiet cores",
                kit.series(run.per_s / FLOWER_1000 for run in runs), "x", "20")


def run(kit):
    jax, pfl = kit.peer("jax") or kit.peer("torch"), kit.peer("pfl")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="panal-bench-sim."))
    try:
        for write in (write_fraud, write_digits, write_empty):
            write(folder, kit.quick)
        compare(kit, folder, "fraud MLP", "fraud-cohort", "fraud_mlp_100", jax, pfl)
        follow_all = Simulator(kit, folder, "fraud-all", "fraud", 1, "nominal")
        kit.row("fraud MLP, nominal, 1 core, follow: all", follow_all.per_s, "clients/s")
        compare(kit, folder, "2NN", "digits", "mnist_2nn_600", jax, pfl)
        empty(kit, folder)
    finally:
        shutil.rmtree(folder)


# ---- alone ----


class Alone:
    """Stands in for bench/kit.py."""

    def __init__(self, build, pairs, quick):
        self.build, self.pairs, self.quick = pathlib.Path(build), pairs, quick
        self.peers = pathlib.Path(os.environ.get("PANAL_PEERS", ROOT / "build/peers"))
        self.shared, self.rows, self.notes = ROOT.parent / "shared", [], []

    def program(self, name):
        return str((self.build / "bin" / name).resolve())

    def peer(self, name):
        python = self.peers / name / "bin/python"
        return str(python) if python.exists() else self.say(f"!!! {name} is not in {self.peers}")

    def call(self, *command, timeout=300, **more):
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=timeout,
                              **more).stdout

    def say(self, text):
        self.notes.append(text)
        print(text, flush=True)

    @staticmethod
    def series(values):
        return sorted(values)

    def row(self, what, series, unit, target=None):
        values = series if isinstance(series, list) else [series]
        median = values[len(values) // 2]
        self.rows.append({"what": what, "unit": unit, "target": target, "median": median,
                          "values": values})
        aim = f"   target {target}" if target else ""
        print(f"  {what:<66} {median:>9.4g} ({values[0]:.4g} - {values[-1]:.4g}) {unit}{aim}",
              flush=True)


def main():
    import argparse
    parser = argparse.ArgumentParser(description=TITLE)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--build", default=str(ROOT / "build/release"))
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    kit = Alone(options.build, options.pairs, options.quick)
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if "model name" in line),
               "?")
    about = {"cpu": cpu, "cores": os.cpu_count(), "load_before": os.getloadavg()[0],
             "panal": kit.call(kit.program("panal-sim"), "--version").strip(),
             "commit": kit.call("git", "-C", str(ROOT), "describe", "--always", "--dirty").strip()}
    run(kit)
    about["load_after"] = os.getloadavg()[0]
    print(", ".join(f"{key} {value}" for key, value in about.items()))
    if options.json:
        pathlib.Path(options.json).write_text(
            json.dumps({"bench": "sim", **about, "rows": kit.rows, "notes": kit.notes}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The simulator beside JAX and pfl-research: clients per second, one core and two.

    bench/run sim [--pairs N] [--quick]

Ours and theirs alternate. Ratios are pair by pair, from wall time; a machine with other work on it
spoils those, so the same is said of processor time. --quick: a round or two of everything.
Environments of the peers: $PANAL_PEERS (default build/peers), jax or torch, and pfl.
"""
import json
import os
import pathlib
import random
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from kit import Series, ratios

TITLE = "panal-sim beside JAX and pfl: clients per second"
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
    rounds = 10 if quick else 30
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
        1 if quick else 6, 10))
    (folder / "digits-sites.yaml").write_text(sites(100, "images: images, labels: labels"))


def write_empty(folder, quick):
    """100,000 parameters, one record a node: what is not training."""
    write_csv(folder / "empty.csv", 367, 1000)
    (folder / "empty.yaml").write_text(job(dense_net([367, 271, 1]), "mse", csv_columns(367, ""), 1,
                                           1 if quick else 4, 1000))
    (folder / "empty-sites.yaml").write_text(sites(1000, "file: empty.csv"))


def write_idle(folder, quick):
    write_csv(folder / "idle.csv", 1, 10000)
    (folder / "idle.yaml").write_text(job(dense_net([1, 1]), "mse", csv_columns(1, ""), 10, 2, 10))
    for nodes in (100, 1000):
        (folder / f"idle-{nodes}-sites.yaml").write_text(sites(nodes, "file: idle.csv"))


class Simulator:
    """What one run of panal-sim said."""

    def __init__(self, kit, folder, name, sites_name, cores, identity):
        said = json.loads(kit.call(
            *pinned(cores), kit.program("panal-sim"), "run", f"{name}.yaml", "--sites",
            f"{sites_name}-sites.yaml", "--identity", identity, "--workers", str(cores), "--json",
            timeout=600, cwd=folder))
        self.per_s = said["clients_per_s"]
        self.per_cpu_s = said["clients"] / max(said["rounds_cpu_s"], 1e-9)
        self.model, self.peak, self.virtual = said["model"], said["peak_bytes"], said["virtual_ms"]


def pinned(cores):
    return "taskset", "-c", ",".join(map(str, range(cores)))


# sim_jax.py takes a time before and after every round: wall and processor time of the same rounds.
JAX = """
import json, os, statistics, sys, time, types
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
peers, workload, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
sys.path.insert(0, peers)
import sim_jax
from sim_pfl import WORKLOADS
for how in ("scan", "vmap"):
    stamps = []
    def stamp():
        stamps.append((time.perf_counter(), time.process_time()))
        return stamps[-1][0]
    sim_jax.time = types.SimpleNamespace(perf_counter=stamp)
    sim_jax.run(workload, how, rounds)
    spent = [[after[k] - before[k] for before, after in zip(stamps[::2], stamps[1::2])]
             for k in (0, 1)]
    print(json.dumps([WORKLOADS[workload][4] / max(statistics.median(s), 1e-9) for s in spent]))
"""


class Jax:
    """JAX on one core: the faster of its two ways (scan, vmap), by wall and by processor time."""

    def __init__(self, kit, python, workload, rounds):
        said = kit.call(*pinned(1), python, "-c", JAX, str(kit.shared / "peers"), workload,
                        str(rounds), timeout=600,
                        env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})
        ways = [json.loads(line) for line in said.splitlines() if line.startswith("[")]
        self.per_s, self.per_cpu_s = (max(way[k] for way in ways) for k in (0, 1))


def pfl_per_s(kit, python, workload, rounds):
    said = kit.call(*pinned(1), python, str(kit.shared / "peers/sim_pfl.py"), "--workload",
                    workload, "--rounds", str(rounds), timeout=600,
                    env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})
    return max(json.loads(line)["clients_per_s_median"] for line in said.splitlines()
               if line.startswith("{"))


def compare(kit, folder, what, name, workload, peers, rounds):
    """One workload: ours with nominal identity on one core, JAX, ours on two; then real, and pfl."""
    sites = name.split("-")[0]
    ours, two, theirs = [], [], []
    for _ in range(kit.pairs):
        ours.append(Simulator(kit, folder, name, sites, 1, "nominal"))
        if peers["jax"]:
            theirs.append(Jax(kit, peers["jax"], workload, rounds))
        two.append(Simulator(kit, folder, name, sites, 2, "nominal"))
    real = Simulator(kit, folder, name, sites, 1, "real")
    if {run.model for run in ours + two + [real]} != {ours[0].model}:
        kit.say(f"!!! {what}: the model depends on identity or threads")
    for label, runs in ("nominal, 1 core", ours), ("nominal, 2 cores", two), ("real, 1 core", [real]):
        kit.row(f"{what}, {label}", Series(run.per_s for run in runs), "clients/s")
        kit.row("  of processor time", Series(run.per_cpu_s for run in runs), "clients/s")
    if theirs:
        walls, times = [run.per_s for run in theirs], [run.per_cpu_s for run in theirs]
        kit.row(f"{what}, JAX, 1 core", Series(walls), "clients/s")
        kit.row("  of processor time", Series(times), "clients/s")
        kit.row(f"{what}, panal / JAX, 1 core", ratios([run.per_s for run in ours], walls), "x", "1")
        kit.row("  both of processor time", ratios([run.per_cpu_s for run in ours], times), "x", "1")
        kit.row(f"{what}, panal on 2 cores / JAX on 1", ratios([run.per_s for run in two], walls), "x")
    if peers["pfl"]:
        other = pfl_per_s(kit, peers["pfl"], workload, 3)
        kit.row(f"{what}, pfl, 1 core", other, "clients/s")
        kit.row(f"{what}, panal / pfl, 1 core", ours[-1].per_s / other, "x")


def empty(kit, folder):
    for identity in ("nominal", "real"):
        runs = [Simulator(kit, folder, "empty", "empty", 2, identity)
                for _ in range(kit.pairs if identity == "nominal" else 1)]
        kit.row(f"1,000 nodes, no training, 100,000 parameters, {identity}",
                Series(run.per_s for run in runs), "clients/s")
        kit.row("  of processor time", Series(run.per_cpu_s for run in runs), "clients/s")
        kit.row(f"  beside Flower's {FLOWER_1000} on two quiet cores",
                Series(run.per_s / FLOWER_1000 for run in runs), "x", "20")


def idle(kit, folder):
    """What a node costs that was never invited: peaks of 1,000 nodes and of 100, a cohort of 10."""
    peaks = [Simulator(kit, folder, "idle", f"idle-{nodes}", 1, "nominal").peak
             for nodes in (100, 1000)]
    kit.row("an idle node, its 10 records of 4 bytes included", (peaks[1] - peaks[0]) / 900, "bytes",
            "1024")


def run(kit):
    peers = {"jax": kit.peer("jax") or kit.peer("torch"), "pfl": kit.peer("pfl")}
    with tempfile.TemporaryDirectory(prefix="panal-bench-sim.") as name:
        folder = pathlib.Path(name)
        for write in (write_fraud, write_digits, write_empty, write_idle):
            write(folder, kit.quick)
        compare(kit, folder, "fraud MLP", "fraud-cohort", "fraud_mlp_100", peers, 10)
        follow_all = Simulator(kit, folder, "fraud-all", "fraud", 1, "nominal")
        kit.row("fraud MLP, nominal, 1 core, follow: all", follow_all.per_s, "clients/s")
        compare(kit, folder, "2NN", "digits", "mnist_2nn_600", peers, 2 if kit.quick else 5)
        empty(kit, folder)
        idle(kit, folder)

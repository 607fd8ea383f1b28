#!/usr/bin/env python3
"""Training steps and predictions of panal against PyTorch and JAX: one command, standard library only.

    cmake --build --preset release --target bench_nn_step bench_sgemm
    bench/train/run.py --torch VENV --jax VENV [--peers ../shared/peers] [--row NAME]... [--pairs 5]
        [--seconds 1] [--compile] [--skip-machine] [--json FILE]

For each row: `train.py --dump` writes the data, the first weights and the weights after 32 steps of plain
SGD; our weights after the same 32 steps must agree; then ours and every peer run in turn, `pairs` times,
each in a process of its own. A ratio is peer / panal of one pair, so above 1 panal is faster; shown is the
median with the range, and the strongest peer is the one of the smallest median. One thread: pinned to
core 0, processor time, which other processes disturb least. The whole machine: wall time, each side with
one thread or as many as there are cores, whichever is faster for it. Publish figures of a quiet machine
only: the load is printed before and after.

"peak": large dense layers and convolutions of random numbers, in shares of what sgemm reaches beside them.

Rows whose model needs a layer that nnlib does not have are skipped with its sentence.
"""
import argparse
import array
import ctypes
import json
import os
import pathlib
import platform
import random
import statistics
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
NOT_KNOWN = 77


def dense(sizes, loss):
    """The model of train.py's kind "mlp", and its tensors in our order."""
    lines, last = [f"x = input {sizes[0]}"], "x"
    for i, size in enumerate(sizes[1:]):
        lines.append(f"fc{i} = dense {last} {size}")
        last = f"fc{i}"
        if i + 2 < len(sizes):
            lines.append(f"a{i} = relu {last}")
            last = f"a{i}"
    lines.append(f"loss = {loss} {last}")
    return lines, [[f"{i}.{t}"] for i in range(len(sizes) - 1) for t in ("weight", "bias")]


def tensors(*layers):
    return [[f"{i}.{t}"] for i in layers for t in ("weight", "bias")]


def recurrent(steps, units, layers, classes):
    """One bias a layer, which starts as the sum of the two that PyTorch has."""
    lines, names, last = [f"x = input {steps}x8"], [], "x"
    for i in range(layers):
        output = " output=last" if i + 1 == layers else ""
        lines.append(f"l{i} = lstm {last} {units}{output}")
        last = f"l{i}"
        names += [[f"lstm.weight_ih_l{i}"], [f"lstm.weight_hh_l{i}"],
                  [f"lstm.bias_ih_l{i}", f"lstm.bias_hh_l{i}"]]
    lines += [f"out = dense {last} {classes}", "loss = cce_logits out"]
    return lines, names + [["out.weight"], ["out.bias"]]


LENET = (["x = input 1x28x28", "c1 = conv2d x 6 kernel=5 pad=2 activation=relu", "p1 = maxpool2d c1",
          "c2 = conv2d p1 16 kernel=5 activation=relu", "p2 = maxpool2d c2", "f = flatten p2",
          "fc1 = dense f 120", "a1 = relu fc1", "fc2 = dense a1 84", "a2 = relu fc2",
          "out = dense a2 10", "loss = cce_logits out"], tensors(0, 3, 7, 9, 11))
MCMAHAN = (["x = input 1x28x28", "c1 = conv2d x 32 kernel=5 pad=2 activation=relu", "p1 = maxpool2d c1",
            "c2 = conv2d p1 64 kernel=5 pad=2 activation=relu", "p2 = maxpool2d c2", "f = flatten p2",
            "fc1 = dense f 512", "a1 = relu fc1", "out = dense a1 10", "loss = cce_logits out"],
           tensors(0, 3, 7, 9))
CIFAR = (["x = input 3x32x32", "c1 = conv2d x 32 activation=relu", "c2 = conv2d c1 64 activation=relu",
          "p2 = maxpool2d c2", "f = flatten p2", "fc1 = dense f 128", "a1 = relu fc1",
          "out = dense a1 10", "loss = cce_logits out"], tensors(0, 2, 6, 8))
FRAUD = dense([30, 64, 32, 2], "cce_logits")
TWO_NN = dense([784, 200, 200, 10], "cce_logits")

# name, train.py's workload, batch, (model, tensors), at least, aim. An LSTM of ours has one bias where the
# peers' two each move: its weights agree only roughly.
STEPS = [
    ("logreg_784_b10", 10, dense([784, 10], "cce_logits"), 1.5, 2.5),
    ("fraud_mlp_b32", 32, FRAUD, 1.5, 2.5),
    ("fraud_ae_b32", 32, dense([30, 16, 8, 16, 30], "mse"), 1.5, 2.5),
    ("mnist_2nn_b10", 10, TWO_NN, 1.15, 1.6),
    ("mnist_2nn_b64", 64, TWO_NN, 1.05, 1.15),
    ("lenet5_b32", 32, LENET, 1.5, 2.5),
    ("mcmahan_cnn_b10", 10, MCMAHAN, 1.0, 1.3),
    ("mcmahan_cnn_b50", 50, MCMAHAN, 0.85, 1.05),
    ("cifar_cnn_b10", 10, CIFAR, 1.0, 1.3),
    ("lstm_1x64_t32_b32", 32, recurrent(32, 64, 1, 2), 1.1, 1.5),
    ("lstm_2x256_t80_b10", 10, recurrent(80, 256, 2, 90), 0.9, 1.15),
]
PREDICTIONS = [("fraud_mlp_b32", 32, FRAUD, 20, 20), ("lenet5_b32", 32, LENET, 3, 3)]

# name, batch, model, parameters, inputs, targets, operations of one record's step (no gradient of the first
# layer's input), at least
DENSE, CONV5, CONV3 = 2048 * 2048, 784 * 25 * 32, 256 * 9 * 64 * 64
PEAKS = [
    ("dense 2048-2048-2048", 128, ["x = input 2048", "a = dense x 2048", "b = dense a 2048", "loss = mse b"],
     2 * (DENSE + 2048), 2048, 2048, 2 * DENSE * 5, 0.80),
    ("conv 5x5 of McMahan's", 16, ["x = input 1x28x28", "a = conv2d x 32 kernel=5 pad=2",
                                   "b = conv2d a 64 kernel=5 pad=2", "loss = mse b"],
     25 * 32 + 32 + 25 * 32 * 64 + 64, 784, 64 * 784, 2 * CONV5 * (2 + 64 * 3), 0.65),
    ("conv 3x3, 64 channels", 32, ["x = input 64x16x16", "a = conv2d x 64 kernel=3 pad=1",
                                   "b = conv2d a 64 kernel=3 pad=1", "loss = mse b"],
     2 * (9 * 64 * 64 + 64), 64 * 256, 64 * 256, 2 * CONV3 * 5, 0.65),
]


# ---- files ----

def read_safetensors(path):
    """Name -> array of floats."""
    blob = path.read_bytes()
    (size,) = struct.unpack("<Q", blob[:8])
    header = json.loads(blob[8:8 + size])
    header.pop("__metadata__", None)
    return {name: array.array("f", blob[8 + size + row["data_offsets"][0]:8 + size + row["data_offsets"][1]])
            for name, row in header.items()}


def read_npy(path):
    """Floats; class numbers (int64) become floats."""
    blob = path.read_bytes()
    if blob[:8] != b"\x93NUMPY\x01\x00":
        sys.exit(f"{path}: expected an NPY file of version 1")
    (size,) = struct.unpack("<H", blob[8:10])
    header, data = blob[10:10 + size].decode(), blob[10 + size:]
    return array.array("f", data) if "<f4" in header else array.array("f", array.array("q", data))


def flat(weights, names):
    """One array in our order; tensors that stand together are added."""
    out = array.array("f")
    for group in names:
        parts = [weights[name] for name in group]
        out.extend(parts[0] if len(parts) == 1 else array.array("f", map(sum, zip(*parts))))
    return out


def lay_out(folder, model, names):
    (folder / "model.txt").write_text("\n".join(model) + "\n")
    flat(read_safetensors(folder / "init.safetensors"), names).tofile(open(folder / "theta.f32", "wb"))
    for name in ("x", "y"):
        read_npy(folder / f"{name}.npy").tofile(open(folder / f"{name}.f32", "wb"))


def apart(folder, names):
    seen = array.array("f", (folder / "after.f32").read_bytes())
    expected = flat(read_safetensors(folder / "after.safetensors"), names)
    if len(seen) != len(expected):
        sys.exit(f"{folder.name}: {len(seen)} weights, the peer has {len(expected)}")
    return max(abs(a - b) for a, b in zip(seen, expected))


# ---- runs ----

class Skipped(Exception):
    pass


def run(command, threads, pinned):
    env = dict(os.environ, **{f"{v}_NUM_THREADS": str(threads) for v in ("OMP", "MKL", "OPENBLAS")})
    prefix = ["taskset", "-c", "0"] if pinned else []
    done = subprocess.run(prefix + [str(c) for c in command], env=env, capture_output=True, text=True, timeout=900)
    if done.returncode == NOT_KNOWN:
        raise Skipped(done.stderr.strip())
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed with {done.returncode}: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def peer_command(o, peer, workload, threads, *more):
    python = pathlib.Path(o.jax if peer == "jax" else o.torch) / "bin/python"
    return [python, o.peers / "train.py", "--peer", peer, "--workload", workload, "--threads", threads,
            "--seconds", o.seconds, *more]


def peers_of(o, workload):
    peers = ["torch"] if o.torch else []
    if o.torch and ("cnn" in workload or "lenet" in workload):
        peers.append("torch_cl")
    if o.torch and o.compile:
        peers.append("compile")
    return peers + (["jax"] if o.jax else [])


def compare(o, ours, theirs, machine=False):
    """Pairs in turn; peer -> ratios and times. Each side gives its commands by number of threads: of
    the whole machine each side takes what is fastest for it."""
    mine_key, their_key = ("us_min", "us_per_step_min") if machine else ("cpu_us_min", "cpu_us_per_step_min")
    seen, versions = {peer: [] for peer in theirs}, {}
    for _ in range(o.pairs):
        mine = min(run(c, n, not machine)[mine_key] for n, c in ours.items())
        for peer, commands in theirs.items():
            other = [run(c, n, not machine) for n, c in commands.items()]
            versions[peer] = other[0]["version"]
            seen[peer].append((mine, min(r[their_key] for r in other)))
    result = {}
    for peer, times in seen.items():
        ratios = sorted(b / a for a, b in times)
        result[peer] = {"version": versions[peer], "ratio": statistics.median(ratios), "low": ratios[0],
                        "high": ratios[-1], "panal_us": min(a for a, _ in times),
                        "peer_us": min(b for _, b in times)}
    return result


def show(label, result, least, aim):
    strongest = min(result, key=lambda peer: result[peer]["ratio"])
    for peer, r in result.items():
        mark = f"   at least {least}, aim {aim}" if peer == strongest and least else ""
        print(f"  {label:12} {peer:9} {r['peer_us']:10.1f} us   panal {r['panal_us']:10.2f} us   "
              f"ratio {r['ratio']:6.2f} ({r['low']:.2f} to {r['high']:.2f}){mark}", flush=True)


def scale(o, ours, team):
    """How much faster the whole machine is than one of its cores, pair by pair."""
    ratios = sorted(run(ours, 1, True)["us_min"] / run(team, 1, False)["us_min"] for _ in range(o.pairs))
    return {"ratio": statistics.median(ratios), "low": ratios[0], "high": ratios[-1]}


def one_step_row(o, top, row):
    workload, batch, (model, names), least, aim = row
    folder = top / workload
    if not folder.exists():
        run(peer_command(o, "torch" if o.torch else "jax", workload, 1, "--dump", top), 1, True)
    lay_out(folder, model, names)
    ours = [o.build / "bin/bench_nn_step", folder, batch, "--seconds", o.seconds]
    run(ours[:3] + ["--seconds", 0, "--after", folder / "after.f32"], 1, True)
    distance = apart(folder, names)
    bound = 2e-3 if "lstm" in workload else 1e-5
    print(f"{workload}: after 32 steps the weights differ by at most {distance:.1e}", flush=True)
    if not distance <= bound:
        sys.exit(f"{workload}: the two do not compute the same (more than {bound:g} apart)")
    theirs = {peer: {1: peer_command(o, peer, workload, 1)} for peer in peers_of(o, workload)}
    out = {"row": workload, "apart": distance, "one_thread": compare(o, {1: ours}, theirs)}
    show("one thread", out["one_thread"], least, aim)
    cores = os.cpu_count()
    if not o.skip_machine and cores > 1:
        for peer in theirs:
            theirs[peer][cores] = peer_command(o, peer, workload, cores)
        team = ours + ["--workers", cores]
        out["machine"] = compare(o, {1: ours, cores: team}, theirs, machine=True)
        show(f"{cores} cores", out["machine"], None, None)
        out["scaling"] = scale(o, ours, team)
        print(f"  {cores} cores      panal, wall time against one core: {out['scaling']['ratio']:.2f} "
              f"({out['scaling']['low']:.2f} to {out['scaling']['high']:.2f})", flush=True)
    return out


def one_prediction_row(o, top, row):
    workload, batch, (model, names), least, aim = row
    folder = top / workload
    if not folder.exists():
        run(peer_command(o, "torch", workload, 1, "--dump", top), 1, True)
    lay_out(folder, model, names)
    ours = [o.build / "bin/bench_nn_step", folder, batch, "--seconds", o.seconds, "--predict"]
    run(ours[:3] + ["--seconds", 0], 1, True)  # skips before it prints
    python = pathlib.Path(o.torch) / "bin/python"
    theirs = {"torch": {1: [python, HERE / "predict_torch.py", o.peers, workload, o.seconds]}}
    print(f"{workload}: one record predicted")
    out = {"row": f"predict {workload}", "one_thread": compare(o, {1: ours}, theirs)}
    show("one thread", out["one_thread"], least, aim)
    return out


def fill(path, count, deviation):
    """The same some thousand numbers again and again."""
    some = array.array("f", (random.gauss(0, deviation) for _ in range(8191)))
    (some * (count // len(some) + 1))[:count].tofile(open(path, "wb"))


def one_peak_row(o, top, row):
    name, batch, model, params, inputs, targets, flops, least = row
    folder = top / f"peak{PEAKS.index(row)}"
    folder.mkdir()
    (folder / "model.txt").write_text("\n".join(model) + "\n")
    for file, count, deviation in (("theta", params, 0.02), ("x", inputs * batch * 32, 1), ("y", targets * batch * 32, 1)):
        fill(folder / f"{file}.f32", count, deviation)
    ratios = []
    for _ in range(o.pairs):
        took = run([o.build / "bin/bench_nn_step", folder, batch, "--seconds", o.seconds], 1, True)["cpu_us_min"]
        ratios.append(flops * batch / took * 1e-3 / run([o.build / "bin/bench_sgemm"], 1, True)["gflops"])
    share = {"ratio": statistics.median(ratios), "low": min(ratios), "high": max(ratios)}
    print(f"{name}, batch {batch}: {share['ratio']:.2f} of sgemm's peak ({share['low']:.2f} to {share['high']:.2f})"
          f"   at least {least}", flush=True)
    return {"row": name, "share_of_peak": share}


# ---- the machine ----

def cpu_model():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def blas():
    library = ctypes.CDLL("libopenblas.so.0")
    library.openblas_get_corename.restype = library.openblas_get_config.restype = ctypes.c_char_p
    return f"{library.openblas_get_config().decode()}, core {library.openblas_get_corename().decode()}"


def machine():
    return {"cpu": cpu_model(), "cores": os.cpu_count(), "blas": blas(), "system": platform.platform(),
            "load": os.getloadavg()}


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--torch", help="virtual environment with torch, numpy, safetensors")
    p.add_argument("--jax", help="virtual environment with jax, numpy, safetensors")
    p.add_argument("--peers", type=pathlib.Path, default=HERE.parents[2] / "shared/peers")
    p.add_argument("--build", type=pathlib.Path, default=HERE.parents[1] / "build/release")
    p.add_argument("--row", action="append", choices=[r[0] for r in STEPS] + ["predict", "peak"])
    p.add_argument("--pairs", type=int, default=5)
    p.add_argument("--seconds", type=float, default=1)
    p.add_argument("--compile", action="store_true", help="torch.compile too: a minute more a row")
    p.add_argument("--skip-machine", action="store_true", help="one thread only")
    p.add_argument("--json", type=pathlib.Path)
    o = p.parse_args()
    if not o.torch and not o.jax:
        p.error("expected at least one of --torch and --jax")
    return o


def main():
    o = parse()
    before, rows = machine(), []
    print(f"{before['cpu']}, {before['cores']} cores; {before['blas']}; load {before['load'][0]:.2f}", flush=True)
    todo = [(one_step_row, row) for row in STEPS if not o.row or row[0] in o.row]
    if o.torch and (not o.row or "predict" in o.row):
        todo += [(one_prediction_row, row) for row in PREDICTIONS]
    todo += [(one_peak_row, row) for row in PEAKS if not o.row or "peak" in o.row]
    with tempfile.TemporaryDirectory() as top:
        for measure, row in todo:
            try:
                rows.append(measure(o, pathlib.Path(top), row))
            except Skipped as why:
                print(f"{row[0]}: skipped: {why}", flush=True)
                rows.append({"row": row[0], "skipped": str(why)})
    versions = {peer: r["version"] for row in rows for peer, r in row.get("one_thread", {}).items()}
    load = os.getloadavg()
    print(f"{versions}; load {load[0]:.2f}")
    if o.json:
        o.json.write_text(json.dumps({"before": before, "load_after": load, "rows": rows}, indent=1) + "\n")


main()

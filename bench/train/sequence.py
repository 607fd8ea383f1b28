#!/usr/bin/env python3
"""LSTM training steps of panal against PyTorch and JAX, interleaved, one thread pinned to one core.

    bench/train/sequence.py --peers ../shared/peers/train.py --torch VENV --jax VENV
        [--build build/release] [--pairs 5] [--seconds 2] [--core 1] [--workload NAME]

First the parity of the weights after 32 steps (train.py --dump), then pairs of runs. The load of other
processes disturbs wall time, so that ratios are of the least CPU time of each run; median, with range.
"""
import argparse, json, os, pathlib, statistics, subprocess, tempfile

import numpy as np
from safetensors.numpy import load_file

MODELS = {
    "lstm_1x64_t32_b32": ("jax", 32, "x = input 32x8\nl0 = lstm x 64 output=last\n"
                          "out = dense l0 2\nloss = cce_logits out\n", 1),
    "lstm_2x256_t80_b10": ("torch", 10, "x = input 80x8\nl0 = lstm x 256\nl1 = lstm l0 256 output=last\n"
                           "out = dense l1 90\nloss = cce_logits out\n", 2),
}


def flat(weights, layers):
    """Our manifest's order: a layer's weight_ih, weight_hh and the sum of its two biases; then out."""
    parts = []
    for i in range(layers):
        parts += [weights[f"lstm.weight_ih_l{i}"], weights[f"lstm.weight_hh_l{i}"],
                  weights[f"lstm.bias_ih_l{i}"] + weights[f"lstm.bias_hh_l{i}"]]
    parts += [weights["out.weight"], weights["out.bias"]]
    return np.concatenate([p.ravel() for p in parts]).astype(np.float32)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--peers", required=True)
    a.add_argument("--torch", required=True)
    a.add_argument("--jax", required=True)
    a.add_argument("--build", default="build/release")
    a.add_argument("--pairs", type=int, default=5)
    a.add_argument("--seconds", default="2")
    a.add_argument("--core", default="1")
    a.add_argument("--workload", choices=sorted(MODELS), action="append")
    o = a.parse_args()

    def run(command):
        env = dict(os.environ, OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        out = subprocess.run(["taskset", "-c", o.core, *command], env=env, check=True, capture_output=True,
                             text=True, timeout=600).stdout
        return json.loads(out.strip().splitlines()[-1])

    def peer(name, workload, *more):
        venv = {"torch": o.torch, "jax": o.jax}[name]
        return run([f"{venv}/bin/python", o.peers, "--peer", name, "--workload", workload,
                    "--seconds", o.seconds, *more])

    for workload in o.workload or MODELS:
        name, batch, text, layers = MODELS[workload]
        with tempfile.TemporaryDirectory() as folder:
            there = pathlib.Path(folder)
            (there / "model").write_text(text)
            peer(name, workload, "--dump", folder)
            dump = there / workload
            np.load(dump / "x.npy").astype(np.float32).tofile(there / "x")
            np.load(dump / "y.npy").astype(np.float32).tofile(there / "target")
            flat(load_file(dump / "init.safetensors"), layers).tofile(there / "init")
            ours = [f"{o.build}/bin/bench_nn_sequence", str(there / "model"), folder, str(batch)]
            run(ours + ["0.1"])
            seen = np.fromfile(there / "ours", np.float32)
            expected = flat(load_file(dump / "after.safetensors"), layers)
            apart = float(np.abs(seen - expected).max())
            moved = float(np.abs(expected - np.fromfile(there / "init", np.float32)).max())
            print(f"{workload}: weights after 32 steps differ from {name}'s by at most {apart:.2g}, moved by {moved:.2g}")
            assert apart < 1e-5, "the two do not compute the same"
            ratios = []
            for _ in range(o.pairs):
                p, q = peer(name, workload), run(ours + [o.seconds])
                ratios = sorted([*ratios, p["cpu_us_per_step_min"] / q["cpu_us_per_step_min"]])
                print(f"    {name} {p['cpu_us_per_step_min']} us (wall {p['us_per_step_min']}), panal "
                      f"{q['cpu_us_per_step_min']} us (wall {q['us_per_step_min']}), load {p['load']:.1f}", flush=True)
        print(f"    {name} / panal: median {statistics.median(ratios):.2f}, {ratios[0]:.2f} to {ratios[-1]:.2f}")


main()

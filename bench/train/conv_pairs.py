#!/usr/bin/env python3
"""Convolutional models: panal against PyTorch, one thread each, interleaved; ratios of step times.

usage: conv_pairs.py CONV_STEP TRAIN_PY PYTHON [--pairs 5] [--seconds 2] [--only NAME]

TRAIN_PY is peers/train.py, PYTHON one that has its packages. The same weights and batches; the
weights after one pass must agree to 1e-4 before anything is timed. One line of JSON per model.
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile

MODELS = [("lenet5_b32", "lenet5", 32), ("mcmahan_cnn_b10", "mcmahan_cnn", 10),
          ("mcmahan_cnn_b50", "mcmahan_cnn", 50), ("cifar_cnn_b10", "cifar_cnn", 10)]
ZOO = os.path.join(os.path.dirname(__file__), "../../examples/models")
TO_BINARY = """
import sys, numpy as np
from safetensors.numpy import load_file
folder = sys.argv[1]
for name in ("x", "y"):
    np.load(f"{folder}/{name}.npy").astype(np.float32).tofile(f"{folder}/{name}.bin")
for name in ("init", "after"):
    t = load_file(f"{folder}/{name}.safetensors")
    keys = sorted(t, key=lambda k: (int(k.split(".")[0]), k.endswith("bias")))
    np.concatenate([t[k].ravel() for k in keys]).astype(np.float32).tofile(f"{folder}/{name}.bin")
"""


def run(command):
    out = subprocess.run(["taskset", "-c", "0", *command], check=True, capture_output=True, text=True)
    return json.loads(out.stdout.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("conv_step")
    parser.add_argument("train_py")
    parser.add_argument("python")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", default="2")
    parser.add_argument("--only")
    o = parser.parse_args()
    with tempfile.TemporaryDirectory() as top:
        for workload, model, batch in MODELS:
            if o.only and o.only != workload:
                continue
            folder = f"{top}/{workload}"
            peer = [o.python, o.train_py, "--peer", "torch_cl", "--workload", workload, "--seconds"]
            ours = [o.conv_step, f"{ZOO}/{model}.model", str(batch), folder, o.seconds]
            run([*peer, "0", "--dump", top])
            subprocess.run([o.python, "-c", TO_BINARY, folder], check=True)
            pairs = [(run([*peer, o.seconds]), run(ours)) for _ in range(o.pairs)]
            assert all(b["apart"] < 1e-4 for _, b in pairs), pairs
            ratios = [a["cpu_us_per_step_min"] / b["cpu_us_min"] for a, b in pairs]
            print(json.dumps({
                "workload": workload, "apart": pairs[0][1]["apart"],
                "torch_us": min(a["cpu_us_per_step_min"] for a, _ in pairs),
                "panal_us": min(b["cpu_us_min"] for _, b in pairs),
                "ratio": round(statistics.median(ratios), 2),
                "range": [round(min(ratios), 2), round(max(ratios), 2)],
                "load": os.getloadavg()[0]}), flush=True)


if __name__ == "__main__":
    main()

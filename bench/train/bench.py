"""Steps of training and predictions, one thread and the whole machine; run.py does it and has more options."""
import pathlib
import subprocess
import sys

TITLE = "training steps and single predictions beside PyTorch and JAX"


def run(kit):
    command = [sys.executable, str(pathlib.Path(__file__).with_name("run.py")), "--build", str(kit.build),
               "--pairs", str(kit.pairs), "--peers", str(kit.shared / "peers")]
    for name, option in (("torch", "--torch"), ("jax", "--jax")):
        if kit.peer(name):
            command += [option, str(kit.peers / name)]
    if kit.quick:
        command += ["--row", "fraud_mlp_b32", "--seconds", "0.2", "--skip-machine"]
    subprocess.run(["cmake", "--build", str(kit.build), "--target", "bench_nn_step", "bench_sgemm"], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(command, check=True)

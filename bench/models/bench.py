"""What networks reach on real data through `panal train` and `panal evaluate`: the figures of the issue on nnlib.

Three seeds a row (initialisation, split, order). Test files are the datasets' own where there are any, otherwise
the job's test part. Recipes: features.md, section 3.5.3.
"""
import json
import os
import pathlib
import subprocess
import struct
import tempfile

from kit import Series

TITLE = "what networks reach on real data, three seeds: MNIST, Fashion-MNIST, CIFAR, tables, series"

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("PANAL_DATA", ROOT.parent / "shared/data"))
MODELS = ROOT / "examples/models"
SECTIONS = ROOT / "examples/data"

MLP = "x = input 784\nfc1 = dense x 128 init=torch\na1 = relu fc1\nout = dense a1 10 init=torch\nloss = cce_logits out\n"
WIDE = ("x = input 784\nfc1 = dense x 256 init=he\na1 = relu fc1\nd1 = dropout a1 p=0.2\nfc2 = dense d1 128 init=he\n"
        "a2 = relu fc2\nout = dense a2 10 init=xavier\nloss = cce_logits out\n")
SMALL_CNN = ("x = input 1x28x28\nc1 = conv2d x 32 kernel=3 pad=1 activation=relu\np1 = maxpool2d c1\n"
             "c2 = conv2d p1 64 kernel=3 pad=1 activation=relu\np2 = maxpool2d c2\nf = flatten p2\n"
             "d1 = dropout f p=0.25\nfc1 = dense d1 128 init=he\na1 = relu fc1\nd2 = dropout a1 p=0.25\n"
             "out = dense d2 10 init=xavier\nloss = cce_logits out\n")


def table(inputs, outputs=1, loss="bce_logits"):
    return (f"x = input {inputs}\nfc1 = dense x 64 init=he\na1 = relu fc1\nfc2 = dense a1 32 init=he\na2 = relu fc2\n"
            f"out = dense a2 {outputs} init=xavier\nloss = {loss} out\n")


def zoo(name):
    return (MODELS / f"{name}.model").read_text()


def idx(folder, split="validation: 0.05, test: 0"):
    return "  format: idx\n  shape: [28, 28]\n  classes: 10\n  divide: 255\n  split: { %s }\n" % split


def section(name, augment=True, split=None):
    """The data section of examples/data, perhaps without its augmentation, or with another split."""
    lines, inside = [], False
    for line in (SECTIONS / f"{name}.yaml").read_text().splitlines():
        if line.startswith("data:"):
            inside = True
            continue
        if inside and not line.startswith(" "):
            break
        if inside:
            lines.append(line)
    text = "\n".join(lines) + "\n"
    if not augment and "  augment:" in text:
        head, rest = text.split("  augment:", 1)
        kept = [l for l in rest.splitlines()[1:] if l.startswith("  ") and not l.startswith("    ")]
        text = head + "\n".join(kept) + "\n"
    if split:
        text = "".join(l + "\n" for l in text.splitlines() if not l.startswith("  split:")) + f"  split: {split}\n"
    return text


def images(folder, part):
    return [f"{folder}/{part}-images-idx3-ubyte.gz", f"{folder}/{part}-labels-idx1-ubyte.gz"]


ADAM = "optimiser: adam, rate: 0.001, batch: 64"
# name, model, data section, training, epochs, files, test files (None: the test part), metric, at least, quick
ROWS = [
    ("MNIST 784-128-10, 5 epochs", MLP, idx("mnist"), ADAM, 5, images("mnist", "train"), images("mnist", "t10k"),
     "accuracy", 0.969, True),
    ("MNIST LeNet-5 ReLU, 5 epochs", zoo("lenet5"), idx("mnist"), ADAM, 5, images("mnist", "train"),
     images("mnist", "t10k"), "accuracy", 0.987, True),
    ("MNIST LeNet-5 ReLU, 15 epochs", zoo("lenet5"), idx("mnist"), ADAM, 15, images("mnist", "train"),
     images("mnist", "t10k"), "accuracy", 0.990, False),
    ("Fashion-MNIST MLP 256-128, 30 epochs", WIDE, idx("fashion-mnist"), ADAM, 30, images("fashion-mnist", "train"),
     images("fashion-mnist", "t10k"), "accuracy", 0.895, False),
    ("Fashion-MNIST small CNN, 15 epochs", SMALL_CNN, idx("fashion-mnist"), ADAM, 15, images("fashion-mnist", "train"),
     images("fashion-mnist", "t10k"), "accuracy", 0.915, False),
    ("CIFAR subset without augmentation, 40 epochs", zoo("cifar_cnn"), section("cifar", False, "{ validation: 0.1, test: 0 }"),
     ADAM, 40, ["cifar10-5000/train4000.bin.gz"], ["cifar10-5000/test1000.bin.gz"], "accuracy", None, False),
    ("CIFAR subset with flip and crop, 40 epochs", zoo("cifar_cnn"), section("cifar", True, "{ validation: 0.1, test: 0 }"),
     ADAM, 40, ["cifar10-5000/train4000.bin.gz"], ["cifar10-5000/test1000.bin.gz"], "accuracy", None, False),
    ("mammography MLP 64-32, AUPRC", table(6), section("mammography"), "optimiser: adam, rate: 0.001, batch: 128", 20,
     ["mammography-calcification/mammography.csv.gz"], None, "auprc", 0.70, True),
    ("Adult MLP 64-32, AUROC", table(115), section("adult"), "optimiser: adam, rate: 0.001, batch: 128", 8,
     ["adult-income/adult-train.csv.gz"], ["adult-income/adult-test.csv.gz"], "auroc", None, True),
    ("German credit MLP 64-32, AUROC", table(61), section("german"), ADAM, 20, None, None, "auroc", None, True),
    ("Taiwan default MLP 64-32, AUROC", table(31), section("taiwan"), "optimiser: adam, rate: 0.001, batch: 128", 10,
     None, None, "auroc", None, True),
    ("daily temperatures LSTM-32, RMSE in degrees", zoo("lstm_series"), section("temperatures"),
     "optimiser: adam, rate: 0.003, batch: 64", 15, ["small-series/daily-min-temperatures.csv"], None, "rmse", None, True),
]
SOURCES = {"German": "german", "Taiwan": "taiwan"}


def files_of(name, files):
    if files is None:
        text = (SECTIONS / f"{SOURCES[name.split()[0]]}.yaml").read_text()
        files = [text.split("$PANAL_DATA/", 1)[1].split()[0].rstrip("},")]
    return [str(DATA / f) for f in files]


def job(model, data, training, seed):
    body = "".join("  " + l + "\n" for l in model.splitlines())
    return (f"version: 1\nname: figure\nseed: {seed}\nprofile: open\nmodel: |\n{body}data:\n{data}"
            f"training: {{ {training}, epochs: 1 }}\nrounds: {{ count: 1, cohort: 1, quorum: 1 }}\n")


def deviation(path):
    """Of the one column that was standardised: a model file says how."""
    blob = path.read_bytes()
    (size,) = struct.unpack("<Q", blob[:8])
    meta = json.loads(blob[8:8 + size])["__metadata__"]
    return float(next(value for key, value in meta.items() if key.startswith("scale:")).split()[1])


def one(kit, folder, row, seed):
    name, model, data, training, epochs, files, test, metric, _, _ = row
    path = folder / "job.yaml"
    path.write_text(job(model, data, training, seed))
    panal, out = kit.program("panal"), str(folder / "out")
    options = [o for f in files_of(name, files) for o in ("--file", f)]
    said = json.loads(kit.call(panal, "train", str(path), *options, "--out", out, "--epochs", str(epochs), "--json",
                               timeout=3600))
    if metric == "rmse":  # in the unit of the column
        return said["test"][metric] * deviation(pathlib.Path(out) / "model.safetensors")
    if test is None:
        return said["test"][metric]
    options = [o for f in test for o in ("--file", str(DATA / f))]
    return json.loads(kit.call(panal, "evaluate", str(path), out + "/model.safetensors", *options, "--json"))[metric]


def run(kit):
    if not (DATA / "mnist").is_dir():
        kit.say(f"!!! no {DATA / 'mnist'}: PANAL_DATA must name the datasets")
        return
    with tempfile.TemporaryDirectory() as folder:
        for row in ROWS:
            if kit.quick and not row[9]:
                continue
            seeds = range(1, 2 if kit.quick else 4)
            values = [one(kit, pathlib.Path(folder), row, seed) for seed in seeds]
            target = "at most 2.28, persistence is 2.48" if row[7] == "rmse" else f"at least {row[8]}" if row[8] else None
            kit.row(f"{row[0]} ({row[7]})", Series(values), "", target)

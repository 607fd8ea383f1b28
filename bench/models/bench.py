"""What networks reach on real data through `panal train` and `panal evaluate`: the figures of the issue on nnlib.

Three seeds a row (initialisation, split, order). Test files are the datasets' own where there are any, otherwise
the job's test part. Recipes: features.md, section 3.5.3.
"""
import array
import gzip
import json
import math
import os
import pathlib
import random
import statistics
import struct
import tempfile

from kit import Series

TITLE = "what networks reach on real data, three seeds: images, series, autoencoders; tables beside scikit-learn"

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
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
LONG = ADAM + ", schedule: cosine"  # down to 0 over the whole training
# name, model, data section, training, epochs, files, test files (None: the test part), metric, at least, quick
ROWS = [
    ("MNIST 784-128-10, 5 epochs", MLP, idx("mnist"), ADAM, 5, images("mnist", "train"), images("mnist", "t10k"),
     "accuracy", 0.969, True),
    ("MNIST LeNet-5 ReLU, 5 epochs", zoo("lenet5"), idx("mnist"), ADAM, 5, images("mnist", "train"),
     images("mnist", "t10k"), "accuracy", 0.987, True),
    ("MNIST LeNet-5 ReLU, 15 epochs", zoo("lenet5"), idx("mnist"), LONG, 15, images("mnist", "train"),
     images("mnist", "t10k"), "accuracy", 0.990, False),
    ("Fashion-MNIST MLP 256-128, 30 epochs", WIDE, idx("fashion-mnist"), LONG, 30, images("fashion-mnist", "train"),
     images("fashion-mnist", "t10k"), "accuracy", 0.895, False),
    ("Fashion-MNIST small CNN, 15 epochs", SMALL_CNN, idx("fashion-mnist"), LONG, 15, images("fashion-mnist", "train"),
     images("fashion-mnist", "t10k"), "accuracy", 0.915, False),
    ("CIFAR subset without augmentation, 40 epochs", zoo("cifar_cnn"), section("cifar", False, "{ validation: 0.1, test: 0 }"),
     LONG, 40, ["cifar10-5000/train4000.bin.gz"], ["cifar10-5000/test1000.bin.gz"], "accuracy", None, False),
    ("CIFAR subset with flip and crop, 40 epochs", zoo("cifar_cnn"), section("cifar", True, "{ validation: 0.1, test: 0 }"),
     LONG, 40, ["cifar10-5000/train4000.bin.gz"], ["cifar10-5000/test1000.bin.gz"], "accuracy", None, False),
    ("daily temperatures LSTM-32, RMSE in degrees", zoo("lstm_series"), section("temperatures"),
     "optimiser: adam, rate: 0.003, batch: 64", 15, ["small-series/daily-min-temperatures.csv"], None, "rmse", None, True),
]


def job(model, data, training, seed, watched=None):
    """`watched`: the metric of the validation records that says which epoch's model is kept; else the loss."""
    body = "".join("  " + l + "\n" for l in model.splitlines())
    return (f"version: 1\nname: figure\nseed: {seed}\nprofile: open\nmodel: |\n{body}data:\n{data}"
            f"training: {{ {training}, epochs: 1 }}\nrounds: {{ count: 1, cohort: 1, quorum: 1 }}\n"
            + (f"stopping: {{ metric: {watched}, patience: 1000 }}\n" if watched else ""))


def train(kit, job, files, epochs, out):
    options = [o for f in files for o in ("--file", str(f))]
    return json.loads(kit.call(kit.program("panal"), "train", str(job), *options, "--out", str(out), "--epochs",
                               str(epochs), "--json", timeout=3600))


def evaluate(kit, job, out, files):
    options = [o for f in files for o in ("--file", str(f))]
    return json.loads(kit.call(kit.program("panal"), "evaluate", str(job), f"{out}/model.safetensors", *options, "--json"))


def predict(kit, job, out, files):
    """The scores of the records, in their order."""
    options = [o for f in files for o in ("--file", str(f))]
    said = kit.call(kit.program("panal"), "predict", str(job), f"{out}/model.safetensors", *options)
    return [float(line.split(",")[1]) for line in said.splitlines()[1:]]


def deviation(path):
    """Of the one column that was standardised: a model file says how."""
    blob = path.read_bytes()
    (size,) = struct.unpack("<Q", blob[:8])
    meta = json.loads(blob[8:8 + size])["__metadata__"]
    return float(next(value for key, value in meta.items() if key.startswith("scale:")).split()[1])


def one(kit, folder, row, seed):
    name, model, data, training, epochs, files, test, metric, _, _ = row
    path = folder / "job.yaml"
    path.write_text(job(model, data, training, seed, "accuracy" if metric == "accuracy" else None))
    out = folder / "out"
    said = train(kit, path, [DATA / f for f in files], epochs, out)
    if metric == "rmse":  # in the unit of the column
        return said["test"][metric] * deviation(out / "model.safetensors")
    if test is None:
        return said["test"][metric]
    return evaluate(kit, path, out, [DATA / f for f in test])[metric]


# ---- autoencoders: the record is the target ----

IMAGE = "  format: idx\n  shape: [28, 28]\n  target: record\n  split: { validation: 0.02, test: 0 }\n"
CODE_32 = ("e1 = dense {0} 128\na1 = relu e1\ncode = dense a1 32\nc1 = relu code\nd1 = dense c1 128\na2 = relu d1\n"
           "out = dense a2 784 init=xavier\np = sigmoid out\nloss = mse p\n")
CLAMPED = "x = input 784\nfrom_0 = relu x\nto_1 = hardtanh from_0\n" + CODE_32.format("to_1")
NOISE = 0.5


def area(ill, well):
    """The share of pairs in their order: AUROC."""
    return sum((a > b) + 0.5 * (a == b) for a in ill for b in well) / len(ill) / len(well)


def heartbeats(kit, folder, seed):
    """Normal ones of 300 beats train; the other 200, of which some are normal, are scored."""
    beats = gzip.open(DATA / "ecg5000-train-only/ECG5000_TRAIN.txt.gz", "rt").read().splitlines()
    random.Random(seed).shuffle(beats)
    is_normal = [float(beat.split()[0]) == 1 for beat in beats]
    (folder / "normal.txt").write_text("".join(b + "\n" for b, normal in zip(beats[:300], is_normal) if normal))
    (folder / "others.txt").write_text("".join(b + "\n" for b in beats[300:]))
    path = folder / "job.yaml"
    path.write_text((ROOT / "examples/heartbeats/job.yaml").read_text().replace("seed: 7", f"seed: {seed}"))
    train(kit, path, [folder / "normal.txt"], 150, folder / "out")
    scores = predict(kit, path, folder / "out", [folder / "others.txt"])
    return area([s for s, normal in zip(scores, is_normal[300:]) if not normal],
                [s for s, normal in zip(scores, is_normal[300:]) if normal])


def mnist_code(kit, folder, seed):
    path, files = folder / "job.yaml", [images("mnist", part)[0] for part in ("train", "t10k")]
    path.write_text(job("x = input 784\n" + CODE_32.format("x"), IMAGE, ADAM.replace("64", "128"), seed))
    train(kit, path, [DATA / files[0]], 5, folder / "out")
    return evaluate(kit, path, folder / "out", [DATA / files[1]])["loss"]


def write_npy(path, rows, values):
    head = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 784), }" % rows
    head += " " * (-(len(head) + 11) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + values.tobytes())


def noisy_images(folder, seed):
    """2000 test images with N(0, NOISE^2) cut to 0..1, beside the clean ones; the mean square of the difference."""
    clean = array.array("f", (p / 255 for p in gzip.open(DATA / images("mnist", "t10k")[0]).read()[16:16 + 2000 * 784]))
    draw = random.Random(seed).gauss
    noisy = array.array("f", (min(max(p + draw(0, NOISE), 0), 1) for p in clean))
    write_npy(folder / "noisy.npy", 2000, noisy)
    write_npy(folder / "clean.npy", 2000, clean)
    return sum((a - b) ** 2 for a, b in zip(noisy, clean)) / len(clean)


def denoising(kit, folder, seed):
    """Decibels of PSNR won."""
    learn, look = folder / "job.yaml", folder / "look.yaml"
    noise = "  augment: [ { kind: noise, deviation: %g } ]\n" % NOISE
    learn.write_text(job(CLAMPED, IMAGE + noise, ADAM.replace("64", "128"), seed))
    look.write_text(job(CLAMPED, "  format: npy\n  shape: [784]\n  outputs: 784\n", ADAM, seed))
    train(kit, learn, [DATA / images("mnist", "train")[0]], 5, folder / "out")
    before = noisy_images(folder, seed)
    after = evaluate(kit, look, folder / "out", [folder / "noisy.npy", folder / "clean.npy"])["loss"]
    return 10 * math.log10(before / after)


# ---- two classes, beside scikit-learn's MLPClassifier on the same records ----

def heart_section():
    text = (ROOT / "examples/heart/job.yaml").read_text()
    return text.split("data:\n", 1)[1].split("training:", 1)[0]


def hospital(name):
    return f"heart-disease-4-hospitals/processed.{name}.data"


def without_split(text):
    return "".join(line + "\n" for line in text.splitlines() if not line.startswith("  split:"))


IMAGE_OF_LUNGS = "  format: idx\n  shape: [28, 28]\n  classes: 2\n"
LUNGS = [[f"pneumoniamnist-balanced/{part}-{kind}-idx{dims}-ubyte.gz" for kind, dims in (("images", 3), ("labels", 1))]
         for part in ("train", "test")]
# name, data section, its features, files, test files (None: five folds), batch, epochs, network
TABLES = [
    ("mammography", section("mammography"), 6, ["mammography-calcification/mammography.csv.gz"], None, 128, 30, (64, 32)),
    ("Adult", section("adult"), 115, ["adult-income/adult-train.csv.gz"], ["adult-income/adult-test.csv.gz"], 128, 8,
     (64, 32)),
    ("German credit", section("german"), 61, ["german-credit/german.csv"], None, 64, 20, (64, 32)),
    ("Taiwan default", section("taiwan"), 31, ["credit-default-taiwan/UCI_Credit_Card.csv.gz"], None, 128, 10, (64, 32)),
    ("heart, 4 hospitals pooled", heart_section(), 22,
     [hospital(h) for h in ("cleveland", "hungarian", "switzerland", "va")], None, 16, 30, (16, 8)),
    ("PneumoniaMNIST", IMAGE_OF_LUNGS, 784, LUNGS[0], LUNGS[1], 64, 20, (64, 32)),
]


def lines_of(files):
    """Of several CSV files in one list."""
    for name in files:
        blob = (DATA / name).read_bytes()
        yield from (gzip.decompress(blob) if name.endswith(".gz") else blob).decode().splitlines()


def deal(folder, section, files, seed, fold):
    """One of five folds, with a fifth of each class, is for the test."""
    lines = [line for line in lines_of(files) if line.strip()]
    head = [] if "header: false" in section else [lines.pop(0)]
    classes = {}
    for line in lines:
        classes.setdefault(line.rsplit(",", 1)[1].strip(), []).append(line)
    parts = {"train": list(head), "test": list(head)}
    for _, members in sorted(classes.items()):
        random.Random(seed).shuffle(members)
        parts["test"] += members[fold::5]
        parts["train"] += [line for i, line in enumerate(members) if i % 5 != fold]
    for name, part in parts.items():
        (folder / f"{name}.csv").write_text("\n".join(part) + "\n")
    return [folder / "train.csv"], [folder / "test.csv"]


def net(inputs, hidden):
    lines, last = [f"x = input {inputs}"], "x"
    for i, size in enumerate(hidden):
        lines += [f"h{i} = dense {last} {size} init=xavier", f"a{i} = relu h{i}"]
        last = f"a{i}"
    return "\n".join(lines + [f"out = dense {last} 1 init=xavier", "loss = bce_logits out"]) + "\n"


def table_of(kit, folder, row, seed, fold, theirs):
    """Metrics of ours and theirs after the same number of epochs; ours is the running mean of the weights."""
    _, data, inputs, files, test, batch, epochs, hidden = row
    path = folder / "job.yaml"
    training = f"optimiser: adam, rate: 0.001, batch: {batch}, average: 0.99"
    path.write_text(job(net(inputs, hidden), without_split(data) + "  split: { validation: 0, test: 0 }\n", training, seed))
    if test is None:
        files, test = deal(folder, data, files, seed, fold)
    else:
        files, test = [DATA / f for f in files], [DATA / f for f in test]
    train(kit, path, files, epochs, folder / "out")
    ours = evaluate(kit, path, folder / "out", test)
    if theirs is None:
        return ours, None
    said = kit.call(theirs, str(HERE / "theirs.py"), str(path), "--train", *map(str, files), "--test", *map(str, test),
                    "--hidden", ",".join(map(str, hidden)), "--epochs", str(epochs), "--batch", str(batch), "--seed",
                    str(seed), timeout=3600)
    return ours, json.loads(said)


def run_tables(kit, folder, seeds):
    theirs = kit.peer("sklearn")
    for row in TABLES:
        folds = range(5) if row[4] is None else range(1)  # those with a test file need no folds
        both = [[table_of(kit, folder, row, seed, fold, theirs) for fold in folds] for seed in seeds]
        for metric in ("accuracy", "auroc", "auprc"):
            target = "at least 0.70" if (row[0], metric) == ("mammography", "auprc") else None
            for side, name in enumerate((f"{row[0]} ({metric})", "    scikit-learn's MLPClassifier")):
                if side == 0 or theirs is not None:
                    means = [statistics.mean(pair[side][metric] for pair in pairs) for pairs in both]
                    kit.row(name, Series(means), "", None if side else target)


# name, what, its function, target, quick
STUDIES = [
    ("ECG5000 autoencoder 32-16-8, unusual beats (auroc)", heartbeats, "at least 0.95", True),
    ("MNIST autoencoder, code 32, 5 epochs (error a pixel)", mnist_code, "below 0.016828, that of 32 principal components", True),
    ("MNIST denoising, code 32, noise 0.5, 5 epochs (dB won)", denoising, "at least 6", True),
]


def run(kit):
    if not (DATA / "mnist").is_dir():
        kit.say(f"!!! no {DATA / 'mnist'}: PANAL_DATA must name the datasets")
        return
    seeds = range(1, 2 if kit.quick else 4)
    with tempfile.TemporaryDirectory() as folder:
        for row in ROWS:
            if kit.quick and not row[9]:
                continue
            values = [one(kit, pathlib.Path(folder), row, seed) for seed in seeds]
            target = "at most 2.28, persistence is 2.48" if row[7] == "rmse" else f"at least {row[8]}" if row[8] else None
            kit.row(f"{row[0]} ({row[7]})", Series(values), "", target)
        for name, study, target, quick in STUDIES:
            if quick or not kit.quick:
                kit.row(name, Series([study(kit, pathlib.Path(folder), seed) for seed in seeds]), "", target)
        run_tables(kit, pathlib.Path(folder), seeds)

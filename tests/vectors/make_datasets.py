#!/usr/bin/env python3
"""Writes datasets.inc: what NumPy reads from the real datasets, for unit.datasets.

    python3 tests/vectors/make_datasets.py [DATA] > tests/vectors/datasets.inc

Each dataset is read here by csv and numpy alone, from what its README says, and not from the sections in
examples/data. Sums are of float32 values in double; the weighted ones give place p the weight p % 97 + 1.
"""
import csv
import gzip
import io
import pathlib
import sys

import numpy as np

DATA = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")


def text(name):
    raw = (DATA / name).read_bytes()
    return (gzip.decompress(raw) if name.endswith(".gz") else raw).decode()


def table(name, header=True):
    rows = [[c.strip() for c in r] for r in csv.reader(io.StringIO(text(name))) if r]
    return rows[1:] if header else rows


def words(name):
    return [line.split() for line in text(name).splitlines() if line.strip()]


def one_hot(column, values, other=False, missing=None):
    out = []
    for v in column:
        row = [float(v == w) for w in values]
        known = v in values or v == missing
        if other:
            row.append(0.0 if known else 1.0)
        if missing is not None:
            row.append(float(v == missing))
        out.append(row)
    return np.array(out)


def columns(rows, numeric, categorical):
    """numeric: indices; categorical: index -> keyword arguments of one_hot."""
    blocks = []
    for i in range(len(rows[0])):
        column = [r[i] for r in rows]
        if i in numeric:
            blocks.append(np.array([float(v) for v in column])[:, None])
        elif i in categorical:
            blocks.append(one_hot(column, **categorical[i]))
    return np.hstack(blocks)


def windows(series, length, horizon, stride):
    x, y = [], []
    for i in range(0, len(series) - length - horizon + 1, stride):
        x.append(series[i:i + length].ravel())
        y.append(series[i + length:i + length + horizon, 0])
    return np.array(x), np.array(y)


def adult(name):
    rows, train = table(name, False), table("adult-income/adult-train.csv.gz", False)
    kinds = {}
    for i in (1, 3, 5, 6, 7, 8, 9, 13):
        seen = {r[i] for r in train}
        kinds[i] = {"values": sorted(seen - {"?"}), "other": True}
        if "?" in seen:
            kinds[i]["missing"] = "?"
    return columns(rows, {0, 4, 10, 11, 12}, kinds), [r[14].startswith(">") for r in rows]


def german():
    rows = table("german-credit/german.csv", False)
    numeric = {1, 4, 7, 10, 12, 15, 17}
    kinds = {i: {"values": sorted({r[i] for r in rows}, key=lambda v: int(v[1:]))}
             for i in range(20) if i not in numeric}
    return columns(rows, numeric, kinds), [r[20] == "2" for r in rows]


def taiwan():
    rows = table("credit-default-taiwan/UCI_Credit_Card.csv.gz")
    numeric = {1, 5} | set(range(6, 24))
    kinds = {2: {"values": ["1", "2"]}, 3: {"values": ["1", "2", "3", "4"], "other": True},
             4: {"values": ["1", "2", "3"], "other": True}}
    return columns(rows, numeric, kinds), [r[24] == "1" for r in rows]


def numbers(name, x, y, header=True):
    rows = table(name, header)
    return np.array([[float(v) for v in r[x]] for r in rows]), [y(r) for r in rows]


def wdbc():
    parts = [numbers(f"breast-cancer-wdbc-zscored/breast_homo_{part}.csv", slice(2, 32),
                     lambda r: float(r[1]) == 0) for part in ("guest", "host", "test")]
    return np.vstack([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def pneumonia(part):
    with np.load(DATA / "pneumoniamnist-balanced/pneumoniamnist.npz") as arrays:
        images, labels = arrays[part + "_images"], arrays[part + "_labels"]
    return images.reshape(len(images), -1) / 255.0, labels.ravel()


def cifar(name):
    raw = np.frombuffer(gzip.decompress((DATA / "cifar10-5000" / name).read_bytes()), np.uint8)
    raw = raw.reshape(-1, 3073)
    return raw[:, 1:] / 255.0, raw[:, 0]


def ecg():
    raw = np.array(words("ecg5000-train-only/ECG5000_TRAIN.txt.gz"), float)
    return raw[:, 1:], raw[:, 0] - 1


def series(name, length, horizon, stride):
    values = np.array([[float(r[1])] for r in table(name)]).astype(np.float32)
    return windows(values, length, horizon, stride)


def cmapss(name):
    raw = np.array(words("cmapss-fd001/" + name), float)
    keep = [2, 3] + [4 + s for s in (2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21)]
    x, y = [], []
    for engine in sorted(set(raw[:, 0])):
        rows = raw[raw[:, 0] == engine]
        for i in range(len(rows) - 29):
            x.append(rows[i:i + 30][:, keep].ravel())
            y.append(min(125, len(rows) - i - 30))
    return np.array(x), np.array(y)


def shakespeare():
    body = text("tinyshakespeare/input.txt")
    place = {c: i for i, c in enumerate(sorted(set(body)))}
    codes = np.array([place[c] for c in body])
    starts = range(0, len(codes) - 80, 80)
    return np.array([codes[i:i + 80] for i in starts]), np.array([codes[i + 1:i + 81] for i in starts])


NAB = ["ambient_temperature_system_failure", "cpu_utilization_asg_misconfiguration",
       "ec2_request_latency_system_failure", "machine_temperature_system_failure", "nyc_taxi",
       "rogue_agent_key_hold", "rogue_agent_key_updown"]


def sets():
    yield "mammography", None, numbers("mammography-calcification/mammography.csv.gz", slice(0, 6),
                                       lambda r: r[6] == "'1'", False)
    yield "german", None, german()
    yield "adult", None, adult("adult-income/adult-train.csv.gz")
    yield "adult", "{ file: $PANAL_DATA/adult-income/adult-test.csv.gz }", adult(
        "adult-income/adult-test.csv.gz")
    yield "taiwan", None, taiwan()
    yield "creditcard", None, numbers("creditcard-fraud-ulb-4nodes/unique_rows.csv.gz", slice(1, 31),
                                      lambda r: r[31] == "1")
    yield "wdbc", None, wdbc()
    npz = "{ file: $PANAL_DATA/pneumoniamnist-balanced/pneumoniamnist.npz, arrays: [%s_images, %s_labels] }"
    for part in ("train", "val", "test"):
        yield "pneumonia", npz % (part, part), pneumonia(part)
    yield "cifar", None, cifar("train4000.bin.gz")
    yield "cifar", "{ file: $PANAL_DATA/cifar10-5000/test1000.bin.gz }", cifar("test1000.bin.gz")
    yield "ecg", None, ecg()
    yield "temperatures", None, series("small-series/daily-min-temperatures.csv", 30, 1, 1)
    yield "passengers", None, series("small-series/airline-passengers.csv", 12, 3, 1)
    yield "sunspots", None, series("small-series/monthly-sunspots.csv", 132, 1, 4)
    for name in NAB:
        file = f"nab-real-known-cause/{name}.csv.gz"
        yield "nab", "{ file: $PANAL_DATA/%s }" % file, series(file, 144, 1, 12)
    yield "cmapss", None, cmapss("train_FD001.txt.gz")
    yield "cmapss", "{ file: $PANAL_DATA/cmapss-fd001/test_FD001.txt.gz }", cmapss("test_FD001.txt.gz")
    yield "electricity", None, numbers("electricity-elec2/elec.csv.gz", slice(0, 6),
                                       lambda r: r[6] == "1")
    yield "shakespeare", None, shakespeare()


def sums(values):
    flat = np.asarray(values, np.float32).astype(float).ravel()
    weights = np.arange(flat.size) % 97 + 1
    return "%.17g, %.17g" % (flat.sum(), (flat * weights).sum())


def main():
    print("/* Made by make_datasets.py with NumPy %s; do not edit. */" % np.__version__)
    for name, source, (x, y) in sets():
        y = np.asarray(y, float).reshape(len(x), -1)
        print('{"%s", %s,\n %d, %d, %d, %s,\n %s},' % (
            name, "NULL" if source is None else '"%s"' % source, len(x), x.shape[1], y.shape[1],
            sums(x), sums(y)))


main()

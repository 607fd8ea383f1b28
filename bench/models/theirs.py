"""scikit-learn's MLPClassifier on the records of a job: what one gets elsewhere from the same split.

    theirs.py JOB.yaml --train FILE... --test FILE... --hidden 64,32 --epochs N --batch N --seed N

Features are made as the job's data section says (csv and idx). Adam with rate 0.001, no penalty, no early
stopping. Prints accuracy, auroc and auprc as JSON. Runs in the environment that `bench/peers sklearn` makes.
"""
import argparse
import csv
import gzip
import json
import struct
import warnings

import numpy
import yaml
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, average_precision_score, roc_auc_score
from sklearn.neural_network import MLPClassifier


def open_text(path):
    return gzip.open(path, "rt") if path.endswith(".gz") else open(path)


def same(text):
    """145.0 equals 145."""
    try:
        return repr(float(text))
    except ValueError:
        return text


def columns_of(section):
    for column in section["columns"]:
        count = column.get("count")
        first = column.get("first", 1)
        for name in [column["name"]] if count is None else [f"{column['name']}{first + i}" for i in range(count)]:
            yield {**column, "name": name}


def records_of(section, paths):
    for path in paths:
        with open_text(path) as file:
            rows = csv.reader(file, delimiter=section.get("delimiter", ","), skipinitialspace=True)
            columns = list(columns_of(section))
            names = next(rows) if section.get("header", True) else [c["name"] for c in columns]
            for row in rows:
                if row:
                    yield dict(zip(names, (field.strip() for field in row)))


def features_of(record, columns, missing):
    """Numbers, NaN where one is missing; which of them are to be standardised is the same for all records."""
    for column in columns:
        if column["type"] not in ("numeric", "categorical"):
            continue
        text = record[column["name"]]
        gone = same(text) in missing | {same(t) for t in column.get("missing", [])}
        if column["type"] == "numeric":
            yield float("nan") if gone else float(text)
        else:
            values = [same(v) for v in column["values"]]
            found = not gone and same(text) in values
            yield from (float(found and same(text) == value) for value in values)
            if column.get("other"):
                yield float(not gone and not found)
        if column.get("indicator"):
            yield float(gone)


def scaled_places(columns):
    for column in columns:
        if column["type"] == "numeric":
            yield column.get("scale") == "standard"
        elif column["type"] == "categorical":
            yield from [False] * (len(column["values"]) + bool(column.get("other")))
        if column.get("indicator"):
            yield False


def read_csv(section, paths):
    columns = list(columns_of(section))
    missing = {same(t) for t in section.get("missing", [""])}
    target = next(c for c in columns if c["type"] == "target")
    positive = {same(v) for v in target["positive"]}
    records = list(records_of(section, paths))
    x = numpy.array([list(features_of(r, columns, missing)) for r in records])
    return x, numpy.array([same(r[target["name"]]) in positive for r in records], dtype=int)


def read_idx(section, paths):
    def read(path):
        blob = gzip.open(path).read()
        dims = struct.unpack(">" + "I" * blob[3], blob[4:4 + 4 * blob[3]])
        return numpy.frombuffer(blob, numpy.uint8, offset=4 + 4 * blob[3]).reshape(dims)
    images, labels = (read(p) for p in paths)
    return images.reshape(len(images), -1) / section.get("divide", 255), labels.astype(int)


def standardise(train, test, places):
    for i in numpy.flatnonzero(places):
        mean, deviation = numpy.nanmean(train[:, i]), numpy.nanstd(train[:, i])
        for x in (train, test):
            x[:, i] = (x[:, i] - mean) / deviation
    return numpy.nan_to_num(train), numpy.nan_to_num(test)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("job")
    for name in ("train", "test"):
        parser.add_argument(f"--{name}", nargs="+", required=True)
    parser.add_argument("--hidden", required=True)
    for name in ("epochs", "batch", "seed"):
        parser.add_argument(f"--{name}", type=int, required=True)
    o = parser.parse_args()
    section = yaml.safe_load(open(o.job))["data"]
    read = read_idx if section["format"] == "idx" else read_csv
    (x, y), (x_test, y_test) = read(section, o.train), read(section, o.test)
    if section["format"] == "csv":
        x, x_test = standardise(x, x_test, list(scaled_places(list(columns_of(section)))))
    warnings.simplefilter("ignore", ConvergenceWarning)
    model = MLPClassifier(tuple(int(n) for n in o.hidden.split(",")), alpha=0, batch_size=o.batch, max_iter=o.epochs,
                          n_iter_no_change=o.epochs + 1, random_state=o.seed).fit(x, y)
    score = model.predict_proba(x_test)[:, 1]
    print(json.dumps({"accuracy": accuracy_score(y_test, score >= 0.5), "auroc": roc_auc_score(y_test, score),
                      "auprc": average_precision_score(y_test, score)}))


main()

#!/usr/bin/env python3
"""Writes heart.h: means and deviations of the four hospitals' numeric columns, by numpy.

    python3 tests/vectors/make_heart.py FOLDER_OF_DATASETS > tests/vectors/heart.h

All records of the four files together; `?`, -9, and 0 for trestbps and chol are missing. Values are
float32 as a table holds them, sums are float64.
"""
import csv
import pathlib
import sys

import numpy

SITES = ["cleveland", "hungarian", "switzerland", "va"]
COLUMNS = [("age", 0, False), ("trestbps", 3, True), ("chol", 4, True), ("thalach", 7, False),
           ("oldpeak", 9, False)]


def main():
    folder = pathlib.Path(sys.argv[1]) / "heart-disease-4-hospitals"
    rows = [row for site in SITES
            for row in csv.reader(open(folder / f"processed.{site}.data")) if row]
    print("/* Made by make_heart.py. */")
    print("static const struct { const char *name; unsigned long long count; double mean, deviation; }")
    print("heart_columns[] = {")
    for name, at, zero_is_missing in COLUMNS:
        text = [row[at] for row in rows if row[at] != "?" and float(row[at]) != -9]
        if zero_is_missing:
            text = [value for value in text if float(value) != 0]
        values = numpy.array([float(v) for v in text]).astype(numpy.float32).astype(numpy.float64)
        print(f'    {{ "{name}", {len(values)}, {values.mean():.17g}, {values.std():.17g} }},')
    print("};")


main()

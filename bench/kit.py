"""What benchmarks share: the machine, series of figures, interleaving, peers.

A benchmark is bench/NAME/bench.py with

    TITLE = "one line"
    def run(kit): ...

which adds rows to `kit` (Kit.row) and lines for people (Kit.say). bench/run does the rest.
"""
import json
import os
import pathlib
import platform
import re
import resource
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def first_line(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True,
                              timeout=10).stdout.split("\n")[0].strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def machine():
    cpu = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())
    versions = {name: first_line("pkg-config", "--modversion", name)
                for name in ("libzmq", "libsodium", "openblas")}
    return {"cpu": cpu.group(1) if cpu else platform.processor(), "cores": os.cpu_count(),
            "kernel": platform.release(), "compiler": first_line("cc", "--version"),
            "commit": first_line("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
            **versions}


class Series:
    """Figures of one kind; says median, least and most."""

    def __init__(self, values):
        self.values = list(values)

    def __bool__(self):
        return bool(self.values)

    @property
    def median(self):
        return statistics.median(self.values)

    def __str__(self):
        if not self.values:
            return "-"
        return f"{self.median:.4g} ({min(self.values):.4g} - {max(self.values):.4g})"


def ratios(ours, theirs):
    """Pair by pair: what a change of the machine's load does to both cancels out."""
    return Series(a / b for a, b in zip(ours, theirs))


def cpu_seconds():
    """Of all children that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Kit:
    def __init__(self, build, pairs, quick):
        self.build, self.pairs, self.quick = pathlib.Path(build), pairs, quick
        self.peers = pathlib.Path(os.environ.get("PANAL_PEERS", ROOT / "build/peers"))
        self.shared = ROOT.parent / "shared"
        self.rows, self.notes = [], []

    def program(self, name):
        return str(self.build / "bin" / name)

    def peer(self, name):
        """The Python of a peer's environment, or None, said loudly."""
        python = self.peers / name / "bin/python"
        if python.exists():
            return str(python)
        self.say(f"!!! {name} IS NOT HERE: run bench/peers {name}; only our own figures follow")
        return None

    def call(self, *command, timeout=300, **more):
        """Runs a program to its end; what it printed."""
        return subprocess.run(command, check=True, capture_output=True, text=True,
                              timeout=timeout, **more).stdout

    def say(self, text):
        self.notes.append(text)
        print(text, flush=True)

    def row(self, what, series, unit, target=None):
        """One figure; `target` is what the issue asks for, as text."""
        series = series if isinstance(series, Series) else Series([series])
        self.rows.append({"what": what, "unit": unit, "target": target,
                          "median": series.median if series else None, "values": series.values})
        aim = f"   target {target}" if target else ""
        print(f"  {what:<58} {str(series):>28} {unit}{aim}", flush=True)

    def result(self, name, about):
        return {"bench": name, **about, "rows": self.rows, "notes": self.notes}


def load():
    return round(os.getloadavg()[0], 2)


def wait_for_calm(most, seconds):
    """Other work on the machine spoils figures: waits for it, a bounded time."""
    until = time.monotonic() + seconds
    while load() > most and time.monotonic() < until:
        time.sleep(2)


def dump(path_or_none, results):
    text = json.dumps(results, indent=1)
    if path_or_none == "-":
        print(text)
    elif path_or_none:
        pathlib.Path(path_or_none).write_text(text + "\n")

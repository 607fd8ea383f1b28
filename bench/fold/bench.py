"""The averaging kernel beside memcpy of the same traffic."""
from kit import Series

TITLE = "the averaging kernel beside memcpy of as many bytes read and written"


def run(kit):
    parameters = 1000000 if kit.quick else 10000000
    out = kit.call(kit.program("bench-fold"), str(parameters), str(4 * kit.pairs + 1))
    rows = [[float(x) for x in line.split()] for line in out.splitlines()][1:]
    for what, ours, bound in (("over the whole vectors, from memory", 0, 1),
                              ("chunk by chunk, as the coordinator folds", 2, 3)):
        kit.row(f"{what}: an update folded in", Series(4 / row[ours] for row in rows), "GB/s")
        kit.row(f"{what}: share of memcpy", Series(100 * row[bound] / row[ours] for row in rows),
                "%", "80")

"""What a coordinator takes in: updates fetched, proved, durable, measured and averaged."""
import re

from federation import Federation
from kit import Series, ratios

TITLE = "bytes of updates a second that the coordinator takes in and averages, beside plain CURVE"
NODES = 8


def ours(kit, parameters, rounds, state):
    """panal-coordinator, and a program that plays the nodes with updates in memory."""
    with Federation(kit.build, parameters, NODES, rounds, state) as federation:
        federation.start_hub()
        lab = federation.folder / "lab"
        trust = re.search(r"trust: *(\S+)", (lab / "site-000/node.yaml").read_text()).group(1)
        places = [str(lab / name / part) for name in federation.names for part in ("keys", "state")]
        out = kit.call(kit.program("bench-feed"), str(lab / "federation.yaml"), trust.strip('"'),
                       f"tcp://127.0.0.1:{federation.port}", str(parameters), *places)
        federation.wait(30)
        return Series(list(map(float, out.split()))[2:]).median


def plain(kit, parameters, rounds, threads):
    """The same bytes between two processes, and nothing else."""
    out = kit.call(kit.program("bench-bare"), str(NODES), str(4 * parameters), str(rounds),
                   str(threads), "up")
    return Series(map(float, out.split())).median


def run(kit):
    parameters, rounds = (1000000, 6) if kit.quick else (10000000, 10)
    threads = min((1, 2, 3), key=lambda n: plain(kit, parameters, 4, n))
    memory, disk, bare = [], [], []
    for _ in range(kit.pairs):
        bare.append(plain(kit, parameters, rounds, threads))
        memory.append(ours(kit, parameters, rounds, "/dev/shm"))
        disk.append(ours(kit, parameters, rounds, None))
    size = NODES * 4 * parameters / 1e9
    kit.say(f"  {NODES} updates of {parameters} parameters; ZMQ_IO_THREADS {threads}")
    kit.row("plain ZeroMQ + CURVE, two processes", Series(size / s for s in bare), "GB/s")
    kit.row("panal, state in memory (/dev/shm)", Series(size / s for s in memory), "GB/s")
    kit.row("panal, state on this disk", Series(size / s for s in disk), "GB/s")
    kit.row("panal / plain, state in memory", Series(100 * r for r in ratios(bare, memory).values),
            "%", "60")

"""The coordinator's memory with many nodes connected."""
import time

from federation import Federation

TITLE = "the coordinator's resident memory, 10 M parameters, 4 to 64 nodes connected"
MODEL = 40e6  # bytes of 10,000,000 parameters
MIB = 1048576


def watch(federation, seconds):
    """The largest VmHWM seen until the coordinator ends."""
    most, until = 0, time.monotonic() + seconds
    while federation.hub.poll() is None and time.monotonic() < until:
        try:
            most = max(most, federation.hub_memory()["VmHWM"])
        except (OSError, AttributeError):  # it ends while we look
            break
        time.sleep(0.05)
    federation.wait(5)
    return most


def run(kit):
    for nodes in (4,) if kit.quick else (4, 16, 64):
        with Federation(kit.build, 10000000, nodes, 2) as federation:
            federation.start(pause=0.2)
            peak = watch(federation, 60 + 8 * nodes)
        allowed = 2.5 * MODEL + 2 * MIB * nodes
        kit.row(f"{nodes} nodes, VmHWM", peak / MIB, "MiB", f"{allowed / MIB:.0f}")

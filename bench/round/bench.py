"""A round without training: 8 nodes and the coordinator, CURVE and signatures on, on loopback."""
import re
import socket
import subprocess
import time

from federation import Federation
from kit import Series, cpu_seconds, ratios

TITLE = "seconds of a round without training, 8 nodes, beside bare ZeroMQ + CURVE and Flower"
NODES = 8
TARGETS = {1000000: "0.18", 10000000: "1.9"}


class Side:
    """Medians and CPU seconds of every run of one side."""

    def __init__(self):
        self.seconds, self.cpu = [], []

    def add(self, seconds, cpu=None):
        self.seconds.append(Series(seconds).median)
        if cpu is not None:
            self.cpu.append(cpu)


def federation_rounds(kit, parameters, rounds, state):
    with Federation(kit.build, parameters, NODES, rounds, state) as federation:
        federation.start()
        federation.wait(60 + rounds * 30)
        return federation.round_seconds()


def run_ours(kit, parameters, rounds, state, side):
    """CPU: the difference of a long and a short run is that of the rounds alone."""
    before = cpu_seconds()
    federation_rounds(kit, parameters, 3, state)
    short = cpu_seconds() - before
    before = cpu_seconds()
    side.add(federation_rounds(kit, parameters, 3 + rounds, state),
             (cpu_seconds() - before - short) / rounds)


def run_bare(kit, parameters, rounds, threads, side):
    before = cpu_seconds()
    out = kit.call(kit.program("bench-bare"), str(NODES), str(4 * parameters), str(rounds + 1),
                   str(threads))
    side.add(map(float, out.split()), (cpu_seconds() - before) / (rounds + 1))


def best_threads(kit, parameters):
    """ZMQ_IO_THREADS of the bare hub: whatever suits this machine best."""
    def median(threads):
        side = Side()
        run_bare(kit, parameters, 6, threads, side)
        return side.seconds[0]
    return min((1, 2, 3), key=median)


def wait_for_port(port, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)


def run_flower(kit, python, parameters, rounds, side):
    script = str(kit.shared / "peers/flower_legacy.py")
    arguments = [str(parameters), str(rounds + 1)]
    server = subprocess.Popen([python, script, "server", *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    nodes = []
    try:
        wait_for_port(8080, 60)
        nodes = [subprocess.Popen([python, script, "client", *arguments],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                 for _ in range(NODES)]
        out, _ = server.communicate(timeout=60 + 60 * rounds)
        found = re.search(r"median_round_s=([\d.]+).*server_maxrss_MiB=(\d+)", out)
        side.add([float(found.group(1))])
        return float(found.group(2))
    finally:
        for process in [server, *nodes]:
            process.kill()
            process.wait()


def run_size(kit, parameters, rounds):
    threads, flower = best_threads(kit, parameters), kit.peer("flwr")
    ours, disk, bare, peer, peer_memory = Side(), Side(), Side(), Side(), []
    for _ in range(kit.pairs):
        run_bare(kit, parameters, rounds, threads, bare)
        run_ours(kit, parameters, rounds, "/dev/shm", ours)
        disk.add(federation_rounds(kit, parameters, 3 + rounds, None))
        if flower:
            peer_memory.append(run_flower(kit, flower, parameters, rounds, peer))
    name = f"{parameters // 1000000} M parameters"
    kit.say(f"  {name}; bare ZMQ_IO_THREADS {threads}")
    kit.row(f"{name}, panal, state in memory (/dev/shm)", Series(ours.seconds), "s",
            TARGETS[parameters])
    kit.row(f"{name}, panal, state on this disk", Series(disk.seconds), "s")
    kit.row(f"{name}, bare ZeroMQ + CURVE", Series(bare.seconds), "s")
    kit.row(f"{name}, panal / bare", ratios(ours.seconds, bare.seconds), "x", "1.4")
    kit.row(f"{name}, panal / bare, CPU seconds of a round", ratios(ours.cpu, bare.cpu), "x")
    if flower:
        kit.row(f"{name}, Flower legacy server (plain)", Series(peer.seconds), "s")
        kit.row(f"{name}, Flower / panal", ratios(peer.seconds, ours.seconds), "x")
        kit.row(f"{name}, Flower server's memory", Series(peer_memory), "MiB")


def run(kit):
    run_size(kit, 1000000, 8)
    if not kit.quick:
        run_size(kit, 10000000, 4)

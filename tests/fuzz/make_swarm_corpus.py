#!/usr/bin/env python3
"""Small conversations for fuzz_swarm.c: a run that goes on for a few blocks, and each kind of message."""
import os

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus", "swarm")
UPDATE, FAULT, PULL, CHUNK, REPORT, PROPOSE, VOTE, ASK, SHOW, DECISION, STATUS, HELLO, RELAY = range(13)
GREET, OWN, LATER, DOWN = 4, 8, 16, 64


def frame(kind, who, flags=OWN, body=b""):
    return bytes([kind, who | flags, 0, len(body)]) + body


def relay(kind, origin, by, flags=OWN, body=b""):
    return bytes([RELAY, by | flags, kind, len(body) + 2]) + bytes([origin, 0]) + body


def votes(view=0):
    return b"".join(frame(VOTE, who, OWN, bytes([view, 2 | step, 1]))
                    for step in (0, 1) for who in range(3))


def parts(kind):
    return b"".join(frame(kind, who, OWN, bytes([who + 1, 0])) +
                    frame(CHUNK, who, OWN, bytes([who + 1, kind == UPDATE])) for who in range(3))


genesis = parts(REPORT) + frame(STATUS, 0, OWN | LATER) * 6 + votes()
round_one = parts(UPDATE) + frame(STATUS, 0, OWN | LATER) * 8
os.makedirs(FOLDER, exist_ok=True)
talks = {
    "genesis": genesis,
    "round": genesis + round_one + votes(),
    "views": parts(REPORT) + frame(STATUS, 1, OWN | LATER) * 20 + votes(1) + votes(4),
    "shown": parts(REPORT) + frame(STATUS, 0, OWN | LATER) * 6 + votes() +
    frame(SHOW, 1, OWN, bytes([3, 3, 0])) + frame(PROPOSE, 0, OWN, bytes([1, 3, 0])),
    "decision": parts(REPORT) + frame(STATUS, 0, OWN | LATER) * 6 +
    frame(DECISION, 2, OWN, bytes([3, 0])),
    "every": genesis + b"".join(frame(kind, kind % 3, OWN | GREET, bytes([kind, 1, 0, 0]))
                                for kind in range(12)),
    # The third one's connection is gone: it is heard through the first, and then through the second.
    "relay": frame(STATUS, 2, OWN | DOWN) + relay(HELLO, 2, 0) + relay(STATUS, 2, 0, body=bytes(6)) +
    genesis + relay(VOTE, 2, 0, body=bytes([2, 1])) + frame(STATUS, 1, OWN, bytes(7) + b"\x0f") +
    relay(UPDATE, 2, 1) + relay(RELAY, 2, 0) + relay(PULL, 2, 0) + relay(STATUS, 2, 0, OWN | LATER) +
    bytes([RELAY, 0 | OWN, STATUS, 2, 0, 3]) + frame(STATUS, 0, OWN | DOWN) + relay(HELLO, 2, 1) +
    frame(STATUS, 2, OWN | GREET) + frame(STATUS, 1, OWN | LATER) * 4,
    "raw": b"".join(frame(kind, 1, GREET, bytes([8, 1, 18, 2, 1, 1])) for kind in range(12)),
}
for name, talk in talks.items():
    with open(os.path.join(FOLDER, name), "wb") as file:
        file.write(talk)

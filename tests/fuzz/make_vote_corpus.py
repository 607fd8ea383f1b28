#!/usr/bin/env python3
"""Votes for fuzz_vote.c: whole certificates, ones with a flaw, and double votes."""
import os

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus", "vote")
PREVOTE, OWN, FLIP = 8, 16, 8


def vote(who, block=1, view=0, step=0, key=OWN, bit=0):
    return bytes([who | step | view << 4 | block << 6, key, bit & 255, bit >> 8])


quorum = [vote(who) for who in range(5)]
talks = {
    "quorum": quorum,
    "all": [vote(who) for who in range(7)],
    "too_few": quorum[:4],
    "one_prevote": quorum[:4] + [vote(4, step=PREVOTE)],
    "one_other_block": quorum[:4] + [vote(4, block=2)],
    "one_other_view": quorum[:4] + [vote(4, view=1)],
    "one_other_key": quorum[:4] + [vote(4, key=3)],
    "one_bit": quorum[:4] + [vote(4, key=OWN | FLIP, bit=300)],
    "stranger": quorum + [vote(7, key=2)],
    "double": [vote(2, block=1), vote(2, block=2), vote(2, block=0, step=PREVOTE), vote(2, block=3, step=PREVOTE)],
}
os.makedirs(FOLDER, exist_ok=True)
for name, said in talks.items():
    with open(os.path.join(FOLDER, name), "wb") as file:
        file.write(b"".join(said))

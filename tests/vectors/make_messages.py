#!/usr/bin/env python3
"""Encodes every message of proto/panal.proto with Google's protobuf, good ones and bad ones.

    python3 tests/vectors/make_messages.py     (needs: pip install protobuf grpcio-tools)

Writes tests/vectors/messages.txt, which tests/unit/test_message.c reads, and the seeds in
tests/fuzz/corpus/message. A line is: message, status of decoding, hexadecimal bytes, why.
"""
import importlib
import math
import pathlib
import subprocess
import sys
import tempfile

from google.protobuf.internal.encoder import _VarintBytes as varint

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
KINDS = ["hello", "offer", "answer", "statistics", "invite", "accept", "train", "update",
         "evaluate", "metrics", "commit", "countersign", "finish", "fault", "heartbeat", "pull",
         "vote", "contribution", "propose", "ask", "decision", "status", "block"]  # the order of tests/support/messages.h


def load():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={ROOT}/proto",
                        f"--python_out={folder}", "panal.proto"], check=True)
        sys.path.insert(0, folder)
        return importlib.import_module("panal_pb2")


pb = load()


def pattern(seed, size):
    """The same bytes as pattern() in test_message.c."""
    return bytes((seed + 7 * i) & 255 for i in range(size))


def blob(seed, size):
    return pb.Blob(size=size, root=pattern(seed, 32))


NONE = pb.Blob(size=0, root=bytes(32))


def i128(value):
    return value.to_bytes(16, "little", signed=True)


def sums(count, total, squares):
    return pb.ColumnSums(count=count, sum=i128(total), sum_of_squares=i128(squares))


def block(**changes):
    fields = dict(
        kind=pb.ROUND, run=pattern(1, 16), height=3, previous=pattern(2, 32),
        roster=pattern(3, 32), job=pattern(4, 32), epoch=5, proposer=1, attempt=2, round=7,
        time_ms=1795467600123, model_in=blob(6, 4000), model_out=blob(8, 4000),
        scaling=blob(9, 96),
        entries=[pb.Entry(member=2, weight=300, update=blob(10, 4000), norm=1.5,
                          signature=pattern(11, 64)),
                 pb.Entry(member=4, weight=1, update=blob(12, 4000), norm=0.0,
                          signature=pattern(13, 64))],
        absent=[pb.Absent(member=3, reason=pb.LATE), pb.Absent(member=9, reason=pb.INVALID)],
        metrics=[pb.Metric(name="auprc", value=0.125, records=1000),
                 pb.Metric(name="loss", value=-2.5, records=999)],
        witnesses=[pb.Witness(member=2, signature=pattern(14, 64)),
                   pb.Witness(member=300, signature=pattern(15, 64))],
        note="")
    fields.update(changes)
    return pb.Block(**fields)


def genesis(**changes):
    fields = dict(kind=pb.GENESIS, height=0, previous=bytes(32), attempt=0, round=0, model_in=NONE,
                  entries=[], absent=[], metrics=[], witnesses=[])
    fields.update(changes)
    return block(**fields)


def finish(**changes):
    fields = dict(kind=pb.FINISH, height=4, model_in=blob(8, 4000), entries=[], absent=[],
                  note="all rounds are done")
    fields.update(changes)
    return block(**fields)


def vote(member=2, **changes):
    fields = dict(height=3, member=member, view=4, step=1, hash=pattern(40, 32), lock_view=2,
                  lock=pattern(41, 32), signature=pattern(42, 64))
    fields.update(changes)
    return pb.Vote(**fields)


def conviction(**changes):
    fields = dict(first=vote(), other=vote(hash=pattern(43, 32)))
    fields.update(changes)
    return pb.Conviction(**fields)


def roster(**changes):
    fields = dict(text=pattern(55, 300), signatures=[
        pb.RosterSignature(signer="bank-a", text=pattern(56, 90)),
        pb.RosterSignature(signer="bank-b", text=pattern(57, 91))])
    fields.update(changes)
    return [pb.Roster(**fields)]


RUN_ROSTER = roster(signatures=[])


def agreement(**changes):
    fields = dict(
        view=2, witness_view=1, log=pattern(44, 32),
        reports=[pb.Report(member=2, report=blob(45, 100), signature=pattern(46, 64)),
                 pb.Report(member=4, report=blob(47, 200), signature=pattern(48, 64))],
        convictions=[conviction()])
    fields.update(changes)
    return [pb.Agreement(**fields)]


def propose(**changes):
    fields = dict(view=3, valid_view=1, block=pattern(49, 200), signature=pattern(50, 64),
                  votes=[vote(2), vote(3)])
    fields.update(changes)
    return pb.Propose(**fields)


def decision(**changes):
    fields = dict(block=pattern(51, 200), signature=pattern(52, 64), view=1, witnesses=[
        pb.Witness(member=2, signature=pattern(53, 64)),
        pb.Witness(member=3, signature=pattern(54, 64))])
    fields.update(changes)
    return pb.Decision(**fields)


def status(**changes):
    fields = dict(height=12, head=pattern(57, 32), activity=pb.TRAINING, reach=pattern(59, 2))
    fields.update(changes)
    return pb.Status(**fields)


def good():
    yield "hello", pb.Hello(restart=True, software="panal 0.1.0", height=300, head=pattern(1, 32),
                            key=pattern(58, 32))
    yield "offer", pb.Offer(job=b"version: 1\nname: fraud\n")
    yield "answer", pb.Answer(accepted=False, reason="no: caf\u00e9 \u20ac \U0001f41d",
                              records=70000, validation_records=0)
    yield "statistics", pb.Statistics(records=100, columns=[
        sums(100, -(1 << 90), 1 << 120), sums(0, 0, 0), sums(3, 5, 11)])
    yield "invite", pb.Invite(answer_ms=10000)
    yield "accept", pb.Accept(records=12345678901)
    yield "train", pb.Train(model=blob(20, 1 << 36), scaling=NONE, deadline_ms=300000)
    yield "update", pb.Update(update=blob(21, 4000), weight=640, loss=0.6931471805599453,
                              signature=pattern(22, 64))
    yield "evaluate", pb.Evaluate(model=blob(23, 4000), scaling=blob(24, 96), deadline_ms=0)
    yield "metrics", pb.Metrics(records=50, metrics=[
        pb.MetricState(name="loss", state=pattern(25, 16)),
        pb.MetricState(name="auprc", state=pattern(26, 300))])
    yield "commit", pb.Commit(block=pattern(27, 200), signature=pattern(28, 64))
    yield "countersign", pb.Countersign(height=0, hash=pattern(29, 32), signature=pattern(30, 64))
    yield "finish", pb.Finish(outcome=pb.STOPPED_EARLY, reason="", model=blob(31, 4000))
    yield "fault", pb.Fault(reason="the disk is full")
    yield "heartbeat", pb.Heartbeat(activity=pb.SENDING, done=3, total=3)
    yield "pull", pb.Pull(blob=blob(32, 3 * 1048576 + 1), first=2, count=2)
    yield "vote", vote()
    yield "contribution", pb.Contribution(report=blob(55, 640), signature=pattern(56, 64))
    yield "propose", propose()
    yield "ask", pb.Ask(height=12, hash=bytes(32))
    yield "decision", decision()
    yield "status", status()
    yield "block", block()


def more_good():
    yield "hello", pb.Hello(restart=False, software="", height=0, head=bytes(32),
                            key=bytes(32)), "no blocks yet"
    yield "statistics", pb.Statistics(records=0), "no columns"
    yield "metrics", pb.Metrics(records=0), "no metrics"
    yield "answer", pb.Answer(accepted=True, reason="", records=1, validation_records=2), "yes"
    yield "answer", pb.Answer(accepted=False, reason="x" * 200, records=0,
                              validation_records=0), "200 bytes of text"
    yield "finish", pb.Finish(outcome=pb.FAILED, reason="nobody came", model=NONE), "no model"
    yield "block", genesis(), "genesis"
    yield "block", finish(), "finish"
    yield "block", block(scaling=NONE, absent=[], metrics=[], witnesses=[]), "short round"
    yield "block", block(agreement=agreement()), "round of a swarm"
    yield "block", block(agreement=agreement(reports=[], convictions=[])), "short round of a swarm"
    yield "block", block(agreement=agreement(roster=roster())), "round with the next epoch"
    yield ("block", genesis(agreement=agreement(witness_view=0, roster=RUN_ROSTER)),
           "genesis of a swarm")
    yield "block", finish(agreement=agreement()), "finish of a swarm"
    yield "vote", vote(hash=bytes(32), lock_view=0, lock=bytes(32)), "prevote for nothing"
    yield "vote", vote(step=2, lock_view=0, lock=bytes(32)), "precommit"
    yield "propose", propose(view=1, valid_view=0, votes=[]), "first proposal"
    yield "decision", decision(view=0, witnesses=[]), "not decided yet"
    yield "status", status(height=0, head=bytes(32), reach=pattern(60, 16)), "no blocks yet"


def values_out_of_range():
    samples = dict(good())

    def changed(kind, why, **changes):
        message = type(samples[kind])()
        message.CopyFrom(samples[kind])
        for name, value in changes.items():
            if isinstance(value, (list, pb.Blob)):
                message.ClearField(name)
                (getattr(message, name).extend if isinstance(value, list)
                 else getattr(message, name).CopyFrom)(value)
            else:
                setattr(message, name, value)
        return kind, message, why

    yield changed("hello", "head without blocks", height=0)
    yield changed("hello", "blocks without head", head=bytes(32))
    yield changed("hello", "control character", software="a\nb")
    yield changed("hello", "delete character", software="a\x7f")
    yield changed("hello", "C1 control character", software="a\u0085")
    yield changed("hello", "201 bytes of text", software="x" * 199 + "\u00e9")
    yield changed("offer", "empty job", job=b"")
    yield changed("answer", "accepted with a reason", accepted=True)
    yield changed("answer", "refused without a reason", reason="")
    yield changed("statistics", "negative squares", columns=[sums(1, 0, -1)])
    yield changed("statistics", "sum above squares", columns=[sums(1, 5, 4)])
    yield changed("statistics", "sum below minus squares", columns=[sums(1, -5, 4)])
    yield changed("statistics", "smallest sum", columns=[sums(1, -(1 << 127), (1 << 127) - 1)])
    yield changed("statistics", "more values than records", columns=[sums(101, 0, 0)])
    yield changed("statistics", "sums of nothing", columns=[sums(0, 1, 1)])
    for kind in "train", "evaluate":
        yield changed(kind, "no model", model=NONE)
        yield changed(kind, "model too large", model=blob(1, (1 << 36) + 1))
        yield changed(kind, "root without size", scaling=blob(1, 0))
    for kind, field in ("update", "update"), ("pull", "blob"):
        yield changed(kind, "empty blob", **{field: blob(1, 0)})
        yield changed(kind, "blob too large", **{field: blob(1, (1 << 36) + 1)})
    yield changed("update", "weight 0", weight=0)
    for value in math.nan, math.inf, -math.inf:
        yield changed("update", f"loss {value}", loss=value)
    state = pb.MetricState(name="a", state=b"1")
    yield changed("metrics", "same name twice", metrics=[state, state])
    yield changed("metrics", "no name", metrics=[pb.MetricState(name="", state=b"1")])
    yield changed("metrics", "empty state", metrics=[pb.MetricState(name="a", state=b"")])
    yield changed("commit", "empty block", block=b"")
    yield changed("finish", "root without size", model=blob(1, 0))
    yield changed("finish", "control character", reason="\x1b[31m")
    yield changed("fault", "empty reason", reason="")
    yield changed("heartbeat", "more than all", done=4)
    yield changed("pull", "no chunks", count=0)
    yield changed("pull", "beyond the last chunk", first=3, count=2)
    yield changed("pull", "first beyond the last chunk", first=4, count=1)
    yield changed("pull", "3 chunks", blob=blob(1, 1 << 30), count=3)
    yield changed("pull", "first + count wraps", first=(1 << 32) - 1, count=2)

    entry, late = block().entries, block().absent
    yield "block", block(entries=[entry[1], entry[0]]), "entries out of order"
    yield "block", block(entries=[entry[0], entry[0]]), "an entry twice"
    yield "block", block(entries=[]), "round without entries"
    yield "block", block(absent=[late[1], late[0]]), "absent out of order"
    yield "block", block(absent=[pb.Absent(member=4, reason=pb.LATE)]), "entered and absent"
    for field, value in dict(weight=0, norm=-1.0).items():
        bad = pb.Entry()
        bad.CopyFrom(entry[0])
        setattr(bad, field, value)
        yield "block", block(entries=[bad]), f"entry with {field} {value}"
    for value in math.nan, math.inf:
        bad.norm, bad.weight = value, 1
        yield "block", block(entries=[bad]), f"norm {value}"
    metric = pb.Metric(name="a", value=1, records=1)
    yield "block", block(metrics=[metric, metric]), "a metric twice"
    yield "block", block(metrics=[pb.Metric(name="a", value=math.nan, records=1)]), "metric nan"
    yield "block", block(metrics=[pb.Metric(name="", value=1, records=1)]), "metric without name"
    witness = block().witnesses
    yield "block", block(witnesses=[witness[1], witness[0]]), "witnesses out of order"
    yield "block", block(witnesses=[witness[0], witness[0]]), "a witness twice"
    yield "block", block(note="x"), "round with a note"
    yield "block", block(height=0), "round at height 0"
    yield "block", block(previous=bytes(32)), "round without previous"
    yield "block", block(round=0), "round 0"
    yield "block", block(attempt=0), "attempt 0"
    yield "block", block(model_in=NONE), "round without start model"
    yield "block", block(model_out=NONE), "round without next model"
    yield "block", block(scaling=blob(1, 0)), "scaling without size"
    yield "block", genesis(height=1), "genesis at height 1"
    yield "block", genesis(round=1), "genesis with a round"
    yield "block", genesis(previous=pattern(1, 32)), "genesis with previous"
    yield "block", genesis(model_in=blob(1, 4)), "genesis with a start model"
    yield "block", genesis(model_out=NONE), "genesis without model"
    yield "block", genesis(entries=entry), "genesis with entries"
    yield "block", genesis(absent=late), "genesis with absent"
    yield "block", genesis(metrics=[metric]), "genesis with metrics"
    yield "block", genesis(witnesses=witness), "genesis with witnesses"
    yield "block", genesis(note="x"), "genesis with a note"
    yield "block", finish(entries=entry), "finish with entries"
    yield "block", finish(absent=late), "finish with absent"
    yield "block", finish(model_out=blob(9, 4000)), "finish with another model"
    yield "block", finish(model_out=blob(8, 4001)), "finish with another model size"
    yield "block", finish(height=0), "finish at height 0"
    yield "block", finish(note="a\tb"), "note with a control character"
    yield from of_a_swarm()


def of_a_swarm():
    for why, changes in {
            "view 0": dict(view=0), "step 0": dict(step=0), "step 3": dict(step=3),
            "locked in this view": dict(lock_view=4), "locked on nothing": dict(lock=bytes(32)),
            "lock without view": dict(lock_view=0), "precommit with a lock": dict(step=2)}.items():
        yield "vote", vote(**changes), why
    yield "contribution", pb.Contribution(report=NONE, signature=pattern(1, 64)), "no report"
    for why, changes in {
            "view 0": dict(view=0), "valid in this view": dict(valid_view=3),
            "valid without votes": dict(votes=[]), "votes without view": dict(valid_view=0),
            "no block": dict(block=b""), "votes out of order": dict(votes=[vote(3), vote(2)]),
            "a vote twice": dict(votes=[vote(2), vote(2)]),
            "a vote of view 0": dict(votes=[vote(2, view=0)])}.items():
        yield "propose", propose(**changes), why
    witness = decision().witnesses
    for why, changes in {
            "no block": dict(block=b""), "view without witnesses": dict(witnesses=[]),
            "witnesses without view": dict(view=0),
            "a witness twice": dict(witnesses=[witness[0], witness[0]])}.items():
        yield "decision", decision(**changes), why
    yield "status", status(height=0), "head of nothing"
    yield "status", status(head=bytes(32)), "blocks without head"
    yield "status", status(reach=b""), "reach of nobody"
    yield "status", status(reach=bytes(17)), "reach of more than 128"
    reports = agreement()[0].reports
    for why, changes in {
            "view 0": dict(view=0), "witness view 0": dict(witness_view=0),
            "a report twice": dict(reports=[reports[0], reports[0]]),
            "an empty report": dict(reports=[pb.Report(member=1, report=NONE,
                                                       signature=pattern(1, 64))]),
            "votes that agree": dict(convictions=[conviction(other=vote())]),
            "votes of two members": dict(convictions=[conviction(
                other=vote(3, hash=pattern(1, 32)))]),
            "votes of two views": dict(convictions=[conviction(
                other=vote(view=5, hash=pattern(1, 32)))]),
            "votes of two heights": dict(convictions=[conviction(
                other=vote(height=4, hash=pattern(1, 32)))])}.items():
        yield "block", block(agreement=agreement(**changes)), "agreement: " + why
    signatures = roster()[0].signatures
    for why, changes in {
            "empty": dict(text=b""), "unsigned": dict(signatures=[]),
            "signed twice by one": dict(signatures=[signatures[0], signatures[0]]),
            "signed by nobody": dict(signatures=[pb.RosterSignature(signer="", text=b"x")]),
            "an empty signature": dict(signatures=[pb.RosterSignature(signer="a", text=b"")]),
            "a long signature": dict(signatures=[pb.RosterSignature(signer="a", text=bytes(1025))])}.items():
        yield "block", block(agreement=agreement(roster=roster(**changes))), "roster: " + why
    yield "block", finish(agreement=agreement(roster=roster())), "finish with a roster"
    yield "block", genesis(agreement=agreement(witness_view=0)), "genesis without a roster"
    yield ("block", genesis(agreement=agreement(witness_view=0, roster=roster())),
           "genesis with a signed roster")
    yield "block", genesis(agreement=agreement(roster=RUN_ROSTER)), "genesis with a witness view"


def raw(number, wire, value):
    return varint(number << 3 | wire) + value


def text(value):
    return raw(1, 2, varint(len(value)) + value)


def malformed(samples):
    """Bytes that are not the one encoding of a message."""
    for kind, message in samples.items():
        whole = message.SerializeToString()
        yield kind, whole + b"\xa0\x06\x01", "unknown field 100"
        yield kind, whole + b"\x00", "field 0"
        for field in message.DESCRIPTOR.fields:
            less = type(message)()
            less.CopyFrom(message)
            less.ClearField(field.name)
            if not field.is_repeated:
                yield kind, less.SerializePartialToString(), f"without {field.name}"
        if kind not in ("offer", "invite", "accept", "fault", "statistics", "metrics"):
            first = message.DESCRIPTOR.fields[0]
            head = type(message)()
            head.CopyFrom(message)
            for field in message.DESCRIPTOR.fields[1:]:
                head.ClearField(field.name)
            start = head.SerializePartialToString()
            yield kind, start + whole, f"{first.name} twice"
            yield kind, whole[len(start):] + start, f"{first.name} last"

    yield "accept", b"\x08\x80\x00", "number longer than needed"
    yield "accept", b"\x88\x00\x05", "tag longer than needed"
    yield "accept", b"\x08" + b"\xff" * 9 + b"\x7f", "number beyond 64 bits"
    yield "accept", b"\x08" + b"\xff" * 10 + b"\x01", "number of 11 bytes"
    yield "accept", b"\x09" + bytes(8), "fixed64 for a varint"
    yield "accept", b"\x0b\x08\x01\x0c", "a group"
    yield "accept", b"", "empty"
    hello = samples["hello"].SerializeToString()
    yield "hello", b"\x08\x02" + hello[2:], "flag 2"
    yield "answer", b"\x08\x00\x12\x03a\x00b\x18\x01\x20\x01", "NUL in text"
    pull = samples["pull"].SerializeToString()
    assert pull[-4:] == b"\x10\x02\x18\x02"
    yield "pull", pull[:-4] + b"\x10" + varint((1 << 32) + 1) + b"\x18\x02", "u32 beyond 32 bits"
    finish = samples["finish"].SerializeToString()
    yield "finish", b"\x08" + varint((1 << 32) + 2) + finish[2:], "outcome beyond 32 bits"
    for size in 0, 31, 33:
        yield "hello", pb.Hello(restart=True, software="a", height=1,
                                head=bytes(size), key=bytes(32)).SerializeToString(), f"hash of {size} bytes"
        yield "hello", pb.Hello(restart=True, software="a", height=0, head=bytes(32),
                                key=bytes(size)).SerializeToString(), f"key of {size} bytes"
        yield "train", pb.Train(model=pb.Blob(size=1, root=bytes(size)), scaling=NONE,
                                deadline_ms=1).SerializeToString(), f"root of {size} bytes"
    inside = pb.Blob(size=1, root=bytes(32)).SerializeToString() + b"\x18\x01"
    rest = pb.Train(scaling=NONE, deadline_ms=1).SerializePartialToString()
    yield "train", raw(1, 2, varint(len(inside)) + inside) + rest, "unknown field in a blob"


def more_values_out_of_range(samples):
    """What Google's protobuf would not write itself."""
    for why, value in {
            "lone continuation": b"\x80", "overlong": b"\xc0\xaf", "overlong 3": b"\xe0\x80\xaf",
            "surrogate": b"\xed\xa0\x80", "beyond U+10FFFF": b"\xf4\x90\x80\x80",
            "cut character": b"a\xe2\x82", "five bytes": b"\xf8\x88\x80\x80\x80"}.items():
        yield "fault", text(value), "UTF-8: " + why
    for value in 0, 4, (1 << 64) - 1:
        yield "finish", (raw(1, 0, varint(value)) + raw(2, 2, b"\x00") +
                         pb.Finish(model=NONE).SerializePartialToString()), f"outcome {value}"
    for value in 0, 6:
        yield ("heartbeat", raw(1, 0, varint(value)) + raw(2, 0, b"\x00") + raw(3, 0, b"\x00"),
               f"activity {value}")
    kind = samples["block"].SerializeToString()
    assert kind[:2] == b"\x08\x02"
    for value in 0, 4:
        yield "block", b"\x08" + varint(value) + kind[2:], f"block kind {value}"
    reason = pb.Absent(member=3, reason=pb.LATE).SerializeToString()
    assert kind.count(reason) == 1
    for value in 0, 6:
        yield ("block", kind.replace(reason, reason[:-1] + varint(value)), f"absence {value}")


def main():
    samples = dict(good())
    lines, seeds = [], ROOT / "tests/fuzz/corpus/message"
    for number, kind in enumerate(KINDS):
        data = samples[kind].SerializeToString()
        lines.append((kind, "ok", data, "sample"))
        (seeds / kind).write_bytes(bytes([number]) + data)
    lines += [(kind, "ok", m.SerializeToString(), why) for kind, m, why in more_good()]
    lines += [(kind, "value", m.SerializeToString(), why) for kind, m, why in values_out_of_range()]
    lines += [(kind, "value", data, why) for kind, data, why in more_values_out_of_range(samples)]
    lines += [(kind, "format", data, why) for kind, data, why in malformed(samples)]
    with open(HERE / "messages.txt", "w", encoding="ascii") as out:
        out.write("# Made by make_messages.py; message, status, bytes (- for none), why.\n")
        for kind, status, data, why in lines:
            out.write(f"{kind} {status} {data.hex() or '-'} {why}\n")


main()

#!/usr/bin/env python3
"""Verifies a ledger of panal, offline: a second opinion beside `panal ledger verify`.

    tools/verify.py DIR --roster federation.yaml [--head HASH]

DIR is a state directory of anybody; the roster is a signed one that you trust, its .minisig files beside it; HASH is
of a block that must be in the ledger. Exit code 0: everything that can be checked holds; 1: a sentence names the first
fault. Follows docs/protocol.md, whose sections are named below. Needs Python 3.9 and PyNaCl (Debian: python3-nacl).
"""
import argparse, array, base64, calendar, functools, hashlib, math, os, re, struct, sys, time, types

try:
    from nacl.bindings import crypto_sign_open
    from nacl.exceptions import CryptoError
except ImportError:
    sys.exit("verify.py: PyNaCl is missing (Debian: apt-get install python3-nacl)")

MIB, ZERO, GENESIS, ROUND, FINISH = 1 << 20, bytes(32), 1, 2, 3
class Fault(Exception): pass # says what was expected and what was seen
# Bytes that are cut off, or are no base64, UTF-8 or date, end in the others.
FAULTS = (Fault, OSError, ValueError, LookupError, TypeError, struct.error)

def expect(condition, sentence):
    if not condition:
        raise Fault(sentence)
def read(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()
def read_if(*path):
    return read(*path) if os.path.exists(os.path.join(*path)) else b""

# ---- section 1: primitives
def domain(name, data):
    return b"panal " + name.encode() + b"\0" + data
def blake(data):
    return hashlib.blake2b(data, digest_size=32).digest()
def sha256(data):
    return hashlib.sha256(data).digest()
def digest(name, data):
    return blake(domain(name, data))

def signed(key, signature, message):
    try:
        return len(crypto_sign_open(signature + message, key)) == len(message)
    except CryptoError:
        return False

def tree(leaves, hashed):
    """Merkle tree hash of RFC 6962, section 2.1, of hashed leaves."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashed(b"")
    left = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashed(b"\1" + tree(leaves[:left], hashed) + tree(leaves[left:], hashed))
def blob_root(data): # section 5
    leaves = [blake(b"\0" + data[at : at + 65536]) for at in range(0, max(1, len(data)), 65536)]
    return digest("blob", struct.pack("<Q", len(data)) + tree(leaves, blake))
def vote_bytes(*fields): # section 10: run, height, view, step, hash, lock_view, lock
    return struct.pack("<16sQII32sI32s", *fields)

# ---- section 6: protobuf with exactly one encoding
# A message: its fields in the order of their numbers, each with its kind - u32, u64, double, text, some bytes or a
# number of them, the range of an enum or a message - and, of a list, how many at most.
def message(text, **kinds):
    rows = [row.split() for row in text.split(",")]
    return {at + 1: (name, int(kind) if kind.isdigit() else kinds.get(kind, kind), *map(int, most))
            for at, (name, kind, *most) in enumerate(rows)}

VOTE = message("height u64, member u32, view u32, step u32, hash 32, lock_view u32, lock 32, signature 64")
BLOB = message("size u64, root 32")
ENTRY = message("member u32, weight u64, update blob, norm double, signature 64", blob=BLOB)
ABSENT = message("member u32, reason enum", enum=range(1, 6))
METRIC = message("name text, value double, records u64")
WITNESS = message("member u32, signature 64")
REPORT = message("member u32, report blob, signature 64", blob=BLOB)
CONVICTION = message("first vote, other vote", vote=VOTE)
ROSTER = message("text bytes, signatures signature 64", signature=message("signer text, text bytes"))
AGREEMENT = message("view u32, witness_view u32, log 32, reports report 128, convictions conviction 16, "
                    "roster roster 1", report=REPORT, conviction=CONVICTION, roster=ROSTER)
BLOCK = message("kind enum, run 16, height u64, previous 32, roster 32, job 32, epoch u32, proposer u32, attempt u32, "
                "round u64, time_ms u64, model_in blob, model_out blob, scaling blob, entries entry 1024, "
                "absent absent 1024, metrics metric 16, witnesses witness 1024, note text, agreement agreement 1",
                enum=range(1, 4), blob=BLOB, entry=ENTRY, absent=ABSENT, metric=METRIC, witness=WITNESS,
                agreement=AGREEMENT)
def varint(data, at):
    end = at
    while data[end] > 127:
        end += 1
    value = sum((byte & 127) << 7 * place for place, byte in enumerate(data[at : end + 1]))
    expect(value < 1 << 64 and (data[end] > 0 or end == at), "a number is too large, or not as short as possible")
    return value, end + 1
def field(kind, wire, data, at):
    """One value, and where it ends."""
    expect(wire == (0 if kind in ("u32", "u64") or isinstance(kind, range) else 1 if kind == "double" else 2),
           "a wire type is wrong")
    if wire == 1:
        value = struct.unpack_from("<d", data, at)[0]
        expect(math.isfinite(value), "a number is not finite")
        return value, at + 8
    value, at = varint(data, at)
    if wire == 0:
        expect(kind == "u64" or value < 1 << 32, "a number is larger than its field")
        expect(not isinstance(kind, range) or value in kind, "an unknown value of an enum")
        return value, at
    raw = data[at : at + value]
    expect(len(raw) == value, "a field is longer than its message")
    if kind == "text":
        expect(value <= 200 and not re.search("[\0-\x1f\x7f-\x9f]", raw.decode("utf-8")), "it is no text")
        return raw.decode("utf-8"), at + value
    expect(isinstance(kind, dict) or value == kind or (kind == "bytes" and 0 < value <= 1 << 18),
           "expected %s bytes, seen %d" % (kind, value))
    return decode(kind, raw) if isinstance(kind, dict) else raw, at + value
def decode(schema, data):
    out = {entry[0]: [] for entry in schema.values() if len(entry) == 3}
    at = last = 0
    while at < len(data):
        tag, at = varint(data, at)
        expect(tag >> 3 in schema, "field %d is unknown" % (tag >> 3))
        name, kind, most = (*schema[tag >> 3], 0)[:3]
        value, at = field(kind, tag & 7, data, at)
        expect(tag >> 3 > last or (tag >> 3 == last and most), "fields are out of order")
        last = tag >> 3
        out[name] = out[name] + [value] if most else value
        expect(not most or len(out[name]) <= most, "%s is too long" % name)
    expect(len(out) == len(schema), "a field is missing")
    return types.SimpleNamespace(**out)

# ---- section 8: what the bytes of a block say alone
def is_blob(blob, none=False):
    return 1 <= blob.size <= 1 << 36 if not none else blob.size == 0 and blob.root == ZERO
def members_of(items, what):
    numbers = [item.member for item in items]
    expect(numbers == sorted(set(numbers)), "the members of its %s do not increase" % what)
    return set(numbers)
def is_vote(vote):
    return (vote.step in (1, 2) and vote.lock_view < vote.view
            and (vote.lock_view == 0) == (vote.lock == ZERO) >= (vote.step - 1))
def check_agreement_form(agreement, kind):
    genesis = kind == GENESIS
    signers = [signature.signer for roster in agreement.roster for signature in roster.signatures]
    expect(len(agreement.roster) in ((1,) if genesis else (0,) if kind == FINISH else (0, 1))
           and len(set(signers) - {""}) == len(signers) and bool(signers) == (not genesis and bool(agreement.roster)),
           "its roster does not fit its kind")
    expect(agreement.view >= 1 and (agreement.witness_view == 0) == genesis, "its views do not fit its kind")
    members_of(agreement.reports, "reports")
    expect(all(is_blob(report.report) for report in agreement.reports), "a report of no bytes")
    for one, two in ((conviction.first, conviction.other) for conviction in agreement.convictions):
        expect(is_vote(one) and is_vote(two) and one.hash != two.hash
               and (one.height, one.member, one.view, one.step) == (two.height, two.member, two.view, two.step),
               "a conviction by votes that do not contradict each other")

def read_block(data):
    block = decode(BLOCK, data)
    block.agreement = block.agreement[0] if block.agreement else None
    genesis = block.kind == GENESIS
    members_of(block.witnesses, "witnesses")
    expect(not members_of(block.entries, "entries") & members_of(block.absent, "absent"), "one counts and is absent")
    for entry in block.entries:
        expect(entry.weight >= 1 and entry.norm >= 0 and is_blob(entry.update), "an entry of no weight or update")
    expect(len({one.name for one in block.metrics} - {""}) == len(block.metrics), "metrics without a name of their own")
    expect(is_blob(block.scaling) or is_blob(block.scaling, none=True), "its scaling is half there")
    expect(is_blob(block.model_out) and is_blob(block.model_in, none=genesis), "its models do not fit its kind")
    expect(genesis == (block.height == 0) == (block.previous == ZERO), "its height does not fit its kind")
    expect(not genesis or not (block.round or block.entries or block.absent or block.metrics or block.witnesses),
           "a genesis block of more than a model")
    expect(block.kind != ROUND or (block.round and block.attempt and block.entries), "a round of nobody")
    expect(block.kind != FINISH or (block.model_in == block.model_out and not block.entries and not block.absent),
           "a finish block that changes something")
    expect(block.kind == FINISH or block.note == "", "a note that only a finish block may have")
    if block.agreement:
        check_agreement_form(block.agreement, block.kind)
    return block

# ---- section 2: the roster
def scalar(text):
    quoted = re.fullmatch(r'"((?:[^"\\]|\\["\\])*)"(?: +#.*)?', text)
    plain = re.fullmatch(r"([A-Za-z0-9+/][^\"'{}\[\]#]*?)?(?: +#.*)?", text)
    expect(quoted or plain, "not a value as `panal roster` writes it: " + text)
    return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else plain[1]
def read_yaml(text):
    """The block style that `panal roster` writes: the head, names of signers, members with certificates."""
    head, lists, members, last = {}, {"signers": [], "history": []}, [], None
    for line in (line.rstrip() for line in text.split("\n") if line.strip() and line.strip()[0] != "#"):
        match = re.fullmatch(r"(|  - |    |      )(?:([a-z_]+):)?(?: ?(\S.*))?", line)
        expect(match and (match[2] or match[1] == "  - "), "not a line as `panal roster` writes it: " + line)
        indent, key, value = match.groups()
        if indent == "  - ":
            members.append({}) if key else lists[last].append(scalar(value))
        last = key or last
        if key:
            into = members[-1] if indent else head
            expect(key not in into, key + " stands there twice")
            into[key] = scalar(value or "")
    return head, lists, members

def number(text, most=2**32 - 1):
    expect(re.fullmatch("[1-9][0-9]*", text) and int(text) <= most, "not a number from 1 to %d: %s" % (most, text))
    return int(text)
def binary(text, size):
    raw = base64.b64decode(text, validate=True)
    expect(len(raw) == size and base64.b64encode(raw).decode() == text, "not base64 of %d bytes: %s" % (size, text))
    return raw
def read_member(text):
    member = types.SimpleNamespace(name=text["name"], number=number(text["number"]), role=text["role"],
                                   root=binary(text["root"], 32), node=binary(text["node"], 32))
    expect(re.fullmatch("[a-z][a-z0-9-]{0,30}", member.name), "not a name: " + member.name)
    expect(member.role in ("node", "coordinator"), "not a role: " + member.role)
    begin, end = (calendar.timegm(time.strptime(text[at], "%Y-%m-%dT%H:%M:%SZ")) for at in ("not_before", "not_after"))
    said = struct.pack("<32sIQQ", member.name.encode(), number(text["serial"]), begin, end)
    said += member.node + binary(text["transport"], 32)
    expect(begin < end and signed(member.root, binary(text["signature"], 64), domain("certificate", said)),
           "%s's certificate is not signed by its root key" % member.name)
    return member

class Roster:
    def __init__(self, raw):
        head, lists, members = read_yaml(raw.decode("utf-8"))
        self.raw, self.hash, self.signers = raw, digest("roster", raw), lists["signers"]
        self.epoch, self.federation, self.swarm = number(head["epoch"]), head["federation"], head["mode"] == "swarm"
        past = [bytes.fromhex(one) for one in lists["history"] + [head["previous"]] if one]
        self.known = past + [self.hash] # epochs, oldest first
        self.members = sorted(map(read_member, members), key=lambda member: member.number)
        self.by_number = {member.number: member for member in self.members}
        self.last = max(number(head.get("last_number", "1")), *self.by_number)
        leaders, count = [one for one in self.members if one.role == "coordinator"], len(self.members)
        expect(head["version"] == "1" and head["mode"] in ("swarm", "coordinator")
               and head.get("quorum", "bft") in ("bft", "majority"), "an unknown version, mode or quorum")
        expect(len(leaders) == (not self.swarm) and count >= 2, "%d coordinators of %d" % (len(leaders), count))
        for what in ("number", "name", "root", "node"):
            expect(len({getattr(member, what) for member in self.members}) == count, "a %s stands twice" % what)
        self.coordinator = leaders[0] if leaders else None
        self.quorum = count // 2 + 1 if head.get("quorum") == "majority" else count * 2 // 3 + 1
        self.roots = {member.name: member.root for member in self.members}
        expect(len(set(self.signers) & set(self.roots)) == len(self.signers), "signers that are no members")
        self.threshold = number(head["threshold"], len(self.signers))

    def check_signed(self, raw, signature_of):
        valid = [name for name in self.signers if minisigned(signature_of(name), raw, self.roots[name])]
        expect(len(valid) >= self.threshold, "a roster has %d signatures, needs %d" % (len(valid), self.threshold))

    def next(self, carried, trusted): # section 2: the epoch after this one
        after, by = Roster(carried.text), {signature.signer: signature.text for signature in carried.signatures}
        expect((after.epoch, after.federation, after.swarm) == (self.epoch + 1, self.federation, self.swarm)
               and after.known[:-1] == self.known[-257:], "the roster that it brings is not the next epoch")
        new = [one.number for one in after.members if one.number not in self.by_number]
        expect(len(new) < after.quorum and after.last >= self.last and min(new, default=after.last + 1) > self.last,
               "its new members are too many, or have numbers of others")
        expect(after.epoch > trusted.epoch or after.hash in trusted.known, "the trusted roster does not name its next")
        for roster in (self, after):
            roster.check_signed(after.raw, lambda name: by.get(name, b""))
        return after

    def node_of(self, who, what):
        member = self.by_number.get(who)
        expect(member is not None and member.role == "node", "%s: member %d is no node of the roster" % (what, who))
        return member
    def check_certificate(self, run, height, view, block, witnesses):
        """A quorum of precommits for the block of that height and hash."""
        for vote in witnesses:
            self.check("vote", vote.member, vote.signature, vote_bytes(run, height, view, 2, block, 0, ZERO))
        expect(len(witnesses) >= self.quorum, "block %d: %d votes, not %d" % (height, len(witnesses), self.quorum))
    def check(self, name, who, signature, data): # of a node
        member = self.node_of(who, name)
        expect(signed(member.node, signature, domain(name, data)), "%s: not signed by %s" % (name, member.name))

def trusted_roster(path):
    roster = Roster(read(path))
    roster.check_signed(roster.raw, lambda name: read_if("%s.%s.minisig" % (path, name)))
    return roster
def minisigned(text, raw, root):
    match = re.fullmatch(b"untrusted comment: [^\n]*\n([^\n]{100})\ntrusted comment: ([^\0-\x1f\x7f]{0,256})\n"
                         b"([^\n]{88})\n", text)
    if len(text) > 1024 or match is None:
        return False
    first, both = base64.b64decode(match[1], validate=True), base64.b64decode(match[3], validate=True)
    return (first[:10] == b"ED" + blake(root)[:8] and signed(root, first[10:], hashlib.blake2b(raw).digest())
            and signed(root, both, first[10:] + match[2]))

# ---- section 8: segment files
@functools.lru_cache(None)
def crc_of_byte(value):
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value
def crc32c(data):
    return functools.reduce(lambda crc, byte: crc >> 8 ^ crc_of_byte(crc & 255 ^ byte), data, 2**32 - 1) ^ 2**32 - 1
def payload_at(data, at):
    """The payload of the record that begins there, or None where none is whole."""
    if at + 40 > len(data):
        return None
    length, crc = struct.unpack_from("<II", data, at)
    payload, tail = data[at + 8 : at + 8 + length], data[at + 8 + length : at + 40 + length]
    if length > MIB or len(tail) < 32 or crc32c(data[at : at + 4] + payload) != crc:
        return None
    return payload if digest("record", payload) == tail else None
def is_torn(data, at):
    rest = data[at:]
    if len(rest) < 8:
        return True
    edges = [at] + list(range((at // 512 + 1) * 512, len(data), 512)) + [len(data)]
    lost = any(b - a >= 16 and not any(data[a:b]) for a, b in zip(edges, edges[1:]))
    length = struct.unpack_from("<I", rest)[0]
    if not lost and not (length <= MIB and 40 + length > len(rest)):
        return False
    if len(rest) >= 40 and digest("record", rest[8:-32]) == rest[-32:]:
        return False
    return not any(struct.unpack_from("<I", rest, k)[0] == len(rest) - k - 40 and payload_at(rest, k) is not None
                   for k in range(1, len(rest) - 39))
def read_records(folder):
    records = []
    names = sorted(name for name in os.listdir(folder) if re.fullmatch(r"\d{12}\.seg", name))
    for name in names:
        data, at = read(folder, name), 16
        expect(data[:8] == b"PNLLOG1\0" and len(data) >= 16, name + " does not begin as a segment")
        expect(struct.unpack_from("<Q", data, 8)[0] == int(name[:12]) == len(records),
               name + " is not where the segment before it ends")
        while at < len(data):
            payload = payload_at(data, at)
            if payload is None:
                expect(name == names[-1] and len(data) - at <= MIB + 40 and is_torn(data, at),
                       "%s is damaged at offset %d" % (name, at))
                break
            records.append(payload)
            at += 40 + len(payload)
    expect(records, "the ledger has no block")
    return records

# ---- section 8: the chain
def job_of(name, directory): # its text without comments, or nothing where it is not here
    text = read_if(directory, "job.yaml")
    return re.sub(rb"(^|\s)#[^\n]*", b"", text) if digest("job", text) == name else b""

class Chain:
    def __init__(self, roster, directory):
        self.roster = self.voters = self.past = self.trusted = roster # in force; for the head; before it; given
        self.directory, self.job, self.sparse, self.leaves = directory, b"", False, []
        self.height, self.round, self.head, self.before, self.genesis, self.since = 0, 0, ZERO, None, None, 0
    def take(self, record):
        expect(len(record) > 64, "a record without a block")
        block, name = read_block(record[64:]), digest("block", record[64:])
        carried = block.agreement.roster if block.agreement and self.roster.swarm else []
        if self.genesis is None and carried:
            self.roster = self.past = Roster(carried[0].text)
            expect(self.roster.hash in self.trusted.known, "the trusted roster does not name that of genesis")
        self.check_place(block)
        self.check_proposer(block, record[:64], name)
        self.check_entries(block)
        if self.roster.swarm:
            self.check_agreement(block, block.agreement)
        else:
            for witness in block.witnesses:
                self.roster.check("witness", witness.member, witness.signature, block.previous)
        self.voters = self.roster
        if self.genesis is None:
            self.genesis, self.job = block, job_of(block.job, self.directory)
            self.sparse = not self.roster.swarm and bool(re.search(rb"\bfollow:\s*[\"']?cohort\b", self.job))
        elif carried:
            self.past, self.roster = self.roster, self.roster.next(carried[0], self.trusted)
            self.since = block.height + 1
        self.height, self.round, self.head, self.before = block.height + 1, block.round, name, block
        self.leaves.append(sha256(b"\0" + record[64:]))
        return block
    def check_place(self, block):
        expect(self.before is None or self.before.kind != FINISH, "it comes after the end of the run")
        gap = self.sparse and block.height > self.height
        expect(gap or block.height == self.height, "expected height %d, seen %d" % (self.height, block.height))
        expect(gap or block.previous == self.head, "it does not name the block before it")
        expect(block.roster == self.roster.hash and block.epoch == self.roster.epoch, "it is of another roster")
        if self.genesis is None:
            return
        expect(block.run == self.genesis.run and block.job == self.genesis.job, "it is of another run or job")
        expect(block.scaling == self.genesis.scaling, "its scaling is not that of genesis")
        least = self.round + (block.kind == ROUND)
        most = self.round + block.height - self.height + 1 if gap else least
        expect(least <= block.round <= most, "expected round %d, seen %d" % (least, block.round))
        expect(gap or block.model_in == self.before.model_out, "its model is not that of the block before")
    def check_proposer(self, block, signature, name):
        roster = self.roster
        expect(roster.swarm == (block.agreement is not None), "it is not of this kind of federation")
        leader = roster.coordinator
        if roster.swarm:
            leader = roster.members[(block.height + block.agreement.view - 1) % len(roster.members)]
        expect(block.proposer == leader.number, "expected %s as proposer, seen %d" % (leader.name, block.proposer))
        expect(signed(leader.node, signature, domain("block", name)), "it is not signed by " + leader.name)
    def check_entries(self, block):
        expect(sum(entry.weight for entry in block.entries) < 1 << 31, "its weights are too large together")
        for entry in block.entries:
            said = struct.pack("<16sQIQ32sQ32sQ", block.run, block.round, entry.member, block.model_in.size,
                               block.model_in.root, entry.update.size, entry.update.root, entry.weight)
            self.roster.check("update", entry.member, entry.signature, said)
        for absent in block.absent:
            self.roster.node_of(absent.member, "absent")
    def check_agreement(self, block, how):
        expect(how.log == tree(self.leaves, sha256), "its log is not that of the blocks before")
        if block.height > 0:
            self.voters.check_certificate(block.run, block.height - 1, how.witness_view, block.previous,
                                          block.witnesses)
        for one in how.reports:
            said = struct.pack("<16sQIQ32s", block.run, block.height, one.member, one.report.size, one.report.root)
            self.roster.check("report", one.member, one.signature, said)
        for one in (one for pair in how.convictions for one in (pair.first, pair.other)):
            said = domain("vote", vote_bytes(block.run, one.height, one.view, one.step, one.hash, one.lock_view, one.lock))
            by = (self.past if one.height < self.since else self.roster).by_number.get(one.member)
            expect(by and one.height <= block.height and signed(by.node, one.signature, said), "conviction: not signed")

def check_head(chain):
    """Section 10: the files beside a swarm's ledger."""
    height, data = chain.height - 1, read(chain.directory, "certificate.%d" % (1 - chain.height % 2))
    of, view, count = struct.unpack_from("<QII", data)
    expect(of == height and len(data) == 16 + 68 * count, "the votes beside the ledger are not for its head")
    votes = [types.SimpleNamespace(member=who, signature=by) for who, by in struct.iter_unpack("<I64s", data[16:])]
    members_of(votes, "votes for the head")
    chain.voters.check_certificate(chain.genesis.run, height, view, chain.head, votes)
    highest, name = struct.unpack("<Q32s", read_if(chain.directory, "summit") or struct.pack("<Q", height) + chain.head)
    expect(highest <= height, "the ledger ends before block %d, which it held: an older copy was put back" % highest)
    expect(highest < height or name == chain.head, "block %d is not the one that this ledger held" % height)

# ---- section 7: models and aggregates
def load(directory, folder, blob):
    """The bytes of a blob, or None where it is not kept."""
    name = os.path.join(directory, folder, blob.root.hex())
    data = read(name) if os.path.isfile(name) and os.path.getsize(name) == blob.size else None
    expect(data is None or blob_root(data) == blob.root, "%s: its bytes do not hash to its name" % name)
    return data
def numbers_of(kind, data):
    return struct.unpack("<%d%s" % (len(data) // 4, kind), data)
def limit(text, key, default):
    found = re.findall(rb"^limits:(.*?)(?=^[^\s}]|\Z)", text, re.M | re.S)
    parts = re.split(rb"\b(update_norm|weight): *([\d.eE+-]+)", found[0] if found else b"")
    expect(len(re.findall(rb"limits[\"']?\s*:", text)) == len(found) and not b"".join(parts[::3]).strip(b"{}, \r\n"),
           "limits: not written in a way that this verifier reads")
    return float(dict(zip(parts[1::3], parts[2::3])).get(key, default)) if text else math.inf # else nobody knows
def check_round(chain, block, after):
    """How the round was checked."""
    size, total, gone = block.model_out.size, sum(entry.weight for entry in block.entries), []
    expect(block.model_in.size == size and size % 4 == 0, "the model changed its size, or is of no numbers")
    longest = min(128 * math.sqrt(size / 4), limit(chain.job, b"update_norm", 100))
    sums, heaviest = [0] * (size // 4), limit(chain.job, b"weight", 1000000)
    for entry in block.entries:
        expect(entry.update.size == size and entry.norm <= longest and entry.weight <= heaviest,
               "the update of member %d has another size, norm or weight than the job allows" % entry.member)
        data = load(chain.directory, "updates", entry.update)
        if data is None:
            gone.append(entry.weight * entry.norm / total)
            continue
        update = numbers_of("i", data)
        expect(math.sqrt(sum(q * q for q in update)) / 2.0**24 == entry.norm,
               "the norm of the update of member %d is another" % entry.member)
        sums = [s + entry.weight * q for s, q in zip(sums, update)]
    before = after and load(chain.directory, "models", block.model_in)
    if not before:
        return "by hash only"
    start, end, mean = numbers_of("f", before), numbers_of("f", after), [float(s) / (total * 2.0**24) for s in sums]
    if not gone:
        expect(after == struct.pack("<%df" % len(start), *(a + m for a, m in zip(start, array.array("f", mean)))),
               "the model is not the weighted mean of the committed updates")
        return "recomputed"
    rest = math.sqrt(math.fsum((b - a - m) ** 2 for a, b, m in zip(start, end, mean)))
    slack = (math.hypot(*end) + sum(entry.weight * entry.norm for entry in block.entries) / total) / 2.0**23
    expect(2 * max(gone) - sum(gone) - slack <= rest <= sum(gone) + slack < math.inf,
           "the model moved by %g more than by the updates that are kept: the others cannot have done that" % rest)
    return "spot-checked"
def check_blobs(chain, block, seen):
    if is_blob(block.scaling):
        load(chain.directory, "scaling", block.scaling)
    for report in block.agreement.reports if block.agreement else ():
        load(chain.directory, "reports", report.report)
    after = None if block.kind == FINISH else load(chain.directory, "models", block.model_out)
    seen["models"] += after is not None
    if block.kind == ROUND:
        seen[check_round(chain, block, after)] += 1

# ---- all of it
def verify(options):
    chain, known = Chain(trusted_roster(options.roster), options.directory), set()
    seen = dict.fromkeys(("models", "recomputed", "spot-checked", "by hash only"), 0)
    for index, record in enumerate(read_records(os.path.join(options.directory, "ledger"))):
        try:
            check_blobs(chain, chain.take(record), seen)
        except FAULTS as fault:
            raise Fault("block %d: %s" % (index, fault)) from None
        known.add(chain.head.hex())
    if chain.roster.swarm:
        check_head(chain)
    expect(not options.head or options.head in known, "block %s is not in this ledger" % options.head)
    return "verified: %d blocks to round %d; %s\nhead %s" % (
        len(known), chain.round, ", ".join("%d %s" % (seen[what], what) for what in seen), chain.head.hex())

def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory", metavar="DIR")
    parser.add_argument("--roster", required=True)
    parser.add_argument("--head")
    options = parser.parse_args()
    try:
        print(verify(options))
    except FAULTS as fault:
        sys.exit("%s: NOT verified: %s" % (options.directory, fault))

if __name__ == "__main__":
    main()

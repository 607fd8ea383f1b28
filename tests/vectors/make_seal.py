#!/usr/bin/env python3
"""Writes tests/vectors/seal.h with PyNaCl and hashlib: keys that two members agree on, and what they seal.

    python3 tests/vectors/make_seal.py > tests/vectors/seal.h
"""
import hashlib

from nacl import bindings


def secret(first):
    return bytes((first + k) & 255 for k in range(32))


def public(first):
    return bindings.crypto_scalarmult_base(secret(first))


def h(domain, data):
    return hashlib.blake2b(b"panal " + domain + b"\0" + data, digest_size=32).digest()


def agree(own, theirs, own_session=None, their_session=None):
    shared = bindings.crypto_scalarmult(secret(own), public(theirs))
    if own_session is None:
        return h(b"relay greeting", shared)
    return h(b"relay", shared + bindings.crypto_scalarmult(secret(own_session), public(their_session)))


def message(size):
    return bytes(k * 7 & 255 for k in range(size))


def seal(key, about, data):
    nonce = h(b"relay nonce", key + about + data)[:24]
    return nonce + bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(data, about, nonce, key)


def literal(data, indent=5):
    text = data.hex()
    return "\n".join(f'{" " * indent}"{text[at:at + 64]}"' for at in range(0, len(text), 64))


def main():
    print("/* Made by tests/vectors/make_seal.py with PyNaCl. */")
    print("#ifndef TESTS_VECTORS_SEAL_H\n#define TESTS_VECTORS_SEAL_H\n")
    print("#include <stddef.h>\n#include <stdint.h>\n")
    print("/* Secrets are 32 bytes: first, first + 1, ...; session 0: a greeting. Byte k of the message is\n"
          " * k * 7 & 255; about: byte k is k. */")
    print("static const struct {\n    uint8_t     ends[4]; /* own, theirs, own session, their session */\n"
          "    size_t      size, about_size;\n    const char *key, *sealed;\n} seal_vectors[] = {")
    for own, theirs, own_session, their_session, size, about in [
            (1, 2, 0, 0, 0, 0), (1, 2, 0, 0, 192, 12), (9, 100, 3, 4, 1, 12), (9, 100, 3, 4, 300, 12),
            (200, 17, 5, 250, 64, 3)]:
        key = agree(own, theirs, own_session or None, their_session or None)
        assert key == agree(theirs, own, their_session or None, own_session or None)
        print(f"    {{{{{own}, {theirs}, {own_session}, {their_session}}}, {size}, {about},\n{literal(key)},\n"
              f"{literal(seal(key, bytes(range(about)), message(size)))}}},")
    print("};\n\n#endif")


main()

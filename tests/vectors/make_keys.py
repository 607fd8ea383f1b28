#!/usr/bin/env python3
"""Writes tests/vectors/keys.h with PyNaCl: signatures, a certificate, fingerprints and key files.

    python3 tests/vectors/make_keys.py > tests/vectors/keys.h
"""
import base64
import hashlib
import struct

from nacl import pwhash, secret, signing
from nacl.public import PrivateKey


def seed(i):
    return bytes((i + k) & 255 for k in range(32))


def b64(data):
    return base64.b64encode(data).decode()


def sign(i, domain, data):
    return signing.SigningKey(seed(i)).sign(b"panal " + domain + b"\0" + data).signature


def literal(text, indent):
    """A C string literal in lines of at most 64 characters."""
    lines = [text[at:at + 64] for at in range(0, len(text), 64)]
    return "\n".join(f'{" " * indent}"{line}"' for line in lines)


def message(size):
    return bytes(k * 7 & 255 for k in range(size))


def main():
    print("/* Made by tests/vectors/make_keys.py with PyNaCl. */")
    print("#ifndef TESTS_VECTORS_KEYS_H\n#define TESTS_VECTORS_KEYS_H\n")
    print("#include <stddef.h>\n#include <stdint.h>\n")
    print("/* The seed is 32 bytes: first, first + 1, ...; byte k of the message is k * 7 & 255. */")
    print("static const struct {\n    uint8_t     first;\n    const char *domain;\n"
          "    size_t      size;\n    const char *public_key, *signature;\n} sign_vectors[] = {")
    for i, domain, size in [(0, "frame", 0), (1, "frame", 128), (2, "update", 124), (3, "block", 32),
                            (4, "witness", 32), (5, "certificate", 1024)]:
        public = bytes(signing.SigningKey(seed(i)).verify_key)
        signature = sign(i, domain.encode(), message(size))
        print(f'    {{{i}, "{domain}", {size},\n{literal(public.hex(), 5)},\n'
              f'{literal(signature.hex(), 5)}}},')
    print("};\n")

    body = (b"bank-a".ljust(32, b"\0") + struct.pack("<IQQ", 7, 1700000000, 1800000000)
            + bytes([0x11]) * 32 + bytes([0x22]) * 32)
    print("/* bank-a, serial 7, 1700000000 to 1800000000, keys 0x11.. and 0x22.., root seed 9. */")
    signature = sign(9, b"certificate", body)
    print(f'static const char certificate_signature[] =\n{literal(signature.hex(), 4)};\n')

    fingerprint = b64(hashlib.sha256(bytes([0x11]) * 32).digest()).rstrip("=")
    print(f'static const char fingerprint_of_11[] = "SHA256:{fingerprint}";\n')

    key = signing.SigningKey(seed(40))
    pair = bytes(key) + bytes(key.verify_key)
    print("/* Seed 40, and a transport secret of the same bytes. */")
    print('static const char node_key_file[] =\n    "panal node key\\n"\n'
          f'    "public {b64(bytes(key.verify_key))}\\n"\n{literal("secret " + b64(pair), 4)}"\\n";')
    box = PrivateKey(seed(40))
    print('static const char transport_key_file[] =\n    "panal transport key\\n"\n'
          f'    "public {b64(bytes(box.public_key))}\\n"\n    "secret {b64(bytes(box))}\\n";')

    salt, nonce = bytes(range(16)), bytes(range(24))
    kdf = pwhash.argon2id
    sealing = kdf.kdf(32, b"correct horse", salt, opslimit=kdf.OPSLIMIT_MODERATE,
                      memlimit=kdf.MEMLIMIT_MODERATE)
    sealed = salt + nonce + secret.SecretBox(sealing).encrypt(pair, nonce).ciphertext
    print('/* The passphrase is "correct horse". */')
    print('static const char sealed_key_file[] =\n    "panal root key\\n"\n'
          f'    "public {b64(bytes(key.verify_key))}\\n"\n{literal("sealed " + b64(sealed), 4)}"\\n";'
          "\n\n#endif")


main()

#!/usr/bin/env python3
"""Decrypts one stored object without Beringia, by docs/formats/encrypted-objects.md alone.

    python3 -m pip install cryptography
    tools/decrypt/decrypt.py FILE --sealing-key DATA/sealing-key > plain          # encrypted with the server's own key
    tools/decrypt/decrypt.py FILE --key-file KEYS > plain                         # with a key of a key file
    tools/decrypt/decrypt.py FILE --customer-key BASE64 > plain                   # with its customer's key (SSE-C, CSEK)

FILE is a file of a `file` backend, whose extended attribute tells the rest. For an object that was fetched from a
bucket give the value of its metadata beringia-encryption: --attribute '1;method=...'.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import pathlib
import sys
import urllib.parse
from collections.abc import Iterator

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SEGMENT, TAG, HEADER = 64 << 10, 16, 40
METHODS = {"server": b"1", "named": b"2", "customer": b"3"}


def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt, info).derive(key)


def attribute_of(file: pathlib.Path) -> str:
    for line in os.getxattr(file, "user.beringia.object").decode().splitlines():
        name, _, value = line.partition("=")
        if name == "@beringia-encryption":
            return urllib.parse.unquote(value)
    raise SystemExit(f"{file} is not encrypted")


def wrapping_key(fields: dict[str, str], options: argparse.Namespace) -> bytes:
    if fields["method"] == "customer":
        return base64.b64decode(options.customer_key)
    wanted = urllib.parse.unquote(fields["key"])
    if options.key_file:
        for line in options.key_file.read_text().splitlines():
            words = line.split()
            if len(words) == 2 and words[0] == wanted:
                return base64.b64decode(words[1])
    if options.sealing_key:
        own = hkdf(options.sealing_key.read_bytes(), b"", b"beringia server encryption key")
        if wanted == "server/" + hashlib.sha256(own).hexdigest()[:16]:
            return own
    raise SystemExit(f"the key {wanted} is needed")


def data_key(fields: dict[str, str], options: argparse.Namespace) -> bytes:
    wrapped = base64.b64decode(fields["wrapped"])  # version 1 B | nonce 12 B | ciphertext | tag 16 B
    context = urllib.parse.unquote(fields.get("context", "")).encode()
    bound_to = b"beringia data key\0" + METHODS[fields["method"]] + b"\0" + context
    return AESGCM(wrapping_key(fields, options)).decrypt(wrapped[1:13], wrapped[13:], bound_to)


def streams(fields: dict[str, str]) -> Iterator[int]:
    """Plain bytes of each stream."""
    if "streams" not in fields:
        yield int(fields["size"])
        return
    for run in fields["streams"].split(","):
        size, _, count = run.partition("*")
        yield from [int(size)] * int(count or 1)


def plain(stored, fields: dict[str, str], key: bytes) -> Iterator[bytes]:
    for size in streams(fields):
        header = stored.read(HEADER)
        if header[:8] != b"BRES\x01\x10\0\0":
            raise SystemExit("this is another format")
        cipher = AESGCM(hkdf(key, header[8:], b"beringia encrypted stream" + header[:8]))
        count = max(1, -(-size // SEGMENT))
        for number in range(count):
            last = number == count - 1
            sealed = stored.read((size - number * SEGMENT if last else SEGMENT) + TAG)
            yield cipher.decrypt(number.to_bytes(8, "big") + b"\0\0\0" + bytes([last]), sealed, None)
    if stored.read(1):
        raise SystemExit("there are more bytes than the object has")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--attribute", help="beringia-encryption; otherwise read from the file's extended attribute")
    parser.add_argument("--key-file", type=pathlib.Path)
    parser.add_argument("--sealing-key", type=pathlib.Path)
    parser.add_argument("--customer-key", help="base64")
    options = parser.parse_args()
    attribute = options.attribute or attribute_of(options.file)
    version, *pairs = attribute.split(";")
    if version != "1":
        raise SystemExit("this is another format")
    fields = dict(pair.partition("=")[::2] for pair in pairs)
    key = data_key(fields, options)
    with options.file.open("rb") as stored:
        for piece in plain(stored, fields, key):
            sys.stdout.buffer.write(piece)


if __name__ == "__main__":
    main()

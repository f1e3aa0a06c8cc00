#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second implementation of firmware-protocol/PROTOCOL.md, chapters 1 to 3, sharing nothing with the C++ one.

Prints the golden vectors; firmware_frames.json is its output. With --check FILE it compares instead (exit 1 if they differ).
"""
import json
import struct
import sys

CHANNELS, MARKER, EXTEND, MISSED, PAD = 12, 12, 13, 14, 15


def crc16(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
    return crc


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def cobs(data):
    out = bytearray()
    pieces = data.split(b"\0")
    for piece in pieces:
        while len(piece) >= 254:
            out += b"\xff" + piece[:254]
            piece = piece[254:]
        out += bytes([len(piece) + 1]) + piece
    return bytes(out)


def frame(kind, payload, flags=0, seq=0, ack=0, version=1):
    header = struct.pack("<BBBBHHH", 0xD7, version, kind, flags, seq, ack, len(payload))
    whole = header + struct.pack("<H", crc16(header)) + payload
    return whole + struct.pack("<I", crc32c(whole))


def tag_payload(block_seq, base, first_index, lost, flags, words):
    packed = b"".join(struct.pack("<I", kind << 28 | value) for kind, value in words)
    return struct.pack("<IQQIHH", block_seq, base, first_index, lost, flags, 0) + packed


def events(base, words):
    tick, extension, out = base, 0, []
    for kind, value in words:
        if kind < CHANNELS:
            tick, extension = tick + extension + value, 0
            out.append({"kind": kind, "tick": tick})
        elif kind == EXTEND:
            extension += value << 28
        elif kind != PAD:
            out.append({"kind": kind, "value": value})
    return out


def frame_vector(name, kind, payload, **fields):
    raw = frame(kind, payload, **fields)
    header = {"version": 1, "type": kind, "flags": 0, "seq": 0, "ack": 0} | fields
    return {"name": name} | header | {"payload": payload.hex(), "raw": raw.hex(), "serial": (cobs(raw) + b"\0").hex()}


def tag_vector(name, seq, base, first_index, lost, flags, words):
    payload = tag_payload(seq, base, first_index, lost, flags, words)
    return {"name": name, "block_seq": seq, "base_tick": base, "first_index": first_index, "lost": lost, "flags": flags,
            "payload": payload.hex(), "events": events(base, words),
            "raw": frame(0x40, payload, seq=seq & 0xFFFF).hex()}


def refused(name, verdict, raw):
    return {"name": name, "verdict": verdict, "raw": raw.hex()}


def flipped(data, at, bit):
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1:]


def vectors():
    heartbeat = struct.pack("<IHH", 1000, 0, 0)
    good = frame(0x02, heartbeat, seq=1)
    ramp, nonzero = bytes(range(32)), bytes(i % 255 + 1 for i in range(600))
    crc_inputs = [b"", b"\0", b"123456789", bytes(32), b"\xff" * 32, ramp, ramp[::-1]]
    cobs_inputs = [b"\0", b"\0\0", b"\1", b"\1\0\2", b"\0\1\0", nonzero[:253], nonzero[:254], nonzero[:255],
                   nonzero[:254] + b"\0", b"\0" + nonzero[:254], nonzero[:508], nonzero]
    return {
        "schema": "nicol.firmware-frames/1",
        "source": "tests/vectors/firmware_frames.py; CRC-32C of 32 bytes also in RFC 3720, B.4",
        "crc": [{"bytes": b.hex(), "crc16": f"{crc16(b):04x}", "crc32c": f"{crc32c(b):08x}"} for b in crc_inputs],
        "cobs": [{"plain": b.hex(), "stuffed": cobs(b).hex()} for b in cobs_inputs],
        "frames": [
            frame_vector("heartbeat", 0x02, heartbeat, seq=1),
            frame_vector("empty payload, all numbers at their largest", 0x35, b"", flags=31, seq=0xFFFF, ack=0xFFFF),
            frame_vector("answer", 0x03, struct.pack("<HH", 3, 7), flags=4, seq=2, ack=0x1234),
            frame_vector("vendor, payload of magic bytes", 0x7F, b"\xd7" * 40, seq=3),
            frame_vector("another major version", 0x01, heartbeat, flags=0xE0, seq=9, version=2),
            frame_vector("a run of 254 inside", 0x12, nonzero, seq=300),
        ],
        "tag_blocks": [
            tag_vector("tags, extension, loss", 7, 1 << 32, 42, 0, 0, [(0, 1000), (EXTEND, 2), (3, 5), (MISSED, 9)]),
            tag_vector("empty", 0, 0, 0, 0, 0, []),
            tag_vector("stream end", 0x10000, (1 << 62) - 1, 1 << 40, 0, 2, []),
            tag_vector("two extensions, marker and pad between", 1, 5, 0, 0, 0,
                       [(EXTEND, (1 << 28) - 1), (MARKER, 77), (EXTEND, 1), (PAD, 3), (11, (1 << 28) - 1), (4, 0)]),
            tag_vector("overflow", 2, 0, 10, 0xFFFFFFFF, 1, [(MISSED, (1 << 28) - 1), (MISSED, 1), (2, 3)]),
        ],
        "refused": [
            refused("header bit", "bad_header", flipped(good, 8, 4)),
            refused("header CRC bit", "bad_header", flipped(good, 11, 0)),
            refused("payload bit", "bad_payload", flipped(good, 12, 0)),
            refused("frame CRC bit", "bad_payload", flipped(good, len(good) - 1, 7)),
            refused("magic", "noise", flipped(good, 0, 0)),
            refused("flag bit 5", "unknown_flags", frame(0x02, heartbeat, flags=0x20)),
            refused("flag bit 7", "unknown_flags", frame(0x02, heartbeat, flags=0x80)),
            refused("control frame with 4097 bytes", "bad_header", frame(0x12, bytes(4097))[:40]),
            refused("tag block with 16385 bytes", "bad_header", frame(0x40, bytes(16385))[:40]),
            refused("header alone", "unfinished", good[:12]),
            refused("eleven bytes", "unfinished", good[:11]),
            refused("last byte missing", "unfinished", good[:-1]),
        ],
    }


def main():
    made = vectors()
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        with open(sys.argv[2], encoding="utf-8") as file:
            return 0 if json.load(file) == made else 1
    print(json.dumps(made, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Logs and checkpoints of a segment index, made without the library: postcard by hand."""

import checkpoint_test


def varint(number):
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes(encoded + bytes([number]))


def sequence(items):
    return varint(len(items)) + b"".join(items)


def add(segment, documents):
    return b"\0" + varint(segment) + varint(documents)


def start(transaction, segments):
    return b"\1" + varint(transaction) + sequence([varint(x) for x in segments])


def cancel(transaction, segments):
    return b"\2" + start(transaction, segments)[1:]


def end(transaction, new, old, remapped):
    return (b"\3" + varint(transaction) + varint(new) + sequence([varint(x) for x in old])
            + sequence([varint(x) + varint(y) for x, y in remapped]))


def delete(*documents):
    return b"\4" + sequence([varint(x) + varint(y) for x, y in documents])


def marker(path, last):
    return b"\5" + varint(len(path)) + path.encode() + varint(last)


def write_checkpoint(path, last, segments):
    """segments: {id: (documents, deletes)}"""
    payload = sequence([varint(segment) + varint(documents) + sequence([varint(x) for x in sorted(deletes)])
                        for segment, (documents, deletes) in sorted(segments.items())])
    checkpoint_test.write(path, last, payload)

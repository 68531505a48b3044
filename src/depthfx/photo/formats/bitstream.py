"""The size that a coded picture really has, by the headers of its own bitstream.

A container says a size as well, which a decoder does not go by when it takes memory.

ITU-T H.265 (HEVC) 7.3.1, 7.3.2.2, 7.3.3; ISO/IEC 14496-15 (hvcC);
AV1 Bitstream & Decoding Process Specification 5.3, 5.5; AV1-ISOBMFF (av1C).
"""

from __future__ import annotations

from collections.abc import Iterator

from depthfx.errors import PhotoError

MOST_UNITS = 20_000
"""NAL units or OBUs in one picture; a slice for each row of blocks would be 512."""

SPS, SEQUENCE_HEADER = 33, 1
"""The type numbers of the units that hold the size, in HEVC and AV1."""


class Bits:
    """Reads bits, the highest of each byte first. Raises PhotoError past the end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> int:
        start, self.at = self.at, self.at + count
        last = (self.at + 7) // 8
        if last > len(self.data):
            raise PhotoError("is damaged: a header in its picture is cut off")
        value = int.from_bytes(self.data[start // 8 : last], "big") >> (8 * last - self.at)
        return value & ((1 << count) - 1)

    def exp_golomb(self) -> int:
        """H.265 9.2: ue(v)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise PhotoError("is damaged: a number in its picture's header is too long")
        return (1 << zeros) - 1 + self.take(zeros)


def without_emulation(unit: bytes) -> bytes:
    """A NAL unit without the bytes that keep start codes out of it."""
    return unit.replace(b"\0\0\3", b"\0\0")


def nal_units(data: bytes, length_bytes: int) -> Iterator[bytes]:
    """The NAL units of an item, each of which its length stands before."""
    at = 0
    for _ in range(MOST_UNITS):
        if at + length_bytes > len(data):
            return
        start = at + length_bytes
        at = start + int.from_bytes(data[at:start], "big")
        yield data[start:at]
    raise PhotoError(f"is damaged: more than {MOST_UNITS} units in one coded picture")


def hevc_sizes(configuration: bytes, data: bytes) -> Iterator[tuple[int, int]]:
    """Width and height by every sequence parameter set of an item.

    configuration : the body of its hvcC box; data : the coded picture, where sets may be too
    """
    if len(configuration) < 23:
        raise PhotoError("is damaged: the configuration of its picture is cut off")
    at = 23
    for _ in range(configuration[22]):
        count = int.from_bytes(configuration[at + 1 : at + 3], "big")
        at += 3
        for _ in range(count):
            end = at + 2 + int.from_bytes(configuration[at : at + 2], "big")
            if end > len(configuration):
                raise PhotoError("is damaged: the configuration of its picture is cut off")
            yield from _size_of_sps(configuration[at + 2 : end])
            at = end
    for unit in nal_units(data, (configuration[21] & 3) + 1):
        yield from _size_of_sps(unit)


def _size_of_sps(unit: bytes) -> Iterator[tuple[int, int]]:
    if len(unit) < 2 or unit[0] >> 1 & 63 != SPS or (unit[0] & 1) << 5 | unit[1] >> 3:
        return  # another kind of unit, or of a further layer
    bits = Bits(without_emulation(unit[2:4096]))
    bits.take(4)
    sub_layers = bits.take(3)
    bits.take(1 + 96)  # nesting; profile and level
    present = [(bits.take(1), bits.take(1)) for _ in range(sub_layers)]
    bits.take(2 * (8 - sub_layers) if sub_layers else 0)
    for profile, level in present:
        bits.take(88 * profile + 8 * level)
    bits.exp_golomb()
    if bits.exp_golomb() == 3:  # 4:4:4 may have its planes apart
        bits.take(1)
    yield bits.exp_golomb(), bits.exp_golomb()


def av1_sizes(configuration: bytes, data: bytes) -> Iterator[tuple[int, int]]:
    """Width and height by every sequence header of an item.

    configuration : the body of its av1C box; data : the coded picture
    """
    for units in (configuration[4:], data):
        at = 0
        for _ in range(MOST_UNITS):
            if at >= len(units):
                break
            kind, extended, sized = units[at] >> 3 & 15, units[at] >> 2 & 1, units[at] >> 1 & 1
            at += 1 + extended
            length = len(units) - at
            if sized:
                length, at = _leb128(units, at)
            if kind == SEQUENCE_HEADER:
                yield _size_of_sequence(units[at : at + min(length, 4096)])
            at += length
        else:
            raise PhotoError(f"is damaged: more than {MOST_UNITS} units in one coded picture")


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    """A number of 7 bits a byte, and where it ends."""
    value = 0
    for place, byte in enumerate(data[at : at + 8]):
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value, at + place + 1
    raise PhotoError("is damaged: a number in its picture's header is too long")


def _size_of_sequence(unit: bytes) -> tuple[int, int]:
    bits = Bits(unit)
    bits.take(4)  # profile, still picture
    if bits.take(1):  # a reduced header
        bits.take(5)
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(width_bits) + 1, bits.take(height_bits) + 1


def _skip_operating_points(bits: Bits) -> None:
    delay_bits = 0
    if bits.take(1):  # timing info
        bits.take(64)
        if bits.take(1):
            bits.exp_golomb()
        if bits.take(1):  # decoder model info
            delay_bits = bits.take(5) + 1
            bits.take(32 + 5 + 5)
    display_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if display_delay and bits.take(1):
            bits.take(4)

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
    for unit in _units_of(configuration):
        yield from _size_of_sps(unit)
    for unit in nal_units(data, (configuration[21] & 3) + 1):
        yield from _size_of_sps(unit)


def _units_of(configuration: bytes) -> Iterator[bytes]:
    """The NAL units in an hvcC box."""
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
            yield configuration[at + 2 : end]
            at = end


def _size_of_sps(unit: bytes) -> Iterator[tuple[int, int]]:
    found = _to_size(unit)
    if found is not None:
        bits, _ = found
        yield bits.exp_golomb(), bits.exp_golomb()


def _to_size(unit: bytes) -> tuple[Bits, int] | None:
    """The bits of a sequence parameter set from its width on, and its number of sub-layers.

    None for another kind of unit, or one of a further layer.
    """
    if len(unit) < 2 or unit[0] >> 1 & 63 != SPS or (unit[0] & 1) << 5 | unit[1] >> 3:
        return None
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
    return bits, sub_layers


def hevc_full_range(configuration: bytes) -> bool:
    """Whether the sequence parameter set of an hvcC box says in plain words that codes run over
    the full range; False if it says nothing, or says it behind what photos do without."""
    try:
        return any(map(_says_full_range, _units_of(configuration)))
    except PhotoError:
        return False


def _says_full_range(unit: bytes) -> bool:
    """ITU-T H.265 7.3.2.2.1, E.2.1."""
    found = _to_size(unit)
    if found is None:
        return False
    bits, sub_layers = found
    _skip_numbers(bits, 2)
    if bits.take(1):  # cropped
        _skip_numbers(bits, 4)
    _skip_numbers(bits, 3)  # bit depths; of the picture order count
    _skip_numbers(bits, 3 * (sub_layers + 1 if bits.take(1) else 1))
    _skip_numbers(bits, 6)  # sizes of blocks
    if bits.take(1) and bits.take(1):
        _skip_scaling_lists(bits)
    bits.take(2)
    if bits.take(1):  # blocks of plain codes
        bits.take(8)
        _skip_numbers(bits, 2)
        bits.take(1)
    if bits.exp_golomb() or bits.take(1):  # pictures that refer to others
        return False
    bits.take(2)
    if not bits.take(1):
        return False
    if bits.take(1) and bits.take(8) == 255:  # shape of pixels
        bits.take(32)
    if bits.take(1):
        bits.take(1)
    return bool(bits.take(1) and bits.take(4) & 1)


def _skip_numbers(bits: Bits, count: int) -> None:
    for _ in range(count):
        bits.exp_golomb()


def _skip_scaling_lists(bits: Bits) -> None:
    for size in range(4):
        for _ in range(0, 6, 3 if size == 3 else 1):
            own = bits.take(1)
            _skip_numbers(bits, min(64, 16 << 2 * size) + (size > 1) if own else 1)


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

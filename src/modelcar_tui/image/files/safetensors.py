"""safetensors headers: eight bytes of length, then JSON; the weights behind it are never read."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import lru_cache
from math import prod
from typing import Annotated, Any

import msgspec

from modelcar_tui.core.decode import decoder
from modelcar_tui.core.text import clean
from modelcar_tui.image.errors import ImageError, Trouble, fault
from modelcar_tui.image.files.source import Source
from modelcar_tui.models import TensorGroup

HEADER_LIMIT = 16 * 1024 * 1024
_MOST_TENSORS = 1_000_000
_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)|(?<=\.)\d+$|^\d+(?=\.)")
BITS = {
    "F64": 64,
    "I64": 64,
    "U64": 64,
    "C64": 64,
    "F32": 32,
    "I32": 32,
    "U32": 32,
    "F16": 16,
    "BF16": 16,
    "I16": 16,
    "U16": 16,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I8": 8,
    "U8": 8,
    "BOOL": 8,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "F4": 4,
}
"""Bits of each dtype of the format."""


_HUGE = 1 << 50
_Size = Annotated[int, msgspec.Meta(ge=0, lt=_HUGE)]


class _Tensor(msgspec.Struct, frozen=True, kw_only=True):
    """What a header says of one tensor; `__metadata__` decodes to one in which nothing is set."""

    dtype: str = ""
    shape: Annotated[tuple[_Size, ...], msgspec.Meta(max_length=16)] | msgspec.UnsetType = msgspec.UNSET
    data_offsets: tuple[_Size, _Size] | msgspec.UnsetType = msgspec.UNSET


_TENSORS = decoder(dict[str, _Tensor])


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """One shard."""

    groups: tuple[TensorGroup, ...]
    bytes: int
    """Of all tensors."""


async def read_header(source: Source, start: int, file_size: int, *, limit: int = HEADER_LIMIT) -> Header:
    """The header of the shard whose bytes begin at `start`.

    Raises:
        ImageError: it is longer than `limit`, cut short, or says things that can't be.
    """
    length = int.from_bytes((await source.read(start, 8)).ljust(8, b"\0"), "little")
    if not 2 <= length <= file_size - 8:
        raise _bad(f"a header of {length} bytes in a file of {file_size}")
    if length > limit:
        raise fault(
            Trouble.TOO_LARGE, host="", where="safetensors", detail=f"a header of {length} bytes", fix=""
        )
    raw = await source.read(start + 8, length)
    if len(raw) != length:
        raise _bad("the header is cut short")
    return parse_header(raw, data_size=file_size - 8 - length)


def parse_header(raw: bytes, *, data_size: int) -> Header:
    """Check and group the tensors of one header; `data_size` is what the file has behind it.

    Raises:
        ImageError: with what is wrong.
    """
    try:
        data = _TENSORS.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        data = _slowly(raw)
    if len(data) > _MOST_TENSORS:
        raise _bad("the header is not an object of tensors")
    data.pop("__metadata__", None)
    count: Counter[tuple[str, str, tuple[int, ...]]] = Counter()
    total = 0
    for name, tensor in data.items():
        shape, offsets = tensor.shape, tensor.data_offsets
        if shape is msgspec.UNSET or offsets is msgspec.UNSET:
            raise _bad(f"tensor {name!r} has no shape or no offsets")
        size = offsets[1] - offsets[0]
        bits = _checked(tensor.dtype)
        if not 0 <= size <= data_size or (bits is not None and (prod(shape) * bits + 7) // 8 != size):
            raise _bad(f"tensor {name!r} of {tensor.dtype} {list(shape)!r} can't have {size} bytes")
        total += size
        count[(_pattern(name), tensor.dtype, shape)] += 1
    if total > data_size:
        raise _bad(f"tensors of {total} bytes in {data_size}")
    return Header(groups=_groups(count), bytes=total)


def merge_groups(headers: list[Header]) -> tuple[TensorGroup, ...]:
    """The groups of all shards together."""
    count: Counter[tuple[str, str, tuple[int, ...]]] = Counter()
    for header in headers:
        for group in header.groups:
            count[(group.pattern, group.dtype, group.shape)] += group.count
    return _groups(count)


def _groups(count: Counter[tuple[str, str, tuple[int, ...]]]) -> tuple[TensorGroup, ...]:
    return tuple(
        TensorGroup(clean(pattern, limit=300), dtype, shape, number)
        for (pattern, dtype, shape), number in sorted(count.items())
    )


def _slowly(raw: bytes) -> dict[str, _Tensor]:
    """The same one by one, to say what is wrong, or that only the metadata looks odd."""
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        raise _bad("the header is not JSON") from None
    if not isinstance(data, dict):
        raise _bad("the header is not an object of tensors")
    return {name: _tensor(name, item) for name, item in data.items() if name != "__metadata__"}


def _tensor(name: str, item: Any) -> _Tensor:
    if not isinstance(item, dict):
        raise _bad(f"tensor {name!r} is not an object")
    dtype, shape, offsets = item.get("dtype"), item.get("shape"), item.get("data_offsets")
    if not isinstance(dtype, str):
        raise _bad(f"tensor {name!r} has the dtype {dtype!r}")
    if not isinstance(shape, list) or len(shape) > 16 or not all(_size(each) for each in shape):
        raise _bad(f"tensor {name!r} has the shape {shape!r}")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(_size(each) for each in offsets):
        raise _bad(f"tensor {name!r} has the offsets {offsets!r}")
    return _Tensor(dtype=dtype, shape=tuple(shape), data_offsets=(offsets[0], offsets[1]))


@lru_cache(maxsize=512)
def _checked(dtype: str) -> int | None:
    """Bits of a dtype, None for one that we do not know."""
    if not re.fullmatch(r"[A-Z0-9_]{2,16}", dtype):
        raise _bad(f"a tensor has the dtype {dtype!r}")
    return BITS.get(dtype)


@lru_cache(maxsize=16_384)
def _pattern(name: str) -> str:
    """The name with its numbers left out; models of one family share their names."""
    return _NUMBER.sub("{}", name)


def _size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _HUGE


def _bad(detail: str) -> ImageError:
    return fault(Trouble.MALFORMED, host="", where="safetensors", detail=detail, fix="")

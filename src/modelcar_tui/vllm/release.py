"""vLLM releases: how they compare, and which read release stands for an unread one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")
Version = tuple[int, ...]
_NUMBERS = re.compile(r"(?:vllm[\s:_-]*)?v?(\d+(?:\.\d+)+)(?:\.post(\d+))?", re.IGNORECASE)
_BUILD = re.compile(
    r"(?:\+.*|[-.](?:cu|cuda|rocm|cpu|xpu|ubi|rhel|rhai|el)[\d.]*)?"
    r"(?: with(?:out)? (?:(?:the )?flashinfer sampler|aiter|model runner v2)| \(.{0,20}image\)){0,4}",
    re.IGNORECASE,
)
"""What a vendor puts behind the number of the release that it builds, and what is said of it (`builds`)."""


def parse_version(text: str | None) -> Version | None:
    """`v0.19.1`, `0.16-dev`, `0.10.1.1+cu128` as numbers; None when there is no number to read."""
    return _parse((text or "").strip()[:64])


@lru_cache(maxsize=512)
def _parse(text: str) -> Version | None:
    match = _NUMBERS.match(text)
    if match is None:
        return None
    numbers = tuple(int(part[:9]) for part in match.group(1).split(".")[:4])
    return (*numbers, *([0] * (4 - len(numbers))), int((match.group(2) or "0")[:9]))


def number_of(text: str | None) -> str:
    """`0.8.5.post1` of `v0.8.5.post1 (V0)`: what `parse_version` reads; empty when there is no number."""
    match = _NUMBERS.match((text or "").strip()[:64])
    return "" if match is None else match.group(0)[match.start(1) - match.start() :]


def was_read(text: str | None, read: Iterable[str]) -> bool:
    """Whether this very release is among those that were read.

    A vendor's build (`0.11.2+rhai5`) is its release; what came before a release (`0.12.0rc1`, `0.16-dev`) is
    not.
    """
    told = (text or "").strip()
    version, number = parse_version(told), _NUMBERS.match(told)
    if version is None or number is None or not _BUILD.fullmatch(told[number.end() :]):
        return False
    return any(parse_version(other) == version for other in read)


@lru_cache(maxsize=4096)
def reached(since: str, release: str) -> bool:
    """Whether `release` is `since` or a later one."""
    return (parse_version(since) or ()) <= (parse_version(release) or ())


def newer_than(text: str | None, read: Sequence[str]) -> bool:
    """Whether this release came after all that were read (`read` is oldest first)."""
    return (parse_version(text) or ()) > (parse_version(read[-1]) or ())


def stand_in(version: Version | None, read: Sequence[str]) -> str:
    """The read release whose table answers for `version`; the newest for None.

    Changes come with minor releases. So an unread release takes the newest read one that is not newer, unless
    only a later one of the same minor release was read: 0.14.0 is answered by 0.14.1, not by 0.13.0.
    """
    return read[-1] if version is None else _stand_in(version, tuple(read))


@lru_cache(maxsize=1024)
def _stand_in(version: Version, read: tuple[str, ...]) -> str:
    known = [(parse_version(text) or (), text) for text in read]
    older = [entry for entry in known if entry[0] <= version]
    same_minor = [entry for entry in known if entry[0][:2] == version[:2]]
    if same_minor and not [entry for entry in older if entry[0][:2] == version[:2]]:
        return same_minor[0][1]
    return older[-1][1] if older else known[0][1]


def at(history: Iterable[tuple[str, T]], release: str, default: T) -> T:
    """The value that `history` (oldest first) holds for a read release."""
    wanted = parse_version(release) or ()
    value = default
    for since, entry in history:
        if (parse_version(since) or ()) <= wanted:
            value = entry
    return value

"""The table of quantization schemes as checkpoints know them: `schemes.json`, read once.

What each needs of a GPU and of a release stands in `vllm/quantization.json` under the same id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

import msgspec

from modelcar_tui.core.resources import table
from modelcar_tui.models.quantization.scheme import Scheme


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One way to store and multiply weights, as vLLM tells them apart."""

    id: str
    title: str
    bits: int
    """Of one weight, for comparing sizes."""
    words: tuple[str, ...] = ()
    """`quant_method` of config.json and `--quantization` that mean it, in lower case, each in one row."""
    says: dict[str, tuple[str, ...]] = {}
    """By `quant_method`, what that method's own config says of it (see `declared.of_config`)."""
    names: tuple[str, ...] = ()
    """Expressions for whole words of a model's or image's name; the rows are tried in order."""
    spelled: tuple[str, ...] = ()
    """Expressions for what else people write, anywhere in their text and `-` for `_`; tried last."""
    like: str = ""
    """The scheme that a name means as well, such as `fp8` for every way to store FP8."""
    storage: Scheme | None = None
    """Its bytes; None where the method alone does not tell them."""


ANY_GROUP = 128
"""The group size that stands for the checkpoint's own: it is the usual one."""


class _Table(msgspec.Struct, frozen=True):
    about: str
    source: str
    schemes: tuple[Row, ...]


@cache
def rows() -> tuple[Row, ...]:
    """All rows, in the order in which names are tried."""
    return table(__file__, "schemes.json", _Table).schemes


@cache
def schemes_by_id() -> dict[str, Row]:
    """The rows by their ids."""
    return {row.id: row for row in rows()}


@cache
def by_word() -> dict[tuple[str, str], str]:
    """Ids by method and its word; the method's own name under the empty method."""
    own = {("", word): row.id for row in rows() for word in row.words}
    return own | {
        (method, word): row.id for row in rows() for method, said in row.says.items() for word in said
    }


@cache
def name_patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Whole words of names, with the id of what they hint at."""
    return tuple(
        (re.compile(rf"(?<![a-z0-9])(?:{'|'.join(row.names)})(?![0-9])"), row.id)
        for row in rows()
        if row.names
    )


@cache
def loose_patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """What people write, with the id of what they mean."""
    return tuple((re.compile("|".join(row.spelled)), row.id) for row in rows() if row.spelled)


def bits_of_method(method: str) -> int | None:
    """Bits of a weight under a `quant_method` that leaves no choice; None where the checkpoint chooses."""
    row = schemes_by_id().get(by_word().get(("", method), ""))
    fixed = row is not None and row.storage is not None and row.storage.group != ANY_GROUP
    return row.bits if row is not None and fixed else None


def storage_of(ids: Iterable[str]) -> Scheme | None:
    """How the first of several schemes that says so stores its weights."""
    found = (schemes_by_id()[each].storage for each in ids if each in schemes_by_id())
    return next((storage for storage in found if storage is not None), None)

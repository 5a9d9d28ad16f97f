"""The small files of a model that don't fit into what can be lent."""

from __future__ import annotations

import random

import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.image import SmallFiles
from modelcar_tui.trial import files as lending


def found(**sizes: int) -> SmallFiles:
    """Files that can't be packed any smaller."""
    bytes_of = random.Random(1).randbytes
    content = {f"{name.replace('__', '.')}": bytes_of(size) for name, size in sizes.items()}
    return SmallFiles(files={"config.json": b"{}", **content})


def test_the_largest_tokenizers_are_left_out_and_no_more_than_need_be() -> None:
    lent = lending.lend(
        "m", found(a__model=3_000, b__model=5_000, c__model=4_000, config__py=2_000), most=9_500
    )
    assert [path for path, _ in lent.files] == ["a.model", "c.model", "config.json", "config.py"]
    assert lent.left_out == (("b.model", "0.0 MiB do not fit"),)
    assert sum(map(len, lent.parts)) <= 9_500


def test_hundreds_of_tokenizers_are_packed_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each packing of 48 MiB takes seconds, and nobody can stop it."""
    packed = 0
    pack = lending.pack

    def counted(files: dict[str, bytes]) -> bytes:
        nonlocal packed
        packed += 1
        return pack(files)

    monkeypatch.setattr(lending, "pack", counted)
    lent = lending.lend("m", found(**{f"t{at}__model": 2_000 for at in range(300)}), most=100_000)
    assert packed <= 4
    assert 40 <= len(lent.files) - 1 <= 50


def test_what_is_no_tokenizer_is_never_left_out() -> None:
    with pytest.raises(UserError, match=r"its small files have 0\.0 MiB packed, and 0\.00\d+ can be lent"):
        lending.lend("m", found(config__py=9_000, a__model=2_000), most=5_000)

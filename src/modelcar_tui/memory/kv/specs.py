"""What one layer caches: its page and how many of them a request keeps (vllm v1/kv_cache_interface.py)."""

from __future__ import annotations

import msgspec

from modelcar_tui.core.rounding import ceil_div

KEEPS_ALL = ("full", "mla")
"""Kinds that keep every token; vLLM counts them as one type."""


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """The cache of one layer on one GPU."""

    kind: str
    """`full`, `mla`, `sliding`, `chunked`, `cross`, `state`, or `window`: a sliding latent."""
    block: int
    """Tokens in one block."""
    page: int
    """Bytes of one block."""
    window: int = 0
    """What sets layers of one kind apart: the window or chunk, in tokens."""
    reach: int = 0
    """Tokens that a request keeps at most, those of the batches in flight included; 0: all of them."""
    spare: int = 0
    """Blocks beyond them: a window need not begin with a block."""
    always: int = 0
    """Blocks that a request holds whatever its length: states, an encoder's output."""
    beside: bool = False
    """It holds an indexer's keys, beside the cache of a layer that counts itself."""
    split: int = 1
    """GPUs that share a request's tokens (decode context parallelism)."""

    def blocks(self, length: int) -> int:
        """Blocks that one request of `length` tokens holds at most."""
        if self.always:
            return self.always
        kept = min(self.reach, length) if self.reach else ceil_div(length, self.split)
        return ceil_div(kept, self.block) + self.spare

    @property
    def keeps_all(self) -> bool:
        """Whether its cache grows with each token of a request."""
        return self.kind in KEEPS_ALL

    @property
    def type(self) -> tuple[str, int, int, int]:
        """Equal where layers always need the same number of blocks, whatever their pages."""
        kind = KEEPS_ALL[0] if self.keeps_all else self.kind
        return kind, self.block, self.window, self.page if kind == "state" else 0


Layers = tuple[tuple[Spec, int], ...]
"""Kinds of caches and how many layers have each, in the order in which they come first."""

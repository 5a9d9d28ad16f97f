"""What differs between vLLM releases as far as memory goes (0.6 to 0.33)."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from modelcar_tui.vllm.readings import stands_in, unread
from modelcar_tui.vllm.release import Version, number_of, parse_version
from modelcar_tui.vllm.value_table import default_table

_NUMBER = re.compile(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?")
_LAST_PATCH = 99
_DEVELOPMENT = re.compile(r"dev|rc\d|nightly|main\b|\+g[0-9a-f]", re.IGNORECASE)
_NO_FLASHINFER = re.compile(r"without (the )?flashinfer sampler", re.IGNORECASE)


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One release's habits."""

    release: tuple[int, int]
    number: tuple[int, int, int]
    """With its patch; the last of all where none is told."""
    development: bool
    """A build between releases: `dev`, `rc`, a nightly."""
    version: Version | None
    """As written, for what hangs on the very release; None where no number can be read."""
    label: str
    """What is shown; with a `?` when it was assumed."""
    known: bool
    """Whether the release was told and its habits were read."""
    newer: str
    """The release that was told, where it came after all that count as read, or still wants a look; else
    empty."""
    engine_v0: bool
    """The engine before V1 (default up to 0.7)."""
    utilization: float
    graphs_deducted: bool
    """CUDA graphs are estimated and taken from the KV budget."""
    graphs_profiled: bool
    """The estimate runs inside the profile and leaves memory outside torch."""
    sorting_sampler: bool
    """Top-k/top-p sorts the logits in PyTorch: 9.5 instead of 3.5 copies of the logits."""
    exact_groups: bool
    """The KV check counts whole groups with their padding."""
    null_block: bool
    """The KV check keeps one block back."""
    tokens_are_concurrency: bool
    """The logged tokens are concurrency x context."""
    moe_workspace: bool
    """The fused MoE keeps its workspace through the sampler's run."""
    state_blocks_checked: bool
    """Before graphs are captured, a state block for every sequence is asked for."""
    latent_cache: bool
    """MLA caches its latent vector; before, every head's keys and values."""
    many_sequences: bool
    """Every card gets 1024 sequences."""
    large_batches: bool
    """Cards of 70 GiB and more get 8192 tokens a step and 1024 sequences; before, those named H100 and
    H200."""
    huge_batches: bool
    """Cards of 160 GiB and more get 16384 tokens a step."""
    bound: bool = False
    """Stands only for the other bound of a release that is not known: what it leaves open refuses nothing."""


@lru_cache(maxsize=256)
def profile_for(vllm: str | None) -> Profile:
    """The habits of a release, from a tag such as `0.19.0`, `v0.8.5.post1` or `0.16-dev`.

    None and what has no number in it stand for an unknown release. For it, and for one that came after all
    that count as read, the newest of those is assumed and `known` is false; for one that wants a look, too,
    the
    one before it.
    """
    told = number_of(vllm)
    found = _NUMBER.match(told)
    newer = told if unread(told) else ""
    known = found is not None and not newer
    assumed = _release(stands_in(newer or None))
    release = (int(found.group(1)), int(found.group(2))) if found and known else assumed
    label = found.group(0) if found and known else f"{newer or '.'.join(map(str, assumed))}?"
    patch = int(found.group(3) or 0) if found else 0
    number = (*release, int(found.group(3)) if found and known and found.group(3) else _LAST_PATCH)
    v0 = release < (0, 8) or "(V0)" in (vllm or "")
    if "(V1)" in (vllm or ""):
        v0 = False
    # 0.11.0's image samples with FlashInfer; 0.11.1 made that an option, 0.17 brought a Triton kernel.
    sorting = (0, 10, 2) <= (*release, patch) < (0, 17, 0) and (*release, patch) != (0, 11, 0)
    return Profile(
        release=release,
        version=parse_version(vllm),
        number=number,
        development=bool(_DEVELOPMENT.search(vllm or "")),
        label=label,
        known=known,
        newer=newer,
        engine_v0=v0,
        utilization=default_table().value("arguments", "--gpu-memory-utilization", told or None),
        graphs_deducted=release >= (0, 20),
        graphs_profiled=release >= (0, 18),
        sorting_sampler=sorting or bool(_NO_FLASHINFER.search(vllm or "")),
        exact_groups=release >= (0, 14),
        null_block=release >= (0, 29),
        tokens_are_concurrency=number >= (0, 20, 1),
        moe_workspace=release >= (0, 11),
        state_blocks_checked=release >= (0, 20),
        latent_cache=(*release, patch) >= (0, 7, 1),
        many_sequences=(0, 8, 0) <= (*release, patch) < (0, 8, 3),
        large_batches=release >= (0, 9),
        huge_batches=release >= (0, 28),
    )


def hungry(profile: Profile) -> Profile:
    """The release that leaves least for the KV cache, in place of an unknown one: the other bound."""
    return msgspec.structs.replace(
        profile_for("0.16.0"),
        label=profile.label,
        known=False,
        newer=profile.newer,
        version=profile.version,
        bound=True,
    )


def newer_note(vllm: str | None) -> str:
    """What to say of a release that does not count as read; empty for any other."""
    told = profile_for(vllm).newer
    return f"vLLM {told} {unread(told)}, {stands_in(told)} stands in" if told else ""


def _release(text: str) -> tuple[int, int]:
    major, minor, *_ = parse_version(text) or (0, 0)
    return major, minor

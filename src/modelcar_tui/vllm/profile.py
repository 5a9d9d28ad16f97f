"""What differs between vLLM releases as far as memory goes (0.6 to 0.33)."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from modelcar_tui.vllm.builds import ImageBuild, build_of
from modelcar_tui.vllm.readings import release_standing_in, why_unread
from modelcar_tui.vllm.release import Version, number_of, parse_version
from modelcar_tui.vllm.value_table import default_table

_NUMBER = re.compile(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?")
_LAST_PATCH = 99
_DEVELOPMENT = re.compile(r"dev|rc\d|nightly|main\b|\+g[0-9a-f]", re.IGNORECASE)
_UNTIL_TEN_TWO = (0, 10, 2)
"""The release whose V1 engine takes cards below compute capability 8.0 (engine/arg_utils.py
_is_v1_supported_oracle)."""
_AITER = re.compile(r"\bwith(out)? aiter\b", re.IGNORECASE)
_RUNNER = re.compile(r"\bwith(out)? model runner v2\b", re.IGNORECASE)


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One release's habits."""

    release: tuple[int, int]
    number: tuple[int, int, int]
    """With its patch; the last of all where none is told."""
    patch_told: bool
    build: ImageBuild
    """What the text tells of its build."""
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
    counts_the_whole_card: bool
    """Memory outside torch is all that is in use on the card, not what grew since the start: 0.8.0 to 0.9.0
    (v1/worker/gpu_worker.py determine_available_memory); so is a 0.9 without a patch, for it takes more."""
    exact_groups: bool
    """The KV check counts whole groups with their padding."""
    null_block: bool
    """The KV check keeps one block back."""
    tokens_are_concurrency: bool
    """The logged tokens are concurrency x context."""
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
    aiter: bool | None
    """Whether AITER's kernels run on ROCm (VLLM_ROCM_USE_AITER), as the text tells: `0.13.0 with AITER`; off
    in Red Hat's builds (`0.13.0+rhai5`), None where nothing is told."""
    runner_v2: bool | None = None
    """Whether Model Runner V2 serves, as the text tells of VLLM_USE_V2_MODEL_RUNNER: `0.26.0 with Model
    Runner V2`; None where vLLM decides."""
    bound: bool = False
    """Stands only for the other bound of a release that is not known: what it leaves open refuses nothing."""


@lru_cache(maxsize=256)
def profile_for(vllm: str | None) -> Profile:
    """The habits of a release, from a tag such as `0.19.0`, `v0.8.5.post1` or `0.16-dev`.

    None and what has no number in it stand for an unknown release. For it, and for one that came after all
    that count as read, the newest of those is assumed and `known` is false; for one that wants a look, too,
    the one before it.
    """
    text, told = vllm or "", number_of(vllm)
    newer = told if why_unread(told) else ""
    found = None if newer else _NUMBER.match(told)
    assumed = _release(release_standing_in(newer or None))
    release = (int(found[1]), int(found[2])) if found else assumed
    patch = found[3] if found else None
    number = (*release, int(patch or _LAST_PATCH))
    v0 = (release < (0, 8) or "(V0)" in text) and "(V1)" not in text
    return Profile(
        release=release,
        version=parse_version(vllm),
        number=number,
        patch_told=patch is not None,
        build=build_of(vllm),
        development=bool(_DEVELOPMENT.search(text)),
        label=found[0] if found else f"{newer or '.'.join(map(str, assumed))}?",
        known=found is not None,
        newer=newer,
        engine_v0=v0,
        utilization=default_table().value("arguments", "--gpu-memory-utilization", told or None),
        graphs_deducted=release >= (0, 20),
        graphs_profiled=release >= (0, 18),
        counts_the_whole_card=not v0 and ((0, 8, 0) <= number < (0, 9, 1) or number == (0, 9, _LAST_PATCH)),
        exact_groups=release >= (0, 14),
        null_block=release >= (0, 29),
        tokens_are_concurrency=number >= (0, 20, 1),
        state_blocks_checked=release >= (0, 20),
        latent_cache=number >= (0, 7, 1),
        many_sequences=(0, 8, 0) <= number < (0, 8, 3),
        large_batches=release >= (0, 9),
        huge_batches=release >= (0, 28),
        aiter=_aiter(text, build_of(vllm)),
        runner_v2=_said(_RUNNER, text),
    )


def profile_on_card(profile: Profile, capability: float | None, cache_dtype: str = "auto") -> Profile:
    """The release's habits on a card.

    Before 0.10.2 V1 took no card below compute capability 8.0, and up to 0.9 an 8-bit KV cache only with
    FlashAttention 3, which is Hopper's (0.8.0: none); they fell back to the V0 engine.
    """
    if profile.engine_v0 or capability is None or profile.number >= _UNTIL_TEN_TWO:
        return profile
    eight_bits = cache_dtype != "auto" and profile.release < (0, 10)
    if capability >= 8 and not (eight_bits and (int(capability) != 9 or profile.number == (0, 8, 0))):
        return profile
    return msgspec.structs.replace(profile, engine_v0=True, counts_the_whole_card=False)


def _aiter(text: str, build: ImageBuild) -> bool | None:
    told = _said(_AITER, text)
    return False if told is None and build is ImageBuild.RED_HAT else told


def _said(what: re.Pattern[str], text: str) -> bool | None:
    found = what.search(text)
    return None if found is None else not found[1]


def hungriest_profile(profile: Profile) -> Profile:
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
    return f"vLLM {told} {why_unread(told)}, {release_standing_in(told)} stands in" if told else ""


def _release(text: str) -> tuple[int, int]:
    major, minor, *_ = parse_version(text) or (0, 0)
    return major, minor

"""Whether a release of vLLM knows an architecture."""

from __future__ import annotations

from functools import cache

import msgspec

from modelcar_tui.core.resources import table
from modelcar_tui.vllm.profile import Profile
from modelcar_tui.vllm.readings import unread
from modelcar_tui.vllm.release import parse_version

_CONVERTED = (
    "ForSequenceClassification",
    "ForTextEncoding",
    "EmbeddingModel",
    "ForRewardModel",
    "RewardModel",
    "Model",
)
"""Endings for which vLLM turns the causal model into a pooling one (vllm
model_executor/models/adapters.py)."""
_NEWER_TRANSFORMERS = ("Gemma4", "GlmMoeDsa")
"""Listed by 0.19.0, whose own requirement is transformers below 5, which does not know their configs."""


Release = tuple[int, ...]


class Span(msgspec.Struct, frozen=True):
    """The read releases that list an architecture."""

    first: Release
    last: Release | None
    """None: the newest that was read lists it."""
    before: Release | None
    """The last read release that does not list it yet; None when the oldest does."""


class _File(msgspec.Struct, frozen=True):
    source: str
    read: list[str]
    spans: dict[str, list[str]]
    dropped: dict[str, str]


@cache
def architecture_spans() -> dict[str, Span]:
    """Every architecture of the registries of `architectures.json`, read once."""
    found = table(__file__, "architectures.json", _File)
    read = [numbers(release) for release in found.read]
    spans: dict[str, Span] = {}
    for key, names in found.spans.items():
        begin, _, end = key.partition("-")
        first = numbers(begin)
        at = read.index(first)
        for name in names:
            last = found.dropped.get(name) or end
            spans[name] = Span(first, numbers(last) if last else None, read[at - 1] if at else None)
    for name, last in found.dropped.items():
        spans.setdefault(name, Span(read[0], numbers(last), None))
    return spans


def numbers(release: str) -> Release:
    """`0.19.0` as numbers that compare; a post-release is its release."""
    return (parse_version(release) or (0, 0, 0))[:3]


def architecture_refused(arch: str, profile: Profile) -> str:
    """Why this release does not load `arch`; the empty text when it does or when that is not known."""
    if not arch or not profile.known:
        return ""
    if arch.startswith(_NEWER_TRANSFORMERS) and profile.number <= (0, 19, 0):
        return f"vLLM {profile.label} comes with a transformers below 5, which does not know {arch}"
    span = architecture_spans().get(arch)
    if span is None:
        return ""
    if span.last is not None and profile.number[:2] > span.last[:2]:
        return f"vLLM dropped {arch} after {_text(span.last)}, this is {profile.label}"
    if span.before is not None and profile.number <= span.before and not _nearly(span, profile):
        return f"vLLM knows {arch} from {_text(span.first)} on, this is {profile.label}"
    return ""


def architecture_unsure(arch: str, profile: Profile) -> str:
    """Why it is not known whether this release loads `arch`; the empty text when it does."""
    if not arch:
        return ""
    spans = architecture_spans()
    span = spans.get(arch) or spans.get(_converted(arch))
    if span is None:
        return f"vLLM's registry does not list {arch}; only its Transformers backend might run it"
    if not profile.known:
        return _gone(arch, span, profile)
    if span.before is not None and profile.number < span.first and profile.number[:2] < span.first[:2]:
        return (
            f"vLLM learned {arch} between {_text(span.before)} and {_text(span.first)}; "
            f"whether {profile.label} has it is not known"
        )
    return ""


def _gone(arch: str, span: Span, profile: Profile) -> str:
    """Why the doubt, where a release that is not known or was not read may lack what was dropped before."""
    if span.last is None:
        return ""
    dropped = f"vLLM dropped {arch} after {_text(span.last)}"
    if profile.newer:
        return f"{dropped}; {profile.newer} {unread(profile.newer)}"
    return f"it depends on the vLLM version, which is not known: {dropped}"


def _nearly(span: Span, profile: Profile) -> bool:
    """A build on the way to the next release may have what that one lists."""
    return profile.development and span.before == profile.number


def _converted(arch: str) -> str:
    ending = next((ending for ending in _CONVERTED if arch.endswith(ending)), "")
    return arch.removesuffix(ending) + "ForCausalLM" if ending else arch


def _text(release: Release) -> str:
    return ".".join(str(part) for part in release)

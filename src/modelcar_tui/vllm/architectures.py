"""Whether a release of vLLM knows an architecture, or runs it as a model of transformers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache

import msgspec

from modelcar_tui.core.resources import table
from modelcar_tui.vllm.profile import Profile
from modelcar_tui.vllm.readings import why_unread
from modelcar_tui.vllm.release import parse_version
from modelcar_tui.vllm.transformers_backend import backend_routed, backend_runs

_ENDINGS = (
    "ForCausalLM",
    "ForConditionalGeneration",
    "ChatModel",
    "LMHeadModel",
    "ForTextEncoding",
    "EmbeddingModel",
    "ForSequenceClassification",
    "ForTokenClassification",
    "ForAudioClassification",
    "ForImageClassification",
    "ForVideoClassification",
    "ClassificationModel",
    "ForRewardModeling",
    "RewardModel",
    "Model",
)
"""Endings that vLLM puts in each other's place when it looks for a model to convert (vllm config/model.py
_SUFFIX_TO_DEFAULTS; model_executor/models/registry.py _normalize_arch)."""
_NEWER_TRANSFORMERS = (
    *("AudioFlamingo3", "CohereAsr", "Cwm", "Gemma4", "Glm4MoeLite"),
    *("GlmAsr", "GlmMoeDsa", "GlmOcr", "Jais2", "MusicFlamingo"),
)
"""Listed by 0.19.0 or before, whose requirement is transformers below 5 (requirements/common.txt). The last
of those, 4.57.6, does not know their configs, nor has vLLM classes of its own for them
(transformers_utils/config.py)."""
_FIVE_SINCE = (0, 19, 1)
"""The first release that takes transformers 5."""


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
            last = end or found.dropped.get(name)  # the registry itself before what it says of itself later
            spans[name] = Span(first, numbers(last) if last else None, read[at - 1] if at else None)
    for name, last in found.dropped.items():
        spans.setdefault(name, Span(read[0], numbers(last), None))
    return spans


def numbers(release: str) -> Release:
    """`0.19.0` as numbers that compare; a post-release is its release."""
    return (parse_version(release) or (0, 0, 0))[:3]


def architecture_refused(arch: str, profile: Profile, *, own_code: bool = False) -> str:
    """Why this release does not load `arch`; the empty text when it does or when that is not known.

    Args:
        own_code: the model brings code of its own (`auto_map`), which vLLM may be told to trust.
    """
    if not arch or not profile.known or (own_code and not listed(arch, profile)):
        return ""
    if listed(arch, profile) or backend_runs(arch, profile):
        return ""
    span = architecture_spans().get(arch)
    if span is None:
        return _in_no_registry(arch, profile)
    if span.last is not None and profile.number[:2] > span.last[:2]:
        return f"vLLM dropped {arch} after {_text(span.last)}, this is {profile.label}"
    if span.before is not None and profile.number <= span.before and not _nearly(span, profile):
        return f"vLLM knows {arch} from {_text(span.first)} on, this is {profile.label}"
    return ""


def _in_no_registry(arch: str, profile: Profile) -> str:
    """Certain only where it is known which models of transformers the release could fall back to."""
    if backend_runs(arch, profile) is None:
        return ""
    return (
        f"vLLM {profile.label} has no {arch}, nor has the transformers of its time a model of that name that "
        "vLLM could run"
    )


def architecture_error(arch: str, profile: Profile) -> str:
    """What vLLM says of an architecture that it refuses (registry.py _raise_for_unsupported)."""
    span = architecture_spans().get(arch)
    if span is not None and span.last is not None and profile.number[:2] > span.last[:2]:
        return f"Model architecture {arch} was supported in vLLM until v{_text(span.last)}"
    return f"Model architectures ['{arch}'] are not supported for now."


def architecture_unsure(arch: str, profile: Profile, *, own_code: bool = False) -> str:
    """Why it is not known whether this release loads `arch`; the empty text when it does."""
    if not own_code and (unsure := _transformers_unsure(arch, profile)):
        return unsure
    if not arch or listed(arch, profile) or (profile.known and backend_runs(arch, profile)):
        return ""
    span = next(_spans_of(arch), None)
    if span is None:
        code = "code of its own might run with --trust-remote-code" if own_code else ""
        backend = "only its Transformers backend might run it"
        return f"vLLM's registry does not list {arch}; {code or backend}"
    if not profile.known:
        return _gone(arch, span, profile)
    if span.before is not None and profile.number[:2] < span.first[:2]:
        return (
            f"vLLM learned {arch} between {_text(span.before)} and {_text(span.first)}; "
            f"whether {profile.label} has it is not known"
        )
    return ""


def _transformers_unsure(arch: str, profile: Profile) -> str:
    """What of the image decides: its transformers is not told by vLLM's number. Two logs show Gemma 4 served
    by 0.19.0 and a nightly before it, one shows it refused."""
    if profile.number >= _FIVE_SINCE or not arch.startswith(_NEWER_TRANSFORMERS) or not listed(arch, profile):
        return ""
    return (
        f"whether it starts hangs on the image: vLLM {profile.label} asks for a transformers below 5, which "
        f"does not know {arch}; images with a newer one serve it"
    )


def listed(arch: str, profile: Profile) -> bool:
    """Whether the release's registry has a model for `arch`, or one that it converts."""
    return profile.known and any(_covers(span, profile) for span in _spans_of(arch))


def through_transformers(arch: str, profile: Profile) -> bool:
    """Whether the release runs `arch` as transformers has it."""
    if not profile.known:
        return False
    return backend_routed(arch, profile) or (not listed(arch, profile) and bool(backend_runs(arch, profile)))


def _spans_of(arch: str) -> Iterator[Span]:
    spans = architecture_spans()
    return (spans[name] for name in (arch, *_converted(arch)) if name in spans)


def _covers(span: Span, profile: Profile) -> bool:
    begun = profile.number >= span.first or _nearly(span, profile) or span.before is None
    return begun and (span.last is None or profile.number[:2] <= span.last[:2])


def _gone(arch: str, span: Span, profile: Profile) -> str:
    """Why the doubt, where a release that is not known or was not read may lack what was dropped before."""
    if span.last is None:
        return ""
    dropped = f"vLLM dropped {arch} after {_text(span.last)}"
    if profile.newer:
        return f"{dropped}; {profile.newer} {why_unread(profile.newer)}"
    return f"it depends on the vLLM version, which is not known: {dropped}"


def _nearly(span: Span, profile: Profile) -> bool:
    """A build between releases is taken for the release that it becomes: it may have what that one lists."""
    return profile.development and span.before is not None and span.before <= profile.number


@lru_cache(maxsize=512)
def _converted(arch: str) -> tuple[str, ...]:
    """What vLLM looks for in its registry where `arch` is not there."""
    ending = next((ending for ending in _ENDINGS if arch.endswith(ending)), "")
    return tuple(arch.removesuffix(ending) + other for other in _ENDINGS) if ending else ()


def _text(release: Release) -> str:
    return ".".join(str(part) for part in release)

"""Why a call to a language model failed, in one vocabulary for all providers."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from typing import Any

from modelcar_tui.core.bounded_body import LongBodyError, OddBodyError


class Failure(StrEnum):
    """What went wrong, in words for the operator."""

    RATE_LIMIT = "over its rate limit or quota"
    BAD_KEY = "the key is refused"
    NO_MODEL = "there is no such model"
    STOPPED = "stopped before it was done"
    SERVER = "the service failed"
    NETWORK = "the service can't be reached"
    TIMED_OUT = "too slow"
    MALFORMED = "an answer that can't be read"
    CUT = "an answer that was cut off"
    SAFETY = "stopped by the service's safety filter"
    EMPTY = "an empty answer"
    TOO_LONG = "an answer without end"
    NOT_ALLOWED = "an answer outside of what is allowed"
    UNTRUE = "an answer that can not be said"
    OPEN = "not asked again after repeated failures"
    OTHER = "an unexpected failure"

    @property
    def passing(self) -> bool:
        """Whether trying again may help."""
        return self in (Failure.RATE_LIMIT, Failure.SERVER, Failure.NETWORK)

    @property
    def final(self) -> bool:
        """Whether every further call would fail alike."""
        return self in (Failure.BAD_KEY, Failure.NO_MODEL)


class ModelError(Exception):
    """The model gave nothing that can be used; the rules go on alone."""

    def __init__(
        self, failure: Failure, detail: str = "", *, wait_s: float | None = None, status: int | None = None
    ) -> None:
        text = str(failure) if detail in ("", failure.value) else f"{failure}: {detail}"
        super().__init__(text)
        self.failure, self.detail = failure, detail
        self.wait_s = wait_s
        """How long the service asked us to wait, in seconds."""
        self.status = status
        """Of HTTP, where the service answered with an error."""


_STOPS = frozenset(("stop", "end_turn", "stop_sequence", "tool_calls", "tool_use", "eos"))
_CUTS = frozenset(("max_tokens", "length", "model_length", "pause_turn", "model_context_window_exceeded"))
_SAFETY = frozenset(
    (
        "safety",
        "recitation",
        "blocklist",
        "prohibited_content",
        "spii",
        "image_safety",
        "content_filter",
        "refusal",
        "language",
    )
)


def normal_finish(chunk: Any) -> list[Failure | None]:
    """The finish reasons that a chunk carries; None stands for a proper stop."""
    metadata = chunk.response_metadata or {}
    words = [metadata.get(key) for key in ("finish_reason", "stop_reason")]
    feedback = metadata.get("prompt_feedback")
    if isinstance(feedback, dict) and feedback.get("block_reason"):
        return [Failure.SAFETY]
    return [_finish(str(word)) for word in words if word]


def _finish(word: str) -> Failure | None:
    word = word.rpartition(".")[2].casefold()
    if word in _STOPS:
        return None
    if word in _CUTS:
        return Failure.CUT
    return Failure.SAFETY if word in _SAFETY else Failure.MALFORMED


_BY_STATUS = {401: Failure.BAD_KEY, 403: Failure.BAD_KEY, 404: Failure.NO_MODEL, 429: Failure.RATE_LIMIT}
_BY_NAME = (
    ("RateLimit", Failure.RATE_LIMIT),
    ("Authentication", Failure.BAD_KEY),
    ("PermissionDenied", Failure.BAD_KEY),
    ("NotFound", Failure.NO_MODEL),
    ("Timeout", Failure.TIMED_OUT),
    ("RemoteProtocol", Failure.CUT),
    ("IncompleteRead", Failure.CUT),
    ("Connect", Failure.NETWORK),
    ("Transport", Failure.NETWORK),
    ("JSONDecode", Failure.MALFORMED),
    ("UnknownApiResponse", Failure.MALFORMED),
    ("Validation", Failure.MALFORMED),
    ("Recursion", Failure.MALFORMED),
)
_KEY = re.compile(r"api[ _]key", re.IGNORECASE)
_RETRY = re.compile(r"(\d{1,6}(?:\.\d+)?)s?")


def classify(error: BaseException) -> ModelError:
    """What an exception of a provider's library means, in our words: its own may quote a header, and the
    key."""
    chain = _chain(error)
    ours = next((item for item in chain if isinstance(item, ModelError)), None)
    long = next((item for item in chain if isinstance(item, LongBodyError | OddBodyError)), None)
    if ours is None and long is not None:
        return ModelError(
            Failure.TOO_LONG if isinstance(long, LongBodyError) else Failure.MALFORMED, str(long)
        )
    return ours or _classified(chain)


def _classified(chain: list[BaseException]) -> ModelError:
    number = next((item.errno for item in chain if isinstance(item, OSError) and item.errno), 0)
    text = os.strerror(number) if number else type(chain[-1]).__name__
    status = next((found for item in chain if (found := _status(item)) is not None), None)
    wait = next((delay for item in chain if (delay := _wait(item)) is not None), None)
    if status is not None and 300 <= status < 400:
        return ModelError(Failure.OTHER, f"HTTP {status}: it redirects, which is not followed")
    if status is not None and 400 <= status < 600:
        return ModelError(_by_status(status, str(chain[0])), f"HTTP {status}", wait_s=wait, status=status)
    return ModelError(next(filter(None, map(_by_name, chain)), Failure.OTHER), text, wait_s=wait)


def _by_status(status: int, text: str) -> Failure:
    if status == 400 and _KEY.search(text):
        return Failure.BAD_KEY
    return _BY_STATUS.get(status, Failure.SERVER if status >= 500 else Failure.OTHER)


def _by_name(error: BaseException) -> Failure | None:
    names = " ".join(kind.__name__ for kind in type(error).__mro__)
    return next((failure for part, failure in _BY_NAME if part in names), None)


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    item: BaseException | None = error
    while item is not None and len(chain) < 8 and item not in chain:
        chain.append(item)
        item = item.__cause__ or item.__context__
    return chain


def _status(error: BaseException) -> int | None:
    for owner in (error, getattr(error, "response", None)):
        for name in ("status_code", "code"):
            value = getattr(owner, name, None)
            if isinstance(value, int):
                return value
    return None


def _wait(error: BaseException) -> float | None:
    """RetryInfo of Google's error details, or a Retry-After header."""
    details = getattr(error, "details", None)
    inner = details.get("error", details) if isinstance(details, dict) else {}
    listed = inner.get("details") if isinstance(inner, dict) else None
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict) and (match := _RETRY.fullmatch(str(item.get("retryDelay", "")))):
            return float(match[1])
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    match = _RETRY.fullmatch(str(headers.get("retry-after", "")))
    return float(match[1]) if match else None

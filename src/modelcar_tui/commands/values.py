"""What the values of options may be, and of settings, which stand for them: one owner for both.

Each takes the text that was typed and gives the value.

Raises:
    argparse.ArgumentTypeError: it makes no sense; what, and how to mend it.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any

from modelcar_tui.core.settings_table import MODEL_HOST

_MOST_DIGITS = 18


def image_flag(text: str) -> str:
    """An image without a login, which podman would be started with."""
    from modelcar_tui.core.shapes import without_address_secrets

    if without_address_secrets(text) != text:
        raise argparse.ArgumentTypeError("the image holds a login; leave it out and: podman login HOST")
    return text


def whole(text: str) -> int | None:
    """A whole number; None where it is none, or has more digits than anything here may have."""
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else None


def gpu_flag(text: str) -> str:
    """A what-if unit whose product is a card; asked before anything else is."""
    product, _, rest = text.strip().partition(":")
    count, at, nodes = rest.partition("@")
    if not product or not whole(count) or (at and whole(nodes) is None):
        form = "is not PRODUCT:COUNT[@NODES], such as NVIDIA-L40S:4 or L40S:4@3"
        raise argparse.ArgumentTypeError(f"{text!r} {form}")
    from modelcar_tui.cluster import parse_gpu_flags
    from modelcar_tui.core.errors import UserError

    try:
        parse_gpu_flags((text,))
    except UserError as error:
        problem = error.problems[0]
        raise argparse.ArgumentTypeError(
            f"{problem.what}; {problem.fix}" if problem.fix else problem.what
        ) from None
    return text


def count(text: str) -> int:
    """A number of pods at once."""
    value = whole(text.strip()) or 0
    if not 1 <= value <= 100:
        raise argparse.ArgumentTypeError("give a number from 1 to 100")
    return value


def minutes(text: str) -> int:
    """A limit in minutes, of a day at most."""
    value = whole(text.strip()) or 0
    if not 1 <= value <= 1440:
        raise argparse.ArgumentTypeError("give minutes from 1 to 1440")
    return value


def days(text: str) -> int:
    """How long something is kept, a century at most; 0 for ever."""
    value = whole(text.strip())
    if value is None or value > 36_500:
        raise argparse.ArgumentTypeError("give days from 0 to 36500; 0 is for ever")
    return value


def size(text: str) -> int:
    """Bytes; 0 is any size."""
    from modelcar_tui.core.sizes import size_bytes

    value = size_bytes(text)
    if value is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size, such as 500MiB or 2GiB; 0 is any size")
    return value


def user_id(text: str) -> int:
    """A user of a pod: root can't be."""
    value = whole(text.strip()) or 0
    if not 1 <= value < 2**31:
        raise argparse.ArgumentTypeError("give a user's number, such as 1000; root can't be")
    return value


def object_name(text: str) -> str:
    """A name of a Kubernetes object."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", text):
        raise argparse.ArgumentTypeError("give a name of small letters, digits, - and .")
    return text


def running_objects(text: str) -> tuple[str, str, str]:
    """Namespace, kind and name of what runs on a cluster; the last two may be empty."""
    parts = text.strip().split("/")
    form = "is not NAMESPACE[/NAME] or NAMESPACE/KIND/NAME, such as prod/chat or prod/isvc/chat"
    if not 1 <= len(parts) <= 3 or not all(parts):
        raise argparse.ArgumentTypeError(f"{text!r} {form}")
    namespace, *_, name = (*parts, "") if len(parts) == 1 else parts
    for one in filter(None, (namespace, name)):
        object_name(one)
    return namespace, parts[1] if len(parts) == 3 else "", name


def taint(text: str) -> str:
    """What a pod tolerates."""
    from modelcar_tui.qa.engines import toleration

    try:
        toleration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text.strip()


def seconds(text: str) -> float:
    """A limit."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e7:
        raise argparse.ArgumentTypeError("give seconds, more than 0")
    return value


def report_flag(text: str) -> str:
    """The path of a report whose ending says its form."""
    from modelcar_tui.report import endings, form_of

    if not form_of(text):
        raise argparse.ArgumentTypeError(f"{text!r}: the form is that of the ending: {endings()}")
    return text


def port(text: str) -> int:
    """A port of this machine; 0 is any that is free."""
    if not text.isascii() or (number := whole(text)) is None or number > 65535:
        raise argparse.ArgumentTypeError("give a port from 0 to 65535; the page is on 127.0.0.1 alone")
    return number


def model_host(text: str) -> str:
    """A host that a language model is asked at."""
    if not re.fullmatch(MODEL_HOST, text):
        raise argparse.ArgumentTypeError(
            "give a host, with its port where it is not that of https, such as vllm.example:8000"
        )
    return text.lower()


CHECKS: dict[str, Callable[[str], Any]] = {
    "gpus": gpu_flag,
    "timeout": seconds,
    "qa.image": image_flag,
    "qa.timeout": seconds,
    "runs.keep-days": days,
    "runs.keep-size": size,
    "qa.run-as": user_id,
    "qa.image-pull-secrets": object_name,
    "qa.arch": object_name,
    "qa.tolerations": taint,
    "qa.parallel": count,
    "llm.wait": seconds,
    "llm.allowed-hosts": model_host,
    "llm.refused-hosts": model_host,
}
"""By the setting; others are what their kind says."""


def checked(name: str, text: str) -> str:
    """What an option's own check finds wrong with a setting's value; else the empty text."""
    try:
        CHECKS.get(name, str)(text)
    except argparse.ArgumentTypeError as error:
        return str(error).removeprefix(f"{text!r} ")
    return ""

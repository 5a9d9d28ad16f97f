"""What may stand in each field of a manifest: checks of single values."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable

from modelcar_tui.core.shapes import without_address_secrets
from modelcar_tui.core.text import has_hidden, masked_seen, reveal
from modelcar_tui.manifest.limits import MAX_GPUS, MAX_TEXT, shorten
from modelcar_tui.manifest.masking import masked_arguments
from modelcar_tui.manifest.spans import BOOL, FLOAT, INT, STR, Mapping, Node, Scalar, Sequence, deref

OCI_TRANSPORTS = ("oci", "oci+modelcar", "oci+native", "oci+fetch", "docker")
OTHER_TRANSPORTS = {
    "hf": "a Hugging Face model",
    "s3": "an S3 bucket",
    "pvc": "a persistent volume",
    "gs": "a Google bucket",
    "http": "a download",
    "https": "a download",
    "hdfs": "an HDFS folder",
    "webhdfs": "an HDFS folder",
    "modelcar": "no transport of KServe",
}
Report = Callable[[Node, str, str, str], None]
"""Called as `report(node, what, fix, code)`."""

_TRANSPORT = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
_COUNT = re.compile(r"[1-9][0-9]*\Z")


def text_field(node: Node, field: str, report: Report) -> str | None:
    """A text without blanks around it; None, and a report, if it is something else."""
    target = deref(node)
    if not isinstance(target, Scalar):
        report(
            node,
            f"{field} must be a text, not a {kind(node)}",
            f"write `{field}: ...` on one line",
            f"{field}-type",
        )
        return None
    if target.tag != STR:
        if kind(target) == "null":
            report(node, f"{field} is empty", f"write `{field}: ...`", f"{field}-missing")
        else:
            shown = spelled(target)
            what = f"{field} must be a text, but YAML reads {shown} as a {kind(target)}"
            report(node, what, f'write {field}: "{shown}"', f"{field}-type")
        return None
    if not _readable(target, field, report, node):
        return None
    value = target.value.strip()
    if not value:
        report(node, f"{field} is empty", f"write `{field}: ...`", f"{field}-missing")
        return None
    return value


def image_field(node: Node, report: Report) -> str | None:
    """An image reference with an OCI transport, or with none."""
    value = text_field(node, "image", report)
    if value is None:
        return None
    if any(char.isspace() for char in value):
        report(node, "the image reference holds a blank", "delete it", "image-blank")
        return None
    match = _TRANSPORT.match(value)
    if match:
        transport, rest = match[1], value[match.end() :]
        if transport.lower() in OTHER_TRANSPORTS:
            what = f"{transport}:// is {OTHER_TRANSPORTS[transport.lower()]}, not a model-car"
            report(
                node, what, "a model-car is an OCI image: oci://REGISTRY/REPOSITORY:TAG", "transport-not-oci"
            )
            return None
        if transport not in OCI_TRANSPORTS:
            near = difflib.get_close_matches(transport.lower(), OCI_TRANSPORTS, 1, 0.6)
            fix = f"did you mean {near[0]}://?" if near else "use oci://"
            report(node, f"unknown transport {shorten(transport)}://", fix, "transport-unknown")
            return None
        if not rest.strip("/"):
            report(node, f"{value} names no image", "write oci://REGISTRY/REPOSITORY:TAG", "image-missing")
            return None
    return without_address_secrets(value)


def choice_field(node: Node, field: str, choices: tuple[str, ...], report: Report) -> str | None:
    """One of a few words."""
    value = text_field(node, field, report)
    if value is None or value in choices:
        return value
    near = difflib.get_close_matches(value.lower(), choices, 1, 0.5)
    fix = f"did you mean {near[0]}?" if near else f"use one of {', '.join(choices)}"
    report(node, f"unknown {field} {shorten(value)}", fix, f"{field}-unknown")
    return None


def count_field(node: Node, report: Report) -> int | None:
    """A positive whole number in plain decimal digits: YAML 1.1 reads others in surprising ways."""
    target = deref(node)
    code = "gpu-count"
    if not isinstance(target, Scalar):
        report(node, f"gpu_count must be a number, not a {kind(node)}", "write `gpu_count: 1`", code)
        return None
    shown = spelled(target)
    if target.tag == INT and _COUNT.match(target.value):
        if len(target.value) <= 5 and int(target.value) <= MAX_GPUS:
            return int(target.value)
        report(
            node, f"gpu_count {shown} is more than {MAX_GPUS}", "write the number of GPUs of one copy", code
        )
    elif target.tag == INT:
        read = _read_integer(target.value)
        if read is None or str(read) == target.value:
            report(node, f"gpu_count must be at least 1, not {shown}", "write `gpu_count: 1`", code)
        else:
            what = f"YAML reads gpu_count {shown} as {read}"
            report(node, what, "write plain decimal digits, such as `gpu_count: 2`", code)
    elif target.tag == STR and _COUNT.match(target.value.strip()):
        report(
            node,
            f'gpu_count "{shown}" is a text',
            f"write it without quotes: gpu_count: {shown.strip()}",
            code,
        )
    else:
        what = f"gpu_count must be a positive whole number, but {shown} is a {kind(target)}"
        report(node, what, "write `gpu_count: 1`", code)
    return None


def argument_field(node: Node, before: str, report: Report) -> str | None:
    """One item of `args`; `before` is the item before it, for a better hint."""
    target = deref(node)
    code = "args-type"
    if isinstance(target, Mapping):
        fix = "quote the item, or write it as `--flag=value`"
        if target.pairs and target.pairs[0][0].value.startswith("-"):
            value = deref(target.pairs[0][1])
            end = f"={spelled(value)}" if isinstance(value, Scalar) else "=..."
            fix = f'write "{spelled(target.pairs[0][0])}{end}"'
        report(node, "an item of args must be a text, but YAML reads this as a mapping", fix, code)
        return None
    if not isinstance(target, Scalar):
        report(
            node,
            f"an item of args must be a text, not a {kind(node)}",
            "write one `--flag=value` an item",
            code,
        )
        return None
    if target.tag != STR:
        shown = spelled(target)
        if kind(target) == "null":
            report(node, "an item of args is empty", "delete the item or write `--flag=value`", code)
        elif before.startswith("--") and "=" not in before:
            what = f"an item of args must be a text, but YAML reads {shown} as a {kind(target)}"
            report(node, what, f'write "{shown}", or both items as {shorten(before)}={shown}', code)
        else:
            what = f"an item of args must be a text, but YAML reads {shown} as a {kind(target)}"
            report(node, what, f'write "{shown}"', code)
        return None
    if not _readable(target, "the argument", report, node, before):
        return None
    if not target.value.strip():
        report(node, "an item of args is empty", "delete the item or write `--flag=value`", code)
        return None
    return target.value


def kind(node: Node) -> str:
    """What a node is, in one word."""
    node = deref(node)
    if isinstance(node, (Mapping, Sequence)):
        return "mapping" if isinstance(node, Mapping) else "list"
    names = {STR: "text", INT: "number", FLOAT: "number", BOOL: "boolean"}
    tag = node.tag if isinstance(node, Scalar) else ""
    return names.get(tag, tag.rpartition(":")[2] or "value")


def spelled(node: Scalar) -> str:
    """A scalar as it is spelled, fit for one line."""
    return shorten(node.value)


def _readable(target: Scalar, field: str, report: Report, node: Node, before: str = "") -> bool:
    if len(target.value) > MAX_TEXT:
        report(node, f"{field} is longer than {MAX_TEXT} characters", "shorten it", "too-long")
        return False
    value = target.value
    if not has_hidden(value) and all(char == " " or not char.isspace() for char in value):
        return True
    shown = _shown(value, before)
    what = f"{field} holds characters that can't be seen: {shorten(shown, 160)}"
    fix = (
        "end the block scalar with `-` (`|-` or `>-`)" if value.rstrip("\n").isprintable() else "delete them"
    )
    report(node, what, fix, "hidden-character")
    return False


def _shown(value: str, before: str = "") -> str:
    """A text with what can't be seen spelled out; where it holds a secret, or follows the flag of one, masked
    instead."""
    seen = masked_seen(value)
    plain = "".join(
        " " if char.isspace() else char for char in seen if char.isspace() or not has_hidden(char)
    )
    masked = masked_arguments((before, plain))[1]
    if masked != plain:
        return masked
    return "".join(
        char if char == " " or not char.isspace() else f"<U+{ord(char):04X}>" for char in reveal(seen)
    )


def _read_integer(text: str) -> int | None:
    """What YAML 1.1 makes of an integer's spelling."""
    text = text.replace("_", "")
    sign = -1 if text.startswith("-") else 1
    text = text.lstrip("+-")
    try:
        if ":" in text:
            total = 0
            for part in text.split(":"):
                total = total * 60 + int(part)
            return sign * total
        if text.startswith(("0b", "0x")):
            return sign * int(text, 0)
        return sign * int(text, 8 if text.startswith("0") and len(text) > 1 else 10)
    except ValueError:
        return None

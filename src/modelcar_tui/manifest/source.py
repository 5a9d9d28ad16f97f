"""The bytes of a manifest as text and back, with nothing lost on the way."""

from __future__ import annotations

import codecs
import hashlib
import os
import re
import stat
from pathlib import Path
from typing import BinaryIO

import msgspec

from modelcar_tui.core.config_file import to_type
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.resources import samples_shown
from modelcar_tui.core.text import reveal

MAX_BYTES = 10 * 1024 * 1024
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|\ufeff")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, ""),
    (codecs.BOM_UTF32_BE, ""),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest's bytes and the text that they spell."""

    label: str
    """The path as it is shown."""
    data: bytes
    text: str
    """Without the byte order mark; line ends as they are in the file."""
    encoding: str
    bom: bytes = b""

    @property
    def sha256(self) -> str:
        """Of the file's bytes, in hex."""
        return hashlib.sha256(self.data).hexdigest()

    def encode(self, text: str) -> bytes:
        """`text` as bytes in this file's encoding and with its byte order mark."""
        return self.bom + text.encode(self.encoding)


def read_bytes(path: Path) -> bytes:
    """The bytes of a manifest.

    Raises:
        UserError: the file is missing, a folder, a device, unreadable, or larger than `MAX_BYTES`.
    """
    label = reveal(str(path))
    try:
        with _open(path) as file:
            kind = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(kind):
                what = "this is not a regular file"
                raise _refusal(label, what, "save the manifest as a file and name that", "not-a-file")
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        what = "there is no such file"
        fix = f"check the path; samples are in {samples_shown()}"
        raise _refusal(label, what, fix, "file-missing") from None
    except IsADirectoryError:
        raise _refusal(label, "this is a folder", "name the manifest inside it", "file-is-folder") from None
    except PermissionError:
        fix = to_type("try: chmod u+r {}", str(path))
        raise _refusal(label, "permission denied", fix, "file-unreadable") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _refusal(label, f"it can't be read ({reason})", "check the path", "file-unreadable") from None
    if len(data) > MAX_BYTES:
        what = f"the file is larger than {MAX_BYTES // 1024**2} MiB"
        raise _refusal(label, what, "a manifest is a few KiB; check the path", "file-too-large")
    return data


def decode(data: bytes, label: str) -> Source:
    """The text of a manifest's bytes; UTF-8, or UTF-16 with a byte order mark.

    Raises:
        UserError: the bytes are empty, binary, or not in one of these encodings.
    """
    label = reveal(label)
    bom, encoding = next(((bom, name) for bom, name in _BOMS if data.startswith(bom)), (b"", "utf-8"))
    if not encoding:
        raise _refusal(label, "the file is UTF-32", "save it as UTF-8", "encoding")
    body = data[len(bom) :]
    if encoding == "utf-8" and b"\0" in body:
        where = _place(label, body[: body.index(b"\0")].decode("utf-8", "replace"))
        raise _refusal(where, "this is a binary file (it holds NUL bytes)", "name a YAML file", "binary")
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        where = _place(label, body[: error.start].decode(encoding, "replace"))
        what = f"the byte 0x{body[error.start]:02x} is not {encoding.upper()}"
        raise _refusal(where, what, "save the file as UTF-8", "encoding") from None
    if bad := _FORBIDDEN.search(text):
        where = _place(label, text[: bad.start()])
        what = f"the character <U+{ord(bad.group()):04X}> is not allowed in YAML"
        raise _refusal(where, what, "delete it", "control-character")
    if not text.strip():
        fix = f"write a `model-car:` list, or objects that serve vLLM; samples are in {samples_shown()}"
        raise _refusal(f"{label}:1:1", "the file is empty", fix, "empty")
    return Source(label=label, data=data, text=text, encoding=encoding, bom=bom)


def _open(path: Path) -> BinaryIO:
    """Open without waiting: a FIFO with no writer would block for ever."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")


def _place(label: str, before: str) -> str:
    lines = re.split("\r\n|[\r\n]", before)
    return f"{label}:{len(lines)}:{len(lines[-1]) + 1}"


def _refusal(where: str, what: str, fix: str, code: str) -> UserError:
    return UserError(Problem(where=where, what=what, fix=fix, code=code))

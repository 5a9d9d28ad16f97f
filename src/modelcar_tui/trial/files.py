"""The model's small files, lent to the pod: which of them, packed, cut into parts, and how they are joined.

A Secret holds a megabyte, so the packed files are cut; an init container of the runtime's own image, which
has Python, joins them, checks their sum and writes them where vLLM looks for a model.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Mapping

import msgspec

from modelcar_tui.core.text import clean
from modelcar_tui.image import SmallFiles
from modelcar_tui.models import ModelFacts, architecture_of, makes_no_text
from modelcar_tui.trial.refusing import cannot
from modelcar_tui.vllm.arguments import EngineArgs

MIB = 1024**2
PART = 900 * 1024
"""Bytes of one Secret; with base64 that is 1.2 MiB of a request, and etcd takes 1.5."""
MOST = 8 * MIB
"""Packed bytes of all parts."""
UNPACKED = 6 * MOST
"""Bytes that are read before they are packed: a tokenizer of 17 MB has 5 once it is."""
_MEMBER = 200
"""Packed bytes of a member's header, at most about."""
_TOKENIZERS = (
    ("tokenizer.json",),
    ("tokenizer.model",),
    ("spiece.model",),
    ("tekken.json",),
    ("vocab.txt",),
    ("vocab.json", "merges.txt"),
)
"""Sets of files of which one makes a tokenizer."""
_PARTS_OF_TOKENIZERS = frozenset(name for names in _TOKENIZERS for name in names)
_SEES = ("vision", "visual", "audio", "speech", "video", "thinker")


class Lent(msgspec.Struct, frozen=True, kw_only=True):
    """What is lent."""

    parts: tuple[bytes, ...]
    sha256: str
    """Of the parts together."""
    files: tuple[tuple[str, int], ...]
    """Path and bytes, unpacked."""
    left_out: tuple[tuple[str, str], ...]
    tokenizer: bool
    """Whether one is among them."""

    @property
    def unpacked(self) -> int:
        """Bytes of all files."""
        return sum(size for _, size in self.files)


def lend(model: str, found: SmallFiles, *, most: int = MOST, part: int = PART) -> Lent:
    """The files that fit, tokenizers last; those that are too large are left out, the largest first.

    Raises:
        UserError: there is no config, or what must be lent does not fit.
    """
    files = dict(found.files)
    if not {"config.json", "params.json"} & files.keys():
        why = next((why for path, why in found.left_out if path == "config.json"), "")
        told = f" ({clean(why, limit=200)})" if why else ""
        raise cannot(
            model, f"its config.json could not be read{told}", "look at the image: agent configuration FILE"
        )
    left = [(clean(path, limit=200), clean(why, limit=200)) for path, why in found.left_out]
    packed = pack(files)
    while (over := len(packed) - most) > 0:
        large = _largest(files, over)
        if not large:
            size = f"{len(packed) / MIB:.1f} MiB packed, and {most / MIB:g} can be lent"
            raise cannot(model, f"its small files have {size}")
        left += [(clean(one, limit=200), f"{len(files.pop(one)) / MIB:.1f} MiB do not fit") for one in large]
        packed = pack(files)
    return Lent(
        parts=tuple(packed[at : at + part] for at in range(0, len(packed), part)),
        sha256=hashlib.sha256(packed).hexdigest(),
        files=tuple((clean(path, limit=200), len(files[path])) for path in sorted(files)),
        left_out=tuple(left),
        tokenizer=has_tokenizer(files),
    )


def pack(files: Mapping[str, bytes]) -> bytes:
    """A gzipped tar archive of the files: the same bytes for the same files, whoever makes it, whenever."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(files):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode, entry.mtime = len(files[path]), 0o444, 0
            archive.addfile(entry, io.BytesIO(files[path]))
    return gzip.compress(whole.getvalue(), compresslevel=9, mtime=0)


def _largest(files: Mapping[str, bytes], over: int) -> list[str]:
    """The largest files of tokenizers without which the archive is likely shorter by `over` bytes: to pack it
    anew for each one of hundreds takes minutes."""
    chosen: list[str] = []
    for path in sorted(filter(_of_tokenizer, files), key=lambda one: -len(files[one])):
        if over <= 0:
            break
        chosen.append(path)
        over -= len(zlib.compress(files[path], 9)) + _MEMBER
    return chosen


def has_tokenizer(files: Mapping[str, bytes]) -> bool:
    """Whether one can be made of the files."""
    there = {path.rpartition("/")[2] for path in files}
    return any(set(names) <= there for names in _TOKENIZERS) or any(
        one.endswith(".tiktoken") for one in there
    )


def must_skip(model: str, lent: Lent, facts: ModelFacts, engine: EngineArgs, *, skips: bool) -> bool:
    """Whether the try goes without a tokenizer that production has.

    A processor of images or sound is made with one (multimodal/processing/processor.py refuses to do
    without), and so are the servers of models that pool.

    Raises:
        UserError: the model can't do without.
    """
    if lent.tokenizer or skips:
        return False
    too_large = any(_of_tokenizer(path) for path, _ in lent.left_out)
    why = "its tokenizer does not fit into what can be lent" if too_large else "no tokenizer was found"
    if sees(facts):
        raise cannot(model, f"{why}, and its processor of images or sound wants one")
    if engine.pooling or makes_no_text(architecture_of(facts.config or {}) or ""):
        raise cannot(model, f"{why}, and a model that pools wants one")
    return True


def sees(facts: ModelFacts) -> bool:
    """Whether the model takes images or sound, by its config and its processors."""
    config = facts.config or {}
    named = (str(key).lower() for key, value in config.items() if isinstance(value, dict))
    return bool(facts.processors) or any(word in key for key in named for word in _SEES)


def _of_tokenizer(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name in _PARTS_OF_TOKENIZERS or name.endswith((".tiktoken", ".model"))


JOIN = """
import hashlib, io, os, sys, tarfile
source, target, wanted = sys.argv[1:4]
names = sorted(n for n in os.listdir(source) if n.startswith("part-"))
data = b"".join(open(os.path.join(source, n), "rb").read() for n in names)
if hashlib.sha256(data).hexdigest() != wanted:
    sys.exit("the model's files are not what was lent: %d parts, %d bytes" % (len(names), len(data)))
root, count, size = os.path.realpath(target), 0, 0
with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
    for entry in archive:
        path = os.path.realpath(os.path.join(root, entry.name))
        if not entry.isfile() or not path.startswith(root + os.sep):
            sys.exit("a file that lies outside: %r" % entry.name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(archive.extractfile(entry).read())
        count, size = count + 1, size + entry.size
for name, text in zip(sys.argv[4::2], sys.argv[5::2]):
    with open(os.path.join(root, name), "w") as out:
        out.write(text)
print("%d files of the model, %d bytes" % (count, size), flush=True)
""".lstrip()
"""What the init container runs, with the folders of the parts and of the model, and the sum, behind it; then
name and text of each file of our own."""


def part_name(number: int) -> str:
    """Of one part, in the order in which they are joined."""
    return f"part-{number:03}"

"""A manifest as the QA suite wants it: `model-car` must be a list."""

from __future__ import annotations

import re

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.manifest.edits import CannotEditError, Edit, line_start, node_end, splice
from modelcar_tui.manifest.plain import own_pair, plain
from modelcar_tui.manifest.reader import compose_source
from modelcar_tui.manifest.render import flow
from modelcar_tui.manifest.source import decode
from modelcar_tui.manifest.spans import ManifestSyntaxError, Mapping, Scalar, compose


def as_suite_list(data: bytes, label: str = "manifest") -> bytes:
    """The same manifest with a single-mapping `model-car` as a list of one; other manifests come back as they
    are.

    Raises:
        UserError: this is no manifest, or it can't be rewritten.
    """
    source = decode(data, label)
    root = compose_source(source).root
    pair = own_pair(root, "model-car") if isinstance(root, Mapping) else None
    if pair is None or not isinstance(plain(pair[1]), dict):
        return data
    intended = {**plain(root), "model-car": [plain(pair[1])]}
    for edits in (_dashed(source.text, pair), _inline(source.text, pair)):
        try:
            text = splice(source.text, edits)
            if edits and plain(compose(text).root) == intended:
                return source.encode(text)
        except (CannotEditError, ManifestSyntaxError):
            continue
    problem = Problem(
        where=label, what="model-car can't be turned into a list", fix="put `- ` before its first key"
    )
    raise UserError(problem)


def _dashed(text: str, pair: tuple[Scalar, object]) -> list[Edit]:
    """A dash before the first key; all other lines move right by two."""
    _, node = pair
    if not isinstance(node, Mapping) or node.flow or not node.pairs or node.anchor:
        return []
    first = line_start(text, node.start)
    if text[first : node.start].strip():
        return []
    end = node_end(text, node)
    edits = [Edit(node.start, node.start, "- ")]
    for match in re.finditer(r"(?<=\n)(?=[^\r\n])", text[node.start : end]):
        at = node.start + match.start()
        edits.append(Edit(at, at, "  "))
    return edits


def _inline(text: str, pair: tuple[Scalar, object]) -> list[Edit]:
    key, node = pair
    start = text.index(":", key.end) + 1
    return [Edit(start, node_end(text, node), f" [{flow(plain(node))}]")]  # type: ignore[arg-type]

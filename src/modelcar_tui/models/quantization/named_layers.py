"""Which of a checkpoint's layers have which scheme, by the names that its quantization lists.

A list says what stays in 16 bits, or what has a scheme of its own: whole names, globs, expressions after
`re:`, or parts of names. The first that fits a matrix decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import translate
from itertools import groupby

import msgspec

from modelcar_tui.models.quantization.module_names import names_of
from modelcar_tui.models.quantization.scheme import PLAIN_SCHEME, Scheme
from modelcar_tui.models.shape import Shape
from modelcar_tui.models.weights.mixers import STATE_PARTS
from modelcar_tui.models.weights.tensors import Weight

_LAYER = re.compile(
    r"^(?:(?:model|language_model|text_model|backbone|transformer|decoder|thinker|llm)\.)*"
    r"(?:layers|blocks|h)\.(\d{1,4})(?:\.|(\*?)$)"
)
_BEFORE = ("model.layers.", "language_model.model.layers.", "model.language_model.layers.", "layers.")
"""What stands before a layer's number; vLLM takes the checkpoint's names for its own (WeightsMapper)."""
_OF_PART = ("encoder.layers.0.self_attn.q_proj", "blocks.0.attn.qkv", "blocks.0.mlp.fc1", "linear_1")
"""What may stand below a tower's or projector's name."""
_NEVER = ("vision_tower", "vision_model", "vit_large_projector")
"""Parts that ModelOpt leaves alone (modelopt.py get_quant_method)."""
_HEADS = ("lm_head", "language_model.lm_head", "model.lm_head", "head")
_EXPERT = re.compile(r"(?<=experts\.)\d+(?=\.|$)")
_LONGEST, _EXPRESSIONS, _REPEATS = 300, 64, 4
_QUANTIZED = ("linear", "attention", "expert")
SECOND_COPY = "absorbed kv_b"
"""MLA's `kv_b` in 16 bits beside the quantized one; unquantized it is kept once."""
_KIMI = {"in_proj": "kda in_proj", "out_proj": "kda out_proj"}
"""Kimi's mixers have names like attention's."""
_REPEATED_GROUP = re.compile(r"\)\s*[*+{]")


class Rule(msgspec.Struct, frozen=True):
    """What all that have this name are stored as."""

    name: str
    scheme: Scheme = PLAIN_SCHEME
    inside: bool = False
    """A part of a name is enough (vllm quantization/utils/quant_utils.py is_layer_skipped)."""


class LayerScheme:
    """The schemes of one layer's matrices, or of all layers for which the same rules hold."""

    __slots__ = ("_base", "_known", "_layer", "_rest", "_rules")

    def __init__(self, base: Scheme, rest: Scheme | None, rules: Rules, layer: int) -> None:
        self._base, self._rest, self._rules, self._layer = base, rest, rules, layer
        self._known: dict[tuple[str, str, bool], Scheme] = {}

    def of(self, shape: Shape, weight: Weight, *, experts: bool) -> Scheme:
        """The scheme of a matrix.

        Args:
            shape: of the layer.
            experts: the layer has experts.
        """
        if weight.inner == 1 or weight.role not in _QUANTIZED or _never(shape, weight):
            return PLAIN_SCHEME
        key = weight.label, weight.role, experts and not shape.family.mlp_beside_experts
        if key not in self._known:
            label = _KIMI.get(weight.label, weight.label) if _is_kimi(shape) else weight.label
            names = names_of(label, weight.role, shared=key[2], apart=shape.family.experts_apart)
            said = self._rules.find(self._layer, names)
            rest = self._base.of_role(weight.role) if self._rest is None else self._rest
            self._known[key] = said or rest
        return self._known[key]


class Storage:
    """How one checkpoint's weights are stored, layer by layer.

    Args:
        base: the scheme of what the rules don't name.
        rules: the first that fits decides.
        rest: takes the place of `base` where the rules name all that is quantized.
        head: of the output matrix where the rules don't name it.
        towers: whether the method quantizes towers and projectors; None: all but those that ModelOpt leaves
            alone.
    """

    def __init__(
        self,
        base: Scheme,
        rules: Iterable[Rule] = (),
        *,
        rest: Scheme | None = None,
        head: Scheme = PLAIN_SCHEME,
        towers: bool | None = False,
    ) -> None:
        self.base = base
        self._rules, self._rest = Rules(rules), rest
        self._alike: dict[object, LayerScheme] = {}
        self.head = self._rules.of_head() or head
        self._towers = towers
        self._of_parts: dict[str, Scheme] = {}

    def of_part(self, name: str) -> Scheme:
        """The scheme of the layers of a tower or projector with this name."""
        if name not in self._of_parts:
            self._of_parts[name] = self._part(name)
        return self._of_parts[name]

    def _part(self, name: str) -> Scheme:
        known = any(part in name for part in _NEVER)
        if not name or self._towers is False or (self._towers is None and known):
            return PLAIN_SCHEME
        rest = self.base.of_role("linear") if self._rest is None else self._rest
        return self._rules.of_part(name) or rest

    def runs(self, first: int, last: int) -> Iterator[tuple[int, int, LayerScheme]]:
        """The layers `first` to before `last` in stretches that the same rules hold for."""
        keys = [self._rules.alike(layer) for layer in range(first, last)]
        start = first
        for key, run in groupby(keys):
            end = start + len(list(run))
            if key not in self._alike:
                self._alike[key] = LayerScheme(self.base, self._rest, self._rules, start)
            yield start, end, self._alike[key]
            start = end


def _is_kimi(shape: Shape) -> bool:
    return shape.state is not None and shape.state.kind == "kda"


def _never(shape: Shape, weight: Weight) -> bool:
    """Mamba 1's mixers get no quantization (vllm layers/mamba/mamba_mixer.py)."""
    return weight.label in STATE_PARTS and shape.state is not None and shape.state.kind == "mamba1"


class Rules:
    """The rules of one checkpoint, sorted by the layers that they name."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._whole: dict[int, dict[str, Scheme]] = {}
        self._parts: dict[int, list[tuple[re.Pattern[str], Scheme]]] = {}
        self._layers: dict[str, Scheme] = {}
        self._anywhere: list[tuple[re.Pattern[str], Scheme]] = []
        self._others: dict[str, Scheme] = {}
        self._counts = False
        seen: set[str] = set()
        for rule in rules:
            name = _EXPERT.sub("0", rule.name[:_LONGEST])
            if name not in seen:
                seen.add(name)
                self._add(name, rule)

    def _add(self, name: str, rule: Rule) -> None:
        found = None if name.startswith("re:") else _LAYER.search(name)
        if found is None and not rule.inside and not _is_glob(name) and not name.startswith("re:"):
            self._others[name] = rule.scheme
        elif found is None:
            if (pattern := _pattern(name, inside=rule.inside)) and len(self._anywhere) < _EXPRESSIONS:
                self._anywhere.append((pattern, rule.scheme))
                self._counts |= any(map(str.isdigit, name)) and _may_name_layers(name)
        else:
            self._add_to_layer(int(found[1]), name[found.end() :], found, rule)

    def _add_to_layer(self, layer: int, rest: str, found: re.Match[str], rule: Rule) -> None:
        if not rest:
            if found[2] or rule.inside:
                self._layers.setdefault(found[1], rule.scheme)
        elif not rule.inside and not _is_glob(rest):
            self._whole.setdefault(layer, {}).setdefault(rest, rule.scheme)
        elif pattern := _pattern(rest if _is_glob(rest) else f"{rest}*", inside=False):
            self._parts.setdefault(layer, []).append((pattern, rule.scheme))

    def alike(self, layer: int) -> object:
        """A value that is the same for layers that the same rules name."""
        whole = frozenset((name, id(scheme)) for name, scheme in self._whole.get(layer, {}).items())
        parts = tuple((pattern.pattern, id(scheme)) for pattern, scheme in self._parts.get(layer, ()))
        return whole, parts, id(self._layer(layer)), layer if self._counts else 0

    def _layer(self, layer: int) -> Scheme | None:
        """The scheme of a whole layer; `layers.1*` means the tenth, too."""
        text = str(layer)
        ends = (text[:size] for size in range(1, len(text) + 1))
        return next((self._layers[end] for end in ends if end in self._layers), None)

    def find(self, layer: int, names: Sequence[str]) -> Scheme | None:
        """What is said of a matrix with these names; None where nothing is."""
        if not names:
            return None
        whole, parts = self._whole.get(layer, {}), self._parts.get(layer, ())
        said = [whole[name] for name in names if name in whole]
        said += [scheme for pattern, scheme in parts if any(map(pattern.match, names))]
        if (all_of_it := self._layer(layer)) is not None:
            said.append(all_of_it)
        said += self._said_of([f"{before}{layer}.{name}" for before in _BEFORE for name in names])
        return next((scheme for scheme in said if scheme is PLAIN_SCHEME), said[0] if said else None)

    def of_head(self) -> Scheme | None:
        """What is said of the output matrix."""
        whole = (self._others[name] for name in _HEADS if name in self._others)
        return next(whole, None) or next(self._said_of(_HEADS), None)

    def of_part(self, name: str) -> Scheme | None:
        """What is said of the layers of a tower or projector with this name."""
        within = f".{name}."
        for other, scheme in self._others.items():
            if within in f".{other}.":
                return scheme
        whole = [f"{before}{name}" for before in ("", "model.")]
        return next(self._said_of([*whole, *(f"{one}.{end}" for one in whole for end in _OF_PART)]), None)

    def _said_of(self, names: Sequence[str]) -> Iterator[Scheme]:
        for pattern, scheme in self._anywhere:
            if any(map(pattern.match, names)):
                yield scheme


def _is_glob(name: str) -> bool:
    return any(sign in name for sign in "*?[")


def _may_name_layers(name: str) -> bool:
    """Whether decoder layers may fit it; none fits a glob with another beginning, such as `mtp.layers.0*`."""
    if name.startswith("re:") or not _is_glob(name):
        return True
    head = re.split(r"[*?\[]", name, maxsplit=1)[0]
    return any(head.startswith(before) or before.startswith(head) for before in _BEFORE)


def _pattern(name: str, *, inside: bool) -> re.Pattern[str] | None:
    """The names that are meant; None for an expression that could take long."""
    text = name.removeprefix("re:")
    if text == name:
        text = translate(name if _is_glob(name) else f"*{name}*" if inside else name)
    elif sum(map(text.count, "*+{")) > _REPEATS or _REPEATED_GROUP.search(text):
        return None
    try:
        return re.compile(text)
    except (re.error, RecursionError, OverflowError):
        return None

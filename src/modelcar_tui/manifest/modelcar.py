"""Reading a model-car list: every error with its place and how to mend it, several at once."""

from __future__ import annotations

import difflib
import re

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.resources import samples_shown
from modelcar_tui.manifest.fields import (
    argument_field,
    choice_field,
    count_field,
    image_field,
    kind,
    text_field,
)
from modelcar_tui.manifest.ignores import ignores_of
from modelcar_tui.manifest.limits import shorten
from modelcar_tui.manifest.masking import masked_arguments
from modelcar_tui.manifest.plain import entries, get, is_empty, is_null
from modelcar_tui.manifest.source import Source
from modelcar_tui.manifest.spans import Mapping, Node, Sequence, Tree, deref
from modelcar_tui.manifest.telling import Told, malformed, position
from modelcar_tui.manifest.types import ArgumentsFrom, Manifest, ModelCar, Position, ServingArguments

MAX_MODELS = 1000
_KINDS = "write a `model-car:` list, or objects that serve vLLM with their `apiVersion:` and `kind:`"
OUTPUT_TYPES = ("text", "audio", "embedding")
EXECUTION_MODES = ("sequential", "parallel")
SUITE_NAME = 20
"""The QA suite cuts the name of what it creates to so many characters."""
ROOT_KEYS = ("model-car", "default")
ITEM_KEYS = ("name", "image", "serving_arguments", "model_output_type", "execution_mode")
SERVING_KEYS = ("gpu_count", "args")
DEFAULT_KEYS = ("serving_arguments", "execution_mode", "model_output_type")


class ModelCarReader:
    """Reads one such document; the errors are told beside what is sound."""

    def __init__(self, source: Source, tree: Tree) -> None:
        self._source = source
        self._tree = tree
        self._told = Told(source.label, tree.root)
        self._sound: list[ModelCar] = []
        """Models without an error, be it in a block that they share."""

    def read(self) -> tuple[Manifest, tuple[Problem, ...]]:
        malformed(self._tree, self._told)
        shape = "list"
        models: list[ModelCar] = []
        root = self._tree.root
        if isinstance(root, Mapping):
            shape, models = self._root(root)
        elif is_null(root):
            fix = f"{_KINDS}; samples are in {samples_shown()}"
            self._told.error(root, "the file is empty", fix, "empty")
        else:
            fix = "start with `model-car:` and a list below it, or with an object's `apiVersion:` and `kind:`"
            self._told.error(root, f"a manifest is a mapping, not a {kind(root)}", fix, "root-type")
        manifest = Manifest(
            path=self._source.label,
            sha256=self._source.sha256,
            shape=shape,
            models=tuple(self._sound if self._told.faults else models),
            findings=self._told.warnings(),
            ignores=ignores_of(self._source.text, self._tree),
        )
        return manifest, self._told.errors()

    def _root(self, root: Mapping) -> tuple[str, list[ModelCar]]:
        self._known(root, ROOT_KEYS, "the manifest")
        default = get(root, "default")
        if not is_null(default) and not isinstance(deref(default), Mapping):  # type: ignore[arg-type]
            self._told.error(
                default, "default must be a mapping", "write `serving_arguments:` below it", "default-type"
            )
            default = None
        mode, block = "sequential", None
        if default is not None and not is_null(default):
            self._known(default, DEFAULT_KEYS, "default")
            block = self._block(get(default, "serving_arguments"))
            if not is_null(mode_node := get(default, "execution_mode")):
                mode = choice_field(mode_node, "execution_mode", EXECUTION_MODES, self._told.error) or mode  # type: ignore[arg-type]
        shape, items = self._items(root)
        models = [car for item in items if (car := self._item(item, block, mode))]
        self._names(models)
        return shape, models

    def _items(self, root: Mapping) -> tuple[str, list[Node]]:
        cars = get(root, "model-car")
        if cars is None:
            keys = [key.value for key, _ in root.pairs]
            near = difflib.get_close_matches("model-car", keys, 1, 0.6)
            fix = f"rename `{shorten(near[0])}` to `model-car`" if near else _KINDS
            self._told.error(root, "there is no `model-car`", fix, "model-car-missing")
            return "list", []
        target = deref(cars)
        fix = "list at least one model with `name` and `image`"
        if is_empty(cars):
            self._told.error(cars, "model-car is empty", fix, "model-car-empty")
            return "list", []
        if isinstance(target, Mapping):
            what = "model-car is a single mapping; the QA suite accepts only a list"
            self._told.warn(
                cars,
                what,
                "QA runs on a copy with a list; to mend the file put `- ` before the first key",
                "mapping-shape",
            )
            return "mapping", [cars]
        if not isinstance(target, Sequence):
            self._told.error(cars, f"model-car must be a list, not a {kind(cars)}", fix, "model-car-type")
        elif len(target.items) > MAX_MODELS:
            self._told.error(cars, f"more than {MAX_MODELS} models", "split the manifest", "too-many-models")
        else:
            return "list", target.items
        return "list", []

    def _item(self, item: Node, block: ServingArguments | None, mode: str) -> ModelCar | None:
        if not isinstance(deref(item), Mapping):
            fix = "write `- name: ...` and `image: ...` below it"
            what = f"an item of model-car must be a mapping, not a {kind(item)}"
            self._told.error(item, what, fix, "item-type")
            return None
        faults = self._told.faults
        self._known(item, ITEM_KEYS, "a model")
        name_node, image_node = get(item, "name"), get(item, "image")
        name = self._required(item, name_node, "name") and text_field(name_node, "name", self._told.error)  # type: ignore[arg-type]
        image = self._required(item, image_node, "image") and image_field(image_node, self._told.error)  # type: ignore[arg-type]
        output, own_mode = "text", mode
        if not is_null(node := get(item, "model_output_type")):
            output = choice_field(node, "model_output_type", OUTPUT_TYPES, self._told.error) or output  # type: ignore[arg-type]
        if not is_null(node := get(item, "execution_mode")):
            own_mode = choice_field(node, "execution_mode", EXECUTION_MODES, self._told.error) or mode  # type: ignore[arg-type]
        serving = self._serving(item, block)
        if not name or not image:
            return None
        car = ModelCar(
            name=name,
            image=image,
            serving=serving,
            model_output_type=output,
            execution_mode=own_mode,
            at=position(item),
            name_at=position(name_node),  # type: ignore[arg-type]
            image_at=position(image_node),  # type: ignore[arg-type]
        )
        if self._told.faults == faults:
            self._sound.append(car)
        return car

    def _required(self, item: Node, node: Node | None, field: str) -> bool:
        if node is None:
            self._told.error(item, f"this model has no {field}", f"write `{field}: ...`", f"{field}-missing")
        return node is not None

    def _serving(self, item: Node, block: ServingArguments | None) -> ServingArguments:
        """The item's own arguments, else the whole default block: the QA suite never merges the two."""
        own = self._block(get(item, "serving_arguments"))
        if own is not None:
            self._unmerged(item, own, block)
            return own
        if block is None:
            return ServingArguments()
        return ServingArguments(
            gpu_count=block.gpu_count,
            args=block.args,
            origin=ArgumentsFrom.DEFAULT,
            gpu_count_at=block.gpu_count_at,
            args_at=block.args_at,
        )

    def _unmerged(self, item: Node, own: ServingArguments, block: ServingArguments | None) -> None:
        """Say where the default block has what this model lacks."""
        if block is None:
            return
        lost = {}
        if block.gpu_count > 1 and own.gpu_count_at is None:
            lost["gpu_count"] = f"gpu_count {block.gpu_count}"
        if block.args and not own.args:
            lost["args"] = "args"
        if lost:
            verb = "are" if "args" in lost else "is"
            what = (
                f"the default block's {' and '.join(lost.values())} {verb} not used: the QA suite takes "
                "that block"
            )
            fix = f"write {' and '.join(lost)} here, too"
            where = get(item, "serving_arguments") or item
            self._told.warn(
                where, f"{what} whole or, beside serving_arguments, not at all", fix, "default-unmerged"
            )

    def _block(self, node: Node | None) -> ServingArguments | None:
        """A `serving_arguments` mapping; None where it is missing or empty."""
        if node is None or is_null(node):
            return None
        if not isinstance(deref(node), Mapping):
            fix = "write `gpu_count:` and `args:` below it"
            what = f"serving_arguments must be a mapping, not a {kind(node)}"
            self._told.error(node, what, fix, "serving-type")
            return None
        if is_empty(node):
            return None
        self._known(node, SERVING_KEYS, "serving_arguments")
        count_node = get(node, "gpu_count")
        count = None
        if count_node is not None and is_null(count_node):
            self._told.error(count_node, "gpu_count is empty", "write `gpu_count: 1`", "gpu-count")
        elif count_node is not None:
            count = count_field(count_node, self._told.error)
        args, places = self._args(get(node, "args"))
        return ServingArguments(
            gpu_count=count or 1,
            args=args,
            origin=ArgumentsFrom.ITEM,
            gpu_count_at=position(count_node) if count_node is not None else None,
            args_at=places,
        )

    def _args(self, node: Node | None) -> tuple[tuple[str, ...], tuple[Position, ...]]:
        if node is None:
            return (), ()
        if is_null(node):
            fix = "delete the key, or list `--flag=value` items"
            self._told.warn(node, "args is empty", fix, "args-empty")
            return (), ()
        target = deref(node)
        if not isinstance(target, Sequence):
            fix = "write each `--flag=value` as a list item: `- --flag=value`"
            self._told.error(node, f"args must be a list of texts, not a {kind(node)}", fix, "args-type")
            return (), ()
        args, places, before = [], [], ""
        for item in target.items:
            value = argument_field(item, before, self._told.error)
            before = value or ""
            if value is not None:
                args.append(value)
                places.append(position(item))
        return masked_arguments(tuple(args)), tuple(places)

    def _names(self, models: list[ModelCar]) -> None:
        seen: dict[str, ModelCar] = {}
        cut: dict[str, ModelCar] = {}
        for car in models:
            first = seen.setdefault(car.name, car)
            if first is not car:
                what = f"the name {shorten(car.name)} is used twice (first in line {first.name_at.line})"
                self._told.error_at(car.name_at, what, "give each model its own name", "duplicate-name")
                continue
            short = suite_name(car.name)
            other = cut.setdefault(short, car)
            if other is not car:
                what = (
                    f"the QA suite cuts the names of {shorten(other.name)} and {shorten(car.name)} "
                    f"to the same {shorten(short)}"
                )
                fix = f"let the first {SUITE_NAME} characters differ"
                self._told.warn_at(car.name_at, what, fix, "name-cut")

    def _known(self, node: Node, known: tuple[str, ...], owner: str) -> None:
        mapping = deref(node)
        for key, _ in entries(mapping) if isinstance(mapping, Mapping) else ():
            if key.value in known or key.value.startswith("x-"):
                continue
            near = difflib.get_close_matches(key.value, known, 1, 0.7)
            fix = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(known)}"
            self._told.warn(
                key, f"unknown key `{shorten(key.value)}` in {owner}; it is ignored", fix, "unknown-key"
            )


def suite_name(name: str) -> str:
    """The Kubernetes object name that the QA suite makes of a model's name."""
    return re.sub(r"[^a-z0-9-]", "-", name.lower())[:SUITE_NAME]

"""What changes in the values of a model-car list."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Table
from typing import Any

from modelcar_tui.manifest.arguments import Rewrite, mismatch, rewrite
from modelcar_tui.manifest.goals import Goal, Task
from modelcar_tui.manifest.kinds.places import Path
from modelcar_tui.manifest.plain import entries, get, integer, is_empty, is_null, plain
from modelcar_tui.manifest.plan import Change
from modelcar_tui.manifest.spans import Mapping, Node, Sequence, deref


def car_tasks(root: Node, models: Table[str, Iterable[Change]]) -> dict[str, Task]:
    """The tasks of the models that have changes, by name.

    Edits are tried item by item, then with the whole `args` or `serving_arguments` written anew.

    Raises:
        UserError: a change does not fit the manifest.
    """
    items = _items(root)
    tasks = {}
    for name, changes in models.items():
        if name not in items:
            raise mismatch(name)
        path, item = items[name]
        serving = _serving(root, item)
        old = tuple(serving.get("args") or ())
        tasks[name] = _task(item, path, serving, rewrite(old, changes))
    return tasks


def _task(item: Node, path: Path, serving: dict[Any, Any], done: Rewrite) -> Task:
    path = (*path, "serving_arguments")
    target = _intended(serving, done)
    whole = (Goal(path, target),)
    if is_empty(get(item, "serving_arguments")):
        return Task(0, (whole,))
    count: tuple[Goal, ...] = ()
    if done.gpu_count is not None:
        count = (Goal((*path, "gpu_count"), integer(done.gpu_count), first=True),)
    if done.args == tuple(serving.get("args") or ()):
        return Task(0, (count, whole))
    args = Goal((*path, "args"), list(done.args))
    fine = args._replace(kept=done.kept, added=done.added)
    return Task(0, ((*count, fine), (*count, args), whole))


def _serving(root: Node, item: Node) -> dict[Any, Any]:
    """A model's serving arguments as plain values: its own, else the whole default block's."""
    own = get(item, "serving_arguments")
    if own is not None and not is_empty(own):
        return dict(plain(own))
    default = get(root, "default")
    block = None if default is None or is_null(default) else get(default, "serving_arguments")
    return {} if block is None or is_empty(block) else dict(plain(block))


def _intended(serving: dict[Any, Any], done: Rewrite) -> dict[Any, Any]:
    serving = dict(serving)
    if done.gpu_count is not None:
        serving = {"gpu_count": integer(done.gpu_count), **serving} | {"gpu_count": integer(done.gpu_count)}
    if done.args != tuple(serving.get("args") or ()):
        serving["args"] = list(done.args)
    return serving


def _items(root: Node) -> dict[str, tuple[Path, Node]]:
    """Each model's place in the document, by name; the first of two that share one."""
    cars = get(root, "model-car")
    target = deref(cars) if cars is not None else None
    if isinstance(target, Sequence):
        found: list[tuple[Path, Node]] = [
            (("model-car", index), item) for index, item in enumerate(target.items)
        ]
    else:
        found = [(("model-car",), target)] if target is not None else []
    names: dict[str, tuple[Path, Node]] = {}
    for path, item in found:
        mapping = deref(item)
        for key, value in entries(mapping) if isinstance(mapping, Mapping) else ():
            if key.value == "name" and isinstance(text := plain(value), str):
                names.setdefault(text.strip(), (path, item))
    return names

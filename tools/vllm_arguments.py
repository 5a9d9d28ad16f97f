"""The server's command line of a vLLM release, put together from its syntax trees as vLLM does at run time."""

from __future__ import annotations

import ast

import msgspec

from vllm_annotations import Hint, Names, _last
from vllm_source import Source

_ENGINE = "vllm/engine/arg_utils.py"
_SERVE = "vllm/entrypoints/cli/serve.py"
_REMOVED = {"PASSTHROUGH_ALL2ALL_BACKEND": "passthrough"}


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """One argument as argparse will see it."""

    flag: str
    aliases: tuple[str, ...] = ()
    kind: str
    """As in `data/vllm_arguments.json`, and `switch` for a flag without a `--no-` form, `maybe` for a value that
    may be left out."""
    choices: tuple[str, ...] = ()
    none: bool = False
    """Whether `None` and an empty value are accepted."""


class _Draft(msgspec.Struct):
    kind: str
    choices: tuple[str, ...] = ()
    none: bool = False


class Arguments:
    """Reads the specs of one release."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._names = Names(source)
        self._front = _front(source)
        engine = source.text(_ENGINE)
        self._human = _human_names(source.tree(_ENGINE))
        self._optional_value = "type_hints == {bool, str, type(None)}" in engine
        self._none_choice = '["choices"].append(None)' in engine

    def specs(self) -> tuple[Spec, ...]:
        """Every argument of `make_arg_parser`, sorted by name."""
        found: dict[str, Spec] = {}
        for path, owner, name in (
            (self._front, "", "make_arg_parser"),
            (_ENGINE, "EngineArgs", "add_cli_args"),
            (_ENGINE, "AsyncEngineArgs", "add_cli_args"),
        ):
            for spec in self._calls(_function(self._source.tree(path), owner, name), path):
                found[spec.flag] = spec
        serve = _maybe_function(self._source, _SERVE, "ServeSubcommand", "subparser_init")
        for spec in self._calls(serve, _SERVE) if serve else []:
            found[spec.flag] = spec
        for spec in self._frontend():
            found[spec.flag] = spec
        return tuple(found[name] for name in sorted(found))

    def draft(self, hints: tuple[Hint, ...], name: str) -> _Draft:
        """What vLLM's `_compute_kwargs` makes of a field."""
        kinds = {hint.kind for hint in hints}
        none = "none" in kinds
        if "dataclass" in kinds:
            return _Draft("json", none=none)
        if self._optional_value and kinds == {"bool", "str", "none"}:
            return _Draft("maybe", none=True)
        if "bool" in kinds:
            return _Draft("flag")
        if "literal" in kinds:
            return self._literal(hints, kinds, none=none)
        for kind in ("tuple", "list", "set"):
            if kind in kinds:
                return self._collection(next(hint for hint in hints if hint.kind == kind), none=none)
        if "int" in kinds:
            word = "tokens" if name == "max_model_len" and name in self._human else "int"
            return _Draft("human" if word == "int" and name in self._human else word, none=none)
        if "float" in kinds:
            return _Draft("float", none=none)
        if "dict" in kinds:
            loose = "str" in kinds or "other" in kinds
            return _Draft("json?" if loose else "json", none=none)
        return _Draft("str", none=none)

    def _literal(self, hints: tuple[Hint, ...], kinds: set[str], *, none: bool) -> _Draft:
        options = [str(value) for hint in hints if hint.kind == "literal" for value in hint.values]
        if "str" in kinds:
            return _Draft("str", none=none)
        return _Draft("choice", tuple(sorted(options)), none and self._none_choice)

    def _collection(self, hint: Hint, *, none: bool) -> _Draft:
        inner = {item.kind for item in hint.items}
        if inner == {"int"}:
            return _Draft("ints", none=none)
        options = [str(value) for item in hint.items if item.kind == "literal" for value in item.values]
        return _Draft("list", tuple(sorted(options)), none)

    def _config(self, name: str, path: str) -> dict[str, _Draft]:
        return {field.name: self.draft(field.hints, field.name) for field in self._names.fields(name, path)}

    def _frontend(self) -> list[Spec]:
        drafts = self._config("FrontendArgs", self._front)
        for node in ast.walk(self._source.tree(self._front)):
            if isinstance(node, ast.FunctionDef) and node.name in ("_customize_cli_kwargs", "add_cli_args"):
                for statement in ast.walk(node):
                    _customize(statement, {"frontend_kwargs": drafts})
        return [_spec(["--" + name.replace("_", "-")], draft) for name, draft in drafts.items()]

    def _calls(self, function: ast.FunctionDef, path: str) -> list[Spec]:
        scopes: dict[str, dict[str, _Draft]] = {}
        singles: dict[str, _Draft] = {}
        specs: list[Spec] = []
        for statement in _flat(function.body):
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                self._scope(statement.targets[0].id, statement.value, path, scopes, singles)
            _customize(statement, {**scopes, "": singles})
            call = statement.value if isinstance(statement, (ast.Expr, ast.Assign)) else None
            if isinstance(call, ast.Call) and _last(call.func) == "add_argument":
                spec = self._call(call, scopes, singles, path)
                if spec is not None:
                    specs.append(spec)
        return specs

    def _scope(
        self, name: str, value: ast.expr, path: str, scopes: dict[str, dict[str, _Draft]],
        singles: dict[str, _Draft],
    ) -> None:  # fmt: skip
        field = None
        if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Constant):
            field, value = str(value.slice.value), value.value
            if isinstance(value, ast.Name) and field in scopes.get(value.id, {}):
                singles[name] = scopes[value.id][field]
        if (
            isinstance(value, ast.Call)
            and _last(value.func) == "get_kwargs"
            and isinstance(value.args[0], ast.Name)
        ):
            drafts = self._config(value.args[0].id, path)
            if field is None:
                scopes[name] = drafts
            elif field in drafts:
                singles[name] = drafts[field]

    def _call(
        self, call: ast.Call, scopes: dict[str, dict[str, _Draft]], singles: dict[str, _Draft], path: str
    ) -> Spec | None:
        flags = [str(item.value) for item in call.args if isinstance(item, ast.Constant)]
        if not flags or not flags[0].startswith("-"):
            return None
        draft = _Draft("str")
        for keyword in call.keywords:
            if keyword.arg is None:
                draft = _spread(keyword.value, scopes, singles) or draft
            elif keyword.arg == "choices" and isinstance(keyword.value, ast.Call):
                hints = [hint for part in keyword.value.args for hint in self._names.hints(part, path)]
                draft = self._literal(tuple(hints), set(), none=False)
        return _spec(flags, _explicit(call, draft))


def _explicit(call: ast.Call, draft: _Draft) -> _Draft:
    for keyword in call.keywords:
        word = _last(keyword.value)
        if keyword.arg == "action":
            constant = keyword.value.value if isinstance(keyword.value, ast.Constant) else ""
            if word == "BooleanOptionalAction":
                return _Draft("flag")
            if constant in ("store_true", "store_false"):
                return _Draft("switch")
        elif keyword.arg == "type":
            draft = _typed(keyword.value, draft)
        elif keyword.arg == "nargs" and isinstance(keyword.value, ast.Constant):
            if keyword.value.value in ("+", "*"):
                draft = _Draft("list", draft.choices, draft.none)
            elif keyword.value.value == "?":
                draft = _Draft("maybe", draft.choices, draft.none)
        elif keyword.arg == "choices" and isinstance(keyword.value, ast.List):
            options = [str(item.value) for item in keyword.value.elts if isinstance(item, ast.Constant)]
            draft = _Draft("choice", tuple(sorted(options)), draft.none)
    return draft


def _typed(node: ast.expr, draft: _Draft) -> _Draft:
    text = ast.unparse(node)
    none = "optional_type" in text
    for mark, kind in (("json.loads", "json"), ("union_dict_and_str", "json?"), ("human_readable_int", "human")):
        if mark in text:
            return _Draft(kind, none=none)
    if text in ("int", "float", "str"):
        return _Draft(text)
    if isinstance(node, ast.Lambda):
        loose = draft.kind == "choice" and "lower()" in text
        return _Draft("option", draft.choices) if loose else _Draft("str")
    return _Draft("str", none=none) if none or text.startswith("parse_") else draft


def _spread(node: ast.expr, scopes: dict[str, dict[str, _Draft]], singles: dict[str, _Draft]) -> _Draft | None:
    match node:
        case ast.Subscript(value=ast.Name(id=scope), slice=ast.Constant(value=str(field))):
            found = scopes.get(scope, {}).get(field)
            return _Draft(found.kind, found.choices, found.none) if found else None
        case ast.Name(id=name):
            return singles.get(name)
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if key is None:
                    return _spread(value, scopes, singles)
    return None


def _customize(node: ast.AST, scopes: dict[str, dict[str, _Draft]]) -> None:
    """`x_kwargs["field"]["type"] = ...` and its relatives."""
    match node:
        case ast.Assign(targets=[target], value=value):
            found = _target(target, scopes)
            if found and found[1] == "type":
                changed = _typed(value, found[0])
                keeps = found[0].kind in ("list", "ints") and changed.kind == "str"  # nargs stays
                found[0].kind = found[0].kind if keeps else changed.kind
                found[0].none = changed.none
                found[0].choices = changed.choices
            elif found and found[1] == "action" and isinstance(value, ast.Constant) and value.value == "append":
                found[0].kind = "str"
        case ast.AugAssign(target=target):
            found = _target(target, scopes)
            if found and found[1] == "choices":
                found[0].kind, found[0].choices = "list" if found[0].kind == "list" else "str", ()
        case ast.Expr(
            value=ast.Call(func=ast.Attribute(value=ast.Subscript() as target, attr="remove"), args=[option])
        ):
            found = _target(target, scopes)
            gone = str(option.value) if isinstance(option, ast.Constant) else _REMOVED.get(_last(option), "")
            if found and found[1] == "choices":
                found[0].choices = tuple(choice for choice in found[0].choices if choice != gone)
        case ast.Delete(targets=[target]):
            found = _target(target, scopes)
            if found and found[1] == "nargs" and found[0].kind in ("list", "ints"):
                found[0].kind = "str"


def _target(node: ast.expr, scopes: dict[str, dict[str, _Draft]]) -> tuple[_Draft, str] | None:
    match node:
        case ast.Subscript(
            value=ast.Subscript(value=ast.Name(id=scope), slice=ast.Constant(value=str(field))),
            slice=ast.Constant(value=str(key)),
        ):
            draft = scopes.get(scope, {}).get(field)
            return (draft, key) if draft else None
        case ast.Subscript(value=ast.Name(id=single), slice=ast.Constant(value=str(key))):
            draft = scopes.get("", {}).get(single)
            return (draft, key) if draft else None
    return None


def _spec(flags: list[str], draft: _Draft) -> Spec:
    long = next((flag for flag in flags if flag.startswith("--")), flags[0])
    others = tuple(flag for flag in flags if flag != long)
    return Spec(flag=long, aliases=others, kind=draft.kind, choices=draft.choices, none=draft.none)


def _human_names(tree: ast.Module) -> set[str]:
    """The fields whose numbers may be written as `16k`."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "_compute_kwargs":
            for inner in ast.walk(node):
                if isinstance(inner, ast.Compare) and _last(inner.left) == "name":
                    names |= {item.value for part in inner.comparators for item in ast.walk(part)
                              if isinstance(item, ast.Constant) and isinstance(item.value, str)}  # fmt: skip
                if isinstance(inner, ast.Assign) and _last(inner.targets[0]).startswith("human_readable"):
                    names |= {item.value for item in ast.walk(inner.value)
                              if isinstance(item, ast.Constant) and isinstance(item.value, str)}  # fmt: skip
    return names


def _maybe_function(source: Source, path: str, owner: str, name: str) -> ast.FunctionDef | None:
    if path not in source.paths:
        return None
    for node in source.tree(path).body:
        if isinstance(node, ast.ClassDef) and node.name == owner:
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name == name:
                    return item
    return None


def _function(tree: ast.Module, owner: str, name: str) -> ast.FunctionDef:
    for node in tree.body:
        if not owner and isinstance(node, ast.FunctionDef) and node.name == name:
            return node
        if owner and isinstance(node, ast.ClassDef) and node.name == owner:
            return next(item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == name)
    raise SystemExit(f"no {owner}.{name}: this release is laid out in another way")


def _flat(body: list[ast.stmt]) -> list[ast.stmt]:
    """Statements in order, those below `if` and `with` included."""
    flat: list[ast.stmt] = []
    for node in body:
        flat.append(node)
        if isinstance(node, (ast.If, ast.With)):
            flat += _flat(node.body) + (_flat(node.orelse) if isinstance(node, ast.If) else [])
    return flat


def _front(source: Source) -> str:
    """The file of the server's own arguments, which moves from release to release.

    Raises:
        SystemExit: none has `make_arg_parser`.
    """
    for path in source.paths:
        if path.endswith("/cli_args.py") and "def make_arg_parser" in source.text(path):
            return path
    raise SystemExit(
        f"vLLM {source.version}: no cli_args.py with make_arg_parser; tools/vllm_arguments.py must learn"
    )

"""The server's command line of a vLLM release, put together from its syntax trees as vLLM does at run
time."""

from __future__ import annotations

import ast
from itertools import permutations

import msgspec

from vllm_annotations import Hint, Names, _last
from vllm_constants import Constants
from vllm_judge.source import Source

_ENGINE = "vllm/engine/arg_utils.py"
_SERVE = "vllm/entrypoints/cli/serve.py"
_TYPES = (
    ("CompilationConfig.from_cli", "literal"),
    (".from_cli", "object"),
    (".from_json", "object"),
    ("json.loads", "json"),
    ("union_dict_and_str", "json?"),
    ("nullable_kvs", "pairs"),
    ("human_readable_int_or_auto", "tokens"),
    ("human_readable_int", "human"),
)
_REMOVED = {"PASSTHROUGH_ALL2ALL_BACKEND": "passthrough"}


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """One argument as argparse will see it."""

    flag: str
    aliases: tuple[str, ...] = ()
    kind: str
    """As in `vllm/vllm_arguments.json`."""
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
        self._constants = Constants(self._names)
        self._front = _front(source)
        engine = source.text(_ENGINE)
        self._human = _human_names(source.tree(_ENGINE))
        self._optional_value = "type_hints == {bool, str, type(None)}" in engine
        self._none_choice = '["choices"].append(None)' in engine
        self._classes = "is_dataclass(" in engine
        self._loose_literal = '"metavar" if contains_type' in engine
        self._automatic = "human_readable_int_or_auto" in engine
        self._suffixes = "_expand_json_human_readable_numbers" in engine
        self._pairs = "nullable_kvs" in engine
        self._union = "def union_dict_and_str" in engine

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
        if "dataclass" in kinds and self._classes:
            return _Draft("sized" if self._suffixes else "object", none=none)
        if self._optional_value and kinds == {"bool", "str", "none"}:
            return _Draft("maybe")
        if "bool" in kinds:
            return _Draft("flag")
        if "literal" in kinds:
            return self._literal(hints, kinds, none=none)
        for kind in ("tuple", "list", "set"):
            if kind in kinds:
                return self._collection(next(hint for hint in hints if hint.kind == kind), none=none)
        if "int" in kinds:
            automatic = name == "max_model_len" and self._automatic
            return _Draft("tokens" if automatic else "human" if name in self._human else "int", none=none)
        if "float" in kinds:
            return _Draft("float", none=none)
        if "dict" in kinds:
            return self._dictionary(kinds, none=none)
        return _Draft("str", none=none)

    def _literal(self, hints: tuple[Hint, ...], kinds: set[str], *, none: bool) -> _Draft:
        options = {str(value) for hint in hints if hint.kind == "literal" for value in hint.values}
        if "str" in kinds and self._loose_literal:
            return _Draft("str", none=none)
        return _Draft("choice", tuple(sorted(options)), none and self._none_choice)

    def _dictionary(self, kinds: set[str], *, none: bool) -> _Draft:
        """Before `union_dict_and_str` a word that is no JSON was read as `key=1,key=2`."""
        if ("str" in kinds or "other" in kinds or "dataclass" in kinds) and self._union:
            return _Draft("json?", none=none)
        return _Draft("json|pairs" if self._pairs else "json", none=none or not self._union)

    def _collection(self, hint: Hint, *, none: bool) -> _Draft:
        inner = {item.kind for item in hint.items}
        if inner == {"int"}:
            return _Draft("ints", none=none)
        options = {str(value) for item in hint.items if item.kind == "literal" for value in item.values}
        return _Draft("list", tuple(sorted(options)), none and (not options or self._none_choice))

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
        for statement in self._constants.flat(function.body, path):
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
        self,
        name: str,
        value: ast.expr,
        path: str,
        scopes: dict[str, dict[str, _Draft]],
        singles: dict[str, _Draft],
    ) -> None:
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
        named = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        for keyword in call.keywords:
            if keyword.arg is None:
                draft = _spread(keyword.value, scopes, singles) or draft
        if "type" in named:
            draft = _typed(named["type"], draft)
        if "choices" in named:
            draft = self._choices(named["choices"], draft, path)
        return _spec(flags, _counted(named, draft))

    def _choices(self, node: ast.expr, draft: _Draft, path: str) -> _Draft:
        options = self._constants.options(node, path)
        if options is None:
            return _Draft("str", none=draft.none)
        words = tuple(sorted(str(option) for option in options if option is not None))
        kind = draft.kind if draft.kind in ("list", "ints") else "choice"
        return _Draft(kind, words, draft.none and None in options)


def _counted(named: dict[str, ast.expr], draft: _Draft) -> _Draft:
    """What `action` and `nargs` make of it."""
    action, count = named.get("action"), named.get("nargs")
    word = _last(action) if action else ""
    if word == "BooleanOptionalAction":
        return _Draft("flag")
    if word == "StoreBoolean":
        return _Draft("maybe", ("false", "true"))
    if isinstance(action, ast.Constant) and action.value in ("store_true", "store_false"):
        return _Draft("switch")
    if isinstance(count, ast.Constant) and count.value in ("+", "*"):
        return _Draft("ints" if draft.kind == "int" else "list", draft.choices, draft.none)
    if isinstance(count, ast.Constant) and count.value == "?":
        return _Draft("maybe", draft.choices)
    return draft


def _typed(node: ast.expr, draft: _Draft) -> _Draft:
    text = ast.unparse(node)
    none = "optional_type" in text or text == "nullable_str"
    for mark, kind in _TYPES:
        if mark in text:
            return _Draft(kind, none=none)
    if text in ("int", "float", "str", "bool"):
        return _Draft("str" if text == "bool" else text)
    if isinstance(node, ast.Lambda):
        loose = draft.kind == "choice" and "lower()" in text
        return _Draft("option", draft.choices) if loose else _Draft("str")
    return _Draft("str", none=none) if none or text.startswith("parse_") else draft


def _spread(
    node: ast.expr, scopes: dict[str, dict[str, _Draft]], singles: dict[str, _Draft]
) -> _Draft | None:
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
            elif (
                found and found[1] == "action" and isinstance(value, ast.Constant) and value.value == "append"
            ):
                found[0].kind = "str"
        case ast.AugAssign(target=target):
            found = _target(target, scopes)
            if found and found[1] == "choices":
                pairs = tuple(",".join(pair) for pair in permutations(found[0].choices, 2))
                known = found[0].kind == "list" and "permutations" in ast.unparse(node.value)
                found[0].kind = "list" if found[0].kind == "list" else "str"
                found[0].choices = tuple(sorted((*found[0].choices, *pairs))) if known else ()
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
                    names |= {
                        item.value
                        for part in inner.comparators
                        for item in ast.walk(part)
                        if isinstance(item, ast.Constant) and isinstance(item.value, str)
                    }
                if isinstance(inner, ast.Assign) and _last(inner.targets[0]).startswith("human_readable"):
                    names |= {
                        item.value
                        for item in ast.walk(inner.value)
                        if isinstance(item, ast.Constant) and isinstance(item.value, str)
                    }
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

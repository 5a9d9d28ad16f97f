"""What vLLM's own command line says to argument lists, without vLLM.

    python tools/vllm_judge.py CORPUS.json SOURCE [SOURCE ...] -o VERDICTS.json

The parser is rebuilt with argparse from what `vllm_arguments.py` reads in a source distribution, with
the liberties of `FlexibleArgumentParser` around it. It knows nothing of `modelcar_tui`, so the tests can
compare our lint with it. The corpus is a JSON list of argument lists; the verdicts carry the message for each
release.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from vllm_arguments import Arguments, Spec
from vllm_source import Source

_KNOBS = re.compile(r"(?<=--)[^.]*")
_MAPPING = re.compile(r"(?s)\s*{.*}\s*$")
_SIZE = re.compile(r"\b\d+(?:\.\d+)?[kKmMgGtT]\b")
_UNITS = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


class RefusedError(Exception):
    """The parser's message."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise RefusedError(message)


def build(source: Source) -> Callable[[list[str]], None]:
    """A judge for one release: it returns, or raises `RefusedError`."""
    text = (
        source.text("vllm/utils/argparse_utils.py") if "vllm/utils/argparse_utils.py" in source.paths else ""
    )
    pairs = "EnableDisableAction" in text
    parser = _Parser(prog="api_server", add_help=True)
    parser.add_argument("model_tag", nargs="?")
    specs = Arguments(source).specs()
    levels = any(spec.flag == "--optimization-level" for spec in specs)
    for spec in specs:
        _add(parser, spec, pairs=pairs)

    def judge(args: list[str]) -> None:
        try:
            found = parser.parse_args(_prepared(args, levels=levels))
        except SystemExit:  # --help
            return
        if found.model_tag is not None:
            raise RefusedError(f"takes {found.model_tag!r} for the model")

    return judge


def _add(parser: argparse.ArgumentParser, spec: Spec, *, pairs: bool) -> None:
    names = [spec.flag, *spec.aliases]
    match spec.kind:
        case "flag":
            action = parser.add_argument(*names, action=argparse.BooleanOptionalAction)
            if pairs:
                for prefix, inverse in (("--enable-", "--disable-"), ("--disable-", "--enable-")):
                    if spec.flag.startswith(prefix):
                        other = inverse + spec.flag.removeprefix(prefix)
                        parser._option_string_actions.setdefault(other, action)
        case "switch":
            parser.add_argument(*names, action="store_true")
        case "maybe":
            parser.add_argument(*names, nargs="?", const=True, type=_boolean if spec.choices else str)
        case "list" | "ints":
            several = int if spec.kind == "ints" else _word(spec.choices)
            parser.add_argument(*names, nargs="+", type=_none(several, spec.none))
        case _:
            parser.add_argument(*names, type=_none(_reader(spec), spec.none))


def _reader(spec: Spec) -> Callable[[str], object]:
    table: dict[str, Callable[[str], object]] = {
        "int": int,
        "float": float,
        "human": _human,
        "tokens": _tokens,
        "json": json.loads,
        "json?": _loose,
        "str": str,
        "object": _object,
        "sized": _sized,
        "pairs": _pairs,
        "json|pairs": _json_or_pairs,
        "literal": _literal,
    }
    if spec.kind == "choice":
        return _word(spec.choices)
    if spec.kind == "option":
        return lambda value: _word(spec.choices)(value.lower().replace("-", "_"))
    return table[spec.kind]


def _word(choices: tuple[str, ...]) -> Callable[[str], str]:
    def read(value: str) -> str:
        if choices and value not in choices and str(_whole(value)) not in choices:
            raise argparse.ArgumentTypeError(f"invalid choice: {value!r}")
        return value

    return read


def _none(read: Callable[[str], object], none: bool) -> Callable[[str], object]:
    def optional(value: str) -> object:
        if none and value in ("", "None"):
            return None
        try:
            return read(value)
        except (ValueError, SyntaxError) as error:
            raise argparse.ArgumentTypeError(f"{value!r}: {error}") from None

    return optional


def _human(value: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmMgGtT])", value.strip())
    if not match:
        return int(value)
    number, unit = match.groups()
    return int(float(number) * _UNITS[unit]) if unit.islower() else int(number) * _UNITS[unit]


def _tokens(value: str) -> int:
    return -1 if value.strip() == "-1" or value.strip().lower() == "auto" else _human(value)


def _loose(value: str) -> object:
    return json.loads(value) if _MAPPING.match(value) else value


def _object(value: str) -> object:
    found = json.loads(value)
    if not isinstance(found, dict):
        raise ValueError("Input should be an object")
    return found


def _sized(value: str) -> object:
    parts = re.split(r'("(?:[^"\\]|\\.)*")', value)
    parts[::2] = [_SIZE.sub(lambda size: str(_human(size[0])), part) for part in parts[::2]]
    return _object("".join(parts))


def _pairs(value: str) -> object:
    return {key: int(number) for key, number in (item.split("=") for item in value.split(",") if value)}


def _json_or_pairs(value: str) -> object:
    return json.loads(value) if _MAPPING.match(value) else _pairs(value)


def _literal(value: str) -> object:
    found = ast.literal_eval(value)
    if value not in ("0", "1", "2", "3") and not isinstance(found, dict):
        raise ValueError("Input should be a dictionary")
    return found


def _boolean(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"invalid boolean value: {value!r}")
    return value.lower() == "true"


def _whole(value: str) -> int | None:
    try:
        return int(value)
    except ValueError:
        return None


def _prepared(args: list[str], *, levels: bool) -> list[str]:
    """Underscores to dashes, `-O3`, and dotted keys gathered into JSON."""
    plain: list[str] = []
    for number, arg in enumerate(args):
        if arg.startswith("--"):
            key, equals, value = arg.partition("=")
            plain.append(
                _KNOBS.sub(lambda match: match.group(0).replace("_", "-"), key, count=1) + equals + value
            )
        elif arg.startswith("-O") and arg != "-O" and arg[2] != ".":
            level = arg[3:] if arg[2] == "=" else arg[2:]
            plain += ["--optimization-level", level] if levels else [f"-O.mode={level}"]
        elif arg == "-O" and args[number + 1 : number + 2] in (["0"], ["1"], ["2"], ["3"]):
            plain.append("--optimization-level" if levels else "-O.mode")
        else:
            plain.append(arg)
    kept: list[str] = []
    gathered: dict[str, dict[str, object]] = {}
    index = 0
    while index < len(plain):
        arg = plain[index]
        key, equals, value = arg.partition("=")
        if arg.startswith("-") and "." in key:
            if not equals:
                index += 1
                if index >= len(plain):
                    raise RefusedError(f"{key} has no value")
                value = plain[index]
            base, *path = key.rstrip("+").split(".")
            gathered.setdefault(base, {})[".".join(path)] = value
        else:
            kept.append(arg)
        index += 1
    for base, found in gathered.items():
        kept += [base, json.dumps(found)]
    return kept


def main(argv: list[str] | None = None) -> int:
    """Write the verdicts."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("corpus")
    options.add_argument("sources", nargs="+")
    options.add_argument("-o", "--output", required=True)
    chosen = options.parse_args(argv)
    lists: list[list[str]] = json.loads(Path(chosen.corpus).read_text("utf-8"))
    verdicts: list[dict[str, object]] = [{"args": args} for args in lists]
    releases = []
    for where in chosen.sources:
        source = Source.open(where)
        releases.append(source.version)
        judge = build(source)
        for args, verdict in zip(lists, verdicts, strict=True):
            try:
                judge(args)
            except RefusedError as refused:
                verdict[source.version] = str(refused)[:200]
            else:
                verdict[source.version] = ""
    about = (
        "What the server's argument parser says, rebuilt by tools/vllm_judge.py from vLLM's source "
        f"distributions {', '.join(releases)}; an empty text means that it accepts the list."
    )
    body = ",\n".join(json.dumps(verdict) for verdict in verdicts)
    Path(chosen.output).write_text(f'{{"about": {json.dumps(about)},\n"lists": [\n{body}\n]}}\n', "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

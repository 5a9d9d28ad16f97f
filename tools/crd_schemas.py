"""Makes the kept schemas of CustomResourceDefinitions again.

`tests/data/crds` has those of the kinds that the product reads and the stub cluster serves,
`src/modelcar_tui/kserve/crds` those of KServe's kinds in each release of OpenShift AI.

    python tools/crd_schemas.py CLONES [--check] [--only stub|kserve]

CLONES is a folder of Git clones, each `owner+name`, `owner/name` or `name`, bare or not, or with the
repository in a folder `repo` of its own. The `sources.yaml` of either folder says which file of which commit.
Descriptions are left out, and for the stub CEL rules; what else decides whether an object is well-formed is
kept. With `--check` nothing is written: exit status 1 and a line for each file that would change. `--only`
needs no clones of the other part.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[1] / "tests" / "data" / "crds"
SOURCES = FOLDER / "sources.yaml"
KSERVE = Path(__file__).parents[1] / "src" / "modelcar_tui" / "kserve" / "crds"
_FOLDERS = {"stub": FOLDER, "kserve": KSERVE}
_PROSE = {"description", "example", "externalDocs", "title"}
_RULES = "x-kubernetes-validations"
"""CEL rules are no part of a structure, and API servers before 1.23 refuse them."""
_NAMED = {"properties", "definitions"}
"""Below these, keys are names of fields and not words of the schema's language."""


def bare(schema: Any, *, names: bool = False, rules: bool = False) -> Any:
    """The schema without its prose, and without its CEL rules unless they are asked for."""
    if isinstance(schema, list):
        return [bare(one, rules=rules) for one in schema]
    if not isinstance(schema, dict):
        return schema
    left_out = _PROSE if rules else {*_PROSE, _RULES}
    return {
        key: bare(value, names=key in _NAMED and not names, rules=rules)
        for key, value in schema.items()
        if names or key not in left_out
    }


def clone_of(clones: Path, repository: str) -> Path:
    """The clone of `owner/name`.

    Raises:
        FileNotFoundError: there is none.
    """
    owner, _, name = repository.partition("/")
    for folder in (f"{owner}+{name}", f"{owner}/{name}", name):
        for place in (clones / folder / "repo", clones / folder, clones / f"{folder}.git"):
            if (place / ".git").exists() or (place / "objects").is_dir():
                return place
    raise FileNotFoundError(f"no clone of {repository} in {clones}")


def text_of(clones: Path, source: dict[str, str]) -> str:
    """The source's file as it is at its commit."""
    clone = clone_of(clones, source["repository"])
    wanted = f"{source['commit']}:{source['path']}"
    return subprocess.run(
        ["git", "-C", str(clone), "show", wanted], capture_output=True, check=True, text=True
    ).stdout


def from_definition(text: str, *, rules: bool = False) -> tuple[str, dict[str, Any]]:
    """A CustomResourceDefinition as the file's name and the kind with its schemas."""
    spec = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["spec"]
    names = spec["names"]
    versions = {
        version["name"]: bare(version["schema"]["openAPIV3Schema"], rules=rules)
        for version in spec["versions"]
        if version.get("served", True)
    }
    kind = {
        "group": spec["group"],
        "kind": names["kind"],
        "plural": names["plural"],
        "scope": spec["scope"],
        "subresources": sorted({key for one in spec["versions"] for key in one.get("subresources") or {}}),
        "versions": versions,
    }
    return f"{names['plural']}.{spec['group']}", kind


def from_openapi(text: str, name: str) -> tuple[str, dict[str, Any]]:
    """A type of an OpenAPI document, with what it refers to laid in and without Go's zero values."""
    every = json.loads(text)["definitions"]
    *_, package, version, kind = name.split(".")

    def inlined(schema: Any) -> Any:
        if isinstance(schema, list):
            return [inlined(one) for one in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            target = schema["$ref"].rpartition("/")[2]
            if target.endswith("apimachinery.pkg.api.resource.Quantity"):
                return {
                    "anyOf": [{"type": "integer"}, {"type": "string"}],
                    "x-kubernetes-int-or-string": True,
                }
            if target.endswith("apimachinery.pkg.runtime.RawExtension"):
                return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
            return inlined(every[target])
        return {key: inlined(value) for key, value in schema.items() if key != "default"}

    schema = bare(inlined(every[name]))
    schema["properties"]["metadata"] = {"type": "object"}
    plural = f"{kind.lower()}s"
    group = f"{package}.openshift.io"
    scope = "Cluster" if kind == "User" else "Namespaced"
    made = {"group": group, "kind": kind, "plural": plural, "scope": scope, "subresources": []}
    return f"{plural}.{group}", {**made, "versions": {version: schema}}


def files(clones: Path) -> dict[str, bytes]:
    """Every file of the stub's folder by name: JSON, compressed."""
    kinds: dict[str, dict[str, Any]] = {}
    for source in yaml.safe_load(SOURCES.read_text()):
        text = text_of(clones, source)
        named = source.get("definition")
        name, kind = from_openapi(text, named) if named else from_definition(text)
        told = {key: source[key] for key in ("release", "repository", "commit", "path")}
        release = {**told, "versions": kind.pop("versions")}
        kinds.setdefault(name, {**kind, "releases": []})["releases"].append(release)
    return {f"{name}.json.xz": _packed(kind) for name, kind in kinds.items()}


def kserve(clones: Path) -> bytes:
    """The one file of the product: kinds, what each release ships, and every schema once, by its digest."""
    kinds: dict[str, dict[str, Any]] = {}
    releases: list[dict[str, Any]] = []
    schemas: dict[str, Any] = {}
    for source in yaml.safe_load((KSERVE / "sources.yaml").read_text()):
        shipped: dict[str, Any] = {}
        for path in source["paths"]:
            _, kind = from_definition(text_of(clones, {**source, "path": path}), rules=True)
            name, versions = kind.pop("kind"), {}
            for version, schema in kind.pop("versions").items():
                text = json.dumps(schema, separators=(",", ":"), sort_keys=True)
                versions[version] = digest = hashlib.sha256(text.encode()).hexdigest()[:16]
                schemas[digest] = schema
            shipped[name] = {"path": path, "versions": versions}
            kinds[name] = kind
        told = {key: source[key] for key in ("release", "repository", "commit", "named_by")}
        releases.append({**told, "kinds": shipped})
    return _packed({"kinds": kinds, "releases": releases, "schemas": schemas})


def _packed(value: Any) -> bytes:
    text = json.dumps(value, separators=(",", ":"), sort_keys=True)
    return lzma.compress(text.encode(), preset=9, check=lzma.CHECK_CRC32)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clones", type=Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", choices=[*_FOLDERS], default="")
    options = parser.parse_args(arguments)
    made: dict[Path, bytes] = {}
    folders = [folder for name, folder in _FOLDERS.items() if options.only in ("", name)]
    if FOLDER in folders:
        made |= {FOLDER / name: data for name, data in files(options.clones).items()}
    if KSERVE in folders:
        made[KSERVE / "kserve.json.xz"] = kserve(options.clones)
    there = {path: path.read_bytes() for folder in folders for path in folder.glob("*.json.xz")}
    stale = sorted(
        path for path in made.keys() | there.keys() if _plain(made.get(path)) != _plain(there.get(path))
    )
    for path in stale:
        print(f"{path.name}: {'differs' if path in made and path in there else 'has no twin'}")
        if options.check:
            continue
        if path in made:
            path.write_bytes(made[path])
        else:
            path.unlink()
    return 1 if stale and options.check else 0


def _plain(data: bytes | None) -> bytes | None:
    return None if data is None else lzma.decompress(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

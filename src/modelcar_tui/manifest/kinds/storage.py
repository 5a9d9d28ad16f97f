"""Where an InferenceService's weights come from."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.core.shapes import without_address_secrets
from modelcar_tui.core.text import clean
from modelcar_tui.manifest.kinds.command import CommandLine
from modelcar_tui.manifest.kinds.objects import below, text_below
from modelcar_tui.manifest.kinds.pods import texts
from modelcar_tui.manifest.kinds.weights import Weights
from modelcar_tui.manifest.spans import Mapping, Node, Scalar, Sequence
from modelcar_tui.manifest.telling import Told

MOUNT = "/mnt/models"
"""Where KServe puts what `storageUri` names."""
_URI = "STORAGE_URI"
"""The variable by which a predictor without a model names its storage."""


def stored_weights(
    predictor: Node, own: Node, pod: Node, container: Node, line: CommandLine, told: Told
) -> Weights:
    """What vLLM loads: what its model's path holds, or a name on the hub.

    Args:
        predictor: `spec.predictor`.
        own: `predictor.model`, or the container of a predictor without one.
        pod: the pod, joined with the runtime's.
        container: the container, joined with the runtime's.
        line: what it starts.
        told: for the place of what is not understood.
    """
    model = line.model
    if model and not model.startswith(("/", ".", "$", "{")) and "://" not in model:
        return Weights(f"hf://{_address(model)}", line.model_node)
    stored = list(_stored(predictor, own)) or list(_mounted(pod, container))
    fitting = [one for one in stored if not model.startswith("/") or _inside(model, one[0])] or stored
    if len(fitting) > 1 and len({address for _, address, _ in fitting}) > 1:
        what = f"{len(fitting)} storages are given, and which one holds the model is not known"
        fix = "name the model's path by --model"
        return Weights(open=(told.problem(own, what, fix, "storage"),))
    if fitting:
        return Weights(fitting[0][1], fitting[0][2])
    return Weights()


def _stored(predictor: Node, own: Node) -> Iterator[tuple[str, str, Node]]:
    """What KServe puts into the pod: the path, the address and the text that says it."""
    node = below(own, "storageUri")
    if isinstance(node, Scalar):
        yield MOUNT, _address(node.value), node
    storage = below(own, "storage")
    if isinstance(storage, Mapping):
        yield MOUNT, _connection(storage), storage
    many = below(predictor, "storageUris")
    for item in many.items if isinstance(many, Sequence) else ():
        node = below(item, "uri")
        if isinstance(node, Scalar):
            yield text_below(item, "mountPath") or MOUNT, _address(node.value), node
    variables = below(own, "env")
    for item in variables.items if isinstance(variables, Sequence) else ():
        node = below(item, "value")
        if text_below(item, "name") == _URI and isinstance(node, Scalar):
            yield MOUNT, _address(node.value), node


def _connection(storage: Mapping) -> str:
    """A data connection's address: `s3://BUCKET/PATH`, or `storage://KEY/PATH` where only the connection's
    Secret knows which storage and which bucket."""
    given = texts(below(storage, "parameters"))
    kind, bucket = str(given.get("type") or ""), str(given.get("bucket") or "")
    path = (text_below(storage, "path") or text_below(storage, "schemaPath")).lstrip("/")
    known = f"{kind}://{bucket}" if kind and bucket else f"storage://{text_below(storage, 'key')}"
    return _address(f"{known}/{path}")


def _mounted(pod: Node, container: Node) -> Iterator[tuple[str, str, Node]]:
    """Claims that the pod mounts itself."""
    listed, mounts = below(pod, "volumes"), below(container, "volumeMounts")
    volumes = {text_below(one, "name"): one for one in (listed.items if isinstance(listed, Sequence) else ())}
    for mount in mounts.items if isinstance(mounts, Sequence) else ():
        volume = volumes.get(text_below(mount, "name"))
        claim = text_below(volume, "persistentVolumeClaim", "claimName") if volume is not None else ""
        if volume is not None and claim:
            inside = text_below(mount, "subPath")
            yield text_below(mount, "mountPath"), _address(f"pvc://{claim}/{inside}".rstrip("/")), volume


def _inside(path: str, mount: str) -> bool:
    mount = mount.rstrip("/")
    return path.rstrip("/") == mount or path.startswith(f"{mount}/")


def _address(text: str) -> str:
    return without_address_secrets(clean(text.strip(), limit=2000))

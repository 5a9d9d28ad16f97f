"""Where an InferenceService's weights come from: its storage, else what its container says itself."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Table

from modelcar_tui.core.shapes import without_address_secrets
from modelcar_tui.core.text import clean
from modelcar_tui.manifest.kinds.command import CommandLine
from modelcar_tui.manifest.kinds.objects import below, text_below
from modelcar_tui.manifest.kinds.pods import texts
from modelcar_tui.manifest.kinds.weights import Weights, weights_of
from modelcar_tui.manifest.spans import Mapping, Node, Scalar, Sequence
from modelcar_tui.manifest.telling import Told

MOUNT = "/mnt/models"
"""Where KServe puts what `storageUri` names."""
_URI = "STORAGE_URI"
"""The variable by which a predictor without a model names its storage."""
_UNKNOWN = "storage"


def storage_of(
    predictor: Node,
    own: Node,
    pod: Node,
    container: Node,
    line: CommandLine,
    environment: Table[str, str],
    told: Told,
) -> Weights:
    """What vLLM loads: the storage that holds its model's path, a volume of the pod, or a name on the hub.

    Args:
        predictor: `spec.predictor`.
        own: `predictor.model`, or the container of a predictor without one.
        pod: the pod, joined with the runtime's.
        container: the container, joined with the runtime's.
        line: what it starts; without a model where only the cluster has the runtime, which names the mount.
        environment: the container's variables that are known.
        told: for the place of what is not understood.
    """
    if line.model and not line.model.startswith("/"):
        return weights_of(pod, container, line, environment, told)
    stored = list(_stored(predictor, own))
    fitting = [one for one in stored if not line.model or _inside(line.model, one[0])]
    if len({address for _, address, _ in fitting}) > 1:
        what = f"{len(fitting)} storages are given, and which one holds the model is not known"
        problem = told.problem(own, what, "name the model's path by --model", _UNKNOWN)
        return Weights("", None, (problem,))
    if fitting and fitting[0][1]:
        return Weights(fitting[0][1], fitting[0][2])
    if fitting:
        what = "only the Secret of the connection that `storage` names tells where the weights are"
        told.warn(fitting[0][2], what, "write `storageUri`, or state the model's facts yourself", _UNKNOWN)
        return Weights("", None)
    if line.model:
        return weights_of(pod, container, line, environment, told)
    problem = told.problem(own, "nothing says where the weights come from", "write `storageUri`", _UNKNOWN)
    return Weights("", None, (problem,))


def _stored(predictor: Node, own: Node) -> Iterator[tuple[str, str, Node]]:
    """What KServe puts into the pod: the path, the address and the text that says it."""
    node = below(own, "storageUri")
    if isinstance(node, Scalar) and node.value.strip():
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
    """A data connection's address; empty where only the connection's Secret knows its transport or bucket."""
    given = texts(below(storage, "parameters"))
    kind, bucket = str(given.get("type") or ""), str(given.get("bucket") or "")
    path = (text_below(storage, "path") or text_below(storage, "schemaPath")).lstrip("/")
    return _address(f"{kind}://{bucket}/{path}") if kind and bucket else ""


def _inside(path: str, mount: str) -> bool:
    mount = mount.rstrip("/")
    return path.rstrip("/") == mount or path.startswith(f"{mount}/")


def _address(text: str) -> str:
    return without_address_secrets(clean(text.strip(), limit=2000))

"""Runtime and predictor are joined as KServe joins them.

The cases of `TestMergeRuntimeContainers` and `TestMergePodSpec` in KServe's own
pkg/controller/v1beta1/inferenceservice/utils/utils_test.go, and what those leave open.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from modelcar_tui.manifest.kinds.joining import filled, joined_container, joined_pod
from modelcar_tui.manifest.plain import plain
from modelcar_tui.manifest.spans import compose_all


def joined(join: Any, runtime: str, own: str) -> Any:
    """Both as YAML, joined, as plain values; numbers as they are spelled."""
    return plain(join(compose_all(runtime).root, compose_all(own).root))


BASIC = (
    """
    name: kserve-container
    image: default-image
    args: [--foo=bar, --test=dummy]
    env: [{name: PORT, value: "8080"}, {name: PORT2, value: "8081"}]
    resources: {limits: {cpu: "1", memory: 2Gi}, requests: {cpu: "1", memory: 2Gi}}
    """,
    """
    args: [--new-arg=baz]
    env: [{name: PORT2, value: "8082"}, {name: Some, value: Var}]
    resources: {limits: {cpu: "2", memory: 4Gi}}
    """,
    """
    name: kserve-container
    image: default-image
    args: [--foo=bar, --test=dummy, --new-arg=baz]
    env: [{name: PORT, value: "8080"}, {name: PORT2, value: "8082"}, {name: Some, value: Var}]
    resources: {limits: {cpu: "2", memory: 4Gi}, requests: {cpu: "1", memory: 2Gi}}
    """,
)


@pytest.mark.parametrize(
    ("runtime", "own", "expected"),
    [
        BASIC,
        ("{command: [a, b], args: [x]}", "{command: [c]}", "{command: [c], args: [x]}"),
        ("{args: [x], image: a}", "{args: [], image: ''}", "{args: [x], image: a}"),
        ("{}", "{args: [x]}", "{args: [x]}"),
        (
            "{env: [{name: A, value: a}]}",
            "{env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]}",
            "{env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]}",
        ),
        ("{env: [{name: A, value: a}]}", "{env: [{name: A}]}", "{env: [{name: A, value: a}]}"),
        (
            "{volumeMounts: [{name: shm, mountPath: /dev/shm}, {name: a, mountPath: /a}]}",
            "{volumeMounts: [{name: own, mountPath: /dev/shm}]}",
            "{volumeMounts: [{name: own, mountPath: /dev/shm}, {name: a, mountPath: /a}]}",
        ),
    ],
)
def test_containers(runtime: str, own: str, expected: str) -> None:
    assert joined(joined_container, runtime, own) == yaml.safe_load(expected)


@pytest.mark.parametrize(
    ("runtime", "own", "expected"),
    [
        (
            """
            nodeSelector: {foo: bar, aaa: bbb}
            tolerations: [{key: key1, operator: Exists, effect: NoSchedule}]
            volumes:
              - {name: foo, persistentVolumeClaim: {claimName: bar}}
              - {name: aaa, persistentVolumeClaim: {claimName: bbb}}
            imagePullSecrets: [{name: foo}]
            """,
            """
            nodeSelector: {foo: baz, xxx: yyy}
            serviceAccountName: testAccount
            volumes:
              - {name: foo, persistentVolumeClaim: {claimName: baz}}
              - {name: xxx, persistentVolumeClaim: {claimName: yyy}}
            imagePullSecrets: [{name: foo}, {name: bar}]
            """,
            """
            nodeSelector: {foo: baz, xxx: yyy, aaa: bbb}
            tolerations: [{key: key1, operator: Exists, effect: NoSchedule}]
            serviceAccountName: testAccount
            volumes:
              - {name: foo, persistentVolumeClaim: {claimName: baz}}
              - {name: xxx, persistentVolumeClaim: {claimName: yyy}}
              - {name: aaa, persistentVolumeClaim: {claimName: bbb}}
            imagePullSecrets: [{name: foo}, {name: bar}]
            """,
        ),
        ("{schedulerName: a}", "{serviceAccountName: b}", "{schedulerName: a, serviceAccountName: b}"),
        ("{schedulerName: a}", "{schedulerName: b}", "{schedulerName: b}"),
        (
            "{resourceClaims: [{name: a}]}",
            "{resourceClaims: [{name: b}]}",
            "{resourceClaims: [{name: b}, {name: a}]}",
        ),
        ("{tolerations: [{key: a}]}", "{tolerations: [{key: b}]}", "{tolerations: [{key: b}]}"),
        ("{serviceAccountName: a, priorityClassName: b, hostIPC: 'x'}", "{}", "{}"),
    ],
)
def test_pods(runtime: str, own: str, expected: str) -> None:
    assert joined(joined_pod, runtime, own) == yaml.safe_load(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--served-model-name={{.Name}}", "--served-model-name=granite"),
        ("{{ .Name }}.{{ .Namespace }}", "granite.models"),
        ('{{.Labels.app}}-{{ index .Labels "a/b" }}-{{index .Annotations `n`}}', "llm-c-note"),
        ("{{.Labels.none}}", ""),
        ("{{ .Values.model }}", "{{ .Values.model }}"),
        ('{"a": {"b": {}}}', '{"a": {"b": {}}}'),
    ],
)
def test_placeholders(text: str, expected: str) -> None:
    assert filled(text, "granite", "models", {"app": "llm", "a/b": "c"}, {"n": "note"}) == expected


def test_a_namespace_that_nothing_states_stays_a_placeholder() -> None:
    assert filled("{{.Namespace}}", "a", "", {}, {}) == "{{.Namespace}}"

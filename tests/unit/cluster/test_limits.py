"""What a namespace lets in: a table by hand, what must hold for every namespace, and what is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from cluster_support import look_at, options
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.cluster.limit_checks import limit_checks
from modelcar_tui.cluster.limits import (
    Admission,
    Behind,
    NamespaceLimits,
    NamespaceRequest,
    Queue,
    Quota,
    Range,
    Room,
    Scope,
    admission,
)
from modelcar_tui.cluster.look import refresh_cluster
from modelcar_tui.cluster.types import AcceleratorReport, State
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_objects import (
    CLUSTER_QUEUES,
    CLUSTER_QUOTAS,
    LIMIT_RANGES,
    LOCAL_QUEUES,
    NAMESPACES,
    QUOTAS,
)
from modelcar_tui.demo.kube_rights import Right, User
from modelcar_tui.demo.kube_scenarios import Scenario, openshift_ai

GPU = "nvidia.com/gpu"
GIB = 2**30
FOUR = NamespaceRequest(gpus={GPU: 4}, priority_class="", queue="")
"""Four GPUs, neither CPU nor memory."""
FULL = NamespaceRequest(
    gpus={GPU: 4},
    cpu_milli=2000,
    memory_mib=15 * 1024,
    cpu_limit_milli=4000,
    memory_limit_mib=30 * 1024,
    priority_class="",
    queue="",
)


def but(request: NamespaceRequest, **changes: Any) -> NamespaceRequest:
    return msgspec.structs.replace(request, **changes)


def quota(hard: dict[str, int | None], used: dict[str, int | None] | None = None, **more: Any) -> Quota:
    return Quota(name="team", hard=hard, used=dict.fromkeys(hard, 0) if used is None else used, **more)


def space(*parts: Quota | Range | Queue, managed: bool | None = False, **more: Any) -> NamespaceLimits:
    return NamespaceLimits(
        namespace="models",
        quotas=tuple(one for one in parts if isinstance(one, Quota)),
        ranges=tuple(one for one in parts if isinstance(one, Range)),
        queues=tuple(one for one in parts if isinstance(one, Queue)),
        managed=managed,
        **more,
    )


def gpus(used: int | None, hard: int = 4, **more: Any) -> Quota:
    return quota({f"requests.{GPU}": hard}, {} if used is None else {f"requests.{GPU}": used}, **more)


def scoped(*scopes: Scope) -> Quota:
    return gpus(4, scopes=scopes)


def room(available: int | None, most: int | None = 8, flavor: str = "h100", resource: str = GPU) -> Room:
    return Room(flavor=flavor, resource=resource, nominal=8, used=0, available=available, most=most)


def queue(*rooms: Room, name: str = "default", **more: Any) -> Queue:
    covers = tuple(dict.fromkeys(one.resource for one in rooms))
    kept = {key: more.pop(key) for key in ("stopped", "missing", "waiting") if key in more}
    return Queue(name=name, cluster_queue="cq", behind=Behind(groups=(covers,), rooms=rooms, **more), **kept)


PRIORITY = Scope("PriorityClass", "In", ("high",))
DEFAULTS = Range(name="l", default={"cpu": 8000}, default_request={"cpu": 1000})

QUOTAS_AND_RANGES: list[tuple[str, NamespaceLimits | None, NamespaceRequest, str, str]] = [
    ("nothing limits", space(), FULL, "yes", ""),
    ("nobody read it", None, FULL, "unknown", "not read"),
    ("enough GPUs left", space(gpus(4, 8)), FOUR, "yes", ""),
    (
        "too few GPUs left",
        space(gpus(3)),
        FOUR,
        "no",
        f"quota team leaves 1 of 4 {GPU}, the pod asks for 4",
    ),
    ("GPUs used up", space(gpus(4)), FOUR, "no", "leaves 0 of 4"),
    ("more used than allowed", space(gpus(6)), FOUR, "no", "leaves 0 of 4"),
    ("use not known", space(gpus(None)), FOUR, "unknown", "is not known"),
    ("use not known, but never enough", space(gpus(None, 2)), FOUR, "no", "leaves 2 of 2"),
    ("another vendor's quota", space(quota({"requests.amd.com/gpu": 0})), FOUR, "yes", ""),
    ("a plain name is not counted", space(quota({GPU: 0})), FOUR, "yes", ""),
    (
        "a cluster quota",
        space(gpus(4, kind="ClusterResourceQuota")),
        FOUR,
        "no",
        "cluster quota team leaves 0",
    ),
    ("the second of two quotas", space(gpus(0, 8), gpus(4)), FOUR, "no", "leaves 0 of 4"),
    ("no pod left", space(quota({"pods": 3}, {"pods": 3})), FULL, "no", "leaves 0 of 3 pods"),
    ("no object left", space(quota({"count/pods": 0})), FULL, "no", "leaves 0 of 0 count/pods"),
    ("services are no pods", space(quota({"services": 0, "requests.storage": 0})), FULL, "yes", ""),
    ("CPU must be given", space(quota({"requests.cpu": 9000})), FOUR, "no", "wants a request of cpu"),
    ("the plain name, too", space(quota({"memory": 9 * GIB})), FOUR, "no", "wants a request of memory"),
    ("a limit must be given", space(quota({"limits.cpu": 9000})), FOUR, "no", "wants a limit of cpu"),
    (
        "whether CPU is given is not known",
        space(quota({"cpu": 9000})),
        but(FOUR, unknown=frozenset({"cpu"})),
        "unknown",
        "what the pod asks for of cpu",
    ),
    ("a default gives the limit", space(quota({"limits.cpu": 9000}), DEFAULTS), FOUR, "yes", ""),
    ("a default is charged", space(quota({"limits.cpu": 7000}), DEFAULTS), FOUR, "no", "the pod asks for 8"),
    ("a limit gives the request", space(quota({"cpu": 9})), but(FOUR, cpu_limit_milli=9), "yes", ""),
    ("CPU left", space(quota({"cpu": 2000})), FULL, "yes", ""),
    ("CPU short", space(quota({"cpu": 2000}, {"cpu": 500})), FULL, "no", "leaves 1.5 of 2 cpu"),
    ("memory short", space(quota({"memory": 9 * GIB})), FULL, "no", "9 GiB memory, the pod asks for 15 GiB"),
    ("limit short", space(quota({"limits.memory": 9 * GIB})), FULL, "no", "limit of memory"),
    ("storage need not be given", space(quota({"requests.ephemeral-storage": 0})), FULL, "yes", ""),
    (
        "storage short",
        space(quota({"ephemeral-storage": GIB})),
        but(FULL, ephemeral_mib=2048),
        "no",
        "asks for 2 GiB",
    ),
    ("Terminating is not ours", space(scoped(Scope("Terminating"))), FULL, "yes", ""),
    ("NotTerminating is ours", space(scoped(Scope("NotTerminating"))), FULL, "no", "leaves 0"),
    (
        "a deadline makes it Terminating",
        space(scoped(Scope("Terminating"))),
        but(FULL, terminating=True),
        "no",
        "leaves 0",
    ),
    ("BestEffort is not ours", space(scoped(Scope("BestEffort"))), FULL, "yes", ""),
    ("BestEffort may be", space(scoped(Scope("BestEffort"))), FOUR, "unknown", "BestEffort"),
    ("NotBestEffort is ours", space(scoped(Scope("NotBestEffort"))), FULL, "no", "leaves 0"),
    ("another priority", space(scoped(PRIORITY)), FULL, "yes", ""),
    ("our priority", space(scoped(PRIORITY)), but(FULL, priority_class="high"), "no", "leaves 0"),
    (
        "a priority that is not known",
        space(scoped(PRIORITY)),
        but(FULL, priority_class=None),
        "unknown",
        "if it counts the pod",
    ),
    (
        "not the low ones, so none, too",
        space(scoped(Scope("PriorityClass", "NotIn", ("low",)))),
        FULL,
        "no",
        "leaves 0",
    ),
    (
        "all scopes must match",
        space(scoped(Scope("NotTerminating"), Scope("CrossNamespacePodAffinity"))),
        FULL,
        "yes",
        "",
    ),
    ("a scope that is new", space(scoped(Scope("Odd"))), FULL, "unknown", "if it counts the pod (Odd)"),
    (
        "too many GPUs a container",
        space(Range(name="l", most={GPU: 1})),
        FOUR,
        "no",
        f"limit range l: a Container may have at most 1 {GPU}, the pod asks for 4",
    ),
    ("as many as allowed", space(Range(name="l", most={GPU: 4})), FOUR, "yes", ""),
    (
        "too many GPUs a pod",
        space(Range(name="l", type="Pod", most={GPU: 2})),
        FOUR,
        "no",
        f"a Pod may have at most 2 {GPU}",
    ),
    (
        "claims are no pods",
        space(Range(name="l", type="PersistentVolumeClaim", most={GPU: 0})),
        FOUR,
        "yes",
        "",
    ),
    ("a limit too high", space(Range(name="l", most={"memory": 20 * GIB})), FULL, "no", "a limit of 30 GiB"),
    (
        "a maximum wants a limit",
        space(Range(name="l", type="Pod", most={"memory": GIB})),
        FOUR,
        "no",
        "the pod has no limit",
    ),
    (
        "too little",
        space(Range(name="l", least={"cpu": 3000})),
        FULL,
        "no",
        "at least 3 cpu, the pod asks for 2",
    ),
    ("a minimum wants a request", space(Range(name="l", least={"cpu": 1})), FOUR, "no", "asks for none"),
    ("a ratio too wide", space(Range(name="l", ratio={"cpu": 1500})), FULL, "no", "at most 1.5 times"),
    ("a ratio just right", space(Range(name="l", ratio={"cpu": 2000})), FULL, "yes", ""),
    ("a ratio wants both", space(Range(name="l", ratio={"cpu": 2000})), FOUR, "no", "does not give both"),
    (
        "a default limit below the request",
        space(DEFAULTS),
        but(FOUR, cpu_milli=16_000),
        "no",
        "asks for 16 cpu, its limit is 8",
    ),
    (
        "two defaults that differ",
        space(quota({"limits.cpu": 9000}), DEFAULTS, Range(name="m", default={"cpu": 1000})),
        FOUR,
        "unknown",
        "is not known",
    ),
    ("quotas unread", space(unknown=("quotas",)), FULL, "unknown", "the quotas of models can't be read"),
    ("a no beside what is unread", space(gpus(4), unknown=("limit ranges",)), FULL, "no", "leaves 0"),
]

OTHERS: dict[str, Any] = {"managed": True}
QUEUED: list[tuple[str, NamespaceLimits, NamespaceRequest, str, str]] = [
    ("room in the queue", space(queue(room(4)), **OTHERS), FOUR, "yes", ""),
    ("taken by others", space(queue(room(1)), **OTHERS), FOUR, "no", "it waits in the queue"),
    ("never so much", space(queue(room(1, 2)), **OTHERS), FOUR, "no", f"never has more than 2 {GPU}"),
    ("others would be stopped", space(queue(room(1), preempts=True), **OTHERS), FOUR, "unknown", "stopped"),
    ("never, whoever is stopped", space(queue(room(1, 2), preempts=True), **OTHERS), FOUR, "no", "never"),
    ("use not known", space(queue(room(None)), **OTHERS), FOUR, "unknown", "is not known"),
    ("stopped", space(queue(room(8), stopped=True), **OTHERS), FOUR, "no", "is stopped"),
    ("inactive", space(queue(room(8), inactive="no flavor"), **OTHERS), FOUR, "no", "no flavor"),
    ("not for us", space(queue(room(8), takes=False), **OTHERS), FOUR, "no", "does not take"),
    ("perhaps not for us", space(queue(room(8), takes=None), **OTHERS), FOUR, "unknown", "may not take"),
    ("nothing behind", space(Queue(name="a", missing=True), **OTHERS), FOUR, "no", "is not there"),
    ("behind is unread", space(Queue(name="a"), **OTHERS), FOUR, "unknown", "can't be read"),
    (
        "no GPUs in it",
        space(queue(room(8, resource="amd.com/gpu")), **OTHERS),
        FOUR,
        "no",
        f"has no quota for {GPU}",
    ),
    ("no CPUs in it", space(queue(room(8)), **OTHERS), but(FOUR, cpu_milli=1), "unknown", "no quota for cpu"),
    ("another flavor has room", space(queue(room(0), room(4, flavor="l40s")), **OTHERS), FOUR, "yes", ""),
    (
        "not out of two flavors",
        space(queue(room(2), room(2, flavor="l40s")), **OTHERS),
        FOUR,
        "no",
        "2 nvidia.com/gpu available",
    ),
    (
        "one flavor for GPUs and CPUs",
        space(
            queue(
                room(8),
                room(0, 9000, resource="cpu"),
                room(0, flavor="l40s"),
                room(9000, 9000, flavor="l40s", resource="cpu"),
            ),
            **OTHERS,
        ),
        but(FOUR, cpu_milli=1000),
        "no",
        "waits",
    ),
    (
        "others wait before it",
        space(queue(room(8), strict=True, waiting=3), **OTHERS),
        FOUR,
        "unknown",
        "3 wait",
    ),
    ("others wait, it overtakes", space(queue(room(8), waiting=3), **OTHERS), FOUR, "yes", ""),
    ("the only queue", space(queue(room(0), name="a"), **OTHERS), FOUR, "no", "waits"),
    (
        "all queues are full",
        space(queue(room(0), name="a"), queue(room(1), name="b"), **OTHERS),
        FOUR,
        "no",
        "",
    ),
    (
        "one of two is full",
        space(queue(room(0), name="a"), queue(room(8), name="b"), **OTHERS),
        FOUR,
        "unknown",
        "if the pod goes through it",
    ),
    (
        "the named one is full",
        space(queue(room(0), name="a"), queue(room(8), name="b"), **OTHERS),
        but(FOUR, queue="a"),
        "no",
        "waits",
    ),
    (
        "the default one has room",
        space(queue(room(0), name="a"), queue(room(8)), **OTHERS),
        FOUR,
        "yes",
        "",
    ),
    (
        "the named one is not there",
        space(queue(room(8)), groups=("kueue.x-k8s.io",), **OTHERS),
        but(FOUR, queue="a"),
        "no",
        "the queue a is not there",
    ),
    ("not managed, none named", space(queue(room(0), name="a")), FOUR, "yes", ""),
    ("not managed, a default", space(queue(room(0))), FOUR, "unknown", "if the pod goes through it"),
    ("not managed, one named", space(queue(room(0), name="a")), but(FOUR, queue="a"), "unknown", "waits"),
    ("not known whether managed", space(queue(room(0)), managed=None), FOUR, "unknown", "if the pod goes"),
    ("not known, room anyway", space(queue(room(8)), managed=None), but(FOUR, queue=None), "yes", ""),
    ("queues unread", space(unknown=("queues",)), FOUR, "unknown", "the queues of models can't be read"),
]
CASES = QUOTAS_AND_RANGES + QUEUED


@pytest.mark.parametrize(
    ("limits", "request_", "answer", "says"),
    [case[1:] for case in CASES],
    ids=[case[0].replace(" ", "-") for case in CASES],
)
def test_what_a_namespace_answers(
    limits: NamespaceLimits | None, request_: NamespaceRequest, answer: str, says: str
) -> None:
    found = admission(limits, request_)
    assert found.answer == answer, found
    assert says in " / ".join(found.why)
    assert bool(found.why) == (answer != "yes")


def test_a_no_names_every_reason_once_and_a_next_step() -> None:
    found = admission(space(gpus(4), gpus(4), Range(name="l", most={GPU: 1})), FOUR)
    assert found == Admission(
        answer="no",
        why=(
            f"limit range l: a Container may have at most 1 {GPU}, the pod asks for 4",
            f"quota team leaves 0 of 4 {GPU}, the pod asks for 4",
        ),
        fix=f"ask for less {GPU}",
    )


NAMES = (f"requests.{GPU}", "cpu", "limits.cpu", "requests.memory", "limits.memory", "pods")
AMOUNTS = st.one_of(st.none(), st.integers(0, 8), st.integers(0, 40 * GIB))
SCOPES = st.sampled_from(
    [(), (Scope("NotTerminating"),), (Scope("Terminating"),), (PRIORITY,), (Scope("BestEffort"),)]
)
QUOTA = st.builds(
    Quota,
    name=st.just("q"),
    hard=st.dictionaries(st.sampled_from(NAMES), AMOUNTS),
    used=st.dictionaries(st.sampled_from(NAMES), AMOUNTS),
    scopes=SCOPES,
)
BOUNDS = st.dictionaries(st.sampled_from((GPU, "cpu", "memory")), AMOUNTS, max_size=2)
RANGE = st.builds(
    Range,
    name=st.just("r"),
    type=st.sampled_from(("Container", "Pod", "PersistentVolumeClaim")),
    most=BOUNDS,
    least=BOUNDS,
    ratio=BOUNDS,
    default=st.just({}),
    default_request=st.just({}),
)
DEFAULTING = st.builds(Range, name=st.just("d"), default=BOUNDS, default_request=BOUNDS)
ROOM = st.builds(
    Room,
    flavor=st.sampled_from(("a", "b")),
    resource=st.sampled_from((GPU, "cpu", "memory")),
    nominal=st.just(8),
    used=st.just(0),
    available=AMOUNTS,
    most=AMOUNTS,
)
QUEUE = st.builds(
    lambda rooms, name, preempts, takes, **more: Queue(
        name=name,
        cluster_queue="cq",
        behind=Behind(groups=((GPU,), ("cpu", "memory")), rooms=tuple(rooms), preempts=preempts, takes=takes),
        **more,
    ),
    rooms=st.lists(ROOM, max_size=5),
    name=st.sampled_from(("default", "a", "b")),
    preempts=st.booleans(),
    takes=st.sampled_from((True, None, False)),
    stopped=st.booleans(),
    missing=st.booleans(),
)
SPACE = st.builds(
    NamespaceLimits,
    namespace=st.just("models"),
    quotas=st.lists(QUOTA, max_size=3).map(tuple),
    ranges=st.lists(RANGE, max_size=2).map(tuple),
    queues=st.lists(QUEUE, max_size=2, unique_by=lambda one: one.name).map(tuple),
    managed=st.sampled_from((True, False, None)),
)
REQUEST = st.builds(
    NamespaceRequest,
    gpus=st.integers(0, 8).map(lambda units: {GPU: units} if units else {}),
    cpu_milli=st.one_of(st.none(), st.integers(0, 4000)),
    memory_mib=st.one_of(st.none(), st.integers(0, 20_000)),
    cpu_limit_milli=st.one_of(st.none(), st.integers(4000, 9000)),
    memory_limit_mib=st.one_of(st.none(), st.integers(20_000, 40_000)),
    priority_class=st.sampled_from((None, "", "high")),
    queue=st.sampled_from((None, "", "a")),
)
ORDER = {"no": 0, "unknown": 1, "yes": 2}


def value(limits: NamespaceLimits, request: NamespaceRequest) -> int:
    return ORDER[admission(limits, request).answer]


@settings(max_examples=300, deadline=None)
@given(SPACE, REQUEST, QUOTA, RANGE)
def test_a_further_quota_or_range_never_makes_it_better(
    limits: NamespaceLimits, request: NamespaceRequest, more: Quota, bound: Range
) -> None:
    before = value(limits, request)
    assert value(msgspec.structs.replace(limits, quotas=(*limits.quotas, more)), request) <= before
    assert value(msgspec.structs.replace(limits, ranges=(*limits.ranges, bound)), request) <= before


@settings(max_examples=300, deadline=None)
@given(SPACE, REQUEST, st.integers(0, 10), st.data())
def test_less_allowed_or_more_used_never_makes_it_better(
    limits: NamespaceLimits, request: NamespaceRequest, by: int, data: st.DataObject
) -> None:
    which = data.draw(st.sampled_from(("hard", "used")))
    step = -by if which == "hard" else by
    quotas = tuple(
        msgspec.structs.replace(
            one,
            **{
                which: {
                    name: None if amount is None else max(0, amount + step)
                    for name, amount in getattr(one, which).items()
                }
            },
        )
        for one in limits.quotas
    )
    assert value(msgspec.structs.replace(limits, quotas=quotas), request) <= value(limits, request)


@settings(max_examples=300, deadline=None)
@given(SPACE, REQUEST, st.integers(0, 10))
def test_less_room_in_a_queue_never_makes_it_better(
    limits: NamespaceLimits, request: NamespaceRequest, by: int
) -> None:
    def fuller(one: Queue) -> Queue:
        assert one.behind is not None
        rooms = tuple(
            msgspec.structs.replace(
                room, available=None if room.available is None else max(0, room.available - by)
            )
            for room in one.behind.rooms
        )
        return msgspec.structs.replace(one, behind=msgspec.structs.replace(one.behind, rooms=rooms))

    less = msgspec.structs.replace(limits, queues=tuple(fuller(one) for one in limits.queues))
    assert value(less, request) <= value(limits, request)


def forget(
    limits: NamespaceLimits, request: NamespaceRequest, what: str
) -> tuple[NamespaceLimits, NamespaceRequest]:
    """The same with one thing less known."""
    if what == "used":
        quotas = tuple(msgspec.structs.replace(one, used={}) for one in limits.quotas)
        return msgspec.structs.replace(limits, quotas=quotas), request
    if what == "managed":
        return msgspec.structs.replace(limits, managed=None), request
    if what in ("quotas", "limit ranges", "queues"):
        field = {"limit ranges": "ranges"}.get(what, what)
        return msgspec.structs.replace(limits, unknown=(what,), **{field: ()}), request
    if what == "queue":
        return limits, but(request, queue=None)
    if what in ("cpu", "memory"):
        field = "cpu_milli" if what == "cpu" else "memory_mib"
        return limits, but(request, unknown=frozenset({what}), **{field: None})
    if what == "priority":
        return limits, but(request, priority_class=None)
    unread = tuple(msgspec.structs.replace(one, behind=None, missing=False) for one in limits.queues)
    return msgspec.structs.replace(limits, queues=unread), request


FORGET = (
    "used",
    "managed",
    "quotas",
    "limit ranges",
    "queues",
    "queue",
    "priority",
    "behind",
    "cpu",
    "memory",
)


@settings(max_examples=400, deadline=None)
@given(SPACE, st.lists(DEFAULTING, max_size=1), REQUEST, st.sampled_from(FORGET))
def test_knowing_less_never_makes_a_yes(
    limits: NamespaceLimits, defaults: list[Range], request: NamespaceRequest, what: str
) -> None:
    limits = msgspec.structs.replace(limits, ranges=(*limits.ranges, *defaults))
    before = admission(limits, request).answer
    after = admission(*forget(limits, request, what)).answer
    assert after != "yes" or before == "yes"


@settings(max_examples=200, deadline=None)
@given(SPACE)
def test_limits_go_through_the_journal_and_come_back(limits: NamespaceLimits) -> None:
    assert msgspec.json.decode(msgspec.json.encode(limits), type=NamespaceLimits) == limits


META = {"name": "team", "namespace": "default"}


async def report_on(scenario: Scenario, folder: Path) -> AcceleratorReport:
    with start_stub_cluster(scenario, folder=folder, tls=False) as cluster:
        report, _ = await look_at(cluster)
    return report


async def test_a_quota_is_read_with_its_scopes_and_in_base_units(tmp_path: Path) -> None:
    scenario = openshift_ai()
    spec = {
        "scopes": ["NotTerminating"],
        "scopeSelector": {
            "matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]
        },
    }
    hard = {"cpu": "1500m", "limits.memory": "2Gi", f"requests.{GPU}": "4"}
    scenario.objects[QUOTAS] = [
        {"metadata": META, "spec": spec, "status": {"hard": hard, "used": {"cpu": "1"}}}
    ]
    limits = (await report_on(scenario, tmp_path)).limits
    assert limits is not None
    assert limits.unknown == ()
    assert limits.quotas == (
        Quota(
            name="team",
            hard={"cpu": 1500, "limits.memory": 2 * GIB, f"requests.{GPU}": 4},
            used={"cpu": 1000},
            scopes=(Scope("NotTerminating"), PRIORITY),
        ),
    )


async def test_a_maximum_is_a_default_where_there_is_none(tmp_path: Path) -> None:
    scenario = openshift_ai()
    scenario.objects[LIMIT_RANGES] = [
        {
            "metadata": META,
            "spec": {"limits": [{"type": "Container", "max": {"cpu": "8"}, "min": {"memory": "1Gi"}}]},
        }
    ]
    limits = (await report_on(scenario, tmp_path)).limits
    assert limits is not None
    (one,) = limits.ranges
    assert (one.default, one.default_request) == ({"cpu": 8000}, {"cpu": 8000, "memory": GIB})


async def test_a_cluster_quota_refuses_is_told_and_is_read_again(tmp_path: Path) -> None:
    scenario = openshift_ai()

    def shared(used: int) -> list[dict[str, Any]]:
        total = {"hard": {f"requests.{GPU}": "8"}, "used": {f"requests.{GPU}": str(used)}}
        spec = {"quota": {"hard": total["hard"]}, "selector": {"labels": {"matchLabels": {"team": "ai"}}}}
        return [{"metadata": META, "spec": spec, "status": {"total": total, "namespaces": []}}]

    scenario.objects[CLUSTER_QUOTAS] = shared(8)
    with start_stub_cluster(scenario, folder=tmp_path, tls=False) as cluster:
        report, _ = await look_at(cluster)
        cluster.store.put(CLUSTER_QUOTAS, shared(2))
        again = await refresh_cluster(options(cluster.kubeconfig_path), report)
    (check,) = [one for one in report.checks if one.code == "quota"]
    assert (check.state, check.what) == (State.WARNING, f"cluster quota team leaves 0 of 8 {GPU}")
    assert admission(report.limits, FOUR).why == (
        f"cluster quota team leaves 0 of 8 {GPU}, the pod asks for 4",
    )
    assert admission(again.limits, FOUR).answer == "yes"


async def test_a_server_without_cluster_quotas_and_queues_has_none(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path, tls=False) as cluster:
        report, _ = await look_at(cluster)
        again = await refresh_cluster(options(cluster.kubeconfig_path), report)
    for limits in (report.limits, again.limits):
        assert admission(limits, FOUR).answer == "yes"


async def test_limits_that_may_not_be_read_are_unknown(tmp_path: Path) -> None:
    scenario = openshift_ai()
    scenario.objects[CLUSTER_QUOTAS] = []
    scenario.user = User("alice", rights=(Right("nodes"), Right("pods")))
    report = await report_on(scenario, tmp_path)
    assert report.limits is not None
    assert report.limits.unknown == ("quotas", "limit ranges", "cluster quotas")
    assert admission(report.limits, FOUR).answer == "unknown"


@pytest.mark.parametrize(
    ("labels", "answer"), [({"kueue.openshift.io/managed": "true"}, "no"), ({}, "unknown")]
)
async def test_a_full_queue_refuses_where_the_namespace_is_managed(
    tmp_path: Path, labels: dict[str, str], answer: str
) -> None:
    scenario = openshift_ai()
    scenario.objects[NAMESPACES] = [{"metadata": {"name": "default", "labels": labels}}]
    scenario.objects[LOCAL_QUEUES] = [
        {"metadata": {"name": "default", "namespace": "default"}, "spec": {"clusterQueue": "a"}}
    ]
    resources = [{"name": GPU, "nominalQuota": "8"}, {"name": "cpu", "nominalQuota": "2500m"}]
    used = [{"name": GPU, "total": "6"}, {"name": "cpu", "total": "1"}]
    scenario.objects[CLUSTER_QUEUES] = [
        {
            "metadata": {"name": "a"},
            "spec": {
                "namespaceSelector": {},
                "resourceGroups": [
                    {
                        "coveredResources": [GPU, "cpu"],
                        "flavors": [{"name": "h100", "resources": resources}],
                    }
                ],
            },
            "status": {"flavorsReservation": [{"name": "h100", "resources": used}]},
        }
    ]
    report = await report_on(scenario, tmp_path)
    assert admission(report.limits, FOUR).answer == answer
    assert admission(report.limits, but(FOUR, gpus={GPU: 2}, cpu_milli=1500)).answer == "yes"
    assert admission(report.limits, but(FOUR, gpus={GPU: 2}, cpu_milli=1600)).answer == answer


def test_checks_are_silent_of_a_quota_that_never_counts_what_serves() -> None:
    assert limit_checks(space(scoped(Scope("Terminating")))) == ()


def test_checks_tell_what_is_used_up_and_what_is_not_counted() -> None:
    told = limit_checks(space(quota({"limits.cpu": 4000, GPU: 1}, {"limits.cpu": 4000}), gpus(None)))
    assert [(one.state, one.what) for one in told] == [
        (State.WARNING, "quota team leaves 0 of 4 limits.cpu"),
        (State.OK, f"quota team names {GPU} without requests.: Kubernetes does not count it"),
        (State.UNKNOWN, f"quota team: how much is left of 4 {GPU} is not known"),
    ]


def test_what_wants_to_run_at_the_same_time_counts_together() -> None:
    gpus = "requests.nvidia.com/gpu"
    quota = Quota(name="q", hard={gpus: 4, "pods": 3}, used={gpus: 0, "pods": 0})
    two = NamespaceRequest(pods=2, gpus={"nvidia.com/gpu": 2})
    limits = NamespaceLimits(namespace="n", quotas=(quota,))
    assert admission(limits, two).answer == "yes"
    found = admission(limits, msgspec.structs.replace(two, pods=4))
    assert found.answer == "no"
    assert found.why == (
        "quota q leaves 4 of 4 nvidia.com/gpu, the 4 pods ask for 8",
        "quota q leaves 3 of 3 pods, the 4 pods ask for 4",
    )


def test_a_queue_that_lets_one_in_may_let_in_all_one_by_one() -> None:
    room = Room(flavor="f", resource="nvidia.com/gpu", nominal=3, used=0, available=3, most=3)
    behind = Behind(groups=(("nvidia.com/gpu",),), rooms=(room,))
    queue = Queue(name="q", cluster_queue="c", behind=behind)
    limits = NamespaceLimits(namespace="n", managed=True, queues=(queue,))
    one = NamespaceRequest(gpus={"nvidia.com/gpu": 2}, queue="q")
    assert admission(limits, one).answer == "yes"
    two = admission(limits, msgspec.structs.replace(one, pods=2))
    assert two.answer == "unknown"
    assert two.why[0].endswith("for all 2 pods")
    assert admission(limits, msgspec.structs.replace(one, gpus={"nvidia.com/gpu": 4}, pods=2)).answer == "no"

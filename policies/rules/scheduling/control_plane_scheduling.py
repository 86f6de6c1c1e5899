from collections.abc import Iterator

from policies.api import Toleration
from policies.pod import Pod, shown
from policies.rule import Severity, Violation, rule

# What kubeadm taints them with, by its present and its former name, and what other distributions do.
_CONTROL_PLANE = frozenset(
    {
        "node-role.kubernetes.io/control-plane",
        "node-role.kubernetes.io/master",
        "node-role.kubernetes.io/controlplane",
        "node-role.kubernetes.io/etcd",
    }
)


@rule(
    title="Pod that may run on the control plane, or chooses its node",
    severity=Severity.MEDIUM,
    references=(
        "NSA/CISA: Control plane hardening",
        "MITRE ATT&CK T1611",
        "kubernetes.io/docs/reference/labels-annotations-taints",
    ),
    remediation="Remove the toleration, name the taints that are meant, or use nodeSelector instead of nodeName.",
)
def control_plane_scheduling(pod: Pod) -> Iterator[Violation]:
    """Who breaks out of a container on a control plane node has the cluster: the keys of its authorities, etcd and the
    API server are there. nodeName puts a pod on a node without asking the scheduler, and so past every taint;
    attackers use it to reach the node that they want.

    Legitimate for agents that must run on every node, such as log collectors and network plugins, and for debugging.
    Pods in system namespaces are not asked, nor is the node of a pod that is running already: the scheduler wrote it.
    """
    if pod.object.in_system_namespace:
        return
    if pod.spec.node_name and not pod.meta.resource_version:
        yield Violation(pod.at("nodeName"), f"is {shown(pod.spec.node_name)}, which no scheduler was asked for")
    for index, toleration in enumerate(pod.spec.tolerations or ()):
        if toleration is not None and (problem := _problem(toleration)):
            yield Violation(pod.at("tolerations", index), problem)


def _problem(toleration: Toleration) -> str:
    if toleration.key in _CONTROL_PLANE:
        return f"tolerates the taint {toleration.key}"
    tolerates_all = not toleration.key and toleration.operator == "Exists"
    # The control plane's taint has the effect NoSchedule.
    return "tolerates every taint" if tolerates_all and toleration.effect in (None, "", "NoSchedule") else ""

"""Which workload a name belongs to."""

import pytest

from webhook.recorded import workload


@pytest.mark.parametrize(
    ("kind", "name", "shown"),
    [
        ("Pod", "web-79c6df96f-jxfzf", "pod/web-*"),
        ("Pod", "web-5d97464-jxfzf", "pod/web-*"),
        ("Pod", "node-exporter-x2x4z", "pod/node-exporter-*"),
        ("Pod", "backup-28475280-x2x4z", "pod/backup-*"),
        ("Pod", "train-3-x2x4z", "pod/train-*"),
        ("Pod", "db-0", "pod/db-*"),
        ("Pod", "my-nginx", "pod/my-nginx"),
        ("Pod", "web", "pod/web"),
        ("Pod", "api-gateway", "pod/api-gateway"),
        ("Pod", "-x2x4z", "pod/-x2x4z"),
        ("ReplicaSet", "web-79c6df96f", "replicaset/web-*"),
        ("ReplicaSet", "web", "replicaset/web"),
        ("Job", "backup-28475280", "job/backup-*"),
        ("Job", "migrate-2", "job/migrate-2"),
        ("Deployment", "web-79c6df96f", "deployment/web-79c6df96f"),
        ("Deployment", "", "deployment/(no name)"),
        ("", "", "(not known)"),
    ],
)
def test_of(kind: str, name: str, shown: str) -> None:
    assert str(workload.of("shop", kind, name)) == shown

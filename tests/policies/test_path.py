"""How paths are written."""

import pytest

from policies.path import Path, pointer, render


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("spec",), "spec"),
        (("spec", "containers", 0, "image"), "spec.containers[0].image"),
        (("metadata", "annotations", "example.com/a"), 'metadata.annotations["example.com/a"]'),
        (("metadata", "labels", "app-name"), "metadata.labels.app-name"),
        (("spec", "tfReplicaSpecs", "*", "template"), "spec.tfReplicaSpecs.*.template"),
        ((0, "a"), "[0].a"),
        (("a", ""), 'a[""]'),
        (("a", "1st"), 'a["1st"]'),
        (("a", 'b"c\\d'), 'a["b\\"c\\\\d"]'),
        (("a", "b\nc\u202e\ud800"), 'a["b\\nc\\u202e\\ud800"]'),
        (("a", "b\x1b\x7f\x9b"), 'a["b\\u001b\\u007f\\u009b"]'),
    ],
)
def test_render(path: Path, text: str) -> None:
    assert render(path) == text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("spec", "containers", 0, "image"), "/spec/containers/0/image"),
        (("metadata", "annotations", "example.com/a~b"), "/metadata/annotations/example.com~1a~0b"),
        (("a", ""), "/a/"),
    ],
)
def test_pointer(path: Path, text: str) -> None:
    assert pointer(path) == text

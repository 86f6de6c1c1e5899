"""What is fuzzed: a target takes bytes, and fails by an AssertionError or by any exception that it did not expect."""

from tests.fuzz.targets import admission, manifest, override, policy
from tests.fuzz.targets.target import Target

TARGETS: dict[str, Target] = {
    each.name: each for each in (admission.TARGET, override.TARGET, manifest.TARGET, policy.TARGET)
}

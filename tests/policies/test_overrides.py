"""Override annotations: what is read, and what nobody could grant."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import config, overrides, resource
from policies.overrides import Limits, Override, Refusal, granted

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOON = "2026-12-01T00:00:00Z"
Json = dict[str, Any]


def asked(**changes: str | None) -> dict[str, str | None]:
    """The annotations of a sound override, changed: a None takes one away."""
    found: dict[str, str | None] = {"override": "host-path", "reason": "reads logs", "expires": SOON, **changes}
    names = {key: "override" if key == "override" else f"override-{key}" for key in found}
    return {f"podgate.dev/{names[key]}": value for key, value in found.items() if value is not None}


def pod(annotations: dict[str, str | None]) -> Json:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "annotations": annotations}, "spec": {}}


def deployment(own: dict[str, str | None], template: dict[str, str | None]) -> Json:
    template_: Json = {"metadata": {"annotations": template}, "spec": {}}
    meta = {"name": "a", "annotations": own}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"template": template_}}


def of(obj: Json, limits: Limits | None = None) -> tuple[Override | Refusal, ...]:
    return overrides.of(resource.read(obj), limits or Limits(), NOW)


def refusal(limits: Limits | None = None, /, **changes: str | None) -> str:
    """Why an override does not count."""
    (found,) = of(pod(asked(**changes)), limits)
    assert isinstance(found, Refusal)
    return str(found)


class TestSound:
    def test_names_rules_a_reason_and_an_end(self) -> None:
        (found,) = of(pod(asked(override="host-path, host-pid", ticket="OPS-7")))
        end = datetime(2026, 12, 1, tzinfo=UTC)
        assert found == Override(frozenset({"host-path", "host-pid"}), "reads logs", end, "OPS-7", (), ends_soon=True)

    def test_a_ticket_that_is_not_named_is_none(self) -> None:
        (found,) = of(pod(asked()))
        assert isinstance(found, Override)
        assert (found.ticket, found.signature) == ("", "")

    @pytest.mark.parametrize(("end", "soon"), [("2026-12-01T12:00:00Z", True), ("2026-12-01T12:00:01Z", False)])
    def test_a_week_before_its_end_is_soon(self, end: str, soon: bool) -> None:
        (found,) = of(pod(asked(expires=end)))
        assert isinstance(found, Override)
        assert found.ends_soon is soon

    def test_any_zone_will_do(self) -> None:
        (found,) = of(pod(asked(expires="2026-12-01T02:00:00+02:00")))
        assert isinstance(found, Override)
        assert found.expires == datetime(2026, 12, 1, tzinfo=UTC)

    def test_none_is_asked_for(self) -> None:
        assert of(pod({"podgate.dev/overrides": "x", "other": "y"})) == ()

    def test_each_place_speaks_for_itself(self) -> None:
        own, template = of(deployment(asked(), asked(override="host-pid")))
        assert isinstance(own, Override)
        assert isinstance(template, Override)
        assert (own.prefix, template.prefix) == ((), ("spec", "template"))


class TestGranted:
    FOUND = of(deployment(asked(override="host-path"), asked(override="host-pid")))
    INSIDE = ("spec", "template", "spec", "hostPID")

    def test_on_the_object_it_reaches_its_pods(self) -> None:
        assert granted(self.FOUND, "host-path", self.INSIDE) is self.FOUND[0]

    def test_on_a_template_it_reaches_that_pod_alone(self) -> None:
        assert granted(self.FOUND, "host-pid", self.INSIDE) is self.FOUND[1]
        assert granted(self.FOUND, "host-pid", ("metadata",)) is None

    def test_only_the_rules_that_are_named(self) -> None:
        assert granted(self.FOUND, "host-ipc", self.INSIDE) is None

    def test_a_refused_one_lifts_nothing(self) -> None:
        assert granted(of(pod(asked(reason=""))), "host-path", ()) is None


AT = 'metadata.annotations["podgate.dev/override'


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"override": ""}, f'{AT}"] is missing: name the rules to lift, separated by commas'),
        ({"override": "*"}, f'{AT}"] names "*", which is not a rule; name each rule, as `podgate rules` lists them'),
        ({"override": "host-paht"}, f'{AT}"] names "host-paht", which is not a rule: did you mean host-path?'),
        ({"override": "hоst-path"}, f'{AT}"] names "hоst-path", which is not a rule: did you mean host-path?'),  # noqa: RUF001
        ({"override": "HOST-PATH"}, f'{AT}"] names "HOST-PATH", which is not a rule: did you mean host-path?'),
        ({"override": "Host-Path"}, f'{AT}"] names "Host-Path", which is not a rule: did you mean host-path?'),
        ({"override": "host-path,"}, (f'{AT}"] names "an empty value", which is not a rule; name each rule, as '
         "`podgate rules` lists them")),
        ({"override": "host-path," * 50 + "host-pid"}, f'{AT}"] names more than 50 rules'),
        ({"reason": None}, f'{AT}-reason"] is missing: say why this workload needs it'),
        ({"reason": "  "}, f'{AT}-reason"] is missing: say why this workload needs it'),
        ({"reason": "x" * 501}, f'{AT}-reason"] is longer than 500 characters'),
        ({"ticket": "x" * 501}, f'{AT}-ticket"] is longer than 500 characters'),
        ({"expires": None}, f'{AT}-expires"] is missing: write when it ends, as in 2026-12-24T00:00:00Z'),
        ({"expires": "soon"}, f'{AT}-expires"] is not a time with a zone: write one as in 2026-12-24T00:00:00Z'),
        ({"expires": "2026-12-01T00:00:00"}, (f'{AT}-expires"] is not a time with a zone: write one as in '
         "2026-12-24T00:00:00Z")),
        ({"expires": "2026-11-24T12:00:00Z"}, f'{AT}-expires"] was 2026-11-24T12:00:00Z: the override has ended'),
        ({"expires": "0001-01-01T00:00:00+14:00"}, f'{AT}-expires"] was long ago: the override has ended'),
        ({"expires": "2026-12-24T12:00:01Z"}, (f'{AT}-expires"] is too far away: write a time 30 days ahead at most, '
         "2026-12-24T00:00:00Z")),
    ],
)  # fmt: skip
def test_what_nobody_could_grant(changes: dict[str, str | None], said: str) -> None:
    assert refusal(None, **changes) == said


class TestLimits:
    def test_overrides_can_be_forbidden(self) -> None:
        assert refusal(Limits(enabled=False)) == f'{AT}"] does not count: the policy has no overrides'

    def test_rules_can_be_kept_from_them(self) -> None:
        said = f'{AT}"] names host-path, which the policy lets no override lift'
        assert refusal(Limits(never_for=("host-path",))) == said

    def test_a_ticket_can_be_asked_for(self) -> None:
        assert refusal(Limits(require_ticket=True)) == f'{AT}-ticket"] is missing: the policy asks for a ticket'
        assert isinstance(of(pod(asked(ticket="A-1")), Limits(require_ticket=True))[0], Override)

    def test_they_can_be_made_shorter(self) -> None:
        assert "is too far away: write a time 3 days ahead at most" in refusal(Limits(max_days=3))

    def test_they_may_be_a_day_long_and_ten_years(self) -> None:
        head = "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nspec: "
        for days in (1, 3650):
            policy = config.parse(f"{head}{{overrides: {{maxDays: {days}}}}}")
            end = NOW + timedelta(days=days)
            assert isinstance(of(pod(asked(expires=end.isoformat())), policy.overrides)[0], Override)
        for days in (0, 3651):
            with pytest.raises(config.PolicyError, match="maxDays"):
                config.parse(f"{head}{{overrides: {{maxDays: {days}}}}}")

    @pytest.mark.parametrize(
        "changes",
        [
            {"override": ",".join(["host-path"] * 49 + ["host-pid"])},
            {"reason": "x" * 500},
            {"ticket": "x" * 500},
            {"expires": "2026-12-24T12:00:00Z"},
        ],
        ids=["rules", "reason", "ticket", "end"],
    )
    def test_as_much_as_may_be_asked_for_is_granted(self, changes: dict[str, str | None]) -> None:
        """One more of each is refused: test_what_nobody_could_grant."""
        (found,) = of(pod(asked(**changes)))
        assert isinstance(found, Override)
        assert ("host-pid" in found.rules) is ("override" in changes)


@pytest.mark.parametrize(
    ("obj", "are"),
    [
        (pod({}), False),
        (pod({"podgate.dev/overrides": "x"}), False),
        (pod({"podgate.dev/override-reason": "x"}), True),
        (deployment({}, {}), False),
        (deployment(asked(), {}), True),
        (deployment({}, asked()), True),
    ],
    ids=["none", "another", "half of one", "none in two places", "on the object", "on the template"],
)
def test_whether_any_is_asked_for(obj: Json, are: bool) -> None:
    assert overrides.are_asked(resource.read(obj)) is are


@given(text=st.text(max_size=60), key=st.sampled_from(["override", "reason", "expires", "ticket"]))
def test_whatever_is_written_it_is_read_or_refused(text: str, key: str) -> None:
    (found,) = of(pod(asked(**{key: text})))
    if isinstance(found, Override):
        assert NOW < found.expires <= NOW + timedelta(days=30)
        assert found.rules == {"host-path"}
    else:
        assert len(str(found)) < 500

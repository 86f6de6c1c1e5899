"""The risk of an object: of its riskiest container, with exact reasons and the smallest change that would help."""

from collections.abc import Iterable
from enum import StrEnum
from itertools import combinations

from msgspec import Struct

from policies.path import Path
from policies.pod import Pod
from policies.risk.classifier import Classifier, Share, log_odds, probability
from policies.risk.features import BY_NAME, REMEDIES, Features
from policies.risk.observe import Observer

_NOTHING: frozenset[str] = frozenset()


class Band(StrEnum):
    """Where a risk lies between the model's thresholds."""

    LOW = "low"
    ELEVATED = "elevated"
    HIGH = "high"


class Gist(Struct, frozen=True):
    """A settled risk as plain values."""

    path: Path
    features: Features
    log_odds: float
    remedy: tuple[str, ...] = ()


class Risk:
    """What the model says of a pod: of its riskiest container. Reasons are worked out when somebody asks for them."""

    __slots__ = ("_assessor", "_features", "_pod", "_remedy", "log_odds", "path")

    def __init__(
        self,
        assessor: "Assessor",
        pod: Pod | None,
        path: Path,
        features: Features,
        log_odds: float,
        remedy: tuple[str, ...] = (),
    ) -> None:
        self._assessor = assessor
        self._pod = pod
        self._remedy = remedy
        self._features = features
        self.path = path
        self.log_odds = log_odds

    @property
    def model(self) -> str:
        return self._assessor.classifier.name

    @property
    def probability(self) -> float:
        return probability(self.log_odds)

    @property
    def band(self) -> Band:
        """By the thresholds of the model card, whatever a policy makes of them."""
        thresholds = self._assessor.classifier.model.thresholds
        chance = self.probability
        if chance >= thresholds.deny_at:
            return Band.HIGH
        return Band.ELEVATED if chance >= thresholds.warn_at else Band.LOW

    @property
    def shares(self) -> tuple[Share, ...]:
        """What each feature adds to the log-odds, largest first."""
        return self._assessor.classifier.score(self._features).shares

    def remedy(self, below: float) -> tuple[str, ...]:
        """The fewest things without which the probability would be below this; empty when nothing helps."""
        if self._pod is None:
            return self._remedy
        limit = log_odds(below)
        for count in range(1, len(REMEDIES) + 1):
            for chosen in combinations(REMEDIES, count):
                if self._assessor.log_odds(self._pod, frozenset(chosen)) < limit:
                    return chosen
        return ()

    def of(self, pod: Pod) -> "Risk":
        """The same of another pod, which shows the same."""
        return Risk(self._assessor, pod, self.path, self._features, self.log_odds)

    def without_pod(self) -> "Risk":
        """The same for keeping: it holds on to no pod, and knows no remedy."""
        return self.settled(())

    def settled(self, remedy: tuple[str, ...]) -> "Risk":
        """The same for keeping: it holds on to no pod, and this is its remedy whatever the limit."""
        return Risk(self._assessor, None, self.path, self._features, self.log_odds, remedy)

    @property
    def gist(self) -> Gist:
        """What `Assessor.recall` makes the settled risk of."""
        return Gist(self.path, self._features, self.log_odds, self._remedy)

    @property
    def text(self) -> str:
        """Probability and main reasons, in one line."""
        meanings = dict.fromkeys(BY_NAME[name].meaning for share in self.shares for name in share.features)
        reasons = f": {', '.join(list(meanings)[:3])}" if meanings else ""
        return f"looks dangerous (risk {self.probability:.2f}){reasons}"


class Assessor:
    """A verified model, and the eyes that it sees with."""

    __slots__ = ("_observer", "classifier")

    def __init__(self, classifier: Classifier, observer: Observer) -> None:
        self.classifier = classifier
        self._observer = observer

    def assess(self, pods: Iterable[tuple[Pod, Path]]) -> Risk | None:
        """The risk of the riskiest pod; None where there is none."""
        worst: Risk | None = None
        for pod, prefix in pods:
            found, features = self.classifier.riskiest(self._observer.each(pod))
            if worst is None or found > worst.log_odds:
                worst = Risk(self, pod, prefix + pod.at(), features, found)
        return worst

    def recall(self, gist: Gist) -> Risk:
        """A risk of which the gist was kept."""
        return Risk(self, None, gist.path, gist.features, gist.log_odds, gist.remedy)

    def log_odds(self, pod: Pod, without: frozenset[str] = _NOTHING) -> float:
        """The risk of a pod, if it had none of these (REMEDIES)."""
        return self.classifier.riskiest(self._observer.each(pod, without))[0]

"""What is around the reviews: the facts of namespaces that they are judged by, and whom they may ask."""

from webhook import cluster
from webhook.asking import Authority, Namespaces, Plain
from webhook.authority import ClusterAuthority
from webhook.metrics import Metrics
from webhook.namespaces import NamespacesFile
from webhook.reload import Watch
from webhook.settings import Settings
from webhook.watched import Watched


class Surroundings:
    """Of a file, of a cluster, of both (then the file says what namespaces are), or of neither."""

    def __init__(self, given: Settings, metrics: Metrics) -> None:
        """Nothing is asked yet. Raises ClusterError and NamespacesError."""
        self.namespaces: Namespaces = Plain()
        self.authority: Authority | None = None
        self.watches: list[Watch] = []
        self._asked: ClusterAuthority | None = None
        self._watched: Watched | None = None
        self.cluster = cluster.connect(given.cluster)
        if self.cluster is not None:
            self.authority = self._asked = ClusterAuthority(self.cluster, metrics.cluster)
        if given.namespaces is not None:
            file = NamespacesFile(given.namespaces, metrics)
            self.namespaces = file
            self.watches.append(file)
        elif self.cluster is not None:
            self.namespaces = self._watched = Watched(self.cluster, metrics)

    def missing(self) -> str | None:
        """What is not known yet that must be at the start."""
        return None if self._watched is None else self._watched.problem()

    def start(self) -> None:
        """Begin to follow the cluster, if there is one."""
        if self._watched is not None:
            self._watched.start()

    def stop(self) -> None:
        """Let go of the cluster."""
        if self._watched is not None:
            self._watched.stop()
        if self._asked is not None:
            self._asked.close()
        if self.cluster is not None:
            self.cluster.close()

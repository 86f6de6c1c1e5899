import re
from collections.abc import Iterator

from policies.objects import Ingress
from policies.pod import shown
from policies.resource import Resource
from policies.rule import Severity, Violation, rule

_PREFIX = "nginx.ingress.kubernetes.io/"
# Of ingress-nginx, and of the other controller for nginx, which copied them.
_PREFIXES = (_PREFIX, "nginx.org/", "nginx.com/", "custom.nginx.org/")
_SNIPPETS = ("-snippet", "-snippets")
# Values that were written into the configuration as they are: whatever is no part of a URL, a variable or a list of
# headers ends the directive. As controllers since v1.12.1 have it (internal/ingress/annotations/parser/validators.go).
_WRITTEN_AS_THEY_ARE = {
    "auth-url": "CVE-2025-24514",
    "auth-signin": "CVE-2025-24514",
    "auth-tls-match-cn": "CVE-2025-1097",
    "mirror-target": "CVE-2025-1098",
    "mirror-host": "CVE-2025-1098",
    "permanent-redirect": "CVE-2023-5044",
    "auth-method": "CVE-2026-1580",
    "auth-proxy-set-headers": "CVE-2025-15566",
    "rewrite-target": "CVE-2026-3288",
}
_UNSAFE = re.compile(r"[^-\w./:~,?&=$%+@ ]", re.ASCII)
# A common name is a regular expression, so that more of it is sound; but outside of brackets `CN=a|b` accepts whatever
# has a b in it.
_UNSAFE_NAME = re.compile(r"[^-\w./:~,?&=$%+@ *()^\\\[\]|]|\A[^(]*\|", re.ASCII)
_BREAK = re.compile(r"[\r\n]")
# internal/ingress/inspector/rules.go of ingress-nginx.
_DIRECTIVE = re.compile(r"\b(?:alias|root)\b", re.ASCII)
_SECRET_FILE = re.compile(r"/etc/(?:passwd|shadow|group|nginx|ingress-controller)|/var/run/secrets")
# What no URL's path holds unescaped, and ends a directive.
_UNSAFE_PATH = re.compile(r"[\s\"';#\x00-\x1f]")
_SECRET_FOLDERS = re.compile(r"/(?:etc|root|var/run/secrets|var/run/kubernetes|run/secrets)(?:/|\Z)")


@rule(
    title="Ingress that writes the configuration of nginx",
    severity=Severity.HIGH,
    references=(
        "CVE-2021-25742", "CVE-2021-25745", "CVE-2021-25746", "CVE-2021-25748", "CVE-2022-4886", "CVE-2023-5043",
        "CVE-2023-5044", "CVE-2024-7646", "CVE-2025-1097", "CVE-2025-1098", "CVE-2025-1974", "CVE-2025-24514",
        "CVE-2025-15566", "CVE-2026-1580", "CVE-2026-3288", "CVE-2026-24512", "NSA/CISA: Network separation",
    ),
    remediation="Remove the annotation, or write a plain URL or path; move to a controller that is maintained.",
)  # fmt: skip
def ingress_nginx_cve(resource: Resource) -> Iterator[Violation]:
    """ingress-nginx makes its configuration of annotations and paths. Snippets are copied as they are, and in one
    release after another something else could be made to break out of its place: then an author of Ingresses runs code
    in the controller, which may read every Secret of the cluster.

    Legitimate where only administrators write Ingresses, as for snippets that they looked at. Plain values of the
    annotations named by a CVE are no finding. It does not matter which controller is meant: nobody can tell.
    """
    if resource.identity.kind.kind != "Ingress":
        return
    for key, value in resource.identity.annotations.items():
        if key.startswith(_PREFIXES) and (problem := _problem(key, (value or "").strip())):
            yield Violation(("metadata", "annotations", key), problem)
    if isinstance(resource.body, Ingress):
        yield from _paths(resource.body)


def _problem(key: str, value: str) -> str | None:
    name = key.partition("/")[2]
    if name.endswith(_SNIPPETS):
        return "is copied into the configuration of nginx (CVE-2021-25742)" if value else None
    if found := _directive(value) or _secret_file(value):
        return f"has {found} in it (CVE-2021-25746)"
    if not key.startswith(_PREFIX):
        return None
    if cve := _WRITTEN_AS_THEY_ARE.get(name):
        unsafe = _UNSAFE_NAME if name == "auth-tls-match-cn" else _UNSAFE
        if match := unsafe.search(value):
            return f"has {shown(match[0][-1])!r} in it, which no {name} needs ({cve})"
    # Lists of addresses may be written on several lines; each is read by itself.
    if _BREAK.search(value) and not name.endswith("-source-range"):
        return "has several lines, each of which may be a directive (CVE-2024-7646)"
    return None


def _directive(value: str) -> str:
    if "_by_lua" in value:
        return "_by_lua"
    match = _DIRECTIVE.search(value)
    return match[0] if match and value.rfind(";") > match.start() else ""


def _secret_file(value: str) -> str:
    match = _SECRET_FILE.search(value)
    return match[0] if match else ""


def _paths(ingress: Ingress) -> Iterator[Violation]:
    for index, each in enumerate((ingress.spec.rules if ingress.spec is not None else None) or ()):
        paths = each.http.paths if each is not None and each.http is not None else None
        for position, item in enumerate(paths or ()):
            path = (item.path if item is not None else None) or ""
            at = ("spec", "rules", index, "http", "paths", position, "path")
            if _UNSAFE_PATH.search(path) or _directive(path):
                yield Violation(at, f"is {shown(path)}, which can end a directive of nginx (CVE-2026-24512)")
            elif _SECRET_FOLDERS.search(path):
                yield Violation(at, f"is {shown(path)}, which can be files of the controller (CVE-2021-25745)")

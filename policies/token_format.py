"""Formats by which a credential is known wherever it stands.

Each line is preceded by whose description it follows. All are bounded, none tries the same text twice, and they are
tried only where one of their fixed parts stands.
"""

import re
from enum import StrEnum


class Format(StrEnum):
    """Families of formats."""

    PRIVATE_KEY = "private key"
    TOKEN = "token"  # noqa: S105 - it says what is found
    HEADER = "header"
    ADDRESS = "address"


# What a search is worth for: a part that stands in the text, or that a long run of letters begins with.
_PARTS = (
    "PRIVATE KEY", "://", "earer ", "asic ", "AccountKey=", "AccessKey=", "sig=", "hooks.slack", '"auth"', ":AA", "8Q~",
    ".atlasv1.",
)  # fmt: skip
_BEGINNINGS = (
    "AGE-SECRET", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "gl", "xox", "xapp-",
    "sk_", "rk_", "AIza", "GOCSPX-", "ey", "npm_", "pypi-Ag", "SG.", "SK", "hvs.", "do", "dapi", "sk-", "hf_",
    "ATATT", "sq0", "shp",
    "NRAK-", "lin_api_", "PMAK-", "pul-", "rubygems_", "dckr_", "nvapi-", "LTAI",
)  # fmt: skip
_RUN = re.compile(r"[A-Za-z0-9_.-]{16,}")
# RFC 7468, and files that write fewer dashes. age: its format of identities.
_PRIVATE_KEY = re.compile(r"BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY|AGE-SECRET-KEY-1[A-Z0-9]{20}")
_TOKENS = (
    # AWS: IAM identifiers, unique ID prefixes
    r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    # GitHub: about authentication, token formats; GitLab: token overview, token prefixes
    r"gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{22,251}",
    r"gl(?:pat|ptt|rt|dt|cbt|agent|oas|ft|soat|ffct)-[A-Za-z0-9_-]{20,100}",
    # Slack: token types, incoming webhooks
    r"xox[abeprs]-[A-Za-z0-9-]{10,250}|xapp-[0-9]-[A-Za-z0-9-]{10,250}",
    r"hooks\.slack\.com/(?:services|workflows)/T[A-Za-z0-9_]{6,12}/[A-Za-z0-9_]{6,14}/[A-Za-z0-9]{8,40}",
    # Stripe: API keys; Google: API keys, OAuth client secrets
    r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,250}",
    r"(?:AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{28})(?![A-Za-z0-9_-])",
    # RFC 7519: two objects of JSON in base64url, and a signature; the first half of what HMAC and RSA tokens begin with
    r"ey[A-Za-z0-9_-]{15,2000}+\.ey[A-Za-z0-9_/-]{10,4000}+\.[A-Za-z0-9_/=-]{10,2000}",
    r"eyJhbGciO[A-Za-z0-9_-]{6,2000}",
    # npm: access tokens; PyPI: API tokens; RubyGems: API keys; Docker: access tokens
    r"npm_[A-Za-z0-9]{36}|pypi-AgE[A-Za-z0-9_-]{50,250}|rubygems_[a-f0-9]{48}|dckr_[po]at_[A-Za-z0-9_-]{20,60}",
    # Twilio and SendGrid: API keys
    r"SK[0-9a-f]{32}(?![A-Za-z0-9])|SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}",
    # Azure: connection strings of storage, service bus and event hubs; shared access signatures; client secrets
    r"(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{20,100}={0,2}|sig=[A-Za-z0-9%+/]{30,100}",
    r"[A-Za-z0-9_~.-]{3}8Q~[A-Za-z0-9_~.-]{31,34}",
    # HashiCorp: Vault tokens, HCP Terraform API tokens
    r"hvs\.[A-Za-z0-9_-]{24,250}|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40,80}",
    # DigitalOcean, Databricks, Pulumi, Grafana, New Relic: access tokens and API keys
    r"do[opr]_v1_[a-f0-9]{64}|dapi[a-f0-9]{32}(?![A-Za-z0-9])|pul-[a-f0-9]{40}",
    r"glsa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8}|glc_[A-Za-z0-9+/]{32,250}|NRAK-[A-Z0-9]{27}",
    # OpenAI, Anthropic, Hugging Face, NVIDIA: API keys
    r"sk-(?:proj-|ant-)?[A-Za-z0-9_-]{32,200}|hf_[A-Za-z]{30,40}|nvapi-[A-Za-z0-9_-]{40,80}",
    # Atlassian, Square, Shopify, Linear, Postman, Alibaba Cloud, Telegram: API tokens
    r"ATATT3[A-Za-z0-9_=-]{60,250}|sq0(?:atp|csp)-[A-Za-z0-9_-]{22,60}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
    r"lin_api_[A-Za-z0-9]{40}|PMAK-[a-f0-9]{24}-[a-f0-9]{20,40}",
    r"LTAI[A-Za-z0-9]{16,20}(?![A-Za-z0-9])|[0-9]{8,10}:AA[A-Za-z0-9_-]{32,35}",
    # Docker: the file config.json
    r"\"auth\"\s{0,5}:\s{0,5}\"[A-Za-z0-9+/]{8,500}={0,2}\"",
)
_TOKEN = re.compile(rf"(?<![A-Za-z0-9_-])(?:{'|'.join(_TOKENS)})")
# RFC 6750 and RFC 7617.
_HEADER = re.compile(
    r"(?i)bearer {1,5}[a-z0-9._~+/-]{16,2000}|authorization[\"']?: {0,5}[\"']?basic {1,5}[a-z0-9+/]{8,500}"
)
# RFC 3986: a password before the host; the host has not begun where a slash, a quote or a space stands.
_ADDRESS = re.compile(r"://[^\s:/@\"'<>]{0,100}:([^\s/@\"'<>]{1,200})@")
_NO_PASSWORD = re.compile(r"\$[({A-Za-z]|\{\{|%[({]|[xX]{3,}$|\*+$|(?:pass|password|pwd|PASSWORD)$")


def format_of(text: str) -> Format | None:
    """The first known format in a text, or None."""
    if not _is_worth_it(text):
        return None
    if _PRIVATE_KEY.search(text):
        return Format.PRIVATE_KEY
    for family, pattern in ((Format.TOKEN, _TOKEN), (Format.HEADER, _HEADER)):
        if any(_is_random(found[0]) for found in pattern.finditer(text)):
            return family
    if "@" in text and any(not _NO_PASSWORD.match(found[1]) for found in _ADDRESS.finditer(text)):
        return Format.ADDRESS
    return None


def _is_worth_it(text: str) -> bool:
    for part in _PARTS:
        if part in text:
            return True
    return any(run.startswith(_BEGINNINGS) for run in _RUN.findall(text))


def _is_random(text: str) -> bool:
    """Not crossed out, as in ghp_xxxx."""
    return len(set(text[-16:])) > 4

"""The JSON Schema of a GatePolicy, for editors: made of its types, and of the rules, profiles and options there are.

It refuses nothing that config.parse accepts. What parse alone refuses is a contradiction between fields, and an option
whose value only its rule can judge.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from policies import profile as profiles
from policies import registry
from policies.gatepolicy import GatePolicy
from policies.overrides import RISK
from policies.rule import Rule
from policies.standard import LATEST

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VERSION = r"^(latest|v1\.(0|[1-9][0-9]{0,5}))$"
_Schema = dict[str, Any]


def schema() -> _Schema:
    """The schema, as plain data."""
    found = msgspec.json.schema(GatePolicy)
    parts: dict[str, _Schema] = found["$defs"]
    parts["Action"] = parts.pop("RuleSetting")["properties"]["action"]
    parts["NoOptions"] = {"description": "This rule takes no options.", "type": "object", "maxProperties": 0}
    for name, rule in registry.by_name().items():
        parts[name] = _rule_setting(rule)
    parts["Rules"] = _rules(registry.by_name())
    parts["Profile"] = {"description": _profiles(), "enum": profiles.names()}
    parts["Version"] = {"type": "string", "pattern": _VERSION, "examples": ["latest", str(LATEST)]}
    for part in ("Spec", "NamespaceSetting"):
        fields = parts[part]["properties"]
        fields["rules"] = {**_about(fields["rules"]), "$ref": "#/$defs/Rules"}
        fields["profile"] = _instead(fields["profile"], "Profile")
        fields["pssVersion"] = _instead(fields["pssVersion"], "Version")
    for part in ("ClassifierSection", "ClassifierSetting"):
        for name in ("warnAt", "denyAt"):
            parts[part]["properties"][name]["anyOf"] = [
                {"type": "number", "minimum": 0, "maximum": 1},
                {"type": "null"},
            ]
    parts["Limits"]["properties"]["neverFor"]["items"] = {"enum": [*registry.by_name(), RISK]}
    parts["NamespaceSetting"]["oneOf"] = [
        {"required": ["names"], "properties": {"names": {"minItems": 1}}},
        {"required": ["selector"], "properties": {"selector": {"type": "object"}}},
    ]
    return {"$schema": _DIALECT, "title": "GatePolicy of Podgate", **found}


def _about(field: Mapping[str, Any]) -> _Schema:
    return {key: value for key, value in field.items() if key in ("description", "default")}


def _instead(field: Mapping[str, Any], part: str) -> _Schema:
    """A field whose text is one of a known set; null where it may be left out that way."""
    known = {"$ref": f"#/$defs/{part}"}
    return {**_about(field), **({"anyOf": [known, {"type": "null"}]} if "anyOf" in field else known)}


def _rules(known: Mapping[str, Rule]) -> _Schema:
    named = {name: {"$ref": f"#/$defs/{name}"} for name in sorted(known)}
    return {"type": "object", "properties": named, "additionalProperties": False}


def _rule_setting(rule: Rule) -> _Schema:
    """What may be said of one rule: an action, and the options that it has."""
    options: _Schema = {"$ref": "#/$defs/NoOptions"}
    if rule.options is not None:
        told = msgspec.json.schema(rule.options)["$defs"]
        options = told.pop(rule.options.__name__) | {"title": f"Options of {rule.id}"}
        if told:
            raise TypeError(f"the options of {rule.id} are more than plain values")
    return {
        "description": f"{rule.title}. {rule.remediation}",
        "type": "object",
        "properties": {"action": {"$ref": "#/$defs/Action"}, "options": options},
        "additionalProperties": False,
    }


def _profiles() -> str:
    told = (f"{name}: {profiles.load(name).title}" for name in profiles.names())
    return "; ".join(told) + "."

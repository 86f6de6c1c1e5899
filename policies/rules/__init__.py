"""The rules: <category>/<bad_thing>.py and <bad_thing>.yaml, found by policies.registry."""

"""Manifests: from paths to files, documents and objects, and from a field's path back to its line and column.

Everything is read as kubectl reads it, so that what is judged is what will run; where readers disagree (a key set
twice, a merge after the keys that it overrides) it is an error rather than a guess.
"""

from webhook.manifest.files import File, Unread, find, seek
from webhook.manifest.objects import Manifest, objects
from webhook.manifest.stream import Document, Flaw, read
from webhook.manifest.text import ManifestError, Place

__all__ = [
    "Document",
    "File",
    "Flaw",
    "Manifest",
    "ManifestError",
    "Place",
    "Unread",
    "find",
    "objects",
    "read",
    "seek",
]

"""Decision logs, read back: lines of any length and age, counted in bounded memory, told as tables."""

from webhook.recorded.entries import Entry, Flaw, read
from webhook.recorded.summary import Summary, Wanted

__all__ = ["Entry", "Flaw", "Summary", "Wanted", "read"]

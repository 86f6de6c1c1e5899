"""Which version of the API an object is written for."""

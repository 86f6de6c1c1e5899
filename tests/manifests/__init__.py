"""The installation, rendered and held against what it promises."""

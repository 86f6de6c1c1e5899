"""How workloads are run: how many, how they are spread, replaced and counted."""

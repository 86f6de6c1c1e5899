"""What a run is to be known by: the machine, and what a command says of itself."""

import os
import platform
import subprocess
from pathlib import Path


def machine() -> str:
    """Cores, processor and kernel."""
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    return f"{os.cpu_count()} cores, {cpu.partition(':')[2].strip()}, {platform.system()} {platform.release()}"


def said(*command: str) -> str:
    """What a command prints, or a question mark."""
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return ran.stdout.strip() if ran.returncode == 0 else "?"

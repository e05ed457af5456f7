"""What it was measured on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

import psutil


def describe() -> dict[str, str]:
    """Say what matters of this machine, in words."""
    model = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "cpu": f"{os.cpu_count()} cores of {model[1] if model else platform.machine()}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB of memory",
        "kernel": f"Linux {platform.release()}",
        "python": f"Python {platform.python_version()}",
        "nginx": _said_by("nginx", "-v"),
        "beanstalkd": _said_by("beanstalkd", "-v"),
        "load": f"Load before the run {os.getloadavg()[0]:.1f}",
    }


def _said_by(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return (done.stdout + done.stderr).strip().removeprefix("nginx version: ").replace("/", " ")

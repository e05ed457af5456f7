"""Describes the machine that a benchmark runs on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

import psutil


def describe() -> dict[str, str]:
    """Describe the hardware, the versions of the software, and the load before the run."""
    model = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "cpu": f"{os.cpu_count()} cores of {model[1] if model else platform.machine()}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB of memory",
        "kernel": f"Linux {platform.release()}",
        "python": f"Python {platform.python_version()}",
        "nginx": _version("nginx"),
        "beanstalkd": _version("beanstalkd"),
        "load": f"Load before the run {os.getloadavg()[0]:.1f}",
    }


def _version(program: str) -> str:
    process = subprocess.run([program, "-v"], capture_output=True, text=True, check=True)
    return (process.stdout + process.stderr).strip().removeprefix("nginx version: ").replace("/", " ")

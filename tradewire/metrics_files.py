"""The files that processes count in for `/metrics`: made, summed up, and merged once their processes have ended.

Each process counts in files of its own, in prometheus-client's format. It locks them for as long as it lives. The files
outlive it, so no total goes down when a process ends. But thousands of them would slow down every request for
`/metrics`, so the files of ended processes are merged into one.
"""

from __future__ import annotations

import fcntl
import math
import os
import re
import struct
import time
from collections import defaultdict
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from prometheus_client import Metric, values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

KINDS: Final = ("counter", "histogram")
"""A process has a file for each kind of metric."""

_FILE_BYTES: Final = 2**16
"""Several times the size that the metrics need."""
_INTEGER: Final = struct.Struct("i")
_VALUE: Final = struct.Struct("dd")
_FIRST_ENTRY: Final = 8
_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_locked: Final[list[int]] = []
"""The descriptors of this process's files. They keep the locks."""

Sums = dict[str, dict[str, float]]
"""Sums by kind of metric and by key. A key is prometheus-client's: names, labels and help text, as JSON."""


class Counts(NamedTuple):
    """What all processes have counted, those that have ended included."""

    sums: Sums
    damaged: Mapping[str, str]
    """The files that can't be read, and why. `sums` lacks them."""


class _Merged(msgspec.Struct):
    """The content of a file that stands for those of ended processes."""

    replaces: list[str]
    """The names of the files that it stands for. They are deleted once it exists."""
    sums: Sums


class _DamagedError(ValueError):
    """A file does not have the right form."""


def reserve(folder: Path) -> None:
    """Create this process's files with all of their disk space allocated, and let prometheus-client count in them.

    Raises:
        OSError: The files can't be made. prometheus-client counts as it did before.
    """
    identity = f"{os.getpid()}-{time.time_ns()}"
    created: list[int] = []
    try:
        for kind in KINDS:
            created.append(_create(folder / f"{kind}_{identity}.db"))  # noqa: PERF401 - those made before a fault count
    except OSError:
        for file in created:
            os.close(file)
        raise
    _locked.extend(created)
    values.ValueClass = values.MultiProcessValue(lambda: identity)  # type: ignore[no-untyped-call]


def _create(path: Path) -> int:
    """Create and lock a file. It gets its name once it is complete. Return its descriptor."""
    new = path.with_suffix(".new")
    file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.posix_fallocate(file, 0, _FILE_BYTES)
        fcntl.flock(file, fcntl.LOCK_EX)
        new.rename(path)
    except OSError:
        os.close(file)
        new.unlink(missing_ok=True)
        raise
    return file


def read(folder: Path) -> Counts:
    """Sum up what all processes have counted. Damaged files are left out."""
    while True:
        found = names(folder)
        counts = _read(folder, found)
        if names(folder) == found:  # otherwise a merge meanwhile may have moved counts from one file to another
            return counts


def merge_ended(folder: Path) -> None:
    """Merge the files of ended processes. It leaves damaged files alone, and does nothing while another merge runs.

    If the disk has no room, the files stay as they are until a later call. Nothing is counted twice or lost, even if
    this process is killed in between.
    """
    with suppress(OSError):
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _merge(folder, [name for name in names(folder) if _has_ended(folder / name)])
        finally:
            os.close(lock)


def _merge(folder: Path, names: Iterable[str]) -> None:
    sums, damaged = _read(folder, names)
    replaced = [name for name in names if name not in damaged]
    if not any(name.endswith(".db") for name in replaced):
        return
    path = folder / f"ended_{time.time_ns()}.json"
    new = path.with_suffix(".new")
    try:
        new.write_bytes(msgspec.json.encode(_Merged(replaced, sums)))
        new.rename(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    for name in replaced:
        (folder / name).unlink()


def families(sums: Sums) -> Iterator[Metric]:
    """Yield the metrics with these sums."""
    metrics: dict[str, Metric] = {}
    for kind, by_key in sums.items():
        for key, value in by_key.items():
            metric_name, name, labels, help_text = _parse(key)
            metric = metrics.setdefault(metric_name, Metric(metric_name, help_text, kind))
            metric.add_sample(name, labels, value)
    for metric in metrics.values():
        if metric.type == "histogram":
            _accumulate(metric)
    yield from metrics.values()


def _accumulate(metric: Metric) -> None:
    """Let each bucket of a histogram include the buckets below it, and add the count."""
    total: dict[tuple[tuple[str, str], ...], float] = defaultdict(float)
    samples, metric.samples = metric.samples, []
    for sample in sorted(samples, key=lambda sample: float(sample.labels.get("le", "-inf"))):
        if "le" in sample.labels:
            labels = tuple((name, value) for name, value in sample.labels.items() if name != "le")
            total[labels] += sample.value
            metric.add_sample(sample.name, sample.labels, total[labels])
        else:
            metric.add_sample(sample.name, sample.labels, sample.value)
    for labels, count in total.items():
        metric.add_sample(f"{metric.name}_count", dict(labels), count)


def names(folder: Path) -> list[str]:
    """Return the names of the files with counts."""
    with suppress(FileNotFoundError):
        return sorted(name for name in os.listdir(folder) if name.endswith((".db", ".json")))  # noqa: PTH208 - names
    return []


def _has_ended(path: Path) -> bool:
    """Return whether no running process counts in a file."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True


def _read(folder: Path, names: Iterable[str]) -> Counts:
    """Sum up files. Those that a merged file replaces are not counted again."""
    contents: dict[str, _Merged] = {}
    damaged: dict[str, str] = {}
    for name in names:
        try:
            contents[name] = _content(folder / name)
        except OSError as error:
            damaged[name] = error.strerror or str(error)
        except _DamagedError as error:
            damaged[name] = str(error)
    replaced = {name for content in contents.values() for name in content.replaces}
    sums: Sums = {kind: defaultdict(float) for kind in KINDS}
    for name, content in contents.items():
        if name not in replaced:
            for kind, by_key in content.sums.items():
                for key, value in by_key.items():
                    sums[kind][key] += value
    return Counts(sums, damaged)


def _content(path: Path) -> _Merged:
    """Read a file, of a process or merged. Raise OSError or _DamagedError."""
    data = path.read_bytes()
    kind = path.name.partition("_")[0]
    if kind in KINDS:
        return _Merged([], {kind: dict(_entries(data))})
    try:
        content = msgspec.json.decode(data, type=_Merged)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise _DamagedError("it holds no counts") from None
    for by_key in content.sums.values():
        for key in by_key:
            _parse(key)
    return content


def _entries(data: bytes) -> Iterator[tuple[str, float]]:
    """Yield the keys and values of a process's file.

    The format is that of prometheus_client.mmap_dict.MmapedDict, whose own functions trust the lengths in the file.
    """
    if len(data) < _FIRST_ENTRY:
        raise _DamagedError(f"it has only {len(data)} bytes")
    end, at = _INTEGER.unpack_from(data)[0], _FIRST_ENTRY
    if end and end < _FIRST_ENTRY:  # it is 0 in a file that no process has counted in yet
        raise _DamagedError("its length is torn")
    while at < end:
        length = _INTEGER.unpack_from(data, at)[0] if at + 4 <= len(data) else -1
        value_at = at + 4 + length + (8 - (length + 4) % 8)
        if length < 0 or value_at + _VALUE.size > min(end, len(data)):
            raise _DamagedError(f"the entry at byte {at} is torn")
        key = data[at + 4 : at + 4 + length].decode(errors="replace")
        _parse(key)
        value = _VALUE.unpack_from(data, value_at)[0]
        if not math.isfinite(value):
            raise _DamagedError(f"the entry at byte {at} is no number")
        yield key, value
        at = value_at + _VALUE.size


@lru_cache(maxsize=4096)  # all processes have the same keys
def _parse(key: str) -> tuple[str, str, dict[str, str], str]:
    """Return a key's metric name, sample name, labels and help text. Raise _DamagedError if it has another form."""
    try:
        parsed = msgspec.json.decode(key, type=tuple[str, str, dict[str, str], str])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise _DamagedError("a key is torn") from None
    if not _NAME.fullmatch(parsed[0]) or not _NAME.fullmatch(parsed[1]):
        raise _DamagedError("a key is torn")
    return parsed

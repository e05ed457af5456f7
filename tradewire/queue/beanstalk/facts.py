"""The few facts that matter in beanstalkd's statistics. Parsing all of them takes three times as long."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

if TYPE_CHECKING:
    from greenstalk import Stats, StatsJob

_LOG: Final = re.compile(rb'^(id|pid|draining|total-jobs|cmd-put|cmd-delete|binlog-[a-z-]+): "?([^"\n]+)', re.MULTILINE)
_TUBE: Final = re.compile(rb"^(current-jobs-ready|current-jobs-reserved|current-watching): (\d+)", re.MULTILINE)
_JOB: Final = re.compile(rb'^(tube|age): "?([^"\n]+)', re.MULTILINE)


class TubeFacts(NamedTuple):
    """What beanstalkd counts in a tube."""

    ready: int = 0
    reserved: int = 0
    watching: int = 0


def of_log(statistics: bytes) -> Stats:
    """Return the facts about the log, and those that tell whether it is written, in the answer to `stats`."""
    return cast("Stats", _parse(_LOG, statistics))


def of_tube(statistics: bytes) -> TubeFacts:
    """Return the facts in the answer to `stats-tube`."""
    facts = _parse(_TUBE, statistics)
    return TubeFacts(facts["current-jobs-ready"], facts["current-jobs-reserved"], facts["current-watching"])


def of_job(statistics: bytes) -> StatsJob:
    """Return the tube and the age in the answer to `stats-job`."""
    return cast("StatsJob", _parse(_JOB, statistics))


def _parse(pattern: re.Pattern[bytes], statistics: bytes) -> dict[str, Any]:
    found = pattern.findall(statistics)
    return {name.decode(): int(value) if value.isdigit() else value.decode() for name, value in found}

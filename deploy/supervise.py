"""Run one program of the stack, after ending the processes that its predecessor left.

    supervise.py RECORD COMMAND…          end what RECORD's program left, record this process, then become COMMAND
    supervise.py --left RECORD…           print the ids of the processes that are left
    supervise.py --end SECONDS RECORD…    end them: TERM first, KILL after SECONDS; then delete the records

It works in TRADEWIRE_HOME, and records are files below it. supervisord makes each command the leader of a process
group. A record identifies that leader by this boot's id, its process id, and its start time. A process is ours if it
is in that group, started no earlier than the leader, and has TRADEWIRE_HOME as its working folder. No other process is
ever touched, whatever its id.

Run it with `python -IS`, which skips site-packages and the environment. It imports little, not even pathlib or typing.
A start takes 11 ms longer than with a shell script in its place (15 ms of CPU instead of 4). With those imports it
would be 20 ms. The programs themselves take 200 ms and more. It uses no memory afterwards, since it replaces itself
with the command.
"""

from __future__ import annotations

import os
import signal
import sys
import time

PREDECESSOR_SECONDS = 5.0
"""How long a program's predecessor may take to end."""
KILLED_SECONDS = 5.0
"""How long a process may take to end after KILL."""
POLL_SECONDS = 0.1


def main(arguments: list[str]) -> int:
    """Do what the first argument says."""
    match arguments:
        case ["--left", *records]:
            sys.stdout.writelines(f"{pid}\n" for pid in left(records))
            return 0
        case ["--end", seconds, *records]:
            return 0 if end(records, float(seconds)) else 1
        case [record, *command]:
            if end([record], PREDECESSOR_SECONDS):
                become(record, command)
    return 1


def left(records: list[str]) -> list[int]:
    """Return the ids of the processes that the records' programs have left."""
    return [pid for record in records for pid in _left(record)]


def end(records: list[str], seconds: float) -> bool:
    """End these processes, and delete the records. False if a process can't be ended."""
    ids = left(records)
    if ids:
        _tell(f"ending {_words(ids)} ({_words(records)})")
        _send(signal.SIGTERM, ids)
        _send(signal.SIGCONT, ids)  # a process that was stopped (SIGSTOP) acts on TERM only then
    kill_at = time.monotonic() + seconds
    while ids and time.monotonic() < kill_at + KILLED_SECONDS:
        if time.monotonic() >= kill_at:
            _send(signal.SIGKILL, ids)
        time.sleep(POLL_SECONDS)
        ids = left(records)
    if ids:
        _tell(f"can't end {_words(ids)}, even with KILL; find out why with: ps -o pid,stat,wchan,args {_words(ids)}")
        return False
    for record in records:
        if os.path.lexists(record):
            os.unlink(record)
    return True


def become(record: str, command: list[str]) -> None:
    """Record this process as the leader of its group, and replace it with the command."""
    try:
        with open(record, "w") as file:
            file.write(f"{_boot()} {os.getpid()} {_Stat(os.getpid()).started}\n")
    except OSError as error:
        # A full disk must not keep a program from starting. Without a record, the process is only harder to find later.
        _tell(f"can't write {record}: {error.strerror}; if supervisord is killed, end process {os.getpid()} by hand")
    # The command gets SIGTERM when supervisord dies, even by kill -9. It can never gain privileges.
    os.execvp("setpriv", ["setpriv", "--pdeathsig", "TERM", "--no-new-privs", "--", *command])


class _Stat:
    """What /proc/PID/stat says of a process. OSError if there is no such process."""

    def __init__(self, pid: int) -> None:
        with open(f"/proc/{pid}/stat", errors="replace") as file:
            # The name may contain spaces and brackets. After its closing bracket come plain fields: proc(5), 3rd on.
            fields = file.read().rpartition(")")[2].split()
        self.group = int(fields[2])
        self.started = int(fields[19])
        """In clock ticks since boot."""


def _boot() -> str:
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def _left(record: str) -> list[int]:
    try:
        with open(record) as file:
            boot, pid, ticks = file.read().split()
        leader, began = int(pid), int(ticks)
    except (OSError, ValueError):  # no record, or an incomplete one from when the disk was full
        return []
    if boot != _boot() or _is_reused(leader, began):
        return []
    return [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if _is_ours(pid, leader, began)]


def _is_reused(leader: int, began: int) -> bool:
    """Return True if the leader's id belongs to a later process.

    Linux gives a group's id to no new process while the group has members, so the whole group is gone then.
    """
    try:
        return _Stat(leader).started != began
    except OSError:
        return False


def _is_ours(pid: int, leader: int, began: int) -> bool:
    try:
        stat = _Stat(pid)
        is_ours = stat.group == leader and stat.started >= began
        return is_ours and os.path.samefile(f"/proc/{pid}/cwd", ".")
    except OSError:  # it has ended, even if its parent does not know yet, or belongs to another user
        return False


def _send(number: int, ids: list[int]) -> None:
    for pid in ids:
        try:
            os.kill(pid, number)
        except OSError:  # it has ended meanwhile, or this user may not end it: then it is still left
            continue


def _tell(text: str) -> None:
    sys.stderr.write(f"supervise: {text}\n")
    sys.stderr.flush()


def _words(values: list[int] | list[str]) -> str:
    return " ".join(map(str, values))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except OSError as error:
        _tell(str(error))
        sys.exit(1)

"""Runs one program and prints its wall clock and CPU seconds, and its peak memory, as JSON.

Usage: measure.py LOG LIMIT PROGRAM [ARGUMENT...]. Output of the program goes to the file LOG; after LIMIT seconds it is
killed. Node.js does not tell what a child process used: wait4(2) does. Its peak memory is never below that of this
process (about 9 MB), which exec(2) hands on.
"""

import json
import os
import signal
import sys
import time

log, limit, *command = sys.argv[1:]
actions = [
    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
    (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
    (os.POSIX_SPAWN_DUP2, 1, 2),
]
start = time.monotonic()
pid = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
signal.alarm(int(limit))
_, status, usage = os.wait4(pid, 0)
wall = time.monotonic() - start
# Linux counts kibibytes, macOS bytes.
unit = 1 if sys.platform == "darwin" else 1024
json.dump(
    {
        "exitCode": os.waitstatus_to_exitcode(status),
        "wallSeconds": wall,
        "cpuSeconds": usage.ru_utime + usage.ru_stime,
        "peakBytes": usage.ru_maxrss * unit,
    },
    sys.stdout,
)

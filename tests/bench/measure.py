# SPDX-License-Identifier: Apache-2.0
"""One run of a command: how long, how much CPU, how much memory."""

import ctypes
import os
import resource
import subprocess
import time

PR_SET_CHILD_SUBREAPER = 36
SAMPLE_S = 0.005


class Failed(Exception):
    pass


def adopt_orphans():
    """CPU of whoever outlives its parent is counted too, when it is waited for here."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def used():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def reap_all():
    try:
        while os.waitpid(-1, 0):
            pass
    except ChildProcessError:
        pass


def start(command):
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)


def finish(process, command):
    said, _ = process.communicate()
    if process.returncode != 0:
        raise Failed(f"exit status {process.returncode}: {' '.join(command)}")
    return said


def timed(command):
    """Runs it; seconds of wall and of CPU, all processes together. What it says of itself counts more."""
    before, began = used(), time.perf_counter()
    said = finish(start(command), command)
    wall = time.perf_counter() - began
    reap_all()
    own = said.split()
    if len(own) == 3 and own[0] == b"measured":
        return {"wall": float(own[1]), "cpu": float(own[2])}
    return {"wall": wall, "cpu": used() - before}


def descendants(pid):
    found = [pid]
    for parent in found:
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children") as listed:
                    found += [int(child) for child in listed.read().split()]
        except OSError:
            pass  # it has ended
    return found


def resident(pid):
    """Bytes, with its share of the pages that several have."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as rollup:
            return sum(int(line.split()[1]) << 10 for line in rollup if line.startswith("Pss:"))
    except OSError:
        return 0


def peak_memory(command):
    """Another run, not timed, for looking on costs time: the most that all had at a moment."""
    process, peak = start(command), 0
    while process.poll() is None:
        peak = max(peak, sum(resident(pid) for pid in descendants(process.pid)))
        time.sleep(SAMPLE_S)
    finish(process, command)
    reap_all()
    return peak

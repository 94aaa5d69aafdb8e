# SPDX-License-Identifier: Apache-2.0
"""Runs one child as containers/storage does: arguments, descriptors and environment."""

import ctypes
import fcntl
import os
import re
import resource
import select
import signal
import tempfile
import threading
import time
from dataclasses import dataclass, field

import tree

TIMEOUT = 20
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_NOATIME, MS_REC, MS_PRIVATE = 1024, 16384, 1 << 18
PR_CAPBSET_DROP = 24
CAPABILITIES = {"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "SYS_CHROOT": 18, "SYS_ADMIN": 21,
                "MKNOD": 27}


def call(name, *arguments):
    if getattr(LIBC, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


@dataclass
class Result:
    exit: str
    text: str           # what was said on standard error, without lines of the log
    stdout: bytes
    log: str            # the lines of the log, for the reader of a report
    drained: bool       # was the input read to its end?
    tree: dict = field(default_factory=dict)
    outside: list = field(default_factory=list) # what is different beside the root

    @property
    def succeeded(self):
        return self.exit == "0"


# --- a scratch space of one's own ---

def enter_scratch(scratch, megabytes=96):
    """Mounts over the directory. A private mount namespace with a small file system: a runaway child fills this one alone.

    noatime: looking at a tree must not change it.
    """
    call("unshare", CLONE_NEWNS)
    call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    call("mount", b"tmpfs", os.fsencode(scratch), b"tmpfs", MS_NOATIME,
         b"mode=0755,size=%dm,nr_inodes=100000" % megabytes)


def why_not_here(scratch):
    """What the file system cannot hold, or None."""
    probe = os.path.join(scratch, "probe")
    try:
        open(probe, "w").close()
        for name in ("user.probe", "trusted.probe", "security.probe"):
            os.setxattr(probe, name, b"1")
        os.mknod(probe + "-device", 0o020600, os.makedev(1, 3))
        os.unlink(probe + "-device")
    except OSError as error:
        return f"the scratch file system takes no devices or xattrs: {error}"
    finally:
        os.unlink(probe)
    return None


# --- feeding and reading pipes ---

class Feeder(threading.Thread):
    """Writes data to a pipe, and keeps a reading end, to count afterwards what nobody read."""

    def __init__(self, data, slow=False):
        super().__init__(daemon=True)
        self.reading, self.writing = high_pipe()
        self.data, self.slow = data, slow
        self.start()

    def run(self):
        try:
            if self.slow:
                for byte in range(len(self.data)):
                    os.write(self.writing, self.data[byte:byte + 1])
                    if byte % 64 == 0:
                        time.sleep(0.001)
            else:
                view = memoryview(self.data)
                while view:
                    view = view[os.write(self.writing, view):]
        finally:
            os.close(self.writing)

    def unread(self):
        """How many bytes the child left. It must be gone."""
        left = 0
        while chunk := os.read(self.reading, 1 << 16):
            left += len(chunk)
        self.join()
        os.close(self.reading)
        return left


class Collector(threading.Thread):
    """Reads a pipe to its end."""

    def __init__(self):
        super().__init__(daemon=True)
        self.reading, self.writing = high_pipe()
        self.collected = b""

    def run(self):
        chunks = []
        while chunk := os.read(self.reading, 1 << 16):
            chunks.append(chunk)
        self.collected = b"".join(chunks)
        os.close(self.reading)


def high_pipe():
    """A pipe whose ends are in nobody's way when 0 to 4 are given their meaning."""
    ends = []
    for end in os.pipe():
        ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20))
        os.close(end)
    return ends


# --- the child ---

@dataclass
class Command:
    executable: str
    argv: list
    environment: dict
    descriptors: dict           # number in the child: number here
    umask: int = 0o022
    directory: str = "/"
    uid: int = 0
    without: tuple = ()         # capabilities that it does not get
    user_namespace: int = 0     # with as many ids, when not 0
    file_size: int = 0          # the limit for files that it writes, when not 0


def spawn(command):
    """Starts it in a process group of its own. Returns its process id."""
    if command.uid or command.without or command.user_namespace or command.file_size:
        return spawn_by_fork(command)
    # posix_spawn copies no page tables: much quicker, for this process holds all the archives.
    before = os.umask(command.umask), os.getcwd()
    os.chdir(command.directory)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, source, n) for n, source in command.descriptors.items()]
        return os.posix_spawn(command.executable, command.argv, command.environment,
                              file_actions=actions, setpgroup=0)
    finally:
        os.umask(before[0])
        os.chdir(before[1])


def spawn_by_fork(command):
    asking, answered = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            become(command, asking[1], answered[0])
        except BaseException as error:
            os.write(2, f"cannot start the child: {error}".encode())
        os._exit(126)
    os.close(asking[1])
    os.close(answered[0])
    try:
        if command.user_namespace and os.read(asking[0], 1):
            for ids in ("uid_map", "gid_map"):
                with open(f"/proc/{pid}/{ids}", "w") as out:
                    out.write(f"0 0 {command.user_namespace}")
            os.write(answered[1], b"!")
    finally:
        os.close(asking[0])
        os.close(answered[1])
    return pid


def become(command, ask, answer):
    os.setpgid(0, 0)
    for number, source in command.descriptors.items():
        os.dup2(source, number, inheritable=True)
    os.chdir(command.directory)
    os.umask(command.umask)
    if command.file_size:
        resource.setrlimit(resource.RLIMIT_FSIZE, (command.file_size, command.file_size))
    if command.user_namespace:
        call("unshare", CLONE_NEWUSER)
        os.write(ask, b"?")
        os.read(answer, 1)
    for capability in command.without:
        call("prctl", PR_CAPBSET_DROP, CAPABILITIES[capability], 0, 0, 0)
    if command.uid:
        os.setgroups([])
        os.setresgid(command.uid, command.uid, command.uid)
        os.setresuid(command.uid, command.uid, command.uid)
    os.execve(command.executable, command.argv, command.environment)


def wait(pid, timeout):
    """Its exit status in a word: a number, "signal N" or "hang"."""
    hung = False
    descriptor = os.pidfd_open(pid)
    if not select.select([descriptor], [], [], timeout)[0]:
        hung = True
        os.killpg(pid, signal.SIGKILL)
    os.close(descriptor)
    status = os.waitpid(pid, 0)[1]
    try:
        os.killpg(pid, signal.SIGKILL) # nothing that it started may outlive it
    except ProcessLookupError:
        pass
    if hung:
        return "hang"
    code = os.waitstatus_to_exitcode(status)
    return str(code) if code >= 0 else f"signal {-code}"


LOG_LINE = re.compile(r'^time="[^\n]*" level=[^\n]*\n', re.M)
RANDOM_NAMES = re.compile(r"(\.pivot_root|temp-storage-extract|storageplnk)[0-9]+")


def said(raw):
    """(text, log): logrus lines apart from the rest, and random parts of names blanked."""
    text = raw.decode("utf-8", "backslashreplace")
    log = "".join(LOG_LINE.findall(text))
    return RANDOM_NAMES.sub(r"\1N", LOG_LINE.sub("", text)), log


def run_child(command, *, stdin, slow=False, stdin_as_file=False, options=None, one_pipe=False,
              timeout=TIMEOUT):
    """stdin: the bytes it reads; options: those of descriptor 3, or None when that is not open."""
    opened = []
    feeders = []
    if stdin_as_file:
        spool = tempfile.TemporaryFile()
        spool.write(stdin)
        spool.seek(0)
        command.descriptors[0] = spool.fileno()
    else:
        feeders.append(Feeder(stdin, slow))
        command.descriptors[0] = feeders[0].reading
    if options is not None:
        feeders.append(Feeder(options))
        command.descriptors[3] = feeders[-1].reading
    errors = Collector()
    output = errors if one_pipe else Collector()
    command.descriptors[1], command.descriptors[2] = output.writing, errors.writing
    pid = spawn(command)
    for collector in {output, errors}:
        os.close(collector.writing)
        collector.start()
    status = wait(pid, timeout)
    for collector in {output, errors}:
        collector.join()
    unread = [feeder.unread() for feeder in feeders]
    if stdin_as_file:
        at = os.lseek(spool.fileno(), 0, os.SEEK_CUR)
        drained = at >= len(stdin)
        spool.close()
    else:
        drained = unread[0] == 0
    text, log = said(errors.collected)
    return Result(status, text, b"" if one_pipe else output.collected, log, drained)

# SPDX-License-Identifier: Apache-2.0
"""Runs one case with both children, and says in which fields the outcomes differ."""

import os
import shutil
import time
from dataclasses import dataclass, field

import oracle
import tarstream
import tree
from case import Case
from tree import readable

# What lies beside every root; nobody may touch it.
CANARY = [
    tree.directory("outside", 0o711, uid=12, gid=34),
    tree.file("outside/secret", b"not yours\n", 0o640, uid=12, gid=34),
    tree.symlink("outside/link", "secret"),
    tree.directory("root-evil", 0o750),
    tree.file("root-evil/file", b"beside the root\n"),
]


HANG = 2 # seconds, where the oracle is known to hang


@dataclass
class Difference:
    field: str
    theirs: str
    ours: str
    soft: bool = False  # of a tree that a failed run left behind


@dataclass
class Outcome:
    name: str
    danger: str
    differences: list
    seconds: float
    theirs: str = ""    # their exit and text, to show with what differs
    ours: str = ""
    tree: dict = field(default_factory=dict)    # what the oracle made
    accepted: str | None = None # by ours alone: what the oracle said
    refused: str | None = None  # by ours, whatever the oracle did: what ours said


# --- running ---

class World:
    """A directory that is made anew for each run: the root, and canaries beside it."""

    def __init__(self, scratch, keep=None):
        self.path = os.fsencode(scratch) + b"/world"
        self.keep = keep

    def make(self, case):
        tree.remove(self.path)
        tree.build(self.path, [*CANARY, *case.beside, tree.directory("root")])
        tree.build(self.path + b"/root", case.before)

    def look(self, started, ended):
        """The tree of the root."""
        entries = tree.snapshot(self.path + b"/root", started, ended)
        if entries:
            tree.settle_root(entries["/"])
        return entries

    def look_outside(self):
        """What is beside the root; with its true times, which nobody may have changed."""
        return {readable(name) + path: fields for name in sorted(os.listdir(self.path))
                if name != b"root"
                for path, fields in tree.snapshot(self.path + b"/" + name, 0, 0).items()}

    def save(self, name):
        if self.keep:
            target = os.path.join(self.keep, name)
            tree.remove(target)
            shutil.copytree(self.path, os.fsencode(target), symlinks=True,
                            copy_function=copy_plain)


def copy_plain(source, target, **_):
    """For --keep: what is not a file or link is only listed."""
    if os.path.isfile(source) or os.path.islink(source):
        shutil.copy2(source, target, follow_symlinks=False)


def base_command(case, executable, world, argv):
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/", **case.environment}
    directory = os.path.join(os.fsdecode(world.path), case.directory)
    return oracle.Command(executable, argv, environment, {}, umask=case.umask, uid=case.uid,
                          directory=directory, without=case.without,
                          user_namespace=case.user_namespace, file_size=case.file_size)


def run(case, executable, world, form="path", stdin=None, timeout=oracle.TIMEOUT):
    """One run of one child in a new world. form: of the root, "path" or "descriptor"."""
    world.make(case)
    outside = world.look_outside()
    root = os.path.join(os.fsdecode(world.path), case.root)
    started = time.time_ns() - 20_000_000 # the kernel's clock ticks more coarsely than ours
    root_descriptor = None
    stdin = case.archive if stdin is None else stdin
    if case.suite == "untar":
        argv = ["storage-untar", case.place, root]
        if form == "descriptor":
            argv[2] = "/proc/self/fd/4"
            root_descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    elif case.suite == "layer":
        argv = ["storage-applyLayer", root]
    else:
        argv = ["storage-tar", case.place, root]
    if case.arguments is not None:
        argv = [a.replace("ROOT", root) for a in case.arguments]
    command = base_command(case, executable, world, argv)
    how = {"slow": case.slow, "stdin_as_file": case.stdin_as_file, "timeout": timeout}
    if case.suite == "untar":
        if root_descriptor is not None:
            command.descriptors[4] = root_descriptor
        result = oracle.run_child(command, stdin=stdin, options=case.options_document,
                                  one_pipe=True, **how)
    elif case.suite == "layer":
        if case.options is not None:
            command.environment["OPT"] = case.options_document.rstrip(b"\n")
        result = oracle.run_child(command, stdin=stdin, **how)
    else:
        result = oracle.run_child(command, stdin=case.options_document, timeout=timeout)
    if root_descriptor is not None:
        os.close(root_descriptor)
    result.tree = world.look(started, time.time_ns())
    result.outside = compare_trees("outside", outside, world.look_outside())
    return result


# --- comparing ---

def compare_runs(case, theirs, ours):
    differences = []

    def differ(name, a, b, soft=False):
        if a != b:
            differences.append(Difference(name, str(a), str(b), soft))

    if theirs.exit == "hang": # then not to hang is all that is asked for
        return [Difference("exit", "hang", "hang")] if ours.exit == "hang" else []
    differ("exit", theirs.exit, ours.exit)
    if case.any_text:
        differ("has text", bool(theirs.text), bool(ours.text))
    else:
        differ("text", theirs.text, without_reason(ours.text, theirs.text))
    if case.suite != "tar":
        differ("stdout", theirs.stdout.decode("latin-1"), ours.stdout.decode("latin-1"))
    # How far storage-tar reads what follows its options is of no matter to anybody.
    if case.drain_matters or (theirs.succeeded and ours.succeeded and case.suite != "tar"):
        differ("drained", theirs.drained, ours.drained)
    if case.tree_matters:
        soft = not (theirs.succeeded and ours.succeeded)
        differences += compare_trees("tree", theirs.tree, ours.tree, soft)
    return differences


def without_reason(text, plain):
    """oakum adds in parentheses which entry it was and why; that is no difference."""
    return plain if text.startswith(plain + " (") and text.endswith(")") else text


def compare_trees(name, theirs, ours, soft=False):
    differences = []
    for path in sorted(theirs.keys() | ours.keys()):
        a, b = theirs.get(path), ours.get(path)
        if a is None or b is None:
            differences.append(Difference(f"{name} {path}", a["type"] if a else "-",
                                          b["type"] if b else "-", soft))
            continue
        for field_name in sorted(a.keys() | b.keys()):
            if a.get(field_name) != b.get(field_name):
                differences.append(Difference(f"{name} {path} {field_name}",
                                              a.get(field_name, "-"), b.get(field_name, "-"), soft))
    return differences


def compare(case, theirs_path, ours_path, world, same_program):
    began = time.monotonic()
    if case.oracle_hangs and same_program:
        return Outcome(case.name, case.danger, [], 0)
    theirs = run(case, theirs_path, world, timeout=HANG if case.oracle_hangs else oracle.TIMEOUT)
    world.save(case.name.replace("/", "_") + ".theirs")
    ours = run(case, ours_path, world)
    world.save(case.name.replace("/", "_") + ".ours")
    differences = compare_runs(case, theirs, ours)
    differences += ours.outside # that must be nothing, whatever the case does
    if case.suite == "untar" and case.descriptor_form and not same_program:
        by_descriptor = run(case, ours_path, world, form="descriptor")
        for difference in [*compare_runs(case, ours, by_descriptor), *by_descriptor.outside]:
            difference.field = "by descriptor: " + difference.field
            differences.append(difference)
    if case.suite == "tar":
        differences += compare_streams(case, theirs, ours, theirs_path, ours_path, world)
    return Outcome(case.name, case.danger, differences, time.monotonic() - began,
                   show(theirs), show(ours), theirs.tree,
                   accepted=theirs.text if ours.succeeded and not theirs.succeeded else None,
                   refused=None if ours.succeeded else ours.text)


def compare_streams(case, theirs, ours, theirs_path, ours_path, world):
    """Of storage-tar: the streams field by field, and what both children unpack from both."""
    differences = []
    try:
        a, b = tarstream.normalised(theirs.stdout), tarstream.normalised(ours.stdout)
    except tarstream.Malformed as error:
        return [Difference("stream", f"{len(theirs.stdout)} bytes",
                           f"{len(ours.stdout)} bytes: {error}")]
    differences += compare_trees("stream", a, b)
    if [*a] != [*b] and not differences:
        differences.append(Difference("stream order", " ".join(a), " ".join(b)))
    unpack = Case("untar/" + case.name)
    of_theirs, of_ours = (tarstream.decompressed(r.stdout) for r in (theirs, ours))
    reference = run(unpack, theirs_path, world, stdin=of_theirs)
    ways = [("theirs by ours", of_theirs, ours_path)]
    if of_ours != of_theirs:
        ways += [("ours by theirs", of_ours, theirs_path), ("ours by ours", of_ours, ours_path)]
    for name, stream, program in ways:
        result = run(unpack, program, world, stdin=stream)
        for difference in compare_runs(unpack, reference, result):
            difference.field = f"unpacked {name}: {difference.field}"
            differences.append(difference)
    return differences


def show(result):
    log = result.log and f", log {result.log!r}"
    return f"exit {result.exit}, text {result.text!r}{log}"

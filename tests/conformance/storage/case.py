# SPDX-License-Identifier: Apache-2.0
"""What a case is, and the documents of options that children are given."""

import json
from dataclasses import dataclass, field

import tarmaker

# Section 2.1: the zero value, in the order of the Go structure.
DEFAULT_OPTIONS = {
    "IncludeFiles": None, "ExcludePatterns": None, "Compression": 0, "NoLchown": False,
    "UIDMaps": None, "GIDMaps": None, "IgnoreChownErrors": False, "ChownOpts": None,
    "IncludeSourceDir": False, "WhiteoutFormat": 0, "WhiteoutData": None,
    "NoOverwriteDirNonDir": False, "RebaseNames": None, "InUserNS": False, "CopyPass": False,
    "ForceMask": None, "Timestamp": None,
}

# Go's os.FileMode is not st_mode: the bits above the nine lie elsewhere.
SETUID, SETGID, STICKY = 1 << 23, 1 << 22, 1 << 20


def document(**overrides):
    """The options as the parent writes them, with some fields set."""
    unknown = overrides.keys() - DEFAULT_OPTIONS.keys()
    assert not unknown, unknown
    return json.dumps({**DEFAULT_OPTIONS, **overrides}, separators=(",", ":")).encode() + b"\n"


def id_map(*rows):
    """rows: (container id, host id, how many)"""
    return [{"container_id": c, "host_id": h, "size": s} for c, h, s in rows]


@dataclass
class Case:
    name: str                       # SUITE/SECTION/what-it-shows
    archive: object = b""           # what is on standard input: bytes, or what makes them
    options: object = b""           # fields to override, or the document itself
    before: list = field(default_factory=list)  # nodes of tree.py, below the root
    beside: list = field(default_factory=list)  # more of them, beside the root
    place: str = "/"                # where to unpack, or what to pack; inside the root
    root: str = "root"              # the root that the child is told, in the world directory
    arguments: list = None          # all the arguments, where they are not the usual ones
    environment: dict = field(default_factory=dict)
    umask: int = 0o022
    directory: str = "/"            # the working directory; relative: in the world
    uid: int = 0
    without: tuple = ()
    user_namespace: int = 0
    file_size: int = 0
    slow: bool = False              # the input comes byte by byte
    stdin_as_file: bool = False
    descriptor_form: bool = True    # try "/proc/self/fd/4" too; only where the root can be opened
    drain_matters: bool = False     # compare what is left of the input even after a failure
    any_text: bool = False          # some text is wanted on failure, whatever it says
    danger: str = ""                # what a safe child does, where following the oracle is a risk
    oracle_hangs: bool = False      # so do not wait for it; ours must not
    prepare: object = None          # called once, before any case runs
    tree_matters: bool = True       # compare the trees

    @property
    def suite(self):
        return self.name.split("/")[0]

    @property
    def options_document(self):
        if isinstance(self.options, bytes):
            return self.options or document()
        return document(**self.options)


class Cases(list):
    """Collects the cases of one suite: untar = Cases("untar"); untar("3.2/a-name", archive)."""

    def __init__(self, suite):
        super().__init__()
        self.suite = suite

    def __call__(self, name, *parts, end=tarmaker.END, archive=None, before=(), options=b"", **more):
        """parts: of the archive, which is ended properly unless end says otherwise; archive: all of
        it, in their place."""
        self.append(Case(f"{self.suite}/{name}", archive or tarmaker.archive(*parts, end=end),
                         options, list(before), **more))

# SPDX-License-Identifier: Apache-2.0
"""Unpacks layers with oakum and its peers, in turn, and compares."""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile

import corpora
import measure
import places
import reach
import tools


def options():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("corpus", nargs="*", help="default: all but smoke: " + " ".join(corpora.CORPORA))
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--cache", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--runs", type=int, default=7, help="of each tool, in turn with the others")
    parser.add_argument("--formats", type=lambda text: text.split(","), help="of these only, as gzip,zstd")
    parser.add_argument("--places", type=lambda text: text.split(","), help="on these only, as ext4,tmpfs")
    parser.add_argument("--tools", type=lambda text: text.split(","), help="these only")
    parser.add_argument("--no-memory", action="store_true", help="leave out the run that looks at memory")
    parser.add_argument("--json", help="write the figures there too")
    given = parser.parse_args()
    given.build, given.cache = os.path.abspath(given.build), os.path.abspath(given.cache)
    for name in given.corpus:
        if name not in corpora.CORPORA:
            parser.error(f"no such corpus: {name}")
    given.corpus = given.corpus or [name for name in corpora.CORPORA if name != "smoke"]
    return given


def contenders(given, corpus, form):
    known = tools.tools(given.cache)
    if corpus == "empty":
        known = tools.startups(given.cache)
    return [tool for tool in known if form in tool.formats and tool.is_here() and
            (given.tools is None or tool.name in given.tools)]


def in_place(given, work, run, layer, group, tool):
    """One run of a tool on a place of its own."""
    size = corpora.CORPORA[group["corpus"]][3]
    with places.PLACES[group["place"]](work, size) as rootfs:
        return run(tool.command(layer, rootfs, {
            "build": given.build, "skopeo": "/usr/bin/skopeo", "options": os.path.join(work, "options"),
            "plain": corpora.layer(given.cache, group["corpus"], "tar")}))


def summary(runs, peak):
    return {
        "wall": statistics.median(run["wall"] for run in runs),
        "cpu": statistics.median(run["cpu"] for run in runs),
        "wall_least": min(run["wall"] for run in runs),
        "wall_most": max(run["wall"] for run in runs),
        "peak_bytes": peak,
        "runs": runs,
    }


def measure_group(given, work, layer, group):
    taking_part = contenders(given, group["corpus"], group["format"])
    runs = {tool.name: [] for tool in taking_part}
    peaks = {}
    for number in range(given.runs):
        print(f"{group['corpus']} {group['format']} {group['place']}: run {number + 1} of {given.runs}",
              end="\r", file=sys.stderr)
        for tool in list(taking_part):
            try:
                runs[tool.name].append(in_place(given, work, measure.timed, layer, group, tool))
            except measure.Failed as why:
                print(f"{tool.name} is left out: {why}", file=sys.stderr)
                taking_part.remove(tool)
                del runs[tool.name]
    for tool in taking_part:
        if not given.no_memory and not tool.name.startswith("floor-"):
            peaks[tool.name] = in_place(given, work, measure.peak_memory, layer, group, tool)
    group["tools"] = {name: summary(runs[name], peaks.get(name)) for name in runs}


def print_group(group, cores):
    floor = reach.floor_of(group, cores)
    own = group["tools"].get("oakum") or next(iter(group["tools"].values()))
    print(f"\n{group['corpus']}, {group['format']}, {group['place']}"
          f" ({group['layer_bytes'] / 1e6:.1f} MB)" + (f"; floor {floor:.3f} s" if floor else ""))
    print(f"  {'':20}{'wall s':>9}{'least':>9}{'most':>9}{'CPU s':>9}{'peak MiB':>10}"
          f"{'oakum/it':>10}{'CPU':>7}")
    for name, tool in group["tools"].items():
        peak = f"{tool['peak_bytes'] / (1 << 20):.1f}" if tool["peak_bytes"] else "-"
        print(f"  {name:20}{tool['wall']:9.4f}{tool['wall_least']:9.4f}{tool['wall_most']:9.4f}"
              f"{tool['cpu']:9.4f}{peak:>10}{own['wall'] / tool['wall']:10.2f}"
              f"{own['cpu'] / max(tool['cpu'], 1e-9):7.2f}")


def print_reach(groups, cores):
    print(f"\n{'':66}{'at most':>8}{'reached':>9}")
    for label, most, value in reach.reached(groups, cores):
        print(f"{label:66}{most:8.2f}{value:9.2f}{'' if value <= most else '  not yet'}")


def machine():
    with open("/proc/cpuinfo") as lines:
        names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {"cpu": names[0] if names else platform.machine(), "cores": len(os.sched_getaffinity(0)),
            "kernel": platform.release(), "load": os.getloadavg()}


def warm(path):
    with open(path, "rb") as layer:
        while layer.read(1 << 20):
            pass


def wanted_groups(given):
    for corpus in given.corpus:
        _, forms, kinds, _ = corpora.CORPORA[corpus]
        for form in given.formats or forms:
            for place in kinds if given.places is None else given.places:
                if form in forms and place in kinds:
                    yield {"corpus": corpus, "format": form, "place": place}


def main():
    given = options()
    here = machine()
    groups = []
    os.makedirs(given.cache, exist_ok=True)
    if given.corpus != ["smoke"]:
        tools.build_peers(given.cache, os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers"))
    measure.adopt_orphans()
    print(f"{here['cpu']}, {here['cores']} cores, Linux {here['kernel']}, load {here['load'][0]:.1f}")
    with tempfile.TemporaryDirectory() as work:
        with open(os.path.join(work, "options"), "w") as untar_options:
            untar_options.write("{}")
        for group in wanted_groups(given):
            try:
                layer = corpora.layer(given.cache, group["corpus"], group["format"])
            except corpora.Missing as why:
                print(f"\n{group['corpus']}: left out: {why}")
                continue
            warm(layer)
            group["layer_bytes"] = os.path.getsize(layer)
            measure_group(given, work, layer, group)
            print_group(group, here["cores"])
            groups.append(group)
    print_reach(groups, here["cores"])
    if given.json:
        with open(given.json, "w") as out:
            json.dump({"machine": here, "groups": groups}, out, indent=1)


main()

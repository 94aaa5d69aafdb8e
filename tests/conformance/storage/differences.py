# SPDX-License-Identifier: Apache-2.0
"""The list of known differences: what it explains, and which of its rows are no longer true."""

import collections
import fnmatch


class KnownDifferences:
    """Rows of CASE, FIELD, EXPECTED and REASON, with a tab between each.

    CASE and FIELD are globs; EXPECTED is a glob of what oakum gives in place of the oracle's value.
    Two words in FIELD are for a whole case, but for what happens outside the root: "refused" where
    oakum fails and its text is EXPECTED, "accepted" where the oracle alone fails and its text is.
    But a whole layer, as real programs pack it, is never refused: no row counts for those cases. And
    in tame cases nothing may differ at all.
    """

    def __init__(self, path, none=False):
        self.rows = []
        self.used = collections.Counter()
        if none:
            return
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                if line.strip() and not line.startswith("#"):
                    row = tuple(line.rstrip("\n").split("\t"))
                    assert len(row) == 4, f"{path}: not four columns: {line}"
                    self.rows.append(row)

    def explain(self, outcome):
        """Those of its differences that no row explains."""
        return [d for d in outcome.differences if not self.is_known(outcome, d)]

    def is_known(self, outcome, difference):
        if matches(outcome.name, "*/tame/*"):
            return False
        for row in self.rows:
            if matches(outcome.name, row[0]) and explains(row, outcome, difference):
                self.used[row] += 1
                return True
        return False

    def stale(self, names):
        """Rows that concern cases which were run, and explained nothing."""
        return [" | ".join(row) for row in self.rows if not self.used[row] and
                any(matches(name, row[0]) for name in names)]

    def by_reason(self):
        counts = collections.Counter()
        for row, count in self.used.items():
            counts[row[3]] += count
        return counts.most_common()


def explains(row, outcome, difference):
    _, field, expected, _ = row
    whole = {"refused": outcome.refused, "accepted": outcome.accepted}
    if field not in whole:
        return matches(difference.field, field) and matches(difference.ours, expected)
    if field == "refused" and matches(outcome.name, "*/9/*"):
        return False
    return whole[field] is not None and matches(whole[field], expected) and \
        not difference.field.startswith(("outside", "by descriptor"))


def matches(text, pattern):
    # [ and ] stand for themselves: they are common in names and messages.
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))

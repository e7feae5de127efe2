# SPDX-License-Identifier: GPL-2.0-or-later
"""Mutation testing: change the code in small steps with mutmut, and list the changes that no test notices.

`make mutants` tests each package with the tests that mirror it. PACKAGE=rules/lint takes one package only. SAMPLE=100
takes that many mutants of each package, chosen by SEED, because all mutants take hours. mutmut stops a mutant that
takes much longer than its tests; a stopped mutant counts as killed, but is listed too: mutmut does not count the time
of fixtures, so a busy machine may stop a mutant that does not loop. mutmut works in a copy of the tree.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "rules/lint": ("tests/rules/lint",),
    "rules/source": ("tests/rules/source", "tests/rules/test_registry.py"),
    "rules/analysis": (
        "tests/rules/analysis",
        "tests/rules/lint",
        "tests/rules/test_binding_change.py",
        "tests/rules/test_registry.py",
        "tests/rules/test_too_much.py",
    ),
    "bot/pipeline": (
        "tests/bot/pipeline",
        "tests/bot/service/test_landing.py",
        "tests/bot/service/test_landing_recheck.py",
        "tests/bot/service/test_pending.py",
    ),
    "bot/mail": (
        "tests/bot/mail",
        "tests/bot/inbox/test_attestation.py",
        "tests/bot/inbox/test_mailbox_changing.py",
        "tests/bot/inbox/test_oddities.py",
    ),
    "bot/outbox": ("tests/bot/outbox", "tests/bot/service/test_send_time.py"),
}
"""The tests that have to notice the mutants of a package.

Those are the tests of the mirrored folder. The examples of the rules (`test_registry.py`) are tests of what rules share
too, and the engine's tests are those of the fixes in later patches. The jobs' tests of landing trees and pending series
test the steps that these jobs call.
"""

KILLED = ("killed", "timeout", "segfault")
MUTMUT = Path(sys.executable).with_name("mutmut")

_CONFIG = """\
[mutmut]
source_paths =
    rules
    bot
only_mutate = {package}/*
also_copy =
    docs
    deploy
    README.md
pytest_add_cli_args_test_selection =
    {tests}
pytest_add_cli_args =
    --hypothesis-seed=0
    -p
    no:cacheprovider
timeout_multiplier = 10
timeout_constant = 20
track_dependencies = false
use_git_change_detection = false
"""
_RESULT = re.compile(r"^ {4}(\S+): ([a-z ]+)$", re.MULTILINE)


def main() -> int:
    """Test the mutants of the chosen packages and print a table, the survivors and those that were stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", default=list(PACKAGES), metavar="PACKAGE")
    parser.add_argument("--sample", type=int, default=0, help="mutants per package; 0 takes all")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    if unknown := set(chosen.packages) - PACKAGES.keys():
        parser.error(f"no such package: {', '.join(sorted(unknown))}; known are {', '.join(PACKAGES)}")
    os.nice(10)
    rows = ["package            mutants   killed  timeout survived percent"]
    for package in chosen.packages:
        with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
            states, diffs = _test(Path(folder), package, chosen.sample, chosen.seed)
        counts = Counter(states.values())
        killed, total = sum(counts[state] for state in KILLED), len(states)
        rows.append(
            f"{package:18}{total:8}{killed:9}{counts['timeout']:9}{total - killed:9}{100 * killed / max(1, total):8.1f}"
        )
        print("\n".join(diffs), flush=True)
    print("\n".join(rows))
    return 0


def _test(folder: Path, package: str, sample: int, seed: int) -> tuple[dict[str, str], list[str]]:
    """Test the mutants of a package in the folder.

    Return the state of each by name, and the diffs of those that survived or were stopped.
    """
    tree = folder / "tree"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "var")
    shutil.copytree(ROOT, tree, ignore=ignored)
    tests = "\n    ".join(PACKAGES[package])
    (tree / "setup.cfg").write_text(_CONFIG.format(package=package, tests=tests))
    names: list[str] = []
    if sample:
        log = _mutmut(tree, "run", "no-such-mutant")  # mutmut makes all mutants before it looks for that name.
        every = sorted(_states(tree))
        if not every:
            raise SystemExit(f"mutmut made no mutants of {package}:\n{log}")
        names = random.Random(seed).sample(every, min(sample, len(every)))
    log = _mutmut(tree, "run", "--max-children", str(os.cpu_count() or 1), *names)
    states = {name: state for name, state in _states(tree).items() if not names or name in names}
    if not states or "not checked" in states.values():
        raise SystemExit(f"mutmut did not finish with {package}:\n{log[-4000:]}")
    listed = [name for name, state in states.items() if state not in KILLED or state == "timeout"]
    # No diff is shown for a function that no test runs: every change of it survives.
    return states, [
        f"# {name}: no tests" if states[name] == "no tests" else _mutmut(tree, "show", name) for name in listed
    ]


def _states(tree: Path) -> dict[str, str]:
    return dict(_RESULT.findall(_mutmut(tree, "results", "--all", "true")))


def _mutmut(tree: Path, *arguments: str) -> str:
    """Run mutmut in the tree and return what it prints; its exit status says nothing about the mutants."""
    command = [str(MUTMUT), *arguments]
    result = subprocess.run(command, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return result.stdout


if __name__ == "__main__":
    sys.exit(main())

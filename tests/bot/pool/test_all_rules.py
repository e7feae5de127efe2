# SPDX-License-Identifier: GPL-2.0-or-later
import json
import subprocess
import sys
from pathlib import Path

from bot.pool.executor import _ALL_PRELOADED

_ROOT = Path(__file__).parents[3]
_PROGRAM = """
import importlib, json, sys
from pathlib import Path
import bot.inbox.b4_series  # only the processes that read unusual series load b4
preloaded, *archives = json.loads(sys.argv[1])
for name in preloaded:
    importlib.import_module(name)
from bot.inbox.assemble import assemble
from bot.inbox.mailbox import split_mbox
from bot.inbox.thread import threads
from bot.kernel.repositories import RepositorySpecs
from bot.mail.parse import parse
from bot.pipeline.analyse import AnalysisInput, analyse
from rules.registry import active
known, findings = set(sys.modules), 0
for archive in archives:
    for thread in threads(map(parse, split_mbox(Path(archive).read_bytes()))):
        for posting in assemble(thread):
            analysis = analyse(AnalysisInput(posting.series, posting.date, active(), RepositorySpecs()))
            findings += len(analysis.report.findings)
print(json.dumps([findings, sorted(set(sys.modules) - known)]))
"""


def test_a_worker_loads_no_module_after_the_fork() -> None:
    archives = sorted(map(str, (_ROOT / "tests" / "data" / "golden").glob("*/in.mbox")))
    command = [sys.executable, "-c", _PROGRAM, json.dumps([_ALL_PRELOADED, *archives])]
    findings, late = json.loads(subprocess.check_output(command, cwd=_ROOT))

    assert findings > 10
    assert late == []

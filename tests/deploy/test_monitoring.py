# SPDX-License-Identifier: GPL-2.0-or-later
"""The dashboard and the alerts name metrics that exist, and promtool accepts the alerts."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.ports.operator import JobState, ServiceState
from bot.web.metrics import metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
JOB = JobState("poll", NOW, NOW, 1, 0, 1.0, 1.0, 900.0)
STATE = ServiceState(
    counters={name: {"x": 1} for name in ("mail", "series", "review", "outgoing", "delivery", "check-outcome")},
    jobs=(JOB,),
    read={"l": NOW},
    oldest={"review": NOW},
    findings={("rule", "reported"): 1},
    newest_mail=NOW,
)
_METRIC = re.compile(r"\bpatchwarden_[a-z_]+\b")
_SAMPLE = re.compile(r"^(patchwarden_[a-z_]+)", re.MULTILINE)
EXISTING = set(_SAMPLE.findall(metrics(STATE, NOW, "1").decode()))


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    board = json.loads((DEPLOY / "grafana.json").read_text())
    targets = [target["expr"] for panel in board["panels"] for target in panel["targets"]]

    assert EXISTING == {name for expression in targets for name in _METRIC.findall(expression)}
    assert len(board["panels"]) == len({panel["id"] for panel in board["panels"]})
    places = [panel["gridPos"] for panel in board["panels"]]
    cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_alerts_name_metrics_that_exist() -> None:
    named = set(_METRIC.findall((DEPLOY / "alerts.yml").read_text()))

    assert named
    assert named <= EXISTING


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian's prometheus)")
@pytest.mark.parametrize("command", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")])
def test_promtool_accepts_the_alerts(tmp_path: Path, command: tuple[str, ...]) -> None:
    for file in (DEPLOY / "alerts.yml", Path(__file__).with_name("alerts_test.yml")):
        shutil.copy(file, tmp_path)
    done = subprocess.run(["promtool", *command], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


def test_each_alert_is_tested_when_all_is_well_and_when_it_is_not() -> None:
    alerts = re.findall(r"- alert: (\w+)", (DEPLOY / "alerts.yml").read_text())
    tests = Path(__file__).with_name("alerts_test.yml").read_text()

    assert all(f"alertname: {alert}, exp_alerts: []" in tests for alert in alerts)
    assert all(f'{{alertname="{alert}"}}\'' in tests for alert in alerts)


def test_a_job_without_a_schedule_is_never_late() -> None:
    long_ago = NOW - timedelta(days=300)

    assert not JobState("poll", long_ago, long_ago, 1, 0, 1.0, 1.0, 0.0).is_late(NOW)
    assert JobState("poll", long_ago, None, 0, 0, 0.0, 0.0, 900.0).is_late(NOW)

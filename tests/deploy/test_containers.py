# SPDX-License-Identifier: GPL-2.0-or-later
"""The files for containers are valid, and what they start works: as plain processes, with a real PostgreSQL server.

No image is built and no cluster is started, because the machines of CI have neither.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from bot.settings.load import load
from tests.fakes.mails import git_archive, patch
from tests.fakes.postgres import Server, server, stop_server
from tests.fakes.sink import sink
from tests.npm import npm_package

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
COMPOSE: Final = DEPLOY / "compose.yml"
KUBERNETES: Final = DEPLOY / "kubernetes"
PROGRAM: Final = "/opt/patchwarden/.venv/bin/patchwarden"
SECRETS: Final = {"database-password": b"-", "database-secret": bytes(range(32)), "smtp-password": b"-"}
SECONDS: Final = 240
ENVIRONMENT: Final = {name: value for name, value in os.environ.items() if not name.startswith("PATCHWARDEN")}


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    yield server()
    stop_server()


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The resources of the example, as kustomize renders them."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed (Debian's kubernetes-client)")
    version = subprocess.run([kubectl, "version", "--client", "--output=json"], capture_output=True, check=False).stdout
    if not (json.loads(version or "{}").get("kustomizeVersion") or "").startswith("v5"):
        pytest.skip("kubectl is too old: its kustomize is not of version 5")
    folder = tmp_path_factory.mktemp("kubernetes") / "kubernetes"
    shutil.copytree(KUBERNETES, folder)
    (folder / "example" / "secrets").mkdir()
    for name, content in SECRETS.items():
        (folder / "example" / "secrets" / name).write_bytes(content)
    rendered = subprocess.run([kubectl, "kustomize", folder / "example"], capture_output=True, text=True, check=False)
    assert (rendered.returncode, rendered.stderr) == (0, "")
    return list(yaml.safe_load_all(rendered.stdout))


def _pods(resources: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the specification of each pod of ours by the name of its workload."""
    return {
        resource["metadata"]["name"]: resource["spec"]["template"]["spec"]
        for resource in resources
        if resource["kind"] in ("StatefulSet", "Deployment")
    }


def _compose() -> dict[str, Any]:
    text = COMPOSE.read_text().replace("${POSTGRES_PASSWORD:?write it into deploy/.env}", "secret")
    assert "${" not in text
    compose: dict[str, Any] = yaml.safe_load(text)
    return compose


# What schemas and linters say of the files


def test_the_compose_file_has_the_form_of_its_specification() -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]

    result = subprocess.run(check, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_each_resource_has_the_form_that_kubernetes_requires(resources: list[dict[str, Any]], version: str) -> None:
    kinds = [resource["kind"] for resource in resources]

    for resource in resources:
        kubernetes_validate.validate(resource, version, strict=True)

    assert {"StatefulSet", "Deployment", "Secret", "ConfigMap", "NetworkPolicy", "PodDisruptionBudget"} <= set(kinds)


def test_the_image_file_has_no_fault_that_a_linter_knows() -> None:
    node, linter = shutil.which("node"), npm_package("dockerfile-utils") / "bin" / "dockerfile-utils"
    assert node is not None

    result = subprocess.run(
        [node, linter, "lint", DEPLOY / "Containerfile"], capture_output=True, text=True, check=False
    )

    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_the_image_contains_all_that_its_build_needs(tmp_path: Path) -> None:
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    for line in lines:
        if line.startswith("COPY "):
            *sources, target = shlex.split(line)[1:]
            folder = tmp_path / "image" / target
            for source in map(ROOT.__truediv__, sources):
                if source.is_dir():
                    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    folder.mkdir(parents=True, exist_ok=True)
                    shutil.copy(source, folder)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]

    built = subprocess.run([*pip, "--wheel-dir", tmp_path, tmp_path / "image"], capture_output=True, check=False)

    assert built.returncode == 0, built.stderr.decode()[-2000:]
    assert any("--require-hashes --no-deps -r requirements-postgres.lock" in line for line in lines)


def _locked(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9_.-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))


def test_the_image_has_the_versions_of_the_other_locks_and_the_driver() -> None:
    image, plain, dev = (_locked(f"requirements{name}.lock") for name in ("-postgres", "", "-dev"))

    assert plain.items() <= image.items() <= dev.items()
    assert {"psycopg-binary", "procrastinate"} <= image.keys() - plain.keys()


# The rules that schemas do not know


def test_each_container_runs_with_few_rights(resources: list[dict[str, Any]]) -> None:
    pods = _pods(resources)

    assert pods.keys() == {"worker", "sender", "web", "postgres"}
    for pod in pods.values():
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            rights = container["securityContext"]
            assert (rights["readOnlyRootFilesystem"], rights["allowPrivilegeEscalation"]) == (True, False)
            assert rights["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
    users = re.findall(r"--uid (\d+).*?\nUSER (\d+):(\d+)\n", (DEPLOY / "Containerfile").read_text(), re.DOTALL)
    context = pods["worker"]["securityContext"]
    assert users == [(str(context["runAsUser"]), str(context["runAsUser"]), str(context["runAsGroup"]))]


def test_one_pod_sends_and_it_alone_has_the_password_of_the_mail_server(resources: list[dict[str, Any]]) -> None:
    named = {resource["metadata"]["name"]: resource for resource in resources if resource["kind"] == "StatefulSet"}
    keys = {
        name: {
            item["key"]
            for volume in pod["volumes"]
            if "secret" in volume
            for item in volume["secret"]["items"]  # never the whole secret
        }
        for name, pod in _pods(resources).items()
    }

    assert named["sender"]["spec"]["replicas"] == 1
    assert keys == {
        "worker": {"database-secret"},
        "sender": {"database-secret", "smtp-password"},
        "web": set(),
        "postgres": set(),
    }


def test_each_policy_and_budget_selects_pods_that_exist(resources: list[dict[str, Any]]) -> None:
    labels = [
        resource["spec"]["template"]["metadata"]["labels"]
        for resource in resources
        if resource["kind"] in ("StatefulSet", "Deployment")
    ]
    selectors = {
        (resource["kind"], resource["metadata"]["name"]): _selector(resource["spec"])
        for resource in resources
        if resource["kind"] in ("NetworkPolicy", "PodDisruptionBudget", "Service")
    }

    for name, wanted in selectors.items():
        assert any(wanted.items() <= pod.items() for pod in labels), name
    (default,) = (r for r in resources if (r["kind"], r["metadata"]["name"]) == ("NetworkPolicy", "all"))
    assert default["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in default["spec"]
    assert ("PodDisruptionBudget", "sender") not in selectors


def _selector(spec: dict[str, Any]) -> dict[str, str]:
    selector = spec.get("podSelector") or spec["selector"]
    labels: dict[str, str] = selector.get("matchLabels", selector)
    return labels


@pytest.mark.usefixtures("empty_folder")
@pytest.mark.parametrize("file", [DEPLOY / "compose/patchwarden.toml", KUBERNETES / "example/patchwarden.toml"])
def test_the_example_settings_are_valid_and_no_list_gets_mail_without_a_person(file: Path) -> None:
    settings = load(file)

    assert {chosen.mode.value for chosen in settings.lists.values()} <= {"moderate", "dry-run"}
    assert settings.default_mode.value == "dry-run"
    assert "database" not in tomllib.loads(file.read_text())


# What is started works


@dataclass(frozen=True, slots=True)
class _Command:
    """A command of a container, in the folder that stands for its volume."""

    arguments: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]


@dataclass(slots=True)
class _Containers:
    """Processes in place of containers: started again when they end, as the files ask for."""

    commands: dict[str, _Command]
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self) -> None:
        for name, command in self.commands.items():
            if name not in self.running or self.running[name].poll() is not None:
                with (command.folder / f"{name}.log").open("ab") as log:
                    self.running[name] = subprocess.Popen(
                        [Path(sys.executable).with_name("patchwarden"), *command.arguments],
                        cwd=command.folder,
                        stdout=log,
                        stderr=log,
                        env={**ENVIRONMENT, **command.environment},
                    )

    def call(self, name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in a container that runs."""
        command = self.commands[name]
        return subprocess.run(
            [Path(sys.executable).with_name("patchwarden"), *arguments],
            cwd=command.folder,
            capture_output=True,
            text=True,
            check=False,
            env={**ENVIRONMENT, **command.environment},
        )

    def until(self, is_true: Callable[[], object]) -> None:
        end = time.monotonic() + SECONDS
        while not is_true():
            assert time.monotonic() < end, {name: self.log(name)[-1500:] for name in self.commands}
            self.start()
            time.sleep(1)

    def log(self, name: str) -> str:
        return (self.commands[name].folder / f"{name}.log").read_text()


@contextmanager
def _started(commands: dict[str, _Command]) -> Iterator[_Containers]:
    containers = _Containers(commands)
    try:
        yield containers
    finally:
        for process in containers.running.values():
            process.send_signal(signal.SIGTERM)
        ended = {name: process.wait(120) for name, process in containers.running.items()}
    assert ended == dict.fromkeys(ended, 0), ended


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def test_what_compose_starts_reviews_and_sends_the_approved_mail_once(postgres: Server, tmp_path: Path) -> None:
    services, url, port = _compose()["services"], postgres.create_empty("compose"), _free_port()
    shutil.copy(DEPLOY / "compose/patchwarden.toml", tmp_path)
    web = tmp_path / "web"
    web.mkdir()
    shutil.copy(DEPLOY / "compose/patchwarden.toml", web)
    with sink(tmp_path / "mails") as mail_server:
        replaced = {"PATCHWARDEN_DATABASE": url, "PATCHWARDEN_SENDING__PORT": str(mail_server.port)}
        environments = {name: services[name]["environment"] | replaced for name in ("worker", "sender", "web")}
        arguments = {name: tuple(services[name]["command"]) for name in environments}
        sample = _Command(tuple(services["sample"]["command"]), tmp_path, services["sample"]["environment"] | replaced)
        reviewed = _Containers({"sample": sample}).call("sample", *sample.arguments)
        assert reviewed.returncode == 0, reviewed.stderr
        archive = git_archive(tmp_path / "list.git", [patch("0@x")])
        environments["worker"]["PATCHWARDEN_ARCHIVES"] = json.dumps([str(archive)])
        numbered = [f"worker {number}" for number in range(services["worker"]["deploy"]["replicas"])]
        commands = {name: _Command(arguments["worker"], tmp_path, environments["worker"]) for name in numbered}
        commands["sender"] = _Command(arguments["sender"], tmp_path, environments["sender"])
        commands["web"] = _Command((*arguments["web"], "--port", str(port)), web, environments["web"])
        (probe,) = re.findall(r"http://127.0.0.1:8080(/\w+)", services["web"]["healthcheck"]["test"][-1])

        with _started(commands) as containers:
            containers.until(lambda: _held(containers) and _answers(f"http://127.0.0.1:{port}{probe}"))
            (held, *_) = _held(containers)
            assert mail_server.taken == []
            approved = containers.call("sender", "outbox", "approve", held["id"])
            containers.until(lambda: mail_server.taken and "0@x" in _postings(containers))
            states = json.loads(containers.call("sender", "outbox", "list", "--format", "json").stdout)

    assert approved.returncode == 0, approved.stderr
    assert len(mail_server.taken) == 1
    assert held["id"].encode() in mail_server.taken[0]
    assert len(numbered) == 2
    assert [mail["state"] for mail in states["mails"] if mail["id"] == held["id"]] in ([], ["sent"])


def _held(containers: _Containers) -> list[dict[str, Any]]:
    return [mail for mail in _outbox(containers) if mail["state"] == "held"]


def _postings(containers: _Containers) -> set[str]:
    return {mail["posting"] for mail in _outbox(containers)}


def _outbox(containers: _Containers) -> list[dict[str, Any]]:
    listed = containers.call("sender", "outbox", "list", "--format", "json")
    mails = json.loads(listed.stdout) if listed.returncode == 0 and listed.stdout else {}
    return list(mails.get("mails", ()))


def test_what_kubernetes_starts_answers_its_probes(
    postgres: Server, resources: list[dict[str, Any]], tmp_path: Path
) -> None:
    url, pods, port = postgres.create_empty("kubernetes"), _pods(resources), _free_port()
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name, content in SECRETS.items():
        (secrets / name).write_bytes(content)
    commands = {}
    for name, workload in (("worker 0", "worker"), ("worker 1", "worker"), ("sender", "sender"), ("web", "web")):
        folder = tmp_path / name.replace(" ", "-")
        folder.mkdir()
        shutil.copy(KUBERNETES / "example/patchwarden.toml", folder)
        (container,) = pods[workload]["containers"]
        for prepare in pods[workload].get("initContainers", ()):
            *shell, text = prepare["command"]
            subprocess.run(
                [*shell, text.replace("/run/secrets/patchwarden", str(secrets))], cwd=folder, check=True, timeout=60
            )
        assert {variable["name"] for variable in container["env"]} == {"PATCHWARDEN_DATABASE", "PGPASSWORD"}
        more = ("--port", str(port)) if workload == "web" else ()
        commands[name] = _Command((*container["args"], *more), folder, {"PATCHWARDEN_DATABASE": url})
    (web,) = pods["web"]["containers"]
    paths = {web[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}

    with _started(commands) as containers:
        for path in sorted(paths):
            containers.until(partial(_answers, f"http://127.0.0.1:{port}{path}"))
        for name in ("worker 0", "worker 1", "sender"):
            ((*_, program, command, option),) = (
                container["startupProbe"]["exec"]["command"] for container in pods[name.split()[0]]["containers"]
            )
            assert program == PROGRAM
            examined = containers.call(name, command, option)
            assert examined.returncode == 0, examined.stdout
        assert all(process.poll() is None for process in containers.running.values())

    for name in ("worker 0", "worker 1", "sender"):
        assert (commands[name].folder / "var/patchwarden.db.secret").read_bytes() == SECRETS["database-secret"]
    assert not (commands["web"].folder / "var").exists()

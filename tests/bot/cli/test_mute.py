# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Callable
from pathlib import Path

from tests.fakes.mails import git_archive, patch

Call = Callable[..., tuple[int, str, str]]
LIST = "rust-for-linux@lists.example.org"


def test_a_mute_is_shown_and_lifted_here_alone(patchwarden: Call) -> None:
    assert 0 == patchwarden("mute", "add", "list", LIST.upper())[0]
    assert f"list    {LIST}  (by the operator)" in patchwarden("mute", "list")[1]
    assert 0 == patchwarden("mute", "lift", "list", LIST)[0]
    assert "" == patchwarden("mute", "list")[1]
    assert 2 == patchwarden("mute", "lift", "list", LIST)[0]


def test_what_is_muted_is_judged_but_not_mailed(patchwarden: Call, tmp_path: Path) -> None:
    archive = git_archive(tmp_path / "list.git", [patch("1@example.org")])
    patchwarden("mute", "add", "author", "ada@example.org")

    _, out, _ = patchwarden("recheck", "1@example.org", "--archive", str(archive), "--send")

    assert "missing-safety-comment" in out
    assert "the verdict changed; muted (author) by the operator" in out


def test_figures_of_what_was_mailed(patchwarden: Call, tmp_path: Path) -> None:
    git_archive(tmp_path / "list.git", [patch("1@example.org")])

    assert "No remark was mailed yet; what a dry run files does not count.\n" == patchwarden("rules", "--stats")[1]
    Path("patchwarden.toml").write_text(
        "[sending]\ntransport = 'maildir'\n[review]\nstale_hours = 1000000\n"
        "[lists.'rust-for-linux@lists.example.org']\nmode = 'author'\nconsent = 'https://lists.example.org/yes'\n"
    )
    assert 0 == patchwarden("run", "--once", "--archive", str(tmp_path / "list.git"))[0]

    _, out, _ = patchwarden("rules", "--stats")
    lines = [line.split() for line in out.splitlines()]
    assert ["missing-safety-comment", "1", "0", "0", "1", "0%"] in lines

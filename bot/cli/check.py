# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden check`: check patches against the rules, before or after they are posted.

This module only reads the options. The code that checks is loaded in a child where possible: code that a
child loads costs less than code that it inherits, because each page of memory that it changes is copied.
"""

import gc
import os
import stat
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Final

from bot.cli.command import Argument, Command, Option, UsageError, echo
from bot.cli.context import GlobalOptions
from bot.cli.kernel_option import LandingOption, NoTreeOption, TreeOption
from bot.cli.output import (
    Baseline,
    BaselineOption,
    FailOnOption,
    Format,
    FormatOption,
    RuleOption,
    complain,
    load_baseline,
)
from bot.pool.forked import forked
from bot.pool.guard import Crashed
from bot.pool.worker import Limits
from rules.finding import Severity
from rules.lazy import dataclass

if TYPE_CHECKING:
    from pathlib import Path

_HEAD: Final = "HEAD..HEAD"
_TRACKING: Final = "B4_TRACKING_FILE"  # see bot.inbox.tracked_thread
_FIRST_TRY_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """The options of the command. A target that can be read only once has its bytes beside its name."""

    targets: tuple[tuple[str, bytes | None], ...]
    git: "tuple[Path, str] | None"
    staged: bool
    form: Format
    fail_on: Severity
    rule: list[str] | None
    baseline: Baseline | None
    tree: list[str] | None
    no_tree: bool
    landing: list[str] | None
    tracking: str
    explain: bool


def check(
    context: GlobalOptions,
    targets: Annotated[
        list[str] | None,
        Argument(
            metavar="TARGET",
            help="Mails, patches, mboxes, Maildirs or public-inbox archives; - is stdin. A message-id or the web "
            "address of a mail is fetched from the server in [lore] of the settings, else from lore.kernel.org.",
            may_be_empty=True,
        ),
    ] = None,
    git: Annotated[
        tuple[str, str] | None, Option("--git", metavar="REPO A..B", help="Check these commits of a repository.")
    ] = None,
    staged: Annotated[
        bool,
        Option("--staged", help="Check what is staged in the repository of this folder, before it is committed."),
    ] = False,
    form: FormatOption = Format.TEXT,
    fail_on: FailOnOption = Severity.WARNING,
    rule: RuleOption = None,
    baseline: BaselineOption = None,
    tree: TreeOption = None,
    no_tree: NoTreeOption = False,
    landing: LandingOption = None,
    explain: Annotated[
        bool, Option("--explain", help="List what a missing SAFETY comment should address, for --format text.")
    ] = False,
    diff: Annotated[
        bool,
        Option("--diff", help="Print the exact fixes of findings as a diff. Needs --git; nothing else is printed."),
    ] = False,
    fix: Annotated[
        bool, Option("--fix", help="Apply the exact fixes to the work tree of --git A..HEAD, which must be clean.")
    ] = False,
) -> int:
    """Check patches against the rules. Nothing is sent.

    Patches from several targets are combined into one series if they belong together. Findings of preview rules, and findings that a later patch of the series fixes, are shown but do not make the check fail. A range without commits is not an error.

    \b
    Example:
      patchwarden check 000*.patch
      patchwarden check --git ~/linux origin/master..HEAD
      patchwarden check --staged
      patchwarden check 20260301120000.1-2-author@example.org
      patchwarden check --git . main.. --fix
      b4 mbox -o - MESSAGE-ID | patchwarden check --format terse -
      git config b4.review-perpatch-check-cmd 'patchwarden check --format b4 -'

    Exit status: 0 no findings at or above --fail-on; 1 findings; 2 bad usage, or some input could not be read or exceeded a limit (the rest is still checked); 3 a rule or the program failed. Limits: 5 s to read a mail; 60 s to split a file, to assemble a thread or to check a series; 512 MB for each of these.

    With --diff or --fix: 0 nothing is left to fix; 1 --diff printed fixes, or some fixes were left out, which standard error names; 2 bad usage, the work tree has changes or is not at the end of the range, or a file could not be checked or written; 3 the program failed. Only lines that the commits add are changed, and the result is checked again.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    if diff or fix:
        from bot.cli.fix import fix_range

        if git is None or targets or staged or (diff and fix):
            raise UsageError("use it with --git REPO A..B alone", option="--fix" if fix else "--diff")
        from pathlib import Path

        return fix_range((Path(git[0]), git[1]), rule, is_written=fix)
    if explain and form is not Format.TEXT:
        raise UsageError("it is for --format text", option="--explain")
    if staged and git is not None:
        raise UsageError("--git and --staged cannot be combined", option="--staged")
    if not targets and git is None and not staged:
        raise UsageError("name a file, a folder, - for standard input, --git or --staged", option="TARGET")
    options = CheckOptions(
        targets=tuple((name, _read_stream(name)) for name in targets or ()),
        git=_range(git, staged=staged),
        staged=staged,
        form=form,
        fail_on=fail_on,
        rule=rule,
        baseline=load_baseline(baseline),
        tree=tree,
        no_tree=no_tree,
        landing=landing,
        tracking=os.environ.get(_TRACKING, "") if form is Format.B4 else "",
        explain=explain,
    )
    result = None if _reads_more(context, options) else _check_at_once(context, options)
    if result is None:
        from bot.cli.patch_check import check_patches

        result = check_patches(context, options)
    findings, complaints, code = result
    echo(findings, nl=False)
    for complaint in complaints:
        complain(complaint)
    return code


def _read_stream(name: str) -> bytes | None:
    """Return the bytes of standard input or of a pipe, None if the target is neither."""
    if name == "-":
        return sys.stdin.buffer.read()
    with suppress(OSError):
        if stat.S_ISFIFO(os.stat(name).st_mode):  # noqa: PTH116 pathlib takes longer to load than a patch to check
            from pathlib import Path

            return Path(name).read_bytes()
    return None


def _range(git: tuple[str, str] | None, *, staged: bool) -> "tuple[Path, str] | None":
    """Return the repository and range that the options name. What is staged is a change of HEAD."""
    if git is None and not staged:
        return None
    from pathlib import Path

    return (Path(), _HEAD) if git is None else (Path(git[0]), git[1])


def _reads_more(context: GlobalOptions, options: CheckOptions) -> bool:
    """Return whether the check reads more than patches in files, or fetches mails."""
    return (
        options.git is not None
        or bool(options.tree or options.landing or options.tracking)
        or options.form is Format.MAIL
        or context.has_settings
        or not all(content is not None or os.access(name, os.F_OK) for name, content in options.targets)
    )


def _check_at_once(context: GlobalOptions, options: CheckOptions) -> tuple[bytes, tuple[str, ...], int] | None:
    """Check small sources in one child, which starts faster than a child for each step.

    Return None if they are not small, or if this fails or exceeds a limit: only a child for each step and each mail can
    tell which of them is at fault, and check the others.
    """

    def attempt(_: None) -> tuple[bytes, tuple[str, ...], int] | None:
        gc.disable()  # The process ends before there is much garbage.
        with suppress(Exception):
            from bot.cli.patch_check import check_small_patches

            return check_small_patches(context, options)
        return None

    (result,) = forked(attempt, [None], Limits(_FIRST_TRY_SECONDS))
    return None if isinstance(result, Crashed) else result


COMMAND: Final = Command(check)

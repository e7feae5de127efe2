# SPDX-License-Identifier: GPL-2.0-or-later
"""Fix findings of a range of commits: print the fixes as a diff, or apply them to the work tree."""

from collections import Counter
from pathlib import Path
from typing import Final

from bot.cli import status
from bot.cli.command import echo
from bot.cli.output import choose_rules, complain
from bot.inbox.git_range import changed_files, diff_rust
from bot.kernel.error import KernelError
from bot.kernel.work_tree import FixableRange, has_utf8_names
from bot.pool.forked import forked
from bot.pool.guard import Crashed
from bot.pool.worker import Limits
from bot.review.render.text import count
from rules.analysis.view import FileView
from rules.lint.engine import view
from rules.lint.fixing import FixedFiles, fix_files
from rules.lint.rule import Rule
from rules.registry import active_before_posting

_SECONDS: Final = 60.0


def fix_range(git: tuple[Path, str], rule_ids: list[str] | None, *, is_written: bool) -> int:
    """Print the fixes of findings in a range of commits as a diff, or write them to the work tree.

    Return the exit status: 1 if a diff is printed or a fix was left out. Raises KernelError or InboxError.
    """
    commits = FixableRange(*git, diff_rust)
    if is_written:
        commits.refuse_unfit_work_tree(changed_files)
    rules = choose_rules(rule_ids) if rule_ids else active_before_posting()

    def find(rules: tuple[Rule, ...]) -> tuple[FixedFiles, dict[str, bytes], dict[str, str]]:
        series_view = view(commits.series, commits.tree)
        unfit = {file.path: reason for file in series_view.files if (reason := _why_unfit(file, commits))}
        paths = {file.path for file in series_view.files} - unfit.keys()
        fixed = fix_files(rules, series_view, lambda files: view(commits.series_with(files), commits.tree), paths)
        before = {
            file.path: file.post.content for file in series_view.files if file.post and file.path in fixed.contents
        }
        return fixed, before, unfit

    (found,) = forked(find, [rules], Limits(_SECONDS))
    if isinstance(found, Crashed):
        complain(f"{git[0]} {git[1]}: cannot be fixed: {found.reason}")
        return status.FAILED if found.is_bug else status.USAGE
    fixed, before, unfit = found
    for path, reason in unfit.items():
        complain(f"{path}: not checked for fixes, because {reason}")
    unwritten: set[str] = set()
    for path, content in fixed.contents.items():
        if not is_written:
            echo(commits.diff(path, before[path], content), nl=False)
            continue
        try:
            commits.write(path, before[path], content)
        except KernelError as error:
            complain(str(error))
            unwritten.add(path)
    for fix, reason in fixed.left_out:
        complain(f"not fixed, because {reason}: {fix.anchor.path}:{fix.anchor.line}: {fix.rule}")
    files = len(fixed.contents) - len(unwritten)
    applied = [fix for fix in fixed.applied if fix.anchor.path not in unwritten]
    done = "fixed" if is_written else "can be fixed"
    by_rule = Counter(fix.rule for fix in applied)
    rules_text = ", ".join(f"{rule} {number}" for rule, number in sorted(by_rule.items()))
    total = f"{count(len(applied), 'finding')} {done} in {count(files, 'file')}"
    complain(f"{total}: {rules_text}" if rules_text else total)
    if unwritten or unfit:
        return status.USAGE
    return status.FINDINGS if fixed.left_out or (fixed.contents and not is_written) else status.OK


def _why_unfit(file: FileView, commits: FixableRange) -> str:
    """Return why a changed Rust file cannot be fixed, "" if it can be, or needs no fix."""
    if file.post is None or not file.is_kernel_rust or not file.change.hunks:
        return ""
    if not has_utf8_names(file.change):
        return "its name is or was not UTF-8"
    is_known = file.is_complete and file.post.content == commits.end_tree.read(file.path)
    return "" if is_known else "its content does not fit the diff, as with mixed line ends"

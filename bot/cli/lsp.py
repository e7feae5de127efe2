# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden lsp`: check what is written in an editor, as a language server."""

import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated, Final

from bot.cli import status
from bot.cli.command import Command, Option, UsageError
from bot.cli.context import GlobalOptions

if TYPE_CHECKING:
    from bot.kernel.specs import RepositorySpecs


def lsp(
    context: GlobalOptions,
    base: Annotated[
        str,
        Option(
            metavar="REV",
            help="Lines are new if the last common commit of this revision and HEAD does not have them. "
            "Default: HEAD, what is not committed.",
        ),
    ] = "HEAD",
    tree: Annotated[
        str,
        Option(
            metavar="REPO[@REF]",
            help="Check against this kernel repository instead of the base commit of the work tree.",
        ),
    ] = "",
    disable: Annotated[
        list[str] | None, Option("--disable", metavar="ID", help="Do not run this rule; repeatable.")
    ] = None,
) -> int:
    """Check code while you write it: a language server for editors, on standard input and output.

    An editor starts it; docs/how-to/use-an-editor.md says how. Only what the work tree changes since --base is reported, text that is not saved included. Hover shows what the callee of an unsafe block requires, and quick fixes are those of `check --fix`. The editor can give the same options as initializationOptions: base, tree and disabledRules. Needs `pip install -e '.[lsp]'` in the source tree.

    \b
    Example:
      patchwarden lsp
      patchwarden lsp --base origin/master --disable binding-change

    Exit status: 0 the editor ended the server; 2 bad usage; 3 the program failed, or the editor went away. Limits for each check of a file: 10 s, 512 MB, and 2 MB of text.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    from bot.lsp.options import LspOptions, OptionError, read_base, read_rules, read_tree

    try:
        options = LspOptions(read_base(base), tree and read_tree(tree), read_rules(disable or []))
    except OptionError as error:
        raise UsageError(str(error)) from error
    try:
        from bot.lsp.server import Server
    except ModuleNotFoundError as error:
        if error.name not in ("pygls", "lsprotocol", "cattrs", "attrs"):
            raise
        raise UsageError(f"{error.name} is not installed; run `pip install -e '.[lsp]'` in the source tree") from error
    from bot.cli.output import load_links
    from bot.pool.executor import preload

    def load_specs(tree: str) -> "RepositorySpecs":
        from bot.cli.kernel_option import repository_specs

        return repository_specs(context, [tree] if tree else None, False, None)

    # The threads that read standard input cannot be interrupted.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Only the protocol may write to the editor, and no child process.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        preload(("bot.lsp.document", "bot.pool.all_rules"))
        server = Server(options, load_specs, load_links(context))
        try:
            server.protocol.start_io(sys.stdin.buffer, out)
        finally:
            server.close()
    return status.OK if server.is_shut_down else status.FAILED


COMMAND: Final = Command(lsp)

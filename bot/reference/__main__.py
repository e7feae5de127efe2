# SPDX-License-Identifier: GPL-2.0-or-later
"""`python -m bot.reference docs` writes the generated pages; with `--check` it only compares them with the code."""

import argparse
import difflib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from bot.reference import commands, mail_states, mail_texts, man, settings, shells
from rules import catalogue

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "rules.md": catalogue.document,
    "mail-texts.md": mail_texts.document,
    "reference/commands.md": commands.document,
    "reference/settings.md": settings.document,
    "reference/mail-states.md": mail_states.document,
    "../deploy/patchwarden.1": man.document,
    "../deploy/completion/patchwarden": shells.bash,
    "../deploy/completion/patchwarden.fish": shells.fish,
}


def main() -> None:
    """Write or check the pages; exit with 1 if a checked page is stale."""
    parser = argparse.ArgumentParser(prog="python -m bot.reference", description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of the pages")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is stale")
    arguments = parser.parse_args()
    stale = 0
    for name, document in PAGES.items():
        path, text = arguments.folder / name, document()
        if arguments.check:
            stale += report_difference(path, text)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    sys.exit(1 if stale else 0)


def report_difference(path: Path, text: str) -> bool:
    """Print how the file differs from the text, and return whether it does."""
    before = path.read_text("utf-8") if path.exists() else ""
    if before == text:
        return False
    difference = difflib.unified_diff(before.splitlines(), text.splitlines(), str(path), "generated", lineterm="")
    sys.stdout.writelines(f"{line}\n" for line in difference)
    sys.stdout.write(f"{path} is stale: run `make docs`\n")
    return True


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the documentation of the rules as a static site: `python -m bot.web.rule_site FOLDER`."""

import argparse
import sys
from pathlib import Path
from typing import Final

from bot.version import VERSION
from bot.web.site import Site
from bot.web.static_site import StaticSiteError, static_site
from rules.registry import RULES

_SITE: Final = Site((("/", "Rules"),), has_figures=False)


def write_rule_site(folder: Path, version: str) -> None:
    """Write a page for each rule, and their list. Raises StaticSiteError."""
    with static_site(folder, "site of rules", _SITE, version) as site:
        site.write("/", "rules.html", rules=RULES, figures={})
        for rule in RULES:
            site.write(f"/rules/{rule.id}", "rule.html", rule=rule, figures=None, findings=())


def main() -> None:
    """Write the site, and print the path of its first page."""
    parser = argparse.ArgumentParser(prog="python -m bot.web.rule_site", description=__doc__)
    parser.add_argument("folder", type=Path, help="a new or empty folder, or an earlier site")
    folder = parser.parse_args().folder
    try:
        write_rule_site(folder, VERSION)
    except StaticSiteError as error:
        parser.error(str(error))
    sys.stdout.write(f"{folder / 'index.html'}\n")


if __name__ == "__main__":
    main()

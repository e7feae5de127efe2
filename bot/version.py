# SPDX-License-Identifier: GPL-2.0-or-later
"""The version of the program.

It has its own module and is not in bot/__init__.py: where the working directory has a folder `bot`, a worker process of
an editable installation imports the modules of this package, but not its __init__.py.
"""

from typing import Final

VERSION: Final = "0.1.0"
"""pyproject.toml reads it, so that printing it needs no search for installed packages."""

# SPDX-License-Identifier: GPL-2.0-or-later
"""The entry point of the command: Ctrl-C ends it silently from the first moment to the last."""

import gc
import signal


def main() -> None:
    """Run the command line. Ctrl-C ends the process at once, except while the command runs and can clean up."""
    gc.disable()  # Imports make no garbage, and each collection looks at all that they made.
    # Python's own handler prints a traceback while modules are loaded. A signal that is ignored stays ignored.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from bot.__main__ import main as run

    run()

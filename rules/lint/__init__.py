# SPDX-License-Identifier: GPL-2.0-or-later
"""The definition of a rule, the engine that runs rules, and the edits that fix findings.

The engine turns reports into findings, and isolates a rule that raises an exception. Rules of the scope `mail` run
everywhere. Those of the scope `author` run in `check`, and in reviews only for lists that ask for nits.
"""

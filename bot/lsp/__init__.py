# SPDX-License-Identifier: GPL-2.0-or-later
"""The language server: diagnostics, hover and quick fixes for editors.

`server` alone knows pygls: it has the open documents, and when each is checked. `document` checks one of them as a
change of its work tree, in a process of `worker` with limits, which stores no text.
"""

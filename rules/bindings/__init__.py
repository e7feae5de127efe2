# SPDX-License-Identifier: GPL-2.0-or-later
"""The bindings: what Rust uses of C in a kernel tree, and what a series changes about it.

`facts` are what one file says, and depend on its bytes alone. `index` combines the facts of a tree, `overlay` adds the
changed files of a series, `bindings_diff` follows the series, and `compare` finds the changes of C that break Rust.
The package contains no text for users.
"""

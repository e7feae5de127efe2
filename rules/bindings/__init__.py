# SPDX-License-Identifier: GPL-2.0-or-later
"""The bindings: what Rust uses of C in a kernel tree, and what a series does to it.

`facts` are what one file says. They depend on its bytes alone, so they are cached by the id of the blob. `index`
combines the facts of a tree, `overlay` adds the changed files of a series, `bindings_diff` follows the series, and
`compare` finds the changes of C that break Rust. `kconfig` tells whether options imply another one: proven, refuted
or unknown, and only refuted is reported. `build` tells under which options a Rust file is built. `pending_facts` has
what a series changes, uses and adds, and `collisions` compares it with other series. The package contains no text for
users.
"""

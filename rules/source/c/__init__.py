# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the declarations of C files, and of the fragments that hunks show.

`source` is the interface of the package. A scanner finds the items of a text, `declarator` and `members` read them.
Kernel macros defeat a grammar, so the scanner relies on the layout of kernel code instead.
"""

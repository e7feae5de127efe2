# SPDX-License-Identifier: GPL-2.0-or-later
"""Read Rust, complete files and the fragments that hunks show.

`source.RustSource` has every view of a text: code, tokens, comments, items, imports, and unsafe code from one parse.
The fragments of hunks are balanced and parsed in contexts; every unsafe site has the confidence of its reading.
"""

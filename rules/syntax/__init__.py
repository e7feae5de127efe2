# SPDX-License-Identifier: GPL-2.0-or-later
"""Source code as the names of this field; the only room that knows tree-sitter."""

# SPDX-License-Identifier: GPL-2.0-or-later
"""The base kernel: trees and what Rust uses of C."""

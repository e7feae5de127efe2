# SPDX-License-Identifier: GPL-2.0-or-later
"""The unsafe debt of a kernel tree: counts by subsystem and ref. This package is pure."""

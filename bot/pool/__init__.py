# SPDX-License-Identifier: GPL-2.0-or-later
"""Run work on hostile input in processes with limits.

`memory` measures all processes. `cluster` lets the workers of a Dask cluster do the same work, each in such a
process.
"""

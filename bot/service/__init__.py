# SPDX-License-Identifier: GPL-2.0-or-later
"""The jobs of the service and their schedule.

A job wakes the jobs that its results concern; intervals are for due times, the network and files that cannot be
watched. A posting that fails twice in a worker is quarantined. An error of an adapter is not the posting's fault: the
posting waits. With PostgreSQL, several processes read, review and check again (`read_task`, `review_task`,
`queue_worker`).
"""

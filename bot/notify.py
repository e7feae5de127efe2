# SPDX-License-Identifier: GPL-2.0-or-later
"""Tell systemd, if it started us, that the service is ready, alive or stopping (sd_notify(3))."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress


class ServiceManager:
    """The service manager that the environment names. Without one, all methods do nothing."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # A name in the abstract namespace is written with "@" for its first byte, NUL.
        self._address = "\0" + address[1:] if address.startswith("@") else address if address.startswith("/") else ""
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        microseconds = environment.get("WATCHDOG_USEC", "")
        watched = bool(self._address) and ours and microseconds.isdecimal()
        self.interval: float | None = int(microseconds) / 2_000_000 if watched else None
        """Seconds between two signs of life: half of the time that systemd waits. None if it does not wait."""

    def ready(self) -> None:
        """Report that the service works."""
        self._tell("READY=1")

    def alive(self) -> None:
        """Give a sign of life."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """Report that the service is stopping."""
        self._tell("STOPPING=1")

    def _tell(self, message: str) -> None:
        if self._address:
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as endpoint:
                endpoint.settimeout(1)
                endpoint.sendto(message.encode("ascii"), self._address)

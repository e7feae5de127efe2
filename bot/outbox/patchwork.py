# SPDX-License-Identifier: GPL-2.0-or-later
"""Post checks to Patchwork over its REST API (patchwork 2.1 and later)."""

import json
import time
from collections.abc import Mapping
from typing import Any, Final

from bot.outbox.error import OutboxError, RefusedError
from bot.review.patch_check import PatchCheck
from bot.version import VERSION

CONTEXT: Final = "patchwarden"
_MAX_ANSWER: Final = 1_000_000  # bytes
_SECONDS: Final = 30.0  # of a request
_SILENCE: Final = 10.0  # seconds between two chunks
_PAGE: Final = "100"
_REFUSED: Final = (400, 404, 405, 422)
"""The answers that a later attempt would get too. An expired token and a busy server may be better later."""


class Patchwork:
    """bot.ports.checks.CheckServer at a URL. Redirects are not followed: they would get the token."""

    def __init__(self, url: str, token: str) -> None:
        self._api = f"{url.rstrip('/')}/api"
        self._headers = {
            "Authorization": f"Token {token}",
            "User-Agent": f"patchwarden/{VERSION}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }

    def find_patch(self, message_id: str, project: str) -> int | None:
        patches = self._ask("GET", "/patches/", params={"msgid": message_id, "project": project})
        # A server that does not know the filter answers with all its patches.
        known = (patch for patch in _objects(patches) if str(patch.get("msgid")).strip("<>") == message_id)
        return next((patch["id"] for patch in known if isinstance(patch.get("id"), int)), None)

    def has_check(self, patch: int, check: PatchCheck) -> bool:
        params = {"context": CONTEXT, "per_page": _PAGE}
        checks = self._ask("GET", f"/patches/{patch}/checks/", params=params)
        ours = [known for known in _objects(checks) if known.get("context") == CONTEXT]
        newest = max(ours, key=lambda known: known["id"] if isinstance(known.get("id"), int) else 0, default=None)
        return newest is not None and all((newest.get(name) or "") == value for name, value in _content(check).items())

    def post(self, patch: int, check: PatchCheck) -> None:
        self._ask("POST", f"/patches/{patch}/checks/", content=_content(check))

    def test_token(self) -> None:
        """Ask for what only an account may see. Raises OutboxError if the token is wrong or no server answers."""
        self._ask("GET", "/users/", params={"per_page": "1"})

    def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        content: Mapping[str, str] | None = None,
    ) -> Any:
        """Return the JSON of an answer. Raises OutboxError, which never contains the token."""
        import httpx

        url, deadline = f"{self._api}{path}", time.monotonic() + _SECONDS
        try:
            with (
                httpx.Client(headers=self._headers, timeout=_SILENCE, follow_redirects=False) as client,
                client.stream(method, url, params=params, json=content) as response,
            ):
                body = bytearray()
                for part in response.iter_raw():
                    body += part
                    if len(body) > _MAX_ANSWER or time.monotonic() > deadline:
                        raise OutboxError(f"{url}: the answer is too large or too slow")
                status = response.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise OutboxError(f"{url}: {type(error).__name__}") from error
        if status not in (200, 201):
            wrong = RefusedError if method == "POST" and status in _REFUSED else OutboxError
            raise wrong(f"{url}: answered {status}")
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise OutboxError(f"{url}: the answer is not JSON") from error


def _objects(answer: Any) -> list[dict[str, Any]]:
    return [item for item in answer if isinstance(item, dict)] if isinstance(answer, list) else []


def _content(check: PatchCheck) -> dict[str, str]:
    return {
        "state": check.state.value,
        "target_url": check.target_url,
        "context": CONTEXT,
        "description": check.description,
    }

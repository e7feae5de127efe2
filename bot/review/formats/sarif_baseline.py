# SPDX-License-Identifier: GPL-2.0-or-later
"""The results of an earlier SARIF log, with which findings are compared."""

import json
from collections.abc import Mapping
from typing import Any, Final

FINGERPRINT: Final = "patchwarden/v1"
"""The name of our fingerprint in `partialFingerprints`."""


class NoBaselineError(ValueError):
    """The text is not a SARIF log of patchwarden."""


def read_baseline(text: bytes) -> Mapping[str, Mapping[str, Any]]:
    """Return the results of a SARIF log by their fingerprints. Raises NoBaselineError for anything else.

    Results that were absent in that log are left out.
    """
    try:
        log = json.loads(text)
        results = [result for run in log["runs"] for result in run["results"]]
        known = {result["partialFingerprints"][FINGERPRINT]: result for result in results}
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise NoBaselineError("not a SARIF log of patchwarden") from error
    return {name: result for name, result in known.items() if result.get("baselineState") != "absent"}

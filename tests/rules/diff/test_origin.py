# SPDX-License-Identifier: GPL-2.0-or-later
"""Tell the origin of a file from its path."""

import pytest

from rules.diff.origin import Origin, origin


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("rust/kernel/led.rs", Origin.KERNEL),
        ("rust/pin-init/src/lib.rs", Origin.KERNEL),
        ("drivers/gpu/nova-core/gsp.rs", Origin.KERNEL),
        ("rust/syn/lib.rs", Origin.VENDORED),
        ("rust/zerocopy-derive/lib.rs", Origin.VENDORED),
        ("rust/proc-macro2/extra.rs", Origin.VENDORED),
        ("drivers/gpu/nova-core/gsp/fw/r570_144/bindings.rs", Origin.GENERATED),
        ("rust/macros/module.rs", Origin.HOST),
        ("rust/pin-init/examples/mutex.rs", Origin.HOST),
        ("scripts/rustdoc_test_gen.rs", Origin.HOST),
        ("tools/testing/x.rs", Origin.HOST),
    ],
)
def test_the_path_tells_the_origin(path: str, expected: Origin) -> None:
    assert origin(path) is expected

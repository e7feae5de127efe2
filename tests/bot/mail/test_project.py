# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a posting is for the kernel or for another project that shares its lists."""

import pytest

from bot.mail.project import other_project

KERNEL = "rust/kernel/led.rs"


@pytest.mark.parametrize(
    ("tags", "title", "lists", "paths", "project"),
    [
        (["-e2fsprogs:"], "x", [], [KERNEL], "e2fsprogs"),
        (["patch", "(qemu)", "b4"], "x", [], [], "b4"),
        (["libgpiod"], "x", [], [KERNEL], "libgpiod"),
        (["rust-bindgen"], "x", [], [KERNEL], "rust-bindgen"),
        ([], "qemu: x", [], ["include/x.h"], "qemu"),
        ([], "rust: QEMU : x", [], ["include/x.h"], "qemu"),
        ([], "x: about qemu", [], ["include/x.h"], None),
        ([], "x", ["qemu-devel@lists.example.org"], ["include/x.h"], "qemu"),
        (["ethtool-next"], "x", [], ["rust/kernel/x.rs"], "ethtool"),
        ([], "x", ["iproute2@lists.example.org"], ["include/x.h"], "iproute2"),
        ([], "x", ["devel-qemu@lists.example.org"], ["include/x.h"], None),
        ([], "qemu: x", ["qemu-devel@lists.example.org"], ["include/x.h", KERNEL], None),
        ([], "qemu: x", [], ["drivers/a.c"], None),
        ([], "qemu: x", [], ["rust/helpers/led.c"], None),
        ([], "qemu: x", [], ["rust/Makefile"], None),
        ([], "qemu: x", [], [], None),
        ([], "qemu: x", [], ["rust/Cargo.toml"], "qemu"),
        ([], "x", [], ["rust/Cargo.toml"], "rust/Cargo.toml"),
        ([], "x", [], ["include/x.h", "rust/hw/char/src/lib.rs"], "rust/hw/char/src/lib.rs"),
        ([], "x", [], ["rust/hw/meson.build"], "rust/hw/meson.build"),
        ([], "x", [], ["rust/src/lib.rs"], "rust/src/lib.rs"),
        ([], "x", [], ["rust/build.rs"], "rust/build.rs"),
        ([], "x", [], ["block/src/lib.rs"], "block/src/lib.rs"),
        ([], "x", [], ["block/src/lib.c"], None),
        ([], "x", [], ["drivers/led/src/lib.rs"], None),
        ([], "x", [], ["net/src.rs"], None),
        ([], "x", [], ["rust/hw/char/src"], None),
        ([], "x", [], ["Cargo.toml"], None),
        ([], "rust: qom: x", ["qemu-devel@example.org"], ["rust/bindings/qom-sys/lib.rs"], "qemu"),
        ([], "rust: x", ["qemu-devel@example.org"], ["rust/bindings/lib.rs"], None),
        (["patch/blktests"], "x", [], ["rust/kernel/a.rs"], "blktests"),
        (["for-blktests"], "x", [], ["rust/kernel/a.rs"], "blktests"),
        (["qemu-rust"], "x", [], ["rust/kernel/a.rs"], "qemu"),
        (["bindgen"], "x", [], ["rust/kernel/a.rs"], "bindgen"),
        (["coreutils"], "x", [], ["rust/kernel/a.rs"], "coreutils"),
        (["rust-lang/rust"], "x", [], ["rust/kernel/a.rs"], "rust-lang/rust"),
        (["blktests/master"], "x", [], ["rust/kernel/a.rs"], "blktests"),
        (["rust-vmm/kvm-ioctls"], "x", [], ["rust/kernel/a.rs"], "rust-vmm"),
        (["libnvme"], "x", [], ["rust/kernel/a.rs"], "libnvme"),
        (["net/master"], "x", [], ["rust/kernel/a.rs"], None),
        (["mptcp-next"], "x", [], ["rust/kernel/a.rs"], None),
        (["for-next"], "x", [], ["rust/kernel/a.rs"], None),
    ],
)
def test_another_project_is_named_by_its_tag_title_list_or_crate(
    tags: list[str], title: str, lists: list[str], paths: list[str], project: str | None
) -> None:
    assert other_project(tags, title, lists, paths) == project

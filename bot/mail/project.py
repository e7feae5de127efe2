# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a patch is for the kernel: its lists also carry patches for the programs around it."""

from collections.abc import Collection
from typing import Final

from rules.diff.top_level import is_kernel_path
from rules.lazy import re

# As tags, lists and titles name them.
_OTHERS: Final[frozenset[str]] = frozenset(
    re.findall(
        r"\S+",
        """
    alsa-lib alsa-tools alsa-ucm-conf alsa-utils asahi-installer b4 barebox bcache-tools bcachefs-tools bindgen binutils
    blktests bluez bpftrace btrfs-progs buildroot busybox cargo cifs-utils cloud-hypervisor connman coreboot coreutils
    crash-utility crash-utils criu crosvm cryptsetup cxl-cli dmidecode dpdk dracut drgn dt-schema dtc dwarves e2fsprogs
    edid-decode edk2 ell erofs-utils ethtool exfatprogs f2fs-tools fio firecracker fstests gcc gccrs git glibc grub
    hostap hostapd i-g-t i2c-tools igt igt-gpu-tools ima-evm-utils iproute2 iptables iputils iw iwd kdevops kexec-tools
    keyutils kmod ksmbd-tools kvm-unit-tests kvmtool libaio libbpf-rs libcamera libcap libdrm libfuse libgpiod libkrun
    libmnl libnftnl libnl libnvme libseccomp libtraceevent libtracefs liburing libvirt linux-firmware linuxptp ltp
    lttng-modules lttng-tools lttng-ust lvm2 m1n1 makedumpfile man man-pages mdadm mesa meta-oe meta-openembedded mkosi
    mmc-utils mmtests mtd-utils multipath-tools musl ndctl nfs-utils nft nftables nilfs-utils nvme-cli oe-core ofono
    op-tee openembedded-core openocd opensbi openwrt optee_os pahole pciutils poky public-inbox qemu quota-tools
    rt-tests rteval rust-bindgen rust-lang/cargo rust-lang/rust rust-lang/rust-bindgen rust-vmm rustc seabios
    selinux-testsuite sg3_utils smatch sparse squashfs-tools strace stratovirt stress-ng systemd syzkaller tpm2-tools
    tpm2-tss trace-cmd trusted-firmware-a u-boot usbutils userspace util-linux uutils v4l-utils vhost-device
    virglrenderer virtiofsd virtme-ng vm-memory wayland weston wireless-regdb wpa_supplicant xfsprogs xfstests yocto
    zephyr
    """,
    )
)
# Directories at the top of the kernel's tree that are at the top of other projects too.
_SHARED: Final = frozenset({"block", "crypto", "include", "net", "rust", "scripts", "tools"})
_KERNEL_CRATES: Final[frozenset[str]] = frozenset(
    re.findall(
        r"\S+",
        """
    alloc bindings helpers kernel macros pin-init proc-macro2 quote syn uapi zerocopy zerocopy-derive
    """,
    )
)
_CARGO: Final = frozenset({"Cargo.toml", "Cargo.lock", "build.rs", "meson.build"})


def other_project(tags: Collection[str], title: str, lists: Collection[str], paths: Collection[str]) -> str | None:
    """Return the other project that a posting is for, or None.

    A tag in the brackets of the subject decides alone. The subsystem that the title names and the lists that it was
    sent to decide where no changed file is certainly the kernel's, and so does a crate that is laid out as Cargo wants
    it, as in QEMU. `tags` and `lists` are in lower case.
    """
    names = {name for tag in tags for name in _projects_of_tag(tag)}
    named = min(_OTHERS & names, default=None)
    if named is not None:
        return named
    if not paths or any(map(_is_certain, paths)):
        return None
    subsystems = {subsystem.strip() for subsystem in title.lower().split(":")[:-1]}
    names = {address.partition("@")[0] for address in lists}
    # A project's lists begin with its name: qemu-devel, gcc-rust.
    names |= {name.rpartition("-")[0] for name in names}
    named = min(_OTHERS & (subsystems | names), default=None)
    return named or next((path for path in paths if _is_foreign_crate(path)), None)


def _projects_of_tag(tag: str) -> tuple[str, str]:
    """Return the projects that a tag may name.

    Tags are `-blktests`, `for-blktests`, `patch/blktests`, `iproute2-next`, `blktests/master` or `rust-lang/cargo`.
    """
    name = tag.strip("-+:()").removeprefix("patch/").removeprefix("for-")
    name = name.removesuffix("-next").removesuffix("-devel").removesuffix("-rust")
    return name, name.partition("/")[0]


def _is_certain(path: str) -> bool:
    top, _, rest = path.partition("/")
    if top == "rust":
        crate, _, file = rest.partition("/")
        if not file:
            return rest not in _CARGO
        return crate in _KERNEL_CRATES and not (crate == "bindings" and "/" in file)  # QEMU has crates in there
    return is_kernel_path(path) and top not in _SHARED


def _is_foreign_crate(path: str) -> bool:
    *folders, name = path.split("/")
    if folders[:1] == ["rust"]:
        return "src" in folders or name in _CARGO
    return "src" in folders[1:] and folders[0] in _SHARED and name.endswith(".rs")

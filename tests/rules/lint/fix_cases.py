# SPDX-License-Identifier: GPL-2.0-or-later
"""Files before and after the fixes of rules, and files in which a finding has no exact fix."""

FIXED = {
    "a list on one line": (
        "import-vertical-style",
        """\
use kernel::{device::Device, error::{code, Error}, prelude::*};
""",
        """\
use kernel::{
    device::Device,
    error::{
        code,
        Error, //
    },
    prelude::*, //
};
""",
    ),
    "a list without the empty comment": (
        "import-vertical-style",
        """\
mod led {
    pub(crate) use core::{
        mem,
        ptr
    };
}
""",
        """\
mod led {
    pub(crate) use core::{
        mem,
        ptr, //
    };
}
""",
    ),
    "a list within a list of one item": (
        "import-vertical-style",
        """\
use kernel::{error::{self, Error}};
""",
        """\
use kernel::{error::{
    self,
    Error, //
}};
""",
    ),
    "the only import of a declaration": (
        "redundant-prelude-import",
        """\
use kernel::prelude::*;
use core::pin::Pin;
fn on() {}
""",
        """\
use kernel::prelude::*;
fn on() {}
""",
    ),
    "the only import between empty lines": (
        "redundant-prelude-import",
        """\
use kernel::prelude::*;

use core::pin::Pin;

fn on() {}
""",
        """\
use kernel::prelude::*;

fn on() {}
""",
    ),
    "imports in a list": (
        "redundant-prelude-import",
        """\
use kernel::{
    alloc::KBox,
    device::Device,
    error::{
        Error,
        Result, //
    },
    prelude::*,
    str::CStrExt as _, //
};
""",
        """\
use kernel::{
    device::Device,
    error::Error,
    prelude::*, //
};
""",
    ),
    "a path to a constant": (
        "redundant-prelude-import",
        """\
use kernel::prelude::*;
fn on() -> Result {
    Err(kernel::error::code::EINVAL)
}
""",
        """\
use kernel::prelude::*;
fn on() -> Result {
    Err(EINVAL)
}
""",
    ),
    "the path of a C type": (
        "ffi-type-path",
        """\
use kernel::prelude::*;
fn on(led: *mut core::ffi::c_void, level: kernel::ffi::c_int) {}
""",
        """\
use kernel::prelude::*;
fn on(led: *mut c_void, level: c_int) {}
""",
    ),
    "places": (
        "addr-of-macro",
        """\
fn on(led: &mut Led) {
    set(core::ptr::addr_of!(led.level), ::core::ptr::addr_of_mut!((*led.raw).state[1]));
}
""",
        """\
fn on(led: &mut Led) {
    set(&raw const led.level, &raw mut (*led.raw).state[1]);
}
""",
    ),
    "a place that is an operand": (
        "addr-of-macro",
        """\
fn on(led: &mut Led) -> *const u8 {
    core::ptr::addr_of!(led.level).cast()
}
""",
        """\
fn on(led: &mut Led) -> *const u8 {
    (&raw const led.level).cast()
}
""",
    ),
    "an attribute": (
        "allow-not-expect",
        """\
#[allow(dead_code)]
fn on() {}
""",
        """\
#[expect(dead_code)]
fn on() {}
""",
    ),
    "a result": (
        "result-unit",
        """\
use kernel::error::Result;
fn on() -> Result<()> {
    Ok(())
}
""",
        """\
use kernel::error::Result;
fn on() -> Result {
    Ok(())
}
""",
    ),
    "messages": (
        "printk-newline",
        """\
fn on(led: &Led) {
    pr_info!("on");
    dev_err!(
        led.as_ref(),
        "no {}",
        1
    );
}
""",
        """\
fn on(led: &Led) {
    pr_info!("on\\n");
    dev_err!(
        led.as_ref(),
        "no {}\\n",
        1
    );
}
""",
    ),
    "a macro's path": (
        "macro-unhygienic-path",
        """\
#[macro_export]
macro_rules! led {
    () => {
        core::mem::drop(1)
    };
}
""",
        """\
#[macro_export]
macro_rules! led {
    () => {
        ::core::mem::drop(1)
    };
}
""",
    ),
    "headings without empty lines": (
        "doc-heading-blank-line",
        """\
impl Led {
    /// On.
    /// # Safety
    /// None.
    /// # Examples
    pub fn on() {}
}
""",
        """\
impl Led {
    /// On.
    ///
    /// # Safety
    ///
    /// None.
    ///
    /// # Examples
    pub fn on() {}
}
""",
    ),
    "adjacent headings": (
        "doc-heading-blank-line",
        """\
/// On.
///
/// # Safety
/// # Examples
///
/// None.
pub fn on() {}
""",
        """\
/// On.
///
/// # Safety
///
/// # Examples
///
/// None.
pub fn on() {}
""",
    ),
    "a heading": (
        "doc-heading-plural",
        """\
/// On.
///
/// ## Example:
///
/// None.
pub fn on() {}
""",
        """\
/// On.
///
/// ## Examples:
///
/// None.
pub fn on() {}
""",
    ),
    "empty lines": (
        "doc-empty-lines",
        """\
/// On.
///
///
///
/// Off.
pub fn on() {}
""",
        """\
/// On.
///
/// Off.
pub fn on() {}
""",
    ),
    "a tag": (
        "invariant-tag",
        """\
fn new() -> Self {
    // INVARIANTS: The pointer is valid.
    Self { ptr }
}
""",
        """\
fn new() -> Self {
    // INVARIANT: The pointer is valid.
    Self { ptr }
}
""",
    ),
    "a tag after code with its word": (
        "invariant-tag",
        """\
fn on() {
    show("INVARIANTS"); // INVARIANTS: The pointer is valid.
}
""",
        """\
fn on() {
    show("INVARIANTS"); // INVARIANT: The pointer is valid.
}
""",
    ),
    "a semicolon": (
        "unsafe-semicolon",
        """\
fn on(led: *mut u8) {
    // SAFETY: valid.
    unsafe { led_on(led); }
    // SAFETY: valid.
    unsafe {
        led_off(led);
    }
    // SAFETY: valid.
    unsafe { led_on(led); };
    // SAFETY: valid.
    unsafe { led_off(led); } // It blinks.
    // SAFETY: valid.
    unsafe {
        led_on(led);
    };
}
""",
        """\
fn on(led: *mut u8) {
    // SAFETY: valid.
    unsafe { led_on(led) };
    // SAFETY: valid.
    unsafe { led_off(led) };
    // SAFETY: valid.
    unsafe { led_on(led) };
    // SAFETY: valid.
    unsafe { led_off(led) }; // It blinks.
    // SAFETY: valid.
    unsafe { led_on(led) };
}
""",
    ),
    "a misspelt tag": (
        "safety-comment-placement",
        """\
fn on(led: *mut u8) {
    // Safety : valid.
    unsafe { led_on(led) };
}
""",
        """\
fn on(led: *mut u8) {
    // SAFETY: valid.
    unsafe { led_on(led) };
}
""",
    ),
    "documentation with a tag": (
        "safety-comment-placement",
        """\
/// SAFETY: `Led` has
/// no affinity.
unsafe impl Send for Led {}
""",
        """\
// SAFETY: `Led` has
// no affinity.
unsafe impl Send for Led {}
""",
    ),
    "a comment after its statement": (
        "safety-comment-placement",
        """\
fn on(led: *mut u8) {
    let x = 1;
    unsafe { led_on(led) }; // SAFETY: valid.
}
""",
        """\
fn on(led: *mut u8) {
    let x = 1;
    // SAFETY: valid.
    unsafe { led_on(led) };
}
""",
    ),
    "a comment in its block": (
        "safety-comment-placement",
        """\
fn on(led: *mut u8) {
    let x = unsafe {
        // SAFETY: valid,
        // and on.
        led_on(led)
    };
}
""",
        """\
fn on(led: *mut u8) {
    // SAFETY: valid,
    // and on.
    let x = unsafe {
        led_on(led)
    };
}
""",
    ),
}
"""The rule, a file, and the same file after the fix."""

UNFIXED = {
    "a list with a comment of words": (
        "import-vertical-style",
        """\
use core::{mem, ptr, /* for now */};
""",
    ),
    "a list behind an attribute": (
        "import-vertical-style",
        """\
#[cfg(CONFIG_LED)] use core::{mem, ptr};
""",
    ),
    "an import beside another glob": (
        "redundant-prelude-import",
        """\
use kernel::prelude::*;
use kernel::led::*;
use core::pin::Pin;
""",
    ),
    "a path whose import would be unused": (
        "redundant-prelude-import",
        """\
use kernel::{
    alloc::flags,
    prelude::*, //
};
fn on() -> u32 {
    flags::GFP_KERNEL
}
""",
    ),
    "a C type that is another one in the kernel": (
        "ffi-type-path",
        """\
use kernel::prelude::*;
fn on(name: *const core::ffi::c_char) {}
""",
    ),
    "an import below a comment": (
        "redundant-prelude-import",
        """\
use kernel::prelude::*;
// What callers see:
use core::pin::Pin;

fn on() {}
""",
    ),
    "a C type that the file defines": (
        "ffi-type-path",
        """\
use kernel::prelude::*;
struct c_int(u8);
fn on(level: core::ffi::c_int) {}
""",
    ),
    "a C type in a module without the prelude": (
        "ffi-type-path",
        """\
use kernel::prelude::*;
mod led {
    fn on(led: *mut core::ffi::c_void) {}
}
""",
    ),
    "a place by an import that would be unused": (
        "addr-of-macro",
        """\
use core::ptr;
fn on(led: &Led) {
    set(ptr::addr_of!(led.level));
}
""",
    ),
    "a place that is read at once": (
        "addr-of-macro",
        """\
fn on(led: &Led) -> u8 {
    unsafe { *core::ptr::addr_of!(led.level) }
}
""",
    ),
    "a semicolon beside a comment and another semicolon": (
        "unsafe-semicolon",
        """\
fn on(led: *mut u8) {
    // SAFETY: valid.
    unsafe { led_on(led); } /* now */ ;
}
""",
    ),
    "a place in a macro": (
        "addr-of-macro",
        """\
fn on(led: &Led) {
    pr_info!("{}", core::ptr::addr_of!(led.level));
}
""",
    ),
    "an attribute with other lints": (
        "allow-not-expect",
        """\
#[allow(dead_code, unused_mut)]
fn on() {}
""",
    ),
    "a result beside a glob": (
        "result-unit",
        """\
use super::*;
fn on() -> Result<()> {}
""",
    ),
    "a comment that goes on below its statement": (
        "safety-comment-placement",
        """\
fn on(led: Led) {
    unsafe { led_on(led) }; // SAFETY: `led` is valid,
                            // which the caller guarantees.
    other();
}
""",
    ),
    "a comment in a block with another one": (
        "safety-comment-placement",
        """\
fn on(led: Led) {
    unsafe {
        // SAFETY: `led` is valid.
        led_on(led);
        // SAFETY: It is on.
        led_off(led);
    }
}
""",
    ),
    "a comment that begins with a longer word": (
        "safety-comment-placement",
        """\
fn on(led: Led) {
    // Safety-critical: `led` is valid.
    unsafe { led_on(led) };
}
""",
    ),
    "a comment in a block that continues a statement": (
        "safety-comment-placement",
        """\
fn on(led: Led) {
    led
        .set(unsafe { led_on(led) }) // SAFETY: valid.
        .off();
}
""",
    ),
}
"""The rule, and a file with one finding."""

# SPDX-License-Identifier: GPL-2.0-or-later
"""Examples of rust-api-change-leaves-users."""

from rules.lint.rule import Example

_TREE = """
    | tree rust/bindings/bindings_helper.h
    |  #include <linux/lamp.h>
    | tree rust/kernel/lib.rs
    |  pub mod lamp;
    | tree rust/kernel/lamp.rs
    |  pub struct Lamp;
    |  impl Lamp {
    |      pub fn new(level: u32) -> Self { Lamp }
    |  }
    |  pub fn dim(level: u32) {}
    |  pub trait Driver {
    |      fn probe(&self, level: u32);
    |  }
    | tree drivers/lamp.rs
    |  use kernel::lamp::{self, Driver, Lamp};
    |  impl Driver for Room {
    |      fn probe(&self, level: u32) { lamp::dim(level); Lamp::new(level); }
    |  }
"""

EXAMPLES = (
    Example(
        "a function removed, another with a parameter more",
        _TREE
        + """
    | diff rust/kernel/lamp.rs
    | @@
    |  impl Lamp {
  ! | -    pub fn new(level: u32) -> Self { Lamp }
    | +    pub fn new(level: u32, hue: u32) -> Self { Lamp }
    |  }
  ! | -pub fn dim(level: u32) {}
    | +pub fn darken(level: u32) {}
    |  pub trait Driver {
""",
    ),
    Example(
        "a method of a trait",
        _TREE
        + """
    | diff rust/kernel/lamp.rs
    | @@
    |  pub trait Driver {
  ! | -    fn probe(&self, level: u32);
    | +    fn probe(&self, level: u32, hue: u32);
  ! | +    fn remove(&self);
    |  }
""",
    ),
    Example(
        "a method for the crate alone",
        _TREE
        + """
    | diff rust/kernel/lamp.rs
    | @@
    |  impl Lamp {
  ! | -    pub fn new(level: u32) -> Self { Lamp }
    | +    pub(crate) fn new(level: u32) -> Self { Lamp }
    |  }
""",
    ),
    Example(
        "generic parameters, `unsafe`, and a field",
        """
    | tree rust/bindings/bindings_helper.h
    |  #include <linux/lamp.h>
    | tree rust/kernel/lib.rs
    |  pub mod lamp;
    | tree rust/kernel/lamp.rs
    |  pub struct Lamp<T> {
    |      pub bulb: T,
    |  }
    |  pub struct Info {
    |      pub level: u32,
    |  }
    |  pub fn dim(level: u32) {}
    |  pub trait Driver {}
    | tree drivers/lamp.rs
    |  use kernel::lamp::{self, Driver, Info, Lamp};
    |  impl Driver for Lamp<u8> {}
    |  const INFO: Info = Info { level: 1 };
    |  fn f() { lamp::dim(1); }
    | diff rust/kernel/lamp.rs
    | @@
  ! | -pub struct Lamp<T> {
    | +pub struct Lamp<T, U> {
    |      pub bulb: T,
    |  }
    |  pub struct Info {
    |      pub level: u32,
  ! | +    pub hue: u32,
    |  }
  ! | -pub fn dim(level: u32) {}
    | +pub unsafe fn dim(level: u32) {}
  ! | -pub trait Driver {}
    | +pub unsafe trait Driver {}
""",
    ),
    Example(
        "the series updates the users, or keeps the path",
        _TREE
        + """
    | diff rust/kernel/lamp.rs
    | @@
    | -pub struct Lamp;
    | +pub use crate::light::Lamp;
    |  impl Lamp {
    |      pub fn new(level: u32) -> Self { Lamp }
    |  }
    | -pub fn dim(level: u32) {}
    | +pub fn dim(level: u32, hue: u32) {}
    |  pub trait Driver {
    |      fn probe(&self, level: u32);
    | +    fn remove(&self) {}
    |  }
    | diff rust/kernel/light.rs (new)
    | +pub struct Lamp;
    | diff drivers/lamp.rs
    | @@
    | -    fn probe(&self, level: u32) { lamp::dim(level); Lamp::new(level); }
    | +    fn probe(&self, level: u32) { lamp::dim(level, 0); Lamp::new(level); }
    |  }
""",
    ),
)

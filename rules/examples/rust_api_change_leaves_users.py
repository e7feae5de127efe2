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
        "`const`, a variant, types of a method, a lifetime, and a method that is called on a variable",
        """
    | tree rust/bindings/bindings_helper.h
    |  #include <linux/lamp.h>
    | tree rust/kernel/lib.rs
    |  pub mod lamp;
    | tree rust/kernel/lamp.rs
    |  pub const fn watts(level: u32) -> u32 { level }
    |  pub enum State { Off, On }
    |  pub trait Driver {
    |      fn probe(&self);
    |  }
    |  pub struct Bulb;
    |  pub struct Lamp;
    |  impl Lamp {
    |      pub fn switch(&self) {}
    |  }
    | tree drivers/lamp.rs
    |  use kernel::lamp::{self, Bulb, Driver, Lamp, State};
    |  const WATTS: u32 = lamp::watts(1);
    |  struct Room { bulb: Bulb }
    |  impl Driver for Room {
    |      fn probe(&self) {}
    |  }
    |  fn f(lamp: &Lamp, state: State) {
    |      match state { State::Off => {}, State::On => lamp.switch() }
    |  }
    | diff rust/kernel/lamp.rs
    | @@
  ! | -pub const fn watts(level: u32) -> u32 { level }
    | -pub enum State { Off, On }
    | +pub fn watts(level: u32) -> u32 { level }
  ! | +pub enum State { Off, On, Dim }
    |  pub trait Driver {
  ! | -    fn probe(&self);
    | +    fn probe(&mut self);
    |  }
  ! | -pub struct Bulb;
    | +pub struct Bulb<'a>(&'a u8);
    |  pub struct Lamp;
    |  impl Lamp {
  ! | -    pub fn switch(&self) {}
    | +    pub fn switch(&self, state: State) {}
    |  }
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

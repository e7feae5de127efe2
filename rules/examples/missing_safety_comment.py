# SPDX-License-Identifier: GPL-2.0-or-later
"""The examples of missing-safety-comment, which are its tests too."""

from rules.lint.rule import Example

EXAMPLES = (
    Example(
        "a comment one statement too high",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: *mut Led) {
          | +    // SAFETY: `led` is valid.
          | +    let raw = led.cast();
          | +
        ! | +    unsafe { led_on(raw) };
          | +}
        """,
    ),
    Example(
        "macros of this file and of other crates",
        """
          | diff rust/kernel/led.rs (new)
          | +macro_rules! on {
        ! nit | +    () => { unsafe { led_on() } };
          | +}
          | +
          | +/// Switches it off.
          | +#[macro_export]
          | +macro_rules! off {
        ! note | +    () => { unsafe { led_off() } };
          | +}
        """,
    ),
    Example(
        "default values of fields",
        """
          | diff rust/kernel/led.rs (new)
          | +pub struct Led {
        ! | +    level: u8 = unsafe { level() },
          | +    // SAFETY: `name` may be called at any time.
          | +    pub name: &'static CStr = unsafe { name() },
          | +    colour: Colour<u8> =
        ! | +        unsafe { colour() },
          | +    on: unsafe fn(u8) -> u8,
          | +}
          | +struct Lamp {
          | +    on: unsafe fn(u8) -> u8,
          | +    lights: Lights<Item = u8>,
          | +}
        """,
    ),
    Example(
        "a new block and a new impl",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) {
        ! warning high | +    unsafe { bindings::led_on(led.0) };
          | +}
          | +
        ! | +unsafe impl Send for Led {}
          | +// SAFETY: `Led` has no thread of its own.
          | +unsafe impl Sync for Led {}
        """,
    ),
    Example(
        "a comment above the block, above its statement, in the braces, at the end of the line before",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) -> Result {
          | +    // TODO: check.
          | +    // SAFETY: `led` is valid.
          | +
          | +    #[cfg(CONFIG_LED)]
          | +    unsafe { bindings::led_on(led.0) };
          | +    // SAFETY: `led` is valid.
          | +    let long_name = Some(
          | +        unsafe { bindings::led_get(led.0) },
          | +    );
          | +    let c = unsafe {
          | +        // SAFETY: `led` is valid.
          | +        bindings::led_get(led.0)
          | +    };
          | +    let d = // SAFETY: `led` is valid.
          | +        unsafe { bindings::led_get(led.0) };
          | +    Ok(())
          | +}
        """,
    ),
    Example(
        "comments that only people connect with the block",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) -> Result {
          | +    // SAFETY: `led` is valid.
          | +    #[expect(
          | +        unused
          | +    )]
          | +    let a = unsafe { bindings::led_get(led.0) };
          | +    unsafe { led_on(led.0) }; // SAFETY: `led` is valid.
          | +    // SAFETY: `led` is valid.
          | +    match a {
          | +        0 => unsafe { bindings::led_on(led.0) },
          | +        _ => {
          | +            unsafe { bindings::led_off(led.0) }
          | +        }
          | +    }
          | +    // SAFETY: `led` is valid.
          | +    let led = Led {
          | +        name: 1,
          | +        raw: unsafe { bindings::led_get(led.0) },
          | +    };
          | +    Ok(())
          | +}
        """,
    ),
    Example(
        "another statement, another impl and another block need their own comment",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) {
          | +    // SAFETY: `led` is valid.
          | +    let raw = led.0;
        ! | +    unsafe { bindings::led_on(raw) };
          | +    // SAFETY: `led` is valid.
          | +    unsafe {
          | +        bindings::led_off(raw);
        ! | +        unsafe { bindings::led_on(raw) };
          | +    }
          | +}
          | +// SAFETY: `Led` has no thread of its own.
          | +unsafe impl Send for Led {}
        ! | +unsafe impl Sync for Led {}
        """,
    ),
    Example(
        "the body of a macro, its matcher, a mark for a macro, a field of an initialiser",
        """
          | diff rust/kernel/led.rs (new)
          | +macro_rules! led {
          | +    (unsafe { $led:ident }) => {
      ! nit | +        unsafe { bindings::led_on($led) }
          | +    };
          | +}
          | +led!(unsafe { Led });
          | +fn new() -> impl PinInit<Led> {
          | +    try_pin_init!(Led {
          | +        // SAFETY: `led_init` fills the slot.
          | +        raw <- unsafe { led_init() },
        ! | +        more <- unsafe { led_init() },
          | +    })
          | +}
        """,
    ),
    Example(
        "a removed comment of a block that stays",
        """
          | diff rust/kernel/led.rs (whole)
          |  fn on(led: &Led) {
        ! | -    // SAFETY: `led` is valid.
          |      unsafe { bindings::led_on(led.0) };
          |      // SAFETY: `led` is valid.
          | +    let raw = led.0;
        ! |      unsafe { bindings::led_off(led.0) };
          |  }
        """,
    ),
    Example(
        "old code without a comment that is moved, re-indented or edited",
        """
          | diff rust/kernel/led.rs (whole)
          |  fn on(led: &Led) {
          | -    unsafe { bindings::led_on(led.0) };
          | -    unsafe { bindings::led_off(led.0) };
          | +    if led.is_off() {
          | +        unsafe { bindings::led_on(led.0) };
          | +    }
          |  }
          | diff rust/kernel/led/off.rs (new)
          | +fn off(led: &Led) {
          | +    unsafe { bindings::led_off(led.0) };
          | +}
        """,
    ),
    Example(
        "a later patch of the series adds the comment",
        """
          | patch rust: led: add
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) {
     ! fixed | +    unsafe { bindings::led_on(led.0) };
          | +}
          | patch rust: led: say why
          | diff rust/kernel/led.rs
          |  fn on(led: &Led) {
          | +    // SAFETY: `led` is valid.
          |      unsafe { bindings::led_on(led.0) };
          |  }
        """,
    ),
    Example(
        "a later patch of the series adds the comment in a file of which only hunks are known",
        """
          | patch rust: led: add
          | diff rust/kernel/led.rs
          |  /// Switches it on.
          | +fn on(led: &Led) {
     ! fixed | +    unsafe { bindings::led_on(led.0) };
          | +}
          | patch rust: led: say why
          | diff rust/kernel/led.rs
          |  /// Switches it on.
          |  fn on(led: &Led) {
          | +    // SAFETY: `led` is valid.
          |      unsafe { bindings::led_on(led.0) };
          |  }
        """,
    ),
    Example(
        "a later patch of the series edits one block and removes the other",
        """
          | patch rust: led: add
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) {
        ! | +    unsafe { bindings::led_on(led.0) };
     ! fixed | +    unsafe { bindings::led_blink(led.0) };
          | +}
          | patch rust: led: set the level
          | diff rust/kernel/led.rs
          |  fn on(led: &Led) {
          | -    unsafe { bindings::led_on(led.0) };
          | +    unsafe { bindings::led_on(led.0, 1) };
          |      unsafe { bindings::led_blink(led.0) };
          |  }
          | patch rust: led: no blinking
          | diff rust/kernel/led.rs
          |  fn on(led: &Led) {
          |      unsafe { bindings::led_on(led.0, 1) };
          | -    unsafe { bindings::led_blink(led.0) };
          |  }
        """,
    ),
    Example(
        "a later patch of the series moves it",
        """
          | patch rust: led: add
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) {
        ! | +    unsafe { bindings::led_on(led.0) };
          | +}
          | patch rust: led: move
          | diff rust/kernel/led.rs (deleted)
          | -fn on(led: &Led) {
          | -    unsafe { bindings::led_on(led.0) };
          | -}
          | diff rust/kernel/light.rs (new)
          | +fn on(led: &Led) {
          | +    unsafe { bindings::led_on(led.0) };
          | +}
        """,
    ),
    Example(
        "a later patch of the series moves one block, and moves the other one below a comment",
        """
             | patch rust: led: add
             | diff rust/kernel/led.rs (new)
             | +fn on(led: &Led) {
           ! | +    unsafe { bindings::led_on(led.0) };
             | +}
             | +fn off(led: &Led) {
        ! fixed | +    unsafe { bindings::led_off(led.0) };
             | +}
             | patch rust: led: move
             | diff rust/kernel/led.rs
             | -fn on(led: &Led) {
             | -    unsafe { bindings::led_on(led.0) };
             | -}
             | -fn off(led: &Led) {
             | -    unsafe { bindings::led_off(led.0) };
             | -}
             | +mod light;
             | diff rust/kernel/light.rs (new)
             | +fn on(led: &Led) {
             | +    unsafe { bindings::led_on(led.0) };
             | +}
             | +fn off(led: &Led) {
             | +    // SAFETY: `led` is valid.
             | +    unsafe { bindings::led_off(led.0) };
             | +}
        """,
    ),
    Example(
        "hunks that show the head of a macro, and that show only an else branch",
        """
          | diff rust/kernel/led.rs
          | @@ 40 @@ fn other() {
          |  macro_rules! led {
          |      ($led:expr) => {
      ! nit medium | +        unsafe { bindings::led_on($led) };
          |          1
          |      };
          |  }
          | @@ 80 @@ fn on() {
          |          a();
          |      } else {
          | +        unsafe { bindings::led_off() };
          |      }
        """,
    ),
    Example(
        "hunks that show the comment's place, and hunks that do not",
        """
          | diff rust/kernel/led.rs
          | @@ 40 @@ impl Led {
          |          let raw = self.0;
          |          self.check();
   ! medium | +        unsafe { bindings::led_on(raw) };
          |          raw.done();
          | @@ 80 @@ impl Led {
          | +        unsafe { bindings::led_off(raw) };
          |          raw.done();
          | @@ 120 @@ macro_rules! led {
          |          let raw = self.0;
          |          self.check();
          | +        unsafe { bindings::led_on(raw) };
          | @@ 160 @@ fn on(&self) -> $level {
          |          let raw = self.0;
          |          self.check();
          | +        unsafe { bindings::led_on(raw) };
        """,
    ),
    Example(
        "vendored and generated code, and where the lint is allowed",
        """
          | diff rust/syn/led.rs (new)
          | +fn on() { unsafe { led_on() } }
          | diff drivers/gpu/led/fw/bindings.rs (new)
          | +fn on() { unsafe { led_on() } }
          | diff rust/kernel/led.rs (new)
          | +#[expect(clippy::undocumented_unsafe_blocks)]
          | +fn on() { unsafe { led_on() } }
        """,
    ),
)

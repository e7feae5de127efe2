# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: E101  Kconfig indents help texts by a tab and two spaces
"""The sources of the sample archive: the tree that its series stand on, and what they make of it."""

from typing import Final

BASE: Final = {
    "drivers/hwmon/Kconfig": """# SPDX-License-Identifier: GPL-2.0-only
menuconfig HWMON
	tristate "Hardware Monitoring support"

if HWMON

config SENSORS_EGRET
	tristate "Egret temperature sensor"
	depends on I2C
	help
	  Say yes here for the Egret temperature sensor.

config SENSORS_IBIS
	tristate "Ibis voltage monitor"
	depends on I2C
	help
	  Say yes here for the Ibis voltage monitor.

endif # HWMON
""",
    "drivers/hwmon/Makefile": """# SPDX-License-Identifier: GPL-2.0
obj-$(CONFIG_HWMON)		+= hwmon.o

obj-$(CONFIG_SENSORS_EGRET)	+= egret.o
obj-$(CONFIG_SENSORS_IBIS)	+= ibis.o
""",
    "rust/bindings/bindings_helper.h": """/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Header that contains the code (mostly headers) for which Rust bindings
 * will be automatically generated.
 */

#include <linux/errname.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/i2c.h>
#include <linux/slab.h>
#include <linux/valve.h>
""",
    "rust/kernel/lib.rs": """// SPDX-License-Identifier: GPL-2.0

//! The `kernel` crate.

#![no_std]

pub mod alloc;
pub mod device;
pub mod error;
pub mod fs;
pub mod i2c;
pub mod list;
pub mod prelude;
pub mod print;
pub mod sync;
pub mod time;
pub mod types;
pub mod workqueue;
""",
    "samples/rust/Kconfig": """# SPDX-License-Identifier: GPL-2.0

menuconfig SAMPLES_RUST
	bool "Rust samples"
	depends on RUST

if SAMPLES_RUST

config SAMPLE_RUST_MINIMAL
	tristate "Minimal"
	help
	  This option builds the Rust minimal module sample.

endif # SAMPLES_RUST
""",
    "samples/rust/Makefile": """# SPDX-License-Identifier: GPL-2.0
obj-$(CONFIG_SAMPLE_RUST_MINIMAL)	+= rust_minimal.o
""",
}

HELPER_ANCHOR: Final = "#include <linux/fs.h>\n"
HELPER_WITH_GAUGE: Final = "#include <linux/fs.h>\n#include <linux/gauge.h>\n"

GAUGE: Final = """// SPDX-License-Identifier: GPL-2.0

//! Gauges.
//!
//! C header: [`include/linux/gauge.h`](srctree/include/linux/gauge.h).

use crate::{error::to_result, prelude::*, types::Opaque};

/// A registered gauge.
///
/// # Invariants
///
/// The `struct gauge_device` inside is registered for as long as a reference to this exists.
#[repr(transparent)]
pub struct Gauge(Opaque<bindings::gauge_device>);

// SAFETY: The C side locks the device in every function that takes one, so that any thread may use
// and drop a reference to it.
unsafe impl Send for Gauge {}

// SAFETY: As for `Send`: the C side does its own locking.
unsafe impl Sync for Gauge {}

impl Gauge {
    /// Makes a reference to a gauge from a pointer to its C counterpart.
    ///
    /// # Safety
    ///
    /// `ptr` must point to a `struct gauge_device` that is registered for the whole of `'a`.
    pub unsafe fn from_raw<'a>(ptr: *mut bindings::gauge_device) -> &'a Self {
        // SAFETY: The caller promises that `ptr` is valid for `'a`, and the layouts are the same
        // because `Self` is transparent.
        unsafe { &*ptr.cast() }
    }

    /// Takes a reading, in the gauge's own unit.
    pub fn read(&self) -> Result<u32> {
        let mut reading = 0;
        // SAFETY: By the type invariants the device is registered; `reading` is a valid place for
        // the duration of the call.
        to_result(unsafe { bindings::gauge_read(self.0.get(), &mut reading) })?;
        Ok(reading)
    }
}
"""

GAUGE_UNIT_TYPE_ANCHOR: Final = "/// A registered gauge.\n"
GAUGE_UNIT_TYPE: Final = """/// What a reading is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Millilitres.
    Millilitre,
    /// Grams.
    Gram,
}

/// A registered gauge.
"""

GAUGE_UNIT_READ_ANCHOR: Final = """        Ok(reading)
    }
"""
GAUGE_UNIT_READ: Final = """        Ok(reading)
    }

    /// Returns the unit of the readings, or [`ENODATA`] if this code does not know it.
    pub fn unit(&self) -> Result<Unit> {
        // SAFETY: By the type invariants the device is registered.
        match unsafe { bindings::gauge_unit(self.0.get()) } {
            bindings::GAUGE_UNIT_ML => Ok(Unit::Millilitre),
            bindings::GAUGE_UNIT_G => Ok(Unit::Gram),
            _ => Err(ENODATA),
        }
    }
"""

_VALVE_TOP: Final = """// SPDX-License-Identifier: GPL-2.0

//! Valves.
//!
//! C header: [`include/linux/valve.h`](srctree/include/linux/valve.h).

use crate::{error::to_result, prelude::*, types::Opaque};

/// A registered valve.
///
/// # Invariants
///
/// The `struct valve` inside is registered for as long as a reference to this exists.
#[repr(transparent)]
pub struct Valve(Opaque<bindings::valve>);

"""

VALVE: Final = (
    _VALVE_TOP
    + """unsafe impl Send for Valve {}
unsafe impl Sync for Valve {}

impl Valve {
    /// Makes a reference to a valve from a pointer to its C counterpart.
    pub unsafe fn from_raw<'a>(ptr: *mut bindings::valve) -> &'a Self {
        unsafe { &*ptr.cast() }
    }

    /// Finds a valve by its name.
    pub fn by_name(name: &CStr) -> Result<&'static Self> {
        let ptr = unsafe { bindings::valve_by_name(name.as_char_ptr()) };
        if ptr.is_null() {
            return Err(ENODEV);
        }
        Ok(unsafe { Self::from_raw(ptr) })
    }

    /// Returns whether anything can flow.
    pub fn is_open(&self) -> bool {
        unsafe { bindings::valve_is_open(self.0.get()) }
    }
}
"""
)

VALVE_2: Final = (
    _VALVE_TOP
    + """unsafe impl Send for Valve {}
unsafe impl Sync for Valve {}

impl Valve {
    /// Makes a reference to a valve from a pointer to its C counterpart.
    ///
    /// # Safety
    ///
    /// `ptr` must point to a `struct valve` that is registered for the whole of `'a`.
    pub unsafe fn from_raw<'a>(ptr: *mut bindings::valve) -> &'a Self {
        // SAFETY: The caller promises that `ptr` is valid for `'a`, and the layouts are the same
        // because `Self` is transparent.
        unsafe { &*ptr.cast() }
    }

    /// Finds a valve by its name.
    pub fn by_name(name: &CStr) -> Result<&'static Self> {
        // SAFETY: `name` is NUL-terminated and valid for the duration of the call.
        let ptr = unsafe { bindings::valve_by_name(name.as_char_ptr()) };
        if ptr.is_null() {
            return Err(ENODEV);
        }
        // SAFETY: `ptr` is not null, and a valve that was found by name is never unregistered.
        Ok(unsafe { Self::from_raw(ptr) })
    }

    /// Returns whether anything can flow.
    pub fn is_open(&self) -> bool {
        // SAFETY: By the type invariants the valve is registered.
        unsafe { bindings::valve_is_open(self.0.get()) }
    }
}
"""
)

VALVE_SET_ANCHOR: Final = """bindings::valve_is_open(self.0.get()) }
    }
"""
VALVE_SET: Final = """bindings::valve_is_open(self.0.get()) }
    }

    /// Opens the valve by so many per cent.
    pub fn set_position(&self, percent: u8) -> Result {
        to_result(unsafe { bindings::valve_set_position(self.0.get(), percent.into()) })
    }
"""
VALVE_SET_2: Final = """bindings::valve_is_open(self.0.get()) }
    }

    /// Opens the valve by so many per cent; [`EINVAL`] if there is no such position.
    pub fn set_position(&self, percent: u8) -> Result {
        to_result(unsafe { bindings::valve_set_position(self.0.get(), percent.into()) })
    }
"""

SAMPLE_KCONFIG_ANCHOR: Final = "endif # SAMPLES_RUST\n"
SAMPLE_KCONFIG: Final = """config SAMPLE_RUST_VALVE
	tristate "Valve"
	depends on VALVE
	help
	  This option builds the Rust valve sample.

endif # SAMPLES_RUST
"""
SAMPLE_MAKEFILE_ANCHOR: Final = "rust_minimal.o\n"
SAMPLE_MAKEFILE: Final = "rust_minimal.o\nobj-$(CONFIG_SAMPLE_RUST_VALVE)		+= rust_valve.o\n"
SAMPLE: Final = """// SPDX-License-Identifier: GPL-2.0

//! Rust valve sample.

use kernel::{prelude::*, valve::Valve};

module! {
    type: RustValve,
    name: "rust_valve",
    authors: ["Rust for Linux Contributors"],
    description: "Rust valve sample",
    license: "GPL",
}

struct RustValve;

impl kernel::Module for RustValve {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let valve = Valve::by_name(c"sample")?;
        valve.set_position(50)?;
        pr_info!("The valve is {}.\\n", if valve.is_open() { "open" } else { "shut" });
        Ok(RustValve)
    }
}
"""

HWMON_KCONFIG_ANCHOR: Final = """config SENSORS_IBIS
"""
HWMON_KCONFIG: Final = """config SENSORS_HERON
	tristate "Heron fan controller"
	depends on I2C=y && RUST
	help
	  Say yes here for the Heron fan controller.

config SENSORS_IBIS
"""
HWMON_MAKEFILE_ANCHOR: Final = "obj-$(CONFIG_SENSORS_IBIS)"
HWMON_MAKEFILE: Final = "obj-$(CONFIG_SENSORS_HERON)	+= heron.o\nobj-$(CONFIG_SENSORS_IBIS)"

HERON: Final = """// SPDX-License-Identifier: GPL-2.0

//! Heron fan controller.

use kernel::{
    bindings, c_str,
    device::Core,
    error::to_result,
    i2c,
    prelude::*,
};

/// The register that holds the fan's speed, in steps of 50 turns a minute.
const SPEED: u8 = 0x12;

kernel::i2c_device_table!(
    HERON_IDS,
    MODULE_HERON_IDS,
    <HeronDriver as i2c::Driver>::IdInfo,
    [(i2c::DeviceId::new(c_str!("heron")), ())]
);

struct HeronDriver;

impl HeronDriver {
    /// Reads the fan's speed in turns a minute.
    fn speed(client: &i2c::I2cClient<Core>) -> Result<u32> {
        // SAFETY: A bound client is valid for as long as there is a reference to it.
        let steps = unsafe { bindings::i2c_smbus_read_byte_data(client.as_raw(), SPEED) };
        to_result(steps)?;
        Ok(u32::try_from(steps)? * 50)
    }
}

impl i2c::Driver for HeronDriver {
    type IdInfo = ();

    const I2C_ID_TABLE: Option<i2c::IdTable<Self::IdInfo>> = Some(&HERON_IDS);

    fn probe(client: &i2c::I2cClient<Core>, _info: Option<&()>) -> impl PinInit<Self, Error> {
        dev_info!(client.as_ref(), "the fan turns at {}/min\\n", Self::speed(client)?);
        Ok(Self)
    }
}

kernel::module_i2c_driver! {
    type: HeronDriver,
    name: "heron",
    authors: ["Carl Fenn"],
    description: "Heron fan controller",
    license: "GPL",
}
"""

TALLY: Final = """// SPDX-License-Identifier: GPL-2.0

//! Counters.

use crate::prelude::*;

/// A counter that does not wrap.
pub struct Tally(usize);

impl Tally {
    /// Makes a counter that stands at nothing.
    pub const fn new() -> Self {
        Self(0)
    }

    /// Counts one more.
    pub fn add(&mut self) -> Result {
        self.0 = self.0.checked_add(1).ok_or(EOVERFLOW)?;
        Ok(())
    }
}
"""
TALLY_DOWN_ANCHOR: Final = """ok_or(EOVERFLOW)?;
        Ok(())
    }
"""
TALLY_DOWN: Final = """ok_or(EOVERFLOW)?;
        Ok(())
    }

    /// Counts one less.
    pub fn remove(&mut self) -> Result {
        self.0 = self.0.checked_sub(1).ok_or(ERANGE)?;
        Ok(())
    }
"""
TALLY_EMPTY_ANCHOR: Final = """ok_or(ERANGE)?;
        Ok(())
    }
"""
TALLY_EMPTY: Final = """ok_or(ERANGE)?;
        Ok(())
    }

    /// Returns whether nothing is left.
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }
"""

/*
 * Device registers and ports for tests of drivers: what a driver reads and writes goes to functions
 * that the test sets. Registers are told by their physical address. A NULL function: reads give all
 * ones, writes do nothing.
 */
#ifndef TESTS_HOST_FAKE_REGS_H
#define TESTS_HOST_FAKE_REGS_H

#include "tests/host/harness.h"

#include "arch/x86/mmio.h"

struct fake_regs {
	enum status (*map)(u64 address, u64 size); /* NULL: all can be mapped */
	u64 (*read)(u64 address, u8 width);
	void (*write)(u64 address, u8 width, u64 value);
	u32 (*port_in)(u16 port, u8 width);
	void (*port_out)(u16 port, u8 width, u32 value);
};

extern struct fake_regs fake_regs;

#endif

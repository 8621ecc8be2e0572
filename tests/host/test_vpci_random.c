// sources: hv/vm/vpci.c hv/vm/vpci_check.c hv/vm/vpci_config.c hv/vm/vpci_bar.c hv/vm/vpci_place.c
// sources: hv/vm/vpci_access.c hv/vm/vpci_msi.c hv/vm/vpci_msix.c hv/vm/route.c hv/vm/vioapic.c
// sources: drivers/pci_print.c drivers/pci_caps.c tests/host/fake_vm.c tests/host/fake_vm_functions.c
// sources: tests/host/fake_pci.c tests/host/fake_regs.c
#include "tests/host/vpci_rules.h"

/*
 * A guest that does anything at all with its devices: after each step what it reached must be its own,
 * and the hardware must hold nothing that it made up. The same seed makes the same steps.
 */

#define STEPS 60000

static u64 seed;

static u32 random_u32(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(seed >> 32);
}

static u32 below(u32 n)
{
	return random_u32() % n;
}

/* Values with a meaning somewhere more often than others. */
static u32 value(void)
{
	static const u32 known[] = {
		0,	    ~0u,	1,	    3,		7,	    0x407,
		0xfee00000, 0xfee00004, 0xfee01004, 0xfee00010, 0x41,	    0x0f,
		0x441,	    0x8000,	0xc000,	    0x80000000, 0xc0000000, 0x00810000,
		0x00010000, 0x00710000, 0xc0000000, 0xc0002000, 0xc0020000, 0xd0000000,
		0xd0001000, 0xd0002000, 0xfec00000, 0x00100000, FAKE_RAM,   FAKE_RAM - 0x1000,
		0xfffe0000, 0x2001,	0xc001,	    0xcf9,
	};

	return below(4) ? known[below(ARRAY_SIZE(known))] : random_u32();
}

static u8 width(u32 of)
{
	return (u8)(1u << below(of));
}

/* Somewhere in a BAR, mostly in one that is trapped. */
static u64 place(void)
{
	const struct vpci_device *device = &VM->pci.device[below(DEVICES)];
	const struct vpci_bar *bar = &device->bar[below(PCI_MAX_BARS)];

	return bar->at + bar->trap_start + below(0x1100);
}

static void dword_set(u8 slot, u32 offset, u32 dword)
{
	config_set(slot, (u8)offset, 4, dword);
}

/* Something that a driver would do, so that there is something to break. */
static void lawful(void)
{
	u32 n = below(DEVICES);
	u8 slot = (u8)(n + 1);
	const struct pci_function *function = VM->pci.device[n].function;
	const struct vpci_bar *bar = &VM->pci.device[n].bar[function->msix_table_bar];
	u64 entry = bar->at + function->msix_table_offset + 16 * below(8);

	dword_set(slot, PCI_COMMAND, below(4) ? 7 : 0);
	dword_set(slot, PCI_BAR0 + 4 * below(PCI_MAX_BARS), 0xd0000000 + (below(64) << 13));
	if (function->msi) {
		dword_set(slot, function->msi + 4u, 0xfee00000);
		dword_set(slot, function->msi + 8u, 0);
		dword_set(slot, function->msi + 12u, 0x20 + below(0xe0));
		dword_set(slot, function->msi, below(2) << 16 | below(8) << 20);
	}
	if (function->msix) {
		dword_set(slot, function->msix, below(4) << 30);
		(void)vpci_mmio_write(VM, gpa(entry), 8, 0xfee00000);
		(void)vpci_mmio_write(VM, gpa(entry + 8), 8, 0x20 + below(0xe0));
	}
	vioapic_write(VM, 0, 0x10 + 2 * (16 + n));
	vioapic_write(VM, 0x10, 0x8020 + below(0xe0));
}

static void step(void)
{
	u64 unused;
	u32 unused32;

	switch (below(7)) {
	case 0:
	case 1:
		vpci_port_write(VM, VPCI_ADDRESS_PORT, 4,
				(u32)BIT(31) | below(DEVICES + 2) << 11 | (random_u32() & 0xff));
		vpci_port_write(VM, (u16)(VPCI_DATA_PORT + below(4)), width(3), value());
		(void)vpci_port_read(VM, (u16)(VPCI_DATA_PORT + below(4)), width(3));
		break;
	case 2:
		(void)vpci_mmio_write(VM, gpa(place()), width(4), value() | (u64)value() << 32);
		break;
	case 3:
		(void)vpci_mmio_read(VM, gpa(place()), width(4), &unused);
		break;
	case 4:
		(void)vpci_io_write(VM, (u16)value(), width(3), value());
		(void)vpci_io_read(VM, (u16)value(), width(3), &unused32);
		break;
	case 5:
		lawful();
		break;
	default:
		vioapic_write(VM, 0, 0x10 + below(48));
		vioapic_write(VM, below(8) ? 0x10 : 0x40, below(2) ? value() : below(0x20000));
		break;
	}
}

static void hostile_guest(void **state)
{
	(void)state;
	seed = 1;
	add_devices();
	for (unsigned n = 0; n < STEPS; n++) {
		step();
		check_regions();
		check_device(n % DEVICES);
		if (n % 16 == 0)
			check_pins();
	}
	check_at_end();
	/* It did get through with something, and did not fill the log. */
	assert_true(machine.sets > STEPS / 10);
	assert_true(strlen(captured_log()) < 10000);
	check_release();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(hostile_guest, fake_vm_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

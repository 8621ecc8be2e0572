// sources: hv/vm/vpci.c hv/vm/vpci_check.c hv/vm/vpci_config.c hv/vm/vpci_bar.c hv/vm/vpci_place.c
// sources: hv/vm/vpci_access.c hv/vm/vpci_msi.c hv/vm/vpci_msix.c hv/vm/route.c hv/vm/vioapic.c
// sources: drivers/pci_print.c drivers/pci_caps.c tests/host/fake_vm.c tests/host/fake_vm_functions.c
// sources: tests/host/fake_pci.c tests/host/fake_regs.c
// libs: -lcmocka
// runs: 5000
// max_len: 512
/*
 * A guest's accesses to its PCI devices, 8 bytes each: kind and width, device, place, value. After each, all
 * that tests/host/vpci_rules.h asks for must hold.
 */
#include "tests/fuzz/fuzz.h"

#include "tests/host/vpci_rules.h"

/* Outside of a cmocka test a failed assertion only exits; libFuzzer sees an abort better. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return setenv("CMOCKA_TEST_ABORT", "1", 1);
}

/* In a BAR of a device as the guest placed it, mostly the part that is trapped. */
static u64 place(u8 device, u16 where)
{
	unsigned n = where >> 13;

	if (n >= PCI_MAX_BARS)
		return (u64)where << 20;

	const struct vpci_bar *bar = &VM->pci.device[device % DEVICES].bar[n];

	return bar->at + bar->trap_start + (where & 0x1fff);
}

static void configure(u8 device, u16 offset, u8 width, u32 value, bool write)
{
	u16 port = (u16)(VPCI_DATA_PORT + (offset >> 8 & 3));

	vpci_port_write(VM, VPCI_ADDRESS_PORT, 4,
			(u32)BIT(31) | (u32)(device % (DEVICES + 2)) << 11 | (offset & 0xff));
	if (write)
		vpci_port_write(VM, port, width, value);
	(void)vpci_port_read(VM, port, width);
}

static void step(struct fuzz_input *input)
{
	u8 kind = (u8)fuzz_take(input, 1);
	u8 device = (u8)fuzz_take(input, 1);
	u16 where = (u16)fuzz_take(input, 2);
	u32 value = (u32)fuzz_take(input, 4);
	u8 log = kind >> 4 & 3;
	u8 width = (u8)(1u << (log == 3 ? 2 : log));
	u8 wide = (u8)(1u << log);
	u64 read;
	u32 read32;

	switch (kind & 7) {
	case 0:
	case 1:
	case 2:
		configure(device, where, width, value, kind & 7);
		break;
	case 3:
		(void)vpci_mmio_write(VM, gpa(place(device, where)), wide,
				      value | (u64)device << 32);
		break;
	case 4:
		(void)vpci_mmio_read(VM, gpa(place(device, where)), wide, &read);
		break;
	case 5:
		(void)vpci_io_write(VM, where, width, value);
		(void)vpci_io_read(VM, where, width, &read32);
		break;
	case 6:
		vpci_port_write(VM, (u16)(VPCI_ADDRESS_PORT + (where & 7)), width, value);
		(void)vpci_port_read(VM, (u16)(VPCI_ADDRESS_PORT + (where & 7)), width);
		break;
	default:
		vioapic_write(VM, 0, where);
		vioapic_write(VM, 0x10, value);
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input input = {.bytes = {data, size}};

	(void)fake_vm_setup(NULL);
	add_devices();
	while (fuzz_has_more(&input)) {
		step(&input);
		check_regions();
		for (unsigned n = 0; n < DEVICES; n++)
			check_device(n);
		check_pins();
	}
	check_at_end();
	check_release();
	return 0;
}

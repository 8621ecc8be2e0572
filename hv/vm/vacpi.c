#include "hv/vm/vacpi.h"

#include "hv/vm/aml.h"
#include "hv/vm/memory_layout.h"
#include "hv/vm/pm_timer.h"
#include "hv/vm/vm.h"

/* The header of all tables but the RSDP, 5.2.6. */
#define HEADER_LENGTH	4
#define HEADER_CHECKSUM 9

#define REVISION_DSDT 2
#define REVISION_MADT 5
#define REVISION_FADT 6

#define RSDP_FIRST_SIZE	   20 /* what revision 0 had */
#define RSDP_CHECKSUM	   8
#define RSDP_CHECKSUM_FULL 32

/* FADT, 5.2.9: the fields that are not zero. */
#define FADT_SIZE	      276
#define FADT_DSDT	      40
#define FADT_PROFILE	      45
#define FADT_BOOT_ARCH	      109
#define FADT_FLAGS	      112
#define FADT_PM_TIMER	      76
#define FADT_PM_TIMER_LENGTH  91
#define FADT_X_DSDT	      140
#define FADT_X_PM_TIMER	      208 /* a generic address structure, 5.2.3.2 */
#define GAS_IO_SPACE	      1
#define GAS_DWORD	      3
#define FADT_PROFILE_SERVER   4
#define FADT_ARCH_NO_VGA      0x0004 /* and no 8042: its bit, 1, is clear */
#define FADT_ARCH_NO_ASPM     0x0010
#define FADT_ARCH_NO_CMOS     0x0020
#define FADT_WBINVD	      BIT(0)
#define FADT_NO_POWER_BUTTON  BIT(4) /* not as a fixed feature */
#define FADT_NO_SLEEP_BUTTON  BIT(5)
#define FADT_PM_TIMER_32      BIT(8)
#define FADT_HEADLESS	      BIT(12)
#define FADT_HARDWARE_REDUCED BIT(20)

/* MADT, 5.2.12. */
#define MADT_CPU	 0 /* type and length of each kind of entry */
#define MADT_CPU_SIZE	 8
#define MADT_IOAPIC	 1
#define MADT_IOAPIC_SIZE 12
#define MADT_X2APIC	 9
#define MADT_X2APIC_SIZE 16
#define MADT_ENABLED	 1
#define MADT_CPU_ID_LAST 254

#define PCI_PINS 4

static u32 table_open(struct emit *emit, const char *signature, u8 revision)
{
	u32 at = emit->size;

	emit_text(emit, signature, 4);
	emit_u32(emit, 0); /* length */
	emit_u8(emit, revision);
	emit_u8(emit, 0); /* checksum */
	emit_text(emit, "SLUICE", 6);
	emit_text(emit, "SLUICEVM", 8);
	emit_u32(emit, 1);
	emit_text(emit, "SLUI", 4);
	emit_u32(emit, 1);
	return at;
}

static void table_close(struct emit *emit, u32 at)
{
	u32 size = emit->size - at;

	emit_patch_u32(emit, at + HEADER_LENGTH, size);
	emit_checksum(emit, at, size, at + HEADER_CHECKSUM);
}

/* The routing of a device's four pins, which all come to the IOAPIC pin that was made for it (6.2.13). */
static void route_device(struct emit *emit, u32 device, u8 line)
{
	for (u32 pin = 0; pin < PCI_PINS; pin++) {
		u32 row = aml_package_open(emit, 4);

		aml_integer(emit, device << 16 | 0xffff);
		aml_integer(emit, pin);
		aml_integer(emit, 0); /* a GSI, not a link device */
		aml_integer(emit, line);
		aml_close(emit, row);
	}
}

static void pci_routing(const struct vm *vm, struct emit *emit)
{
	u8 count = 0;
	u32 rows;

	for (u32 i = 0; i < vm->pci.device_count; i++)
		if (vm->pci.device[i].pin < VIOAPIC_PINS)
			count = (u8)(count + PCI_PINS);
	aml_name(emit, "_PRT");
	rows = aml_package_open(emit, count);
	for (u32 i = 0; i < vm->pci.device_count; i++)
		if (vm->pci.device[i].pin < VIOAPIC_PINS)
			route_device(emit, i + 1, vm->pci.device[i].pin);
	aml_close(emit, rows);
}

static void pci_bus(const struct vm *vm, struct emit *emit)
{
	u32 device = aml_device_open(emit, "PCI0");
	u32 resources;

	aml_name(emit, "_HID");
	aml_eisa_id(emit, "PNP0A03");
	aml_name(emit, "_BBN");
	aml_integer(emit, 0);
	aml_name(emit, "_CRS");
	resources = aml_resources_open(emit);
	aml_window_bus(emit, 0, 0);
	aml_io(emit, VPCI_ADDRESS_PORT, 8);
	aml_window_io(emit, LAYOUT_IO_START, LAYOUT_IO_END - 1);
	aml_window_memory(emit, LAYOUT_MMIO_START, LAYOUT_MMIO_END - 1);
	aml_window_memory64(emit, vm->layout.mmio_high, LAYOUT_MMIO_HIGH_END - 1);
	aml_resources_close(emit, resources);
	pci_routing(vm, emit);
	aml_close(emit, device);
}

static void console(struct emit *emit)
{
	u32 device = aml_device_open(emit, "COM1");
	u32 resources;

	aml_name(emit, "_HID");
	aml_eisa_id(emit, "PNP0501");
	aml_name(emit, "_UID");
	aml_integer(emit, 1);
	aml_name(emit, "_CRS");
	resources = aml_resources_open(emit);
	aml_io(emit, VUART_PORT, VUART_PORTS);
	aml_interrupt_edge(emit, VUART_IRQ);
	aml_resources_close(emit, resources);
	aml_close(emit, device);
}

void vacpi_make_dsdt(const struct vm *vm, struct emit *emit)
{
	u32 table = table_open(emit, "DSDT", REVISION_DSDT);
	u32 scope = aml_scope_open(emit, "_SB_");

	pci_bus(vm, emit);
	console(emit);
	aml_close(emit, scope);
	table_close(emit, table);
}

static void madt_cpu(struct emit *emit, u32 uid, u32 apic_id)
{
	if (apic_id <= MADT_CPU_ID_LAST) {
		emit_u8(emit, MADT_CPU);
		emit_u8(emit, MADT_CPU_SIZE);
		emit_u8(emit, (u8)uid);
		emit_u8(emit, (u8)apic_id);
		emit_u32(emit, MADT_ENABLED);
	} else {
		emit_u8(emit, MADT_X2APIC);
		emit_u8(emit, MADT_X2APIC_SIZE);
		emit_u16(emit, 0);
		emit_u32(emit, apic_id);
		emit_u32(emit, MADT_ENABLED);
		emit_u32(emit, uid);
	}
}

void vacpi_make_madt(const struct vm *vm, struct emit *emit)
{
	u32 table = table_open(emit, "APIC", REVISION_MADT);

	emit_u32(emit, VLAPIC_BASE);
	emit_u32(emit, 0); /* flags: there are no 8259s */
	for (u32 i = 0; i < vm->vcpu_count; i++)
		madt_cpu(emit, i, vm->vcpu[i].apic_id);
	emit_u8(emit, MADT_IOAPIC);
	emit_u8(emit, MADT_IOAPIC_SIZE);
	emit_u8(emit, vm->vioapic.id);
	emit_u8(emit, 0);
	emit_u32(emit, VIOAPIC_BASE);
	emit_u32(emit, 0); /* its first GSI */
	table_close(emit, table);
}

void vacpi_make_fadt(u32 dsdt, struct emit *emit)
{
	u32 table = table_open(emit, "FACP", REVISION_FADT);
	u32 flags = FADT_WBINVD | FADT_NO_POWER_BUTTON | FADT_NO_SLEEP_BUTTON | FADT_HEADLESS |
		    FADT_HARDWARE_REDUCED | FADT_PM_TIMER_32;

	emit_zeros(emit, FADT_SIZE - (emit->size - table));
	emit_patch_u32(emit, table + FADT_DSDT, dsdt);
	emit_patch_u8(emit, table + FADT_PROFILE, FADT_PROFILE_SERVER);
	emit_patch_u16(emit, table + FADT_BOOT_ARCH,
		       FADT_ARCH_NO_VGA | FADT_ARCH_NO_ASPM | FADT_ARCH_NO_CMOS);
	emit_patch_u32(emit, table + FADT_FLAGS, flags);
	emit_patch_u32(emit, table + FADT_X_DSDT, dsdt);
	/* Not part of a hardware-reduced machine, but kernels look for it: their clocks hang on it. */
	emit_patch_u32(emit, table + FADT_PM_TIMER, PM_TIMER_PORT);
	emit_patch_u8(emit, table + FADT_PM_TIMER_LENGTH, 4);
	emit_patch_u8(emit, table + FADT_X_PM_TIMER, GAS_IO_SPACE);
	emit_patch_u8(emit, table + FADT_X_PM_TIMER + 1, 32); /* bits */
	emit_patch_u8(emit, table + FADT_X_PM_TIMER + 3, GAS_DWORD);
	emit_patch_u32(emit, table + FADT_X_PM_TIMER + 4, PM_TIMER_PORT);
	table_close(emit, table);
}

void vacpi_make_rsdt(u32 fadt, u32 madt, struct emit *emit)
{
	u32 table = table_open(emit, "RSDT", 1);

	emit_u32(emit, fadt);
	emit_u32(emit, madt);
	table_close(emit, table);
}

void vacpi_make_xsdt(u32 fadt, u32 madt, struct emit *emit)
{
	u32 table = table_open(emit, "XSDT", 1);

	emit_u64(emit, fadt);
	emit_u64(emit, madt);
	table_close(emit, table);
}

void vacpi_make_rsdp(u32 rsdt, u32 xsdt, struct emit *emit)
{
	u32 at = emit->size;

	emit_text(emit, "RSD PTR ", 8);
	emit_u8(emit, 0); /* checksum of the first 20 bytes */
	emit_text(emit, "SLUICE", 6);
	emit_u8(emit, 2); /* revision */
	emit_u32(emit, rsdt);
	emit_u32(emit, VACPI_RSDP_SIZE);
	emit_u64(emit, xsdt);
	emit_zeros(emit, 4); /* checksum of all, reserved */
	emit_checksum(emit, at, RSDP_FIRST_SIZE, at + RSDP_CHECKSUM);
	emit_checksum(emit, at, VACPI_RSDP_SIZE, at + RSDP_CHECKSUM_FULL);
}

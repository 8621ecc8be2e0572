#include "hv/vm/mptable.h"

#include "hv/vm/vm.h"

#define SPECIFICATION_1_4 4
#define HEADER_SIZE	  44 /* of the configuration table, 4.2 */
#define HEADER_LENGTH	  4  /* offsets in it */
#define HEADER_CHECKSUM	  7
#define HEADER_COUNT	  34

/* Entry types, 4.3. */
#define ENTRY_CPU	0
#define ENTRY_BUS	1
#define ENTRY_IOAPIC	2
#define ENTRY_INTERRUPT 3

#define CPU_ENABLED   0x01
#define CPU_BOOT      0x02
#define CPU_SIGNATURE 0x600 /* no more than that it has a local APIC on the chip matters */
#define CPU_FEATURES  0x201 /* FPU, APIC */
#define CPU_ID_LAST   254

#define LAPIC_VERSION  0x14
#define IOAPIC_VERSION 0x11
#define IOAPIC_ENABLED 0x01

#define BUS_PCI 0
#define BUS_ISA 1

#define INTERRUPT_VECTORED 0
#define INTERRUPT_CONFORMS 0x0 /* polarity and trigger mode as is usual on the bus */
#define INTERRUPT_LOW	   0x3
#define INTERRUPT_LEVEL	   0xc

#define ISA_IRQS 16
#define PCI_PINS 4

static void floating_pointer(u32 at, struct emit *emit)
{
	u32 start = emit->size;

	emit_text(emit, "_MP_", 4);
	emit_u32(emit, at + MPTABLE_POINTER_SIZE);
	emit_u8(emit, MPTABLE_POINTER_SIZE / 16);
	emit_u8(emit, SPECIFICATION_1_4);
	emit_u8(emit, 0); /* checksum */
	emit_zeros(emit, 5);
	emit_checksum(emit, start, MPTABLE_POINTER_SIZE, start + 10);
}

static void header(struct emit *emit)
{
	emit_text(emit, "PCMP", 4);
	emit_u16(emit, 0); /* length */
	emit_u8(emit, SPECIFICATION_1_4);
	emit_u8(emit, 0); /* checksum */
	emit_text(emit, "SLUICE", 8);
	emit_text(emit, "VM", 12);
	emit_u32(emit, 0); /* no OEM table */
	emit_u16(emit, 0);
	emit_u16(emit, 0); /* entries */
	emit_u32(emit, VLAPIC_BASE);
	emit_u32(emit, 0); /* no extended table */
}

static u16 cpus(const struct vm *vm, struct emit *emit)
{
	u16 count = 0;

	for (u32 i = 0; i < vm->vcpu_count; i++) {
		if (vm->vcpu[i].apic_id > CPU_ID_LAST)
			continue;
		emit_u8(emit, ENTRY_CPU);
		emit_u8(emit, (u8)vm->vcpu[i].apic_id);
		emit_u8(emit, LAPIC_VERSION);
		emit_u8(emit, i == 0 ? CPU_ENABLED | CPU_BOOT : CPU_ENABLED);
		emit_u32(emit, CPU_SIGNATURE);
		emit_u32(emit, CPU_FEATURES);
		emit_zeros(emit, 8);
		count++;
	}
	return count;
}

static u16 bus(struct emit *emit, u8 id, const char *name)
{
	emit_u8(emit, ENTRY_BUS);
	emit_u8(emit, id);
	emit_text(emit, name, 6);
	return 1;
}

static u16 ioapic(const struct vm *vm, struct emit *emit)
{
	emit_u8(emit, ENTRY_IOAPIC);
	emit_u8(emit, vm->vioapic.id);
	emit_u8(emit, IOAPIC_VERSION);
	emit_u8(emit, IOAPIC_ENABLED);
	emit_u32(emit, VIOAPIC_BASE);
	return 1;
}

static void interrupt(const struct vm *vm, struct emit *emit, u8 flags, u8 from_bus, u8 irq, u8 pin)
{
	emit_u8(emit, ENTRY_INTERRUPT);
	emit_u8(emit, INTERRUPT_VECTORED);
	emit_u16(emit, flags);
	emit_u8(emit, from_bus);
	emit_u8(emit, irq);
	emit_u8(emit, vm->vioapic.id);
	emit_u8(emit, pin);
}

/* Whichever of its four pins a device uses, it comes to the one that was made for it. */
static u16 pci_interrupts(const struct vm *vm, struct emit *emit)
{
	u16 count = 0;

	for (u32 i = 0; i < vm->pci.device_count; i++) {
		u8 line = vm->pci.device[i].pin;

		for (u8 pin = 0; line < VIOAPIC_PINS && pin < PCI_PINS; pin++, count++)
			interrupt(vm, emit, INTERRUPT_LOW | INTERRUPT_LEVEL, BUS_PCI,
				  (u8)((i + 1) << 2 | pin), line);
	}
	return count;
}

static bool is_pci_line(const struct vm *vm, u8 pin)
{
	for (u32 i = 0; i < vm->pci.device_count; i++)
		if (vm->pci.device[i].pin == pin)
			return true;
	return false;
}

static u16 isa_interrupts(const struct vm *vm, struct emit *emit)
{
	u16 count = 0;

	for (u8 irq = 0; irq < ISA_IRQS; irq++) {
		if (is_pci_line(vm, irq))
			continue;
		interrupt(vm, emit, INTERRUPT_CONFORMS, BUS_ISA, irq, irq);
		count++;
	}
	return count;
}

void mptable_make(const struct vm *vm, u32 at, struct emit *emit)
{
	u32 start = emit->size + MPTABLE_POINTER_SIZE;
	u16 count;

	floating_pointer(at, emit);
	header(emit);
	count = cpus(vm, emit);
	count += bus(emit, BUS_PCI, "PCI");
	count += bus(emit, BUS_ISA, "ISA");
	count += ioapic(vm, emit);
	count += pci_interrupts(vm, emit);
	count += isa_interrupts(vm, emit);

	emit_patch_u16(emit, start + HEADER_LENGTH, (u16)(emit->size - start));
	emit_patch_u16(emit, start + HEADER_COUNT, count);
	emit_checksum(emit, start, emit->size - start, start + HEADER_CHECKSUM);
}

/*
 * A VM's I/O APIC: ID 0, 24 pins, registers at 0xFEC00000 (Intel 82093AA data sheet, and the EOI register
 * of version 0x20). A pin is backed by a physical pin (a device's INTx), by a virtual device (the console
 * on pin 4), or by nothing.
 *
 * A physical pin's entry is the hypervisor's: it follows the guest's as far as that is legal, and is
 * masked where it is not. Its polarity is what the platform says, whatever the guest wrote.
 */
#ifndef HV_VM_VIOAPIC_H
#define HV_VM_VIOAPIC_H

#include "hv/base/bits.h"
#include "iommu/iommu.h"

#define VIOAPIC_BASE 0xfec00000ull
#define VIOAPIC_PINS 24

struct vm;

enum vioapic_backing {
	PIN_NOTHING,
	PIN_VIRTUAL,
	PIN_PHYSICAL,
};

struct vioapic_pin {
	u64 entry;  /* as the guest wrote it */
	u8 backing; /* enum vioapic_backing */
	/* PIN_PHYSICAL: */
	u32 gsi;
	bool active_low;
	struct iommu_interrupts interrupts; /* one entry */
	bool routed;			    /* interrupts and the physical pin lead to target */
	struct interrupt_target target;
};

struct vioapic {
	u32 select;
	u8 id;
	struct vioapic_pin pin[VIOAPIC_PINS];
};

/* All pins masked, none backed but the console's by its virtual device. */
void vioapic_init(struct vioapic *ioapic);

/*
 * Backs a free pin by physical line gsi. ERR_INVALID: no such pin; ERR_BUSY: the pin is backed already;
 * ERR_EXISTS: another pin is backed by that line (devices that share a line share its pin); else as
 * route_alloc_pin(). That no other VM has the line is the caller's to see to.
 */
enum status vioapic_back(struct vm *vm, u8 pin, u32 gsi, bool active_low);

/* The pin that is backed by physical line gsi: false for none. */
bool vioapic_find(const struct vm *vm, u32 gsi, u8 *pin);

/* 32-bit register access; offset below 4096. Others read all ones. */
u32 vioapic_read(struct vm *vm, u32 offset);
void vioapic_write(struct vm *vm, u32 offset, u32 value);

/*
 * An edge on a PIN_VIRTUAL pin: sends its vector to the vCPU's physical CPU. While the entry is masked
 * or not legal the edge is lost, as it is on an 82093AA.
 */
void vioapic_raise(struct vm *vm, u8 pin);

/*
 * Masks all pins, physical and virtual (input for an ended VM's console must not interrupt its CPU), and
 * gives the remapping entries back.
 */
void vioapic_release(struct vm *vm);

#endif

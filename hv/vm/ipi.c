#include "hv/vm/ipi.h"

#include "arch/x86/apic.h"
#include "hv/vm/vm.h"

/* ICR fields beyond those of arch/x86/apic.h. */
#define ICR_DELIVERY	    0x700
#define ICR_DELIVERY_FIXED  0x000
#define ICR_DELIVERY_LOWEST 0x100
#define ICR_LEVEL_TRIGGERED 0x8000
#define ICR_SHORTHAND	    0xc0000
#define ICR_SELF	    0x40000
#define ICR_ALL		    0x80000
#define ICR_OTHERS	    0xc0000

/* What means all, by the width of the sender's destinations: 11.6.2.1, 11.12.9. */
#define BROADCAST_8  0xffu
#define BROADCAST_32 0xffffffffu

/* 11.6.2.2: flat model by DFR's upper nibble of ones, else cluster. */
static bool logical_match(const struct vlapic *vlapic, u32 id, u32 destination)
{
	if (vlapic->mode == VLAPIC_X2APIC) {
		u32 logical = (id & 0xffff0) << 12 | 1u << (id & 15); /* 11.12.10.2 */

		return (logical ^ destination) >> 16 == 0 && logical & destination & 0xffff;
	}
	u32 logical = vlapic->ldr >> 24;

	if (vlapic->dfr >> 28 == 0xf)
		return logical & destination & 0xff;
	return (logical ^ destination) >> 4 == 0 && logical & destination & 0xf;
}

/* Sets of vCPUs are words, bit n for vCPU n. */
static u32 all_of(const struct vm *vm)
{
	return (u32)(BIT(vm->vcpu_count) - 1);
}

static u32 waiting_of(const struct vm *vm)
{
	u32 set = 0;

	for (u32 n = 0; n < vm->vcpu_count; n++)
		set |= vm->startup[n].waits ? (u32)BIT(n) : 0;
	return set;
}

static u32 meant_by(const struct vm *vm, u32 destination, bool logical, u32 broadcast)
{
	u32 set = 0;

	if (destination == broadcast)
		return all_of(vm);
	for (u32 n = 0; n < vm->vcpu_count; n++) {
		u32 id = vm->vcpu[n].apic_id;

		if (logical ? logical_match(&vm->vlapic[n], id, destination) : id == destination)
			set |= (u32)BIT(n);
	}
	return set;
}

int vm_destination(const struct vm *vm, u32 destination, bool logical)
{
	u32 set = meant_by(vm, destination, logical, BROADCAST_8);
	u32 running = set & ~waiting_of(vm);

	if (!set)
		return -1;
	return __builtin_ctz(running ? running : set);
}

static u32 targets_of(const struct vm *vm, u32 self, u32 destination, u32 command)
{
	bool wide = vm->vlapic[self].mode == VLAPIC_X2APIC;

	switch (command & ICR_SHORTHAND) {
	case ICR_SELF:
		return (u32)BIT(self);
	case ICR_ALL:
		return all_of(vm);
	case ICR_OTHERS:
		return all_of(vm) & ~(u32)BIT(self);
	default:
		return meant_by(vm, destination, command & ICR_LOGICAL,
				wide ? BROADCAST_32 : BROADCAST_8);
	}
}

/* The local APIC of one that waits for its start is off (11.4.7.3): it takes none. */
static void send_fixed(const struct vm *vm, u32 targets, u8 vector, bool to_one)
{
	targets &= ~waiting_of(vm);
	if (vector < VLAPIC_FIRST_VECTOR)
		return;
	for (u32 n = 0; n < vm->vcpu_count; n++) {
		if (!(targets & BIT(n)))
			continue;
		apic_send_fixed(vm->vcpu[n].apic_id, vector);
		if (to_one)
			return;
	}
}

static void send_special(struct vm *vm, u32 target, u32 command)
{
	switch (command & ICR_DELIVERY) {
	case ICR_DELIVERY_NMI:
		startup_send_nmi(vm, target);
		return;
	case ICR_DELIVERY_INIT:
		/* Without the level, and level triggered, it sets old APICs' arbitration IDs. */
		if (command & ICR_ASSERT || !(command & ICR_LEVEL_TRIGGERED))
			startup_send_init(vm, target);
		return;
	case ICR_DELIVERY_STARTUP:
		startup_send_startup(vm, target, (u8)command);
		return;
	default:
		return;
	}
}

void ipi_send(struct vm *vm, const struct vcpu *from, u32 destination, u32 command)
{
	u32 shorthand = command & ICR_SHORTHAND;
	u32 delivery = command & ICR_DELIVERY;
	u32 targets = targets_of(vm, (u32)(from - vm->vcpu), destination, command);

	if (delivery == ICR_DELIVERY_FIXED || delivery == ICR_DELIVERY_LOWEST) {
		send_fixed(vm, targets, (u8)command, delivery == ICR_DELIVERY_LOWEST);
		return;
	}
	/* Table 11-3: the sender is not among their targets by a shorthand. */
	if (shorthand == ICR_SELF || shorthand == ICR_ALL)
		return;
	for (u32 n = 0; n < vm->vcpu_count; n++)
		if (targets & BIT(n))
			send_special(vm, n, command);
}

void ipi_send_self(const struct vcpu *vcpu, u8 vector)
{
	if (vector >= VLAPIC_FIRST_VECTOR)
		apic_send_fixed(vcpu->apic_id, vector);
}

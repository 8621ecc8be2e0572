#include "hv/vm/vioapic.h"

#include "arch/x86/apic.h"
#include "drivers/ioapic.h"
#include "hv/base/log.h"
#include "hv/vm/route.h"
#include "hv/vm/vm.h"

/* Registers in the page. */
#define VIOAPIC_SELECT 0x00
#define VIOAPIC_WINDOW 0x10
#define VIOAPIC_EOI    0x40

/* Registers behind the window. */
#define VIOAPIC_ID	      0x00
#define VIOAPIC_ID_SHIFT      24
#define VIOAPIC_ID_MASK	      0x0f
#define VIOAPIC_VERSION	      0x01
#define VIOAPIC_VERSION_VALUE ((VIOAPIC_PINS - 1) << 16 | 0x20)
#define VIOAPIC_ARBITRATION   0x02
#define VIOAPIC_FIRST_ENTRY   0x10

/* What a guest can store in an entry: the rest is read only or reserved. */
#define GUEST_LOW  (BITS(16, 0) & ~(IOAPIC_ENTRY_PENDING | IOAPIC_ENTRY_REMOTE_IRR))
#define GUEST_HIGH BITS(63, PLAIN_ENTRY_DEST_SHIFT)

void vioapic_init(struct vioapic *ioapic)
{
	*ioapic = (struct vioapic){0};
	for (unsigned n = 0; n < VIOAPIC_PINS; n++)
		ioapic->pin[n].entry = IOAPIC_ENTRY_MASKED;
	ioapic->pin[VUART_IRQ].backing = PIN_VIRTUAL;
}

/*
 * Masks the physical pin and makes it edge triggered, which clears its remote IRR: what is in service
 * under the old vector can no longer hold up the new one.
 */
static void pin_retract(struct vioapic_pin *pin)
{
	ioapic_write_entry(pin->gsi, IOAPIC_ENTRY_MASKED);
	if (pin->routed)
		route_clear(&pin->interrupts, 0);
	pin->routed = false;
}

static bool same_target(const struct interrupt_target *a, const struct interrupt_target *b)
{
	return a->apic_id == b->apic_id && a->vector == b->vector && a->delivery == b->delivery &&
	       a->level == b->level;
}

/*
 * Makes the physical pin do what the guest's entry says. A changed mask bit alone leaves remote IRR as
 * it is, so that the EOI of what is in service still finds it.
 */
static void pin_follow(const struct vm *vm, struct vioapic_pin *pin)
{
	struct interrupt_target target;

	if (pin->backing != PIN_PHYSICAL)
		return;
	if (!route_pin_target(vm, pin->entry, &target)) {
		pin_retract(pin);
		return;
	}
	if (!pin->routed || !same_target(&pin->target, &target)) {
		pin_retract(pin);
		if (route_set(&pin->interrupts, 0, &target) != OK)
			return;
		pin->target = target;
		pin->routed = true;
	}
	ioapic_write_entry(pin->gsi, route_pin_entry(&pin->interrupts, &target, pin->active_low,
						     pin->entry & IOAPIC_ENTRY_MASKED));
}

bool vioapic_find(const struct vm *vm, u32 gsi, u8 *pin)
{
	for (u8 n = 0; n < VIOAPIC_PINS; n++)
		if (vm->vioapic.pin[n].backing == PIN_PHYSICAL && vm->vioapic.pin[n].gsi == gsi) {
			*pin = n;
			return true;
		}
	return false;
}

enum status vioapic_back(struct vm *vm, u8 pin_number, u32 gsi, bool active_low)
{
	struct vioapic_pin *pin;
	enum status status;
	u8 other;

	if (pin_number >= VIOAPIC_PINS)
		return ERR_INVALID;
	pin = &vm->vioapic.pin[pin_number];
	if (pin->backing != PIN_NOTHING)
		return ERR_BUSY;
	if (vioapic_find(vm, gsi, &other))
		return ERR_EXISTS;
	status = route_alloc_pin(gsi, &pin->interrupts);
	if (status != OK)
		return status;
	pin->backing = PIN_PHYSICAL;
	pin->gsi = gsi;
	pin->active_low = active_low;
	pin->routed = false;
	pin_follow(vm, pin);
	return OK;
}

/* Remote IRR is the physical pin's; nothing is ever seen waiting to be delivered. */
static u64 entry_read(const struct vioapic_pin *pin)
{
	if (pin->backing == PIN_PHYSICAL && pin->routed && pin->target.level)
		return pin->entry | (ioapic_read_entry(pin->gsi) & IOAPIC_ENTRY_REMOTE_IRR);
	return pin->entry;
}

static void entry_write(struct vm *vm, struct vioapic_pin *pin, bool high, u32 value)
{
	if (high)
		pin->entry = (pin->entry & GUEST_LOW) | ((u64)value << 32 & GUEST_HIGH);
	else
		pin->entry = (pin->entry & GUEST_HIGH) | (value & GUEST_LOW);
	pin_follow(vm, pin);
}

static struct vioapic_pin *selected_pin(struct vioapic *ioapic)
{
	u32 n = (ioapic->select - VIOAPIC_FIRST_ENTRY) / 2;

	return ioapic->select >= VIOAPIC_FIRST_ENTRY && n < VIOAPIC_PINS ? &ioapic->pin[n] : NULL;
}

static u32 window_read(struct vioapic *ioapic)
{
	const struct vioapic_pin *pin = selected_pin(ioapic);

	if (pin)
		return (u32)(entry_read(pin) >> (ioapic->select & 1 ? 32 : 0));
	switch (ioapic->select) {
	case VIOAPIC_ID:
	case VIOAPIC_ARBITRATION:
		return (u32)ioapic->id << VIOAPIC_ID_SHIFT;
	case VIOAPIC_VERSION:
		return VIOAPIC_VERSION_VALUE;
	default:
		return ~0u;
	}
}

static void window_write(struct vm *vm, u32 value)
{
	struct vioapic *ioapic = &vm->vioapic;
	struct vioapic_pin *pin = selected_pin(ioapic);

	if (pin)
		entry_write(vm, pin, ioapic->select & 1, value);
	else if (ioapic->select == VIOAPIC_ID)
		ioapic->id = value >> VIOAPIC_ID_SHIFT & VIOAPIC_ID_MASK;
}

/* The guest ends a level interrupt by hand, as with suppressed EOI broadcasts. */
static void eoi_write(const struct vioapic *ioapic, u8 vector)
{
	for (unsigned n = 0; n < VIOAPIC_PINS; n++) {
		const struct vioapic_pin *pin = &ioapic->pin[n];

		if (pin->backing == PIN_PHYSICAL && pin->routed && pin->target.level &&
		    pin->target.vector == vector)
			ioapic_eoi(pin->gsi);
	}
}

u32 vioapic_read(struct vm *vm, u32 offset)
{
	switch (offset) {
	case VIOAPIC_SELECT:
		return vm->vioapic.select;
	case VIOAPIC_WINDOW:
		return window_read(&vm->vioapic);
	default:
		return ~0u;
	}
}

void vioapic_write(struct vm *vm, u32 offset, u32 value)
{
	switch (offset) {
	case VIOAPIC_SELECT:
		vm->vioapic.select = value & 0xff;
		break;
	case VIOAPIC_WINDOW:
		window_write(vm, value);
		break;
	case VIOAPIC_EOI:
		eoi_write(&vm->vioapic, (u8)value);
		break;
	default:
		break;
	}
}

void vioapic_raise(struct vm *vm, u8 pin_number)
{
	const struct vioapic_pin *pin;
	struct interrupt_target target;

	if (pin_number >= VIOAPIC_PINS)
		return;
	pin = &vm->vioapic.pin[pin_number];
	if (pin->backing == PIN_VIRTUAL && !(pin->entry & IOAPIC_ENTRY_MASKED) &&
	    route_pin_target(vm, pin->entry, &target))
		apic_send_fixed(target.apic_id, target.vector);
}

void vioapic_release(struct vm *vm)
{
	for (unsigned n = 0; n < VIOAPIC_PINS; n++) {
		struct vioapic_pin *pin = &vm->vioapic.pin[n];

		pin->entry |= IOAPIC_ENTRY_MASKED;
		if (pin->backing != PIN_PHYSICAL)
			continue;
		pin_retract(pin);
		route_free(&pin->interrupts);
		pin->backing = PIN_NOTHING;
	}
}

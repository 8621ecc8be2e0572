/* Registers and commands of the fake unit. */
#include "tests/fake/vtd_unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86/delay.h"
#include "arch/x86/mmio.h"

#define TE   (1u << 31)
#define RTP  (1u << 30)
#define EAFL (1u << 28)
#define WBF  (1u << 27)
#define QIE  (1u << 26)
#define IRE  (1u << 25)
#define IRTP (1u << 24)
#define CFI  (1u << 23)
#define KEPT (TE | EAFL | QIE | IRE | CFI)

#define TTM(rtaddr) ((rtaddr) >> 10 & 3)

static struct fake_unit units[FAKE_MAX_UNITS];
static unsigned unit_count;
static u64 now_us;

void *fake_memory_reset(void);

void *fake_reset(void)
{
	memset(units, 0, sizeof(units));
	unit_count = 0;
	return fake_memory_reset();
}

struct fake_unit *fake_unit_add(u64 base, u64 cap, u64 ecap)
{
	units[unit_count] = (struct fake_unit){.index = unit_count,
					       .base = base,
					       .cap = cap,
					       .ecap = ecap,
					       .fectl = 1u << 31,
					       .iectl = 1u << 31};
	return &units[unit_count++];
}

unsigned fake_unit_count(void)
{
	return unit_count;
}

struct fake_unit *fake_unit_at(unsigned index)
{
	return &units[index];
}

void fake_violate(struct fake_unit *unit, const char *what)
{
	if (!unit->violation)
		unit->violation = what;
}

/* Time goes by looking at it: a millisecond each time. */
struct deadline deadline_in(u64 us)
{
	return (struct deadline){now_us + us};
}

bool deadline_passed(struct deadline deadline)
{
	now_us += 1000;
	for (unsigned i = 0; i < unit_count; i++)
		fake_run_queue(&units[i], now_us);
	return now_us > deadline.tsc;
}

enum status mmio_map(hpa_t address, u64 size, struct mmio *mmio)
{
	for (unsigned i = 0; i < unit_count; i++) {
		if (units[i].base == address.v) {
			*mmio = (struct mmio){(u8 *)&units[i], size};
			return OK;
		}
	}
	return ERR_INVALID;
}

static struct fake_unit *unit_of(const struct mmio *mmio)
{
	return (struct fake_unit *)mmio->base;
}

static u32 record_base(const struct fake_unit *unit)
{
	return (u32)(unit->cap >> 24 & 0x3ff) * 16;
}

static u32 iotlb_base(const struct fake_unit *unit)
{
	return (u32)(unit->ecap >> 8 & 0x3ff) * 16;
}

static void latch(struct fake_unit *unit, u32 one_shot)
{
	if (one_shot & RTP) {
		if (unit->gsts & TE && TTM(unit->rtaddr) != TTM(unit->root_latched))
			fake_violate(unit, "GCMD: another mode while translation is on");
		unit->root_latched = unit->rtaddr;
		unit->owes_context_flush = unit->owes_iotlb_flush = true;
		unit->root_latches++;
		unit->gsts |= RTP;
	}
	if (one_shot & IRTP) {
		unit->irta_latched = unit->irta;
		unit->owes_interrupt_flush = true;
		unit->gsts |= IRTP;
	}
	if (one_shot & WBF)
		fake_drain_writes(unit);
}

static void check_change(struct fake_unit *unit, u32 value, u32 changed)
{
	u32 one_shot = value & ~KEPT;

	if (__builtin_popcount(changed | one_shot) > 1)
		fake_violate(unit, "GCMD: more than one command at once");
	if (changed & ~value & TE && !TTM(unit->root_latched))
		fake_violate(unit, "GCMD: translation turned off");
	if (changed & value & TE && TTM(unit->root_latched))
		fake_violate(unit, "GCMD: translation on in another mode than legacy");
	if (changed & ~value & IRE)
		fake_violate(unit, "GCMD: interrupt remapping turned off");
	if (changed & value & TE && (unit->owes_context_flush || unit->owes_iotlb_flush))
		fake_violate(unit, "GCMD: translation on before the caches were invalidated");
	if (changed & value & IRE && unit->owes_interrupt_flush)
		fake_violate(unit, "GCMD: remapping on before the cache was invalidated");
	if (changed & ~value & QIE && unit->iqh != unit->iqt)
		fake_violate(unit, "GCMD: queue off while not empty");
}

static void write_gcmd(struct fake_unit *unit, u32 value)
{
	u32 changed = (value ^ unit->gsts) & KEPT;

	check_change(unit, value, changed);
	changed &= ~unit->commands_ignored;
	if (changed & value & QIE) {
		unit->iqh = 0;
		unit->queue_starts++;
	}
	unit->gsts ^= changed;
	unit->gsts |= value & unit->commands_ignored & WBF; /* busy for good */
	latch(unit, value & ~KEPT & ~unit->commands_ignored);
}

static void write_ccmd(struct fake_unit *unit, u64 value)
{
	unsigned granularity = value >> 61 & 3;

	unit->ccmd = value;
	if (unit->gsts & QIE)
		fake_violate(unit, "CCMD used besides the queue");
	if (!(value >> 63) || unit->registers_stuck)
		return;
	unit->invalidations++;
	fake_forget_contexts(unit, granularity, (u16)value, (u16)(value >> 16));
	unit->ccmd = (u64)granularity << 59;
}

static void write_iotlb(struct fake_unit *unit, u64 value)
{
	unsigned granularity = value >> 60 & 3;

	unit->iotlb_reg = value;
	if (unit->gsts & QIE)
		fake_violate(unit, "IOTLB register used besides the queue");
	if (!(value >> 63) || unit->registers_stuck)
		return;
	unit->invalidations++;
	/* 11.4.6.2: it may do more than it was asked for, and tells; 0 is a refusal. */
	if (granularity == 3 && !(unit->cap >> 39 & 1))
		granularity = 2;
	else if (granularity == 3 && !fake_takes_pages(unit, unit->iva))
		granularity = 0;
	if (granularity)
		fake_forget_translations(unit, granularity, (u16)(value >> 32), unit->iva);
	unit->iotlb_reg = (u64)granularity << 57;
}

u64 mmio_read64(const struct mmio *mmio, u64 offset)
{
	const struct fake_unit *unit = unit_of(mmio);
	u64 record = offset - record_base(unit);

	if (offset >= record_base(unit) && record < sizeof(unit->record))
		return record & 8 ? unit->record[record / 16].high : unit->record[record / 16].low;
	if (offset == iotlb_base(unit) + 8)
		return unit->iotlb_reg;
	switch (offset) {
	case 0x08:
		return unit->cap;
	case 0x10:
		return unit->ecap;
	case 0x20:
		return unit->rtaddr;
	case 0x28:
		return unit->ccmd;
	case 0x80:
		return unit->iqh;
	case 0x88:
		return unit->iqt;
	case 0x90:
		return unit->iqa;
	case 0xb8:
		return unit->irta;
	}
	fprintf(stderr, "64-bit read of register %llx\n", (unsigned long long)offset);
	abort();
}

static void write64(struct fake_unit *unit, u64 offset, u64 value)
{
	if (offset == iotlb_base(unit))
		unit->iva = value;
	else if (offset == iotlb_base(unit) + 8)
		write_iotlb(unit, value);
	else if (offset == 0x20)
		unit->rtaddr = value;
	else if (offset == 0x28)
		write_ccmd(unit, value);
	else if (offset == 0x88)
		unit->iqt = value;
	else if (offset == 0x90)
		unit->iqa = value;
	else if (offset == 0xb8)
		unit->irta = value;
	else
		abort();
	if (offset == 0x88)
		fake_doorbell(unit, now_us);
}

void mmio_write64(const struct mmio *mmio, u64 offset, u64 value)
{
	struct fake_unit *unit = unit_of(mmio);

	if (fake_between)
		fake_between();
	write64(unit, offset, value);
	if (unit->on_write)
		unit->on_write(unit);
	if (fake_between)
		fake_between();
}

u32 mmio_read32(const struct mmio *mmio, u64 offset)
{
	const struct fake_unit *unit = unit_of(mmio);

	switch (offset) {
	case 0x00:
		return 0x10;
	case 0x1c:
		return unit->gsts;
	case 0x34:
		return unit->fsts;
	case 0x64:
		return unit->pmen;
	}
	fprintf(stderr, "32-bit read of register %llx\n", (unsigned long long)offset);
	abort();
}

static void write_pmen(struct fake_unit *unit, u32 value)
{
	if (unit->pmen >> 31 && !(value >> 31) && !(unit->gsts & TE))
		fake_violate(unit, "protected memory released before translation is on");
	unit->pmen = value >> 31 ? 0x80000001 : 0;
}

static void write32(struct fake_unit *unit, u64 offset, u32 value)
{
	if (offset == 0x18)
		write_gcmd(unit, value);
	else if (offset == 0x3c)
		unit->fedata = value;
	else if (offset == 0x40)
		unit->feaddr = value;
	else if (offset == 0x44)
		unit->feuaddr = value;
	else if (offset == 0x64)
		write_pmen(unit, value);
	else if (offset == 0xa0)
		unit->iectl = value;
	else
		fake_fault_register_write(unit, (u32)offset, value);
}

void mmio_write32(const struct mmio *mmio, u64 offset, u32 value)
{
	struct fake_unit *unit = unit_of(mmio);

	if (fake_between)
		fake_between();
	write32(unit, offset, value);
	if (unit->on_write)
		unit->on_write(unit);
	if (fake_between)
		fake_between();
}

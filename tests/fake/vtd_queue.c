/* The fake unit's invalidation queue. */
#include "tests/fake/vtd_unit.h"

#define QIE (1u << 26)
#define IQE (1u << 4)
#define ITE (1u << 6)

bool fake_takes_pages(const struct fake_unit *unit, u64 address)
{
	unsigned mask = address & 0x3f;

	return unit->cap >> 39 & 1 && mask <= (unit->cap >> 48 & 0x3f) &&
	       !(address >> 12 & ((1ull << mask) - 1));
}

/* The descriptor is right as far as this unit looks. */
static bool acceptable(struct fake_unit *unit, struct fake_pair d)
{
	unsigned type = d.low & 0xf;

	if (type == 5 && (d.low & 0x30) == 0x30)
		fake_violate(unit, "wait descriptor with IF and SW");
	if (type == 3 && !fake_device_takes(unit, d))
		return false;
	if (type == 2 && (d.low >> 4 & 3) == 3 && !fake_takes_pages(unit, d.high))
		return false;
	if (type == 4 && (d.low >> 27 & 0x1f) > (unit->ecap >> 20 & 0xf))
		return false;
	return type >= 1 && type <= 5;
}

static void execute(struct fake_unit *unit, struct fake_pair d)
{
	unsigned granularity = d.low >> 4 & 3;
	u16 did = (u16)(d.low >> 16);

	unit->invalidations++;
	if ((d.low & 0xf) == 2 && (d.low >> 6 & 3) != (unit->cap >> 54 & 3))
		fake_violate(unit, "IOTLB invalidated without the draining that the unit can do");
	if ((d.low & 0xf) == 1)
		fake_forget_contexts(unit, granularity, did, (u16)(d.low >> 32));
	else if ((d.low & 0xf) == 2)
		fake_forget_translations(unit, granularity, did, d.high);
	else if ((d.low & 0xf) == 3)
		fake_device_ask(unit, d);
	else if ((d.low & 0xf) == 4)
		fake_forget_interrupts(unit, !(d.low & 0x10), (u16)(d.low >> 32),
				       d.low >> 27 & 0x1f);
}

static void wait_descriptor(struct fake_unit *unit, struct fake_pair d)
{
	if (!fake_devices_answer(unit) || unit->device_silent) {
		unit->device_silent -= unit->device_silent != 0;
		fake_raise(unit, ITE);
	} else if (d.low & 0x20 && !unit->status_lost) {
		fake_write_status(d.high & ~3ull, (u32)(d.low >> 32));
	}
}

/* Something is to be done, and now is the time. */
static bool ready(const struct fake_unit *unit, u64 now_us)
{
	return unit->gsts & QIE && !unit->queue_stuck && unit->iqh != unit->iqt &&
	       !(unit->fsts & (IQE | ITE)) && now_us >= unit->due_us;
}

static void be_busy(struct fake_unit *unit, u64 now_us, unsigned ms)
{
	unit->due_us = ms == ~0u ? ~0ull : now_us + ms * 1000ull;
}

static void one_descriptor(struct fake_unit *unit, u64 now_us)
{
	struct fake_pair d = fake_read_pair(unit, (unit->iqa & ~0xfffull) + unit->iqh);
	bool is_wait = (d.low & 0xf) == 5;

	if (!acceptable(unit, d) || (unit->refuse && !is_wait)) {
		unit->refuse -= unit->refuse != 0;
		fake_raise(unit, IQE);
		return;
	}
	unit->iqh = (unit->iqh + 16) % (4096ull << (unit->iqa & 7));
	if (is_wait)
		wait_descriptor(unit, d);
	else
		execute(unit, d);
	be_busy(unit, now_us, (d.low & 0xf) == 3 ? unit->device_ms : unit->queue_ms);
}

void fake_run_queue(struct fake_unit *unit, u64 now_us)
{
	while (ready(unit, now_us)) {
		fake_drain_writes(unit); /* the queue itself is always seen as written */
		one_descriptor(unit, now_us);
	}
}

/* An idle queue takes its time; one at work is, whatever comes behind. */
void fake_doorbell(struct fake_unit *unit, u64 now_us)
{
	if (unit->due_us <= now_us)
		be_busy(unit, now_us, unit->queue_ms);
	fake_run_queue(unit, now_us);
}

/*
 * Devices with a TLB of their own (ATS): what they translated stays until an Invalidate Request takes it out,
 * and that they carry out when they get to it: the unit's next wait descriptor is done once they have.
 */
#include "tests/fake/vtd_unit.h"

#define DEVICE_TLBS(ecap) ((ecap) >> 2 & 1)
#define THROTTLES(ecap)	  ((ecap) >> 41 & 1)

struct fake_device *fake_device_add(struct fake_unit *unit, u16 sid, u8 depth)
{
	for (unsigned i = 0; i < FAKE_MAX_DEVICES; i++) {
		if (!unit->device[i].there) {
			unit->device[i] = (struct fake_device){
				.there = true, .ats_on = true, .sid = sid, .depth = depth};
			return &unit->device[i];
		}
	}
	return NULL;
}

struct fake_device *fake_device_find(struct fake_unit *unit, u16 sid)
{
	for (unsigned i = 0; i < FAKE_MAX_DEVICES; i++)
		if (unit->device[i].there && unit->device[i].sid == sid)
			return &unit->device[i];
	return NULL;
}

bool fake_device_holds(const struct fake_device *device, u64 address)
{
	for (unsigned i = 0; i < FAKE_DEVICE_TLB; i++)
		if (device->tlb[i].valid && device->tlb[i].page == address >> 12)
			return true;
	return false;
}

bool fake_device_takes(const struct fake_unit *unit, struct fake_pair d)
{
	return DEVICE_TLBS(unit->ecap) && !(d.low & 0x000f0000ffe00ff0ull) && !(d.high & 0xffe);
}

void fake_device_ask(struct fake_unit *unit, struct fake_pair d)
{
	u16 sid = (u16)(d.low >> 32), pfsid = (u16)((d.low >> 12 & 0xf) | d.low >> 52 << 4);
	struct fake_device *device = fake_device_find(unit, sid);

	if (!device || !device->ats_on) {
		fake_violate(unit, "a device without ATS, or with it off, was asked to forget");
		return;
	}
	if ((d.low >> 16 & 31) != device->depth)
		fake_violate(unit, "a device was told to hold more, or fewer, than it can");
	if (pfsid != (THROTTLES(unit->ecap) ? sid : 0))
		fake_violate(unit, "not the source ID of the physical function");
	if (!(unit->gsts >> 31) || unit->owes_context_flush || unit->owes_iotlb_flush)
		fake_violate(unit, "a device was asked to forget what the unit still knows");
	device->asked = true;
	device->request = d.high;
	device->requests++;
}

/* PCIe 5.0, 10.3: S set, the lowest clear bit of the address tells the range. */
static u64 pages_of(u64 request)
{
	u64 ones = request >> 12;

	return request & 1 ? (2ull << __builtin_ctzll(~ones)) : 1;
}

static void forget(struct fake_device *device)
{
	u64 pages = pages_of(device->request);
	u64 first = (device->request >> 12) & ~(pages - 1);

	for (unsigned i = 0; i < FAKE_DEVICE_TLB; i++)
		if (device->tlb[i].page - first < pages)
			device->tlb[i].valid = false;
	device->asked = false;
}

bool fake_devices_answer(struct fake_unit *unit)
{
	bool all = true;

	for (unsigned i = 0; i < FAKE_MAX_DEVICES; i++) {
		struct fake_device *device = &unit->device[i];

		if (device->asked && device->silent)
			all = device->asked = false;
		else if (device->asked)
			forget(device);
	}
	return all;
}

void fake_device_ats(struct fake_unit *unit, u16 sid, bool on)
{
	struct fake_device *device = fake_device_find(unit, sid);

	if (!device)
		return;
	if (device->asked)
		fake_violate(unit, "ATS changed while the device was to forget");
	for (unsigned i = 0; i < FAKE_DEVICE_TLB && on && !device->ats_on; i++)
		device->tlb[i].valid = false;
	device->ats_on = on;
}

static void keep(struct fake_device *device, u64 address, u64 to)
{
	for (unsigned i = 0; i < FAKE_DEVICE_TLB; i++) {
		if (!device->tlb[i].valid) {
			device->tlb[i] = (struct fake_held){true, address >> 12, to >> 12};
			return;
		}
	}
}

/* A request with an address of the device's own, or for one: only a context entry of TT 1 lets it through. */
static u8 may(struct fake_unit *unit, u16 sid)
{
	struct fake_pair context;

	if (!(unit->gsts >> 31))
		return 0;
	context = fake_context(unit, sid);
	return !(context.low & 1) ? 2 : (context.low >> 2 & 3) == 1 ? 0 : 0xd;
}

u8 fake_device_dma(struct fake_unit *unit, u16 sid, u64 address, bool write, u64 *to)
{
	struct fake_device *device = fake_device_find(unit, sid);
	u8 reason;

	if (!device || !device->ats_on)
		return fake_dma(unit, sid, address, write, to);
	reason = may(unit, sid);
	if (reason) {
		fake_fault(unit, sid, reason, address & ~0xfffull, write);
		return reason;
	}
	for (unsigned i = 0; i < FAKE_DEVICE_TLB; i++) {
		if (device->tlb[i].valid && device->tlb[i].page == address >> 12) {
			*to = device->tlb[i].to << 12 | (address & 0xfff);
			return 0;
		}
	}
	reason = fake_dma(unit, sid, address, write, to);
	if (!reason)
		keep(device, address, *to);
	return reason;
}

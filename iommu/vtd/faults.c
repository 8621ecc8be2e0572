/* Primary fault logging (7.2.1) and the fault event (7.3). */
#include "hv/base/log.h"
#include "iommu/vtd/internal.h"

/* 7.1.3: reasons from here to there are about interrupt requests. */
#define REASON_INTERRUPT_FIRST 0x20
#define REASON_INTERRUPT_LAST  0x2f

void vtd_fault_event_mask(const struct vtd_unit *unit)
{
	vtd_write32(unit, VTD_FECTL, VTD_FECTL_IM);
}

/*
 * The unit raises the event by itself, not through its remapping table, so all of the APIC ID is in
 * the message; the upper address register exists with extended interrupt mode only.
 */
enum status vtd_fault_event_set(const struct vtd_unit *unit, const struct interrupt_target *target)
{
	if (target->apic_id > 0xff && !unit->wide_apic_ids)
		return ERR_UNSUPPORTED;
	vtd_fault_event_mask(unit);
	vtd_write32(unit, VTD_FEDATA,
		    (u32)target->delivery << VTD_FEDATA_DELIVERY |
			    (target->delivery == DELIVERY_NMI ? 0 : target->vector));
	vtd_write32(unit, VTD_FEADDR,
		    VTD_FEADDR_BASE | (target->apic_id & 0xff) << VTD_FEADDR_APIC_SHIFT);
	if (unit->caps.wide_apic_ids)
		vtd_write32(unit, VTD_FEUADDR, target->apic_id & (u32)VTD_FEUADDR_APIC);
	vtd_write32(unit, VTD_FECTL, 0);
	return OK;
}

static bool is_interrupt_reason(u8 code)
{
	return code >= REASON_INTERRUPT_FIRST && code <= REASON_INTERRUPT_LAST;
}

static struct iommu_fault decode(const struct vtd_unit *unit, u64 low, u64 high)
{
	u8 code = (u8)bits_get(high, VTD_FRCD_HIGH_FR);
	bool interrupt = is_interrupt_reason(code);

	return (struct iommu_fault){
		.requester = {unit->segment, (u16)bits_get(high, VTD_FRCD_HIGH_SID)},
		.address = interrupt ? bits_get(low, VTD_FRCD_LOW_INDEX) : low & VTD_FRCD_LOW_FI,
		/* T1 T2: 00 write, 10 read, 11 atomic (which writes too), 01 page request. */
		.write = !interrupt && !(high & VTD_FRCD_HIGH_T1) == !(high & VTD_FRCD_HIGH_T2),
		.interrupt = interrupt,
		.reason_code = code,
		.reason = vtd_fault_reason(code),
		.unit = unit->index,
	};
}

/* Takes the record if it holds a fault, and gives its place back to the unit. */
static bool take_record(const struct vtd_unit *unit, u32 index, struct iommu_fault *fault)
{
	u32 offset = unit->caps.fault_offset + index * VTD_FRCD_SIZE;
	u64 high = vtd_read64(unit, offset + VTD_FRCD_HIGH);

	if (!(high & VTD_FRCD_HIGH_F))
		return false;
	*fault = decode(unit, vtd_read64(unit, offset + VTD_FRCD_LOW), high);
	vtd_write32(unit, offset + VTD_FRCD_TOP, VTD_FRCD_TOP_F);
	return true;
}

/*
 * One round over all records from the oldest on, so that a device that faults without end can't hold
 * the CPU here. With PFO set the unit records nothing more: it is cleared last.
 */
unsigned vtd_faults_take(const struct vtd_unit *unit, struct iommu_fault *fault, unsigned max)
{
	u32 status = vtd_read32(unit, VTD_FSTS);
	u32 first = (u32)bits_get(status, VTD_FSTS_FRI);
	unsigned taken = 0;

	if (!(status & (VTD_FSTS_PPF | VTD_FSTS_PFO)))
		return 0;
	for (u32 n = 0; n < unit->caps.fault_records && taken < max; n++)
		if (take_record(unit, (first + n) % unit->caps.fault_records, &fault[taken]))
			taken++;
	if (status & VTD_FSTS_PFO && taken < max) {
		log_line("vtd", "unit %u: faults were lost, more came than it can record",
			 unit->index);
		vtd_write32(unit, VTD_FSTS, VTD_FSTS_PFO);
	}
	return taken;
}

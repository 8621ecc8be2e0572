/*
 * Primary fault logging (7.2.1) and the fault event (7.3).
 *
 * The unit raises the event when a field of FSTS gets set while none was (11.4.7.2). So whoever takes
 * faults must come to a moment at which no field is set, or he never hears of another one.
 */
#include "hv/base/log.h"
#include "iommu/vtd/internal.h"

/* 7.1.3: reasons from here to there are about interrupt requests. */
#define REASON_INTERRUPT_FIRST 0x20
#define REASON_INTERRUPT_LAST  0x2f

#define QUEUE_ERRORS (VTD_FSTS_IQE | VTD_FSTS_ICE | VTD_FSTS_ITE)
#define CLEARABLE    (VTD_FSTS_PFO | VTD_FSTS_AFO | VTD_FSTS_APF | QUEUE_ERRORS)

#define RESET_ROUNDS 8

static void mask_event(const struct vtd_unit *unit)
{
	vtd_write32(unit, VTD_FECTL, VTD_FECTL_IM);
}

static void free_record(const struct vtd_unit *unit, u32 index)
{
	vtd_write32(unit, unit->caps.fault_offset + index * VTD_FRCD_SIZE + VTD_FRCD_TOP,
		    VTD_FRCD_TOP_F);
}

/* With the advanced log on (7.2.2) nothing would come into the records. */
enum status vtd_faults_reset(struct vtd_unit *unit)
{
	mask_event(unit);
	if (vtd_gsts(unit) & VTD_GSTS_AFLS) {
		enum status status = vtd_turn_off(unit, VTD_GSTS_AFLS);

		if (status != OK)
			return status;
	}
	/* Again where a new fault came meanwhile. */
	for (unsigned round = 0; round < RESET_ROUNDS; round++) {
		for (u32 i = 0; i < unit->caps.fault_records; i++)
			free_record(unit, i);
		vtd_write32(unit, VTD_FSTS, vtd_read32(unit, VTD_FSTS) & CLEARABLE);
		if (!(vtd_read32(unit, VTD_FSTS) & (VTD_FSTS_PPF | CLEARABLE)))
			break;
	}
	return OK;
}

/*
 * The unit raises the event by itself, not through its remapping table, so all of the APIC ID is in
 * the message; the upper address register exists with extended interrupt mode only.
 */
enum status vtd_fault_event_set(const struct vtd_unit *unit, const struct interrupt_target *target)
{
	if (target->apic_id > 0xff && !unit->wide_apic_ids)
		return ERR_UNSUPPORTED;
	mask_event(unit);
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
	free_record(unit, index);
	return true;
}

/* One round over all records from the oldest on. */
static unsigned take_records(const struct vtd_unit *unit, u32 oldest, struct iommu_fault *fault,
			     unsigned max)
{
	unsigned taken = 0;

	for (u32 n = 0; n < unit->caps.fault_records && taken < max; n++)
		if (take_record(unit, (oldest + n) % unit->caps.fault_records, &fault[taken]))
			taken++;
	return taken;
}

/* A device can cause them at will, so they are told ever more rarely. */
static void tell_overflow(struct vtd_unit *unit)
{
	u64 count = ++unit->overflows;

	if ((count & (count - 1)) == 0)
		log_line("vtd",
			 "unit %u: faults were lost, more came than it can record: %llu times",
			 unit->index, (unsigned long long)count);
}

/*
 * The fields to be cleared for the event to come. Queue errors are seen here only if they came outside of all
 * waits for the queue, which handle their own; the lock sees to that. A dead unit's IQE stays: the unit
 * would go on with what it refused, and so raise the event without end.
 */
static u32 pending(const struct vtd_unit *unit, u32 fault_status)
{
	u32 fields = VTD_FSTS_PPF | CLEARABLE;

	return fault_status & (unit->dead ? fields & ~(u32)VTD_FSTS_IQE : fields);
}

/*
 * Records first, then the rest: with PFO set the unit records nothing more, so that no device can keep
 * ahead of this once it has filled all records. Bounded: each fault may come alone, and something to
 * clear behind each.
 */
unsigned vtd_faults_take(struct vtd_unit *unit, struct iommu_fault *fault, unsigned max)
{
	unsigned taken = 0;

	for (unsigned rounds = 2 * max + 2; rounds; rounds--) {
		u32 fault_status = vtd_read32(unit, VTD_FSTS);
		u32 oldest = (u32)bits_get(fault_status, VTD_FSTS_FRI);
		u32 fields = pending(unit, fault_status);

		if (!fields || (fields & VTD_FSTS_PPF && taken == max))
			break;
		if (fields & VTD_FSTS_PPF) {
			taken += take_records(unit, oldest, &fault[taken], max - taken);
			continue;
		}
		if (fields & VTD_FSTS_PFO)
			tell_overflow(unit);
		vtd_write32(unit, VTD_FSTS, fields);
	}
	return taken;
}

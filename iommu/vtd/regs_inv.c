/* Register-based invalidation (6.5.1), for units without a queue. */
#include "hv/base/log.h"
#include "iommu/vtd/internal.h"

/* Both command registers tell that they are busy by bit 63, and take a new request only when not. */
static enum status await_idle(const struct vtd_unit *unit, u32 offset)
{
	struct deadline deadline = deadline_in(VTD_WAIT_US);

	while (vtd_read64(unit, offset) & BIT(63)) {
		if (deadline_passed(deadline)) {
			log_line("vtd", "unit %u: invalidation register %03x stays busy",
				 unit->index, offset);
			return ERR_TIMEOUT;
		}
	}
	return OK;
}

static enum status request(const struct vtd_unit *unit, u32 offset, u64 value)
{
	enum status status = await_idle(unit, offset);

	if (status != OK)
		return status;
	vtd_write64(unit, offset, value);
	return await_idle(unit, offset);
}

enum status vtd_regs_invalidate_context(const struct vtd_unit *unit,
					enum vtd_granularity granularity, u16 domain_id,
					u16 source_id)
{
	enum status status = request(unit, VTD_CCMD,
				     VTD_CCMD_ICC | (u64)granularity << 61 |
					     (u64)source_id << VTD_CCMD_SID_SHIFT |
					     (u64)domain_id << VTD_CCMD_DID_SHIFT);

	/* Hardware may have done more than was asked for, and tells so; 0 is a refusal. */
	if (status == OK && !bits_get(vtd_read64(unit, VTD_CCMD), VTD_CCMD_CAIG))
		return ERR_HARDWARE;
	return status;
}

enum status vtd_regs_invalidate_iotlb(const struct vtd_unit *unit, enum vtd_granularity granularity,
				      u16 domain_id, u64 address, u8 mask)
{
	u32 iotlb = unit->caps.iotlb_offset + VTD_IOTLB;
	u64 value = VTD_IOTLB_IVT | (u64)granularity << 60 |
		    (unit->caps.drain_reads ? VTD_IOTLB_DR : 0) |
		    (unit->caps.drain_writes ? VTD_IOTLB_DW : 0) |
		    (u64)domain_id << VTD_IOTLB_DID_SHIFT;
	enum status status = await_idle(unit, iotlb);

	if (status != OK)
		return status;
	if (granularity == VTD_SELECTIVE)
		vtd_write64(unit, unit->caps.iotlb_offset + VTD_IVA,
			    (address & VTD_IVA_ADDR) | (u64)mask << VTD_IVA_AM_SHIFT);
	status = request(unit, iotlb, value);
	if (status == OK && !bits_get(vtd_read64(unit, iotlb), VTD_IOTLB_IAIG))
		return ERR_HARDWARE;
	return status;
}

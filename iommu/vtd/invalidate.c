/* Telling a unit to forget (6.5): by its queue, or by registers where it has none. */
#include "iommu/vtd/internal.h"

/* A register that stayed busy leaves as little certain as a queue that did not answer. */
static enum status judge(struct vtd_unit *unit, enum status status)
{
	if (status == ERR_TIMEOUT)
		unit->dead = true;
	return status;
}

static enum status invalidate_context(struct vtd_unit *unit, enum vtd_granularity granularity,
				      u16 domain_id, u16 source_id)
{
	if (unit->dead)
		return ERR_HARDWARE;
	if (unit->queue.running)
		return vtd_queue_run(unit, vtd_inv_context_make(granularity, domain_id, source_id));
	return judge(unit, vtd_regs_invalidate_context(unit, granularity, domain_id, source_id));
}

static enum status invalidate_iotlb(struct vtd_unit *unit, enum vtd_granularity granularity,
				    u16 domain_id, u64 address, u8 mask)
{
	if (unit->dead)
		return ERR_HARDWARE;
	if (unit->queue.running)
		return vtd_queue_run(unit, vtd_inv_iotlb_make(granularity, domain_id, address, mask,
							      unit->caps.drain_writes,
							      unit->caps.drain_reads));
	return judge(unit, vtd_regs_invalidate_iotlb(unit, granularity, domain_id, address, mask));
}

enum status vtd_invalidate_context_all(struct vtd_unit *unit)
{
	return invalidate_context(unit, VTD_GLOBAL, 0, 0);
}

enum status vtd_invalidate_context(struct vtd_unit *unit, u16 domain_id, u16 source_id)
{
	return invalidate_context(unit, VTD_SELECTIVE, domain_id, source_id);
}

enum status vtd_invalidate_iotlb_all(struct vtd_unit *unit)
{
	return invalidate_iotlb(unit, VTD_GLOBAL, 0, 0, 0);
}

enum status vtd_invalidate_iotlb_domain(struct vtd_unit *unit, u16 domain_id)
{
	return invalidate_iotlb(unit, VTD_DOMAIN, domain_id, 0, 0);
}

/* The mask of the least aligned power-of-two block of pages that holds the range. */
static u8 covering_mask(u64 address, u64 size)
{
	u64 differing = (address ^ (address + size - 1)) >> PAGE_SHIFT;

	return differing ? (u8)(64 - __builtin_clzll(differing)) : 0;
}

enum status vtd_invalidate_iotlb_range(struct vtd_unit *unit, u16 domain_id, u64 address, u64 size)
{
	u8 mask = covering_mask(address, size);

	if (!unit->caps.page_selective || mask > unit->caps.max_address_mask)
		return vtd_invalidate_iotlb_domain(unit, domain_id);
	return invalidate_iotlb(unit, VTD_SELECTIVE, domain_id,
				align_down(address, PAGE_SIZE << mask), mask);
}

/* The IDs of virtual functions are none of those that are scanned: each is its own physical function. */
enum status vtd_invalidate_device(struct vtd_unit *unit, u16 source_id, u8 pending)
{
	u16 pf_source_id = unit->caps.device_throttling ? source_id : 0;

	return vtd_queue_run(unit, vtd_inv_device_tlb_make(source_id, pf_source_id, pending));
}

enum status vtd_invalidate_interrupts_all(struct vtd_unit *unit)
{
	return vtd_queue_run(unit, vtd_inv_interrupts_all_make());
}

enum status vtd_invalidate_interrupts(struct vtd_unit *unit, u16 index, u8 mask)
{
	return vtd_queue_run(unit, vtd_inv_interrupts_make(index, mask));
}

/*
 * 6.1: in caching mode a context entry that was not present may be cached, tagged with domain ID 0,
 * since it had none.
 */
enum status vtd_announce_context(struct vtd_unit *unit, u16 domain_id, u16 source_id)
{
	enum status status;

	if (!unit->caps.caching_mode)
		return vtd_flush_write_buffer(unit);
	status = vtd_invalidate_context(unit, 0, source_id);
	if (status != OK)
		return status;
	return vtd_invalidate_iotlb_domain(unit, domain_id);
}

/* An invalidation flushes the write buffer by itself (6.8). */
enum status vtd_announce_mapping(struct vtd_unit *unit, u16 domain_id, u64 address, u64 size)
{
	if (!unit->caps.caching_mode)
		return vtd_flush_write_buffer(unit);
	return vtd_invalidate_iotlb_range(unit, domain_id, address, size);
}

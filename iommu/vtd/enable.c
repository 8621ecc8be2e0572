/*
 * One unit from whatever firmware left to on, with everything blocked.
 *
 * Firmware may have left translation, interrupt remapping or its queue on. Remapping is never turned
 * off, and translation in legacy mode neither: the tables are replaced under them (11.4.4.1, SRTP and
 * SIRTP), and what was cached of the old ones is invalidated, so no request passes unchecked in between.
 * From another mode no way leads to legacy mode but through translation off. Protected memory regions go
 * only once translation is on.
 */
#include "hv/base/log.h"
#include "iommu/vtd/internal.h"

static enum status refuse(const struct vtd_unit *unit, const char *reason)
{
	log_line("vtd", "unit %u: %s", unit->index, reason);
	return ERR_HARDWARE;
}

static const char *name_of_mode(u64 mode)
{
	return mode == VTD_TTM_SCALABLE ? "scalable mode"
	       : mode == VTD_TTM_ABORT	? "abort-DMA mode"
					: "a reserved mode";
}

/*
 * The mode (11.4.5) is changed while translation is off only. The devices are silent by now, save for those
 * with reserved regions. Unless all DMA is aborted, theirs may go through tables that map elsewhere, and
 * without them it would end up there.
 */
static enum status leave_foreign_mode(struct vtd_unit *unit)
{
	u64 mode = bits_get(vtd_read64(unit, VTD_RTADDR), VTD_RTADDR_TTM);

	if (!(vtd_gsts(unit) & VTD_GSTS_TES) || mode == VTD_TTM_LEGACY)
		return OK;
	log_line("vtd", "unit %u: firmware left it translating in %s", unit->index,
		 name_of_mode(mode));
	if (mode != VTD_TTM_ABORT && vtd_reserved_on(unit))
		return refuse(unit,
			      "a device with a reserved region goes through it, and that mode "
			      "can't be left without a gap");
	return vtd_turn_off(unit, VTD_GSTS_TES);
}

/* 6.6: after the pointer is set, context cache and then IOTLB are invalidated globally. */
static enum status set_root_table(struct vtd_unit *unit)
{
	u64 address = pool_hpa(unit->pool, unit->root).v;
	enum status status;

	vtd_write64(unit, VTD_RTADDR, address);
	if (vtd_read64(unit, VTD_RTADDR) != address)
		return refuse(unit, "the root table's address does not read back");
	status = vtd_latch_root_table(unit);
	if (status == OK)
		status = vtd_invalidate_context_all(unit);
	if (status == OK)
		status = vtd_invalidate_iotlb_all(unit);
	return status;
}

static enum status translate(struct vtd_unit *unit)
{
	enum status status = vtd_flush_write_buffer(unit);

	if (status == OK && !(vtd_gsts(unit) & VTD_GSTS_TES))
		status = vtd_turn_on(unit, VTD_GSTS_TES);
	if (status == OK && !(vtd_gsts(unit) & VTD_GSTS_TES))
		return refuse(unit, "translation does not stay on");
	return status;
}

/* 11.4.8.1: the regions that firmware protected for the time until now. */
static enum status release_protected_memory(struct vtd_unit *unit)
{
	struct deadline deadline = deadline_in(VTD_WAIT_US);

	if (!unit->caps.protected_memory || !(vtd_read32(unit, VTD_PMEN) & VTD_PMEN_EPM))
		return OK;
	vtd_write32(unit, VTD_PMEN, vtd_read32(unit, VTD_PMEN) & ~(u32)VTD_PMEN_EPM);
	while (vtd_read32(unit, VTD_PMEN) & VTD_PMEN_PRS)
		if (deadline_passed(deadline))
			return refuse(unit, "its protected memory regions stay on");
	return OK;
}

static enum status set_interrupt_table(struct vtd_unit *unit)
{
	u64 address = vtd_interrupt_table_address(unit);
	enum status status;

	vtd_write64(unit, VTD_IRTA, address);
	if (vtd_read64(unit, VTD_IRTA) != address)
		return refuse(unit, "the interrupt table's address does not read back");
	status = vtd_latch_interrupt_table(unit);
	return status == OK ? vtd_invalidate_interrupts_all(unit) : status;
}

/* 5.1.4: compatibility-format requests would pass as they are, so they are blocked, and read back. */
static enum status block_compatibility_format(struct vtd_unit *unit)
{
	if (vtd_gsts(unit) & VTD_GSTS_CFIS && vtd_turn_off(unit, VTD_GSTS_CFIS) != OK)
		return refuse(unit, "compatibility-format interrupts can't be blocked");
	return OK;
}

static enum status remap_interrupts(struct vtd_unit *unit)
{
	enum status status = set_interrupt_table(unit);

	if (status == OK)
		status = block_compatibility_format(unit);
	if (status == OK && !(vtd_gsts(unit) & VTD_GSTS_IRES))
		status = vtd_turn_on(unit, VTD_GSTS_IRES);
	if (status != OK)
		return status;
	if (!(vtd_gsts(unit) & VTD_GSTS_IRES))
		return refuse(unit, "interrupt remapping does not stay on");
	if (vtd_gsts(unit) & VTD_GSTS_CFIS)
		return refuse(unit, "compatibility-format interrupts are not blocked");
	return OK;
}

enum status vtd_unit_enable(struct vtd_unit *unit, const struct interrupt_target *event)
{
	enum status status = vtd_faults_reset(unit);

	if (status == OK)
		status = leave_foreign_mode(unit);
	if (status == OK && unit->caps.queued_invalidation)
		status = vtd_queue_start(unit);
	if (status == OK)
		status = set_root_table(unit);
	if (status == OK)
		status = translate(unit);
	if (status == OK)
		status = release_protected_memory(unit);
	if (status == OK && unit->caps.interrupt_remapping)
		status = remap_interrupts(unit);
	if (status == OK)
		status = vtd_fault_event_set(unit, event);
	if (status != OK) {
		log_line("vtd", "unit %u: not enabled: %s", unit->index, status_name(status));
		return status;
	}
	log_line("vtd", "unit %u: on, GSTS %08x: DMA blocked%s%s", unit->index, vtd_gsts(unit),
		 unit->caps.interrupt_remapping ? ", interrupts remapped"
						: ", interrupts NOT remapped",
		 unit->wide_apic_ids ? " with 32-bit APIC IDs" : "");
	return OK;
}

/*
 * The Global Command Register (11.4.4.1). It reads back nothing, and each write states the whole of
 * what is to be on: so the one writer takes the lasting bits from GSTS, never the one-shot ones, and
 * changes one bit at a time.
 */
#include "hv/base/log.h"
#include "iommu/vtd/internal.h"

#define VTD_GCMD 0x18

/* The bits that stay as they are until written otherwise. All others are one-shot. */
#define GCMD_LASTING (VTD_GSTS_TES | VTD_GSTS_AFLS | VTD_GSTS_QIES | VTD_GSTS_IRES | VTD_GSTS_CFIS)

u32 vtd_gsts(const struct vtd_unit *unit)
{
	return vtd_read32(unit, VTD_GSTS);
}

/* Waits until the bit of GSTS is set, or clear. */
static enum status await(struct vtd_unit *unit, u32 bit, bool set)
{
	struct deadline deadline = deadline_in(VTD_WAIT_US);

	while (!(vtd_gsts(unit) & bit) == set) {
		if (deadline_passed(deadline)) {
			log_line("vtd", "unit %u: no answer to global command %08x, GSTS %08x",
				 unit->index, bit, vtd_gsts(unit));
			unit->dead = true;
			return ERR_TIMEOUT;
		}
	}
	return OK;
}

/* The only write of the register. */
static enum status command(struct vtd_unit *unit, u32 set, u32 clear)
{
	if (unit->dead)
		return ERR_HARDWARE;
	vtd_write32(unit, VTD_GCMD, ((vtd_gsts(unit) & GCMD_LASTING) | set) & ~clear);
	return OK;
}

static enum status command_and_wait(struct vtd_unit *unit, u32 set, u32 clear, u32 status_bit,
				    bool status_set)
{
	enum status status = command(unit, set, clear);

	return status == OK ? await(unit, status_bit, status_set) : status;
}

enum status vtd_turn_on(struct vtd_unit *unit, u32 state)
{
	return command_and_wait(unit, state, 0, state, true);
}

enum status vtd_turn_off(struct vtd_unit *unit, u32 state)
{
	return command_and_wait(unit, 0, state, state, false);
}

enum status vtd_latch_root_table(struct vtd_unit *unit)
{
	return command_and_wait(unit, VTD_GSTS_RTPS, 0, VTD_GSTS_RTPS, true);
}

enum status vtd_latch_interrupt_table(struct vtd_unit *unit)
{
	return command_and_wait(unit, VTD_GSTS_IRTPS, 0, VTD_GSTS_IRTPS, true);
}

enum status vtd_flush_write_buffer(struct vtd_unit *unit)
{
	if (!unit->caps.write_buffer_flush)
		return unit->dead ? ERR_HARDWARE : OK;
	return command_and_wait(unit, VTD_GSTS_WBFS, 0, VTD_GSTS_WBFS, false);
}

#include "iommu/vtd/caps.h"

#include "hv/base/bits.h"
#include "hv/base/format.h"
#include "hv/base/pt.h"
#include "iommu/vtd/regs.h"

/* 11.4.2: SAGAW bit n stands for n + 2 levels; the 2-level and 6-level ones are of no use. */
static u8 depths_of(u64 cap)
{
	return (u8)(bits_get(cap, VTD_CAP_SAGAW) << 2) & (BIT(3) | BIT(4) | BIT(5));
}

static u8 leaf_sizes_of(u64 cap)
{
	u64 large = bits_get(cap, VTD_CAP_SSLPS);

	return (u8)(PT_4K | (large & BIT(0) ? PT_2M : 0) | (large & BIT(1) ? PT_1G : 0));
}

struct vtd_caps vtd_caps_decode(u64 cap, u64 ecap)
{
	struct vtd_caps caps = {
		.cap = cap,
		.ecap = ecap,
		.domains = 1u << (4 + 2 * min_u64(bits_get(cap, VTD_CAP_ND), 6)),
		.depths = depths_of(cap),
		.leaf_sizes = leaf_sizes_of(cap),
		.address_bits = (u8)(bits_get(cap, VTD_CAP_MGAW) + 1),
		.write_buffer_flush = cap & VTD_CAP_RWBF,
		.protected_memory = cap & (VTD_CAP_PLMR | VTD_CAP_PHMR),
		.caching_mode = cap & VTD_CAP_CM,
		.page_selective = cap & VTD_CAP_PSI,
		.max_address_mask = (u8)bits_get(cap, VTD_CAP_MAMV),
		.drain_writes = cap & VTD_CAP_DWD,
		.drain_reads = cap & VTD_CAP_DRD,
		.fault_records = (u16)(bits_get(cap, VTD_CAP_NFR) + 1),
		.fault_offset = (u32)bits_get(cap, VTD_CAP_FRO) * 16,
		.iotlb_offset = (u32)bits_get(ecap, VTD_ECAP_IRO) * 16,
		.coherent = ecap & VTD_ECAP_C,
		.queued_invalidation = ecap & VTD_ECAP_QI,
		.device_tlbs = ecap & VTD_ECAP_QI && ecap & VTD_ECAP_DT,
		.device_throttling = ecap & VTD_ECAP_DIT,
		.interrupt_remapping = ecap & VTD_ECAP_IR,
		.wide_apic_ids = ecap & VTD_ECAP_EIM,
		.snoop_control = ecap & VTD_ECAP_SC,
		.max_index_mask = (u8)bits_get(ecap, VTD_ECAP_MHMV),
	};
	u32 faults_end = caps.fault_offset + caps.fault_records * VTD_FRCD_SIZE;
	u32 iotlb_end = caps.iotlb_offset + VTD_IOTLB_REGISTERS_END;

	caps.registers_size = (u32)max_u64(max_u64(faults_end, iotlb_end), VTD_REGISTERS_END);
	return caps;
}

static bool answers(const struct vtd_caps *caps, const struct vtd_wanted *wanted)
{
	(void)wanted;
	return caps->cap != 0 && caps->cap != ~0ull && caps->ecap != ~0ull;
}

static bool has_registers_apart(const struct vtd_caps *caps, const struct vtd_wanted *wanted)
{
	(void)wanted;
	return caps->fault_offset >= VTD_REGISTERS_END && caps->iotlb_offset >= VTD_REGISTERS_END;
}

static bool has_depth(const struct vtd_caps *caps, const struct vtd_wanted *wanted)
{
	return vtd_caps_levels(caps->depths, wanted->address_bits) != 0;
}

static bool has_width(const struct vtd_caps *caps, const struct vtd_wanted *wanted)
{
	return caps->address_bits >= wanted->address_bits;
}

static bool has_queue_for_interrupts(const struct vtd_caps *caps, const struct vtd_wanted *wanted)
{
	(void)wanted;
	return caps->queued_invalidation || !caps->interrupt_remapping;
}

static bool has_interrupt_remapping(const struct vtd_caps *caps, const struct vtd_wanted *wanted)
{
	(void)wanted;
	return caps->interrupt_remapping;
}

/* In the order in which they are looked at: the first one that is not met is told. */
static const struct vtd_need need[] = {
	{"CAP, ECAP", VTD_TO_BLOCK, answers, "its capability registers read as nothing there"},
	{"CAP.FRO, ECAP.IRO", VTD_TO_BLOCK, has_registers_apart,
	 "its fault or IOTLB registers would lie over others"},
	{"CAP.SAGAW", VTD_TO_BLOCK, has_depth,
	 "no second-stage table of 3 to 5 levels covers the machine's memory"},
	{"CAP.MGAW", VTD_TO_BLOCK, has_width,
	 "its widest address is below the top of the machine's memory"},
	{"ECAP.QI", VTD_TO_BLOCK, has_queue_for_interrupts,
	 "it remaps interrupts but has no queue to invalidate their entries"},
	{"ECAP.IR", VTD_TO_ASSIGN, has_interrupt_remapping,
	 "it can't remap interrupts, so a device could raise any vector on any CPU"},
};

const struct vtd_need *vtd_caps_unmet(const struct vtd_caps *caps, const struct vtd_wanted *wanted,
				      enum vtd_purpose purpose)
{
	for (unsigned i = 0; i < ARRAY_SIZE(need); i++)
		if (need[i].purpose <= purpose && !need[i].met(caps, wanted))
			return &need[i];
	return NULL;
}

u8 vtd_caps_levels(u8 common_depths, u8 address_bits)
{
	for (u8 levels = 3; levels <= 5; levels++)
		if (common_depths & BIT(levels) && PAGE_SHIFT + 9 * levels >= address_bits)
			return levels;
	return 0;
}

u8 vtd_address_bits(u64 limit)
{
	return limit > 1 ? (u8)(64 - __builtin_clzll(limit - 1)) : 1;
}

size_t vtd_caps_format(const struct vtd_caps *caps, char *text, size_t size)
{
	return format_text(
		text, size,
		"%s%s%u-bit addresses, 4K%s%s, %u domains%s%s%s%s%s%s%s%s%s, %u fault record%s",
		caps->depths & BIT(3) ? "3-level " : "", caps->depths & BIT(4) ? "4-level " : "",
		caps->address_bits, caps->leaf_sizes & PT_2M ? " 2M" : "",
		caps->leaf_sizes & PT_1G ? " 1G" : "", caps->domains,
		caps->interrupt_remapping ? ", IR" : "", caps->wide_apic_ids ? ", EIM" : "",
		caps->queued_invalidation ? ", QI" : "", caps->device_tlbs ? ", DT" : "",
		caps->coherent ? ", coherent" : "", caps->page_selective ? ", PSI" : "",
		caps->snoop_control ? ", SC" : "", caps->caching_mode ? ", CM" : "",
		caps->write_buffer_flush ? ", RWBF" : "", caps->fault_records,
		caps->fault_records == 1 ? "" : "s");
}

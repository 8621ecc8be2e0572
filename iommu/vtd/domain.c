/*
 * Domains: a second-stage table (9.8) and a domain ID, both the same on every unit. The table is the
 * domain's own, or the CPU's, which then is changed and freed by its owner; the units are told here.
 *
 * Invariants: domain ID 0 is never used, since caching mode tags what is not present with it (6.1).
 * Table pages and IDs are free again only with the proof that every unit that may know them was
 * flushed; where a flush failed, nothing is freed and the next one covers the whole domain.
 */
#include "hv/base/log.h"
#include "hv/base/panic.h"
#include "iommu/vtd/internal.h"

const struct pt_format vtd_ss_format = {
	.name = "VT-d second stage",
	.present = VTD_SS_R | VTD_SS_W,
	.address = VTD_SS_ADDR,
	.large = VTD_SS_PS,
	.table = VTD_SS_R | VTD_SS_W,
	.read = VTD_SS_R,
	.write = VTD_SS_W,
};

const struct pt_format vtd_ss_format_snoop = {
	.name = "VT-d second stage, snooped",
	.present = VTD_SS_R | VTD_SS_W,
	.address = VTD_SS_ADDR,
	.large = VTD_SS_PS,
	.table = VTD_SS_R | VTD_SS_W,
	.leaf = VTD_SS_SNP,
	.read = VTD_SS_R,
	.write = VTD_SS_W,
};

/* 3.14: requests to this range are interrupts and never translated. */
#define INTERRUPT_RANGE	     0xfee00000ull
#define INTERRUPT_RANGE_SIZE 0x100000ull

static u16 take_id(void)
{
	for (u32 id = 1; id < vtd.domain_ids; id++) {
		if (!(vtd.domain_used[id / 64] & BIT(id % 64))) {
			vtd.domain_used[id / 64] |= BIT(id % 64);
			return (u16)id;
		}
	}
	return 0;
}

static void give_id(u16 id)
{
	vtd.domain_used[id / 64] &= ~BIT(id % 64);
}

enum status vtd_domain_create(struct iommu_domain *domain, const struct pt *nested)
{
	u16 id = take_id();
	enum status status;

	if (!id)
		return ERR_NO_MEMORY;
	*domain = (struct iommu_domain){.id = id, .live = true};
	if (nested && vtd_can_share(nested)) {
		domain->shared = nested;
		return OK;
	}
	status = pt_init(&domain->pt, vtd.format, vtd.pool, vtd.levels, vtd.leaf_sizes,
			 !vtd.coherent);
	if (status != OK) {
		give_id(id);
		domain->live = false;
	}
	return status;
}

static enum status flush_unit(struct vtd_unit *unit, const struct iommu_domain *domain, u64 address,
			      u64 size)
{
	if (domain->stale || !size || !range_within(address, size, 0, BIT(vtd.address_bits)))
		return vtd_invalidate_iotlb_domain(unit, domain->id);
	return vtd_invalidate_iotlb_range(unit, domain->id, address, size);
}

enum status vtd_domain_flush(struct iommu_domain *domain, u64 address, u64 size,
			     struct pt_flushed *proof)
{
	enum status result = OK;

	if (!domain->live)
		return ERR_INVALID;
	for (unsigned i = 0; i < vtd.unit_count; i++) {
		if (!(domain->units & BIT(i)))
			continue;
		enum status status = flush_unit(&vtd.unit[i], domain, address, size);

		if (status != OK)
			result = status;
	}
	domain->stale = result != OK;
	proof->done = result == OK;
	return result;
}

/* Flushes, and frees what that makes free. */
static enum status flush_and_free(struct iommu_domain *domain, u64 address, u64 size)
{
	struct pt_flushed proof = {false};
	enum status status = vtd_domain_flush(domain, address, size, &proof);

	if (status == OK)
		pt_free_retired(vtd.pool, &domain->retired, proof);
	return status;
}

/* What a flush that failed left in a unit's caches would stand before a new mapping: the old one, or an old table. */
static enum status announce(struct iommu_domain *domain, u64 address, u64 size)
{
	enum status result = OK;

	if (domain->stale)
		return flush_and_free(domain, address, size);
	for (unsigned i = 0; i < vtd.unit_count; i++) {
		if (!(domain->units & BIT(i)))
			continue;
		enum status status = vtd_announce_mapping(&vtd.unit[i], domain->id, address, size);

		if (status != OK)
			result = status;
	}
	return result;
}

/*
 * Unmaps what was mapped just now, and what some unit may know of it already is flushed. Where a unit
 * does not do that, the domain is stale.
 */
static void take_back(struct iommu_domain *domain, u64 address, u64 size)
{
	enum status status = pt_unmap(&domain->pt, address, size, &domain->retired);

	INVARIANT(status == OK); /* its leaves fill the range: none is cut */
	status = flush_and_free(domain, address, size);
	if (status != OK)
		log_line("vtd", "domain %u: what was mapped in vain at %llx may still be cached",
			 domain->id, (unsigned long long)address);
}

bool vtd_domain_can_hold(u64 address, u64 size)
{
	return range_within(address, size, 0, BIT(vtd.address_bits)) &&
	       !ranges_overlap(address, size, INTERRUPT_RANGE, INTERRUPT_RANGE_SIZE);
}

enum status vtd_domain_map(struct iommu_domain *domain, iova_t address, hpa_t to, u64 size,
			   u32 prot)
{
	enum status status;

	if (!domain->live || !(prot & (PT_READ | PT_WRITE)) ||
	    !vtd_domain_can_hold(address.v, size))
		return ERR_INVALID;
	if (domain->shared)
		return announce(domain, address.v, size);
	status = pt_map(&domain->pt, address.v, to, size, prot & (PT_READ | PT_WRITE),
			&domain->retired);
	if (status == OK) {
		status = announce(domain, address.v, size);
		if (status != OK)
			take_back(domain, address.v, size);
	} else if (status == ERR_NO_MEMORY) {
		/* A part was there for a moment; what a unit cached of it has to go. */
		enum status flushed = flush_and_free(domain, address.v, size);

		if (flushed != OK)
			status = flushed;
	}
	return status;
}

enum status vtd_domain_unmap(struct iommu_domain *domain, iova_t address, u64 size)
{
	enum status status, flushed;

	if (!domain->live || domain->shared)
		return ERR_INVALID;
	status = pt_unmap(&domain->pt, address.v, size, &domain->retired);
	if (status == ERR_INVALID)
		return status;
	flushed = flush_and_free(domain, address.v, size);
	return flushed != OK ? flushed : status;
}

enum status vtd_domain_destroy(struct iommu_domain *domain)
{
	struct pt_flushed proof = {false};
	enum status status;

	if (!domain->live)
		return ERR_INVALID;
	if (domain->attached)
		return ERR_BUSY;
	domain->stale = true; /* all of it */
	status = vtd_domain_flush(domain, 0, PAGE_SIZE, &proof);
	if (status != OK)
		return status;
	if (!domain->shared)
		pt_destroy(&domain->pt, &domain->retired);
	pt_free_retired(vtd.pool, &domain->retired, proof);
	give_id(domain->id);
	domain->live = false;
	return OK;
}

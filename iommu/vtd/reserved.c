/*
 * Reserved memory regions (RMRR, 8.4): memory that firmware has a device use behind the system's
 * back. A requester that has some never is without them: in quarantine its context entry leads to a
 * domain of its own, its home, that identity-maps them and nothing else; in a VM's domain they are
 * mapped besides the VM's memory.
 */
#include "hv/base/log.h"
#include "iommu/scope.h"
#include "iommu/vtd/internal.h"

static struct vtd_reserved *reserved(void)
{
	return &vtd.reserved;
}

/* A device that reaches these can undo what confines it, or reach others' devices. */
static bool touches_guards(u64 base, u64 size)
{
	const struct madt *madt = &vtd.platform->madt;
	const struct mcfg *mcfg = &vtd.platform->mcfg;

	for (u32 i = 0; i < madt->ioapic_count; i++)
		if (ranges_overlap(base, size, align_down(madt->ioapic[i].address.v, PAGE_SIZE),
				   PAGE_SIZE))
			return true;
	for (u32 i = 0; i < mcfg->window_count; i++) {
		const struct mcfg_window *window = &mcfg->window[i];
		u64 buses = window->last_bus - window->first_bus + 1u;

		if (ranges_overlap(base, size, window->base.v + MIB(window->first_bus), MIB(buses)))
			return true;
	}
	return vtd_touches_units(base, size, vtd.unit_count);
}

static bool overlaps_other_region(u64 base, u64 size)
{
	for (unsigned i = 0; i < reserved()->region_count; i++) {
		const struct vtd_reserved_region *other = &reserved()->region[i];

		if (ranges_overlap(base, size, other->base, other->size) &&
		    (base != other->base || size != other->size))
			return true;
	}
	return false;
}

/*
 * 8.4 asks for whole pages; firmware that gives less means those that its bytes lie in. The parser has
 * refused ranges that wrap.
 */
static struct vtd_reserved_region whole_pages_of(const struct dmar_structure *rmrr)
{
	u64 base = align_down(rmrr->base, PAGE_SIZE);

	return (struct vtd_reserved_region){base, (rmrr->limit | PAGE_MASK) + 1 - base};
}

/* NULL if the region can be mapped, else why not. */
static const char *region_refusal(const struct vtd_reserved_region *region)
{
	if (!region->size || !vtd_domain_can_hold(region->base, region->size))
		return "it lies outside the addresses that can be translated";
	if (vtd_touches_ram(region->base, region->size))
		return "it lies in memory that is free to use";
	if (touches_guards(region->base, region->size))
		return "it lies over registers of IOMMU or IOAPIC, or PCI configuration space";
	if (overlaps_other_region(region->base, region->size))
		return "it overlaps another one";
	return NULL;
}

/* One entry for each distinct range, so that sharing shows however the table puts it. */
static enum status add_region(struct vtd_reserved_region region, u16 *index)
{
	for (*index = 0; *index < reserved()->region_count; (*index)++)
		if (reserved()->region[*index].base == region.base &&
		    reserved()->region[*index].size == region.size)
			return OK;
	if (*index == VTD_MAX_RESERVED_REGIONS)
		return ERR_NO_MEMORY;
	reserved()->region[reserved()->region_count++] = region;
	return OK;
}

static enum status home_of(struct sbdf requester, u16 *home)
{
	for (*home = 0; *home < reserved()->home_count; (*home)++)
		if (sbdf_equal(reserved()->home[*home].requester, requester))
			return OK;
	if (*home == VTD_MAX_HOMES)
		return ERR_NO_MEMORY;
	reserved()->home[reserved()->home_count++] = (struct vtd_home){.requester = requester};
	return OK;
}

static enum status add_user(struct sbdf requester, u16 region)
{
	struct vtd_reserved_user user = {.requester = requester, .region = region};

	for (unsigned i = 0; i < reserved()->user_count; i++)
		if (sbdf_equal(reserved()->user[i].requester, requester) &&
		    reserved()->user[i].region == region)
			return OK;
	if (reserved()->user_count == VTD_MAX_RESERVED_USERS)
		return ERR_NO_MEMORY;

	enum status status = home_of(requester, &user.home);

	if (status == OK)
		reserved()->user[reserved()->user_count++] = user;
	return status;
}

/* Endpoints that the PCI walk did not see: firmware may have hidden them. */
static enum status add_hidden_users(const struct dmar_structure *rmrr, u16 region)
{
	const struct pci_topology *pci = &vtd.platform->pci;

	for (unsigned i = 0; i < rmrr->scope_count; i++) {
		const struct dmar_scope *scope = &vtd.dmar.scope[rmrr->first_scope + i];
		enum status status;
		struct sbdf end;

		if (scope->type != DMAR_SCOPE_ENDPOINT ||
		    scope_resolve(scope, rmrr->segment, pci, &end) != OK || pci_find(pci, end))
			continue;
		status = add_user(end, region);
		if (status != OK)
			return status;
	}
	return OK;
}

static enum status add_rmrr(const struct dmar_structure *rmrr)
{
	const struct pci_topology *pci = &vtd.platform->pci;
	struct vtd_reserved_region range = whole_pages_of(rmrr);
	const char *why_not = region_refusal(&range);
	enum status status;
	u16 region;

	log_line("vtd", "reserved region %llx-%llx, segment %u%s%s", (unsigned long long)rmrr->base,
		 (unsigned long long)rmrr->limit, rmrr->segment, why_not ? ", left out: " : "",
		 why_not ? why_not : "");
	if (why_not)
		return OK;
	status = add_region(range, &region);
	for (u32 i = 0; i < pci->count && status == OK; i++) {
		struct sbdf requester = pci_requester_id(pci, &pci->function[i]);

		if (scope_covers(&vtd.dmar, rmrr, pci, requester))
			status = add_user(requester, region);
	}
	return status == OK ? add_hidden_users(rmrr, region) : status;
}

enum status vtd_reserved_find(void)
{
	for (unsigned i = 0; i < vtd.dmar.structure_count; i++) {
		enum status status;

		if (vtd.dmar.structure[i].type != DMAR_RMRR)
			continue;
		status = add_rmrr(&vtd.dmar.structure[i]);
		if (status != OK) {
			log_line("vtd", "too many reserved regions or devices that have some");
			return status;
		}
	}
	return OK;
}

static enum status connect_home(struct vtd_home *home)
{
	struct vtd_unit *unit;
	enum status status;

	if (vtd_unit_for(home->requester, &unit) != OK)
		return OK; /* nothing translates its requests */
	status = vtd_domain_create(&home->domain, NULL);
	if (status == OK)
		status = vtd_reserved_map(&home->domain, home->requester);
	if (status == OK)
		status = vtd_context_enter(unit, &home->domain, home->requester.bdf);
	return status;
}

enum status vtd_reserved_connect(void)
{
	for (unsigned i = 0; i < reserved()->home_count; i++) {
		enum status status = connect_home(&reserved()->home[i]);

		if (status != OK)
			return status;
	}
	return OK;
}

struct iommu_domain *vtd_reserved_home(struct sbdf requester)
{
	for (unsigned i = 0; i < reserved()->home_count; i++)
		if (sbdf_equal(reserved()->home[i].requester, requester) &&
		    reserved()->home[i].domain.live)
			return &reserved()->home[i].domain;
	return NULL;
}

bool vtd_reserved_has(struct sbdf requester)
{
	for (unsigned i = 0; i < reserved()->user_count; i++)
		if (sbdf_equal(reserved()->user[i].requester, requester))
			return true;
	return false;
}

bool vtd_reserved_on(const struct vtd_unit *unit)
{
	struct vtd_unit *serving;

	for (unsigned i = 0; i < reserved()->user_count; i++)
		if (vtd_unit_for(reserved()->user[i].requester, &serving) == OK && serving == unit)
			return true;
	return false;
}

bool vtd_reserved_shared(struct sbdf requester)
{
	for (unsigned i = 0; i < reserved()->user_count; i++) {
		const struct vtd_reserved_user *own = &reserved()->user[i];

		if (!sbdf_equal(own->requester, requester))
			continue;
		for (unsigned k = 0; k < reserved()->user_count; k++)
			if (!sbdf_equal(reserved()->user[k].requester, requester) &&
			    reserved()->user[k].region == own->region)
				return true;
	}
	return false;
}

static const struct vtd_reserved_region *region_of(const struct vtd_reserved_user *user)
{
	return &reserved()->region[user->region];
}

/* Unmaps the requester's regions among the first `users` of the list. */
static enum status unmap_first(struct iommu_domain *domain, struct sbdf requester, unsigned users)
{
	enum status result = OK;

	for (unsigned i = 0; i < users; i++) {
		const struct vtd_reserved_user *user = &reserved()->user[i];
		enum status status;

		if (!sbdf_equal(user->requester, requester))
			continue;
		status = vtd_domain_unmap(domain, iova(region_of(user)->base),
					  region_of(user)->size);
		if (status != OK)
			result = status;
	}
	return result;
}

enum status vtd_reserved_map(struct iommu_domain *domain, struct sbdf requester)
{
	for (unsigned i = 0; i < reserved()->user_count; i++) {
		const struct vtd_reserved_region *region = region_of(&reserved()->user[i]);
		enum status status, undone;

		if (!sbdf_equal(reserved()->user[i].requester, requester))
			continue;
		status = vtd_domain_map(domain, iova(region->base), hpa(region->base), region->size,
					PT_READ | PT_WRITE);
		if (status == OK)
			continue;
		log_line("vtd", "domain %u can't map reserved region %llx, size %llx: %s",
			 domain->id, (unsigned long long)region->base,
			 (unsigned long long)region->size, status_name(status));
		undone = unmap_first(domain, requester, i);
		return undone != OK ? undone : status;
	}
	return OK;
}

enum status vtd_reserved_unmap(struct iommu_domain *domain, struct sbdf requester)
{
	return unmap_first(domain, requester, reserved()->user_count);
}

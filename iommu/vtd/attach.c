/*
 * Which domain a requester's context entry (9.3) leads to.
 *
 *   quarantine --attach--> attached --detach--> quarantine
 *
 * In quarantine the entry is not present, or leads to the requester's home, which maps its reserved
 * regions and nothing else. The upper half of an entry outlives the present bit: its domain ID says
 * who holds the entry, until the unit has told that it forgot it. So a detach that failed halfway can
 * be tried again, and nobody else gets the entry meanwhile.
 */
#include "hv/base/log.h"
#include "iommu/vtd/internal.h"

static bool held_by(struct vtd_entry entry, const struct iommu_domain *domain)
{
	return domain && vtd_context_domain(entry) == domain->id;
}

enum status vtd_context_enter(struct vtd_unit *unit, struct iommu_domain *domain, u16 source_id)
{
	const struct pt *table = vtd_domain_table(domain);
	struct vtd_entry *slot = vtd_context_slot(unit, source_id);

	if (!slot)
		return ERR_NO_MEMORY;
	domain->units |= BIT(unit->index);
	domain->attached++;
	vtd_publish(unit, slot, vtd_context_make(table->root, table->levels, domain->id));
	return OK;
}

/* 6.5.3.3: the context entry is forgotten first, then what the IOTLB took from it. */
static enum status disconnect(struct vtd_unit *unit, struct iommu_domain *domain, u16 source_id)
{
	struct vtd_entry *slot = vtd_context_slot(unit, source_id);
	enum status status;

	if (!slot)
		return ERR_NOT_FOUND;
	vtd_retract(unit, slot);
	status = vtd_invalidate_context(unit, domain->id, source_id);
	if (status == OK)
		status = vtd_invalidate_iotlb_domain(unit, domain->id);
	if (status != OK)
		return status;
	slot->high = 0;
	vtd_make_visible(unit, slot, sizeof(*slot));
	domain->attached--;
	return OK;
}

static enum status connect(struct vtd_unit *unit, struct iommu_domain *domain, u16 source_id)
{
	enum status status = vtd_context_enter(unit, domain, source_id);

	if (status != OK)
		return status;
	status = vtd_announce_context(unit, domain->id, source_id);
	if (status != OK && disconnect(unit, domain, source_id) != OK)
		log_line("vtd", "unit %u: %04x may still reach domain %u", unit->index, source_id,
			 domain->id);
	return status;
}

const char *vtd_refusal(struct sbdf requester)
{
	const struct vtd_need *need;
	struct vtd_unit *unit;

	if (vtd_unit_for(requester, &unit) != OK)
		return "no IOMMU serves it";
	need = vtd_caps_unmet(&unit->caps, &vtd.wanted, VTD_TO_ASSIGN);
	if (need)
		return need->reason;
	if (vtd_reserved_shared(requester))
		return "firmware's reserved memory region of it is shared with another device";
	return NULL;
}

/* The reason why the requester may not be put into the domain, or NULL. */
static const char *refusal(const struct iommu_domain *domain, struct sbdf requester)
{
	const char *reason = vtd_refusal(requester);

	if (!reason && domain->shared && vtd_reserved_has(requester))
		reason = "its reserved memory region has no place in the CPU's table";
	return reason;
}

static enum status connect_with_reserved(struct vtd_unit *unit, struct iommu_domain *domain,
					 struct sbdf requester)
{
	enum status status = vtd_reserved_map(domain, requester);

	if (status != OK)
		return status;
	status = connect(unit, domain, requester.bdf);
	if (status != OK && vtd_reserved_unmap(domain, requester) != OK)
		log_line("vtd", "domain %u keeps a reserved region", domain->id);
	return status;
}

/* Into quarantine, with its reserved regions if it has some. */
static enum status go_home(struct vtd_unit *unit, struct sbdf requester)
{
	struct iommu_domain *home = vtd_reserved_home(requester);
	enum status status = home ? connect(unit, home, requester.bdf) : OK;
	char text[SBDF_TEXT_MAX];

	if (status != OK)
		log_line("vtd", "%s lost its reserved regions", sbdf_text(requester, text));
	return status;
}

enum status vtd_attach(struct iommu_domain *domain, struct sbdf requester)
{
	struct iommu_domain *home = vtd_reserved_home(requester);
	struct vtd_unit *unit;
	enum status status = vtd_unit_for(requester, &unit);
	char text[SBDF_TEXT_MAX];

	if (status != OK)
		return status;
	if (!domain->live)
		return ERR_INVALID;
	if (refusal(domain, requester)) {
		log_line("vtd", "%s stays in quarantine: %s", sbdf_text(requester, text),
			 refusal(domain, requester));
		return ERR_UNSUPPORTED;
	}
	struct vtd_entry entry = vtd_context_get(unit, requester.bdf);

	if (entry.high && !held_by(entry, home))
		return ERR_BUSY;
	if (held_by(entry, home)) {
		status = disconnect(unit, home, requester.bdf);
		if (status != OK)
			return status;
	}
	status = connect_with_reserved(unit, domain, requester);
	/* Unless its unit may know the entry into the domain still: then that holds it, and nobody gets it. */
	if (status != OK && !vtd_context_get(unit, requester.bdf).high)
		(void)!go_home(unit, requester);
	return status;
}

enum status vtd_detach(struct iommu_domain *domain, struct sbdf requester)
{
	struct vtd_unit *unit;
	enum status unmapped, status = vtd_unit_for(requester, &unit);

	if (status != OK)
		return status;
	if (!domain->live || !held_by(vtd_context_get(unit, requester.bdf), domain))
		return ERR_NOT_FOUND;
	status = disconnect(unit, domain, requester.bdf);
	if (status != OK)
		return status;
	/* Where another unit does not flush the domain, the requester is home all the same. */
	unmapped = vtd_reserved_unmap(domain, requester);
	status = go_home(unit, requester);
	return status != OK ? status : unmapped;
}

/* The operations, each under the driver's lock, and turning all units on. */
#include "iommu/vtd/vtd.h"

#include "hv/base/log.h"
#include "iommu/scope.h"
#include "iommu/vtd/internal.h"

struct vtd vtd;

/* 9.10: without extended interrupt mode an entry holds 8 bits of an APIC ID, and 255 is all CPUs. */
static bool has_wide_apic_ids(const struct madt *madt)
{
	for (u32 i = 0; i < madt->cpu_count; i++)
		if (madt->cpu[i].enabled && madt->cpu[i].apic_id >= 0xff)
			return true;
	return false;
}

static enum status choose_interrupt_mode(bool x2apic)
{
	bool all_wide = true;

	for (unsigned i = 0; i < vtd.unit_count; i++)
		if (vtd.unit[i].caps.interrupt_remapping)
			all_wide &= vtd.unit[i].caps.wide_apic_ids;
	vtd.wide_apic_ids = x2apic && all_wide;
	if (x2apic && !all_wide && has_wide_apic_ids(&vtd.platform->madt)) {
		log_line("vtd", "there are APIC IDs above 254, and a unit without extended "
				"interrupt mode (ECAP.EIM)");
		return ERR_UNSUPPORTED;
	}
	return OK;
}

/* Everything that the units will read, before one of them is told of it. */
static enum status build_tables(void)
{
	for (unsigned i = 0; i < vtd.unit_count; i++) {
		struct vtd_unit *unit = &vtd.unit[i];
		enum status status = vtd_tables_init(unit);

		unit->wide_apic_ids = vtd.wide_apic_ids && unit->caps.interrupt_remapping;
		if (status == OK && unit->caps.interrupt_remapping)
			status = vtd_interrupts_init(unit);
		if (status != OK)
			return status;
	}
	return vtd_reserved_connect();
}

static enum status enable_all(const struct interrupt_target *event, bool x2apic)
{
	enum status status;

	if (!vtd.probed || vtd.enabled)
		return ERR_INVALID;
	status = choose_interrupt_mode(x2apic);
	if (status == OK)
		status = build_tables();
	for (unsigned i = 0; i < vtd.unit_count && status == OK; i++)
		status = vtd_unit_enable(&vtd.unit[i], event);
	if (status == OK)
		status = vtd_devices_forget();
	vtd.enabled = status == OK;
	return status;
}

static enum status enable(const struct interrupt_target *event, bool x2apic)
{
	lock_take(&vtd.lock);
	enum status status = enable_all(event, x2apic);

	lock_release(&vtd.lock);
	return status;
}

static enum status domain_create(struct iommu_domain *domain, const struct pt *nested)
{
	lock_take(&vtd.lock);
	enum status status = vtd_domain_create(domain, nested);

	lock_release(&vtd.lock);
	return status;
}

static enum status domain_destroy(struct iommu_domain *domain)
{
	lock_take(&vtd.lock);
	enum status status = vtd_domain_destroy(domain);

	lock_release(&vtd.lock);
	return status;
}

static enum status map(struct iommu_domain *domain, iova_t address, hpa_t to, u64 size, u32 prot)
{
	lock_take(&vtd.lock);
	enum status status = vtd_domain_map(domain, address, to, size, prot);

	lock_release(&vtd.lock);
	return status;
}

static enum status unmap(struct iommu_domain *domain, iova_t address, u64 size)
{
	lock_take(&vtd.lock);
	enum status status = vtd_domain_unmap(domain, address, size);

	lock_release(&vtd.lock);
	return status;
}

static enum status flush(struct iommu_domain *domain, iova_t address, u64 size,
			 struct pt_flushed *proof)
{
	lock_take(&vtd.lock);
	enum status status = vtd_domain_flush(domain, address.v, size, proof);

	lock_release(&vtd.lock);
	return status;
}

static enum status attach(struct iommu_domain *domain, struct sbdf requester)
{
	lock_take(&vtd.lock);
	enum status status = vtd.enabled ? vtd_attach(domain, requester) : ERR_INVALID;

	lock_release(&vtd.lock);
	return status;
}

static enum status detach(struct iommu_domain *domain, struct sbdf requester)
{
	lock_take(&vtd.lock);
	enum status status = vtd.enabled ? vtd_detach(domain, requester) : ERR_INVALID;

	lock_release(&vtd.lock);
	return status;
}

static enum status interrupts_alloc(struct iommu_source source, u16 count,
				    struct iommu_interrupts *interrupts)
{
	struct vtd_unit *unit;
	enum status status;

	lock_take(&vtd.lock);
	status = vtd_unit_for(source.id, &unit);
	if (status == OK)
		status = vtd_interrupts_alloc(unit, source, count, interrupts);
	lock_release(&vtd.lock);
	return status;
}

static enum status interrupts_alloc_ioapic(u8 ioapic_id, u16 count,
					   struct iommu_interrupts *interrupts)
{
	struct iommu_source source = {0};
	enum status status;
	u16 unit;

	lock_take(&vtd.lock);
	status = scope_unit_of_platform_device(&vtd.dmar, &vtd.platform->pci, DMAR_SCOPE_IOAPIC,
					       ioapic_id, &unit, &source.id);
	if (status == OK)
		status = vtd_interrupts_alloc(&vtd.unit[unit], source, count, interrupts);
	lock_release(&vtd.lock);
	return status;
}

static enum status interrupts_free(struct iommu_interrupts *interrupts)
{
	if (!interrupts->count)
		return OK;
	lock_take(&vtd.lock);
	enum status status = vtd_interrupts_free(&vtd.unit[interrupts->unit], interrupts);

	lock_release(&vtd.lock);
	return status;
}

static enum status interrupt_set(const struct iommu_interrupts *interrupts, u16 n,
				 const struct interrupt_target *target)
{
	if (n >= interrupts->count)
		return ERR_INVALID;
	lock_take(&vtd.lock);
	enum status status = vtd_interrupt_set(&vtd.unit[interrupts->unit],
					       (u16)(interrupts->first + n), target);

	lock_release(&vtd.lock);
	return status;
}

static enum status interrupt_clear(const struct iommu_interrupts *interrupts, u16 n)
{
	if (n >= interrupts->count)
		return ERR_INVALID;
	lock_take(&vtd.lock);
	enum status status =
		vtd_interrupt_clear(&vtd.unit[interrupts->unit], (u16)(interrupts->first + n));

	lock_release(&vtd.lock);
	return status;
}

static struct msi_message msi_message(const struct iommu_interrupts *interrupts, u16 n)
{
	return vtd_msi_make(interrupts->first, n);
}

static u64 ioapic_entry(const struct iommu_interrupts *interrupts, u16 n,
			const struct interrupt_target *target, bool active_low, bool masked)
{
	return vtd_rte_make((u16)(interrupts->first + n), target, active_low, masked);
}

/* Where there was room for no more, the next call begins with the next unit: none can hide the others. */
static unsigned faults(struct iommu_fault *fault, unsigned max)
{
	unsigned taken = 0, first;

	lock_take(&vtd.lock);
	first = vtd.first_faulting;
	for (unsigned i = 0; i < vtd.unit_count && taken < max; i++) {
		unsigned index = (first + i) % vtd.unit_count;

		taken += vtd_faults_take(&vtd.unit[index], &fault[taken], max - taken);
		vtd.first_faulting = (index + 1) % vtd.unit_count;
	}
	lock_release(&vtd.lock);
	return taken;
}

static u32 count_bits(const u64 *words, u32 bits)
{
	u32 count = 0;

	for (u32 i = 0; i < bits; i++)
		count += words[i / 64] >> i % 64 & 1;
	return count;
}

static struct iommu_usage usage(void)
{
	struct iommu_usage used = {0};

	lock_take(&vtd.lock);
	used.domains = count_bits(vtd.domain_used, vtd.domain_ids);
	for (unsigned i = 0; i < vtd.unit_count; i++)
		used.interrupts += count_bits(vtd.unit[i].interrupts.used, VTD_MAX_INTERRUPTS);
	lock_release(&vtd.lock);
	return used;
}

/* No lock from here on: these answers are the same from probe on, or enable for the last. */
static u8 address_bits(void)
{
	return vtd.address_bits;
}

static bool has_reserved(struct sbdf requester)
{
	return vtd_reserved_has(requester);
}

static bool x2apic_possible(void)
{
	bool all_wide = !(vtd.dmar.flags & DMAR_X2APIC_OPT_OUT);

	for (unsigned i = 0; i < vtd.unit_count; i++)
		if (vtd.unit[i].caps.interrupt_remapping)
			all_wide &= vtd.unit[i].caps.wide_apic_ids;
	return all_wide;
}

static bool wide_apic_ids(void)
{
	return vtd.wide_apic_ids;
}

const struct iommu_ops vtd_ops = {
	.name = "VT-d",
	.probe = vtd_probe,
	.enable = enable,
	.domain_create = domain_create,
	.domain_destroy = domain_destroy,
	.map = map,
	.unmap = unmap,
	.flush = flush,
	.attach = attach,
	.detach = detach,
	.refusal = vtd_refusal,
	.has_reserved = has_reserved,
	.interrupts_alloc = interrupts_alloc,
	.interrupts_alloc_ioapic = interrupts_alloc_ioapic,
	.interrupts_free = interrupts_free,
	.interrupt_set = interrupt_set,
	.interrupt_clear = interrupt_clear,
	.msi_message = msi_message,
	.ioapic_entry = ioapic_entry,
	.faults = faults,
	.usage = usage,
	.address_bits = address_bits,
	.x2apic_possible = x2apic_possible,
	.wide_apic_ids = wide_apic_ids,
};

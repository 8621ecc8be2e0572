/*
 * No locks: everything is allocated and freed while VMs are built, and the one VM that can have devices has
 * one CPU, which sets and clears entries.
 */
#include "iommu/identity/identity.h"

#include "drivers/ioapic.h"
#include "hv/base/bits.h"

/* Beyond any VM's need: 16 devices of 64 messages and a pin each. */
#define MAX_ENTRIES 2048

/* The compatibility format holds 8 bits of an APIC ID, all ones being all CPUs. */
#define MAX_APIC_ID 0xfe

#define MESSAGE_ADDRESS	       0xfee00000ull
#define MESSAGE_DEST_SHIFT     12
#define MESSAGE_DELIVERY_SHIFT 8

/* One a VM, and one VM. */
#define DOMAIN_ID 1

#define ADDRESS_BITS 52

static struct {
	bool domain_live;
	struct {
		bool used;
		struct interrupt_target target;
	} entry[MAX_ENTRIES];
} identity;

static enum status probe(const struct platform *platform, struct pool *pool)
{
	(void)platform;
	(void)pool;
	return OK;
}

static enum status enable(const struct interrupt_target *event, bool x2apic)
{
	(void)event;
	(void)x2apic;
	return OK;
}

static enum status domain_create(struct iommu_domain *domain, const struct pt *nested)
{
	(void)nested;
	if (identity.domain_live)
		return ERR_BUSY;
	identity.domain_live = true;
	*domain = (struct iommu_domain){.id = DOMAIN_ID, .live = true};
	return OK;
}

static enum status domain_destroy(struct iommu_domain *domain)
{
	if (!domain->live)
		return ERR_INVALID;
	if (domain->attached)
		return ERR_BUSY;
	domain->live = false;
	identity.domain_live = false;
	return OK;
}

static enum status map(struct iommu_domain *domain, iova_t address, hpa_t to, u64 size, u32 prot)
{
	if (!domain->live || !(prot & (PT_READ | PT_WRITE)) || address.v != to.v ||
	    !range_within(address.v, size, 0, BIT(ADDRESS_BITS)))
		return ERR_INVALID;
	return OK;
}

static enum status unmap(struct iommu_domain *domain, iova_t address, u64 size)
{
	(void)address;
	(void)size;
	return domain->live ? OK : ERR_INVALID;
}

/* Nothing translates, so that nothing is cached. */
static enum status flush(struct iommu_domain *domain, iova_t address, u64 size,
			 struct pt_flushed *proof)
{
	(void)address;
	(void)size;
	proof->done = true;
	return domain->live ? OK : ERR_INVALID;
}

static enum status attach(struct iommu_domain *domain, struct sbdf requester)
{
	(void)requester;
	if (!domain->live)
		return ERR_INVALID;
	domain->attached++;
	return OK;
}

static enum status detach(struct iommu_domain *domain, struct sbdf requester)
{
	(void)requester;
	if (!domain->attached)
		return ERR_NOT_FOUND;
	domain->attached--;
	return OK;
}

static const char *refusal(struct sbdf requester)
{
	(void)requester;
	return NULL;
}

static bool has_reserved(struct sbdf requester)
{
	(void)requester;
	return false;
}

/* --- Interrupts --- */

static bool all_free(u32 first, u16 count)
{
	for (u32 n = first; n < first + count; n++)
		if (identity.entry[n].used)
			return false;
	return true;
}

static enum status interrupts_alloc(struct iommu_source source, u16 count,
				    struct iommu_interrupts *interrupts)
{
	(void)source;
	if (!count)
		return ERR_INVALID;
	for (u32 first = 0; first + count <= MAX_ENTRIES; first++) {
		if (!all_free(first, count))
			continue;
		for (u32 n = first; n < first + count; n++)
			identity.entry[n].used = true;
		*interrupts = (struct iommu_interrupts){.first = (u16)first, .count = count};
		return OK;
	}
	return ERR_NO_MEMORY;
}

static enum status interrupts_alloc_ioapic(u8 ioapic_id, u16 count,
					   struct iommu_interrupts *interrupts)
{
	(void)ioapic_id;
	return interrupts_alloc((struct iommu_source){0}, count, interrupts);
}

static enum status interrupts_free(struct iommu_interrupts *interrupts)
{
	for (u32 n = 0; n < interrupts->count; n++)
		identity.entry[interrupts->first + n].used = false;
	interrupts->count = 0;
	return OK;
}

static enum status interrupt_set(const struct iommu_interrupts *interrupts, u16 n,
				 const struct interrupt_target *target)
{
	if (n >= interrupts->count)
		return ERR_INVALID;
	if (target->apic_id > MAX_APIC_ID)
		return ERR_UNSUPPORTED;
	identity.entry[interrupts->first + n].target = *target;
	return OK;
}

/* Who uses the message is masked already, and what it is to be comes with the next target. */
static enum status interrupt_clear(const struct iommu_interrupts *interrupts, u16 n)
{
	return n < interrupts->count ? OK : ERR_INVALID;
}

/* A device with several vectors adds their number, and the targets' vectors follow each other. */
static struct msi_message msi_message(const struct iommu_interrupts *interrupts, u16 n)
{
	const struct interrupt_target *target = &identity.entry[interrupts->first + n].target;

	return (struct msi_message){
		.address = MESSAGE_ADDRESS | (u64)target->apic_id << MESSAGE_DEST_SHIFT,
		.data = target->vector | (u32)target->delivery << MESSAGE_DELIVERY_SHIFT,
	};
}

static u64 ioapic_entry(const struct iommu_interrupts *interrupts, u16 n,
			const struct interrupt_target *target, bool active_low, bool masked)
{
	(void)interrupts;
	(void)n;
	return ioapic_plain_entry(target->apic_id, target->vector, target->delivery) |
	       (target->level ? IOAPIC_ENTRY_LEVEL : 0) |
	       (active_low ? IOAPIC_ENTRY_ACTIVE_LOW : 0) | (masked ? IOAPIC_ENTRY_MASKED : 0);
}

static unsigned faults(struct iommu_fault *fault, unsigned max)
{
	(void)fault;
	(void)max;
	return 0;
}

static struct iommu_usage usage(void)
{
	struct iommu_usage used = {.domains = identity.domain_live};

	for (u32 n = 0; n < MAX_ENTRIES; n++)
		used.interrupts += identity.entry[n].used;
	return used;
}

static u8 address_bits(void)
{
	return ADDRESS_BITS;
}

/* Physical destinations up to 254 mean the same to a local APIC in either mode. */
static bool x2apic_possible(void)
{
	return true;
}

static bool wide_apic_ids(void)
{
	return false;
}

const struct iommu_ops identity_ops = {
	.name = "none (unsafe identity)",
	.identity = true,
	.probe = probe,
	.enable = enable,
	.domain_create = domain_create,
	.domain_destroy = domain_destroy,
	.map = map,
	.unmap = unmap,
	.flush = flush,
	.attach = attach,
	.detach = detach,
	.refusal = refusal,
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

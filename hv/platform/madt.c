/* The MADT: CPUs and interrupt controllers (ACPI specification 6.4, section 5.2.12). */
#include "hv/platform/acpi.h"

#include "hv/base/string.h"

#define MADT_LOCAL_APIC	 36 /* u32 */
#define MADT_FLAGS	 40 /* u32 */
#define MADT_PCAT_COMPAT BIT(0)
#define MADT_ENTRIES	 44

/* Every entry starts with a byte of type and one of length. */
#define MADT_ENTRY_HEADER 2

/* 5.2.12.2 and 5.2.12.12: flags of a CPU. */
#define MADT_CPU_ENABLED	BIT(0)
#define MADT_CPU_ONLINE_CAPABLE BIT(1) /* from ACPI 6.3 on: 0 before */

/* 5.2.12.5, table 5.25: MPS INTI flags. All other values conform to the bus (or are reserved). */
#define MADT_POLARITY	   0x3
#define MADT_POLARITY_LOW  0x3
#define MADT_TRIGGER	   0xc
#define MADT_TRIGGER_LEVEL 0xc

/* IDs that address all CPUs at once: firmware puts them into slots without a CPU. */
#define XAPIC_BROADCAST	 0xffu
#define X2APIC_BROADCAST 0xffffffffu

static struct madt_cpu *find_cpu(struct madt *madt, u32 apic_id)
{
	for (u32 i = 0; i < madt->cpu_count; i++)
		if (madt->cpu[i].apic_id == apic_id)
			return &madt->cpu[i];
	return NULL;
}

static void add_cpu(struct madt *madt, struct madt_cpu cpu, u32 flags)
{
	struct madt_cpu *known = find_cpu(madt, cpu.apic_id);

	cpu.enabled = flags & MADT_CPU_ENABLED;
	cpu.online_capable = flags & MADT_CPU_ONLINE_CAPABLE;
	if (known) {
		if (cpu.enabled && !known->enabled)
			known->uid = cpu.uid;
		known->enabled |= cpu.enabled;
		known->online_capable |= cpu.online_capable;
		known->x2apic |= cpu.x2apic;
	} else if (madt->cpu_count < MADT_MAX_CPUS) {
		madt->cpu[madt->cpu_count++] = cpu;
	} else {
		madt->cpu_dropped++;
	}
}

/* The parsers of one entry: NULL, or why there is no room for it. */

static const char *parse_local_apic(struct bytes entry, struct madt *madt)
{
	struct madt_cpu cpu = {.uid = bytes_u8(entry, 2), .apic_id = bytes_u8(entry, 3)};

	if (cpu.apic_id != XAPIC_BROADCAST)
		add_cpu(madt, cpu, bytes_u32(entry, 4));
	return NULL;
}

static const char *parse_local_x2apic(struct bytes entry, struct madt *madt)
{
	struct madt_cpu cpu = {
		.apic_id = bytes_u32(entry, 4),
		.uid = bytes_u32(entry, 12),
		.x2apic = true,
	};

	if (cpu.apic_id != X2APIC_BROADCAST)
		add_cpu(madt, cpu, bytes_u32(entry, 8));
	return NULL;
}

static const char *parse_ioapic(struct bytes entry, struct madt *madt)
{
	if (madt->ioapic_count == MADT_MAX_IOAPICS)
		return "there are more IOAPICs than can be kept";
	madt->ioapic[madt->ioapic_count++] = (struct madt_ioapic){
		.id = bytes_u8(entry, 2),
		.address = hpa(bytes_u32(entry, 4)),
		.gsi_base = bytes_u32(entry, 8),
	};
	return NULL;
}

static const char *parse_override(struct bytes entry, struct madt *madt)
{
	u16 flags = bytes_u16(entry, 8);

	if (bytes_u8(entry, 2) != 0) {
		madt->unknown_count++;
		return NULL;
	}
	if (madt->override_count == MADT_MAX_OVERRIDES)
		return "there are more interrupt source overrides than can be kept";
	madt->override[madt->override_count++] = (struct madt_override){
		.source = bytes_u8(entry, 3),
		.gsi = bytes_u32(entry, 4),
		.active_low = (flags & MADT_POLARITY) == MADT_POLARITY_LOW,
		.level = (flags & MADT_TRIGGER) == MADT_TRIGGER_LEVEL,
	};
	return NULL;
}

static const char *parse_nmi(struct bytes entry, struct madt *madt)
{
	(void)entry;
	madt->nmi_count++;
	return NULL;
}

static const char *parse_address_override(struct bytes entry, struct madt *madt)
{
	madt->local_apic = hpa(bytes_u64(entry, 4));
	return NULL;
}

static const struct kind {
	u8 type;
	u8 size; /* at least */
	const char *(*parse)(struct bytes entry, struct madt *madt);
} kinds[] = {
	{0, 8, parse_local_apic},
	{1, 12, parse_ioapic},
	{2, 10, parse_override},
	{3, 8, parse_nmi}, /* of an IOAPIC */
	{4, 6, parse_nmi}, /* of local APICs; type 10 likewise, by wider UIDs */
	{5, 12, parse_address_override},
	{9, 16, parse_local_x2apic},
	{10, 12, parse_nmi},
};

static const struct kind *find_kind(u8 type)
{
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

static enum status parse_entry(struct bytes entry, u32 at, struct madt *madt,
			       struct acpi_error *error)
{
	const struct kind *kind = find_kind(entry.data[0]);
	const char *reason;

	if (!kind) {
		madt->unknown_count++;
		return OK;
	}
	if (entry.size < kind->size)
		return acpi_refuse(error, ERR_INVALID, at + 1,
				   "the entry's length is less than its type takes");
	reason = kind->parse(entry, madt);
	return reason ? acpi_refuse(error, ERR_NO_MEMORY, at, reason) : OK;
}

enum status madt_parse(struct bytes table, struct madt *madt, struct acpi_error *error)
{
	enum status status = acpi_table_check(&table, "APIC", MADT_ENTRIES, error);

	if (status != OK)
		return status;
	memset(madt, 0, sizeof(*madt)); /* too large to be assigned from a temporary */
	madt->local_apic = hpa(bytes_u32(table, MADT_LOCAL_APIC));
	madt->pcat_compat = bytes_u32(table, MADT_FLAGS) & MADT_PCAT_COMPAT;
	for (u32 at = MADT_ENTRIES; at < table.size;) {
		u8 length = bytes_u8(table, at + 1);

		if (!bytes_has(table, at, MADT_ENTRY_HEADER))
			return acpi_refuse(error, ERR_TRUNCATED, at,
					   "the table ends within an entry's header");
		if (length < MADT_ENTRY_HEADER)
			return acpi_refuse(error, ERR_INVALID, at + 1,
					   "the entry's length is less than its header takes");
		if (!bytes_has(table, at, length))
			return acpi_refuse(error, ERR_TRUNCATED, at + 1,
					   "the entry's length goes past the table's end");
		status = parse_entry(bytes_slice(table, at, length), at, madt, error);
		if (status != OK)
			return status;
		at += length;
	}
	return OK;
}

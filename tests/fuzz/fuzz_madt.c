// sources: hv/platform/madt.c hv/platform/acpi_table.c
// runs: 60000
// max_len: 2048
// corpus: apic
/* MADT: as it is, and with signature, length and checksum put right. */
#include "tests/fuzz/fuzz.h"

#include "hv/platform/acpi.h"

static struct madt madt;

/* No APIC ID is there twice, none is the broadcast's. */
static void check_cpus(void)
{
	MUST(madt.cpu_count <= MADT_MAX_CPUS);
	for (u32 n = 0; n < madt.cpu_count; n++) {
		MUST(madt.cpu[n].apic_id != 0xffffffff);
		MUST(madt.cpu[n].x2apic || madt.cpu[n].apic_id < 0xff);
		for (u32 i = 0; i < n; i++)
			MUST(madt.cpu[i].apic_id != madt.cpu[n].apic_id);
	}
}

static void check(struct bytes table)
{
	check_cpus();
	MUST(madt.ioapic_count <= MADT_MAX_IOAPICS);
	MUST(madt.override_count <= MADT_MAX_OVERRIDES);
	/* An entry has two bytes at least, so that the table bounds the counts. */
	MUST((u64)madt.cpu_count + madt.ioapic_count + madt.override_count + madt.nmi_count +
		     madt.unknown_count <=
	     table.size / 2);
}

static void parse(struct bytes table)
{
	struct acpi_error error = {0};

	memset(&madt, 0xa5, sizeof(madt));
	if (madt_parse(table, &madt, &error) != OK) {
		fuzz_check_reason(error.reason);
		MUST(error.offset <= table.size);
		return;
	}
	check(table);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	fuzz_table((struct bytes){data, size}, "APIC", parse);
	return 0;
}

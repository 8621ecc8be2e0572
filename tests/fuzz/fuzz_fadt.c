// sources: hv/platform/fadt.c hv/platform/acpi_table.c
// runs: 100000
// max_len: 512
/* FADT: as it is, and with signature, length and checksum put right. */
#include "tests/fuzz/fuzz.h"

#include "hv/platform/acpi.h"

static struct fadt fadt;

#define FADT_MIN 116

static void check(struct bytes table)
{
	MUST(table.size >= FADT_MIN);
	if (fadt.flags & FADT_RESET_REG_SUP)
		return;
	MUST(!fadt.reset_space && !fadt.reset_address && !fadt.reset_value);
}

static void parse(struct bytes table)
{
	struct acpi_error error = {0};

	memset(&fadt, 0xa5, sizeof(fadt));
	if (fadt_parse(table, &fadt, &error) != OK) {
		fuzz_check_reason(error.reason);
		MUST(error.offset <= table.size);
		return;
	}
	check(table);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	fuzz_table((struct bytes){data, size}, "FACP", parse);
	return 0;
}

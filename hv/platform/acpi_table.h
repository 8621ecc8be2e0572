/* What all ACPI tables but the RSDP share: header and checksum (ACPI specification 6.4, 5.2.6). */
#ifndef HV_PLATFORM_ACPI_TABLE_H
#define HV_PLATFORM_ACPI_TABLE_H

#include "hv/base/bytes.h"
#include "hv/base/status.h"

/* Offsets in the header. */
#define ACPI_SIGNATURE	 0 /* 4 letters */
#define ACPI_LENGTH	 4 /* u32: bytes in all, the header included */
#define ACPI_REVISION	 8
#define ACPI_CHECKSUM	 9
#define ACPI_HEADER_SIZE 36

/* Where and why a table was refused. reason is a constant text; offset is at most the bytes given. */
struct acpi_error {
	u32 offset;
	const char *reason;
};

/* Notes where and why in *error, and returns status. */
enum status acpi_refuse(struct acpi_error *error, enum status status, u32 offset,
			const char *reason);

/* The sum of all bytes, modulo 256: 0 for a table that is whole. */
u8 acpi_sum(struct bytes bytes);

/*
 * Checks signature, length (from min_length to table->size) and checksum, and cuts *table to the
 * length that its header tells: what follows is not the table's. ERR_INVALID, ERR_TRUNCATED or
 * ERR_CHECKSUM.
 */
enum status acpi_table_check(struct bytes *table, const char *signature, u32 min_length,
			     struct acpi_error *error);

#endif

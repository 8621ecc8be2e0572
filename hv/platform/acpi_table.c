#include "hv/platform/acpi_table.h"

#include "hv/base/string.h"

enum status acpi_refuse(struct acpi_error *error, enum status status, u32 offset,
			const char *reason)
{
	*error = (struct acpi_error){offset, reason};
	return status;
}

u8 acpi_sum(struct bytes bytes)
{
	u8 sum = 0;

	for (size_t i = 0; i < bytes.size; i++)
		sum = (u8)(sum + bytes.data[i]);
	return sum;
}

enum status acpi_table_check(struct bytes *table, const char *signature, u32 min_length,
			     struct acpi_error *error)
{
	u32 length = bytes_u32(*table, ACPI_LENGTH);

	if (!bytes_has(*table, 0, ACPI_HEADER_SIZE))
		return acpi_refuse(error, ERR_TRUNCATED, (u32)table->size,
				   "the table ends within its header");
	if (memcmp(table->data, signature, 4) != 0)
		return acpi_refuse(error, ERR_INVALID, ACPI_SIGNATURE,
				   "the signature is another table's");
	if (length < min_length || length < ACPI_HEADER_SIZE)
		return acpi_refuse(error, ERR_INVALID, ACPI_LENGTH,
				   "the table's length is less than its fixed part takes");
	if (length > table->size)
		return acpi_refuse(error, ERR_TRUNCATED, ACPI_LENGTH,
				   "the table's length is more than there is of it");
	*table = bytes_slice(*table, 0, length);
	if (acpi_sum(*table) != 0)
		return acpi_refuse(error, ERR_CHECKSUM, ACPI_CHECKSUM,
				   "the table's bytes do not add up to zero");
	return OK;
}

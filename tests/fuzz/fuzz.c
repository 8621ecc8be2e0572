#include "tests/fuzz/fuzz.h"

#include "hv/platform/acpi_table.h"

u64 fuzz_take(struct fuzz_input *input, unsigned width)
{
	u64 value = 0;

	for (unsigned i = 0; i < width; i++)
		value |= (u64)bytes_u8(input->bytes, input->at + i) << 8 * i;
	input->at += width;
	return value;
}

struct bytes fuzz_rest(const struct fuzz_input *input)
{
	size_t at = min_u64(input->at, input->bytes.size);

	return bytes_slice(input->bytes, at, input->bytes.size - at);
}

u8 *fuzz_copy(struct bytes bytes)
{
	u8 *copy = malloc(bytes.size);

	MUST(copy);
	if (bytes.size)
		memcpy(copy, bytes.data, bytes.size);
	return copy;
}

void fuzz_table_seal(u8 *table, size_t size, const char *signature)
{
	u32 length = bytes_u32((struct bytes){table, size}, ACPI_LENGTH);
	u8 sum = 0;

	if (size < ACPI_HEADER_SIZE)
		return;
	if (length < ACPI_HEADER_SIZE || length > size)
		length = (u32)size;
	memcpy(table, signature, 4);
	memcpy(table + ACPI_LENGTH, &length, 4);
	table[ACPI_CHECKSUM] = 0;
	for (u32 i = 0; i < length; i++)
		sum += table[i];
	table[ACPI_CHECKSUM] = (u8)-sum;
}

void fuzz_table(struct bytes table, const char *signature, void (*parse)(struct bytes table))
{
	u8 *copy = fuzz_copy(table);

	parse((struct bytes){copy, table.size});
	fuzz_table_seal(copy, table.size, signature);
	parse((struct bytes){copy, table.size});
	free(copy);
}

void fuzz_check_reason(const char *reason)
{
	MUST(reason && *reason);
}

bool fuzz_is_text(const char *text, size_t size)
{
	return memchr(text, 0, size) != NULL;
}

// sources: hv/platform/acpi_table.c
// cbmc: --unwind 49
/*
 * acpi_table_check(): for each size that there is of a table, each length that its header tells, each that is
 * asked for, right and wrong signatures and checksums:
 *   it reads nothing outside of the bytes given, and changes none;
 *   it is OK if and only if the header is there, the signature is the one asked for, the length is from what is
 *   asked for to what there is, and the bytes of the length add up to 0;
 *   then the table is cut to that length, and else the error's offset lies within what was given, and its
 *   reason is a text.
 */
#include "hv/platform/acpi_table.h"
#include "tests/proof/proof.h"

#define MOST 44u

PROOF_POINTS(5);

static const u32 odd_lengths[] = {0x100, 0x10000, 0x80000024, 0xffffffff};

static u8 sum(const u8 *data, size_t size)
{
	u8 total = 0;

	for (size_t i = 0; i < size; i++)
		total = (u8)(total + data[i]);
	return total;
}

static void put_u32(u8 *data, size_t size, size_t at, u32 value)
{
	for (size_t i = 0; i < 4; i++)
		if (at + i < size)
			data[at + i] = (u8)(value >> 8 * i);
}

void proof(void)
{
	u32 size = proof_choose(MOST + 1);
	u32 pick = proof_choose(MOST + 2 + ARRAY_SIZE(odd_lengths));
	u32 length = pick < MOST + 2 ? pick : odd_lengths[pick - MOST - 2];
	u32 least = proof_choose(2) ? 36 + proof_choose(8) : proof_choose(2);
	u32 wrong_letter = proof_choose(5); /* 4: none */
	bool good_sum = proof_choose(2);
	u8 *data = proof_bytes(size);
	struct bytes table = {data, size};
	struct acpi_error error = {~0u, NULL};

	for (u32 i = 0; i < 4 && i < size; i++)
		data[i] = (u8)("DMAR"[i] + (i == wrong_letter));
	put_u32(data, size, 4, length);
	if (size > 35)
		data[35] = 0x5a;
	if (size > 9 && length <= size)
		data[9] = (u8)(!good_sum - sum(data, length));

	bool is_good = size >= 36 && wrong_letter == 4 && length >= least && length >= 36 &&
		       length <= size && good_sum;
	u8 before = sum(data, size);
	enum status status = acpi_table_check(&table, "DMAR", least, &error);

	MUST((status == OK) == is_good);
	MUST(sum(data, size) == before);
	MUST(table.data == data);
	if (status == OK) {
		REACHED(0);
		MUST(table.size == length);
		return;
	}
	MUST(error.offset <= size && error.reason);
	if (status == ERR_TRUNCATED)
		REACHED(1 + (size >= 36));
	if (status == ERR_CHECKSUM)
		REACHED(3);
	if (status == ERR_INVALID)
		REACHED(4);
}

/* Making ACPI tables byte by byte, damaging them, and walking the corpus: for the parsers' tests. */
#ifndef TESTS_HOST_TABLE_H
#define TESTS_HOST_TABLE_H

#include "hv/base/bytes.h"
#include "hv/base/types.h"

#define TABLE_MAX (1u << 20)

struct table {
	u8 data[TABLE_MAX];
	u32 size;
};

/* An empty table of 36 bytes: signature, revision, zeros. */
void table_begin(struct table *table, const char *signature, u8 revision);

/* Appends value as width little-endian bytes, or bytes as they are, or count zeros. */
void table_put(struct table *table, unsigned width, u64 value);
void table_put_bytes(struct table *table, const void *bytes, u32 count);
void table_put_zeros(struct table *table, u32 count);

/* Overwrites width bytes at offset. */
void table_set(struct table *table, u32 offset, unsigned width, u64 value);

/* Sets the header's length and checksum; returns the table. */
struct bytes table_seal(struct table *table);

/* Corrects the checksum only; returns the table. */
struct bytes table_sum(struct table *table);

typedef void (*table_check_t)(struct bytes table);

/*
 * Calls check with damaged copies, each in memory of its exact size: every prefix as it is and with
 * length and checksum repaired, every byte changed in several ways with the checksum repaired, and the
 * 16 bits of every pair of bytes at extremes.
 */
void table_damage(struct bytes table, table_check_t check);

typedef void (*corpus_check_t)(const char *name, struct bytes table);

/*
 * Calls check for every table of a kind ("dmar") in the corpus, and returns how many there are. Skips
 * the running test, with a printed reason, where the corpus is missing.
 */
unsigned corpus_each(const char *kind, corpus_check_t check);

#endif

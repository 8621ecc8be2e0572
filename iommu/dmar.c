/*
 * The DMAR table's parser. Lengths are checked in one place each: parse_structures() for remapping
 * structures, parse_scopes() for device scope entries. The table `kinds` says what is in which.
 */
#include "iommu/dmar.h"

#include "hv/base/bits.h"
#include "hv/base/string.h"
#include "hv/platform/acpi_table.h"

/* 8.1: the table. */
#define DMAR_HOST_ADDRESS_WIDTH 36 /* bits less one */
#define DMAR_FLAGS		37
#define DMAR_STRUCTURES		48

/* 8.2: a remapping structure's header. */
#define DMAR_STRUCTURE_TYPE   0 /* u16 */
#define DMAR_STRUCTURE_LENGTH 2 /* u16 */
#define DMAR_STRUCTURE_HEADER 4

/* At the same place in all that have them. */
#define DMAR_STRUCTURE_FLAGS   4
#define DMAR_STRUCTURE_SEGMENT 6 /* u16 */

/* 8.3: DRHD. */
#define DMAR_DRHD_SIZE	    5
#define DMAR_DRHD_SIZE_MASK 0xf
#define DMAR_DRHD_BASE	    8 /* u64 */

/* 8.4: RMRR. */
#define DMAR_RMRR_BASE	8  /* u64 */
#define DMAR_RMRR_LIMIT 16 /* u64 */

/* 8.6: RHSA. */
#define DMAR_RHSA_BASE	    8  /* u64 */
#define DMAR_RHSA_PROXIMITY 16 /* u32 */

/* 8.7: ANDD. */
#define DMAR_ANDD_DEVICE 7
#define DMAR_ANDD_NAME	 8

/* 8.3.1: a device scope entry. */
#define DMAR_SCOPE_LENGTH   1
#define DMAR_SCOPE_FLAGS    2
#define DMAR_SCOPE_ID	    4
#define DMAR_SCOPE_BUS	    5
#define DMAR_SCOPE_PATH	    6 /* pairs of device and function */
#define DMAR_SCOPE_MIN_SIZE 8 /* with one hop */

/* What the parsers pass along. */
struct parser {
	struct bytes table;
	struct dmar *dmar;
	struct dmar_error *error;
};

static enum status refuse(struct parser *parser, enum status status, u32 offset, const char *reason)
{
	*parser->error = (struct dmar_error){offset, reason};
	return status;
}

static enum status parse_drhd(struct parser *parser, struct bytes bytes,
			      struct dmar_structure *structure)
{
	structure->flags = bytes_u8(bytes, DMAR_STRUCTURE_FLAGS);
	structure->size_code = bytes_u8(bytes, DMAR_DRHD_SIZE) & DMAR_DRHD_SIZE_MASK;
	structure->base = bytes_u64(bytes, DMAR_DRHD_BASE);
	/* Within a page, registers would be looked for where none are. */
	if (!is_aligned(structure->base, PAGE_SIZE))
		return refuse(parser, ERR_INVALID, structure->offset + DMAR_DRHD_BASE,
			      "the register base is not aligned to 4 KiB");
	return OK;
}

static enum status parse_rmrr(struct parser *parser, struct bytes bytes,
			      struct dmar_structure *structure)
{
	structure->base = bytes_u64(bytes, DMAR_RMRR_BASE);
	structure->limit = bytes_u64(bytes, DMAR_RMRR_LIMIT);
	/* A size computed from such limits would wrap, and the wrong memory be opened to a device. */
	if (structure->limit < structure->base || structure->limit > UINT64_MAX - PAGE_SIZE)
		return refuse(parser, ERR_INVALID, structure->offset + DMAR_RMRR_LIMIT,
			      "the reserved memory's limit is below its base or wraps");
	return OK;
}

static enum status parse_flags(struct parser *parser, struct bytes bytes,
			       struct dmar_structure *structure)
{
	(void)parser;
	structure->flags = bytes_u8(bytes, DMAR_STRUCTURE_FLAGS);
	return OK;
}

static enum status parse_rhsa(struct parser *parser, struct bytes bytes,
			      struct dmar_structure *structure)
{
	(void)parser;
	structure->base = bytes_u64(bytes, DMAR_RHSA_BASE);
	structure->proximity_domain = bytes_u32(bytes, DMAR_RHSA_PROXIMITY);
	return OK;
}

static enum status parse_andd(struct parser *parser, struct bytes bytes,
			      struct dmar_structure *structure)
{
	(void)parser;
	structure->device_number = bytes_u8(bytes, DMAR_ANDD_DEVICE);
	/* Past the end a byte reads as 0: a name without its NUL ends with the structure. */
	for (unsigned i = 0; i < DMAR_NAME_MAX - 1; i++) {
		structure->name[i] = (char)bytes_u8(bytes, DMAR_ANDD_NAME + i);
		if (!structure->name[i])
			break;
	}
	return OK;
}

static enum status parse_nothing(struct parser *parser, struct bytes bytes,
				 struct dmar_structure *structure)
{
	(void)parser;
	(void)bytes;
	(void)structure;
	return OK;
}

static const struct kind {
	u8 type;
	u8 size;     /* of the fixed part */
	bool scoped; /* a segment number, and device scopes after the fixed part */
	enum status (*parse)(struct parser *parser, struct bytes bytes,
			     struct dmar_structure *structure);
} kinds[] = {
	{DMAR_DRHD, 16, true, parse_drhd},   {DMAR_RMRR, 24, true, parse_rmrr},
	{DMAR_ATSR, 8, true, parse_flags},   {DMAR_RHSA, 20, false, parse_rhsa},
	{DMAR_ANDD, 8, false, parse_andd},   {DMAR_SATC, 8, true, parse_flags},
	{DMAR_SIDP, 8, true, parse_nothing},
};

static const struct kind *find_kind(u16 type)
{
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

/*
 * Adds a scope from an entry of which the length is sound. Hops become requester IDs, in which a
 * device over 31 or a function over 7 would spill into another device's: refused.
 */
static enum status add_scope(struct parser *parser, struct bytes entry, u32 offset)
{
	struct dmar *dmar = parser->dmar;
	size_t hops = (entry.size - DMAR_SCOPE_PATH) / 2;

	if (hops > DMAR_MAX_HOPS)
		return refuse(parser, ERR_UNSUPPORTED, offset + DMAR_SCOPE_LENGTH,
			      "the scope's path has more hops than can be kept");
	if (dmar->scope_count == DMAR_MAX_SCOPES)
		return refuse(parser, ERR_NO_MEMORY, offset,
			      "there are more device scopes than can be kept");

	struct dmar_scope *scope = &dmar->scope[dmar->scope_count++];

	scope->type = bytes_u8(entry, 0);
	scope->flags = bytes_u8(entry, DMAR_SCOPE_FLAGS);
	scope->enumeration_id = bytes_u8(entry, DMAR_SCOPE_ID);
	scope->start_bus = bytes_u8(entry, DMAR_SCOPE_BUS);
	scope->hop_count = (u8)hops;
	for (u32 i = 0; i < hops; i++) {
		u32 at = DMAR_SCOPE_PATH + 2 * i;

		scope->hop[i].device = bytes_u8(entry, at);
		scope->hop[i].function = bytes_u8(entry, at + 1);
		if (scope->hop[i].device > 31 || scope->hop[i].function > 7)
			return refuse(parser, ERR_INVALID, offset + at,
				      "the scope's path names no possible device and function");
	}
	return OK;
}

/* The device scope entries in [at, end) of the table. */
static enum status parse_scopes(struct parser *parser, u32 at, u32 end)
{
	while (at < end) {
		u8 length = bytes_u8(parser->table, at + DMAR_SCOPE_LENGTH);

		if (end - at < DMAR_SCOPE_MIN_SIZE)
			return refuse(parser, ERR_TRUNCATED, at,
				      "the structure ends within a device scope entry");
		if (length < DMAR_SCOPE_MIN_SIZE || length % 2)
			return refuse(parser, ERR_INVALID, at + DMAR_SCOPE_LENGTH,
				      "the scope's length is less than 8 or odd");
		if (length > end - at)
			return refuse(parser, ERR_TRUNCATED, at + DMAR_SCOPE_LENGTH,
				      "the scope's length goes past the structure's end");

		enum status status = add_scope(parser, bytes_slice(parser->table, at, length), at);

		if (status != OK)
			return status;
		at += length;
	}
	return OK;
}

/* Adds a structure of which the length is sound. */
static enum status add_structure(struct parser *parser, struct bytes bytes, u32 offset)
{
	struct dmar *dmar = parser->dmar;
	u16 type = bytes_u16(bytes, DMAR_STRUCTURE_TYPE);
	const struct kind *kind = find_kind(type);

	if (!kind) {
		dmar->unknown_count++;
		return OK;
	}
	if (bytes.size < kind->size)
		return refuse(parser, ERR_INVALID, offset + DMAR_STRUCTURE_LENGTH,
			      "the structure's length is less than its fixed part takes");
	if (dmar->structure_count == DMAR_MAX_STRUCTURES)
		return refuse(parser, ERR_NO_MEMORY, offset,
			      "there are more remapping structures than can be kept");

	struct dmar_structure *structure = &dmar->structure[dmar->structure_count++];
	enum status status;

	*structure = (struct dmar_structure){
		.type = type,
		.offset = offset,
		.first_scope = dmar->scope_count,
	};
	status = kind->parse(parser, bytes, structure);
	if (status != OK || !kind->scoped)
		return status;
	structure->segment = bytes_u16(bytes, DMAR_STRUCTURE_SEGMENT);
	status = parse_scopes(parser, offset + kind->size, offset + (u32)bytes.size);
	structure->scope_count = dmar->scope_count - structure->first_scope;
	return status;
}

static enum status parse_structures(struct parser *parser)
{
	struct bytes table = parser->table;

	for (u32 at = DMAR_STRUCTURES; at < table.size;) {
		u16 length = bytes_u16(table, at + DMAR_STRUCTURE_LENGTH);

		if (!bytes_has(table, at, DMAR_STRUCTURE_HEADER))
			return refuse(parser, ERR_TRUNCATED, at,
				      "the table ends within a structure's header");
		if (length < DMAR_STRUCTURE_HEADER)
			return refuse(parser, ERR_INVALID, at + DMAR_STRUCTURE_LENGTH,
				      "the structure's length is less than its header takes");
		if (!bytes_has(table, at, length))
			return refuse(parser, ERR_TRUNCATED, at + DMAR_STRUCTURE_LENGTH,
				      "the structure's length goes past the table's end");

		enum status status = add_structure(parser, bytes_slice(table, at, length), at);

		if (status != OK)
			return status;
		at += length;
	}
	return OK;
}

enum status dmar_parse(struct bytes table, struct dmar *dmar, struct dmar_error *error)
{
	struct acpi_error refused;
	enum status status = acpi_table_check(&table, "DMAR", DMAR_STRUCTURES, &refused);
	struct parser parser = {table, dmar, error};
	u8 width = bytes_u8(table, DMAR_HOST_ADDRESS_WIDTH);

	if (status != OK)
		return refuse(&parser, status, refused.offset, refused.reason);
	if (width >= 64)
		return refuse(&parser, ERR_INVALID, DMAR_HOST_ADDRESS_WIDTH,
			      "the host address width is over 64 bits");
	memset(dmar, 0, sizeof(*dmar)); /* too large to be assigned from a temporary */
	dmar->revision = bytes_u8(table, ACPI_REVISION);
	dmar->host_address_width = width + 1;
	dmar->flags = bytes_u8(table, DMAR_FLAGS);
	return parse_structures(&parser);
}

// sources: iommu/dmar.c hv/platform/acpi_table.c
// cbmc: --unwind 13 --unwindset acpi_sum.0:105,proof_seal.1:105,proof_bytes.0:105,check_kept.0:3,check_kept.1:3,parse_scopes.0:4,parse_structures.0:4,add_scope.0:6 --object-bits 16 --max-field-sensitivity-array-size 128
// cbmc-limits: DMAR_MAX_STRUCTURES=2 DMAR_MAX_SCOPES=2 DMAR_MAX_HOPS=4 DMAR_NAME_MAX=4
/*
 * dmar_parse(): for each table of up to ROOM bytes of remapping structures, of all types known and an unknown
 * one, of each length that there is room for and one beyond, with scope entries of each length, whose hops are
 * possible devices and functions or just not:
 *   it reads nothing outside of the table, and comes to an end;
 *   it is OK if and only if the structures fill the table, each has its fixed part, scope entries fill what is
 *   behind it, each with one to DMAR_MAX_HOPS whole hops, an RMRR's limit is not below its base, a DRHD's base is a
 *   page's, and all hops are a device up to 31 and a function up to 7;
 *   then each structure of a known type is there, at its offset, with its scopes; else the error lies within
 *   the table.
 * CBMC takes one structure of each type, alone or behind an ATSR, of some lengths, with up to two scope entries
 * of some lengths, and a byte less or more than a structure says.
 */
#include "iommu/dmar.h"
#include "tests/proof/proof.h"

#define STRUCTURES 48u
#define ROOM	   28u
#ifdef PROOF_CBMC
#define SEVERAL 2u
#else
#define SEVERAL 3u
#endif

PROOF_POINTS(5);

static const struct {
	u8 type, size;
	bool scoped;
} kinds[] = {
	{0, 16, true}, {1, 24, true}, {2, 8, true}, {3, 20, false},
	{4, 8, false}, {5, 8, true},  {6, 8, true}, {9, 4, false},
};

struct model {
	bool sound;
	u32 structures, scopes, unknown;
};

/* The hop of a scope entry of `length` bytes that may be none; the others are 0. */
static bool choose_hop(u8 *scope, u32 length)
{
	static const u8 hop[][2] = {{31, 7}, {32, 0}, {0, 8}};
	u32 chosen = proof_choose(ARRAY_SIZE(hop));

	memcpy(scope + length - 2, hop[chosen], 2);
	return chosen == 0;
}

/* The bytes that make a structure of this type a sound one, or just not. */
static bool choose_content(u8 *data, u8 type)
{
	bool good = true;

	if (type == 0) {
		good = proof_choose(2);
		data[9] = good ? 0x10 : 0x08;
	}
	if (type == 1) {
		u32 what = proof_choose(3);

		data[8] = 1;
		data[16] = what != 0;
		if (what == 2)
			memset(data + 16, 0xff, 8);
		good = what == 1;
	}
	return good;
}

static void check_kept(const struct dmar *dmar, const u8 *data, u32 size)
{
	u32 scopes = 0;

	for (u32 i = 0; i < dmar->structure_count; i++) {
		const struct dmar_structure *structure = &dmar->structure[i];

		MUST(structure->offset >= STRUCTURES && structure->offset + 4 <= size);
		MUST(data[structure->offset] == structure->type);
		MUST(structure->first_scope == scopes);
		scopes += structure->scope_count;
	}
	MUST(scopes == dmar->scope_count);
	for (u32 i = 0; i < dmar->scope_count; i++)
		MUST(dmar->scope[i].hop_count >= 1 && dmar->scope[i].hop_count <= DMAR_MAX_HOPS);
}

/* Parses the table, and checks what came of it. */
static void check(u8 *data, u32 size, const struct model *model)
{
	static struct dmar dmar;
	struct dmar_error error = {~0u, NULL};

	data[36] = 38;
	proof_seal(data, size, "DMAR");

	enum status status = dmar_parse((struct bytes){data, size}, &dmar, &error);

	MUST((status == OK) == model->sound);
	if (status != OK) {
		MUST(error.offset <= size && error.reason);
		REACHED(0);
		return;
	}
	MUST(dmar.structure_count == model->structures && dmar.unknown_count == model->unknown);
	MUST(dmar.scope_count == model->scopes);
	check_kept(&dmar, data, size);
	if (dmar.structure_count >= SEVERAL)
		REACHED(1);
	if (dmar.scope_count > 1)
		REACHED(2);
	if (dmar.unknown_count)
		REACHED(3);
	if (dmar.scope_count && dmar.scope[0].hop_count > 2)
		REACHED(4);
}

#ifdef PROOF_CBMC

#define FIRST_TYPE 2u
#define FIRST_SIZE 8u

/*
 * How much longer than its fixed part a structure is, and how long each of its scope entries says it is. Those
 * without scopes take the first four.
 */
static const struct {
	s32 more;
	u8 scope;
} shapes[] = {
	{0, 0}, {8, 8},	 {16, 8}, {-1, 0},  {7, 8},   {8, 7},
	{8, 9}, {8, 10}, {10, 8}, {12, 12}, {16, 10}, {16, 16},
};

/* Scope entries that all say the same length. */
static void put_scopes(u8 *data, u32 room, u32 length, struct model *model)
{
	for (u32 at = 0; at < room; at += length) {
		if (room - at > 1)
			data[at + 1] = (u8)length;
		if (length < 8 || length % 2 || length > room - at) {
			model->sound = false;
			return;
		}
		model->sound &= choose_hop(data + at, length) && length <= 6 + 2 * DMAR_MAX_HOPS;
		model->scopes++;
	}
}

/* All lengths are numbers here, and only what stands between them is anything. */
static void proof_of(bool first, u32 kind, u32 told, u32 there, u32 scope)
{
	u32 at = STRUCTURES + (first ? FIRST_SIZE : 0), size = at + there;
	u8 *data = proof_bytes(size);
	struct model model = {
		.sound = told == there && told >= kinds[kind].size,
		.structures = first + (kinds[kind].type != 9),
		.unknown = kinds[kind].type == 9,
	};

	if (first) {
		data[STRUCTURES] = FIRST_TYPE;
		data[STRUCTURES + 2] = FIRST_SIZE;
	}
	data[at] = kinds[kind].type;
	if (there > 2)
		data[at + 2] = (u8)told;
	if (model.sound) {
		u32 fixed = kinds[kind].size;

		model.sound = choose_content(data + at, kinds[kind].type);
		if (kinds[kind].scoped)
			put_scopes(data + at + fixed, told - fixed, scope, &model);
	}
	check(data, size, &model);
}

static void proof_kind(u32 kind)
{
	bool scoped = kinds[kind].scoped;
	bool first = proof_choose(2);

	if (first) {
		PROOF_EACH (shape, scoped ? 3 : 1) {
			u32 told = (u32)(kinds[kind].size + shapes[shape].more);

			proof_of(true, kind, told, told, shapes[shape].scope);
		}
		return;
	}
	PROOF_EACH (shape, scoped ? ARRAY_SIZE(shapes) : 4)
		PROOF_EACH (slack, shape ? 1 : 3) {
			u32 told = (u32)(kinds[kind].size + shapes[shape].more);

			proof_of(false, kind, told, slack == 2 ? told - 1 : told + slack,
				 shapes[shape].scope);
		}
}

void proof(void)
{
	PROOF_EACH (kind, ARRAY_SIZE(kinds))
		proof_kind(kind);
}

#else

static void choose_scopes(u8 *data, u32 room, struct model *model)
{
	for (u32 at = 0; at < room && model->sound;) {
		u32 length = 0;

		if (room - at > 1)
			length = data[at + 1] = (u8)proof_choose(room - at + 3);
		if (length < 8 || length % 2 || length > room - at) {
			model->sound = false;
			return;
		}
		model->sound = choose_hop(data + at, length) && length <= 6 + 2 * DMAR_MAX_HOPS;
		model->scopes++;
		at += length;
	}
}

static u32 choose_structure(u8 *data, u32 room, struct model *model)
{
	u32 kind = proof_choose(ARRAY_SIZE(kinds));
	u32 length = 0;

	data[0] = kinds[kind].type;
	if (room > 3)
		length = data[2] = (u8)proof_choose(room + 2);
	if (length < 4 || length > room) {
		model->sound = false;
		return room;
	}
	if (length < kinds[kind].size) {
		model->sound = false;
		return length;
	}
	if (kinds[kind].type == 9) {
		model->unknown++;
		return length;
	}
	model->structures++;
	model->sound &= choose_content(data, kinds[kind].type);
	if (kinds[kind].scoped && model->sound)
		choose_scopes(data + kinds[kind].size, length - kinds[kind].size, model);
	return length;
}

void proof(void)
{
	u32 size = STRUCTURES + proof_choose(ROOM + 1);
	u8 *data = proof_bytes(size);
	struct model model = {.sound = true};

	for (u32 at = STRUCTURES; at < size;) {
		if (model.sound) {
			at += choose_structure(data + at, size - at, &model);
			continue;
		}
		/* What comes after a mistake may not hide it: one structure of an unknown type. */
		data[at] = 9;
		data[at + 2 < size ? at + 2 : at] = (u8)(size - at);
		at = size;
	}
	check(data, size, &model);
}

#endif

// sources: iommu/dmar.c hv/platform/acpi_table.c
// cbmc-skip: not proved yet: a first try, 10 bytes of structures in 100 s, came to no result (144000 steps)
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
 */
#include "iommu/dmar.h"
#include "tests/proof/proof.h"

#define STRUCTURES 48u
#define ROOM	   28u

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

void proof(void)
{
	static struct dmar dmar;
	u32 size = STRUCTURES + proof_choose(ROOM + 1);
	u8 *data = proof_bytes(size);
	struct model model = {.sound = true};
	struct dmar_error error = {~0u, NULL};

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
	data[36] = 38;
	proof_seal(data, size, "DMAR");

	enum status status = dmar_parse((struct bytes){data, size}, &dmar, &error);

	MUST((status == OK) == model.sound);
	if (status != OK) {
		MUST(error.offset <= size && error.reason);
		REACHED(0);
		return;
	}
	MUST(dmar.structure_count == model.structures && dmar.unknown_count == model.unknown);
	MUST(dmar.scope_count == model.scopes);
	check_kept(&dmar, data, size);
	if (dmar.structure_count > 2)
		REACHED(1);
	if (dmar.scope_count > 1)
		REACHED(2);
	if (dmar.unknown_count)
		REACHED(3);
	if (dmar.scope_count && dmar.scope[0].hop_count > 2)
		REACHED(4);
}

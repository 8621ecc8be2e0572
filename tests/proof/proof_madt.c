// sources: hv/platform/madt.c hv/platform/acpi_table.c
// cbmc: --unwind 65 --unwindset find_kind.0:9,find_cpu.0:3,madt_parse.0:9,proof_of.0:9
// cbmc-limits: MADT_MAX_CPUS=4 MADT_MAX_IOAPICS=2 MADT_MAX_OVERRIDES=2
/*
 * madt_parse(): for each table of up to ROOM bytes of entries, whose types are all those known and an unknown
 * one, of each length that a byte can tell, with each of a few APIC IDs:
 *   it reads nothing outside of the table, and comes to an end;
 *   it is OK if and only if the entries fill the table exactly, none being shorter than its header or than what
 *   its type takes;
 *   then each entry is counted once: as a CPU of a new ID, an IOAPIC, an override, an NMI or unknown, or it is
 *   the CPU of an ID that is there, or of none, or an address;
 *   else the error lies within the table.
 * CBMC takes 16 bytes of entries, in all ways in which they are divided.
 */
#include "hv/platform/acpi.h"
#include "tests/proof/proof.h"

#define ENTRIES 44u
#define ROOM	20u

PROOF_POINTS(6);

static const struct {
	u8 type, least;
} kinds[] = {{0, 8}, {1, 12}, {2, 10}, {3, 8}, {4, 6}, {5, 12}, {9, 16}, {10, 12}, {0x7f, 2}};

static const u8 ids[] = {0, 1, 0xff};

struct model {
	bool sound;
	u32 cpus, ioapics, overrides, nmis, unknown;
	bool seen[2];
};

/* One entry, chosen; what the parser should make of it goes into the model. Returns its length. */
static u32 choose_entry(u8 *entry, u32 room, struct model *model)
{
	u32 kind = proof_choose(ARRAY_SIZE(kinds));
	u8 id = 0;

	entry[0] = kinds[kind].type;
	if (room == 1) {
		model->sound = false;
		return 1;
	}
	entry[1] = (u8)proof_choose(room < 0xff ? room + 2 : 256);
	if (entry[1] < kinds[kind].least || entry[1] > room) {
		model->sound = false;
		return room;
	}
	if (kinds[kind].type == 0)
		id = entry[3] = proof_one_of(ids);
	if (kinds[kind].type == 9)
		id = entry[4] = (u8)proof_choose(2);
	switch (kinds[kind].type) {
	case 0:
	case 9:
		model->cpus += id < 2 && !model->seen[id];
		if (id < 2)
			model->seen[id] = true;
		break;
	case 1:
		model->ioapics++;
		break;
	case 2:
		entry[2] = (u8)proof_choose(2); /* not ISA's */
		if (entry[2])
			model->unknown++;
		else
			model->overrides++;
		break;
	case 5:
		break;
	case 0x7f:
		model->unknown++;
		break;
	default:
		model->nmis++;
	}
	return entry[1];
}

static void proof_of(u32 size)
{
	static struct madt madt;
	u8 *data = proof_bytes(size);
	struct model model = {.sound = true};
	struct acpi_error error = {~0u, NULL};

	for (u32 at = ENTRIES; at < size && model.sound;)
		at += choose_entry(data + at, size - at, &model);
	proof_seal(data, size, "APIC");

	enum status status = madt_parse((struct bytes){data, size}, &madt, &error);

	MUST((status == OK) == model.sound);
	if (status != OK) {
		MUST(error.offset <= size && error.reason);
		REACHED(0);
		return;
	}
	MUST(madt.cpu_count == model.cpus && madt.cpu_dropped == 0);
	MUST(madt.ioapic_count == model.ioapics && madt.override_count == model.overrides);
	MUST(madt.nmi_count == model.nmis && madt.unknown_count == model.unknown);
	if (madt.cpu_count == 2)
		REACHED(1);
	if (madt.ioapic_count)
		REACHED(2);
	if (madt.override_count == 2)
		REACHED(3);
	if (madt.nmi_count)
		REACHED(4);
	if (madt.unknown_count)
		REACHED(5);
}

void proof(void)
{
#ifdef PROOF_CBMC
	proof_of(ENTRIES + 16);
#else
	proof_of(ENTRIES + proof_choose(ROOM + 1));
#endif
}

// sources: drivers/pci_caps.c
// cbmc: --unwind 7 --unwindset memset.0:81
/*
 * pci_read_caps(): for each configuration space whose pointers lead to any of a few places, below the first
 * possible one, to the last, round in a circle or nowhere, with each of the capabilities that are looked into:
 *   it reads within the function's 256 bytes, or 4096 where it has ECAM and PCI Express, and aligned;
 *   it comes to an end, having read no header more than twice;
 *   the capabilities found lie where capabilities may lie, each at another place;
 *   an MSI capability that it tells of lies wholly in the first 256 bytes, and of an MSI-X capability both tables
 *   lie in memory BARs.
 */
#include "drivers/pci_regs.h"
#include "drivers/pci_scan.h"
#include "tests/proof/proof.h"

#define BAR_SIZE 0x1000u

PROOF_POINTS(5);

/* Where pointers may lead: nowhere, below the first place, to the first, an odd one, and the last. */
static const u8 places[] = {0x00, 0x3c, 0x41, 0xe8, 0xfc};
static const u16 extended_places[] = {0x000, 0x0fc, 0x100, 0xffc};
static const u8 ids[] = {PCI_CAP_PCIE, PCI_CAP_MSI, PCI_CAP_MSIX, 0x09};
/* Control words of MSI and MSI-X, and offsets of the latter's tables: with BAR 0, one of I/O, one not there. */
static const u16 controls[] = {0x0000, 0x008e, 0x0180, 0x07ff};
static const u32 tables[] = {0x000, 0xff0, 0x1000, 0x001, 0x006};

/* The capabilities' places, and how many bytes of each may be read. */
static const u16 roots[] = {0x040, 0x0e8, 0x0fc, 0x100, 0xffc};
#define ROOT_BYTES 16u

/* What was chosen for a place is what stands there from then on, by the place and the width of its reads. */
static u32 value[ARRAY_SIZE(roots) * ROOT_BYTES], first_pointer;
static bool known[ARRAY_SIZE(roots) * ROOT_BYTES];
static u8 header_reads[ARRAY_SIZE(roots)];
static u32 limit;

static u32 choose_header(void)
{
	u32 chosen = proof_choose(ARRAY_SIZE(ids) * ARRAY_SIZE(places) + 1);

	if (chosen == ARRAY_SIZE(ids) * ARRAY_SIZE(places))
		return 0xffff;
	return ids[chosen % ARRAY_SIZE(ids)] | (u32)places[chosen / ARRAY_SIZE(ids)] << 8;
}

static u32 choose_extended(void)
{
	return 1 + proof_choose(2) + (u32)proof_one_of(extended_places) * 0x100000;
}

/* Of what is behind the last of the places that begin before it. */
static u32 slot_of(u32 at)
{
	u32 i = ARRAY_SIZE(roots) - 1;

	while (i && at < roots[i])
		i--;
	MUST(at >= roots[i] && at - roots[i] < ROOT_BYTES);
	return i * ROOT_BYTES + (at - roots[i]);
}

static u32 choose(u32 at, u8 width)
{
	if (width == 4)
		return at < PCI_EXT_CAP_BASE ? proof_one_of(tables) : choose_extended();
	return at % 4 ? proof_one_of(controls) : choose_header();
}

#ifdef PROOF_CBMC

/* All at once, as which of them are read is not known yet. */
static void choose_first(void)
{
	first_pointer = proof_one_of(places);
	for (u32 i = 0; i < ARRAY_SIZE(roots); i++) {
		bool extended = roots[i] >= PCI_EXT_CAP_BASE;

		value[i * ROOT_BYTES] = choose(roots[i], extended ? 4 : 2);
		value[i * ROOT_BYTES + 2] = choose(2, 2);
		value[i * ROOT_BYTES + 4] = choose(4, 4);
		value[i * ROOT_BYTES + 8] = choose(8, 4);
	}
}

static u32 read_slot(u32 at, u8 width)
{
	u32 slot = slot_of(at);

	(void)width;
	known[slot] = true;
	return value[slot];
}

#else

static void choose_first(void)
{
	first_pointer = proof_one_of(places);
}

static u32 read_slot(u32 at, u8 width)
{
	u32 slot = slot_of(at);

	if (!known[slot]) {
		known[slot] = true;
		value[slot] = choose(at, width);
	}
	return value[slot];
}

#endif

/* Where a list leads to a header again it has come round, and ends. */
static void note_header(u32 slot)
{
	u8 *reads = &header_reads[slot / ROOT_BYTES];

	*reads += slot % ROOT_BYTES == 0;
	MUST(*reads <= 2);
}

u32 pci_read(struct sbdf address, u16 offset, u8 width)
{
	(void)address;
	MUST(width == 1 || width == 2 || width == 4);
	MUST(offset % width == 0 && offset + width <= (int)limit);
	if (offset == PCI_STATUS)
		return PCI_STATUS_CAP_LIST;
	if (offset == PCI_CAP_POINTER)
		return first_pointer;
	note_header(slot_of(offset));
	return read_slot(offset, width);
}

static bool in_bar(u8 bar, u64 offset, u64 size)
{
	return bar == 0 && offset + size <= BAR_SIZE;
}

static void check_found(const struct pci_function *function)
{
	MUST(function->cap_count <= PCI_MAX_CAPS);
	for (u32 i = 0; i < function->cap_count; i++) {
		u16 at = function->cap[i].offset;

		MUST(at % 4 == 0 && at >= 0x40 && at < limit);
		for (u32 j = 0; j < i; j++)
			MUST(function->cap[j].offset != at);
	}
	if (function->msi) {
		MUST(function->msi + 10 + 4 * function->msi_64 + 10 * function->msi_maskable <=
		     256);
		MUST(function->msi_vectors >= 1 && function->msi_vectors <= 32);
	}
	if (function->msix) {
		MUST(function->msix_vectors >= 1 && function->msix_vectors <= 2048);
		MUST(in_bar(function->msix_table_bar, function->msix_table_offset,
			    function->msix_vectors * 16ull));
		MUST(in_bar(function->msix_pba_bar, function->msix_pba_offset,
			    (function->msix_vectors + 63ull) / 64 * 8));
	}
}

void proof(void)
{
	struct pci_function function = {
		.header_type = 0,
		.bar_count = 2,
		.bar = {{.kind = PCI_BAR_MEM32, .address = 0xfe000000, .size = BAR_SIZE},
			{.kind = PCI_BAR_IO, .address = 0xc000, .size = 0x100}},
		.ecam = proof_choose(2),
	};

	memset(known, 0, sizeof(known));
	memset(header_reads, 0, sizeof(header_reads));
	choose_first();
	limit = function.ecam ? 4096 : 256;
	pci_read_caps(&function);
	check_found(&function);
	if (function.cap_count == 3 + 2)
		REACHED(0);
	if (function.msi)
		REACHED(1);
	if (function.msix)
		REACHED(2);
	if (pci_cap_find(&function, 1, true))
		REACHED(3);
	if (!function.cap_count)
		REACHED(4);
}

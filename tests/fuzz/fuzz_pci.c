// sources: drivers/pci_scan.c drivers/pci_bars.c drivers/pci_caps.c drivers/pci_alias.c
// sources: drivers/pci_isolate.c drivers/pci_groups.c drivers/pci_groups_print.c drivers/pci_print.c
// sources: tests/host/fake_pci.c
// libs: -lcmocka
// runs: 10000
// max_len: 1024
/*
 * Configuration spaces: bridges, BARs, both capability lists. The first byte is how many functions there are,
 * then come their addresses and header types, then writes of 4 bytes into a function's space or into the mask
 * of its bits that can be set. The scan has to leave all as it was, whatever the registers do.
 */
#include "tests/fuzz/fuzz.h"

#include "drivers/pci_groups.h"
#include "tests/host/fake_pci.h"

#define FUNCTIONS 6
#define BUSES	  4
#define CAPACITY  64

static struct pci_function function[CAPACITY];
static struct pci_topology pci;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return setenv("CMOCKA_TEST_ABORT", "1", 1);
}

static void make_functions(struct fuzz_input *input)
{
	unsigned count = 1 + fuzz_take(input, 1) % FUNCTIONS;

	fake_pci_clear();
	for (unsigned n = 0; n < count; n++) {
		u16 bdf = (u16)fuzz_take(input, 2) % (BUSES << 8);
		u8 type = (u8)fuzz_take(input, 1);
		struct fake_function *fake =
			fake_pci_add((struct sbdf){0, bdf}, 0x80861234, type & 1 ? 0x060400 : 0);

		fake_pci_put(fake, PCI_HEADER_TYPE, 1, type & 0x83);
		fake->conventional = type & 4;
		if (type & 8)
			fake_pci_put(fake, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	}
}

static void poke(struct fuzz_input *input)
{
	u8 which = (u8)fuzz_take(input, 1);
	u16 offset = fuzz_take(input, 2) & 0xffc;
	u32 value = (u32)fuzz_take(input, 4);
	struct fake_function *fake = &fake_pci[(which & 0x7f) % fake_pci_count];

	/* Masks of BARs only: what else a scan writes, it writes to look at bits that are as PCI has them. */
	if (which & 0x80)
		memcpy(fake->writable + PCI_BAR0 + offset % 0x28, &value, 4);
	else
		fake_pci_put(fake, offset, 4, value);
}

static void check_caps(const struct pci_function *f)
{
	MUST(f->cap_count <= PCI_MAX_CAPS);
	for (u8 n = 0; n < f->cap_count; n++) {
		u16 at = f->cap[n].offset;

		MUST(at >= PCI_CAP_BASE && at % 4 == 0 && at < PCI_EXT_CAP_END);
		MUST(at < PCI_EXT_CAP_BASE || f->pcie_type != PCI_PCIE_NONE);
		for (u8 i = 0; i < n; i++)
			MUST(f->cap[i].offset != at);
	}
	if (f->msi)
		MUST(f->msi + 10 + 4 * f->msi_64 + 10 * f->msi_maskable <= PCI_EXT_CAP_BASE &&
		     f->msi_vectors && f->msi_vectors <= 32);
}

static void check_bars(const struct pci_function *f)
{
	MUST(f->bar_count <= PCI_MAX_BARS);
	for (u8 n = 0; n < PCI_MAX_BARS; n++) {
		const struct pci_bar *bar = &f->bar[n];

		MUST((bar->kind == PCI_BAR_NONE) == !bar->size);
		MUST(n < f->bar_count || bar->kind == PCI_BAR_NONE);
		MUST(!(bar->size & (bar->size - 1)));
		if (bar->kind == PCI_BAR_MEM64)
			MUST(n + 1 < f->bar_count && bar[1].kind == PCI_BAR_NONE);
	}
	if (f->msix) {
		MUST(f->msix_vectors && f->msix_vectors <= 2048 &&
		     f->msix_table_bar < f->bar_count);
		MUST(range_within(f->msix_table_offset, f->msix_vectors * 16ull, 0,
				  f->bar[f->msix_table_bar].size));
	}
}

static void check_function(u32 n)
{
	const struct pci_function *f = &function[n];
	struct pci_requesters requesters;

	MUST(f->parent == PCI_NO_PARENT || f->parent < n);
	MUST(f->parent == PCI_NO_PARENT || function[f->parent].header_type);
	for (u32 i = 0; i < n; i++)
		MUST(!sbdf_equal(function[i].address, f->address));
	check_caps(f);
	check_bars(f);
	pci_requesters(&pci, f, &requesters);
	MUST(requesters.count && requesters.count <= PCI_MAX_REQUESTERS);
	MUST(sbdf_equal(requesters.id[0], pci_requester_id(&pci, f)));
}

/* A group is named by its first function. Who shares a requester ID shares the group. */
static void check_groups(void)
{
	for (u32 n = 0; n < pci.count; n++) {
		MUST(function[n].group <= n &&
		     function[function[n].group].group == function[n].group);
		for (u32 i = 0; i < n; i++)
			if (sbdf_equal(pci_requester_id(&pci, &function[i]),
				       pci_requester_id(&pci, &function[n])))
				MUST(function[i].group == function[n].group);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static u8 before[FUNCTIONS][4096];
	static const struct pci_ecam ecam = {{GIB(3)}, 0, 0, BUSES - 1};
	struct fuzz_input input = {.bytes = {data, size}};

	make_functions(&input);
	while (fuzz_has_more(&input))
		poke(&input);
	for (u32 n = 0; n < fake_pci_count; n++)
		memcpy(before[n], fake_pci[n].space, 4096);
	pci = (struct pci_topology){.function = function, .capacity = CAPACITY};
	pci_scan(&pci, &ecam, 1);
	for (u32 n = 0; n < fake_pci_count; n++)
		MUST(memcmp(before[n], fake_pci[n].space, 4096) == 0);
	MUST(pci.count <= CAPACITY);
	pci_isolate(&pci);
	pci_group(&pci);
	for (u32 n = 0; n < pci.count; n++)
		check_function(n);
	check_groups();
	pci_print(&pci);
	pci_group_print(&pci);
	return 0;
}

#include "arch/x86/vmx/ept.h"

#include "arch/x86/mtrr.h"

/* 28.3.2, tables 28-2 to 28-6 */
#define EPT_R		BIT(0)
#define EPT_W		BIT(1)
#define EPT_X		BIT(2)
#define EPT_TYPE_SHIFT	3 /* memory type of a leaf, 5:3 */
#define EPT_TYPE_UC	0ull
#define EPT_TYPE_WB	6ull
#define EPT_LARGE	BIT(7)
#define EPT_ACCESSED	BIT(8)
#define EPT_DIRTY	BIT(9)
#define EPT_IGNORED_SNP BIT(11) /* ignored by the CPU */
#define EPT_ADDRESS	BITS(51, 12)

/*
 * IPAT is clear: the guest's PAT counts as it does with MTRRs (28.3.7.2). Accessed and dirty
 * bits are set from the start, so that no walk has to write them. Bit 11 is where VT-d has its snoop
 * control (VT-d 9.8): a unit that uses this very table then snoops the caches whatever a device asks for,
 * without which a device could read what memory held before its VM got it.
 */
const struct pt_format ept_format = {
	.name = "ept",
	.present = EPT_R | EPT_W | EPT_X,
	.address = EPT_ADDRESS,
	.large = EPT_LARGE,
	.table = EPT_R | EPT_W | EPT_X | EPT_ACCESSED,
	.leaf = EPT_ACCESSED | EPT_DIRTY | EPT_IGNORED_SNP,
	.read = EPT_R,
	.write = EPT_W,
	.exec = EPT_X,
	.cached = EPT_TYPE_WB << EPT_TYPE_SHIFT,
	.uncached = EPT_TYPE_UC << EPT_TYPE_SHIFT,
};

/* 24.6.11, table 24-9 */
#define EPTP_TYPE_UC	    0ull
#define EPTP_TYPE_WB	    6ull
#define EPTP_LEVELS_SHIFT   3 /* one less than the levels, 5:3 */
#define EPTP_ACCESSED_DIRTY BIT(6)

u64 ept_pointer_make(hpa_t root, u8 levels, bool write_back_walks, bool accessed_dirty)
{
	return (root.v & EPT_ADDRESS) | (u64)(levels - 1) << EPTP_LEVELS_SHIFT |
	       (accessed_dirty ? EPTP_ACCESSED_DIRTY : 0) |
	       (write_back_walks ? EPTP_TYPE_WB : EPTP_TYPE_UC);
}

u64 ept_memory_run(hpa_t start, u64 size, bool *cached)
{
	struct mtrr_words words;
	u64 run;

	mtrr_read(&words);
	*cached = mtrr_write_back(&words, start.v, size, &run);
	return run;
}

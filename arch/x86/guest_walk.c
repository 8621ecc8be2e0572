#include "arch/x86/guest_walk.h"

#include "arch/x86/msr.h"
#include "hv/base/bits.h"

/* Entries of all levels and modes (APM volume 2, 5.4). */
#define ENTRY_PRESENT	 BIT(0)
#define ENTRY_WRITABLE	 BIT(1)
#define ENTRY_USER	 BIT(2)
#define ENTRY_LARGE	 BIT(7)
#define ENTRY_NO_EXECUTE BIT(63)

#define ADDRESS_32  BITS(31, 12)
#define ADDRESS_PAE BITS(51, 12)
#define CR3_PAE	    BITS(31, 5)

#define ADDRESS_BITS_MAX  52
#define PAE_RESERVED	  BITS(62, 52)
#define LARGE_ADDRESS_LOW 13 /* below are a large page's attributes */

/* Bits of a 4 MiB entry that hold address bits 39:32 (PSE-36). */
#define PSE_HIGH_TOP 20
#define PSE_HIGH_LOW 13

/* What differs between the paging modes. */
struct walk_format {
	u8 levels;
	u8 entry_size;	 /* bytes */
	u8 index_bits;	 /* per level */
	u8 large_levels; /* bit n: an entry of level n can be a leaf */
	u8 plain_level;	 /* whose entries have no permissions and no leaf; 0: none */
	u64 root;	 /* mask of CR3 */
	u64 table;	 /* mask of an entry's address */
};

static const struct walk_format format_32 = {
	.levels = 2,
	.entry_size = 4,
	.index_bits = 10,
	.root = ADDRESS_32,
	.table = ADDRESS_32,
};

static const struct walk_format format_32_pse = {
	.levels = 2,
	.entry_size = 4,
	.index_bits = 10,
	.large_levels = BIT(2),
	.root = ADDRESS_32,
	.table = ADDRESS_32,
};

static const struct walk_format format_pae = {
	.levels = 3,
	.entry_size = 8,
	.index_bits = 9,
	.large_levels = BIT(2),
	.plain_level = 3,
	.root = CR3_PAE,
	.table = ADDRESS_PAE,
};

static const struct walk_format format_4_level = {
	.levels = 4,
	.entry_size = 8,
	.index_bits = 9,
	.large_levels = BIT(2) | BIT(3),
	.root = ADDRESS_PAE,
	.table = ADDRESS_PAE,
};

static const struct walk_format format_5_level = {
	.levels = 5,
	.entry_size = 8,
	.index_bits = 9,
	.large_levels = BIT(2) | BIT(3),
	.root = ADDRESS_PAE,
	.table = ADDRESS_PAE,
};

static const struct walk_format *walk_format(const struct guest_paging *paging)
{
	if (!(paging->cr4 & CR4_PAE))
		return paging->cr4 & CR4_PSE ? &format_32_pse : &format_32;
	if (!(paging->efer & EFER_LMA))
		return &format_pae;
	return paging->cr4 & CR4_LA57 ? &format_5_level : &format_4_level;
}

/* The lowest bit of a linear address that selects an entry of level. */
static unsigned level_shift(const struct walk_format *format, u8 level)
{
	return PAGE_SHIFT + format->index_bits * (level - 1u);
}

static bool is_linear_valid(const struct guest_paging *paging, u64 linear)
{
	unsigned unused = paging->cr4 & CR4_LA57 ? 64 - 57 : 64 - 48;

	if (!(paging->efer & EFER_LMA))
		return linear >> 32 == 0;
	return (u64)((s64)(linear << unused) >> unused) == linear;
}

/* The address of the byte in the page that entry, a leaf of level, maps. */
static gpa_t leaf_address(const struct walk_format *format, u8 level, u64 entry, u64 linear)
{
	u64 in_page = BIT(level_shift(format, level)) - 1;
	u64 address = (entry & format->table & ~in_page) | (linear & in_page);

	if (format->entry_size == 4 && level == 2)
		address |= bits_get(entry, PSE_HIGH_TOP, PSE_HIGH_LOW) << 32;
	return gpa(address);
}

/* What all levels allow: rights that each of them gives, and a lock that one of them is enough for. */
static void set_permissions(const struct guest_paging *paging, u64 given, u64 locked,
			    struct guest_translation *translation)
{
	translation->writable = given & ENTRY_WRITABLE;
	translation->user = given & ENTRY_USER;
	translation->executable = !(paging->efer & EFER_NXE && locked & ENTRY_NO_EXECUTE);
}

/* What must be 0 in entries of all levels; those of 32 bits differ from CPU to CPU (PSE-36). */
static u64 reserved_everywhere(const struct guest_paging *paging, const struct walk_format *format)
{
	u64 reserved = paging->efer & EFER_NXE ? 0 : ENTRY_NO_EXECUTE;

	if (format->entry_size == 4)
		return 0;
	if (paging->address_bits < ADDRESS_BITS_MAX)
		reserved |= BITS(ADDRESS_BITS_MAX - 1, paging->address_bits);
	return format == &format_pae ? reserved | PAE_RESERVED : reserved;
}

/* Likewise of one entry: page addresses are multiples of their size, and some levels have no pages. */
static bool has_reserved_bit(const struct walk_format *format, u8 level, u64 entry, u64 everywhere)
{
	if (format->entry_size == 4 || level == format->plain_level)
		return false;
	if (level > 1 && !(format->large_levels & BIT(level)))
		everywhere |= ENTRY_LARGE;
	else if (level > 1 && entry & ENTRY_LARGE)
		everywhere |= BITS(level_shift(format, level) - 1, LARGE_ADDRESS_LOW);
	return entry & everywhere;
}

static enum status walk_tables(const struct guest_paging *paging, u64 linear,
			       const struct guest_reader *reader,
			       struct guest_translation *translation)
{
	const struct walk_format *format = walk_format(paging);
	u64 table = paging->cr3 & format->root;
	u64 given = ENTRY_WRITABLE | ENTRY_USER;
	u64 locked = 0, reserved = reserved_everywhere(paging, format);

	for (u8 level = format->levels; level; level--) {
		unsigned shift = level_shift(format, level);
		u64 index = linear >> shift & (BIT(format->index_bits) - 1), entry = 0;

		if (!reader->read(reader->context, gpa(table + index * format->entry_size),
				  format->entry_size, &entry))
			return ERR_INVALID;
		if (!(entry & ENTRY_PRESENT))
			return ERR_NOT_FOUND;
		if (has_reserved_bit(format, level, entry, reserved))
			return ERR_UNSUPPORTED;
		if (level != format->plain_level) {
			given &= entry;
			locked |= entry;
		}
		if (level == 1 || (format->large_levels & BIT(level) && entry & ENTRY_LARGE)) {
			translation->address = leaf_address(format, level, entry, linear);
			translation->page_size = BIT(shift);
			set_permissions(paging, given, locked, translation);
			return OK;
		}
		table = entry & format->table;
	}
	return ERR_NOT_FOUND;
}

enum status guest_walk(const struct guest_paging *paging, u64 linear,
		       const struct guest_reader *reader, struct guest_translation *translation)
{
	struct guest_translation result = {
		.address = gpa(linear),
		.page_size = PAGE_SIZE,
		.writable = true,
		.user = true,
		.executable = true,
	};
	enum status status = OK;

	if (!is_linear_valid(paging, linear))
		return ERR_INVALID;
	if (paging->cr0 & CR0_PG)
		status = walk_tables(paging, linear, reader, &result);
	if (status == OK)
		*translation = result;
	return status;
}

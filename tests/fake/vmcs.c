#include "tests/fake/vmcs.h"

#include "tests/host/harness.h"

/* Encodings, Intel SDM volume 3D, appendix B: every second one of a range, the last included. */
static const struct range {
	u16 first, last;
	u8 width; /* bytes */
	bool of_exits;
} ranges[] = {
	{0x0000, 0x0008, 2, false}, {0x0800, 0x0814, 2, false}, {0x0c00, 0x0c0c, 2, false},
	{0x2000, 0x2040, 8, false}, {0x2400, 0x2400, 8, true},	{0x2800, 0x2818, 8, false},
	{0x2c00, 0x2c06, 8, false}, {0x4000, 0x4024, 4, false}, {0x4400, 0x440e, 4, true},
	{0x4800, 0x482a, 4, false}, {0x482e, 0x482e, 4, false}, {0x4c00, 0x4c00, 4, false},
	{0x6000, 0x600e, 8, false}, {0x6400, 0x640a, 8, true},	{0x6800, 0x682c, 8, false},
	{0x6c00, 0x6c1c, 8, false},
};

#define FIELDS 0x7000

static u64 values[FIELDS];
static bool written[FIELDS];

struct fake_invalidation fake_invept, fake_invvpid;

static const struct range *range_of(enum vmcs_field field)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++)
		if (field >= ranges[i].first && field <= ranges[i].last && !(field & 1))
			return &ranges[i];
	fail_msg("the VMCS has no field %#x", field);
	return NULL;
}

void fake_vmcs_clear(void)
{
	memset(written, 0, sizeof(written));
	memset(values, 0xa5, sizeof(values));
	fake_invept = fake_invvpid = (struct fake_invalidation){0};
}

void fake_vmcs_set(enum vmcs_field field, u64 value)
{
	u8 width = range_of(field)->width;

	values[field] = width < 8 ? value & ((1ull << 8 * width) - 1) : value;
	written[field] = true;
}

bool fake_vmcs_is_written(enum vmcs_field field)
{
	return range_of(field) && written[field];
}

u64 vmcs_read(enum vmcs_field field)
{
	if (!fake_vmcs_is_written(field))
		fail_msg("field %#x is read and was never written", field);
	return values[field];
}

void vmcs_write(enum vmcs_field field, u64 value)
{
	if (range_of(field)->of_exits)
		fail_msg("field %#x is written, and only the CPU may", field);
	fake_vmcs_set(field, value);
}

void vmx_invept(u64 type, u64 ept_pointer)
{
	fake_invept = (struct fake_invalidation){fake_invept.count + 1, type, ept_pointer};
}

void vmx_invvpid(u64 type, u16 vpid)
{
	fake_invvpid = (struct fake_invalidation){fake_invvpid.count + 1, type, vpid};
}

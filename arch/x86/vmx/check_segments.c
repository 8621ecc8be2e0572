/*
 * The guest's segments and descriptor tables: Intel SDM volume 3C, 26.3.1.2 and 26.3.1.3. Of unrestricted guests,
 * as Sluice's all are, an RPL may differ from DPLs.
 */
#include "arch/x86/msr.h"
#include "arch/x86/vmx/check.h"

#define RIGHTS_TYPE	BITS(3, 0)
#define RIGHTS_ACCESSED BIT(0)
#define RIGHTS_READABLE BIT(1) /* of code; of data: writable */
#define RIGHTS_DOWN	BIT(2) /* of data: expands down; of code: conforming */
#define RIGHTS_CODE	BIT(3)
#define RIGHTS_S	BIT(4) /* code or data, no system segment */
#define RIGHTS_PRESENT	BIT(7)
#define RIGHTS_L	BIT(13)
#define RIGHTS_DB	BIT(14)
#define RIGHTS_G	BIT(15)
#define RIGHTS_RESERVED (BITS(31, 17) | BITS(11, 8))
#define RIGHTS_VM86	0xf3

#define SELECTOR_TI 4u

struct segment_fields {
	u64 selector, rights, limit, base;
};

static struct segment_fields segment_fields(unsigned n)
{
	return (struct segment_fields){
		vmcs_read(vmcs_of_segment(VMCS_GUEST_SELECTOR, n)),
		vmcs_read(vmcs_of_segment(VMCS_GUEST_RIGHTS, n)),
		vmcs_read(vmcs_of_segment(VMCS_GUEST_LIMIT, n)),
		vmcs_read(vmcs_of_segment(VMCS_GUEST_BASE, n)),
	};
}

static bool is_usable(const struct segment_fields *s)
{
	return !(s->rights & VMX_RIGHTS_UNUSABLE);
}

static u64 dpl(const struct segment_fields *s)
{
	return s->rights >> 5 & 3;
}

/* G set: the low 12 bits of the limit are ones; G clear: the high 12 are zeros. */
static bool limit_fits(const struct segment_fields *s)
{
	return s->rights & RIGHTS_G ? (s->limit & PAGE_MASK) == PAGE_MASK : !(s->limit >> 20);
}

static const char *check_vm86(void)
{
	for (unsigned n = 0; n < SEGMENT_COUNT; n++) {
		struct segment_fields s = segment_fields(n);

		CHECK(s.base == s.selector << 4 && s.limit == 0xffff && s.rights == RIGHTS_VM86,
		      "guest segments: not as virtual-8086 mode has them");
	}
	return NULL;
}

static const char *check_code(void)
{
	struct segment_fields cs = segment_fields(SEGMENT_CS);
	struct segment_fields ss = segment_fields(SEGMENT_SS);
	u64 type = cs.rights & RIGHTS_TYPE;
	bool code = type & RIGHTS_CODE && type & RIGHTS_ACCESSED;
	bool data = type == 3;

	CHECK(is_usable(&cs), "guest CS: unusable");
	CHECK(code || data, "guest CS: type");
	CHECK(cs.rights & RIGHTS_S && cs.rights & RIGHTS_PRESENT,
	      "guest CS: not present, or a system segment");
	CHECK(!data || dpl(&cs) == 0, "guest CS: DPL of a data segment");
	CHECK(!code || (type & RIGHTS_DOWN ? dpl(&cs) <= dpl(&ss) : dpl(&cs) == dpl(&ss)),
	      "guest CS: DPL against that of SS");
	CHECK(!(cs.rights & RIGHTS_RESERVED) && limit_fits(&cs),
	      "guest CS: limit or reserved bits");
	CHECK(!(vmcs_read(VMCS_ENTRY_CONTROLS) & VMX_ENTRY_LONG_MODE && cs.rights & RIGHTS_L &&
		cs.rights & RIGHTS_DB),
	      "guest CS: both L and D");
	CHECK(!(cs.base >> 32), "guest CS: base");
	return NULL;
}

static const char *check_stack(void)
{
	struct segment_fields cs = segment_fields(SEGMENT_CS);
	struct segment_fields ss = segment_fields(SEGMENT_SS);
	u64 type = ss.rights & RIGHTS_TYPE;

	CHECK(dpl(&ss) == 0 ||
		      ((cs.rights & RIGHTS_TYPE) != 3 && vmcs_read(VMCS_GUEST_CR0) & CR0_PE),
	      "guest SS: DPL in real mode");
	if (!is_usable(&ss))
		return NULL;
	CHECK(type == 3 || type == 7, "guest SS: type");
	CHECK(ss.rights & RIGHTS_S && ss.rights & RIGHTS_PRESENT,
	      "guest SS: not present, or a system segment");
	CHECK(!(ss.rights & RIGHTS_RESERVED) && limit_fits(&ss),
	      "guest SS: limit or reserved bits");
	CHECK(!(ss.base >> 32), "guest SS: base");
	return NULL;
}

static const char *check_data(const struct vmx_caps *caps, unsigned n)
{
	struct segment_fields s = segment_fields(n);
	u64 type = s.rights & RIGHTS_TYPE;

	if (n == SEGMENT_FS || n == SEGMENT_GS)
		CHECK(vmx_canonical(caps, s.base), "guest FS or GS: base not canonical");
	if (!is_usable(&s))
		return NULL;
	if (n == SEGMENT_DS || n == SEGMENT_ES)
		CHECK(!(s.base >> 32), "guest DS or ES: base");
	CHECK(type & RIGHTS_ACCESSED && (!(type & RIGHTS_CODE) || type & RIGHTS_READABLE),
	      "a guest data segment: type");
	CHECK(s.rights & RIGHTS_S && s.rights & RIGHTS_PRESENT,
	      "a guest data segment: not present, or a system segment");
	CHECK(!(s.rights & RIGHTS_RESERVED) && limit_fits(&s),
	      "a guest data segment: limit or reserved bits");
	return NULL;
}

static const char *check_system(const struct vmx_caps *caps)
{
	struct segment_fields tr = segment_fields(VMCS_TR);
	struct segment_fields ldtr = segment_fields(VMCS_LDTR);
	bool long_mode = vmcs_read(VMCS_ENTRY_CONTROLS) & VMX_ENTRY_LONG_MODE;
	u64 type = tr.rights & RIGHTS_TYPE;

	CHECK(is_usable(&tr) && !(tr.selector & SELECTOR_TI), "guest TR: unusable, or in the LDT");
	CHECK(type == 11 || (type == 3 && !long_mode), "guest TR: type");
	CHECK(!(tr.rights & RIGHTS_S) && tr.rights & RIGHTS_PRESENT,
	      "guest TR: not a present system segment");
	CHECK(!(tr.rights & RIGHTS_RESERVED) && limit_fits(&tr),
	      "guest TR: limit or reserved bits");
	CHECK(vmx_canonical(caps, tr.base), "guest TR: base not canonical");
	if (!is_usable(&ldtr))
		return NULL;
	CHECK(!(ldtr.selector & SELECTOR_TI), "guest LDTR: in the LDT");
	CHECK((ldtr.rights & RIGHTS_TYPE) == 2, "guest LDTR: type");
	CHECK(!(ldtr.rights & RIGHTS_S) && ldtr.rights & RIGHTS_PRESENT,
	      "guest LDTR: not a present system segment");
	CHECK(!(ldtr.rights & RIGHTS_RESERVED) && limit_fits(&ldtr),
	      "guest LDTR: limit or reserved bits");
	CHECK(vmx_canonical(caps, ldtr.base), "guest LDTR: base not canonical");
	return NULL;
}

/* 26.3.1.3. */
static const char *check_tables(const struct vmx_caps *caps)
{
	CHECK(vmx_canonical(caps, vmcs_read(VMCS_GUEST_GDTR_BASE)) &&
		      vmx_canonical(caps, vmcs_read(VMCS_GUEST_IDTR_BASE)),
	      "guest GDTR or IDTR: base not canonical");
	CHECK(!(vmcs_read(VMCS_GUEST_GDTR_LIMIT) >> 16) &&
		      !(vmcs_read(VMCS_GUEST_IDTR_LIMIT) >> 16),
	      "guest GDTR or IDTR: limit");
	return NULL;
}

const char *vmx_check_segments(const struct vmx_caps *caps)
{
	static const u8 data[] = {SEGMENT_DS, SEGMENT_ES, SEGMENT_FS, SEGMENT_GS};
	const char *reason = NULL;

	if (vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_VM) {
		reason = check_vm86();
	} else {
		reason = check_code();
		if (!reason)
			reason = check_stack();
		for (unsigned i = 0; i < ARRAY_SIZE(data) && !reason; i++)
			reason = check_data(caps, data[i]);
	}
	if (!reason)
		reason = check_system(caps);
	if (!reason)
		reason = check_tables(caps);
	return reason;
}

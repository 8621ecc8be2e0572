/* Fault reasons in words (7.1.3 and the tables of conditions there). */
#include "iommu/vtd/internal.h"

static const struct {
	u8 code;
	const char *text;
} reason[] = {
	/* Legacy mode. */
	{0x01, "the bus has no root entry: blocked"},
	{0x02, "the device has no context entry: blocked"},
	{0x03, "the context entry is not valid for this unit"},
	{0x04, "the address is beyond what the domain can hold"},
	{0x05, "no write access there"},
	{0x06, "no read access there"},
	{0x07, "a second-stage table could not be read"},
	{0x08, "the root table could not be read"},
	{0x09, "the context table could not be read"},
	{0x0a, "reserved bits set in the root entry"},
	{0x0b, "reserved bits set in the context entry"},
	{0x0c, "reserved bits set in a second-stage entry"},
	{0x0d, "the context entry forbids translation requests"},
	{0x0e, "the translation leads into the interrupt range"},
	/* Interrupt remapping. */
	{0x20, "reserved bits set in the interrupt request"},
	{0x21, "interrupt index beyond the table"},
	{0x22, "the interrupt entry is not present"},
	{0x23, "the interrupt table could not be read"},
	{0x24, "reserved bits set in the interrupt entry"},
	{0x25, "compatibility-format interrupt: blocked"},
	{0x26, "the interrupt entry belongs to another requester"},
	{0x27, "the posted-interrupt descriptor could not be read"},
	{0x28, "reserved bits set in the posted-interrupt descriptor"},
	/* Scalable mode: tables. */
	{0x30, "scalable mode: the root table's address is not valid"},
	{0x31, "request with PASID in legacy mode"},
	{0x38, "scalable mode: the root entry could not be read"},
	{0x39, "scalable mode: no root entry"},
	{0x3a, "scalable mode: reserved bits set in the root entry"},
	{0x40, "scalable mode: the context entry could not be read"},
	{0x41, "scalable mode: no context entry"},
	{0x42, "scalable mode: reserved bits set in the context entry"},
	{0x43, "scalable mode: the context entry is not valid for this unit"},
	{0x44, "scalable mode: translation requests are forbidden"},
	{0x50, "scalable mode: the PASID directory could not be read"},
	{0x51, "scalable mode: no PASID directory entry"},
	{0x52, "scalable mode: reserved bits set in the PASID directory entry"},
	{0x58, "scalable mode: the PASID table could not be read"},
	{0x59, "scalable mode: no PASID table entry"},
	{0x5a, "scalable mode: reserved bits set in the PASID table entry"},
	{0x5b, "scalable mode: the PASID table entry is not valid for this unit"},
	/* Scalable mode: first and second stage. */
	{0x70, "a first-stage table could not be read"},
	{0x71, "not present in the first stage"},
	{0x72, "reserved bits set in a first-stage entry"},
	{0x78, "a second-stage table could not be read"},
	{0x79, "no access in the second stage"},
	{0x7a, "reserved bits set in a second-stage entry"},
	{0x80, "the address is not canonical"},
	{0x81, "a user request to a supervisor page"},
	{0x84, "the address is beyond what the second stage can hold"},
	{0x85, "no write access there"},
	{0x86, "no read access there"},
	{0x87, "the translation leads into the interrupt range"},
};

const char *vtd_fault_reason(u8 code)
{
	for (unsigned i = 0; i < ARRAY_SIZE(reason); i++)
		if (reason[i].code == code)
			return reason[i].text;
	return "a reason that the specification does not name";
}

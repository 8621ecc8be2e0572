#include "tests/host/fake_pci.h"

struct fake_function fake_pci[FAKE_PCI_MAX];
u32 fake_pci_count;
u32 fake_pci_accesses;
void (*fake_pci_wrote)(struct fake_function *function, u16 offset, u8 width, u32 value);

void fake_pci_clear(void)
{
	memset(fake_pci, 0, sizeof(fake_pci));
	fake_pci_count = 0;
	fake_pci_accesses = 0;
	fake_pci_wrote = NULL;
}

void fake_pci_put(struct fake_function *function, u16 offset, u8 size, u32 value)
{
	memcpy(function->space + offset, &value, size);
}

u32 fake_pci_get(const struct fake_function *function, u16 offset, u8 size)
{
	u32 value = 0;

	memcpy(&value, function->space + offset, size);
	return value;
}

struct fake_function *fake_pci_add(struct sbdf address, u32 vendor_device, u32 class_code)
{
	struct fake_function *function = &fake_pci[fake_pci_count++];

	assert_true(fake_pci_count <= FAKE_PCI_MAX);
	function->address = address;
	fake_pci_put(function, PCI_VENDOR_ID, 2, vendor_device >> 16);
	fake_pci_put(function, PCI_DEVICE_ID, 2, vendor_device);
	fake_pci_put(function, PCI_REVISION, 4, class_code << 8);
	fake_pci_put(function, PCI_COMMAND, 2, 0x0107);
	function->writable[PCI_COMMAND] = 0x47;
	function->writable[PCI_COMMAND + 1] = 0x05;
	fake_pci_put(function, PCI_STATUS, 2, 0xf900);
	function->write_1_clear[PCI_STATUS + 1] = 0xf9;
	return function;
}

void fake_pci_express(struct fake_function *function, u8 type)
{
	fake_pci_cap(function, PCI_CAP_PCIE, 0x40);
	fake_pci_put(function, 0x40 + PCI_PCIE_CAPABILITIES, 2, (u32)type << 4 | 2);
}

struct fake_function *fake_pci_add_bridge(struct sbdf address, u8 secondary, u8 subordinate,
					  u8 pcie_type)
{
	struct fake_function *bridge = fake_pci_add(address, 0x1b36000c, 0x060400);

	fake_pci_put(bridge, PCI_HEADER_TYPE, 1, 1);
	fake_pci_put(bridge, PCI_PRIMARY_BUS, 1, sbdf_bus(address));
	fake_pci_put(bridge, PCI_SECONDARY_BUS, 1, secondary);
	fake_pci_put(bridge, PCI_SUBORDINATE_BUS, 1, subordinate);
	if (pcie_type != PCI_PCIE_NONE)
		fake_pci_express(bridge, pcie_type);
	return bridge;
}

void fake_pci_bar(struct fake_function *function, u8 index, u32 value, u32 writable)
{
	fake_pci_put(function, PCI_BAR0 + 4 * index, 4, value);
	memcpy(function->writable + PCI_BAR0 + 4 * index, &writable, 4);
}

void fake_pci_cap(struct fake_function *function, u8 id, u8 offset)
{
	u16 at = PCI_CAP_POINTER;

	while (function->space[at])
		at = function->space[at] + 1;
	function->space[at] = offset;
	function->space[offset] = id;
	function->space[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
}

void fake_pci_acs(struct fake_function *function, u16 capability, u16 control)
{
	fake_pci_put(function, PCI_EXT_CAP_BASE, 4, 1 << 16 | PCI_EXT_CAP_ACS);
	fake_pci_put(function, PCI_EXT_CAP_BASE + PCI_ACS_CAPABILITY, 2, capability);
	fake_pci_put(function, PCI_EXT_CAP_BASE + PCI_ACS_CONTROL, 2, control);
	memcpy(function->writable + PCI_EXT_CAP_BASE + PCI_ACS_CONTROL, &capability, 2);
}

void fake_pci_multifunction(struct fake_function *function)
{
	function->space[PCI_HEADER_TYPE] |= PCI_HEADER_MULTIFUNCTION;
}

static struct fake_function *find(struct sbdf address, u16 offset, u8 width)
{
	assert_true(width == 1 || width == 2 || width == 4);
	assert_true(offset % width == 0 && offset < 4096);
	fake_pci_accesses++;
	for (u32 i = 0; i < fake_pci_count; i++)
		if (sbdf_equal(fake_pci[i].address, address) && !fake_pci[i].gone &&
		    (offset < 256 || !fake_pci[i].conventional))
			return &fake_pci[i];
	return NULL;
}

u32 pci_read(struct sbdf address, u16 offset, u8 width)
{
	const struct fake_function *function = find(address, offset, width);
	u32 all_ones = width == 4 ? ~0u : (1u << 8 * width) - 1;

	return function ? fake_pci_get(function, offset, width) : all_ones;
}

static bool is_address(const struct fake_function *function, u16 offset)
{
	u16 end = function->space[PCI_HEADER_TYPE] & 1 ? PCI_BAR0 + 8 : PCI_BAR0 + 24;

	return offset >= PCI_BAR0 && offset < end;
}

void pci_write(struct sbdf address, u16 offset, u8 width, u32 value)
{
	struct fake_function *function = find(address, offset, width);

	if (!function)
		return;
	/* No address may move while the function decodes it. */
	if (is_address(function, offset) && value != fake_pci_get(function, offset, 4))
		assert_int_equal(
			function->space[PCI_COMMAND] & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY), 0);
	for (u8 i = 0; i < width; i++) {
		u8 *byte = &function->space[offset + i];
		u8 writable = function->writable[offset + i];
		u8 new = (u8)(value >> 8 * i);

		*byte = (u8)((*byte & ~writable) | (new &writable));
		*byte &= (u8) ~(new & function->write_1_clear[offset + i]);
	}
	if (fake_pci_wrote)
		fake_pci_wrote(function, offset, width, value);
}

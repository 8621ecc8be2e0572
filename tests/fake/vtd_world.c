#include "tests/fake/vtd_world.h"

#include "drivers/pci_regs.h"
#include "iommu/vtd/vtd.h"
#include "tests/host/harness.h"

struct platform world;
struct pool world_pool;
const struct interrupt_target world_event = {.apic_id = 0, .delivery = DELIVERY_NMI};

static u8 table[2048];
static size_t table_size, structure_at;
static struct pci_function functions[64];

static void put(const void *data, size_t size)
{
	memcpy(table + table_size, data, size);
	table_size += size;
}

static void put_number(u64 value, size_t size)
{
	put(&value, size);
}

/* The open structure has grown. */
static void fix_length(void)
{
	u16 length = (u16)(table_size - structure_at);

	memcpy(table + structure_at + 2, &length, sizeof(length));
}

void world_reset(void)
{
	u8 *memory = fake_reset();

	captured_log_clear();
	memset(&world, 0, sizeof(world));
	memset(table, 0, sizeof(table));
	memcpy(table, "DMAR", 4);
	table[8] = 1;
	table[36] = 47;
	table_size = 48;
	world.boot.memory.range[0] = (struct memory_range){hpa(0), 0x9f000, MEMORY_RAM};
	world.boot.memory.range[1] = (struct memory_range){hpa(0x100000), 0x7ff00000, MEMORY_RAM};
	world.boot.memory.count = 2;
	world.pci = (struct pci_topology){.function = functions, .capacity = 64};
	pool_init(&world_pool, memory + 0x40000, hpa(FAKE_MEMORY_HPA + 0x40000),
		  FAKE_MEMORY_SIZE - 0x40000);
}

struct fake_unit *world_add_drhd(u16 segment, u8 flags, u64 base, u64 cap, u64 ecap)
{
	structure_at = table_size;
	put_number(0, 2);
	put_number(16, 2);
	put_number(flags, 1);
	put_number(0, 1);
	put_number(segment, 2);
	put_number(base, 8);
	return fake_unit_add(base, cap, ecap);
}

void world_set_address_width(unsigned bits)
{
	table[36] = (u8)(bits - 1);
}

void world_add_rmrr(u64 base, u64 limit)
{
	structure_at = table_size;
	put_number(1, 2);
	put_number(24, 2);
	put_number(0, 4);
	put_number(base, 8);
	put_number(limit, 8);
}

void world_add_scope(u8 type, u8 enumeration_id, u8 bus, const u8 *hops)
{
	size_t start = table_size;

	put_number(type, 1);
	put_number(0, 3);
	put_number(enumeration_id, 1);
	put_number(bus, 1);
	for (; *hops != 0xff; hops += 2)
		put(hops, 2);
	table[start + 1] = (u8)(table_size - start);
	fix_length();
}

struct fake_unit *world_add_unit(u64 cap, u64 ecap)
{
	struct fake_unit *unit = world_add_drhd(0, 1, WORLD_UNIT_BASE, cap, ecap);

	world_add_scope(3, 0, 0xf0, (const u8[]){0x1f, 0, 0xff});
	return unit;
}

u16 world_add_function(u8 bus, u8 device, u8 function, u16 parent)
{
	functions[world.pci.count] = (struct pci_function){
		.address = SBDF(0, bus, device, function),
		.parent = parent,
		.pcie_type = PCI_PCIE_NONE,
	};
	return (u16)world.pci.count++;
}

u16 world_add_bridge(u8 bus, u8 device, u8 function, u16 parent, u8 secondary, u8 subordinate)
{
	u16 index = world_add_function(bus, device, function, parent);

	functions[index].header_type = 1;
	functions[index].pcie_type = 4; /* root port */
	functions[index].secondary_bus = secondary;
	functions[index].subordinate_bus = subordinate;
	return index;
}

void world_finish(void)
{
	u32 length = (u32)table_size;
	u8 sum = 0;

	memcpy(table + 4, &length, sizeof(length));
	for (size_t i = 0; i < table_size; i++)
		sum = (u8)(sum + table[i]);
	table[9] = (u8)-sum;
	world.acpi.dmar = (struct bytes){table, table_size};
}

struct fake_unit *world_enabled(u64 cap, u64 ecap)
{
	world_reset();
	struct fake_unit *unit = world_add_unit(cap, ecap);

	if (!(ecap & WORLD_ECAP_C))
		fake_set_view(unit, FAKE_SEES_FLUSHED);
	else if (cap & WORLD_CAP_RWBF)
		fake_set_view(unit, FAKE_SEES_DRAINED);
	world_finish();
	if (vtd_ops.probe(&world, &world_pool) != OK || vtd_ops.enable(&world_event, false) != OK)
		fail_msg("the unit was not enabled:\n%s", captured_log());
	return unit;
}

void world_set_ats(u16 function, u8 depth)
{
	functions[function].ats = WORLD_ATS;
	functions[function].ats_pending = depth ? depth : 32;
	functions[function].ats_on = true;
}

/* The ATS capability of functions that have devices behind their units, and no other register. */
u32 pci_read(struct sbdf address, u16 offset, u8 width)
{
	u32 value = 0;

	for (unsigned i = 0; i < fake_unit_count(); i++) {
		const struct fake_device *device = fake_device_find(fake_unit_at(i), address.bdf);

		if (device && offset == WORLD_ATS + PCI_ATS_CONTROL && width == 2)
			value = device->ats_on ? PCI_ATS_ENABLE | 1 : 1;
	}
	return value;
}

void pci_write(struct sbdf address, u16 offset, u8 width, u32 value)
{
	for (unsigned i = 0; i < fake_unit_count(); i++)
		if (offset == WORLD_ATS + PCI_ATS_CONTROL && width == 2)
			fake_device_ats(fake_unit_at(i), address.bdf, value & PCI_ATS_ENABLE);
}

/* The production one comes with all of the bus walk. */
const struct pci_function *pci_find(const struct pci_topology *topology, struct sbdf address)
{
	for (u32 i = 0; i < topology->count; i++)
		if (sbdf_equal(topology->function[i].address, address))
			return &topology->function[i];
	return NULL;
}

const char *sbdf_text(struct sbdf address, char text[SBDF_TEXT_MAX])
{
	static const char digits[] = "0123456789abcdef";

	text[0] = digits[sbdf_bus(address) >> 4];
	text[1] = digits[sbdf_bus(address) & 15];
	text[2] = 0;
	return text;
}

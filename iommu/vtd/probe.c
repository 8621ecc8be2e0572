/* From the DMAR table to units, and to what all of them can do. Changes nothing in any unit. */
#include "hv/base/log.h"
#include "hv/base/string.h"
#include "iommu/scope.h"
#include "iommu/vtd/internal.h"

/* Room above the last byte of RAM, for guests whose memory has holes in other places. */
#define ADDRESS_MARGIN GIB(4)

/* Firmware may tell a width of 64 bits, by which nothing can be shifted. */
static bool is_host_address(u64 address)
{
	return vtd.dmar.host_address_width >= 64 || address >> vtd.dmar.host_address_width == 0;
}

/* What must be mappable: all RAM and every reserved region that exists. */
static u8 wanted_bits(void)
{
	const struct memmap *memory = &vtd.platform->boot.memory;
	u64 limit = 0;

	for (u32 i = 0; i < memory->count; i++)
		if (memory->range[i].kind == MEMORY_RAM)
			limit = max_u64(limit, memory->range[i].start.v + memory->range[i].size);
	limit += ADDRESS_MARGIN;
	for (unsigned i = 0; i < vtd.dmar.structure_count; i++) {
		const struct dmar_structure *rmrr = &vtd.dmar.structure[i];

		if (rmrr->type == DMAR_RMRR && is_host_address(rmrr->limit))
			limit = max_u64(limit, rmrr->limit + 1);
	}
	return vtd_address_bits(limit);
}

static void print_unit(const struct vtd_unit *unit)
{
	char text[160];
	u32 version = vtd_read32(unit, VTD_VER);

	vtd_caps_format(&unit->caps, text, sizeof(text));
	log_line("vtd", "unit %u: segment %u at %llx, version %u.%u, %s", unit->index,
		 unit->segment, (unsigned long long)unit->base.v,
		 (unsigned)bits_get(version, VTD_VER_MAJOR),
		 (unsigned)bits_get(version, VTD_VER_MINOR), text);
}

bool vtd_touches_ram(u64 base, u64 size)
{
	const struct memmap *memory = &vtd.platform->boot.memory;

	for (u32 i = 0; i < memory->count; i++)
		if (memory->range[i].kind == MEMORY_RAM &&
		    ranges_overlap(base, size, memory->range[i].start.v, memory->range[i].size))
			return true;
	return false;
}

bool vtd_touches_units(u64 base, u64 size, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (ranges_overlap(base, size, vtd.unit[i].base.v, vtd.unit[i].mmio.size))
			return true;
	return false;
}

static enum status refuse_registers(const struct vtd_unit *unit, const char *why)
{
	log_line("vtd", "unit %u: its registers at %llx can't be used: %s", unit->index,
		 (unsigned long long)unit->base.v, why);
	return ERR_UNSUPPORTED;
}

/*
 * What a wrong table takes for registers would be written to. One unit that is listed twice would get two
 * queues, and follow the second alone.
 */
static enum status map_range(struct vtd_unit *unit, u64 size)
{
	enum status status;

	if (unit->base.v > UINT64_MAX - size)
		return refuse_registers(unit, "they wrap");
	if (vtd_touches_ram(unit->base.v, size))
		return refuse_registers(unit, "they lie in memory that is free to use");
	if (vtd_touches_units(unit->base.v, size, unit->index))
		return refuse_registers(unit, "they are another unit's");
	status = mmio_map(unit->base, size, &unit->mmio);
	return status == OK ? OK : refuse_registers(unit, status_name(status));
}

/* 8.3: the table tells the registers' size, in older ones always a page; the unit knows better. */
static enum status map_registers(struct vtd_unit *unit, const struct dmar_structure *drhd)
{
	u64 size = PAGE_SIZE << (drhd->size_code & 15);
	enum status status = map_range(unit, size);

	if (status != OK)
		return status;
	unit->caps = vtd_caps_decode(vtd_read64(unit, VTD_CAP), vtd_read64(unit, VTD_ECAP));
	if (unit->caps.registers_size > size)
		status = map_range(unit, align_up(unit->caps.registers_size, PAGE_SIZE));
	return status;
}

static enum status find_unit(struct vtd_unit *unit, const struct dmar_structure *drhd)
{
	const struct vtd_need *unmet;
	enum status status;

	unit->segment = drhd->segment;
	unit->base = hpa(drhd->base);
	unit->pool = vtd.pool;
	status = map_registers(unit, drhd);
	if (status != OK)
		return status;
	print_unit(unit);
	unmet = vtd_caps_unmet(&unit->caps, &vtd.wanted, VTD_TO_BLOCK);
	if (unmet) {
		log_line("vtd", "unit %u is of no use: %s: %s", unit->index, unmet->name,
			 unmet->reason);
		return ERR_UNSUPPORTED;
	}
	unmet = vtd_caps_unmet(&unit->caps, &vtd.wanted, VTD_TO_ASSIGN);
	if (unmet)
		log_line("vtd", "unit %u: no device behind it can be assigned: %s: %s", unit->index,
			 unmet->name, unmet->reason);
	return OK;
}

/* One table serves all units, so it may hold only what each of them understands. */
static enum status intersect(void)
{
	bool snoop = true;

	vtd.depths = 0xff;
	vtd.leaf_sizes = PT_4K | PT_2M | PT_1G;
	vtd.address_bits = 64;
	vtd.coherent = true;
	vtd.domain_ids = VTD_MAX_DOMAINS;
	for (unsigned i = 0; i < vtd.unit_count; i++) {
		const struct vtd_caps *caps = &vtd.unit[i].caps;

		vtd.depths &= caps->depths;
		snoop &= caps->snoop_control;
		vtd.leaf_sizes &= caps->leaf_sizes;
		vtd.coherent &= caps->coherent;
		vtd.address_bits = (u8)min_u64(vtd.address_bits, caps->address_bits);
		vtd.domain_ids = (u32)min_u64(vtd.domain_ids, caps->domains);
	}
	vtd.levels = vtd_caps_levels(vtd.depths, vtd.wanted.address_bits);
	if (!vtd.levels) {
		log_line("vtd", "no depth of tables serves all units and %u address bits",
			 vtd.wanted.address_bits);
		return ERR_UNSUPPORTED;
	}
	vtd.address_bits = (u8)min_u64(vtd.address_bits, PAGE_SHIFT + 9 * vtd.levels);
	vtd.format = snoop ? &vtd_ss_format_snoop : &vtd_ss_format;
	return OK;
}

/* Every structure of the table, those that nothing here uses too. */
static void print_table(void)
{
	char text[LOG_LINE_MAX];

	for (unsigned i = 0; i < vtd.dmar.structure_count; i++) {
		dmar_format(&vtd.dmar, &vtd.dmar.structure[i], text, sizeof(text));
		log_line("dmar", "%s", text);
	}
	if (vtd.dmar.unknown_count)
		log_line("dmar", "%u structures of unknown types", vtd.dmar.unknown_count);
}

static enum status read_table(const struct platform *platform)
{
	struct dmar_error error = {0};

	if (!platform->acpi.dmar.size)
		return ERR_NOT_FOUND;
	if (dmar_parse(platform->acpi.dmar, &vtd.dmar, &error) != OK) {
		log_line("vtd", "DMAR table refused at offset %u: %s", error.offset, error.reason);
		return ERR_UNSUPPORTED;
	}
	print_table();
	vtd.unit_count = scope_unit_count(&vtd.dmar);
	if (vtd.unit_count > VTD_MAX_UNITS) {
		log_line("vtd", "%u units, and no more than %u can be driven", vtd.unit_count,
			 VTD_MAX_UNITS);
		return ERR_UNSUPPORTED;
	}
	return vtd.unit_count ? OK : ERR_NOT_FOUND;
}

enum status vtd_probe(const struct platform *platform, struct pool *pool)
{
	enum status status;

	memset(&vtd, 0, sizeof(vtd)); /* too large to be assigned from a temporary */
	vtd.platform = platform;
	vtd.pool = pool;
	status = read_table(platform);
	if (status != OK)
		return status;
	vtd.wanted.address_bits = wanted_bits();
	for (unsigned i = 0; i < vtd.unit_count; i++) {
		vtd.unit[i].index = (u16)i;
		status = find_unit(&vtd.unit[i], scope_unit(&vtd.dmar, i));
		if (status != OK)
			return status;
	}
	status = intersect();
	if (status == OK)
		status = vtd_reserved_find();
	vtd.probed = status == OK;
	return status;
}

enum status vtd_unit_for(struct sbdf requester, struct vtd_unit **unit)
{
	enum status status;
	u16 index;

	status = scope_unit_of(&vtd.dmar, &vtd.platform->pci, requester, &index);
	if (status == OK)
		*unit = &vtd.unit[index];
	return status;
}

#include "iommu/dmar.h"

#include "hv/base/bits.h"
#include "hv/base/format.h"

/* A line being written; length is what the whole would take, as format_text() has it. */
struct line {
	char *buffer;
	size_t size;
	size_t length;
};

static void PRINTF_LIKE(2, 3) add(struct line *line, const char *format, ...)
{
	size_t used = line->length < line->size ? line->length : line->size;
	va_list args;

	va_start(args, format);
	line->length += format_v(line->buffer + used, line->size - used, format, args);
	va_end(args);
}

static const char *scope_type_name(u8 type)
{
	static const char *const names[] = {
		[DMAR_SCOPE_ENDPOINT] = "endpoint", [DMAR_SCOPE_BRIDGE] = "bridge",
		[DMAR_SCOPE_IOAPIC] = "ioapic",	    [DMAR_SCOPE_HPET] = "hpet",
		[DMAR_SCOPE_ACPI] = "acpi",
	};

	return type < ARRAY_SIZE(names) ? names[type] : NULL;
}

static void add_scope(struct line *line, const struct dmar_scope *scope)
{
	const char *name = scope_type_name(scope->type);

	if (name)
		add(line, " %s", name);
	else
		add(line, " type-0x%x", scope->type);
	/* Endpoints and bridges have no ID of their own; where firmware sets one, it shows. */
	if (scope->type > DMAR_SCOPE_BRIDGE || !name || scope->enumeration_id)
		add(line, " id %u", scope->enumeration_id);
	if (scope->flags)
		add(line, " flags 0x%02x", scope->flags);
	add(line, " %02x", scope->start_bus);
	for (unsigned i = 0; i < scope->hop_count; i++)
		add(line, "%c%02x.%x", i ? '>' : ':', scope->hop[i].device, scope->hop[i].function);
}

static void add_scopes(struct line *line, const struct dmar *dmar,
		       const struct dmar_structure *structure)
{
	add(line, " scopes:");
	for (unsigned i = 0; i < structure->scope_count; i++) {
		add(line, i ? ";" : "");
		add_scope(line, &dmar->scope[structure->first_scope + i]);
	}
	if (!structure->scope_count)
		add(line, " none");
}

/* Firmware's bytes reach a terminal: what is not printable shows as '?'. */
static void add_name(struct line *line, const char *name)
{
	add(line, " name ");
	for (; *name; name++)
		add(line, "%c", *name > ' ' && *name <= '~' ? *name : '?');
}

static void add_fields(struct line *line, const struct dmar_structure *s)
{
	switch (s->type) {
	case DMAR_DRHD:
		add(line, " segment %u flags 0x%02x base 0x%llx size 0x%llx", s->segment, s->flags,
		    (unsigned long long)s->base, (unsigned long long)(PAGE_SIZE << s->size_code));
		break;
	case DMAR_RMRR:
		add(line, " segment %u base 0x%llx limit 0x%llx", s->segment,
		    (unsigned long long)s->base, (unsigned long long)s->limit);
		break;
	case DMAR_ATSR:
	case DMAR_SATC:
		add(line, " segment %u flags 0x%02x", s->segment, s->flags);
		break;
	case DMAR_RHSA:
		add(line, " base 0x%llx proximity %u", (unsigned long long)s->base,
		    s->proximity_domain);
		break;
	case DMAR_ANDD:
		add(line, " device %u", s->device_number);
		add_name(line, s->name);
		break;
	case DMAR_SIDP:
		add(line, " segment %u", s->segment);
		break;
	}
}

size_t dmar_format(const struct dmar *dmar, const struct dmar_structure *structure, char *buffer,
		   size_t size)
{
	static const char *const names[] = {"DRHD", "RMRR", "ATSR", "RHSA", "ANDD", "SATC", "SIDP"};
	struct line line = {buffer, size, 0};

	add(&line, "%s offset 0x%x",
	    structure->type < ARRAY_SIZE(names) ? names[structure->type] : "unknown",
	    structure->offset);
	add_fields(&line, structure);
	if (structure->type != DMAR_RHSA && structure->type != DMAR_ANDD)
		add_scopes(&line, dmar, structure);
	return line.length;
}

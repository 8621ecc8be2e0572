#include "hv/vm/firmware.h"

#include "hv/base/bits.h"
#include "hv/vm/mptable.h"
#include "hv/vm/vacpi.h"
#include "hv/vm/vm.h"

/* One table after the other, each 16-byte aligned, by way of one buffer. */
struct writer {
	struct vm *vm;
	u32 next; /* guest-physical address */
	enum status status;
	struct emit emit;
	u8 buffer[VACPI_TABLE_MAX];
};
_Static_assert(MPTABLE_MAX <= VACPI_TABLE_MAX, "the buffer serves both");

static struct emit *begin(struct writer *writer)
{
	writer->emit = EMIT_INTO(writer->buffer);
	return &writer->emit;
}

/* Puts what was emitted into the VM. Returns where it is; the first error stays in .status. */
static u32 end(struct writer *writer, u32 limit)
{
	u32 at = writer->next;
	u32 size = writer->emit.size;

	if (writer->emit.full || size > limit - at)
		writer->status = ERR_NO_MEMORY;
	if (writer->status != OK)
		return at;
	if (!vm_write(writer->vm, gpa(at), writer->buffer, size))
		writer->status = ERR_INVALID;
	writer->next = (u32)align_up(at + size, 16);
	return at;
}

static void write_acpi(struct writer *writer)
{
	u32 dsdt, fadt, madt, rsdt, xsdt;

	/* The RSDP comes first, as it is searched for, but is written last, as it points to the others. */
	writer->next = (u32)align_up(FIRMWARE_START + VACPI_RSDP_SIZE, 16);
	vacpi_make_dsdt(writer->vm, begin(writer));
	dsdt = end(writer, FIRMWARE_MP_TABLE);
	vacpi_make_fadt(dsdt, begin(writer));
	fadt = end(writer, FIRMWARE_MP_TABLE);
	vacpi_make_madt(writer->vm, begin(writer));
	madt = end(writer, FIRMWARE_MP_TABLE);
	vacpi_make_rsdt(fadt, madt, begin(writer));
	rsdt = end(writer, FIRMWARE_MP_TABLE);
	vacpi_make_xsdt(fadt, madt, begin(writer));
	xsdt = end(writer, FIRMWARE_MP_TABLE);

	writer->next = FIRMWARE_START;
	vacpi_make_rsdp(rsdt, xsdt, begin(writer));
	(void)end(writer, FIRMWARE_MP_TABLE);
}

enum status firmware_tables_write(struct vm *vm, gpa_t *rsdp)
{
	struct writer writer = {.vm = vm};

	write_acpi(&writer);
	writer.next = FIRMWARE_MP_TABLE;
	mptable_make(vm, FIRMWARE_MP_TABLE, begin(&writer));
	(void)end(&writer, FIRMWARE_END);
	*rsdp = gpa(FIRMWARE_START);
	return writer.status;
}

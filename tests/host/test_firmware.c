// sources: hv/vm/firmware.c hv/vm/vacpi.c hv/vm/aml.c hv/vm/mptable.c hv/vm/emit.c
// sources: hv/vm/memory_layout.c tests/host/guest_memory.c
#include "tests/host/harness.h"

#include <unistd.h>

#include "hv/vm/aml.h"
#include "hv/vm/emit.h"
#include "hv/vm/firmware.h"
#include "tests/host/guest_memory.h"

static struct vm vm;

static int set_up(void **state)
{
	(void)state;
	guest_memory_make(&vm, MIB(16), 0xa5);
	vm.vcpu_count = 1;
	vm.vcpu[0].apic_id = 3;
	vm.pci.device_count = 3;
	vm.pci.device[0].pin = 16;
	vm.pci.device[1].pin = VPCI_NO_PIN;
	vm.pci.device[2].pin = 9;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	guest_memory_free();
	return 0;
}

static void write_tables(void)
{
	gpa_t rsdp = gpa(0);

	assert_int_equal(firmware_tables_write(&vm, &rsdp), OK);
	assert_int_equal(rsdp.v, 0xe0000);
}

static u8 sum(struct bytes b)
{
	u8 total = 0;

	for (size_t i = 0; i < b.size; i++)
		total = (u8)(total + b.data[i]);
	return total;
}

static bool begins(struct bytes b, const char *text)
{
	return b.size >= strlen(text) && memcmp(b.data, text, strlen(text)) == 0;
}

/* The table at this address, after checks of its signature, length and checksum. */
static struct bytes table_at(u64 address, const char *signature)
{
	u32 length = bytes_u32(guest_memory(), address + 4);
	struct bytes table = bytes_slice(guest_memory(), address, length);

	assert_true(address >= 0xe0000 && address + length <= 0xf0000);
	assert_true(is_aligned(address, 16));
	assert_true(begins(table, signature));
	assert_int_equal(sum(table), 0);
	return table;
}

static struct bytes find_table(const char *signature)
{
	struct bytes rsdp = bytes_slice(guest_memory(), 0xe0000, 36);
	struct bytes xsdt = table_at(bytes_u64(rsdp, 24), "XSDT");

	for (size_t at = 36; at < xsdt.size; at += 8)
		if (begins(bytes_slice(guest_memory(), bytes_u64(xsdt, at), 4), signature))
			return table_at(bytes_u64(xsdt, at), signature);
	fail_msg("no %s", signature);
	return (struct bytes){};
}

static void test_pointers(void **state)
{
	struct bytes rsdp, rsdt, xsdt;

	(void)state;
	write_tables();
	rsdp = bytes_slice(guest_memory(), 0xe0000, 36);
	assert_true(begins(rsdp, "RSD PTR "));
	assert_int_equal(sum(bytes_slice(rsdp, 0, 20)), 0);
	assert_int_equal(sum(rsdp), 0);
	assert_int_equal(bytes_u8(rsdp, 15), 2);
	assert_int_equal(bytes_u32(rsdp, 20), 36);
	rsdt = table_at(bytes_u32(rsdp, 16), "RSDT");
	xsdt = table_at(bytes_u64(rsdp, 24), "XSDT");
	assert_int_equal(rsdt.size, 36 + 2 * 4);
	assert_int_equal(xsdt.size, 36 + 2 * 8);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(bytes_u32(rsdt, 36 + 4 * i), bytes_u64(xsdt, 36 + 8 * i));
}

static void test_mp_table_is_there(void **state)
{
	struct bytes pointer;

	(void)state;
	write_tables();
	pointer = bytes_slice(guest_memory(), 0xf0000, 16);
	assert_true(begins(pointer, "_MP_"));
	assert_int_equal(bytes_u32(pointer, 4), 0xf0010);
	assert_true(begins(bytes_slice(guest_memory(), 0xf0010, 4), "PCMP"));
}

static void test_fadt(void **state)
{
	struct bytes fadt;

	(void)state;
	write_tables();
	fadt = find_table("FACP");
	assert_int_equal(fadt.size, 276);
	assert_true(bytes_u32(fadt, 112) & BIT(20));
	assert_int_equal(bytes_u32(fadt, 40), bytes_u64(fadt, 140));
	(void)table_at(bytes_u64(fadt, 140), "DSDT");
}

static void test_madt(void **state)
{
	struct bytes madt;

	(void)state;
	write_tables();
	madt = find_table("APIC");
	assert_int_equal(madt.size, 44 + 8 + 12);
	assert_int_equal(bytes_u32(madt, 36), 0xfee00000);
	assert_int_equal(bytes_u32(madt, 40), 0);
	assert_int_equal(bytes_u8(madt, 44), 0);
	assert_int_equal(bytes_u8(madt, 47), 3);
	assert_int_equal(bytes_u32(madt, 48), 1);
	assert_int_equal(bytes_u8(madt, 52), 1);
	assert_int_equal(bytes_u8(madt, 54), 0);
	assert_int_equal(bytes_u32(madt, 56), 0xfec00000);

	vm.vcpu[0].apic_id = 255;
	write_tables();
	madt = find_table("APIC");
	assert_int_equal(madt.size, 44 + 16 + 12);
	assert_int_equal(bytes_u8(madt, 44), 9);
	assert_int_equal(bytes_u8(madt, 45), 16);
	assert_int_equal(bytes_u32(madt, 48), 255);
	assert_int_equal(bytes_u32(madt, 52), 1);
}

static void test_full_bus(void **state)
{
	(void)state;
	vm.pci.device_count = VPCI_MAX_DEVICES;
	for (u32 i = 0; i < VPCI_MAX_DEVICES; i++)
		vm.pci.device[i].pin = 23;
	write_tables();
	/* A package of 64 rows of at least 13 bytes each. */
	assert_true(table_at(bytes_u64(find_table("FACP"), 140), "DSDT").size > 64 * 13);
}

static void test_only_its_place_is_written(void **state)
{
	struct bytes memory = guest_memory();

	(void)state;
	write_tables();
	for (size_t at = 0; at < memory.size; at++)
		if (at < 0xe0000 || at >= 0x100000)
			assert_int_equal(memory.data[at], 0xa5);
}

static void test_no_memory_there(void **state)
{
	gpa_t rsdp;

	(void)state;
	guest_memory_free();
	guest_memory_make(&vm, 0xe0100, 0);
	assert_int_equal(firmware_tables_write(&vm, &rsdp), ERR_INVALID);
}

static void test_emit_is_bounded(void **state)
{
	u8 buffer[4];
	struct emit emit = EMIT_INTO(buffer);

	(void)state;
	emit_u32(&emit, 0x04030201);
	assert_false(emit.full);
	assert_memory_equal(buffer, "\1\2\3\4", 4);
	emit_u8(&emit, 5);
	assert_true(emit.full);
	emit_patch_u32(&emit, 2, 0x08070605);
	assert_memory_equal(buffer, "\1\2\5\6", 4);
	emit_checksum(&emit, 0, 4, 3);
	assert_int_equal(sum((struct bytes){buffer, 4}), 0);
}

static void test_aml_lengths(void **state)
{
	static u8 buffer[5000];
	struct emit emit = EMIT_INTO(buffer);
	u32 opened = aml_package_open(&emit, 1);

	(void)state;
	emit_zeros(&emit, 0xfff - (emit.size - opened));
	aml_close(&emit, opened);
	assert_false(emit.full);
	assert_int_equal(buffer[1], 0x4f);
	assert_int_equal(buffer[2], 0xff);
	emit_u8(&emit, 0);
	aml_close(&emit, opened);
	assert_true(emit.full);
}

/* --- What ACPICA's compiler, which shares its parser with Linux, makes of the tables --- */

static char folder[64];

static void save(const char *name, struct bytes table)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.dat", folder, name);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(table.data, 1, table.size, file), table.size);
	fclose(file);
}

/* Runs iasl in the folder; its exit code is 0 when it has nothing to object to. */
static int iasl(const char *arguments)
{
	char command[256];

	snprintf(command, sizeof(command), "cd %s && iasl %s >>log 2>&1", folder, arguments);
	return system(command);
}

static char *read_text(const char *name)
{
	char path[128];
	size_t size;
	u8 *data;
	char *text;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	data = read_whole_file(path, &size);
	assert_non_null(data);
	text = calloc(1, size + 1);
	memcpy(text, data, size);
	free(data);
	return text;
}

/* True if the text holds this, however it is broken into lines and blanks. */
static bool has(const char *text, const char *wanted)
{
	for (; *text; text++) {
		const char *a = text, *b = wanted;

		while (*a && *b && *a == *b) {
			a++;
			b++;
			while (*a == ' ' || *a == '\n' || *a == '\r')
				a++;
			while (*b == ' ')
				b++;
		}
		if (!*b)
			return true;
	}
	return false;
}

static void test_iasl_reads_them(void **state)
{
	static const char *const expected[] = {
		"Scope (\\_SB)",
		"Device (PCI0)",
		"Name (_HID, EisaId (\"PNP0A03\")",
		"WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,",
		"DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable,",
		"0xC0000000, // Range Minimum",
		"0xFEBFFFFF, // Range Maximum",
		"0x0000001000000000, // Range Minimum",
		"0x00003FFFFFFFFFFF, // Range Maximum",
		"Device (COM1)",
		"EisaId (\"PNP0501\")",
		"Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive, ,, ) { 0x00000004, }",
	};
	char command[128];
	char *text;

	(void)state;
	if (system("command -v iasl >/dev/null") != 0)
		skip();
	strcpy(folder, "/tmp/test_firmware.XXXXXX");
	assert_non_null(mkdtemp(folder));
	write_tables();
	save("apic", find_table("APIC"));
	save("facp", find_table("FACP"));
	save("dsdt", table_at(bytes_u64(find_table("FACP"), 140), "DSDT"));

	assert_int_equal(iasl("-d dsdt.dat apic.dat facp.dat"), 0);
	assert_int_equal(iasl("-we dsdt.dsl"), 0);
	text = read_text("dsdt.dsl");
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		if (!has(text, expected[i]))
			fail_msg("not in the disassembly: %s", expected[i]);
	assert_true(has(text, "Package (0x04) { 0x0001FFFF, Zero, Zero, 0x10 }"));
	assert_true(has(text, "Package (0x04) { 0x0003FFFF, 0x03, Zero, 0x09 }"));
	assert_false(has(text, "0x0002FFFF"));
	free(text);

	text = read_text("facp.dsl");
	assert_true(has(text, "Hardware Reduced (V5) : 1"));
	assert_null(strstr(text, "Invalid"));
	free(text);
	text = read_text("apic.dsl");
	assert_true(has(text, "Local Apic ID : 03"));
	assert_null(strstr(text, "Invalid"));
	free(text);

	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pointers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_mp_table_is_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_fadt, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_madt, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_bus, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_only_its_place_is_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_memory_there, set_up, tear_down),
		cmocka_unit_test(test_emit_is_bounded),
		cmocka_unit_test(test_aml_lengths),
		cmocka_unit_test_setup_teardown(test_iasl_reads_them, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

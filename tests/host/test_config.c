// sources: hv/vm/config.c hv/vm/config_hv.c hv/vm/words.c
#include "tests/host/harness.h"

#include "hv/vm/config.h"
#include "hv/vm/words.h"

static struct bootinfo boot;
static struct config config;
static struct config_error error;

static int set_up(void **state)
{
	(void)state;
	memset(&boot, 0, sizeof(boot));
	memset(&config, 0xa5, sizeof(config));
	memset(&error, 0, sizeof(error));
	captured_log_clear();
	return 0;
}

static void add_module(const char *command)
{
	snprintf(boot.module[boot.module_count++].command, BOOT_COMMAND_MAX, "%s", command);
}

static enum status parse(void)
{
	return config_parse(&boot, &config, &error);
}

static enum status parse_command(const char *command)
{
	snprintf(boot.command, sizeof(boot.command), "%s", command);
	return parse();
}

static void test_numbers(void **state)
{
	u64 n = 7;

	(void)state;
	assert_true(text_number(text_of("0"), &n) && n == 0);
	assert_true(text_number(text_of("18446744073709551615"), &n) && n == UINT64_MAX);
	assert_false(text_number(text_of("18446744073709551616"), &n));
	assert_true(text_number(text_of("0xFFFFffffFFFFffff"), &n) && n == UINT64_MAX);
	assert_false(text_number(text_of("0x10000000000000000"), &n));
	assert_false(text_number(text_of(""), &n));
	assert_false(text_number(text_of("0x"), &n));
	assert_false(text_number(text_of("12a"), &n));
	assert_false(text_number(text_of("-1"), &n));
}

static void test_sizes(void **state)
{
	u64 n = 0;

	(void)state;
	assert_true(text_size(text_of("64M"), &n) && n == MIB(64));
	assert_true(text_size(text_of("1g"), &n) && n == GIB(1));
	assert_true(text_size(text_of("4096K"), &n) && n == MIB(4));
	assert_true(text_size(text_of("0x4000000"), &n) && n == MIB(64));
	assert_true(text_size(text_of("0x10M"), &n) && n == MIB(16));
	assert_true(text_size(text_of("17179869183G"), &n) && n == 17179869183ull << 30);
	assert_false(text_size(text_of("17179869184G"), &n));
	assert_false(text_size(text_of("M"), &n));
	assert_false(text_size(text_of(""), &n));
	assert_false(text_size(text_of("64MB"), &n));
	assert_false(text_size(text_of("64M "), &n));
}

static void test_addresses(void **state)
{
	struct sbdf a;

	(void)state;
	assert_true(text_sbdf(text_of("00:02.0"), &a));
	assert_true(sbdf_equal(a, SBDF(0, 0, 2, 0)));
	assert_true(text_sbdf(text_of("fF:1f.7"), &a));
	assert_true(sbdf_equal(a, SBDF(0, 0xff, 31, 7)));
	assert_true(text_sbdf(text_of("0001:00:02.0"), &a));
	assert_true(sbdf_equal(a, SBDF(1, 0, 2, 0)));
	for (const char *const *bad =
		     (const char *const[]){"", "00:02", "00:02.", "00:20.0", "00:02.8", "0:02.0",
					   "00:2.0", "00:02.00", "001:00:02.0", "00002:00:02.0",
					   "00:02.0x", "gg:02.0", "00-02.0", NULL};
	     *bad; bad++)
		assert_false(text_sbdf(text_of(*bad), &a));
}

static void test_defaults(void **state)
{
	(void)state;
	assert_int_equal(parse_command(""), OK);
	assert_int_equal(config.hv.exit, EXIT_HALT);
	assert_int_equal(config.hv.check, CHECK_NONE);
	assert_int_equal(config.hv.pool_size, 0);
	assert_int_equal(config.hv.uart_port, 0x3f8);
	assert_int_equal(config.hv.intx_count, 0);
	assert_int_equal(config.vm_count, 0);
}

static void test_hypervisor_words(void **state)
{
	(void)state;
	assert_int_equal(parse_command("/boot/sluice.elf  exit=debug\tcheck=text "
				       "pool=32M uart=0x2f8 intx=00:02.0:22,0001:03:00.1:0x17 "),
			 OK);
	assert_int_equal(config.hv.exit, EXIT_DEBUG_PORT);
	assert_int_equal(config.hv.check, CHECK_TEXT);
	assert_int_equal(config.hv.pool_size, MIB(32));
	assert_int_equal(config.hv.uart_port, 0x2f8);
	assert_int_equal(config.hv.intx_count, 2);
	assert_true(sbdf_equal(config.hv.intx[0].device, SBDF(0, 0, 2, 0)));
	assert_int_equal(config.hv.intx[0].gsi, 22);
	assert_true(sbdf_equal(config.hv.intx[1].device, SBDF(1, 3, 0, 1)));
	assert_int_equal(config.hv.intx[1].gsi, 23);

	assert_int_equal(parse_command("uart=none exit=halt"), OK);
	assert_int_equal(config.hv.uart_port, 0);
	assert_int_equal(config.hv.exit, EXIT_HALT);
	assert_int_equal(parse_command("exit=bochs"), OK);
	assert_int_equal(config.hv.exit, EXIT_BOCHS);
	assert_false(config.hv.unsafe_identity);
	assert_int_equal(parse_command("iommu=unsafe-identity"), OK);
	assert_true(config.hv.unsafe_identity);
}

static void test_checks(void **state)
{
	(void)state;
	assert_int_equal(parse_command("check=ud"), OK);
	assert_int_equal(config.hv.check, CHECK_UD);
	assert_int_equal(parse_command("check=stack"), OK);
	assert_int_equal(config.hv.check, CHECK_STACK);
	assert_int_equal(parse_command("check=data"), OK);
	assert_int_equal(config.hv.check, CHECK_DATA);
	assert_int_equal(parse_command("check=null"), OK);
	assert_int_equal(config.hv.check, CHECK_NULL);
	assert_int_equal(parse_command("check=gs"), OK);
	assert_int_equal(config.hv.check, CHECK_GS);
}

static void test_bad_hypervisor_words(void **state)
{
	static const struct {
		const char *line, *word;
	} bad[] = {
		{"exit=now", "exit=now"},
		{"exit=", "exit="},
		{"exti=debug", "exti=debug"},
		{"exit=debug exit=debug", "exit=debug"},
		{"iommu=off", "iommu=off"},
		{"iommu=identity", "iommu=identity"},
		{"iommu=", "iommu="},
		{"iommu=unsafe-identity iommu=unsafe-identity", "iommu=unsafe-identity"},
		{"check=", "check="},
		{"check=udx", "check=udx"},
		{"check=none", "check=none"},
		{"check=ud check=ud", "check=ud"},
		{"pool=12Q", "pool=12Q"},
		{"pool=0", "pool=0"},
		{"uart=0x10000", "uart=0x10000"},
		{"uart=0xffff", "uart=0xffff"},
		{"uart=com1", "uart=com1"},
		{"intx=", "intx="},
		{"intx=00:02.0", "00:02.0"},
		{"intx=00:02.0:", "00:02.0:"},
		{"intx=00:02.0:4294967296", "00:02.0:4294967296"},
		{"intx=00:02.0:1,", "intx=00:02.0:1,"},
		{"intx=00:02.0:1,,00:02.0:1", ""},
		{"pool=1M /late", "/late"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(parse_command(bad[i].line), ERR_INVALID);
		assert_string_equal(error.word, bad[i].word);
		assert_int_equal(error.module, CONFIG_IN_COMMAND);
		assert_non_null(error.reason);
	}
	assert_int_equal(parse_command("intx=00:00.0:1,00:00.0:1,00:00.0:1,00:00.0:1,00:00.0:1,"
				       "00:00.0:1,00:00.0:1,00:00.0:1,00:00.0:1"),
			 ERR_INVALID);
}

static void test_long_word_is_cut(void **state)
{
	char line[400];

	(void)state;
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = 0;
	assert_int_equal(parse_command(line), ERR_INVALID);
	assert_int_equal(strlen(error.word), sizeof(error.word) - 1);
}

static void test_one_module_without_words(void **state)
{
	(void)state;
	add_module("ip=dhcp  mem=64M -- quiet");
	add_module("a file");
	assert_int_equal(parse(), OK);
	assert_int_equal(config.vm_count, 1);
	assert_string_equal(config.vm[0].name, "vm0");
	assert_string_equal(config.vm[0].arguments, "ip=dhcp  mem=64M -- quiet");
	assert_int_equal(config.vm[0].memory, 0);
	assert_int_equal(config.vm[0].cpus, 0);
	assert_false(config.vm[0].pci_given);
	assert_int_equal(config.vm[0].kernel, 0);
	assert_int_equal(config.vm[0].module_count, 1);
	assert_int_equal(config.vm[0].module[0], 1);
}

static void test_two_vms(void **state)
{
	(void)state;
	add_module("vm=net cpus=2 mem=1G pci=00:02.0,0001:03:00.1 -- a=\"b c\"  vm=inner ");
	add_module("initrd -- vm=not-one");
	add_module("/boot/b.elf mem=32M vm=Sto_r.a-ge pci=none");
	add_module("");
	add_module("second");
	assert_int_equal(parse(), OK);
	assert_int_equal(config.vm_count, 2);

	assert_string_equal(config.vm[0].name, "net");
	assert_int_equal(config.vm[0].cpus, 2);
	assert_int_equal(config.vm[0].memory, GIB(1));
	assert_true(config.vm[0].pci_given);
	assert_int_equal(config.vm[0].device_count, 2);
	assert_true(sbdf_equal(config.vm[0].device[0], SBDF(0, 0, 2, 0)));
	assert_true(sbdf_equal(config.vm[0].device[1], SBDF(1, 3, 0, 1)));
	assert_string_equal(config.vm[0].arguments, "a=\"b c\"  vm=inner ");
	assert_int_equal(config.vm[0].module_count, 1);
	assert_int_equal(config.vm[0].module[0], 1);

	assert_string_equal(config.vm[1].name, "Sto_r.a-ge");
	assert_int_equal(config.vm[1].kernel, 2);
	assert_true(config.vm[1].pci_given);
	assert_int_equal(config.vm[1].device_count, 0);
	assert_string_equal(config.vm[1].arguments, "");
	assert_int_equal(config.vm[1].module_count, 2);
	assert_int_equal(config.vm[1].module[0], 3);
	assert_int_equal(config.vm[1].module[1], 4);
}

/* A wrong VM goes with its modules, told in the log; its neighbours stay as they are. */
static void test_bad_vm_is_left_out(void **state)
{
	static const char *const bad[] = {
		"vm=",
		"vm=a/b",
		"vm=sixteen-letters-",
		"vm=b cpus=0",
		"vm=b cpus=-1",
		"vm=b cpus=4294967296",
		"vm=b mem=",
		"vm=b mem=0",
		"vm=b mem=64MB",
		"vm=b pci=",
		"vm=b pci=00:02.0,",
		"vm=b pci=00:02.0,,00:03.0",
		"vm=b quiet",
		"vm=b mem=1G mem=1G",
		"vm=b vm=c",
		"vm=a",
		"mem=64M vm=b noword",
		"vm=b pci=none,00:02.0",
		"vm=b restart=",
		"vm=b restart=-1",
		"vm=b restart=4294967295",
		"vm=b restart=sometimes",
		"vm=b restart=1 restart=1",
		"vm=b after=",
		"vm=b after=a/b",
		"vm=b after=sixteen-letters-",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		set_up(NULL);
		add_module("vm=a");
		add_module("a's");
		add_module(bad[i]);
		add_module("b's");
		add_module("vm=z");
		assert_int_equal(parse(), OK);
		assert_int_equal(config.vm_count, 2);
		assert_string_equal(config.vm[0].name, "a");
		assert_int_equal(config.vm[0].module_count, 1);
		assert_int_equal(config.vm[0].module[0], 1);
		assert_string_equal(config.vm[1].name, "z");
		assert_int_equal(config.vm[1].kernel, 4);
		assert_int_equal(config.vm[1].module_count, 0);
		assert_non_null(strstr(captured_log(), "config: module 2: left out: "));
	}
}

static void test_lives(void **state)
{
	(void)state;
	add_module("vm=a");
	add_module("vm=b restart=never after=a");
	add_module("restart=1000 vm=c -- restart=always");
	add_module("vm=d restart=always");
	add_module("vm=e restart=0xfffffffe");
	assert_int_equal(parse(), OK);
	assert_int_equal(config.vm_count, 5);
	assert_int_equal(config.vm[0].restarts, 0);
	assert_string_equal(config.vm[0].after, "");
	assert_int_equal(config.vm[1].restarts, 0);
	assert_string_equal(config.vm[1].after, "a");
	assert_int_equal(config.vm[2].restarts, 1000);
	assert_string_equal(config.vm[2].arguments, "restart=always");
	assert_int_equal(config.vm[3].restarts, CONFIG_ALWAYS);
	assert_int_equal(config.vm[4].restarts, CONFIG_ALWAYS - 1);
}

static void test_bad_first_vm(void **state)
{
	(void)state;
	add_module("vm=a mem=lots");
	add_module("a's");
	assert_int_equal(parse(), OK);
	assert_int_equal(config.vm_count, 0);
	assert_non_null(strstr(captured_log(), "\"mem=lots\""));
}

static void test_too_many(void **state)
{
	char name[16];

	(void)state;
	add_module("vm=crowded");
	for (int i = 0; i < VM_MAX_MODULES + 1; i++)
		add_module("more");
	for (int i = 0; i < VM_MAX + 1; i++) {
		snprintf(name, sizeof(name), "vm=v%d", i);
		add_module(name);
	}
	assert_int_equal(parse(), OK);
	assert_int_equal(config.vm_count, VM_MAX);
	for (int i = 0; i < VM_MAX; i++) {
		snprintf(name, sizeof(name), "v%d", i);
		assert_string_equal(config.vm[i].name, name);
	}
}

static void test_too_many_devices(void **state)
{
	char line[BOOT_COMMAND_MAX] = "vm=a pci=00:00.0";

	(void)state;
	for (int i = 1; i < VM_MAX_DEVICES; i++)
		strcat(line, ",00:00.0");
	add_module(line);
	assert_int_equal(parse(), OK);
	assert_int_equal(config.vm[0].device_count, VM_MAX_DEVICES);
	strcat(boot.module[0].command, ",00:00.0");
	assert_int_equal(parse(), OK);
	assert_int_equal(config.vm_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test_setup(test_defaults, set_up),
		cmocka_unit_test_setup(test_hypervisor_words, set_up),
		cmocka_unit_test_setup(test_checks, set_up),
		cmocka_unit_test_setup(test_bad_hypervisor_words, set_up),
		cmocka_unit_test_setup(test_long_word_is_cut, set_up),
		cmocka_unit_test_setup(test_one_module_without_words, set_up),
		cmocka_unit_test_setup(test_two_vms, set_up),
		cmocka_unit_test_setup(test_bad_vm_is_left_out, set_up),
		cmocka_unit_test_setup(test_lives, set_up),
		cmocka_unit_test_setup(test_bad_first_vm, set_up),
		cmocka_unit_test_setup(test_too_many, set_up),
		cmocka_unit_test_setup(test_too_many_devices, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

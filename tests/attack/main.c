/*
 * A guest that attacks: it runs the commands on its command line, one after the other; "console"
 * runs those typed on its console, a line each. It tells what it saw; whether the attack did any
 * harm is looked at from outside. It runs on the bare machine too, where attacks work.
 */
#include "guest/boot.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/exit.h"
#include "guest/traps.h"
#include "hv/base/bits.h"
#include "hv/base/string.h"
#include "tests/attack/attack.h"

/* Called by start.asm: what the loader left in eax (or PVH's magic) and in ebx. */
void guest_main(u32 magic, u32 info);

#define UART_RBR      0x3F8
#define UART_LSR      0x3FD
#define UART_LSR_DATA BIT(0)
#define LINE_MAX      64
#define CONSOLE_POLLS (200u * 1000 * 1000)

void read_numbers(struct text value, u64 *numbers, unsigned count)
{
	struct text part;

	for (unsigned i = 0; i < count; i++)
		if (!text_next(&value, ',', &part) || !text_number(part, &numbers[i]))
			fail(EXIT_BAD_ARGUMENT, "the command takes %u numbers", count);
}

static char console_read(void)
{
	for (unsigned i = 0; i < CONSOLE_POLLS; i++)
		if (port_in8(UART_LSR) & UART_LSR_DATA)
			return (char)port_in8(UART_RBR);
	fail(EXIT_TIMEOUT, "nothing is typed");
}

static void run_line(struct text line);

/*
 * Until the empty line. A backslash asks for a sign that all before it has arrived, as a UART
 * holds no more than 16 bytes.
 */
void run_console(struct text value)
{
	char line[LINE_MAX];
	size_t length = 0;

	(void)value;
	print("ready\n");
	for (;;) {
		char c = console_read();

		if (c == '\\') {
			print("more\n");
			continue;
		}
		if (c != '\n' && length < sizeof(line)) {
			line[length++] = c;
			continue;
		}
		if (!length)
			return;
		run_line((struct text){line, length});
		length = 0;
	}
}

/* A line each, so that two who add one don't meet. */
/* clang-format off */
static const struct {
	const char *key;
	void (*run)(struct text value);
} commands[] = {
	{"console", run_console},
	{"own", attack_own},
	{"to=", attack_to},
	{"wipe=", attack_wipe},
	{"from=", attack_from},
	{"storm=", attack_storm},
	{"msi=", attack_msi},
	{"late=", attack_late},
	{"ports", attack_ports},
	{"port-writes", attack_port_writes},
	{"port-strings", attack_port_strings},
	{"out=", attack_out},
	{"fwcfg", attack_fwcfg},
	{"msrs", attack_msrs},
	{"peek=", attack_peek},
	{"poke=", attack_poke},
	{"watch=", attack_watch},
	{"cr0=", attack_cr0},
	{"cr3=", attack_cr3},
	{"cr4=", attack_cr4},
	{"counters", attack_counters},
	{"vectors", attack_vectors},
	{"left", attack_left},
	{"master", attack_master},
	{"crash", attack_crash},
	{"instructions", attack_instructions},
	{"hypercalls", attack_hypercalls},
	{"recursive", attack_recursive},
	{"tables", attack_tables},
	{"in-nmi", attack_in_nmi},
	{"forms=", attack_forms},
	{"form=", attack_form},
	{"fault=", attack_fault},
	{"filled", attack_filled},
	{"fill", attack_fill},
	{"listen", attack_listen},
	{"ipis=", attack_ipis},
	{"lvts", attack_lvts},
	{"apic-base", attack_apic_base},
	{"functions", attack_functions},
	{"config=", attack_config},
	{"config-write=", attack_config_write},
	{"config-bus=", attack_config_bus},
	{"config-forms=", attack_config_forms},
	{"config-toggle=", attack_config_toggle},
	{"config-read=", attack_config_read},
	{"nic-own", attack_nic_own},
	{"nic-to=", attack_nic_to},
	{"nic-from=", attack_nic_from},
	{"nic-rings=", attack_nic_rings},
	{"nvme-to=", attack_nvme_to},
	{"nvme-from=", attack_nvme_from},
	{"nvme-time=", attack_nvme_time},
	{"nic-ring=", attack_nic_ring},
	{"nic-late=", attack_nic_late},
	{"nic-watch", attack_nic_watch},
	{"forge-msi=", attack_forge_msi},
	{"forge-msix=", attack_forge_msix},
	{"forge-msix-wide=", attack_forge_msix_wide},
	{"guard", attack_guard},
	{"ioapic", attack_ioapic},
	{"heard", attack_heard},
	{"wait=", attack_wait},
};
/* clang-format on */

static void run_command(struct text word)
{
	char copy[LINE_MAX];
	struct text value;

	text_copy(word, copy, sizeof(copy));
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!text_value(word, commands[i].key, &value))
			continue;
		commands[i].run(value);
		print("done: %s\n", copy);
		return;
	}
	fail(EXIT_BAD_ARGUMENT, "unknown command %s", copy);
}

static void run_line(struct text line)
{
	struct text word;

	while (text_next(&line, ' ', &word))
		if (*word.start != '/') /* the kernel's path, from QEMU's own loader */
			run_command(word);
}

void guest_main(u32 magic, u32 info)
{
	static struct boot boot;
	const char *problem;

	console_init();
	traps_init();
	problem = boot_read(magic, info, &boot);
	if (problem)
		fail(EXIT_MACHINE, "%s", problem);
	print("\nattack: booted by %s\n", boot.protocol);
	run_line(text_of(boot.command_line));
	print("result: ok\n");
	machine_exit(EXIT_OK);
}

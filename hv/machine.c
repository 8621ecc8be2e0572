#include "hv/machine.h"

#include "arch/x86/apic.h"
#include "arch/x86/clock.h"
#include "arch/x86/cpu.h"
#include "arch/x86/mmio.h"
#include "arch/x86/paging.h"
#include "arch/x86/smp.h"
#include "arch/x86/stop.h"
#include "arch/x86/traps.h"
#include "drivers/ega.h"
#include "drivers/ioapic.h"
#include "drivers/pci_groups.h"
#include "drivers/pic.h"
#include "drivers/uart.h"
#include "hv/base/log.h"
#include "hv/base/string.h"
#include "hv/platform/gsi.h"
#include "hv/vm/mates.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"

/* QEMU's isa-debug-exit, where its user puts it. */
#define DEBUG_EXIT_PORT 0xf4

/* Bochs's unmapped.cc: a machine that writes this word to this port is turned off. */
#define BOCHS_SHUTDOWN_PORT 0x8900
#define BOCHS_SHUTDOWN_WORD "Shutdown"

#define LOW_MEMORY_END	 MIB(1)
#define TRAMPOLINE_LIMIT 0x9f000ull

/* The pool: enough for tables of 2M pages and a VM's worth of 4K ones; pool= for more. */
#define POOL_DEFAULT MIB(8)
#define POOL_MIN     MIB(1)
#define POOL_MAX     GIB(1)

extern const u8 image_start[], image_end[];

static struct pool pool;
static struct memmap free_memory;

_Noreturn static void refuse(const char *what, const char *why)
{
	log_line("boot", "cannot go on: %s: %s", what, why);
	machine_stop(STOP_NO_VM);
}

void machine_require(enum status status, const char *what)
{
	if (status != OK)
		refuse(what, status_name(status));
}

void machine_console(u16 port)
{
	log_add_sink(uart_sink);
	if (uart_init(port) != OK)
		log_line("boot", "no UART at port %#x", port);
}

/* Away from where it began, because the configuration says so; to none for port 0. */
static void move_console(u16 port)
{
	if (port)
		log_line("boot", "the console goes on at port %#x", port);
	if (uart_init(port) != OK)
		log_line("boot", "no UART at port %#x", port);
}

/* QEMU ends with status 2n + 1, and for its own errors with 1: no success may look like those. */
static void exit_debug_port(u8 code)
{
	port_write32(DEBUG_EXIT_PORT, (code + 1u) & 0x7f);
}

/* The code is on the console; what is still in the UART would be lost. */
static void exit_bochs(u8 code)
{
	const char *word = BOCHS_SHUTDOWN_WORD;

	(void)code;
	uart_drain();
	for (size_t i = 0; word[i]; i++)
		port_write8(BOCHS_SHUTDOWN_PORT, (u8)word[i]);
}

static void set_exit(enum exit_method method)
{
	if (method == EXIT_DEBUG_PORT)
		machine_set_exit(exit_debug_port);
	else if (method == EXIT_BOCHS)
		machine_set_exit(exit_bochs);
}

/* For a refusal before the configuration is read: how to end is taken from what could be read. */
static void end_as_asked(struct bootinfo *boot)
{
	static struct config config;
	struct config_error error;

	boot->module_count = 0;
	(void)!config_parse(boot, &config, &error);
	set_exit(config.hv.exit);
}

void machine_boot_information(u64 address, struct bootinfo *boot)
{
	/* The boot tables map all below 4 GiB; the first word is the size in bytes. */
	const u8 *start = (const u8 *)(uintptr_t)address;
	u32 size = bytes_u32((struct bytes){start, 8}, 0);
	struct bootinfo_error error;

	log_line("boot", "Sluice");
	if (!range_within(address, size, PAGE_SIZE, GIB(4) - PAGE_SIZE))
		refuse("boot information", "not below 4 GiB");
	if (bootinfo_parse((struct bytes){start, size}, hpa((u64)(uintptr_t)image_start),
			   (u64)(image_end - image_start), boot, &error) != OK) {
		log_line("boot", "boot information, offset %#x: %s", error.offset, error.reason);
		end_as_asked(boot);
		refuse("boot information", "malformed");
	}
	bootinfo_print(boot);
}

void machine_configuration(const struct bootinfo *boot, struct config *config)
{
	struct config_error error;
	enum status status = config_parse(boot, config, &error);

	set_exit(config->hv.exit);
	if (config->hv.uart_port != UART_COM1)
		move_console(config->hv.uart_port);
	if (status != OK) {
		log_line("boot", "command line, '%s': %s", error.word, error.reason);
		refuse("command line", "not understood");
	}
}

static void reserve(hpa_t start, u64 size)
{
	machine_require(memmap_reserve(&free_memory, start, size), "memory map");
}

/* Out of the RAM goes what is in use already: low memory, the image, modules. */
static void find_free_memory(const struct bootinfo *boot)
{
	free_memory = boot->memory;
	reserve(hpa((u64)(uintptr_t)image_start), (u64)(image_end - image_start));
	for (u32 i = 0; i < boot->module_count; i++) {
		const struct boot_module *module = &boot->module[i];
		u64 start = align_down(module->start.v, PAGE_SIZE);

		reserve(hpa(start), align_up(module->start.v + module->size, PAGE_SIZE) - start);
	}
	/* Behind the modules, which may be there too. */
	machine_require(memmap_take(&free_memory, PAGE_SIZE, PAGE_SIZE, hpa(TRAMPOLINE_LIMIT),
				    &services.trampoline),
			"a page below 1 MiB");
	reserve(hpa(0), LOW_MEMORY_END);
}

/*
 * To the highest places below 4 GiB: the loader likes low ones, where the kernel of a VM wants to be whose
 * memory lies where it sees it.
 */
static void move_modules(struct bootinfo *boot)
{
	for (u32 i = 0; i < boot->module_count; i++) {
		struct boot_module *module = &boot->module[i];
		hpa_t to;

		machine_require(memmap_take(&free_memory, align_up(module->size, PAGE_SIZE),
					    PAGE_SIZE, hpa(GIB(4)), &to),
				"memory to move modules to");
		memcpy((void *)(uintptr_t)to.v, (const void *)(uintptr_t)module->start.v,
		       module->size);
		module->start = to;
		log_line("boot", "module %u moved to %012lx", i, to.v);
	}
}

static void screen_console(const struct framebuffer *screen)
{
	struct mmio cells;

	if (screen->kind == FRAMEBUFFER_TEXT &&
	    mmio_map(screen->address, (u64)screen->pitch * screen->height, &cells) == OK &&
	    ega_init(cells.base, screen->width, screen->height, screen->pitch) == OK)
		log_add_sink(ega_sink);
}

void machine_memory(struct bootinfo *boot, const struct hv_config *config)
{
	u64 size = config->pool_size ? align_down(config->pool_size, PAGE_SIZE) : POOL_DEFAULT;
	hpa_t start;

	if (!range_within(size, 0, POOL_MIN, POOL_MAX - POOL_MIN))
		refuse("pool=", "not between 1M and 1G");
	find_free_memory(boot);
	if (config->unsafe_identity) {
		move_modules(boot);
		find_free_memory(boot);
	}
	machine_require(memmap_take(&free_memory, size, PAGE_SIZE, hpa(GIB(4)), &start),
			"memory for the page pool");
	pool_init(&pool, (void *)(uintptr_t)start.v, start, size);
	services.pool = &pool;
	services.memory = &free_memory;
	machine_require(paging_start(&pool), "page tables");
	machine_require(cpu_boot_init(&pool), "stacks");
	screen_console(&boot->framebuffer);
	log_line("boot", "image %#lx-%#lx, page pool %#lx-%#lx, %lu MiB free for VMs",
		 (u64)(uintptr_t)image_start, (u64)(uintptr_t)image_end, start.v, start.v + size,
		 memmap_ram(&free_memory) >> 20);
}

void machine_cpu_backend(const struct vcpu_ops *amd, const struct vcpu_ops *intel)
{
	const struct vcpu_ops *ops[] = {amd, intel};
	enum status status = ERR_NOT_FOUND;

	for (u32 i = 0; i < ARRAY_SIZE(ops) && status == ERR_NOT_FOUND; i++) {
		status = ops[i]->probe();
		services.cpu = ops[i];
	}
	if (status == ERR_NOT_FOUND)
		log_line("boot", "this CPU has neither SVM nor VMX");
	machine_require(status, "CPU virtualisation");
}

void machine_iommu(const struct iommu_ops *ops, const struct iommu_ops *unsafe,
		   const struct hv_config *config)
{
	enum status status = ops->probe(services.platform, services.pool);

	if (status == OK) {
		services.iommu = ops;
		if (config->unsafe_identity)
			log_line("boot", "iommu=unsafe-identity is ignored: there is an IOMMU");
	} else if (!config->unsafe_identity) {
		log_line("boot", "no usable IOMMU (%s): no device can be given to a VM",
			 status_name(status));
	} else {
		machine_require(unsafe->probe(services.platform, services.pool), unsafe->name);
		services.iommu = unsafe;
		log_line("boot",
			 "UNSAFE: no usable IOMMU (%s), and iommu=unsafe-identity: devices of a VM "
			 "can reach ALL memory, the hypervisor's and other VMs' too",
			 status_name(status));
	}
}

void machine_interrupts(const struct platform *platform)
{
	bool x2apic =
		apic_x2apic_possible() && (!services.iommu || services.iommu->x2apic_possible());

	machine_require(apic_init(x2apic), "local APIC");
	machine_require(cpu_boot_finish(), "local APIC");
	clock_init(platform->fadt.pm_timer_port);
	log_set_clock(clock_us);
	pic_disable();
	gsi_init(&platform->madt);
	log_line("boot", "CPU %u, %s, TSC %u kHz from %lu, APIC timer %u kHz", apic_id(),
		 apic_is_x2apic() ? "x2APIC" : "xAPIC", clock_tsc_khz(), clock_boot_tsc(),
		 clock_apic_khz());
}

/* The xAPIC's messages hold 8 bits, all ones being all CPUs: cut, an ID would be another CPU's. */
#define XAPIC_MAX_ID 0xfe

/* Every usable CPU's APIC ID, the boot CPU's first. */
static u32 list_cpus(const struct madt *madt, u32 *ids, u32 max)
{
	u32 count = 1;

	ids[0] = apic_id();
	for (u32 i = 0; i < madt->cpu_count && count < max; i++) {
		u32 id = madt->cpu[i].apic_id;

		if (!madt->cpu[i].enabled || id == ids[0])
			continue;
		if (apic_is_x2apic() || id <= XAPIC_MAX_ID)
			ids[count++] = id;
		else
			log_line("boot", "CPU with APIC ID %u: out of an xAPIC's reach", id);
	}
	return count;
}

void machine_plan(const struct config *config, struct plan *plan)
{
	u32 ids[CPU_MAX];
	struct plan_abilities abilities = {
		.boot_apic_id = apic_id(),
		.cpu_count = list_cpus(&services.platform->madt, ids, CPU_MAX),
		.apic_id = ids,
		.assignment = services.iommu,
		.no_assignment_reason = "there is no usable IOMMU",
		.iommu_refusal = services.iommu ? services.iommu->refusal : NULL,
		.one_owner = services.iommu && services.iommu->identity,
		.memory_available = memmap_ram(&free_memory),
	};

	pci_group_print(&services.platform->pci);
	if (plan_make(config, services.platform, &abilities, plan) != OK)
		refuse("configuration", "no VM is left to start");
	plan_print(plan);
}

void machine_isolate_devices(struct pci_topology *pci)
{
	pci_isolate(pci);
	pci_group(pci);
}

/*
 * No device does anything before its driver starts it: firmware's DMA would fault for ever once it is
 * blocked, and firmware's interrupts have nowhere to go. Those that firmware goes on using keep their DMA,
 * but by addresses that the IOMMU translates: it takes no others once it is on. The others' own translations
 * it has them forget then.
 */
void machine_silence_devices(void)
{
	const struct pci_topology *pci = &services.platform->pci;
	bool translates = services.iommu && !services.iommu->identity;

	for (u32 i = 0; i < pci->count; i++) {
		const struct pci_function *function = &pci->function[i];
		struct sbdf requester = pci_requester_id(pci, function);
		bool in_use = services.iommu && services.iommu->has_reserved(requester);

		pci_silence(function, in_use);
		if (in_use || !translates)
			pci_ats_off(function);
	}
}

void machine_close(const struct plan *plan)
{
	/* A CPU that runs a VM gets the hypervisor's events as NMIs, one that is kept back by a vector. */
	struct interrupt_target event = {
		.apic_id = apic_id(),
		.vector = plan->housekeeping ? VECTOR_FAULTS : 0,
		.delivery = plan->housekeeping ? DELIVERY_FIXED : DELIVERY_NMI,
	};

	mates_silence(plan, &services.platform->pci);
	if (services.iommu)
		machine_require(services.iommu->enable(&event, apic_is_x2apic()), "IOMMU");
}

#include "arch/x86/stop.h"

#include "arch/x86/backtrace.h"
#include "arch/x86/cpu.h"
#include "hv/base/format.h"
#include "hv/base/log.h"
#include "hv/base/panic.h"

static void (*exit_machine)(u8 code);

void machine_set_exit(void (*exit)(u8 code))
{
	exit_machine = exit;
}

/* The CPU that panicked, as its APIC ID plus one; 0: none. */
static u32 panicked;

_Noreturn static void halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

void machine_stop(u8 code)
{
	if (code != STOP_PANIC && __atomic_load_n(&panicked, __ATOMIC_ACQUIRE))
		halt();
	log_raw("stop: code %u\n", code);
	if (exit_machine)
		exit_machine(code);
	halt();
}

void panic_begin(void)
{
	/* The APIC ID that CPUID tells: known even before a CPU has a state of its own. */
	u32 self = (cpuid(1, 0).ebx >> 24) + 1;
	u32 other = 0;

	if (!__atomic_compare_exchange_n(&panicked, &other, self, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE)) {
		if (other == self) {
			log_raw("\n");
			machine_stop(STOP_PANIC);
		}
		halt();
	}
	log_raw_only();
}

void panic(const char *format, ...)
{
	char text[LOG_LINE_MAX];
	va_list args;

	panic_begin();
	va_start(args, format);
	format_v(text, sizeof(text), format, args);
	va_end(args);
	log_raw("\nPANIC: %s\n", text);
	backtrace_print((u64)(uintptr_t)__builtin_return_address(0), 0,
			*(u64 *)__builtin_frame_address(0));
	machine_stop(STOP_PANIC);
}

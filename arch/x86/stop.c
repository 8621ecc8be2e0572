#include "arch/x86/stop.h"

#include "arch/x86/backtrace.h"
#include "arch/x86/mmio.h"
#include "hv/base/format.h"
#include "hv/base/log.h"
#include "hv/base/panic.h"

static u16 exit_port;

void machine_set_exit_port(u16 port)
{
	exit_port = port;
}

void machine_stop(u8 code)
{
	if (exit_port)
		port_write32(exit_port, code);
	for (;;)
		__asm__ volatile("cli; hlt");
}

void panic(const char *format, ...)
{
	char text[LOG_LINE_MAX];
	va_list args;

	va_start(args, format);
	format_v(text, sizeof(text), format, args);
	va_end(args);
	log_raw("\nPANIC: %s\n", text);
	backtrace_print((u64)(uintptr_t)__builtin_return_address(0),
			*(u64 *)__builtin_frame_address(0));
	machine_stop(STOP_PANIC);
}

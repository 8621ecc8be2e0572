#include "guest/exit.h"

#include "guest/console.h"
#include "guest/cpu.h"
#include "hv/base/format.h"

void machine_exit(enum exit_code code)
{
	console_flush();
	port_out8(EXIT_PORT, (u8)code);
	for (;;)
		cpu_halt_for_good();
}

void fail(enum exit_code code, const char *format, ...)
{
	char reason[160];
	va_list args;

	va_start(args, format);
	format_v(reason, sizeof(reason), format, args);
	va_end(args);
	print("result: FAILED: %s\n", reason);
	machine_exit(code);
}

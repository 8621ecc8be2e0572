#include "hv/vm/ports.h"

#include "arch/x86/clock.h"
#include "arch/x86/cpu.h"
#include "hv/base/bits.h"
#include "hv/vm/console.h"
#include "hv/vm/pm_timer.h"
#include "hv/vm/vm.h"

static u32 console_port_read(struct vm *vm, u16 port, u8 width)
{
	return width == 1 ? console_read(vm, (u8)(port - VUART_PORT)) : ~0u;
}

static void console_port_write(struct vm *vm, u16 port, u8 width, u32 value)
{
	if (width == 1)
		console_write(vm, (u8)(port - VUART_PORT), (u8)value);
}

static void exit_port_write(struct vm *vm, u16 port, u8 width, u32 value)
{
	(void)port;
	vm_end(vm, VM_EXITED, value & (u32)BITS(8 * width - 1, 0), NULL);
}

static u32 pm_timer_read(struct vm *vm, u16 port, u8 width)
{
	(void)vm;
	(void)port;
	return width == 4 ? pm_timer_value(tsc_read(), clock_tsc_khz()) : ~0u;
}

static const struct port_row {
	u16 first, last;
	u32 (*read)(struct vm *vm, u16 port, u8 width); /* NULL: all ones; NULL below: ignored */
	void (*write)(struct vm *vm, u16 port, u8 width, u32 value);
} rows[] = {
	{VM_EXIT_PORT, VM_EXIT_PORT, NULL, exit_port_write},
	{VUART_PORT, VUART_PORT + VUART_PORTS - 1, console_port_read, console_port_write},
	{PM_TIMER_PORT, PM_TIMER_PORT + 3, pm_timer_read, NULL},
	{VPCI_ADDRESS_PORT, VPCI_DATA_PORT + 3, vpci_port_read, vpci_port_write},
};

/* The rows are in the order of their ports. */
static const struct port_row *find_row(u16 port)
{
	const struct port_row *row = rows;

	while (port > row->last)
		if (++row == rows + ARRAY_SIZE(rows))
			return NULL;
	return port >= row->first ? row : NULL;
}

u32 ports_read(struct vm *vm, u16 port, u8 width)
{
	const struct port_row *row = find_row(port);
	u32 value;

	if (row)
		return row->read ? row->read(vm, port, width) : ~0u;
	return vpci_may_have_port(&vm->pci, port) && vpci_io_read(vm, port, width, &value) ? value
											   : ~0u;
}

void ports_write(struct vm *vm, u16 port, u8 width, u32 value)
{
	const struct port_row *row = find_row(port);

	if (row && row->write)
		row->write(vm, port, width, value);
	else if (!row && vpci_may_have_port(&vm->pci, port))
		(void)vpci_io_write(vm, port, width, value);
}

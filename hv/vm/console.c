#include "hv/vm/console.h"

#include "hv/base/log.h"
#include "hv/vm/vm.h"

static void print_line(struct vm *vm)
{
	log_console(vm->name, vm->uart.line, vm->uart.length);
	vm->uart.length = 0;
	vm->counters.console_lines++;
}

/* Called with the lock held; the interrupt is sent after it. */
static bool apply(struct vm *vm, const struct vuart_effect *effect)
{
	if (effect->line_ready)
		print_line(vm);
	return effect->raise_irq;
}

void console_init(struct vm *vm)
{
	vuart_init(&vm->uart);
}

u8 console_read(struct vm *vm, u8 reg)
{
	struct vuart_effect effect = {0};

	lock_take(&vm->console_lock);
	u8 value = vuart_read(&vm->uart, reg, &effect);
	bool raise = apply(vm, &effect);

	lock_release(&vm->console_lock);
	if (raise)
		vioapic_raise(vm, VUART_IRQ);
	return value;
}

void console_write(struct vm *vm, u8 reg, u8 value)
{
	struct vuart_effect effect = {0};

	lock_take(&vm->console_lock);
	vuart_write(&vm->uart, reg, value, &effect);
	bool raise = apply(vm, &effect);

	lock_release(&vm->console_lock);
	if (raise)
		vioapic_raise(vm, VUART_IRQ);
}

void console_input(struct vm *vm, u8 byte)
{
	struct vuart_effect effect = {0};

	lock_take(&vm->console_lock);
	vuart_receive(&vm->uart, byte, &effect);
	bool raise = apply(vm, &effect);

	lock_release(&vm->console_lock);
	if (!raise)
		return;
	lock_take(&vm->lock);
	vioapic_raise(vm, VUART_IRQ);
	lock_release(&vm->lock);
}

void console_flush(struct vm *vm)
{
	lock_take(&vm->console_lock);
	if (vm->uart.length)
		print_line(vm);
	lock_release(&vm->console_lock);
}

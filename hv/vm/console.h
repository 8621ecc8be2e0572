/* A VM's console: its UART's lines to the log, the host's input to its UART. */
#ifndef HV_VM_CONSOLE_H
#define HV_VM_CONSOLE_H

#include "hv/base/types.h"

struct vm;

void console_init(struct vm *vm);
/* The guest's accesses to the UART's registers, 0..7. */
u8 console_read(struct vm *vm, u8 reg);
void console_write(struct vm *vm, u8 reg, u8 value);
/* A byte from the host's console; from any CPU. */
void console_input(struct vm *vm, u8 byte);
/* Prints a last line that was not ended. */
void console_flush(struct vm *vm);

#endif

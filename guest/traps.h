/* The interrupt descriptor table: exceptions end the guest, interrupts go to their handlers. */
#ifndef GUEST_TRAPS_H
#define GUEST_TRAPS_H

#include "hv/base/types.h"

/* The guest's vectors. The spurious one's low four bits are ones, as old local APICs demand. */
enum vector {
	VECTOR_TIMER = 0x40,
	VECTOR_NIC = 0x50,	 /* INTx and MSI; receive with MSI-X */
	VECTOR_NIC_TX = 0x51,	 /* MSI-X only */
	VECTOR_NIC_OTHER = 0x52, /* MSI-X only */
	VECTOR_SPURIOUS = 0xFF,
};

typedef void (*interrupt_handler_t)(void);

/* Fills and loads the table, with the 8259s masked so that nothing old comes in. */
void traps_init(void);

/* The handler runs with interrupts off; the end-of-interrupt is written after it. */
void traps_set_handler(enum vector vector, interrupt_handler_t handler);

#endif

/* A NIC of the measuring guest's own, one of several. */
#ifndef TESTS_BENCH_CARD_H
#define TESTS_BENCH_CARD_H

#include "guest/e1000.h"
#include "guest/traps.h"

/* Times that one looks for what comes at once or never. */
#define CARD_POLLS 100000

/*
 * Brings up the n-th NIC (from 0), its interrupts as that vector by MSI, with a handler; 0: it is polled. Waits
 * for the link. Ends the guest if it can't be done.
 */
void card_open(struct e1000 *nic, unsigned n, u8 vector, interrupt_handler_t handler);

/* Takes all that came in; the number of packets. */
unsigned card_receive_all(struct e1000 *nic);

/* Lets interrupts in until the count is another one. */
void card_wait(const volatile u64 *interrupts, u64 before);

/* The device makes few interrupts a second, as its emulators have it: time enough for the next. */
void card_rest(void);

#endif

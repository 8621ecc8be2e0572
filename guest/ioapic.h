/* The IOAPIC at its usual place, for the one level-triggered pin that a NIC's INTx needs. */
#ifndef GUEST_IOAPIC_H
#define GUEST_IOAPIC_H

#include "hv/base/types.h"

/*
 * Routes a pin, level-triggered, to the vector on the local APIC with that ID (0-255), and unmasks
 * it. NULL, or the reason why not.
 */
const char *ioapic_route_level(u8 pin, u8 vector, u8 to_apic_id);

#endif

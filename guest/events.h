/*
 * What interrupt handlers tell the main loop. Handlers only acknowledge their device and raise an
 * event; all work is done outside of them.
 */
#ifndef GUEST_EVENTS_H
#define GUEST_EVENTS_H

#include "hv/base/types.h"

#define EVENT_TIMER (1u << 0)
#define EVENT_NIC   (1u << 1)

void events_raise(u32 events);

/* Sleeps until at least one event is there, and takes all there are. */
u32 events_wait(void);

#endif

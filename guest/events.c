#include "guest/events.h"

#include "guest/cpu.h"

static volatile u32 pending;

void events_raise(u32 events)
{
	__atomic_fetch_or(&pending, events, __ATOMIC_SEQ_CST);
}

u32 events_wait(void)
{
	u32 events;

	cpu_interrupts_off();
	while (!pending)
		cpu_sleep();
	events = pending;
	pending = 0;
	cpu_interrupts_on();
	return events;
}

#include "guest/traps.h"

#include "guest/apic.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/exit.h"

#define VECTOR_COUNT	256
#define EXCEPTION_COUNT 32
#define STUB_SIZE	16
#define SELECTOR_CODE	0x08
#define GATE_INTERRUPT	0x8Eull /* present, ring 0, interrupts off inside */
#define PIC_MASTER_MASK 0x21
#define PIC_SLAVE_MASK	0xA1
#define PIC_ALL_MASKED	0xFF

/* What traps.asm leaves on the stack. */
struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector;
	u64 error_code;
	u64 rip, cs, rflags, rsp, ss; /* by the CPU */
};

_Static_assert(sizeof(struct trap_frame) == 22 * 8, "as pushed in traps.asm");

struct idt_gate {
	u64 low;
	u64 high;
};

_Static_assert(sizeof(struct idt_gate) == 16, "SDM vol. 3, 6.14.1");

struct [[gnu::packed]] idt_pointer {
	u16 limit;
	u64 base;
};

extern const u8 trap_stubs[VECTOR_COUNT * STUB_SIZE];
void trap_handle(const struct trap_frame *frame);

static struct idt_gate idt[VECTOR_COUNT];
static interrupt_handler_t handlers[VECTOR_COUNT];

static struct idt_gate gate_make(u64 target)
{
	return (struct idt_gate){
		.low = (target & 0xFFFF) | SELECTOR_CODE << 16 | GATE_INTERRUPT << 40 |
		       (target >> 16 & 0xFFFF) << 48,
		.high = target >> 32,
	};
}

void traps_init(void)
{
	struct idt_pointer pointer = {sizeof(idt) - 1, (u64)(uintptr_t)idt};

	port_out8(PIC_MASTER_MASK, PIC_ALL_MASKED);
	port_out8(PIC_SLAVE_MASK, PIC_ALL_MASKED);
	for (unsigned i = 0; i < VECTOR_COUNT; i++)
		idt[i] = gate_make((u64)(uintptr_t)trap_stubs + i * STUB_SIZE);
	cpu_load_idt(&pointer);
}

void traps_set_handler(enum vector vector, interrupt_handler_t handler)
{
	handlers[vector] = handler;
}

_Noreturn static void report_exception(const struct trap_frame *frame)
{
	static bool reporting;

	if (!reporting) {
		reporting = true;
		print("\nexception %llu, error code %#llx, rip %#llx, rsp %#llx, cr2 %#llx\n",
		      (unsigned long long)frame->vector, (unsigned long long)frame->error_code,
		      (unsigned long long)frame->rip, (unsigned long long)frame->rsp,
		      (unsigned long long)cpu_cr2());
		print("result: FAILED: exception %llu\n", (unsigned long long)frame->vector);
	}
	machine_exit(EXIT_EXCEPTION);
}

void trap_handle(const struct trap_frame *frame)
{
	if (frame->vector < EXCEPTION_COUNT)
		report_exception(frame);
	if (frame->vector == VECTOR_SPURIOUS)
		return; /* the local APIC expects no end-of-interrupt for it */
	if (handlers[frame->vector])
		handlers[frame->vector]();
	apic_end_of_interrupt();
}

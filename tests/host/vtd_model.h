/*
 * Who may reach what, kept beside the driver by nothing but the results of its operations: a list of regions for
 * each VM, an owner for each requester, a target for each interrupt entry. And the questions to the fake units that
 * show whether it is so: in the middle of an operation what was before or will be after, else exactly that.
 *
 * What an operation that failed leaves may be or not be (sure: false), until one that covers it succeeds.
 */
#ifndef TESTS_HOST_VTD_MODEL_H
#define TESTS_HOST_VTD_MODEL_H

#include "hv/vm/vm.h"
#include "tests/fake/vtd_world.h"

#define MODEL_VMS	 3
#define MODEL_REGIONS	 16
#define MODEL_REQUESTERS 12
#define MODEL_BLOCKS	 12 /* of host memory, each a region's at most */
#define MODEL_INTERRUPTS 6
#define MODEL_ENTRIES	 4 /* of one block of interrupt entries */

#define MODEL_NOBODY (-1)

/* The machine's functions: 00:02.0 and so on, the last a bridge to conventional PCI; then two behind it. */
#define MODEL_BRIDGE 5

/* Where VMs' memory is on the host. */
#define MODEL_HOST GIB(4)

struct model_region {
	u64 start, size, host;
	u32 prot;
	bool dma;
	bool listed; /* in the VM's list; else it was mapped in vain, and some unit may know it */
	bool sure;
	int block;
};

struct model_vm {
	bool there;
	bool lost; /* what it had is out of use for good */
	bool shared;
	u32 count;
	struct model_region region[MODEL_REGIONS];
};

struct model_requester {
	struct sbdf id;
	unsigned unit;
	bool assignable; /* its unit remaps interrupts */
	u64 reserved;	 /* of PAGE_SIZE, as firmware demands; 0 for none */
	bool reserved_sure;
	int vm;
	bool sure;
};

struct model_interrupt {
	bool there, sure;
	u32 requester;
	struct iommu_interrupts block;
	struct interrupt_target target[MODEL_ENTRIES]; /* vector 0: not present */
};

struct model {
	struct model_vm vm[MODEL_VMS];
	u32 requester_count;
	struct model_requester requester[MODEL_REQUESTERS];
	struct model_interrupt interrupt[MODEL_INTERRUPTS];
};

/* As it is, and while an operation goes on, as it will be if that succeeds. */
extern struct model model, model_next;

/* The VMs of the model, whose lists are compared. */
extern struct vm model_of[MODEL_VMS];

/* What a page holds that is free: whoever walks it gets here, which is nobody's. */
#define MODEL_POISON (FAKE_MEMORY_HPA + 0x20000)

/* vtd_interrupts.c */
void random_interrupt(void);

/* vtd_machine.c: a machine, enabled, with nothing attached. */
void random_machine(u64 seed);
/* Of guest-physical memory or registers, with a block of host memory or, for registers, MODEL_BLOCKS. */
struct model_region random_region(void);

/* A new run; and a number below the limit, which is > 0. */
void model_begin(u64 seed);
u64 model_random(u64 limit);
static inline bool model_chance(u64 of)
{
	return model_random(of) == 0;
}

_Noreturn void model_broken(const char *what, u64 a, u64 b, u64 c);
/* Each step counts, and it is told what it does, if anything. */
void model_next_step(void);
void model_step(const char *operation);
/* How to have again what has just gone wrong. */
void model_tell(void);

/* So many questions were answered by yes, of all kinds. */
extern u64 model_dmas, model_messages;

/* Whatever the pool has free is poisoned. */
void model_poison(void);

struct model_requester *model_find(struct model *of, struct sbdf id);
/* A region of the list that overlaps, NULL for none. */
const struct model_region *model_overlaps(const struct model_vm *vm, u64 start, u64 size);
/* Of the regions at an address as likely as anywhere else, and just beside them. */
u64 model_address(const struct model *of);

/*
 * Each operation makes model_next and is then judged: true if it is done, and model_next is the model; false if
 * nothing has changed, or it failed, of which some is not sure then.
 */
bool model_settle(enum status status, enum status expected);
bool model_failed(enum status status); /* the hardware did, so that it is not sure what is */

extern bool model_trouble; /* a unit may fail in this step: it was told to, or is dead */
extern bool model_doubt;   /* what was before is not sure, so that any outcome is right */

/* One question, in the middle of an operation; the whole examination, after one. */
void model_ask_between(void);
void model_check(void);

#endif

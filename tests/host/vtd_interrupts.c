/* Random operations on interrupt remapping entries. */
#include "iommu/vtd/vtd.h"
#include "tests/host/vtd_model.h"

static void interrupt_alloc(struct model_interrupt *i)
{
	u32 n = (u32)model_random(model.requester_count);
	const struct model_requester *r = &model.requester[n];
	u16 count = (u16)(1 + model_random(MODEL_ENTRIES));
	struct iommu_interrupts block;

	model_step("interrupt alloc");
	if (model_settle(vtd_ops.interrupts_alloc(ONLY(r->id), count, &block),
			 r->assignable ? OK : ERR_UNSUPPORTED))
		*i = (struct model_interrupt){true, true, n, block, {{0}}};
	model_next = model;
}

static void interrupt_change(u32 number)
{
	struct model_interrupt *now = &model.interrupt[number],
			       *next = &model_next.interrupt[number];
	u32 n = (u32)model_random(now->block.count);
	struct interrupt_target target = {
		.apic_id = (u32)model_random(254),
		.vector = (u8)(32 + model_random(200)),
		.level = model_random(2),
	};
	enum status status;

	if (model_chance(3)) {
		struct iommu_interrupts block = now->block;

		model_step("interrupts free");
		*next = (struct model_interrupt){0};
		status = vtd_ops.interrupts_free(&block);
	} else if (model_chance(3)) {
		model_step("interrupt clear");
		next->target[n].vector = 0;
		status = vtd_ops.interrupt_clear(&now->block, (u16)n);
	} else {
		model_step("interrupt set");
		next->target[n] = target;
		status = vtd_ops.interrupt_set(&now->block, (u16)n, &target);
	}
	if (!model_settle(status, OK))
		now->sure = false;
}

void random_interrupt(void)
{
	u32 number = (u32)model_random(MODEL_INTERRUPTS);

	if (model.interrupt[number].there)
		interrupt_change(number);
	else
		interrupt_alloc(&model.interrupt[number]);
}

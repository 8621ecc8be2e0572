/*
 * Queued invalidation (6.5.2). One descriptor at a time goes into the ring, with a wait descriptor
 * behind it that writes the next number to the status word; both are in memory that the pool never
 * gets back. The queue is empty between two calls.
 *
 * Invariants: a number is waited for once only. A unit that did not write it in time is dead, and
 * its queue is not used again, so a late write meets nobody who could take it for his own.
 */
#include "hv/base/log.h"
#include "iommu/vtd/internal.h"

#define RING_ENTRIES (PAGE_SIZE / sizeof(struct vtd_entry))
#define OFFSET_SHIFT 4 /* of IQH and IQT */

/* The status words, in 32-bit units: apart, so that a replaced descriptor writes where nobody looks. */
#define STATUS_DONE    0
#define STATUS_IGNORED 16

#define QUEUE_ERRORS (VTD_FSTS_IQE | VTD_FSTS_ICE | VTD_FSTS_ITE)

static hpa_t status_address(const struct vtd_unit *unit, unsigned word)
{
	return hpa(pool_hpa(unit->pool, unit->queue.status).v + word * sizeof(u32));
}

/* 6.5.2.2: a queue may be turned off once the unit has fetched all of it. */
static enum status stop_foreign_queue(struct vtd_unit *unit)
{
	struct deadline deadline = deadline_in(VTD_WAIT_US);

	if (!(vtd_gsts(unit) & VTD_GSTS_QIES))
		return OK;
	while ((vtd_read64(unit, VTD_IQH) & VTD_IQ_OFFSET) !=
	       (vtd_read64(unit, VTD_IQT) & VTD_IQ_OFFSET)) {
		if (deadline_passed(deadline)) {
			log_line("vtd", "unit %u: firmware's invalidation queue does not run empty",
				 unit->index);
			break;
		}
	}
	return vtd_turn_off(unit, VTD_GSTS_QIES);
}

enum status vtd_queue_start(struct vtd_unit *unit)
{
	struct vtd_queue *queue = &unit->queue;
	enum status status = stop_foreign_queue(unit);

	if (status != OK)
		return status;
	queue->ring = pool_take(unit->pool);
	queue->status = pool_take(unit->pool);
	if (!queue->ring || !queue->status)
		return ERR_NO_MEMORY;
	vtd_make_visible(unit, queue->ring, PAGE_SIZE);
	vtd_write32(unit, VTD_FSTS, QUEUE_ERRORS);
	vtd_write64(unit, VTD_IQT, 0);
	vtd_write64(unit, VTD_IQA, pool_hpa(unit->pool, queue->ring).v | VTD_IQA_QS_4K);
	vtd_write32(unit, VTD_IECTL, VTD_IECTL_IM);
	status = vtd_turn_on(unit, VTD_GSTS_QIES);
	queue->running = status == OK;
	return status;
}

static void put(struct vtd_unit *unit, u32 index, struct vtd_entry descriptor)
{
	unit->queue.ring[index] = descriptor;
	vtd_make_visible(unit, &unit->queue.ring[index], sizeof(descriptor));
}

static void push(struct vtd_unit *unit, struct vtd_entry descriptor)
{
	put(unit, unit->queue.tail, descriptor);
	unit->queue.tail = (unit->queue.tail + 1) % RING_ENTRIES;
}

static void push_wait(struct vtd_unit *unit)
{
	unit->queue.sequence++;
	push(unit, vtd_inv_wait_make(status_address(unit, STATUS_DONE), unit->queue.sequence));
}

/* Writes to the ring come before the tail that lets the unit fetch them. */
static void ring_doorbell(struct vtd_unit *unit)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	vtd_write64(unit, VTD_IQT, (u64)unit->queue.tail << OFFSET_SHIFT);
}

/*
 * 6.5.2.10: the head stays on the refused descriptor. A wait whose write nobody looks at takes its
 * place, the error is cleared, and a write of the tail makes the unit go on.
 */
static void step_over_refused(struct vtd_unit *unit)
{
	u32 head = (u32)(vtd_read64(unit, VTD_IQH) & VTD_IQ_OFFSET) >> OFFSET_SHIFT;
	struct vtd_entry bad;

	head %= RING_ENTRIES;
	bad = unit->queue.ring[head];
	log_line("vtd", "unit %u: refused invalidation descriptor %u: %016llx %016llx", unit->index,
		 head, (unsigned long long)bad.high, (unsigned long long)bad.low);
	put(unit, head, vtd_inv_wait_make(status_address(unit, STATUS_IGNORED), 0));
	vtd_write32(unit, VTD_FSTS, VTD_FSTS_IQE);
	ring_doorbell(unit);
}

/* 6.5.2.11: the waits that were pending are dropped, so another one follows. */
static void repeat_wait(struct vtd_unit *unit)
{
	log_line("vtd", "unit %u: a device did not complete an invalidation of its TLB",
		 unit->index);
	vtd_write32(unit, VTD_FSTS, VTD_FSTS_ITE);
	push_wait(unit);
	ring_doorbell(unit);
}

/* ERR_HARDWARE if something of what is in the queue was not done. */
static enum status handle_errors(struct vtd_unit *unit)
{
	u32 errors = vtd_read32(unit, VTD_FSTS) & QUEUE_ERRORS;

	if (errors & VTD_FSTS_ICE) {
		log_line("vtd", "unit %u: an unexpected device-TLB completion came", unit->index);
		vtd_write32(unit, VTD_FSTS, VTD_FSTS_ICE);
	}
	if (errors & VTD_FSTS_ITE)
		repeat_wait(unit);
	if (errors & VTD_FSTS_IQE)
		step_over_refused(unit);
	return errors & (VTD_FSTS_ITE | VTD_FSTS_IQE) ? ERR_HARDWARE : OK;
}

static bool is_done(const struct vtd_unit *unit)
{
	return __atomic_load_n(&unit->queue.status[STATUS_DONE], __ATOMIC_ACQUIRE) ==
	       unit->queue.sequence;
}

static enum status await(struct vtd_unit *unit, u64 us)
{
	struct deadline deadline = deadline_in(us);
	enum status result = OK;

	while (!is_done(unit)) {
		if (handle_errors(unit) != OK)
			result = ERR_HARDWARE;
		if (is_done(unit))
			break;
		if (deadline_passed(deadline)) {
			log_line("vtd",
				 "unit %u: an invalidation was not answered; it is not used "
				 "any more",
				 unit->index);
			unit->dead = true;
			return ERR_TIMEOUT;
		}
	}
	return result;
}

/* A device has its own time to answer; then the unit gives up by itself, with ITE. */
static u64 patience_us(struct vtd_entry descriptor)
{
	return bits_get(descriptor.low, VTD_INV_TYPE) == VTD_INV_DEVICE_TLB ? VTD_DEVICE_WAIT_US
									    : VTD_WAIT_US;
}

enum status vtd_queue_run(struct vtd_unit *unit, struct vtd_entry descriptor)
{
	if (unit->dead)
		return ERR_HARDWARE;
	push(unit, descriptor);
	push_wait(unit);
	ring_doorbell(unit);
	return await(unit, patience_us(descriptor));
}

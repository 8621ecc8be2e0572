// sources: hv/vm/domain.c hv/vm/services.c drivers/pci_alias.c
#include "tests/host/harness.h"

#include "hv/vm/services.h"
#include "hv/vm/vm.h"

/* All IDs of a device are in its VM's domain, or none; what two devices have in common is there once. */

#define A SBDF(0, 2, 0, 0)
#define B SBDF(0, 2, 1, 0)
#define C SBDF(0, 2, 2, 0)

static struct sbdf attached[8];
static u32 attached_count;
static struct sbdf refused; /* what attach() and detach() don't take */
static struct vm vm;

static enum status attach(struct iommu_domain *domain, struct sbdf requester)
{
	assert_ptr_equal(domain, &vm.domain);
	if (sbdf_equal(requester, refused))
		return ERR_UNSUPPORTED;
	for (u32 i = 0; i < attached_count; i++)
		if (sbdf_equal(attached[i], requester))
			return ERR_BUSY;
	attached[attached_count++] = requester;
	return OK;
}

static enum status detach(struct iommu_domain *domain, struct sbdf requester)
{
	assert_ptr_equal(domain, &vm.domain);
	if (sbdf_equal(requester, refused))
		return ERR_TIMEOUT;
	for (u32 i = 0; i < attached_count; i++)
		if (sbdf_equal(attached[i], requester)) {
			attached[i] = attached[--attached_count];
			return OK;
		}
	return ERR_NOT_FOUND;
}

static const struct iommu_ops ops = {.attach = attach, .detach = detach};

static int set_up(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof(vm));
	services.iommu = &ops;
	attached_count = 0;
	refused = SBDF(9, 9, 9, 0);
	return 0;
}

static struct vm_device *device(struct sbdf one, struct sbdf other)
{
	struct vm_device *new = &vm.device[vm.device_count];

	new->requesters = (struct pci_requesters){.id = {one, other}, .count = 2};
	return new;
}

static bool is_attached(struct sbdf id)
{
	for (u32 i = 0; i < attached_count; i++)
		if (sbdf_equal(attached[i], id))
			return true;
	return false;
}

static void each_id_once(void **state)
{
	(void)state;
	assert_int_equal(vm_attach(&vm, device(A, B)), OK);
	vm.device_count++;
	assert_true(is_attached(A) && is_attached(B));
	assert_int_equal(vm_attach(&vm, device(A, C)), OK);
	vm.device_count++;
	assert_int_equal(attached_count, 3);
	assert_true(vm_has_requester(&vm, A) && vm_has_requester(&vm, B));
	assert_true(vm_has_requester(&vm, C) && !vm_has_requester(&vm, SBDF(0, 2, 3, 0)));

	assert_int_equal(vm_detach(&vm, &vm.device[1]), OK);
	assert_true(is_attached(A) && is_attached(B) && !is_attached(C));
	assert_int_equal(vm_detach(&vm, &vm.device[0]), OK);
	assert_int_equal(attached_count, 0);
	/* Nothing is left to be done; faults told late are still the VM's. */
	assert_int_equal(vm_detach(&vm, &vm.device[0]), OK);
	assert_true(vm_has_requester(&vm, B));
}

static void all_or_none(void **state)
{
	(void)state;
	refused = B;
	assert_int_equal(vm_attach(&vm, device(A, B)), ERR_UNSUPPORTED);
	assert_int_equal(attached_count, 0);
}

/* One that can't be detached keeps none of the others in. */
static void detached_as_far_as_possible(void **state)
{
	(void)state;
	assert_int_equal(vm_attach(&vm, device(A, B)), OK);
	refused = A;
	assert_int_equal(vm_detach(&vm, &vm.device[0]), ERR_TIMEOUT);
	assert_true(is_attached(A) && !is_attached(B));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_id_once, set_up),
		cmocka_unit_test_setup(all_or_none, set_up),
		cmocka_unit_test_setup(detached_as_far_as_possible, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

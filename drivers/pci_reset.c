#include "drivers/pci_reset.h"

#include "arch/x86/cpu.h"
#include "arch/x86/delay.h"
#include "drivers/pci_regs.h"
#include "drivers/pci_reset_parts.h"

/* PCIe 5.0 7.5.3.3-5: Device Capabilities, Control, Status. */
#define PCIE_DEVCAP	   0x04
#define PCIE_DEVCAP_FLR	   BIT(28)
#define PCIE_DEVCTL	   0x08
#define PCIE_DEVCTL_FLR	   0x8000
#define PCIE_DEVSTA	   0x0a
#define PCIE_DEVSTA_PENDED 0x0020

/* Advanced Features, the ECN's 6.x: both bits, as one without the other is not to be used. */
#define AF_CAP	       0x03
#define AF_CAP_TP_FLR  0x03
#define AF_CONTROL     0x04
#define AF_CONTROL_FLR 0x01
#define AF_STATUS      0x05
#define AF_STATUS_TP   0x01

/* PCIe 5.0 7.5.2.2: the power management capability's control and status. */
#define PM_CONTROL	   0x04
#define PM_STATE	   0x0003
#define PM_STATE_D3HOT	   0x0003
#define PM_NO_SOFT_RESET   0x0008
#define PM_PME_STATUS	   0x8000 /* a written 1 clears it */
#define BRIDGE_CONTROL_SBR 0x0040

/* 6.6.2; 5.9; 7.5.1.3.13 (Trst is 1 ms) and 6.6.1, where a function may say for 1 s that it is not ready. */
#define FLR_WAIT_US	100000
#define PENDING_WAIT_US 100000
#define PM_WAIT_US	10000
#define SBR_HOLD_US	2000
#define SBR_WAIT_US	100000
#define READY_WAIT_US	1000000

/* 2.3.2: the vendor ID of a function that asks to be asked again; and that of none. */
#define VENDOR_NOT_READY 0x0001
#define VENDOR_NONE	 0xffff

#define MAX_BELOW 32

/* Of all that one reset reaches; the function itself comes first. */
static struct pci_saved saved[MAX_BELOW];
static u32 saved_count;
static void (*meanwhile)(void);

const char *pci_reset_name(enum pci_reset_method method)
{
	static const char *const names[PCI_RESET_METHODS] = {
		[PCI_RESET_FLR] = "function level reset",
		[PCI_RESET_AF] = "function level reset (AF)",
		[PCI_RESET_PM] = "D3hot and back",
		[PCI_RESET_BUS] = "secondary bus reset",
		[PCI_RESET_DEVICE] = "the device's own reset",
	};

	return method < PCI_RESET_METHODS ? names[method] : "none";
}

static bool time_is_up(struct deadline deadline)
{
	if (deadline_passed(deadline))
		return true;
	cpu_pause();
	meanwhile();
	return false;
}

void pci_reset_wait(u64 us)
{
	struct deadline deadline = deadline_in(us);

	while (!time_is_up(deadline))
		;
}

/* Bounded; true as soon as none of the bits is set. */
static bool wait_clear(const struct pci_function *function, u16 offset, u8 width, u32 bits, u64 us)
{
	struct deadline deadline = deadline_in(us);

	while (pci_read(function->address, offset, width) & bits)
		if (time_is_up(deadline))
			return false;
	return true;
}

/* 2.3.2, 6.6.1: until it answers, and as what it was. */
static bool is_back(const struct pci_function *function)
{
	struct deadline deadline = deadline_in(READY_WAIT_US);
	u32 vendor;

	for (;;) {
		vendor = pci_read(function->address, PCI_VENDOR_ID, 2);
		if (vendor != VENDOR_NONE && vendor != VENDOR_NOT_READY)
			break;
		if (time_is_up(deadline))
			return false;
	}
	return vendor == function->vendor_id &&
	       pci_read(function->address, PCI_DEVICE_ID, 2) == function->device_id;
}

/* --- The methods: whether there is one, and how it is carried out --- */

struct target {
	const struct pci_topology *topology;
	const struct pci_function *function;
	struct pci_reset_with with;
};

static bool has_flr(const struct target *target)
{
	u16 at = pci_cap_find(target->function, PCI_CAP_PCIE, false);
	u32 caps = at ? pci_read(target->function->address, at + PCIE_DEVCAP, 4) : 0;

	return caps != ~0u && caps & PCIE_DEVCAP_FLR;
}

/* What is on its way when it resets could be taken for an answer to what comes later. */
static enum status flr(const struct target *target)
{
	const struct pci_function *function = target->function;
	u16 at = pci_cap_find(function, PCI_CAP_PCIE, false);
	u32 control = pci_read(function->address, at + PCIE_DEVCTL, 2);

	(void)wait_clear(function, at + PCIE_DEVSTA, 2, PCIE_DEVSTA_PENDED, PENDING_WAIT_US);
	pci_write(function->address, at + PCIE_DEVCTL, 2, control | PCIE_DEVCTL_FLR);
	pci_reset_wait(FLR_WAIT_US);
	return OK;
}

static bool has_af(const struct target *target)
{
	u16 at = pci_cap_find(target->function, PCI_CAP_AF, false);
	u32 caps = at ? pci_read(target->function->address, at + AF_CAP, 1) : 0;

	return caps != 0xff && (caps & AF_CAP_TP_FLR) == AF_CAP_TP_FLR;
}

static enum status af(const struct target *target)
{
	const struct pci_function *function = target->function;
	u16 at = pci_cap_find(function, PCI_CAP_AF, false);

	(void)wait_clear(function, at + AF_STATUS, 1, AF_STATUS_TP, PENDING_WAIT_US);
	pci_write(function->address, at + AF_CONTROL, 1, AF_CONTROL_FLR);
	pci_reset_wait(FLR_WAIT_US);
	return OK;
}

static bool has_pm(const struct target *target)
{
	u16 at = pci_cap_find(target->function, PCI_CAP_PM, false);

	return at && !(pci_read(target->function->address, at + PM_CONTROL, 2) & PM_NO_SOFT_RESET);
}

static void pm_set(const struct pci_function *function, u16 at, u32 state)
{
	u32 control = pci_read(function->address, at + PM_CONTROL, 2);

	pci_write(function->address, at + PM_CONTROL, 2,
		  (control & ~(u32)(PM_STATE | PM_PME_STATUS)) | state);
	pci_reset_wait(PM_WAIT_US);
}

/* It has to have been in D3hot, else nothing was reset. */
static enum status pm(const struct target *target)
{
	const struct pci_function *function = target->function;
	u16 at = pci_cap_find(function, PCI_CAP_PM, false);
	u32 state;

	pm_set(function, at, PM_STATE_D3HOT);
	state = pci_read(function->address, at + PM_CONTROL, 2) & PM_STATE;
	pm_set(function, at, 0);
	if (pci_read(function->address, at + PM_CONTROL, 2) & PM_STATE)
		return ERR_TIMEOUT;
	return state == PM_STATE_D3HOT ? OK : ERR_UNSUPPORTED;
}

static bool is_below(const struct target *target, const struct pci_function *other)
{
	return other->parent == target->function->parent && other != target->function;
}

/*
 * A bridge below it would lose its bus numbers and windows. What the bus below is for is the bridge's to know:
 * of CardBus nothing is tried.
 */
static bool has_bus(const struct target *target)
{
	const struct pci_topology *pci = target->topology;
	u16 parent = target->function->parent;
	u32 count = 1;

	if (parent == PCI_NO_PARENT || pci->function[parent].header_type != 1)
		return false;
	for (u32 i = 0; i < pci->count; i++) {
		const struct pci_function *other = &pci->function[i];

		if (!is_below(target, other))
			continue;
		if (other->header_type != 0 || ++count > MAX_BELOW ||
		    !target->with.may(other, target->with.context))
			return false;
	}
	return true;
}

static enum status bus(const struct target *target)
{
	const struct pci_topology *pci = target->topology;
	struct sbdf bridge = pci->function[target->function->parent].address;
	u32 control = pci_read(bridge, PCI_BRIDGE_CONTROL, 2);

	for (u32 i = 0; i < pci->count; i++) {
		if (!is_below(target, &pci->function[i]))
			continue;
		pci_silence(&pci->function[i], false);
		pci_save(&pci->function[i], &saved[saved_count++]);
	}
	pci_write(bridge, PCI_BRIDGE_CONTROL, 2, control | BRIDGE_CONTROL_SBR);
	pci_reset_wait(SBR_HOLD_US);
	pci_write(bridge, PCI_BRIDGE_CONTROL, 2, control & ~(u32)BRIDGE_CONTROL_SBR);
	pci_reset_wait(SBR_WAIT_US);
	return OK;
}

static bool has_own(const struct target *target)
{
	return device_reset_known(target->function);
}

static enum status own(const struct target *target)
{
	return device_reset(target->function) ? OK : ERR_TIMEOUT;
}

static const struct {
	bool (*there)(const struct target *target);
	/* ERR_UNSUPPORTED: nothing has happened; ERR_TIMEOUT: it got stuck. */
	enum status (*carry_out)(const struct target *target);
	bool clears_config;
} methods[PCI_RESET_METHODS] = {
	[PCI_RESET_FLR] = {has_flr, flr, true},	    [PCI_RESET_AF] = {has_af, af, true},
	[PCI_RESET_PM] = {has_pm, pm, true},	    [PCI_RESET_BUS] = {has_bus, bus, true},
	[PCI_RESET_DEVICE] = {has_own, own, false},
};

/* Neighbours too; whether those take their BARs is for their own resets to find out. */
static bool restore_all(void)
{
	bool back = pci_restore(&saved[0]);

	for (u32 i = 1; i < saved_count; i++)
		if (is_back(saved[i].function))
			(void)pci_restore(&saved[i]);
	saved_count = 1;
	return back;
}

static bool reads_marked(const struct pci_function *function)
{
	return pci_read(function->address, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE;
}

/*
 * Some say that they have a reset and then don't do it, QEMU's D3hot for one. What tells is a bit that is set
 * before and that any reset clears (PCI 3.0 6.2.2); functions older than the bit are believed.
 */
static enum status try_method(enum pci_reset_method n, const struct target *target)
{
	const struct pci_function *function = target->function;
	bool marked = methods[n].clears_config && reads_marked(function);
	enum status status = methods[n].carry_out(target);

	bool back = is_back(function);

	if (status == OK && back && marked && reads_marked(function))
		status = ERR_UNSUPPORTED;
	return restore_all() && back ? status : ERR_TIMEOUT;
}

enum status pci_reset(const struct pci_topology *topology, const struct pci_function *function,
		      struct pci_reset_with with, enum pci_reset_method *method)
{
	const struct target target = {topology, function, with};
	u16 pm_at = pci_cap_find(function, PCI_CAP_PM, false);
	enum status result = ERR_UNSUPPORTED;

	meanwhile = with.meanwhile;
	pci_silence(function, false);
	if (pm_at && pci_read(function->address, pm_at + PM_CONTROL, 2) & PM_STATE)
		pm_set(function, pm_at, 0);
	pci_save(function, &saved[0]);
	saved_count = 1;
	for (unsigned i = 0; i < PCI_RESET_METHODS; i++) {
		enum status status;

		if (!methods[i].there(&target))
			continue;
		status = try_method((enum pci_reset_method)i, &target);
		if (status == OK) {
			*method = (enum pci_reset_method)i;
			return OK;
		}
		if (status == ERR_TIMEOUT)
			result = status;
	}
	return result;
}

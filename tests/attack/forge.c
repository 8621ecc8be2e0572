/* The commands that forge interrupt messages: what came of them at this CPU is told. */
#include "guest/console.h"
#include "guest/exit.h"
#include "tests/attack/attack.h"
#include "tests/attack/messages.h"

#define NAME_MAX 8

enum form {
	FORM_MSI,
	FORM_MSIX,
	FORM_MSIX_WIDE,
};

static void forge(struct text value, enum form form)
{
	u32 before = interrupts_heard();
	struct text part = {0};
	char name[NAME_MAX];
	u64 numbers[2];

	(void)text_next(&value, ',', &part);
	text_copy(part, name, sizeof(name));
	read_numbers(value, numbers, 2);
	if (form == FORM_MSI)
		message_msi(name, numbers[0], (u32)numbers[1]);
	else
		message_msix(name, numbers[0], (u32)numbers[1], form == FORM_MSIX_WIDE);
	print("forge: %s: %u interrupts\n", name, interrupts_heard() - before);
}

void attack_forge_msi(struct text value)
{
	forge(value, FORM_MSI);
}

void attack_forge_msix(struct text value)
{
	forge(value, FORM_MSIX);
}

void attack_forge_msix_wide(struct text value)
{
	forge(value, FORM_MSIX_WIDE);
}

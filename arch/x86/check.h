/* For functions that make a CPU's own checks of an entry again, to say which one fails; NULL: none does. */
#ifndef ARCH_X86_CHECK_H
#define ARCH_X86_CHECK_H

#define CHECK(condition, reason)                                                                   \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return reason;                                                             \
	} while (0)

#endif

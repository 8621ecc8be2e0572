#include "hv/selfcheck.h"

#include "arch/x86/cpu.h"
#include "hv/base/log.h"

extern u8 image_start[]; /* where the code begins */

/* Gives a function a frame of its own, so that the backtrace has its caller. */
#define WITH_FRAME() __asm__ volatile("" : : "r"(__builtin_frame_address(0)) : "memory")

__attribute__((noinline)) static void check_undefined(void)
{
	WITH_FRAME();
	__asm__ volatile("ud2");
	WITH_FRAME();
}

/* Few and large frames, so that the backtrace reaches to the start. */
__attribute__((noinline)) static u64 check_stack(u64 depth)
{
	volatile u8 frame[1024];

	frame[0] = (u8)depth;
	if (depth)
		depth = check_stack(depth - 1);
	return depth + frame[0];
}

__attribute__((noinline)) static void check_text(void)
{
	WITH_FRAME();
	*(volatile u8 *)image_start = 0;
	WITH_FRAME();
}

__attribute__((noinline)) static void check_data(void)
{
	static volatile u8 code[] = {0xc3}; /* RET */

	WITH_FRAME();
	((void (*)(void))(uintptr_t)code)();
	WITH_FRAME(); /* not a jump, but a call */
}

__attribute__((noinline)) static void check_null(void)
{
	const volatile u8 *nothing = NULL;

	WITH_FRAME();
	__asm__("" : "+r"(nothing)); /* the compiler is not to know */
	(void)*nothing;
	WITH_FRAME();
}

/* As a guest's may be, where nothing is mapped. */
#define FOREIGN_GS 0x00007ffffffff000ull

/* As between an exit of SVM's and VMLOAD. */
__attribute__((noinline)) static void check_gs(void)
{
	WITH_FRAME();
	msr_write(MSR_GS_BASE, FOREIGN_GS);
	__asm__ volatile("ud2");
	WITH_FRAME();
}

void selfcheck(enum hv_check check)
{
	if (check == CHECK_NONE)
		return;
	log_line("check", "a mistake on purpose, as the command line asks");
	if (check == CHECK_UD)
		check_undefined();
	else if (check == CHECK_STACK)
		(void)check_stack(100);
	else if (check == CHECK_TEXT)
		check_text();
	else if (check == CHECK_DATA)
		check_data();
	else if (check == CHECK_NULL)
		check_null();
	else if (check == CHECK_GS)
		check_gs();
	log_line("check", "NOT CAUGHT");
}

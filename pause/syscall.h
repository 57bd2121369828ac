/* System calls and the entry point, for each processor: the only assembly of pause. */
#ifndef PAUSE_SYSCALL_H
#define PAUSE_SYSCALL_H

#if defined(__x86_64__)

enum {
	SYS_WRITE = 1,
	SYS_RT_SIGPROCMASK = 14,
	SYS_GETPID = 39,
	SYS_EXIT = 60,
	SYS_WAIT4 = 61,
	SYS_RT_SIGTIMEDWAIT = 128
};

__asm__(".globl _start\n"
	"_start:\n"
	"	mov %rsp, %rdi\n"
	"	call pause_main\n");

static inline long syscall4(long number, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long result;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
}

#else /* the numbers that newer processors share */

enum {
	SYS_WRITE = 64,
	SYS_EXIT = 93,
	SYS_RT_SIGPROCMASK = 135,
	SYS_RT_SIGTIMEDWAIT = 137,
	SYS_GETPID = 172,
	SYS_WAIT4 = 260
};

#if defined(__aarch64__)

__asm__(".globl _start\n"
	"_start:\n"
	"	mov x0, sp\n"
	"	b pause_main\n");

static inline long syscall4(long number, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}

#elif defined(__riscv) && __riscv_xlen == 64

__asm__(".globl _start\n"
	"_start:\n"
	"	mv a0, sp\n"
	"	j pause_main\n");

static inline long syscall4(long number, long a, long b, long c, long d)
{
	register long a7 __asm__("a7") = number;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d;
	__asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3) : "memory");
	return a0;
}

#else
#error "pause knows x86_64, aarch64 and riscv64"
#endif
#endif

static inline long syscall3(long number, long a, long b, long c)
{
	return syscall4(number, a, b, c, 0);
}

#endif

/*
 * The guest's work, one phase after the other: address, pings, file, serving, idling. A phase that
 * fails ends the job.
 */
#ifndef GUEST_JOB_H
#define GUEST_JOB_H

#include "guest/args.h"
#include "guest/exit.h"
#include "guest/net/dhcp.h"
#include "guest/net/echo.h"
#include "guest/net/net.h"
#include "guest/net/tftp.h"
#include "guest/sha256.h"

struct job {
	const struct args *args;
	struct net *net;
	u32 random;
	unsigned phase;
	u64 phase_started_us;
	struct dhcp dhcp;
	struct tftp tftp;
	struct sha256 sha;
	struct echo echo;
	enum exit_code code;
	char reason[160]; /* for a code other than EXIT_OK */
};

/* random: differs from run to run; no secret. */
void job_start(struct job *job, const struct args *args, struct net *net, u32 random);

/* After net_tick(), on every event: true when the job is over, for good or ill. */
bool job_step(struct job *job);

#endif

#include "guest/job.h"

#include "guest/console.h"
#include "guest/nic.h"
#include "hv/base/format.h"
#include "hv/base/string.h"

#define SECOND_US 1000000ull

/* Ports of IANA's dynamic range: one in it for each run. */
#define DYNAMIC_PORTS	   49152
#define DYNAMIC_PORTS_MASK 0x3FFF

PRINTF_LIKE(3, 4)
static void job_fail(struct job *job, enum exit_code code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	format_v(job->reason, sizeof(job->reason), format, args);
	va_end(args);
	job->code = code;
}

static int prefix_length(u32 mask)
{
	int length = 0;

	for (; mask; mask <<= 1)
		length++;
	return length;
}

static void address_start(struct job *job)
{
	const struct args *args = job->args;
	struct net *net = job->net;

	if (!args->address) {
		dhcp_start(&job->dhcp, net, job->random);
		return;
	}
	net->address = args->address;
	net->mask = args->mask;
	net->gateway = args->gateway;
	print("ip: " IP_TEXT "/%d, gateway " IP_TEXT "\n", IP_ARGS(net->address),
	      prefix_length(net->mask), IP_ARGS(net->gateway));
}

static bool address_step(struct job *job)
{
	struct net *net = job->net;

	dhcp_tick(&job->dhcp);
	if (job->dhcp.state == DHCP_STATE_FAILED)
		job_fail(job, EXIT_DHCP, "no DHCP lease (the link is %s)",
			 nic_link_up() ? "up" : "down");
	else if (job->dhcp.state == DHCP_STATE_BOUND)
		print("dhcp: " IP_TEXT "/%d, gateway " IP_TEXT ", lease %u s\n",
		      IP_ARGS(net->address), prefix_length(net->mask), IP_ARGS(net->gateway),
		      job->dhcp.lease.lease_s);
	return net->address;
}

static void ping_phase_start(struct job *job)
{
	u32 target = job->args->ping ? job->args->ping : job->net->gateway;

	if (job->args->ping_none)
		return;
	if (!target)
		print("ping: there is no gateway to ping\n");
	else
		ping_start(job->net, target, job->args->pings);
}

static bool ping_phase_step(struct job *job)
{
	const struct ping *ping = &job->net->ping;

	if (!ping->count)
		return true;
	if (!ping_is_over(job->net))
		return false;
	print("ping: " IP_TEXT ": %u sent, %u answered\n", IP_ARGS(ping->target), ping->sent,
	      ping->answered);
	if (ping->answered < ping->count)
		job_fail(job, EXIT_PING, IP_TEXT " answered %u of %u pings", IP_ARGS(ping->target),
			 ping->answered, ping->sent);
	return true;
}

static void take_file_data(void *context, const u8 *data, size_t size)
{
	struct job *job = context;

	sha256_add(&job->sha, data, size);
}

static void file_start(struct job *job)
{
	const struct dhcp_message *lease = &job->dhcp.lease;
	struct tftp_sink sink = {take_file_data, job};
	u16 port = (u16)(DYNAMIC_PORTS + (job->random & DYNAMIC_PORTS_MASK));
	u32 server = job->args->tftp;

	if (!job->args->file)
		return;
	if (!server)
		server = lease->next_server ? lease->next_server : lease->server_id;
	sha256_begin(&job->sha);
	tftp_start(&job->tftp, job->net, server, job->args->file, port, sink);
}

static void check_file(struct job *job)
{
	const struct args *args = job->args;
	const char *verdict = "verified";
	u8 digest[SHA256_SIZE];
	char text[SHA256_TEXT];

	sha256_end(&job->sha, digest);
	sha256_to_text(digest, text);
	if (!args->has_digest) {
		verdict = "not verified: no sha256= given";
	} else if (memcmp(digest, args->digest, SHA256_SIZE) != 0) {
		verdict = "DIFFERENT from what was expected";
		job_fail(job, EXIT_DIGEST, "%.64s has another digest", args->file);
	}
	print("tftp: %.64s: %llu bytes, sha256 %s, %s\n", args->file,
	      (unsigned long long)job->tftp.received, text, verdict);
	if (job->tftp.repeats)
		print("tftp: asked again %u times\n", job->tftp.repeats);
}

static bool file_step(struct job *job)
{
	const struct tftp *tftp = &job->tftp;

	tftp_tick(&job->tftp);
	switch (tftp->state) {
	case TFTP_STATE_IDLE:
		return true;
	case TFTP_STATE_DONE:
		check_file(job);
		return true;
	case TFTP_STATE_FAILED:
		job_fail(job, EXIT_TFTP, "%.64s after %llu bytes: %s%s%s", tftp->name,
			 (unsigned long long)tftp->received, tftp->reason,
			 tftp->error_text[0] ? ": " : "", tftp->error_text);
		return true;
	default:
		return false;
	}
}

static bool serve_is_over(const struct job *job)
{
	return job->net->echoes_answered >= job->args->serve &&
	       job->echo.answered >= job->args->udpecho;
}

static void serve_start(struct job *job)
{
	if (!serve_is_over(job))
		print("serve: at " IP_TEXT ", until %u pings and %u datagrams were answered\n",
		      IP_ARGS(job->net->address), job->args->serve, job->args->udpecho);
}

static bool serve_step(struct job *job)
{
	if (!serve_is_over(job))
		return false;
	if (job->args->serve || job->args->udpecho)
		print("serve: %u pings and %u datagrams answered\n", job->net->echoes_answered,
		      job->echo.answered);
	return true;
}

static void idle_start(struct job *job)
{
	if (job->args->idle_s)
		print("idle: for %u s\n", job->args->idle_s);
}

static bool idle_step(struct job *job)
{
	return job->net->now_us - job->phase_started_us >= job->args->idle_s * SECOND_US;
}

static const struct {
	const char *name;
	void (*start)(struct job *job);
	bool (*step)(struct job *job); /* true when the phase is over */
} phases[] = {
	{"waiting for an address", address_start, address_step},
	{"pinging", ping_phase_start, ping_phase_step},
	{"fetching the file", file_start, file_step},
	{"serving", serve_start, serve_step},
	{"idling", idle_start, idle_step},
};

static void enter(struct job *job, unsigned phase)
{
	job->phase = phase;
	job->phase_started_us = job->net->now_us;
	if (phase < ARRAY_SIZE(phases))
		phases[phase].start(job);
}

void job_start(struct job *job, const struct args *args, struct net *net, u32 random)
{
	*job = (struct job){.args = args, .net = net, .random = random};
	if (args->udpecho)
		(void)echo_start(&job->echo, net);
	enter(job, 0);
}

bool job_step(struct job *job)
{
	while (!job->code && job->phase < ARRAY_SIZE(phases) && phases[job->phase].step(job))
		if (!job->code)
			enter(job, job->phase + 1);
	if (job->code || job->phase == ARRAY_SIZE(phases))
		return true;
	if (job->args->timeout_s && job->net->now_us >= job->args->timeout_s * SECOND_US)
		job_fail(job, EXIT_TIMEOUT, "%u s are over while %s", job->args->timeout_s,
			 phases[job->phase].name);
	return job->code;
}

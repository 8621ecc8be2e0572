/* Two of the guest's network stacks, connected by a wire that keeps what was sent. */
#ifndef TESTS_HOST_GUEST_PAIR_H
#define TESTS_HOST_GUEST_PAIR_H

#include "tests/host/harness.h"

#include "guest/net/net.h"

#define A_ADDRESS 0x0A000201u /* 10.0.2.1 */
#define B_ADDRESS 0x0A000202u
#define MASK	  0xFFFFFF00u

/* One direction: the last frame, and how many there were. */
struct wire {
	u8 frame[ETH_FRAME_MAX];
	size_t size;
	unsigned count;
	struct net *to; /* NULL: nobody listens */
};

struct pair {
	struct net a, b;
	struct wire from_a, from_b;
};

/* In a block of its very size, so that the sanitizer sees a read past the end. */
static inline void deliver(struct net *net, const u8 *frame, size_t size)
{
	u8 *copy = malloc(size ? size : 1);

	memcpy(copy, frame, size);
	net_receive(net, (struct bytes){copy, size});
	free(copy);
}

static inline void wire_send(void *context, const u8 *frame, size_t size)
{
	struct wire *wire = context;

	assert_in_range(size, ETH_FRAME_MIN, ETH_FRAME_MAX);
	memcpy(wire->frame, frame, size);
	wire->size = size;
	wire->count++;
	if (wire->to)
		deliver(wire->to, frame, size);
}

static inline void connect_pair(struct pair *pair)
{
	struct mac a = {{0x52, 0x54, 0, 0, 0, 0xA}};
	struct mac b = {{0x52, 0x54, 0, 0, 0, 0xB}};

	memset(pair, 0, sizeof(*pair));
	net_init(&pair->a, a, (struct net_link){wire_send, &pair->from_a});
	net_init(&pair->b, b, (struct net_link){wire_send, &pair->from_b});
	pair->from_a.to = &pair->b;
	pair->from_b.to = &pair->a;
	pair->a.address = A_ADDRESS;
	pair->b.address = B_ADDRESS;
	pair->a.mask = pair->b.mask = MASK;
}

#endif

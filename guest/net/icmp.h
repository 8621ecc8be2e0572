/* ICMP (RFC 792): echo requests are answered, echo replies go to the ping client. */
#ifndef GUEST_NET_ICMP_H
#define GUEST_NET_ICMP_H

#include "guest/net/ip.h"

#define ICMP_TYPE	     0
#define ICMP_TYPE_ECHO_REPLY 0
#define ICMP_TYPE_ECHO	     8
#define ICMP_CODE	     1
#define ICMP_CHECKSUM	     2
#define ICMP_ECHO_ID	     4
#define ICMP_ECHO_SEQUENCE   6
#define ICMP_ECHO_HEADER     8

bool icmp_receive(struct net *net, const struct ip_packet *ip);

/* Writes the checksum into the message at ip_payload() and sends it. */
bool icmp_send(struct net *net, u32 to, size_t size);

#endif

/* The process that buries: short-lived, started when a request waits on its link, gone soon after the last
 * one. A process of its own because it waits for others, and because ending it lets go of whatever it holds.
 *
 * The link is a SOCK_SEQPACKET that outlives it; one struct bury_request in, one struct bury_result back.
 * Whoever starts it watches its end of the link for input while none is running, and reads nothing there.
 */
#pragma once

/* Returns an exit code. link_fd and alive_fd are borrowed; the latter ends when the supervisor is gone (-1:
 * none). */
int bury_child_main(int link_fd, int alive_fd);

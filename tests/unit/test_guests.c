/* Who has to leave when too many are connected: who said nothing the longest, no more than it takes, and
 * never the one that comes. */
#include "recorder/guests.h"
#include "tap.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = GUESTS_MAX - GUESTS_SPARE };

static struct guests *g;
static struct guest *guest[GUESTS_MAX];
static int far[GUESTS_MAX], near[GUESTS_MAX];

static void come(int i)
{
        int pair[2];

        check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
        near[i] = pair[0];
        far[i] = pair[1];
        guest[i] = guests_came(g, near[i]);
        check(guest[i]);
}

static void leave(int i)
{
        guests_left(g, guest[i]);
        close(near[i]);
        close(far[i]);
}

/* Its connection has been ended by us. */
static bool sent_away(int i)
{
        char c;

        return recv(far[i], &c, 1, 0) == 0;
}

static int sent_away_of(int count)
{
        int n = 0;

        for (int i = 0; i < count; i++)
                n += sent_away(i);
        return n;
}

static void begin(int count)
{
        g = calloc(1, sizeof *g);
        if (!g)
                abort();
        for (int i = 0; i < count; i++)
                come(i);
}

static void end(int count)
{
        for (int i = 0; i < count; i++)
                leave(i);
        check_int(g->count, 0);
        check_int(g->leaving, 0);
        free(g);
}

static void there_is_room(void)
{
        begin(ROOM);
        check_int(sent_away_of(ROOM), 0);
        end(ROOM);
}

static void the_silent_leave_first(void)
{
        begin(ROOM);
        guests_served(g, guest[0], true); /* is being answered */
        guests_served(g, guest[1], true);
        guests_served(g, guest[1], false); /* has just had its answer */
        come(ROOM);
        check(sent_away(2));
        check_int(sent_away_of(ROOM + 1), 1);
        leave(2);
        come(2); /* into its place */
        check(sent_away(3));
        check_int(sent_away_of(ROOM + 1), 1);
        for (int i = ROOM + 1; i < GUESTS_MAX - 8;
                i++) /* nobody has left yet: one goes for each that comes */
                come(i);
        check_int(sent_away_of(GUESTS_MAX - 8), GUESTS_SPARE - 8);
        check(!sent_away(0) && !sent_away(1));
        end(GUESTS_MAX - 8);
}

/* They ask for much, and don't read it: who comes next is not to pay for it. */
static void slow_readers_make_room(void)
{
        begin(ROOM);
        for (int i = 0; i < ROOM; i++)
                guests_served(g, guest[i], true);
        for (int i = ROOM; i < ROOM + 5; i++) {
                come(i);
                check(!sent_away(i));
                check(sent_away(i - ROOM)); /* who has been at it the longest */
                guests_served(g, guest[i], true);
                guests_served(g, guest[i], false);
        }
        check_int(sent_away_of(ROOM + 5), 5);
        end(ROOM + 5);
}

static void a_full_house(void)
{
        begin(GUESTS_MAX);
        check(!guests_came(g, near[0]));
        check_int(g->count, GUESTS_MAX);
        guests_left(g, NULL);
        guests_served(g, NULL, true);
        end(GUESTS_MAX);
}

static void all(void)
{
        test(there_is_room);
        test(the_silent_leave_first);
        test(slow_readers_make_room);
        test(a_full_house);
}

int main(void)
{
        return tap_main(all);
}

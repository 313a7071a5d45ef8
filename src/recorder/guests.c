/* Who is connected: see guests.h. */
#include "recorder/guests.h"

#include "base/util.h"

#include <sys/socket.h>

/* Who is being answered has asked for something, and may stay a little longer. */
static uint64_t rank(const struct guest *one)
{
        return one->turn + (one->served ? GUESTS_SPARE : 0);
}

/* Closing is the server's: it sees the end of the connection when it looks next. */
static void send_away_one(struct guests *g, const struct guest *newest)
{
        struct guest *who = NULL;

        for (struct guest *one = g->guest; one < g->guest + GUESTS_MAX; one++)
                if (one->here && !one->sent_away && one != newest && (!who || rank(one) < rank(who)))
                        who = one;
        if (!who)
                return;
        who->sent_away = true;
        g->leaving++;
        shutdown(who->fd, SHUT_RDWR);
}

struct guest *guests_came(struct guests *g, int fd)
{
        struct guest *who = g->guest;

        while (who < g->guest + GUESTS_MAX && who->here)
                who++;
        if (who == g->guest + GUESTS_MAX)
                return NULL;
        *who = (struct guest){.here = true, .fd = fd, .turn = ++g->turns};
        g->count++;
        if (g->count - g->leaving > GUESTS_MAX - GUESTS_SPARE)
                send_away_one(g, who);
        return who;
}

void guests_left(struct guests *g, struct guest *who)
{
        if (!who)
                return;
        g->count--;
        g->leaving -= who->sent_away;
        who->here = false;
}

void guests_served(struct guests *g, struct guest *who, bool served)
{
        if (!who)
                return;
        who->served = served;
        who->turn = ++g->turns;
}

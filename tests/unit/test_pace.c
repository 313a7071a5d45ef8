/* What is dear is done rarely: the interval follows the cost that was measured. */
#include "base/clock.h"
#include "base/util.h"
#include "guard/pace.h"
#include "tap.h"

static void burn(uint64_t ns)
{
        uint64_t until = clock_thread_cpu_ns() + ns;

        while (clock_thread_cpu_ns() < until)
                ;
}

static void first_time_is_free(void)
{
        struct pace p = {0};

        check(pace_is_due(&p, 0.0001, 1));
        check_int(pace_interval_ns(&p, 0.0001), 0);
}

static void cost_is_measured(void)
{
        struct pace p = {0};

        pace_begin(&p);
        burn(2 * NSEC_PER_MSEC);
        pace_end(&p, NSEC_PER_SEC);
        check(p.cost_ns >= 2 * NSEC_PER_MSEC);
        check(!pace_is_due(&p, 0.001, NSEC_PER_SEC + 1999 * NSEC_PER_MSEC));
        check(pace_is_due(&p, 0.001, NSEC_PER_SEC + p.cost_ns * 1000));
}

static void growth_counts_at_once_and_shrinking_slowly(void)
{
        struct pace p = {.cost_ns = 100 * NSEC_PER_SEC};

        pace_begin(&p);
        pace_end(&p, NSEC_PER_SEC);
        check(p.cost_ns > 74 * NSEC_PER_SEC);
        check(p.cost_ns < 76 * NSEC_PER_SEC);
        p.cost_ns = 1;
        pace_begin(&p);
        burn(NSEC_PER_MSEC);
        pace_end(&p, NSEC_PER_SEC);
        check(p.cost_ns >= NSEC_PER_MSEC);
}

static void never_later_than_hours(void)
{
        struct pace p = {.cost_ns = 100 * NSEC_PER_SEC};

        check_int(pace_interval_ns(&p, 0.0001), 3600 * NSEC_PER_SEC);
}

static void all(void)
{
        test(first_time_is_free);
        test(cost_is_measured);
        test(growth_counts_at_once_and_shrinking_slowly);
        test(never_later_than_hours);
}

int main(void)
{
        return tap_main(all);
}

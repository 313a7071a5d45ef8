/* Tests of the detectors that look at the host: saturation, memory, pids, disks, unattributed CPU; and
 * what must not fire them.
 */
#include "detect_lab.h"
#include "tap.h"

#define GB (UINT64_C(1) << 30)

static void saturation(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "odin/celery-worker", SERVICE_COMPOSE);
        struct host *h = &l->b->host;

        l->b->service[i].load1 = 2.6;
        l->b->service[i].cpu_ratio = 1.7;
        h->load1 = 3.1;
        h->psi_cpu = 0.5;
        lab_tick(l, 300);
        check_int(lab_open(l), 0);
        lab_tick(l, 1);
        const struct finding *f = lab_find(l, "saturation", 0);
        check(lab_says(f, "Load 3.1 on 2 cores and CPU pressure 50 %") &&
                lab_says(f, "most of it is odin/celery-worker"));
        check(lab_says(f, "odin/celery-worker: 2.60 of load") &&
                lab_says(f, "odin/celery-worker: 1.70 cores"));
        check_int(f ? f->severity : -1, SEVERITY_WARNING);
        h->load1 = 4.5;
        lab_tick(l, 1);
        check_int(f ? f->severity : -1, SEVERITY_CRITICAL);
        h->psi_cpu = 0;
        lab_tick(l, 61);
        check_int(lab_open(l), 0);
        lab_done(l);
}

static void load_or_pressure_alone_is_no_saturation(void)
{
        struct lab *l = lab_new();
        struct host *h = &l->b->host;

        h->load1 = 30;
        lab_tick(l, 400);
        check_int(lab_open(l), 0);
        h->load1 = 1.5; /* below one per core */
        h->psi_cpu = h->psi_io = 0.9;
        lab_tick(l, 400);
        check_int(lab_open(l), 0);
        h->load1 = 2.0; /* exactly one per core */
        lab_tick(l, 400);
        check_int(lab_open(l), 0);
        lab_done(l);
}

static void saturation_without_psi(void)
{
        struct lab *l = lab_new();
        struct host *h = &l->b->host;

        h->psi_cpu = h->psi_memory = h->psi_io = NAN;
        h->load1 = 6;
        lab_tick(l, 400);
        check_int(lab_open(l), 0);
        h->cpu_busy_ratio = 0.99;
        lab_tick(l, 301);
        check(lab_says(lab_find(l, "saturation", 0), "pressure unknown"));
        lab_done(l);
}

static void memory_of_the_host(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "db", SERVICE_COMPOSE);
        struct host *h = &l->b->host;

        l->b->service[i].memory_bytes = 3 * GB;
        h->memory_available_bytes = (uint64_t)(0.21 * 4 * (double)GB);
        lab_tick(l, 120);
        check_int(lab_open(l), 0);
        h->memory_available_bytes = (uint64_t)(0.19 * 4 * (double)GB);
        lab_tick(l, 60);
        check_int(lab_open(l), 0);
        lab_tick(l, 1);
        const struct finding *f = lab_find(l, "memory", 0);
        check(lab_says(f, "81 % of the host's memory") && lab_says(f, "db: 3.0 GB"));
        h->memory_available_bytes = GB / 10;
        lab_tick(l, 1);
        check_int(f ? f->severity : -1, SEVERITY_CRITICAL);
        h->memory_available_bytes = 2 * GB;
        lab_tick(l, 61);
        check_int(lab_open(l), 0);
        lab_done(l);
}

static void memory_of_a_service(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "a", SERVICE_COMPOSE),
                 free = fake_service(l->b, "unlimited", SERVICE_COMPOSE);
        struct service *s = &l->b->service[i];

        l->b->service[free].memory_bytes = 900 * GB;
        s->memory_limit_bytes = GB;
        s->memory_bytes = (uint64_t)(0.89 * (double)GB);
        lab_tick(l, 120);
        check_int(lab_open(l), 0);
        s->memory_bytes = (uint64_t)(0.92 * (double)GB);
        lab_tick(l, 61);
        check(lab_says(lab_find(l, "memory", i), "92 % of its memory limit"));
        s->memory_bytes = GB / 2;
        lab_tick(l, 61);
        check_int(lab_open(l), 0);
        lab_done(l);
}

static void memory_that_grows(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "leaky", SERVICE_COMPOSE);
        struct service *s = &l->b->service[i];
        struct host *h = &l->b->host;

        s->memory_limit_bytes = GB;
        s->memory_bytes = GB * 6 / 10;
        s->memory_slope_bytes_per_sec = (double)GB / 10000; /* 4000 s to go */
        lab_tick(l, 700);
        check_int(lab_open(l), 0);
        s->memory_slope_bytes_per_sec = (double)GB / 5000;
        lab_tick(l, 600);
        check_int(lab_open(l), 0);
        lab_tick(l, 1);
        check(lab_says(lab_find(l, "memory", i), "reaches its memory limit of 1.0 GB in about 33 min"));
        s->memory_bytes = GB / 4; /* warming up: far from its limit */
        lab_tick(l, 61);
        check_int(lab_open(l), 0);
        h->memory_available_bytes = GB;
        h->memory_slope_bytes_per_sec = (double)GB / 1800;
        lab_tick(l, 601);
        check(lab_says(lab_find(l, "memory", 0), "used up in about 30 min"));
        check(lab_says(lab_find(l, "memory", 0), "leaky: 210 KB more per second"));
        h->memory_slope_bytes_per_sec = -1e9;
        s->memory_slope_bytes_per_sec = 0;
        lab_tick(l, 61);
        check_int(lab_open(l), 0);
        lab_done(l);
}

static void pids(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "leak", SERVICE_COMPOSE);
        struct service *s = &l->b->service[i];

        s->pids_limit = 512;
        s->pids = 512 * 8 / 10;
        l->b->host.tasks = 24000; /* of threads-max 30000 */
        lab_tick(l, 60);
        check_int(lab_open(l), 0);
        s->pids = 430;
        s->held = 400;
        l->b->host.tasks = 24001;
        lab_tick(l, 11);
        check(lab_says(lab_find(l, "pids", i), "430 of at most 512 tasks") &&
                lab_says(lab_find(l, "pids", i), "filled by zombies"));
        const struct finding *f = lab_find(l, "pids", 0);
        check(lab_says(f, "24001 tasks of at most 30000") && lab_says(f, "threads-max") &&
                lab_says(f, "leak: 400.00 tasks"));
        lab_done(l);
}

static void disk(void)
{
        struct lab *l = lab_new();
        struct host *h = &l->b->host;
        struct mount_point *m = h->mount;

        h->mounts = 3;
        m[0] = (struct mount_point){"/", 100 * GB, 11 * GB, 1000, 500, NAN};
        m[1] = (struct mount_point){
                "/big", 4000 * GB, 300 * GB, 0, 0, NAN}; /* 7.5 %, and plenty; no inodes (btrfs) */
        m[2] = (struct mount_point){"/small", GB, GB / 2, 1000, 500, NAN};
        lab_tick(l, 60);
        check_int(lab_open(l), 0);
        m[0].free_bytes = 9 * GB;
        lab_tick(l, 31);
        const struct finding *f = lab_find(l, "disk", 0);
        check(lab_says(f, "/ is 91 % full: 9.0 GB of 100 GB left"));
        uint32_t id = f ? f->id : 0;
        struct mount_point first = m[0]; /* places shift: the finding stays with its path */
        m[0] = m[1];
        m[1] = first;
        m[1].free_bytes = 2 * GB;
        lab_tick(l, 5);
        f = lab_find(l, "disk", 0);
        check(f && f->id == id);
        check_int(f ? f->severity : -1, SEVERITY_CRITICAL);
        m[1].free_bytes = 50 * GB;
        m[2].inodes_free = 20;
        lab_tick(l, 61);
        f = lab_find(l, "disk", 0);
        check(lab_says(f, "/small has 98 % of its inodes in use"));
        check_int(lab_open(l), 1);
        m[2].inodes_free = 500;
        m[1].slope_bytes_per_sec = (double)(50 * GB) / 7200;
        lab_tick(l, 100); /* an image is pulled */
        m[1].slope_bytes_per_sec = 0;
        lab_tick(l, 10);
        check_int(lab_open(l), 0);
        m[1].slope_bytes_per_sec = (double)(50 * GB) / 7200;
        lab_tick(l, 601);
        check(lab_says(lab_find(l, "disk", 0), "full in about 2.0 h"));
        lab_done(l);
}

static void unattributed(void)
{
        struct lab *l = lab_new();
        struct host *h = &l->b->host;

        h->cpu_unattributed_ratio = 0.29;
        lab_tick(l, 400);
        check_int(lab_open(l), 0);
        h->cpu_unattributed_ratio = 0.8;
        h->cpu_services_ratio = 0.5;
        h->cpu_kernel_ratio = 0.1;
        l->b->sources.netlink = true;
        l->b->self.events_lost = 12;
        lab_tick(l, 301);
        const struct finding *f = lab_find(l, "unattributed", 0);
        check(lab_says(f, "services 0.50 + kernel 0.10 + unattributed 0.80") &&
                lab_says(f, "12 events were lost"));
        check(lab_says(f, "run it as root"));
        l->b->sources.root = l->b->sources.host_pids = true;
        lab_tick(l, 1);
        check(lab_says(f, "sexton doctor"));
        lab_done(l);
}

static void all(void)
{
        test(saturation);
        test(load_or_pressure_alone_is_no_saturation);
        test(saturation_without_psi);
        test(memory_of_the_host);
        test(memory_of_a_service);
        test(memory_that_grows);
        test(pids);
        test(disk);
        test(unattributed);
}

int main(void)
{
        return tap_main(all);
}

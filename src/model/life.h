/* A moment in a process's life, as any source reports it: birth, exec, death, burial. The sources
 * (netlink, bpf, scan) turn kernel formats into this; the world is built from nothing else.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

enum life_type {
        LIFE_FORK,    /* a process (not a thread) was born: pid, ppid */
        LIFE_THREAD,  /* a thread was born in process pid */
        LIFE_EXEC,    /* pid runs another program; exe and command if the source knows them */
        LIFE_SESSION, /* pid became a session leader (setsid) */
        LIFE_COMM,    /* pid renamed itself: comm */
        LIFE_EXIT,    /* thread tid of process pid died; when tid == pid its leader did */
        LIFE_FREE,    /* process pid was buried: nothing is left of it (BPF only) */
        LIFE_CGROUP,  /* pid moved into cgroup_id (BPF only) */
};

enum life_others {
        LIFE_OTHERS_UNKNOWN, /* the source can't tell */
        LIFE_OTHERS_NONE,    /* no thread of the process lives on: the process is dead */
        LIFE_OTHERS_LIVE,
};

#define LIFE_COMM_SIZE    16
#define LIFE_COMMAND_SIZE 160 /* longer command lines are cut */
#define LIFE_EXE_SIZE     96

struct life_event {
        enum life_type type;
        int32_t pid;         /* thread group id in the initial pid namespace */
        int32_t tid;         /* EXIT: the thread; elsewhere = pid */
        int32_t ppid;        /* FORK: real parent's thread group; EXEC, EXIT: as the source says; 0 unknown */
        int32_t sid;         /* FORK, EXEC: session; 0 unknown */
        int32_t exit_status; /* EXIT, FREE: as wait(2) reports it */
        int32_t exit_signal; /* EXIT: signal the parent gets, -1 for a thread */
        enum life_others others;   /* EXIT: do other threads of the process live on */
        uint64_t time_ns;          /* boot time */
        uint64_t start_ns;         /* boot time of birth; 0 unknown */
        uint64_t cpu_ns;           /* FREE: CPU of the whole process in life, exact */
        uint64_t cgroup_id;        /* 0 unknown; inode of the cgroup's folder in the hierarchy in use */
        char comm[LIFE_COMM_SIZE]; /* "" unknown */
        const char *command;       /* EXEC: argv joined with blanks, or NULL; valid during the call */
        const char *exe;           /* EXEC: path, or NULL; valid during the call */
};

/* Receives each event, in the source's order. */
typedef void (*life_fn)(void *ctx, const struct life_event *e);

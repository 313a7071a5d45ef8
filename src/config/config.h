/* The configuration of sexton: sexton.yaml and the .yaml files of conf.d beside it, over defaults. Every key
 * is a row of a table (name, type, default, bounds, prose), from which parsing, check-config and the man page
 * come. All errors are found in one pass, each with file, line, column, key and a suggestion.
 */
#pragma once

#include "base/error.h"
#include "model/board.h"
#include "model/detect_params.h"
#include "model/ladder_params.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { CONFIG_GLOBS = 64, CONFIG_NOTIFIERS = 16 };

enum mode { MODE_OBSERVE, MODE_ENFORCE };

enum notify_tls { NOTIFY_TLS_AUTO, NOTIFY_TLS_OFF, NOTIFY_TLS_TRY, NOTIFY_TLS_REQUIRED };

/* Whom to tell, and how. A secret is never here, only the name of the file that holds it. */
struct notify_config {
        char name[64], type[16];
        char url[256], secret_file[160], ca_file[160];
        char username[96], from[96], topic[64];
        char to[256], headers[256], command[256]; /* lists, with newlines between */
        double repeat, timeout;                   /* s; repeat 0 = told once */
        enum severity min_severity;
        enum notify_tls tls;
        bool send_resolved;
        bool secret_is_url; /* secret_file holds the url */
};

/* What a type of notifier needs and takes besides name, type and what all of them take. */
struct notify_type {
        const char *name;
        const char *needs[4]; /* keys; "a|b" = one of both */
        const char *takes[8];
        double repeat; /* default */
};
extern const struct notify_type notify_types[];
extern const size_t notify_types_count;

struct config {
        enum mode mode;
        double grace; /* s */
        char act_only_in[CONFIG_GLOBS][128];
        uint32_t act_only_in_count;
        struct {
                double max_per_minute; /* whole; by itself, not when a person asks */
                double dead_man;       /* s */
        } actions;

        char listen[128]; /* HOST:PORT */
        char socket[108];
        struct {
                char token_file[160]; /* or the name of a credential; "" = none */
        } http;
        char data_dir[256];
        char proc_root[128], cgroup_root[128]; /* "/proc", "/sys/fs/cgroup" */

        struct {
                bool enabled;
                char socket[108]; /* "" = look for Docker's, then Podman's */
        } engine;

        struct {
                bool netlink, bpf, pidfd, psi; /* switches for lifecycle sources; all off = scan */
                double scan_interval;          /* s, used when scanning is all there is */
                double drain_interval;         /* s, coalescing of kernel events (0.01..0.05) */
        } sources;

        struct notify_config notify[CONFIG_NOTIFIERS];
        uint32_t notify_count;
        struct {
                char from[8], to[8]; /* "HH:MM", both "" = none */
                char days[32];       /* "mon\ntue", "" = every day */
                enum severity min_severity;
        } quiet_hours;

        struct {
                double calm, reopen; /* s */
        } incident;

        struct {
                double hang;      /* s */
                char device[108]; /* "" = none */
        } watchdog;

        struct {
                char listen[128]; /* ADDRESS:PORT, "" = off */
                char authorized_keys[256];
                char serial[128]; /* "" = none */
        } rescue;

        struct {
                double retention; /* s */
                double max_size;  /* bytes */
        } store;

        struct detect_config detect;
        struct ladder_config ladder; /* lists of steps with newlines between */
};

struct config_problem {
        char text[400]; /* "sexton.yaml:3:5: detect.zombie_leek: unknown key; did you mean zombie_leak?" */
};

void config_defaults(struct config *c);

/* Reads path (and the .yaml files of conf.d in its folder, in order of name) over *c. A missing file is fine
 * when may_be_absent. Problems found are written to problems[0..max) and counted in *ret_count (may exceed
 * max). 0 when there is none, else -EINVAL; -errno when a file cannot be read (also a problem). Values
 * without a problem are set all the same: a caller that goes on with the old ones loads into a copy. A
 * list replaces the one of an earlier file. */
int config_load(struct config *c, const char *path, bool may_be_absent, struct config_problem *problems,
        uint32_t max, uint32_t *ret_count);

/* The same for one text already in memory; `name` is what messages call it. For tests and fuzzing. */
int config_parse(struct config *c, const char *name, const char *text, size_t len,
        struct config_problem *problems, uint32_t max, uint32_t *ret_count);

/* Sets one key from text, for options of the command line: "listen", "socket", "engine.socket"... The
 * error names the key. Lists cannot be set so. */
int config_set(struct config *c, const char *key, const char *value, struct error *e);

/* Prints every key with type, default, bounds and prose: "text" for people, "man" as mdoc rows. */
void config_describe(FILE *out, bool mdoc);
/* Prints a file with every key and its default, commented out: settings are "#", as many blanks as they are
 * indented, and the setting; prose is "# " and text. */
void config_example(FILE *out);

/* Prints every key whose value differs from its default, one per line; returns how many. */
uint32_t config_differences(FILE *out, const struct config *c);

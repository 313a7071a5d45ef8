/* sexton doctor: what this kernel and host offer, found without the daemon. */
#include "cli/doctor.h"

#include "base/file.h"
#include "base/text.h"
#include "cli/client.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

extern const struct verb verb_doctor;

static const struct verb_option options[] = {
        {"--socket", "PATH", "the daemon's socket; default $SEXTON_SOCKET, else /run/sexton/sexton.sock"},
        {"--engine-socket", "PATH", "the container engine's socket; default: look for Docker's and Podman's"},
        {"--json", NULL, "as JSON: {\"checks\":[{\"name\",\"state\",\"text\",\"advice\"}]}"},
        {"--color", "WHEN", "auto, always or never; auto honours NO_COLOR and asks for a terminal",
                options_color_words},
};

static const char *const state_names[] = {
        [DOCTOR_OK] = "ok", [DOCTOR_WARN] = "warn", [DOCTOR_MISSING] = "missing"};

void doctor_ok(struct doctor_result *r, const char *fmt, ...)
{
        va_list ap;

        r->state = DOCTOR_OK;
        r->advice[0] = '\0';
        va_start(ap, fmt);
        vsnprintf(r->text, sizeof r->text, fmt, ap);
        va_end(ap);
}

void doctor_not(struct doctor_result *r, enum doctor_state state, const char *text, const char *fmt, ...)
{
        va_list ap;

        r->state = state;
        text_printable(r->text, sizeof r->text, text, strlen(text));
        va_start(ap, fmt);
        vsnprintf(r->advice, sizeof r->advice, fmt, ap);
        va_end(ap);
}

static void print_result(
        const struct screen *s, const struct doctor_check *check, const struct doctor_result *r)
{
        static const enum ink inks[] = {
                [DOCTOR_OK] = INK_GREEN, [DOCTOR_WARN] = INK_YELLOW, [DOCTOR_MISSING] = INK_RED};

        screen_put(s, inks[r->state], "%-8s", state_names[r->state]);
        screen_put(s, INK_BOLD, "%-15s ", check->name);
        screen_put(s, INK_PLAIN, "%s\n", r->text);
        if (r->advice[0])
                screen_fold(s, 24, INK_DIM, r->advice);
        /* Some checks wait for an answer: what is known already shows how far it got. */
        fflush(s->out);
}

/* Runs the checks of one table; prints them, or adds them to the list. True when an essential one fails. */
static bool look(const struct doctor_context *c, const struct doctor_check *checks, size_t count,
        const struct screen *s, json_t *list)
{
        bool bad = false;

        for (size_t i = 0; i < count; i++) {
                struct doctor_result r = {0};
                fflush(NULL); /* children must not print what is still in a buffer */
                checks[i].look(c, &r);
                bad = bad || (checks[i].essential && r.state == DOCTOR_MISSING);
                if (!list)
                        print_result(s, &checks[i], &r);
                else
                        json_array_append_new(
                                list, json_pack("{s:s, s:s, s:s, s:s, s:b}", "name", checks[i].name, "state",
                                              state_names[r.state], "text", r.text, "advice", r.advice,
                                              "essential", checks[i].essential));
        }
        return bad;
}

static int run(int argc, char **argv)
{
        struct options o;
        struct screen s;
        enum color_mode color;
        int code = options_parse(&o, &verb_doctor, 0, argc, argv);

        if (code != OPTIONS_GO_ON)
                return code;
        if (options_color(&o, &color) < 0)
                return EXIT_USAGE;
        cleanup_close int proc_fd = file_open_root("/proc");
        cleanup_close int sys_fd = file_open_root("/sys");
        struct doctor_context c = {.proc_fd = proc_fd,
                .sys_fd = sys_fd,
                .cgroup_root = "/sys/fs/cgroup",
                .engine_socket = options_get(&o, "--engine-socket"),
                .daemon_socket = client_socket(&o)};
        json_t *list = options_get(&o, "--json") ? json_array() : NULL;

        if (proc_fd < 0) {
                fputs("sexton doctor: /proc isn't mounted: nothing can be seen without it\n", stderr);
                json_decref(list);
                return EXIT_BAD;
        }
        screen_init(&s, stdout, color);
        bool bad = look(&c, doctor_host_checks, doctor_host_checks_count, &s, list);
        bad = look(&c, doctor_kernel_checks, doctor_kernel_checks_count, &s, list) || bad;
        if (list) {
                json_t *all = json_pack("{s:o}", "checks", list);
                json_dumpf(all, stdout, JSON_INDENT(2));
                putchar('\n');
                json_decref(all);
        }
        return bad ? EXIT_BAD : EXIT_DONE;
}

const struct verb verb_doctor = {
        .name = "doctor",
        .args = "",
        .summary = "check what this kernel and host offer, without the daemon",
        .description =
                "Tries everything that Sexton can use, as the user who calls it: privileges, the sources of "
                "facts, control groups, pressure, limits, the container engine, the daemon. Each line is ok, "
                "warn (Sexton does without, and how) or missing, with what that means and what to do.\n\n"
                "It changes nothing, asks no other host, and takes a few seconds at most.",
        .bad = "something essential is missing: privileges, the host's pids, or control groups",
        .options = options,
        .options_count = ARRAY_SIZE(options),
        .run = run,
};

/* Showing a drill: see drill_show.h. */
#include "cli/drill_show.h"

#include "base/json_out.h"

#include <math.h>
#include <string.h>

enum { NAME_WIDTH = 18, JSON_MAX = 1 << 20 };

static void clear_line(struct drill_show *s)
{
        if (s->progress)
                fputs("\r\033[K", stderr);
        s->progress = false;
}

static void row(const struct drill_show *s, const char *what, const char *text)
{
        screen_put(&s->screen, INK_DIM, "  %-8s ", what);
        screen_fold_behind(&s->screen, 11, INK_PLAIN, text);
}

void drill_show_plan(struct drill_show *s, const struct drill_kind *k, const char *service)
{
        if (s->json)
                return;
        screen_put(&s->screen, INK_BOLD, "Drill: %s", k->name);
        screen_put(&s->screen, INK_DIM, "%s%s\n", service ? ", as " : "", service ? service : "");
        row(s, "stages", k->stages);
        row(s, "bounds", k->bounds);
}

void drill_show_steps(struct drill_show *s, const struct drill_watch *w)
{
        for (; s->shown < w->steps && !s->json; s->shown++) {
                const struct drill_step *t = &w->step[s->shown];
                bool good = t->state == STEP_DONE;

                if (t->state == STEP_UNTESTED)
                        continue;
                clear_line(s);
                screen_put(&s->screen, good ? INK_GREEN : INK_RED, "  %-*s", NAME_WIDTH, t->name);
                if (isnan(t->at))
                        screen_put(&s->screen, INK_PLAIN, "%9s", "");
                else
                        screen_put(&s->screen, INK_BOLD, " %6.2f s", t->at);
                screen_put(&s->screen, INK_PLAIN, "  ");
                screen_fold_behind(&s->screen, NAME_WIDTH + 13, good ? INK_PLAIN : INK_RED, t->text);
                if (t->advice[0])
                        screen_fold(&s->screen, NAME_WIDTH + 13, INK_YELLOW, t->advice);
                fflush(s->screen.out);
        }
}

void drill_show_waiting(struct drill_show *s, const char *what, double waited, double limit)
{
        if (s->json || !isatty(STDERR_FILENO))
                return;
        fprintf(stderr, "\r\033[K  waiting for %s, %.0f s of at most %.0f s", what, waited, limit);
        s->progress = true;
}

/* When the step of that name was done; NAN = it wasn't. */
static double when(const struct drill_watch *w, const char *name)
{
        for (uint32_t i = 0; i < w->steps; i++)
                if (w->step[i].state == STEP_DONE && !strncmp(w->step[i].name, name, strlen(name)))
                        return w->step[i].at;
        return NAN;
}

static void print_json(const struct drill_watch *w)
{
        static const char *const states[] = {
                [STEP_DONE] = "done", [STEP_FAILED] = "failed", [STEP_UNTESTED] = "untested"};
        const struct drill_step *broken = watch_broken(w);
        struct json_out j = json_out_of(JSON_MAX);

        json_out_object(&j, NULL);
        json_out_text(&j, "drill", w->kind->name);
        json_out_text_or_null(&j, "service", w->service ? w->service : "");
        json_out_bool(&j, "works", !broken);
        json_out_text(&j, "broken", broken ? broken->name : NULL);
        json_out_count(&j, "incident", w->incident ? w->incident : UINT64_MAX);
        json_out_array(&j, "steps");
        for (uint32_t i = 0; i < w->steps; i++) {
                const struct drill_step *t = &w->step[i];
                json_out_object(&j, NULL);
                json_out_text(&j, "step", t->name);
                json_out_text(&j, "state", states[t->state]);
                json_out_number(&j, "seconds", t->at);
                json_out_text(&j, "text", t->text);
                json_out_text_or_null(&j, "advice", t->advice);
                json_out_object_end(&j);
        }
        json_out_array_end(&j);
        json_out_object_end(&j);
        if (!j.out.failed)
                printf("%.*s\n", (int)j.out.len, j.out.buf);
        json_out_done(&j);
}

static void print_untested(const struct drill_show *s, const struct drill_watch *w)
{
        bool any = false;

        for (uint32_t i = 0; i < w->steps; i++) {
                if (w->step[i].state != STEP_UNTESTED)
                        continue;
                if (!any)
                        screen_put(&s->screen, INK_BOLD, "\n  Not tested\n");
                any = true;
                screen_put(&s->screen, INK_DIM, "  %-*s  ", NAME_WIDTH, w->step[i].name);
                screen_fold_behind(&s->screen, NAME_WIDTH + 4, INK_PLAIN, w->step[i].text);
        }
}

void drill_show_verdict(struct drill_show *s, const struct drill_watch *w)
{
        const struct drill_step *broken = watch_broken(w);
        double found = when(w, "found"), told = when(w, "told");

        clear_line(s);
        if (s->json) {
                print_json(w);
                return;
        }
        print_untested(s, w);
        if (broken)
                screen_put(&s->screen, INK_RED, "\nThe alarm chain is broken at \"%s\".\n", broken->name);
        else if (!isnan(found) && !isnan(told))
                screen_put(&s->screen, INK_GREEN,
                        "\nThe alarm chain works: found after %.1f s, told after %.1f s.\n", found, told);
        else if (!isnan(found))
                screen_put(&s->screen, INK_GREEN,
                        "\nThe alarm chain works as far as it was tested: found after %.1f s.\n", found);
        else
                screen_put(&s->screen, INK_GREEN, "\nIt works.\n");
}

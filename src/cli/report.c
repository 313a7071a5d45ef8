/* sexton report: the post-mortem of an incident, as Markdown or as one HTML file. */
#include "cli/client.h"

#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

extern const struct verb verb_report;

static const struct verb_option options[] = {
        OPTIONS_OF_CLIENTS,
        {"--html", NULL, "one HTML file with charts, instead of Markdown"},
        {"--output", "FILE", "write it there; default standard output"},
        {"--records", "FILE", "from what --json once gave, without asking the daemon"},
};

enum { RECORDS_MAX = 64 << 20, REPORT_MAX = 32 << 20 };

static int failed(const char *what, const char *path, int code)
{
        fprintf(stderr, "sexton report: %s %s: %s\n", what, path, strerror(-code));
        return EXIT_USAGE;
}

/* Beside the file, and then in its place: nobody finds half a report. */
static int write_file(const char *path, const char *text, size_t len)
{
        char beside[4096];
        int n = snprintf(beside, sizeof beside, "%s.part", path);

        if (n < 0 || (size_t)n >= sizeof beside)
                return failed("can't write", path, -ENAMETOOLONG);
        FILE *f = fopen(beside, "we");
        if (!f)
                return failed("can't write", path, -errno);
        bool ok = fwrite(text, 1, len, f) == len;
        ok = fclose(f) == 0 && ok;
        if (!ok || rename(beside, path) < 0) {
                int code = errno ? -errno : -EIO;
                unlink(beside);
                return failed("can't write", path, code);
        }
        return EXIT_DONE;
}

static int deliver(const struct options *o, const char *text, size_t len)
{
        const char *path = options_get(o, "--output");

        if (path)
                return write_file(path, text, len);
        if (fwrite(text, 1, len, stdout) != len || fflush(stdout) != 0)
                return failed("can't write to", "standard output", errno ? -errno : -EIO);
        return EXIT_DONE;
}

static int read_all(FILE *f, struct out *ret)
{
        char piece[16384];
        size_t n;

        while (!ret->failed && (n = fread(piece, 1, sizeof piece, f)) > 0)
                out_bytes(ret, piece, n);
        return ferror(f) ? -EIO : ret->failed ? -EFBIG : 0;
}

static int read_file(const char *path, struct out *ret)
{
        if (!strcmp(path, "-"))
                return read_all(stdin, ret);
        FILE *f = fopen(path, "re");
        if (!f)
                return -errno;
        int code = read_all(f, ret);
        fclose(f);
        return code;
}

static int from_records(const struct options *o, const char *path)
{
        struct out records = out_of(RECORDS_MAX), text = out_of(REPORT_MAX);
        struct error e = {0};
        int code = read_file(path, &records);

        if (code < 0) {
                code = failed("can't read", path, code);
        } else if (report_write(records.buf, records.len,
                           options_get(o, "--html") ? REPORT_HTML : REPORT_MARKDOWN, &text, &e) < 0) {
                fprintf(stderr, "sexton report: %s: %s\n", path, e.text);
                code = EXIT_USAGE;
        } else {
                code = deliver(o, text.buf, text.len);
        }
        out_done(&records);
        out_done(&text);
        return code;
}

static int from_daemon(const struct options *o)
{
        cleanup_reply struct reply r = {0};
        struct target t;

        target_init(&t, "report");
        target_add(&t, "id", o->argument[0]);
        target_add(&t, "format",
                options_get(o, "--json")   ? "json"
                : options_get(o, "--html") ? "html"
                                           : "markdown");
        int code = client_fetch(o, "GET", &t, NULL, &r);
        return code == EXIT_DONE ? deliver(o, r.http.body, r.http.len) : code;
}

static int run(int argc, char **argv)
{
        struct options o;
        int code = options_parse(&o, &verb_report, 1, argc, argv);

        if (code != OPTIONS_GO_ON)
                return code;
        const char *records = options_get(&o, "--records");
        if (!records == !o.arguments) {
                fprintf(stderr,
                        "sexton report: which incident? Give its number (`sexton incidents` lists them), "
                        "or --records FILE.\n");
                return EXIT_USAGE;
        }
        return records ? from_records(&o, records) : from_daemon(&o);
}

const struct verb verb_report = {
        .name = "report",
        .args = "[ID]",
        .summary = "write the post-mortem of an incident, as Markdown or HTML",
        .description =
                "Tells one incident, open or resolved, for those who were not there: in plain words what "
                "happened, who most likely caused it and how sure that is, the timeline, what it cost, what "
                "was "
                "ruled out and why, what to change, and what is not known.\n\n"
                "Every number carries the label of the record it stands in; the last section lists these "
                "records, with what to ask to see each of them. With --json the records themselves are "
                "given, "
                "from which --records makes the same report anywhere else.\n\n"
                "The HTML file holds its style and its charts, runs no script and asks nobody for anything.",
        .examples = "sexton report 2\nIncident 2 as Markdown.\n"
                    "sexton report 2 --html --output incident-2.html\nAs a page to hand on.\n"
                    "sexton report 2 --json > incident-2.json\nKeep what it is made from.\n",
        .options = options,
        .options_count = ARRAY_SIZE(options),
        .asks_daemon = true,
        .run = run,
};

/* Fuzzes what stands between HTTP and the answers: path, Host, Accept and parameters, one a line, over a
 * small board. Every reply has a status and a body; JSON bodies are JSON.
 */
#include "recorder/route.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/fake_board.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct board *board;
static struct history history;
static struct book *book;
static struct policy *policy;

static void ignore_put(void *ctx, const char *kind, const char *id, bool open, const char *service,
        int64_t time_ms, const char *json, size_t len)
{
}

static void ignore_remove(void *ctx, const char *kind, const char *id)
{
}

static bool ignore_send(void *ctx, const struct job *j, const char *json)
{
        return true;
}

static void ignore_report(void *ctx, const struct policy_report *r)
{
}

static uint64_t now(void)
{
        return FAKE_T0;
}

static char *know_none(void *ctx, uint64_t id, size_t *ret_len)
{
        return NULL;
}

static int64_t offset(void)
{
        return INT64_C(1795469400000000000) - (int64_t)FAKE_T0;
}

static void require(bool condition)
{
        if (!condition)
                abort();
}

static void setup(void)
{
        struct event e = {
                .kind = EVENT_EXIT, .unix_ns = 1795469400000000000, .count = 1, .service = "odin/worker"};

        static const struct policy_ops ops = {.put = ignore_put,
                .remove = ignore_remove,
                .send = ignore_send,
                .report = ignore_report,
                .present = know_none};
        static struct config c;

        config_defaults(&c);
        c.notify_count = 1;
        strcpy(c.notify[0].name, "hook");
        strcpy(c.notify[0].type, "webhook");
        policy = calloc(1, sizeof *policy);
        policy_init(policy, &ops, "vm", (struct policy_now){.boot_ns = FAKE_T0, .unix_ms = 1795469400000});
        policy_configure(policy, &c, (struct policy_now){0});
        board = fake_board();
        board->updated_ns = FAKE_T0;
        uint16_t s = fake_service(board, "odin/worker", SERVICE_COMPOSE);
        uint32_t parent = fake_process(board, s, 1000, 0, "celery");
        fake_dies(board, fake_process(board, s, 1001, parent, "ping"), parent, FAKE_T0 - FAKE_S(60));
        board->finding[1] =
                (struct finding){.id = 1, .service = s, .open = true, .service_name = "odin/worker"};
        board->finding_top = 2;
        book = book_new(&(struct book_params){.calm = 60, .reopen = 600}, 7);
        require(book != NULL);
        book_look(book, board, FAKE_T0, offset());
        require(book_open_count(book) == 1);
        history_init(&history, 1);
        for (int i = 0; i < 5; i++)
                history_add(&history, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct guard_link nobody = {.fd.fd = -1};
        static struct leave leave = {.owner = 1000, .group = (gid_t)-1};
        struct route_env env = {.board = board,
                .history = &history,
                .link = &nobody,
                .leave = &leave,
                .now_ns = now,
                .wall_offset_ns = offset};
        struct route_reply r;
        char *text = malloc(size + 1), *rest = text, *line;
        const char *fields[4] = {"", "", "", ""};
        struct route_request q = {0};

        if (!board)
                setup();
        env.board = board;
        env.book = book;
        env.policy = policy;
        if (!text)
                return 0;
        if (size)
                memcpy(text, data, size);
        text[size] = '\0';
        for (size_t i = 0; i < 4 && (line = strsep(&rest, "\n")); i++)
                fields[i] = line;
        while (rest && (line = strsep(&rest, "\n"))) {
                char *value = strchr(line, '=');
                if (value)
                        *value++ = '\0';
                if (q.args < ROUTE_ARGS) {
                        q.arg[q.args].name = line;
                        q.arg[q.args].value = value;
                }
                q.args++;
        }
        /* the last parameter is the body too */
        if (q.args && q.args <= ROUTE_ARGS) {
                q.body = q.arg[q.args - 1].name;
                q.body_bytes = strlen(q.body);
                q.from_unix_socket = true;
                q.asker.peer = (struct peer){.known = true, .uid = size % 3 ? 1000 : 1001};
        }
        q.method = fields[0];
        q.path = fields[1];
        q.asker.host = *fields[2] ? fields[2] : NULL;
        q.accept = q.accept_encoding = q.if_none_match = *fields[3] ? fields[3] : NULL;
        route_handle(&env, &q, &r);
        while (route_reply_more(&r))
                ;
        require(r.status >= 200 && r.status < 600 && r.content_type && (r.asset || r.body.out.len));
        require(!r.asset || (r.form->len && r.form->etag));
        if (!strncmp(r.content_type, "application/json", 16)) {
                json_t *j = json_loadb(r.body.out.buf, r.body.out.len, 0, NULL);
                require(j != NULL);
                json_decref(j);
        }
        route_reply_done(&r);
        require(env.held_bytes == 0);
        free(text);
        return 0;
}

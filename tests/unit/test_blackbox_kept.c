/* The recorder's side of the black box: captures go to disk when the disk takes them, get their receipts then
 * and not before, survive its restarts, and are found again by their incident.
 */
#include "api/api.h"
#include "api/capture_json.h"
#include "base/clock.h"
#include "recorder/keep.h"
#include "wire/blackbox_map.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>

#include "fake_board.h"
#include "tap.h"

enum { WAIT_MS = 60000, CALM = 60 };
#define WALL_OFFSET (INT64_C(1795469400000000000) - (int64_t)FAKE_T0)

static char folder[] = "/tmp/sexton-kept-XXXXXX", file[64];
static uint64_t ahead_ns;
static int box_fd, receipts_fd;
static struct blackbox *box;
static struct keep keep;
static struct store *store;
static struct history history;

static int64_t unix_ms(void)
{
        return ((int64_t)FAKE_T0 + WALL_OFFSET) / (int64_t)NSEC_PER_MSEC;
}

static uint64_t boot_ns(void)
{
        return clock_boot_ns() + ahead_ns;
}

static void open_store(const char *where)
{
        store = store_new(&(struct store_options){.folder = where,
                .retention_ms = INT64_C(30) * 86400000,
                .max_bytes = STORE_MIN_BYTES,
                .unix_ms = unix_ms,
                .boot_ns = boot_ns});
        history_init(&history, 1);
}

static void close_store(void)
{
        store_free(store, WAIT_MS);
        history_done(&history);
}

static void begin(void)
{
        box_fd = blackbox_create();
        receipts_fd = blackbox_receipts_create();
        check_int(blackbox_map(box_fd, true, &box), 0);
        blackbox_mend(box);
        keep_start(&keep, box_fd, receipts_fd);
        open_store(folder);
}

static void end(void)
{
        close_store();
        keep_stop(&keep);
        munmap(box, sizeof *box);
        close(box_fd);
        close(receipts_fd);
        for (size_t i = 0; i < 3; i++) {
                char name[80];
                snprintf(name, sizeof name, "%s%s", file, (const char *[]){"", "-wal", "-shm"}[i]);
                unlink(name);
        }
}

/* ---- captures ---- */

static struct capture_reason a_reason(enum capture_cause cause, const char *what, const char *service)
{
        struct capture_reason r = {.time_ns = FAKE_T0, .cause = (uint8_t)cause};

        strcpy(r.what, what);
        strcpy(r.service, service);
        return r;
}

static struct blackbox_slot *captured(uint64_t at_ns, struct capture_reason r)
{
        struct blackbox_slot *slot = blackbox_begin(box, keep.receipts, false);

        slot->capture.begun_ns = slot->capture.ended_ns = at_ns;
        slot->capture.wall_offset_ns = WALL_OFFSET;
        r.time_ns = at_ns;
        slot->capture.reasons = 1;
        slot->capture.reason[0] = r;
        blackbox_end(slot);
        return slot;
}

static bool is_saved(const struct blackbox_slot *slot)
{
        return keep.receipts->saved[slot - box->slot] == slot->sequence;
}

static void tick(void)
{
        keep_tick(&keep, store, boot_ns());
        store_tick(store, &history);
}

/* What is due is on disk, and known to be. */
static void write_out(void)
{
        tick();
        check_int(store_flush(store, &history, WAIT_MS), 0);
        tick();
}

static int count_one(void *ctx, const struct store_document *d)
{
        return 0;
}

static int stored(void)
{
        return store_documents(store, STORE_CAPTURE, NULL, count_one, NULL);
}

/* ---- to disk ---- */

static void receipts_come_when_it_is_on_disk(void)
{
        begin();
        struct blackbox_slot *slot = captured(FAKE_T0, a_reason(CAPTURE_FINDING, "saturation", ""));
        keep_tick(&keep, store, boot_ns());
        check_int(stored(), 1);
        keep_tick(&keep, store, boot_ns());
        check(!is_saved(slot)); /* nobody has written anything yet */
        check_int(store_flush(store, &history, WAIT_MS), 0);
        tick();
        check(is_saved(slot));
        blackbox_change_begin(slot);
        slot->capture.reason[1] = a_reason(CAPTURE_ACTION, "freeze", "odin/worker");
        slot->capture.reasons = 2;
        blackbox_change_end(slot);
        tick();
        check(!is_saved(slot));
        check_int(store_flush(store, &history, WAIT_MS), 0);
        tick();
        check(is_saved(slot));
        check_int(stored(), 1); /* the same one, with another reason */
        end();
}

static void what_is_half_is_not_kept(void)
{
        begin();
        struct blackbox_slot *slot = blackbox_begin(box, keep.receipts, false);
        tick();
        check_int(stored(), 0);
        slot->sequence++; /* as if it were not being written: it still isn't whole */
        tick();
        check_int(stored(), 0);
        end();
}

static void a_disk_that_takes_nothing_is_waited_for(void)
{
        struct store_status s;

        begin();
        close_store();
        open_store("/dev/null/no-folder");
        struct blackbox_slot *slot = captured(FAKE_T0, a_reason(CAPTURE_FINDING, "saturation", ""));
        for (int i = 0; i < 50; i++) {
                ahead_ns += NSEC_PER_SEC;
                tick();
        }
        store_status(store, &s);
        check_int(s.state, STORE_IN_MEMORY);
        check(!is_saved(slot));
        check_int(stored(), -EIO); /* it waits where it is, not in the recorder's memory */
        check_int(s.waiting_documents, 0);
        /* another recorder, and a disk */
        close_store();
        keep_stop(&keep);
        keep_start(&keep, box_fd, receipts_fd);
        open_store(folder);
        write_out();
        check(is_saved(slot));
        check_int(stored(), 1);
        end();
}

static void a_recorder_killed_before_its_receipt_writes_it_again(void)
{
        begin();
        struct blackbox_slot *slot = captured(FAKE_T0, a_reason(CAPTURE_FINDING, "saturation", ""));
        tick();
        check_int(store_flush(store, &history, WAIT_MS), 0);
        keep_stop(&keep);
        keep_start(&keep, box_fd, receipts_fd);
        check(!is_saved(slot));
        write_out();
        check(is_saved(slot));
        check_int(stored(), 1);
        end();
}

static void without_a_disk_at_all_slots_are_free_again(void)
{
        begin();
        close_store();
        open_store("");
        struct blackbox_slot *slot = captured(FAKE_T0, a_reason(CAPTURE_FINDING, "saturation", ""));
        tick();
        tick();
        check(is_saved(slot));
        check_int(stored(), 1);
        end();
}

static void the_newest_are_kept(void)
{
        char id[CAPTURE_ID];
        int n = -1;

        begin();
        for (int i = 0; i < STORE_CAPTURES + 20; i++)
                check_int(store_document_put(store, STORE_CAPTURE, capture_id(unix_ms() + i, id), false, NULL,
                                  unix_ms() + i, "{}", 2),
                        0);
        check_int(store_flush(store, &history, WAIT_MS), 0);
        check_int(stored(), STORE_CAPTURES + 20);
        for (int i = 0; i < 5 && n != STORE_CAPTURES; i++) { /* once an hour, with the next write */
                ahead_ns += 3700 * NSEC_PER_SEC;
                store_document_put(store, STORE_STATE, "x", false, NULL, 1, "{}", 2);
                check_int(store_flush(store, &history, WAIT_MS), 0);
                n = stored();
        }
        check_int(n, STORE_CAPTURES);
        check_int(store_documents(store, STORE_CAPTURE,
                          &(struct store_filter){.id = capture_id(unix_ms(), id)}, count_one, NULL),
                0);
        end();
}

/* ---- by incident ---- */

static struct board *board;
static struct book *book;
static uint64_t now;

static void put_finding(uint32_t id, const char *detector, const char *service, enum severity severity)
{
        struct finding *f = &board->finding[board->finding_top++];

        *f = (struct finding){.id = id,
                .open = true,
                .severity = (uint8_t)severity,
                .since_ns = now,
                .opened_ns = now,
                .updated_ns = now};
        strcpy(f->detector, detector);
        strcpy(f->service_name, service);
        strcpy(f->text, "it is bad");
        for (uint16_t k = 1; k < board->service_top; k++)
                if (!strcmp(board->service[k].name, service))
                        f->service = k;
}

static void begin_book(void)
{
        begin();
        now = FAKE_T0;
        board = fake_board();
        fake_service(board, "odin/worker", SERVICE_COMPOSE);
        fake_service(board, "odin/api", SERVICE_COMPOSE);
        book = book_new(&(struct book_params){.calm = CALM, .reopen = 600}, 1);
}

static void look(void)
{
        board->updated_ns = now;
        book_look(book, board, now, WALL_OFFSET);
}

static void end_book(void)
{
        book_free(book);
        fake_board_done(board);
        end();
}

static json_t *asked(uint64_t id, uint32_t limit, int code)
{
        struct api_view v = {
                .now_ns = now, .wall_offset_ns = WALL_OFFSET, .book = book, .store = store, .blackbox = box};
        struct api_query q = {.id = id, .limit = limit};
        struct json_out j = json_out_of(4 << 20);
        struct error e = {0};
        json_t *answer = NULL;

        check_int(api_blackbox(&v, &q, &j, &e), code);
        if (code == 0) {
                answer = json_loadb(j.out.buf, j.out.len, 0, NULL);
                check(answer != NULL);
        } else {
                check(strstr(e.text, "no incident") != NULL);
        }
        json_out_done(&j);
        return answer;
}

static size_t captures_of(uint64_t id)
{
        json_t *a = asked(id, 0, 0);
        size_t n = json_array_size(json_object_get(a, "captures"));

        check(json_is_null(json_object_get(a, "why_none")) == (n > 0));
        json_decref(a);
        return n;
}

static void says(uint64_t id, const char *why)
{
        json_t *a = asked(id, 0, 0);
        const char *text = json_string_value(json_object_get(a, "why_none"));

        check(text && strstr(text, why));
        if (text && !strstr(text, why))
                printf("# %s\n", text);
        json_decref(a);
}

static void captures_belong_to_their_incident(void)
{
        begin_book();
        put_finding(3, "zombie_leak", "odin/worker", SEVERITY_CRITICAL);
        look();
        now += 5 * NSEC_PER_SEC;
        put_finding(4, "restart_loop", "odin/api", SEVERITY_WARNING);
        look();
        check_int(book_open_count(book), 2);
        captured(now, a_reason(CAPTURE_FINDING, "zombie_leak", "odin/worker"));
        check_int(captures_of(1), 1);
        check_int(captures_of(2), 0);
        captured(now + NSEC_PER_SEC, a_reason(CAPTURE_ACTION, "freeze", "odin/worker"));
        captured(now + 2 * NSEC_PER_SEC, a_reason(CAPTURE_ACTION, "freeze", "odin/api"));
        check_int(captures_of(1), 2);
        check_int(captures_of(2), 1);
        check_int(captures_of(0), 3); /* whatever it was */
        /* because of the incident's finding, to whomever it was done */
        struct capture_reason r = a_reason(CAPTURE_ACTION, "freeze", "somebody/else");
        r.finding = 4;
        captured(now + 3 * NSEC_PER_SEC, r);
        check_int(captures_of(2), 2);
        /* much earlier it was another one's */
        captured(now - 3600 * NSEC_PER_SEC, a_reason(CAPTURE_FINDING, "zombie_leak", "odin/worker"));
        check_int(captures_of(1), 2);
        write_out();
        memset(box->slot, 0, sizeof box->slot); /* only on disk now */
        check_int(captures_of(1), 2);
        json_t *a = asked(1, 1, 0), *list = json_object_get(a, "captures");
        check_int(json_array_size(list), 1);
        check_int(json_integer_value(json_object_get(a, "captures_left_out")), 1);
        check_int(json_integer_value(json_object_get(json_array_get(list, 0), "id")),
                ((int64_t)now + WALL_OFFSET) / 1000000 + 1000); /* the newest */
        json_decref(a);
        end_book();
}

static void one_in_both_places_is_shown_once(void)
{
        begin_book();
        put_finding(3, "zombie_leak", "odin/worker", SEVERITY_CRITICAL);
        look();
        captured(now, a_reason(CAPTURE_FINDING, "zombie_leak", "odin/worker"));
        tick();
        check_int(stored(), 1);
        check_int(captures_of(1), 1);
        end_book();
}

static void without_one_it_says_why(void)
{
        begin_book();
        says(0, "nothing has become critical");
        put_finding(3, "zombie_leak", "odin/worker", SEVERITY_WARNING);
        look();
        says(1, "never was critical");
        put_finding(4, "health_check", "odin/worker", SEVERITY_CRITICAL);
        now += NSEC_PER_SEC;
        look();
        box->given_up = 4;
        says(1, "4 captures gave way");
        asked(9, 0, -ENOENT);
        close_store();
        open_store("/dev/null/no-folder");
        says(1, "disk can't be read");
        end_book();
}

static void all(void)
{
        test(receipts_come_when_it_is_on_disk);
        test(what_is_half_is_not_kept);
        test(a_disk_that_takes_nothing_is_waited_for);
        test(a_recorder_killed_before_its_receipt_writes_it_again);
        test(without_a_disk_at_all_slots_are_free_again);
        test(the_newest_are_kept);
        test(captures_belong_to_their_incident);
        test(one_in_both_places_is_shown_once);
        test(without_one_it_says_why);
}

int main(void)
{
        if (!mkdtemp(folder))
                return 1;
        snprintf(file, sizeof file, "%s/history.db", folder);
        int code = tap_main(all);
        rmdir(folder);
        return code;
}

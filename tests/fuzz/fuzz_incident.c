/* Fuzzes the reading of an incident's document, as it comes back from a store: what is accepted goes on in a
 * book over a small board, and what is written of it is read again as the same.
 */
#include "incident/book.h"
#include "incident/incident.h"

#include <stdlib.h>
#include <string.h>

#include "../unit/fake_board.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OFFSET (INT64_C(1795469400000000000) - (int64_t)FAKE_T0)

static struct board *board;

static void require(bool condition)
{
        if (!condition)
                abort();
}

static void setup(void)
{
        board = fake_board();
        board->updated_ns = FAKE_T0;
        uint16_t s = fake_service(board, "odin/worker", SERVICE_COMPOSE);
        board->finding[1] = (struct finding){.id = 1,
                .service = s,
                .open = true,
                .detector = "zombie_leak",
                .service_name = "odin/worker"};
        board->finding_top = 2;
}

static void write_again(const char *json, size_t len)
{
        struct json_out once = json_out_of(INCIDENT_DOCUMENT), twice = json_out_of(INCIDENT_DOCUMENT);
        struct incident *n, *again;

        if (incident_read(json, len, &n) < 0)
                return;
        incident_write(n, &once);
        require(!once.out.failed);
        require(incident_read(once.out.buf, once.out.len, &again) == 0);
        incident_write(again, &twice);
        require(once.out.len == twice.out.len && !memcmp(once.out.buf, twice.out.buf, once.out.len));
        incident_free(n);
        incident_free(again);
        json_out_done(&once);
        json_out_done(&twice);
}

static void go_on(const char *json, size_t len)
{
        struct book *b = book_new(&(struct book_params){.calm = 5, .reopen = 60}, 1);
        uint64_t now = FAKE_T0;

        require(b != NULL);
        if (book_restore(b, json, len, now, OFFSET) == 0) {
                for (int i = 0; i < 4; i++) {
                        now += 10 * NSEC_PER_SEC;
                        board->updated_ns = now;
                        book_look(b, board, now, OFFSET);
                }
                /* the worker leaks: that is in one of them */
                require(book_open_count(b) >= 1);
        }
        book_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *json = malloc(size + 1);

        if (!board)
                setup();
        if (!json)
                return 0;
        if (size)
                memcpy(json, data, size);
        json[size] = '\0';
        write_again(json, size);
        go_on(json, size);
        free(json);
        return 0;
}

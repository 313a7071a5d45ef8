/* From a request to its reply, without any HTTP library: the table of routes, the checks that come
 * before an answer, and the answer. A reply that may be long comes in pieces.
 */
#pragma once

#include "api/api.h"
#include "notify/policy.h"
#include "recorder/asset.h"
#include "recorder/guard_link.h"
#include "recorder/leave.h"

enum { ROUTE_ARGS = 8, ROUTE_BODY_MAX = 4096 };

struct route_request {
        const char *method, *path;
        const char *accept, *accept_encoding, *if_none_match; /* headers; NULL = none */
        struct asker asker;
        bool from_unix_socket;
        uint64_t body_bytes;
        const char *body; /* NULL when there is none, or it isn't wanted */
        uint32_t args;    /* may exceed ROUTE_ARGS: too many */
        struct {
                const char *name, *value; /* value NULL when there is no "=" */
        } arg[ROUTE_ARGS];
};

/* What replies are made from; kept by the recorder. */
struct route_env {
        const struct board *board; /* shared, being written by the guard */
        const struct history *history;
        const struct book *book;         /* may be NULL */
        struct store *store;             /* may be NULL */
        const struct blackbox *blackbox; /* shared; may be NULL */
        struct policy *policy;           /* may be NULL */
        void (*poke)(void *ctx);         /* after a change of the policy; may be NULL */
        void *poke_ctx;
        struct guard_link *link; /* to the guard; may be NULL */
        struct leave *leave;     /* who may change anything */
        uint64_t (*now_ns)(void);
        int64_t (*wall_offset_ns)(void);
        size_t held_bytes; /* memory in replies not yet sent */
};

struct route_reply {
        int status;
        const char *content_type;
        const char *allow;             /* for 405 */
        bool has_style;                /* a page with its style in it, and nothing else */
        unsigned retry;                /* come again in so many seconds; 0 = nothing is said of that */
        const struct asset *asset;     /* of the dashboard; NULL = the body below */
        const struct asset_form *form; /* of the asset; its data is the body, unless the status is 304 */
        struct json_out body;
        bool more; /* route_reply_more() has more behind what is in the body now */
        struct api_zombies *zombies;
        struct board *snapshot;
        struct api_view view;
        struct route_env *env;
        size_t held_bytes;
        /* The reply is not there yet; ready() is called when it is, never before route_handle() returned. */
        bool waits;
        void (*ready)(void *ctx);
        void *ready_ctx;
        void *work; /* of what it waits for; ended by cancel() when nobody waits for it any more */
        void (*cancel)(void *work, struct route_env *env);
};

void route_handle(struct route_env *env, const struct route_request *q, struct route_reply *ret);
/* True when this request, whose body has not come yet, will be answered by what its body says. */
bool route_takes_body(const struct route_env *env, const struct route_request *q);
/* Appends to the body; false when nothing more comes or memory is out (body.out.failed). */
bool route_reply_more(struct route_reply *r);
void route_reply_done(struct route_reply *r);
/* Turns an unfinished reply into an error, in JSON. */
void route_reply_error(struct route_reply *r, int status, const char *fmt, ...) printf_like(3, 4);
/* The same with the object left open, for members that tell more. */
void route_reply_error_begin(struct route_reply *r, int status, const char *text);

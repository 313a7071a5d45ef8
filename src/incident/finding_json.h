/* Findings, evidence, actions and what an answer refutes and advises as JSON, wherever they are shown. */
#pragma once

#include "base/json_out.h"
#include "incident/why.h"

/* The array "evidence". wall_offset_ns makes Unix times of theirs: 0 when they are that already. */
void evidence_json(const struct evidence *e, uint32_t count, int64_t wall_offset_ns, struct json_out *j);
/* The members of one finding, without the braces around them. */
void finding_json_members(const struct finding *f, int64_t wall_offset_ns, struct json_out *j);
/* The members of one action, in the same way. */
void action_json_members(const struct action *a, int64_t wall_offset_ns, struct json_out *j);
/* The arrays "refuted" and "remedy". */
void why_refuted_json(const struct why_answer *w, struct json_out *j);

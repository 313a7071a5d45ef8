/* Findings as `status` and `incidents` show them. */
#pragma once

#include "base/answer.h"
#include "cli/render.h"

/* True when one of severity warning or critical is in the list that isn't closed. */
bool findings_firing(json_t *list);
/* Of what is pending, that which has lasted for a tenth of what a finding needs: less is how any start looks.
 */
void findings_print(const struct screen *s, json_t *list, json_t *pending);
/* One, behind `indent` blanks: what, since when, the evidence, the remedy. */
void findings_print_one(const struct screen *s, json_t *finding, int indent);
/* The evidence of a finding or an answer. */
void findings_print_evidence(const struct screen *s, json_t *list, int indent);
enum ink findings_ink(const char *severity);

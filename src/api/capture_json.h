/* A capture of the black box as the document that is stored and answered. */
#pragma once

#include "base/json_out.h"
#include "model/blackbox.h"

enum { CAPTURE_ID = 24 };

/* When it began, in Unix ms; 0 when that can't be. */
int64_t capture_unix_ms(const struct capture *c);
/* What it is called by that: so no two have the same, whatever was restarted in between. Returns buf. */
const char *capture_id(int64_t unix_ms, char buf[CAPTURE_ID]);
/* One object. The capture has been made harmless. */
void capture_json(const struct capture *c, struct json_out *j);

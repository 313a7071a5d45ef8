/* The children of `sexton run`: the same binary, called again as the hidden verb `child ROLE FD...`. */
#pragma once

enum child_role { CHILD_GUARD, CHILD_ENGINE, CHILD_RECORDER, CHILD_COURIER, CHILD_ROLES };

const char *child_role_name(enum child_role role);

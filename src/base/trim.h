/* Giving back memory that was needed only to get going.
 */
#pragma once

/* Lets go of the clean pages of the program and of all its libraries: what constructors, the loader and
 * start-up code touched once. What runs on comes back by itself from the page cache, a few pages at a
 * time. Not for a process whose memory is locked. Gives free heap back too. */
void trim_memory(void);

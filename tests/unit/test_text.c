/* Tests of base/text: parsing of kernel text and making untrusted bytes safe. */
#include "base/text.h"
#include "tap.h"

static void numbers(void)
{
        const char *p = "18446744073709551615 x";
        uint64_t v = 0;

        check(text_u64(&p, &v));
        check(v == UINT64_MAX);
        check_int(*p, ' ');
        p = "18446744073709551616";
        check(!text_u64(&p, &v));
        int64_t i = 0;
        p = "-17";
        check(text_i64(&p, &i));
        check_int(i, -17);
        p = "x";
        check(!text_i64(&p, &i));
}

static void fields_and_lines(void)
{
        const char *text = "MemTotal:   100 kB\nMemFree:\t7 kB\n";
        const char *v = text_line_value(text, "MemFree:");
        const char *f;
        size_t n;

        check(v && *v == '7');
        check(!text_line_value(text, "Free:"));
        check(text_field(&v, &f, &n) && n == 1);
        check(text_field(&v, &f, &n) && n == 2);
        check(!text_field(&v, &f, &n));
}

static void printable(void)
{
        char out[64];

        text_printable(out, sizeof out, "a\n\033[31mb\xff", 8);
        check_str(out, "a\\x0a\\x1b[31mb");
        text_printable(out, sizeof out, "\xff\xc3\xa4\xc2\x9b", 5);
        check_str(out, "\\xff\xc3\xa4\\xc2\\x9b");
        text_printable(out, sizeof out, "\xe2\x80\xae", 3); /* right-to-left override */
        check_str(out, "\\xe2\\x80\\xae");
        check_int(text_printable(out, 6, "abcdefgh", 8), 5);
}

static void glob(void)
{
        check(text_glob("odin/*", "odin/celery"));
        check(text_glob("*a?c*", "xxabcxx"));
        check(!text_glob("odin/*", "od/celery"));
        check(text_glob("*", ""));
        check(!text_glob("", "x"));
}

static void distance(void)
{
        check_int(text_distance("status", "status"), 0);
        check_int(text_distance("stauts", "status"), 1); /* a swap is one mistake */
        check_int(text_distance("zombie", "zombies"), 1);
        check_int(text_distance("", "why"), 3);
        check_int(text_distance("why", ""), 3);
        check_int(text_distance("kitten", "sitting"), 3);
        check(text_distance("a234567890123456789012345678901234567890123456789012345678901234", "a") ==
                SIZE_MAX);
}

static void all(void)
{
        test(numbers);
        test(fields_and_lines);
        test(printable);
        test(glob);
        test(distance);
}

int main(void)
{
        return tap_main(all);
}

/* Rendering for people: widths of characters, cutting and folding, tables, numbers, hostile text. */
#include "base/answer.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/render.h"
#include "tap.h"

#include <locale.h>

/* What a function prints into a screen of that width. */
static char printed[8192];
static struct screen begin(int width, bool color)
{
        struct screen s;

        screen_init(&s, stdout, COLOR_NEVER); /* for the locale */
        s = (struct screen){.out = fmemopen(printed, sizeof printed, "w"), .color = color, .width = width};
        return s;
}

static void widths(void)
{
        setlocale(LC_CTYPE, "C.UTF-8");
        check_int(render_columns(""), 0);
        check_int(render_columns("abc"), 3);
        check_int(render_columns("ä"), 1);
        check_int(render_columns("仕事"), 4);
        check_int(render_columns("e\xcc\x81"), 1); /* a combining accent */
        check_int(render_columns("\xf0\x9f\xa7\x9f"), 2);
        check_int(render_columns("\xff\xfe"), 2); /* malformed: one each, no reading past the end */
        check_int(render_columns("\xe4"), 1);
}

static void cutting(void)
{
        char out[32];

        render_cut(out, sizeof out, "abcdef", 6);
        check_str(out, "abcdef");
        render_cut(out, sizeof out, "abcdef", 4);
        check_str(out, "abc…");
        render_cut(out, sizeof out, "仕事仕事", 4);
        check_str(out, "仕…");             /* a wide one doesn't fit half */
        render_cut(out, 8, "ääääääää", 8); /* the buffer ends first, between characters */
        check_str(out, "ää…");
}

static void folding(void)
{
        struct screen s = begin(26, false);

        screen_fold(&s, 4, INK_PLAIN, "one two three four five six seven");
        screen_fold(&s, 4, INK_PLAIN, "averyveryveryverylongwordindeed ends");
        screen_fold(&s, 0, INK_PLAIN, "");
        fclose(s.out);
        check_str(printed, "    one two three four\n    five six seven\n"
                           "    averyveryveryverylongwordindeed\n    ends\n\n");
        struct screen wide = begin(0, true);
        screen_fold(&wide, 2, INK_RED, "no limit");
        fclose(wide.out);
        check_str(printed, "  \033[1;31mno limit\033[0m\n");
}

static void tables(void)
{
        static const struct column columns[] = {
                {"NAME", .stretch = true}, {"EMPTY"}, {"COUNT", .right = true}, {"END"}};
        cleanup_table struct table *t = table_new(columns, 4);
        struct screen s = begin(0, false);

        table_print(t, &s, 0); /* no rows: nothing */
        table_cell(t, INK_PLAIN, "仕事");
        table_cell(t, INK_PLAIN, "-");
        table_cell(t, INK_RED, "%d", 12345678);
        table_cell(t, INK_PLAIN, "x");
        table_cell(t, INK_PLAIN, "a rather long name");
        table_cell(t, INK_PLAIN, "%s", "");
        table_cell(t, INK_PLAIN, "1");
        table_cell(t, INK_PLAIN, "yes");
        check_int(table_rows(t), 2);
        table_print(t, &s, 1);
        fclose(s.out);
        check_str(printed, " NAME                   COUNT  END\n"
                           " 仕事                12345678  x\n"
                           " a rather long name         1  yes\n");
        struct screen narrow = begin(28, false);
        table_print(t, &narrow, 0);
        fclose(narrow.out);
        check_str(printed, "NAME              COUNT  END\n"
                           "仕事           12345678  x\n"
                           "a rather lon…         1  yes\n");
}

static void numbers(void)
{
        char b[UNITS_SIZE];

        check_str(units_duration(NAN, b), "-");
        check_str(units_duration(INFINITY, b), "-");
        check_str(units_duration(-3, b), "0s");
        check_str(units_duration(0.84, b), "0.8s");
        check_str(units_duration(59.4, b), "59s");
        check_str(units_duration(59.6, b), "1m00s");
        check_str(units_duration(192, b), "3m12s");
        check_str(units_duration(30600, b), "8h30m");
        check_str(units_duration(1.05e6, b), "12d3h");
        check_str(units_duration(1e10, b), "for ever");
        check_str(units_bytes(812, b), "812 B");
        check_str(units_bytes(1023.9 * 1024, b), "1.0 MB");
        check_str(units_bytes(5e9, b), "4.7 GB");
        check_str(units_bytes(NAN, b), "-");
        check_str(units_percent(0.004, b), "0.4 %");
        check_str(units_percent(0.97, b), "97 %");
        check_str(units_percent(0, b), "0 %");
        check_str(units_cores(1.966, b), "1.97");
        check_str(units_cores(-0.003, b), "0.00");
        check_str(units_count(12, b), "12");
        check_str(units_count(4.25, b), "4.25");
        check_str(units_count(1e300, b), "1e+300");
        check_str(units_per_hour(0.5, b), "0.5/h");
        check_str(units_per_hour(120, b), "120/h");
}

static void times(void)
{
        char b[UNITS_SIZE];

        check_near(units_unix("1970-01-01T00:01:00.250Z"), 60.25, 1e-9);
        check(isnan(units_unix("yesterday")));
        check(isnan(units_unix("2020-01-01T00:00:00")));
        check(isnan(units_unix("")));
        setenv("TZ", "UTC", 1);
        check_str(units_time("2020-03-14T20:00:05.500Z", b), "2020-03-14 20:00:05");
        check_str(units_time("", b), "-");
        check_str(units_time("\033[2Jx", b), "\\x1b[2Jx");
}

static void answers(void)
{
        char b[64];
        json_t *j = json_loads("{\"a\":{\"b\":[1,\"x\"]},\"n\":null,\"s\":\"a\\u0000\\u001b\",\"t\":true}",
                JSON_ALLOW_NUL, NULL);

        check(j != NULL);
        check_int(json_array_size(answer_list(j, "a.b")), 2);
        check(!answer_at(j, "n"));
        check(!answer_at(j, "a.b.c"));
        check(!answer_list(j, "a"));
        check(isnan(answer_number(j, "s")));
        check(isnan(answer_number(NULL, "s")));
        check(answer_true(j, "t"));
        check(!answer_true(j, "s"));
        check_str(answer_text(j, "s", b, sizeof b), "a\\x00\\x1b");
        check_str(answer_text(j, "t", b, sizeof b), "");
        check_str(answer_text_or(j, "a", "none", b, sizeof b), "none");
        check_str(answer_raw(j, "gone"), "");
        json_decref(j);
}

static void all(void)
{
        test(widths);
        test(cutting);
        test(folding);
        test(tables);
        test(numbers);
        test(times);
        test(answers);
}

int main(void)
{
        return tap_main(all);
}

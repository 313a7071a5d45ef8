/* Whom actions never touch, by trying: every kind of action on each of them, and no file may change. */
#include "act_lab.h"

#include "act/touch.h"
#include "model/names.h"

static const char FREE[] = "/shop";

/* Nothing may be done to the service, and for the reason given. */
static void refused(uint16_t service, const char *group, const char *reason)
{
        for (uint8_t kind = ACTION_NONE + 1; kind < ACTION_KINDS; kind++) {
                if (!act_kind(kind))
                        continue;
                struct act_order o = lab_order(kind, service);
                uint32_t id = 0;
                o.by_person = true; /* a person's word changes nothing */
                e = (struct error){0};
                check_int(act_take(a, &o, lab_now, &id, &e), -EPERM);
                if (!strstr(e.text, reason)) {
                        printf("# %s: \"%s\" doesn't say \"%s\"\n", action_kind_name(kind), e.text, reason);
                        tap_ok_now = false;
                }
        }
        check_int(lab_asks, 0);
        check_int(lab_written_down(), 0);
        for (int f = 0; group && f < LAB_FILES; f++)
                if (lab_files[f].v1) {
                        char text[64];
                        snprintf(text, sizeof text, "%s", lab_files[f].v1_text);
                        text[strcspn(text, "\n")] = '\0';
                        check_str(lab_read(group, (enum lab_file)f), text);
                }
}

static void by_what_it_is(void)
{
        lab_begin(false);
        refused(w->kernel_service, NULL, "kernel");
        refused(w->self_service, NULL, "Sexton itself");
        refused(world_service(w, "/", SERVICE_HOST), NULL, "host itself");
        uint16_t session = lab_service("/user.slice/user-0.slice/session-3.scope", LAB_PID, "bash");
        check_int(b->service[session].kind, SERVICE_SESSION);
        refused(session, "/user.slice/user-0.slice/session-3.scope", "login session");
        check_int(lab_do(ACTION_FREEZE, 0), -ENOENT);
        check_int(lab_do(ACTION_FREEZE, BOARD_SERVICES - 1), -ENOENT);
        lab_end();
}

static void by_who_is_in_it(void)
{
        static const struct {
                const char *comm, *reason;
        } in[] = {
                {"sshd", "way into this host"},
                {"sshd-session", "way into this host"},
                {"agetty", "way into this host"},
                {"dockerd", "container engine"},
                {"containerd", "container engine"},
                {"podman", "container engine"},
                {"containerd-shim", "container shim"},
                {"conmon", "container shim"},
                {"systemd", "service manager"},
                {"systemd-logind", "service manager"},
                {"dbus-daemon", "message bus"},
        };
        char group[64];

        lab_begin(false);
        for (size_t k = 0; k < ARRAY_SIZE(in); k++) {
                snprintf(group, sizeof group, "/system.slice/unit%zu.service", k);
                int32_t pid = LAB_PID + 10 * (int32_t)k;
                uint16_t s = lab_service(group, pid, "worker");
                lab_process(group, pid + 1, in[k].comm);
                refused(s, group, in[k].reason);
        }
        uint16_t init = lab_service("/init.scope", 1, "init");
        refused(init, "/init.scope", "PID 1");
        uint16_t self = lab_service("/box", LAB_PID + 500, "sexton-guard");
        b->process[world_find(w, LAB_PID + 500)].flags |= PROCESS_F_SELF;
        refused(self, "/box", "Sexton itself");
        lab_end();
}

/* The name of its program counts when the process calls itself otherwise. */
static void by_its_program(void)
{
        lab_begin(false);
        uint16_t s = lab_service(FREE, LAB_PID, "renamed");
        world_set_command(w, world_find(w, LAB_PID), "renamed", "/usr/sbin/sshd");
        refused(s, FREE, "way into this host");
        lab_end();
}

/* Inside a container anybody may call himself sshd. */
static void names_in_containers_protect_nobody(void)
{
        char group[100];

        lab_begin(false);
        snprintf(group, sizeof group, "/docker/%064d", 7);
        uint16_t s = lab_service(group, LAB_PID, "sshd");
        check_int(b->service[s].kind, SERVICE_CONTAINER);
        check(lab_do(ACTION_FREEZE, s) > 0);
        check_str(lab_read(group, LAB_FREEZE), "FROZEN");
        lab_end();
}

static void by_label_configuration_and_asker(void)
{
        lab_begin(false);
        uint16_t s = lab_service(FREE, LAB_PID, "worker");
        b->service[s].protect = true;
        refused(s, FREE, "sexton.protect");
        b->service[s].protect = false;
        snprintf(lab_config.act_only_in[0], sizeof lab_config.act_only_in[0], "test-*");
        lab_config.act_only_in_count = 1;
        refused(s, FREE, "act_only_in");
        lab_config.act_only_in_count = 0;
        struct act_order o = lab_order(ACTION_FREEZE, s);
        uint32_t id;
        o.asker_pid = LAB_PID;
        check_int(act_take(a, &o, lab_now, &id, &e), -EPERM);
        check(strstr(e.text, "who asks"));
        o.asker_pid = LAB_PID + 9;
        check_int(act_take(a, &o, lab_now, &id, &e), 0);
        lab_end();
}

/* Others live in the group, or in one below it: freezing it would freeze them. */
static void groups_that_hold_others(void)
{
        lab_begin(false);
        uint16_t s = lab_service(FREE, LAB_PID, "worker");
        lab_service("/shop/inner", LAB_PID + 1, "other");
        check_int(lab_do(ACTION_FREEZE, s), -EAGAIN); /* it may be on its way */
        lab_pass(3 * NSEC_PER_SEC);
        check_int(lab_do(ACTION_FREEZE, s), -EPERM);
        check(strstr(e.text, "also holds"));
        check_str(lab_read(FREE, LAB_FREEZE), "THAWED");
        uint16_t t = lab_service("/mixed", LAB_PID + 2, "worker");
        lab_group("/elsewhere");
        lab_process("/elsewhere", LAB_PID + 3, "stranger");
        lab_list("/mixed", LAB_PID + 3);
        lab_pass(3 * NSEC_PER_SEC);
        check_int(lab_do(ACTION_QUOTA, t), -EPERM);
        check_str(lab_read("/mixed", LAB_QUOTA), "-1");
        uint16_t u = lab_service("/hidden", LAB_PID + 4, "worker");
        lab_list("/hidden", 0); /* of a pid namespace that we don't see into */
        check_int(lab_do(ACTION_FREEZE, u), -EPERM);
        check(strstr(e.text, "can't be seen"));
        lab_end();
}

/* What becomes untouchable while something stands on it is let go. */
static void becoming_untouchable(void)
{
        lab_begin(false);
        uint16_t s = lab_service(FREE, LAB_PID, "worker");
        int id = lab_do(ACTION_FREEZE, s);
        check_str(lab_read(FREE, LAB_FREEZE), "FROZEN");
        b->service[s].protect = true;
        lab_pass(S);
        check_str(lab_read(FREE, LAB_FREEZE), "THAWED");
        check_int(lab_state(id), ACTION_UNDONE);
        lab_end();
}

static void kills(void)
{
        lab_begin(false);
        lab_service("/system.slice/ssh.service", LAB_PID, "sshd");
        lab_service("/init.scope", 1, "init");
        lab_service(FREE, LAB_PID + 1, "worker");
        check_int(act_kill(a, LAB_PID, 9, 0, "uid 0", lab_now, &e), -EPERM);
        check_int(act_kill(a, 1, 9, 0, "uid 0", lab_now, &e), -EPERM);
        check_int(act_kill(a, LAB_PID + 1, 9, LAB_PID + 1, "uid 0", lab_now, &e), -EPERM);
        check_int(act_kill(a, LAB_PID + 77, 9, 0, "uid 0", lab_now, &e), -ESRCH);
        check(act_kill(a, LAB_PID + 1, 9, 0, "uid 0", lab_now, &e) < 0); /* no such pid in this kernel */
        check_int(lab_told, 0);
        lab_end();
}

/* Told once, not each time it is asked for. */
static void refusals_are_told_once(void)
{
        lab_begin(false);
        uint16_t s = lab_service(FREE, LAB_PID, "sshd");
        for (int k = 0; k < 20; k++) {
                check_int(lab_do(ACTION_FREEZE, s), -EPERM);
                lab_pass(S);
        }
        check_int(lab_told, 1);
        check_str(lab_last.service, FREE);
        lab_pass(700 * S);
        check_int(lab_do(ACTION_FREEZE, s), -EPERM);
        check_int(lab_told, 2);
        lab_end();
}

static void all(void)
{
        test(by_what_it_is);
        test(by_who_is_in_it);
        test(by_its_program);
        test(names_in_containers_protect_nobody);
        test(by_label_configuration_and_asker);
        test(groups_that_hold_others);
        test(becoming_untouchable);
        test(kills);
        test(refusals_are_told_once);
}

int main(void)
{
        return tap_main(all);
}

/* What /proc/PID/cgroup says, and what a path means to a person. */
#include "tap.h"

#include "source/cgroup/cgroup.h"

#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2 "ffff456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void expect(const char *path, enum cgroup_owner owner, const char *name, const char *root)
{
        char got[BOARD_NAME];
        uint32_t root_len = 99999;

        enum cgroup_owner o = cgroup_classify(path, got, &root_len);
        if (o != owner || strcmp(got, name) || root_len != strlen(root))
                printf("# path %s\n", path);
        check_int(o, owner);
        check_str(got, name);
        check_int(root_len, strlen(root));
}

static void containers_are_told(void)
{
        const enum cgroup_owner c = CGROUP_OWNER_CONTAINER;

        expect("/docker/" ID, c, ID, "/docker/" ID);
        expect("/docker/" ID "/init.scope", c, ID, "/docker/" ID);
        expect("/docker/" ID "/system.slice/foo.service", c, ID, "/docker/" ID);
        expect("/docker/" ID "/docker/" ID2, c, ID, "/docker/" ID);
        expect("/system.slice/docker-" ID ".scope", c, ID, "/system.slice/docker-" ID ".scope");
        expect("/system.slice/docker-" ID ".scope/a/b", c, ID, "/system.slice/docker-" ID ".scope");
        expect("/machine.slice/libpod-" ID ".scope", c, ID, "/machine.slice/libpod-" ID ".scope");
        expect("/machine.slice/libpod-" ID ".scope/container", c, ID, "/machine.slice/libpod-" ID ".scope");
        expect("/libpod_parent/libpod-" ID, c, ID, "/libpod_parent/libpod-" ID);
        expect("/system.slice/web.service/libpod-payload-" ID, c, ID,
                "/system.slice/web.service/libpod-payload-" ID);
        expect("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope/container", c,
                ID, "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope");
        expect("/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1_2.slice/cri-containerd-" ID
               ".scope",
                c, ID,
                "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1_2.slice/"
                "cri-containerd-" ID ".scope");
        expect("/kubepods/burstable/pod1-2/" ID, c, ID, "/kubepods/burstable/pod1-2/" ID);
        expect("/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" ID, c, ID,
                "/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" ID);
        expect("/k/crio-" ID ".scope", c, ID, "/k/crio-" ID ".scope");
}

static void look_alikes_are_no_containers(void)
{
        const enum cgroup_owner o = CGROUP_OWNER_OTHER, u = CGROUP_OWNER_UNIT;

        expect("/machine.slice/libpod-conmon-" ID ".scope", u, "libpod-conmon-" ID ".scope",
                "/machine.slice/libpod-conmon-" ID ".scope");
        expect("/docker/crio-conmon-" ID, o, "/docker/crio-conmon-" ID, "/docker/crio-conmon-" ID);
        expect("/docker/" ID "0", o, "/docker/" ID "0", "/docker/" ID "0");
        expect("/docker/x" ID, o, "/docker/x" ID, "/docker/x" ID);
        expect("/docker/0123456789ab", o, "/docker/0123456789ab", "/docker/0123456789ab");
        expect("/docker/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", o,
                "/docker/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
                "/docker/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef");
        expect("/docker/buildkit/r0p2vafa3x4ad2m3m8ph9eyzt", o, "/docker/buildkit", "/docker/buildkit");
        expect("/docker", o, "/docker", "/docker");
}

static void units_are_told(void)
{
        const enum cgroup_owner u = CGROUP_OWNER_UNIT, s = CGROUP_OWNER_SESSION, o = CGROUP_OWNER_OTHER;

        expect("/", CGROUP_OWNER_ROOT, "/", "/");
        expect("", CGROUP_OWNER_ROOT, "/", "/");
        expect("/init.scope", u, "init.scope", "/init.scope");
        expect("/system.slice/foo.service", u, "foo.service", "/system.slice/foo.service");
        expect("/system.slice/foo.service/nested/x", u, "foo.service", "/system.slice/foo.service");
        /* as seen from inside a container's namespace of groups */
        expect("/../../system.slice/foo.service/x", u, "foo.service", "/../../system.slice/foo.service");
        expect("/../foo.service", u, "foo.service", "/../foo.service");
        expect("/system.slice/system-getty.slice/getty@tty1.service", u, "getty@tty1.service",
                "/system.slice/system-getty.slice/getty@tty1.service");
        expect("/system.slice/dev-disk-by\\x2duuid-1.swap", u, "dev-disk-by\\x2duuid-1.swap",
                "/system.slice/dev-disk-by\\x2duuid-1.swap");
        expect("/system.slice/run-r12.scope", u, "run-r12.scope", "/system.slice/run-r12.scope");
        expect("/user.slice/user-1000.slice/session-3.scope", s, "session-3.scope",
                "/user.slice/user-1000.slice/session-3.scope");
        expect("/user.slice/user-0.slice/session-c1.scope/deeper", s, "session-c1.scope",
                "/user.slice/user-0.slice/session-c1.scope");
        expect("/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service", u, "foo.service",
                "/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service");
        expect("/user.slice/user-1000.slice/user@1000.service/app.slice/vte-1.scope/x", u, "vte-1.scope",
                "/user.slice/user-1000.slice/user@1000.service/app.slice/vte-1.scope");
        expect("/user.slice/user-1000.slice/user@1000.service/init.scope", u, "user@1000.service",
                "/user.slice/user-1000.slice/user@1000.service");
        expect("/user.slice/user-1000.slice/user@1000.service/odd", u, "user@1000.service",
                "/user.slice/user-1000.slice/user@1000.service");
        expect("/user.slice/user-1000.slice", o, "/user.slice/user-1000.slice",
                "/user.slice/user-1000.slice");
        expect("/lxc/web/system.slice/foo.service", o, "/lxc/web/system.slice/foo.service",
                "/lxc/web/system.slice/foo.service");
        expect("/.service", o, "/.service", "/.service");
}

static void long_names_are_cut(void)
{
        char path[600] = "/", name[BOARD_NAME];
        uint32_t root_len;

        memset(path + 1, 'a', 500);
        check_int(cgroup_classify(path, name, &root_len), CGROUP_OWNER_OTHER);
        check_int(strlen(name), BOARD_NAME - 1);
        check_int(root_len, 501);
        strcpy(path + 490, ".service");
        check_int(cgroup_classify(path, name, &root_len), CGROUP_OWNER_UNIT);
        check_int(strlen(name), BOARD_NAME - 1);
}

static void parsed(const char *text, const char *want)
{
        char path[CGROUP_PATH] = "untouched";

        check_int(cgroup_parse(text, path), strcmp(want, "untouched") != 0);
        check_str(path, want);
}

static void the_right_line_is_taken(void)
{
        parsed("0::/system.slice/foo.service\n", "/system.slice/foo.service");
        parsed("0::/\n", "/");
        parsed("9:name=systemd:/\n8:pids:/\n4:memory:/\n0::/\n", "/");
        parsed("9:name=systemd:/user.slice/session-1.scope\n4:memory:/user.slice\n0::/x\n",
                "/user.slice/session-1.scope");
        parsed("9:name=systemd:/\n8:pids:/docker/" ID "\n4:memory:/other\n0::/\n", "/docker/" ID);
        parsed("9:name=systemd:/\n8:pids:/p\n4:memory:/m\n2:cpuacct:/c\n0::/u\n", "/u");
        parsed("9:name=systemd:/\n8:pids:/p\n2:cpuacct:/c\n4:memory:/m\n0::/\n", "/m");
        parsed("8:pids:/p\n2:cpu,cpuacct:/c\n0::/\n", "/c");
        parsed("8:pids:/p\n1:cpuset:/s\n", "/p");
        parsed("1:cpuset:/s\n0::/\n", "/s");
        parsed("3:net_cls,net_prio,memory:/m\n1:cpuset:/s\n", "/m");
        /* the zombie on v1 with an empty cgroup2 beside */
        parsed("9:name=systemd:/\n4:memory:/\n0::/docker/" ID " (deleted)\n", "/docker/" ID);
        parsed("0::/a:b:c\n", "/a:b:c");
        parsed("0::/../other\n", "/../other");
        parsed("0::/last line without end", "/last line without end");
}

static void what_is_none_is_refused(void)
{
        const char *bad[] = {"", "\n", "\n\n", "0", "0:", "0::", "0::\n", "0::relative\n", ":x:/a\n",
                "x::/a\n", "hello\nworld\n", "-1::/a\n"};

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                parsed(bad[i], "untouched");
        parsed("garbage\n\n0::/a\nmore", "/a");
        parsed("0::/a\r\n", "/a\r");
        parsed("0::/\xff\xfe\x1b[2J\n", "/\xff\xfe\x1b[2J");
}

static void long_paths_become_ancestors(void)
{
        char text[1000] = "0::/docker/" ID, path[CGROUP_PATH], name[BOARD_NAME];
        uint32_t root_len;

        for (int i = 0; i < 40; i++)
                strcat(text, "/0123456789");
        strcat(text, "\n");
        check(cgroup_parse(text, path));
        check(strlen(path) > 200 && strlen(path) < CGROUP_PATH);
        check_int(strlen(path), 8 + 64 + 11 * 16);
        check_int(cgroup_classify(path, name, &root_len), CGROUP_OWNER_CONTAINER);
        check_str(name, ID);

        strcpy(text, "0::/");
        memset(text + 4, 'x', 500);
        strcpy(text + 504, "\n");
        check(cgroup_parse(text, path));
        check_str(path, "/");
}

static void all(void)
{
        test(containers_are_told);
        test(look_alikes_are_no_containers);
        test(units_are_told);
        test(long_names_are_cut);
        test(the_right_line_is_taken);
        test(what_is_none_is_refused);
        test(long_paths_become_ancestors);
}

int main(void)
{
        return tap_main(all);
}

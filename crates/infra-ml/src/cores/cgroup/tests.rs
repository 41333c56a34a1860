use tempfile::TempDir;

use super::*;

/// A tree of files below a temporary root.
struct Tree(TempDir);

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        for (path, content) in files {
            let path = tree.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        tree
    }

    /// A unified hierarchy at `/sys/fs/cgroup` with this process in `group`.
    fn v2(group: &str, files: &[(&str, &str)]) -> Self {
        let mut all = vec![("proc/self/mountinfo", V2_MOUNT)];
        let membership = format!("0::{group}\n");
        all.push(("proc/self/cgroup", &membership));
        all.extend(files);
        Self::new(&all)
    }

    /// The hierarchy of `cpu` and `cpuacct` with this process in `group`.
    fn v1(group: &str, files: &[(&str, &str)]) -> Self {
        let mut all = vec![("proc/self/mountinfo", V1_MOUNTS)];
        let membership = format!("5:memory:/elsewhere\n3:cpu,cpuacct:{group}\n2:cpuset:/elsewhere\n0::/\n");
        all.push(("proc/self/cgroup", &membership));
        all.extend(files);
        Self::new(&all)
    }

    fn cores(&self) -> Option<usize> {
        quota(self.0.path()).map(Quota::cores)
    }
}

const V2_MOUNT: &str = "\
22 1 259:2 / / rw,relatime - ext4 /dev/root rw
31 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate
";

const V1_MOUNTS: &str = "\
22 1 259:2 / / rw,relatime - ext4 /dev/root rw
30 22 0:25 / /sys/fs/cgroup ro shared:8 - tmpfs tmpfs ro,mode=755
33 30 0:30 / /sys/fs/cgroup/memory rw shared:14 - cgroup cgroup rw,memory
34 30 0:31 / /sys/fs/cgroup/cpu,cpuacct rw shared:15 - cgroup cgroup rw,cpu,cpuacct
35 30 0:32 / /sys/fs/cgroup/cpuset rw shared:16 - cgroup cgroup rw,cpuset
";

#[test]
fn a_quota_of_version_2_is_rounded_down_to_whole_cores() {
    for (limit, cores) in [
        ("400000 100000\n", 4),
        ("150000 100000\n", 1),
        ("399999 100000\n", 3),
        ("20000 100000\n", 1),
        ("50000 25000\n", 2),
        ("200000\n", 2),
    ] {
        let tree = Tree::v2("/service", &[("sys/fs/cgroup/service/cpu.max", limit)]);
        assert_eq!(tree.cores(), Some(cores), "{limit}");
    }
}

#[test]
fn a_quota_of_version_1_is_rounded_down_to_whole_cores() {
    for (limit, period, cores) in
        [("400000", "100000", Some(4)), ("150000\n", "100000\n", Some(1)), ("-1\n", "100000\n", None)]
    {
        let tree = Tree::v1(
            "/docker/1f",
            &[
                ("sys/fs/cgroup/cpu,cpuacct/docker/1f/cpu.cfs_quota_us", limit),
                ("sys/fs/cgroup/cpu,cpuacct/docker/1f/cpu.cfs_period_us", period),
            ],
        );
        assert_eq!(tree.cores(), cores, "{limit}");
    }
}

#[test]
fn max_is_no_quota() {
    let tree = Tree::v2("/service", &[("sys/fs/cgroup/service/cpu.max", "max 100000\n")]);
    assert_eq!(tree.cores(), None);
}

#[test]
fn the_smallest_quota_of_nested_groups_counts() {
    let limits = |outer, inner| {
        Tree::v2(
            "/kubepods/pod/main",
            &[
                ("sys/fs/cgroup/kubepods/cpu.max", outer),
                ("sys/fs/cgroup/kubepods/pod/cpu.max", "max 100000"),
                ("sys/fs/cgroup/kubepods/pod/main/cpu.max", inner),
            ],
        )
        .cores()
    };
    assert_eq!(limits("300000 100000", "800000 100000"), Some(3));
    assert_eq!(limits("800000 100000", "3000000 1000000"), Some(3));
    assert_eq!(limits("max 100000", "max 100000"), None);
}

#[test]
fn a_container_sees_its_own_group_at_the_mount_point() {
    // With a namespace of its own it is the root of all it sees, and the kernel writes `/../` for a group outside.
    for group in ["/", "/../other"] {
        let tree = Tree::v2(group, &[("sys/fs/cgroup/cpu.max", "200000 100000")]);
        assert_eq!(tree.cores(), Some(2), "{group}");
    }
    // Without one, the group at the mount point is named as on the host.
    let mounts = V1_MOUNTS.replace(" / /sys/fs/cgroup/cpu,cpuacct", " /docker/1f /sys/fs/cgroup/cpu,cpuacct");
    let quota = ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "200000");
    let period = ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000");
    for group in ["/docker/1f", "/docker/other"] {
        let tree = Tree::v1(group, &[("proc/self/mountinfo", &mounts), quota, period]);
        assert_eq!(tree.cores(), Some(2), "{group}");
    }
    let inner = [
        ("sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_quota_us", "100000"),
        ("sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_period_us", "100000"),
    ];
    let tree =
        Tree::v1("/docker/1f/inner", &[("proc/self/mountinfo", &mounts), quota, period, inner[0], inner[1]]);
    assert_eq!(tree.cores(), Some(1));
}

#[test]
fn the_smallest_quota_of_several_mounts_counts() {
    // Both versions at once, the unified hierarchy twice, and a mount point with a space.
    let mounts = format!(
        "{V1_MOUNTS}36 30 0:33 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n\
         37 22 0:33 /service /mnt/one\\040group rw - cgroup2 cgroup2 rw\n"
    );
    let files = |v1: &str, unified: &str, one: &str| {
        Tree::new(&[
            ("proc/self/mountinfo", &mounts),
            ("proc/self/cgroup", "3:cpu,cpuacct:/service\n0::/service\n"),
            ("sys/fs/cgroup/cpu,cpuacct/service/cpu.cfs_quota_us", v1),
            ("sys/fs/cgroup/cpu,cpuacct/service/cpu.cfs_period_us", "100000"),
            ("sys/fs/cgroup/unified/service/cpu.max", unified),
            ("mnt/one group/cpu.max", one),
        ])
        .cores()
    };
    assert_eq!(files("200000", "max 100000", "max 100000"), Some(2));
    assert_eq!(files("-1", "300000 100000", "400000 100000"), Some(3));
    assert_eq!(files("800000", "900000 100000", "500000 100000"), Some(5));
    assert_eq!(files("-1", "max", "max"), None);
}

#[test]
fn missing_files_are_no_quota() {
    assert_eq!(Tree::new(&[]).cores(), None);
    assert_eq!(Tree::new(&[("proc/self/cgroup", "0::/\n")]).cores(), None);
    assert_eq!(Tree::new(&[("proc/self/mountinfo", V2_MOUNT)]).cores(), None);
    assert_eq!(Tree::v2("/service", &[]).cores(), None);
    let limit = ("sys/fs/cgroup/cpu,cpuacct/service/cpu.cfs_quota_us", "100000");
    assert_eq!(Tree::v1("/service", &[limit]).cores(), None, "no period");
}

#[test]
fn garbage_is_no_quota() {
    for limit in
        ["", "\n", "max", "four 100000", "400000 0", "0 100000", "-5 100000", "400000 soon", "\u{fffd}"]
    {
        let tree = Tree::v2("/service", &[("sys/fs/cgroup/service/cpu.max", limit)]);
        assert_eq!(tree.cores(), None, "{limit:?}");
    }
    for (mounts, memberships) in [
        ("- - - -\n31 22 0:26 /\n - cgroup2\n", "0::/service\n"),
        (V2_MOUNT, "::\n0\n0:\nzero::/service\n7::/service\n"),
    ] {
        let limit = ("sys/fs/cgroup/service/cpu.max", "100000 100000");
        let tree = Tree::new(&[("proc/self/mountinfo", mounts), ("proc/self/cgroup", memberships), limit]);
        assert_eq!(tree.cores(), None);
    }
}

#[test]
fn a_group_that_is_garbage_does_not_hide_the_quota_of_another() {
    let tree = Tree::v2(
        "/outer/inner",
        &[("sys/fs/cgroup/outer/cpu.max", "200000 100000"), ("sys/fs/cgroup/outer/inner/cpu.max", "a lot")],
    );
    assert_eq!(tree.cores(), Some(2));
}

#[test]
fn a_path_cannot_leave_the_mount_point() {
    let tree =
        Tree::v2("/service/../../..", &[("cpu.max", "100000 100000"), ("sys/cpu.max", "100000 100000")]);
    assert_eq!(tree.cores(), None);
}

#[test]
fn the_memory_of_a_group_is_the_smallest_limit_above_it() {
    let limit = |files: &[(&str, &str)]| memory_limit(Tree::v2("/a/b", files).0.path());
    assert_eq!(limit(&[]), None);
    assert_eq!(limit(&[("sys/fs/cgroup/a/b/memory.max", "max\n")]), None);
    let nested = [("sys/fs/cgroup/a/b/memory.max", "2097152\n"), ("sys/fs/cgroup/a/memory.max", "1048576\n")];
    assert_eq!(limit(&nested), Some(1 << 20));
    let v1 = |limit: &str| {
        let path = "sys/fs/cgroup/memory/elsewhere/memory.limit_in_bytes";
        memory_limit(Tree::v1("/", &[(path, limit)]).0.path())
    };
    assert_eq!(v1("536870912\n"), Some(512 << 20));
    assert_eq!(v1("9223372036854771712\n"), None);
}

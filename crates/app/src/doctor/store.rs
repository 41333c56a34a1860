use std::path::Path;
use std::time::{Duration, Instant};

use application::action::chain;
use application::ports::{Clock, MigrationStep, StepState};
use cli::{Finding, moment};
use domain::value_objects::Timestamp;
use infra_local::SystemClock;
use rustix::fs::{Access, access, statvfs};

use crate::config::Settings;
use crate::container::Store;
use crate::doctor::size;

const SUBJECT: &str = "store";
const SCHEMA: &str = "schema";
const CLOCK: &str = "clock";
const DISK: &str = "disk";

/// The least free space for a database.
const LEAST_FREE: u64 = 64 << 20;
/// The free space below which it is time to act.
const LITTLE_FREE: u64 = 1 << 30;
/// The clocks of the service and the store should differ by less: leases and limits depend on the store's.
const CLOCKS_WITHIN: Duration = Duration::from_secs(2);
/// 2026-01-01, when there was no release yet.
const EARLIEST: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// Whether the store responds and accepts writes, its schema is this release's, the clocks agree and the disk has room.
pub(super) async fn examine(settings: &Settings, report: &mut dyn FnMut(Finding)) {
    let store = match Store::open_present(settings).await {
        Ok(store) => store,
        Err(error) => {
            let missing = missing_file(&error);
            report(
                missing.map_or_else(|| Finding::of_error(SUBJECT, &chain(error.as_ref()), ADVICE), absent),
            );
            report(clock(None));
            return missing.into_iter().for_each(|file| report(disk(file)));
        }
    };
    let asked = SystemClock.now();
    let facts = store.version_and_time().await;
    let now = halfway(asked, SystemClock.now());
    match (facts, store.migrator.status().await) {
        (Ok((version, store_time)), Ok(steps)) => {
            report(responds(settings, &store, &version, &steps).await);
            report(schema(&steps));
            report(clock(store_time.map(|time| (now, time))));
        }
        (Err(error), _) => report(Finding::of_error(SUBJECT, &chain(error.as_ref()), ADVICE)),
        (_, Err(error)) => report(Finding::of_error(SUBJECT, &chain(&error), ADVICE)),
    }
    store.file().into_iter().for_each(|file| report(disk(file)));
    store.close().await;
}

/// What to do about a store whose error does not say it.
const ADVICE: &str = "check store.url, and the database's own log";

/// The file of a SQLite database that does not exist.
fn missing_file(error: &anyhow::Error) -> Option<&Path> {
    error.chain().find_map(|cause| match cause.downcast_ref() {
        Some(infra_sqlite::OpenError::Missing(file)) => Some(file.as_path()),
        _ => None,
    })
}

/// A SQLite database that the first start creates, if it can.
fn absent(file: &Path) -> Finding {
    let folder = existing_folder(file);
    if folder.is_dir() && access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok() {
        return Finding::ok(SUBJECT, format!("SQLite, {}, which the first start creates", file.display()));
    }
    Finding::fail(
        SUBJECT,
        format!("{} cannot be created: this user may not write to {}", file.display(), folder.display()),
        "choose another file with --store, or change the folder's permissions",
    )
}

/// The lowest folder above `file` that exists.
fn existing_folder(file: &Path) -> &Path {
    file.ancestors().skip(1).find(|folder| folder.exists()).unwrap_or(Path::new("/"))
}

/// How fast the store responds, and whether it accepts writes; without tables there is nothing to write to.
async fn responds(settings: &Settings, store: &Store, version: &str, steps: &[MigrationStep]) -> Finding {
    let place = match store.file() {
        Some(file) => file.display().to_string(),
        None => settings.store.url.place().unwrap_or_else(|| "in memory".to_owned()),
    };
    let seen = format!("{version}, {place}");
    if steps.iter().all(|step| step.state == StepState::Missing) {
        return Finding::ok(SUBJECT, format!("{seen}, empty"));
    }
    if store.is_read_only() {
        let advice = "remove mode=ro from store.url to store predictions";
        return Finding::warn(SUBJECT, format!("{seen}, for reading only"), advice);
    }
    if let Err(error) = store.probe_writing().await {
        let error = format!("{seen}, accepts no writes: {}", chain(error.as_ref()));
        return Finding::of_error(SUBJECT, &error, "check the database's permissions, space and log");
    }
    // The first check has opened its connection.
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let started = Instant::now();
        if let Err(error) = store.health.check().await {
            return Finding::of_error(SUBJECT, &format!("{seen}: {}", chain(error.as_ref())), ADVICE);
        }
        fastest = fastest.min(started.elapsed());
    }
    Finding::ok(SUBJECT, format!("{seen}, writable, responds in {:.1} ms", fastest.as_secs_f64() * 1e3))
}

/// Whether the schema is that of this release.
fn schema(steps: &[MigrationStep]) -> Finding {
    let of = |state| steps.iter().filter(move |step| step.state == state);
    if let Some(altered) = of(StepState::Altered).next() {
        let seen = format!("migration {} was applied with other content", altered.version);
        return Finding::fail(SCHEMA, seen, "use the release that applied it, or a backup from before");
    }
    if let Some(newer) = of(StepState::Unknown).next_back() {
        let seen = format!("of a newer release: {} {}", newer.version, newer.description);
        return Finding::warn(SCHEMA, seen, "update this program, which serves such a schema meanwhile");
    }
    match (of(StepState::Missing).count(), steps.len()) {
        (0, all) => Finding::ok(SCHEMA, format!("{all} migrations, none missing")),
        (missing, all) if missing == all => {
            Finding::ok(SCHEMA, "no tables yet; the first start creates them")
        }
        (missing, all) => Finding::warn(
            SCHEMA,
            format!("of an older release: {missing} of {all} migrations are missing"),
            "make a backup; the next start applies them, or `undertone migrate up`",
        ),
    }
}

/// The moment between two.
fn halfway(earlier: Timestamp, later: Timestamp) -> Timestamp {
    earlier.plus(later.since(earlier) / 2)
}

/// Whether this machine's clock is plausible, and agrees with the store's, where it has one of its own: `ours` and
/// `theirs` at about the same moment.
fn clock(times: Option<(Timestamp, Timestamp)>) -> Finding {
    let now = SystemClock.now();
    let advice = "set the clock, and have a service such as chrony or systemd-timesyncd maintain it";
    if now < EARLIEST {
        return Finding::fail(CLOCK, format!("{}, which is in the past", moment(now)), advice);
    }
    let Some((ours, theirs)) = times else { return Finding::ok(CLOCK, moment(now)) };
    let difference = ours.since(theirs).max(theirs.since(ours));
    if difference > CLOCKS_WITHIN {
        let seen = format!("{}, {:.1} s from that of the store", moment(now), difference.as_secs_f64());
        return Finding::warn(CLOCK, seen, advice);
    }
    Finding::ok(CLOCK, format!("{}, {} ms from that of the store", moment(now), difference.as_millis()))
}

/// Whether there is room for the database `file`.
fn disk(file: &Path) -> Finding {
    space(DISK, existing_folder(file), "free some, or choose another place with --store")
}

/// Whether there is room in `folder`; `advice` where there is little.
pub(super) fn space(subject: &'static str, folder: &Path, advice: &str) -> Finding {
    let free = match statvfs(folder) {
        Ok(facts) => facts.f_bavail.saturating_mul(facts.f_frsize),
        Err(error) => return Finding::warn(subject, format!("{}: {error}", folder.display()), advice),
    };
    let seen = format!("{} free in {}", size(free), folder.display());
    match free {
        ..LEAST_FREE => Finding::fail(subject, seen, advice),
        LEAST_FREE..LITTLE_FREE => Finding::warn(subject, seen, advice),
        _ => Finding::ok(subject, seen),
    }
}

#[cfg(test)]
mod tests {
    use cli::Verdict;

    use super::*;

    fn steps(states: &[StepState]) -> Vec<MigrationStep> {
        let step = |(version, state): (i64, &StepState)| {
            let description = format!("step {version}");
            MigrationStep { version, description, state: *state }
        };
        (1..).zip(states).map(step).collect()
    }

    #[test]
    fn a_schema_is_of_this_release_an_older_or_a_newer_one() {
        use StepState::{Altered, Applied, Missing, Unknown};
        for (states, verdict, seen) in [
            (&[Applied, Applied][..], Verdict::Ok, "2 migrations, none missing"),
            (&[Missing, Missing], Verdict::Ok, "no tables yet; the first start creates them"),
            (&[Applied, Missing], Verdict::Warn, "of an older release: 1 of 2 migrations are missing"),
            (&[Applied, Unknown], Verdict::Warn, "of a newer release: 2 step 2"),
            (&[Altered, Applied], Verdict::Fail, "migration 1 was applied with other content"),
        ] {
            let finding = schema(&steps(states));
            assert_eq!((finding.verdict, finding.seen.as_str()), (verdict, seen));
        }
    }

    #[test]
    fn a_clock_that_differs_from_the_stores_is_a_warning() {
        let now = SystemClock.now();
        assert_eq!(clock(None).verdict, Verdict::Ok);
        assert_eq!(clock(Some((now, now.plus(Duration::from_millis(5))))).verdict, Verdict::Ok);
        let ahead = clock(Some((now, now.plus(Duration::from_mins(1)))));
        assert!(ahead.verdict == Verdict::Warn && ahead.seen.contains("60.0 s"), "{ahead:?}");
        assert_eq!(clock(Some((now, now.minus(Duration::from_mins(1))))).verdict, Verdict::Warn);
    }

    #[test]
    fn a_database_that_does_not_exist_needs_a_folder_that_can_be_written_to() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(absent(&folder.path().join("a/b/c.db")).verdict, Verdict::Ok);
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert_eq!(absent(&folder.path().join("file/c.db")).verdict, Verdict::Fail);
    }
}

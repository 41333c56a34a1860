//! The edges of buckets against a walk over the minutes of a zone's clock, as jiff shows it.

#![expect(clippy::unwrap_used, reason = "tests")]

use jiff::civil::DateTime;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// Zones whose clocks jump in unusual ways, each with days around the jumps.
const UNUSUAL: &[(&str, &[&str])] = &[
    // By 30 minutes.
    ("Australia/Lord_Howe", &["2026-04-05", "2026-10-04"]),
    // No jump, but 5 hours and 45 minutes ahead.
    ("Asia/Kathmandu", &["2026-03-29", "2026-10-25"]),
    ("America/New_York", &["2026-03-08", "2026-11-01"]),
    ("Europe/Berlin", &["2026-03-29", "2026-10-25"]),
    // Over 2011-12-30.
    ("Pacific/Apia", &["2011-12-30", "2011-09-24"]),
    // At midnight: back to the day before, and over the beginning of the day.
    ("America/Sao_Paulo", &["2018-02-18", "2018-11-04"]),
    ("America/Havana", &["2026-03-08", "2026-11-01"]),
    // One minute after midnight, back to the day before, for which the edge is rounded.
    ("America/St_Johns", &["2006-04-02", "2006-10-29"]),
    ("UTC", &["2026-01-01"]),
];

fn at(text: &str) -> Timestamp {
    Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

fn shown(edges: &[Timestamp]) -> Vec<String> {
    let show = |edge: &Timestamp| jiff::Timestamp::from_microsecond(edge.as_micros()).unwrap().to_string();
    edges.iter().map(show).collect()
}

fn edges(zone: &str, bucket: BucketWidth, from: &str, to: &str) -> Vec<String> {
    shown(&ZonedCalendar::new().edges(zone, bucket, at(from), at(to)).unwrap())
}

/// The local bucket that an instant lies in; a date that has begun stays the current one when the clock goes back.
fn label(bucket: BucketWidth, local: DateTime) -> DateTime {
    let date = local.date();
    let first = match bucket {
        BucketWidth::QuarterHour => return date.at(local.hour(), local.minute() / 15 * 15, 0, 0),
        BucketWidth::Hour => return date.at(local.hour(), 0, 0, 0),
        BucketWidth::Day => date,
        BucketWidth::Week => date - date.weekday().to_monday_zero_offset().days(),
        BucketWidth::Month => date.first_of_month(),
    };
    first.to_datetime(Time::midnight())
}

/// The edges by a walk in steps of `step` seconds from 70 days before the range until 70 days after it.
fn walked(zone: &str, bucket: BucketWidth, from: Timestamp, to: Timestamp, step: usize) -> Vec<Timestamp> {
    let zone = TimeZoneDatabase::bundled().get(zone).unwrap();
    let around = match bucket {
        BucketWidth::QuarterHour | BucketWidth::Hour => DAY,
        BucketWidth::Day => 4 * DAY,
        BucketWidth::Week => 20 * DAY,
        BucketWidth::Month => 70 * DAY,
    };
    let second = |instant: Timestamp| instant.as_micros().div_euclid(1_000_000);
    let first = (second(from) - around).div_euclid(QUARTER) * QUARTER;
    let (mut previous, mut begun): (Option<(i64, DateTime)>, Option<DateTime>) = (None, None);
    let mut found: Vec<i64> = Vec::new();
    for now in (first..second(to) + around).step_by(step) {
        let instant = instant(now).unwrap();
        let (offset, label) = (offset(&zone, now).unwrap(), label(bucket, zone.to_datetime(instant)));
        let is_edge = match bucket {
            BucketWidth::QuarterHour | BucketWidth::Hour => previous != Some((offset, label)),
            _ => begun.is_none_or(|begun| begun < label),
        };
        previous = Some((offset, label));
        begun = begun.max(Some(label));
        let rounded = now.div_euclid(QUARTER) * QUARTER;
        if is_edge && found.last() != Some(&rounded) {
            found.push(rounded);
        }
    }
    let micros = |edge: &i64| Timestamp::from_micros(edge * 1_000_000);
    let edges: Vec<Timestamp> = found.iter().map(micros).collect();
    let beginning = edges.iter().rposition(|edge| *edge <= from).unwrap();
    let end = edges.iter().position(|edge| *edge >= to).unwrap();
    edges[beginning..=end].to_vec()
}

fn assert_walked(zone: &str, bucket: BucketWidth, from: Timestamp, to: Timestamp, step: usize) {
    let edges = ZonedCalendar::new().edges(zone, bucket, from, to).unwrap();
    let walked = walked(zone, bucket, from, to, step);
    assert_eq!(shown(&edges), shown(&walked), "{zone} {bucket} {from:?} {to:?}");
    assert!(edges.is_sorted_by(|a, b| a < b));
}

#[test]
fn edges_are_right_across_both_changes_of_the_clocks() {
    for (zone, days) in UNUSUAL {
        for day in *days {
            let middle = at(&format!("{day}T00:00:00Z"));
            for bucket in BucketWidth::ALL {
                let days = std::time::Duration::from_hours(24);
                assert_walked(zone, bucket, middle.minus(days * 2), middle.plus(days * 2), 60);
                // Not at an edge, and within one bucket.
                let odd = std::time::Duration::from_micros(2_345_678_901);
                assert_walked(zone, bucket, middle.minus(odd), middle.plus(odd), 60);
                assert_walked(zone, bucket, middle, middle.plus(std::time::Duration::from_micros(1)), 60);
            }
        }
    }
}

#[test]
fn an_hour_that_the_clock_shows_twice_is_two_buckets() {
    let hours = |zone, from, to| edges(zone, BucketWidth::Hour, from, to);
    assert_eq!(
        hours("America/New_York", "2026-11-01T04:30:00Z", "2026-11-01T07:30:00Z"),
        ["04:00", "05:00", "06:00", "07:00", "08:00"].map(|time| format!("2026-11-01T{time}:00Z"))
    );
    // At 02:00 the clock of Lord Howe goes back to 01:30.
    assert_eq!(
        hours("Australia/Lord_Howe", "2026-04-04T14:00:00Z", "2026-04-04T16:30:00Z"),
        ["14:00", "15:00", "15:30", "16:30"].map(|time| format!("2026-04-04T{time}:00Z"))
    );
}

#[test]
fn an_hour_over_which_the_clock_jumps_is_short() {
    // At 02:00 the clock of Lord Howe goes forward to 02:30.
    assert_eq!(
        edges("Australia/Lord_Howe", BucketWidth::Hour, "2026-10-03T15:00:00Z", "2026-10-03T16:30:00Z"),
        ["14:30", "15:30", "16:00", "17:00"].map(|time| format!("2026-10-03T{time}:00Z"))
    );
}

#[test]
fn days_have_from_23_to_25_hours() {
    let days = |from, to| edges("Europe/Berlin", BucketWidth::Day, from, to);
    assert_eq!(
        days("2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"),
        ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z"]
    );
    assert_eq!(
        days("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        ["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"]
    );
}

#[test]
fn a_date_that_a_zone_skipped_has_no_bucket() {
    assert_eq!(
        edges("Pacific/Apia", BucketWidth::Day, "2011-12-29T12:00:00Z", "2011-12-31T00:00:00Z"),
        ["2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"]
    );
}

#[test]
fn weeks_begin_on_mondays_and_months_on_their_first() {
    assert_eq!(
        edges("Asia/Kathmandu", BucketWidth::Week, "2026-01-01T00:00:00Z", "2026-01-12T00:00:00Z"),
        ["2025-12-28T18:15:00Z", "2026-01-04T18:15:00Z", "2026-01-11T18:15:00Z", "2026-01-18T18:15:00Z"]
    );
    assert_eq!(
        edges("America/New_York", BucketWidth::Month, "2026-03-01T05:00:00Z", "2026-04-01T03:59:59Z"),
        ["2026-03-01T05:00:00Z", "2026-04-01T04:00:00Z"]
    );
}

#[test]
fn edges_of_odd_offsets_of_the_past_are_rounded_down() {
    // 19 minutes and 32 seconds ahead until 1937-07-01, in whose first seconds the clock jumped to 20 minutes.
    let (from, to) = (at("1937-06-30T12:00:00Z"), at("1937-07-01T12:00:00Z"));
    for zone in ["Europe/Amsterdam", "Africa/Monrovia", "Asia/Kathmandu", "America/Toronto"] {
        for bucket in [BucketWidth::QuarterHour, BucketWidth::Hour, BucketWidth::Day] {
            assert_walked(zone, bucket, from, to, 1);
            // In Toronto the clock jumped from 23:30 to 00:30 of the next day.
            assert_walked(zone, bucket, at("1919-03-30T12:00:00Z"), at("1919-04-01T00:00:00Z"), 1);
        }
    }
    assert_walked(
        "Africa/Monrovia",
        BucketWidth::Hour,
        at("1972-01-06T12:00:00Z"),
        at("1972-01-08T00:00:00Z"),
        1,
    );
}

#[test]
fn a_range_without_instants_has_no_edges() {
    let instant = "2026-01-01T00:00:00Z";
    assert!(edges("UTC", BucketWidth::Hour, instant, instant).is_empty());
    assert!(edges("UTC", BucketWidth::Hour, instant, "2025-01-01T00:00:00Z").is_empty());
}

#[test]
fn zones_are_found_by_name_in_any_case() {
    let of = |zone| {
        ZonedCalendar::new().edges(
            zone,
            BucketWidth::Hour,
            at("2026-01-01T00:00:00Z"),
            at("2026-01-01T01:00:00Z"),
        )
    };
    for zone in ["UTC", "Etc/UTC", "europe/berlin", "EUROPE/BERLIN", "US/Eastern"] {
        assert!(of(zone).is_ok(), "{zone}");
    }
    for zone in ["", "Europe/Atlantis", "+02:00", "EST5EDT,M3.2.0,M11.1.0", "../etc/passwd", "\0"] {
        assert_eq!(of(zone), Err(CalendarError::UnknownZone), "{zone}");
    }
}

#[test]
fn the_number_of_edges_is_limited() {
    let calendar = ZonedCalendar::new();
    let from = at("2026-01-01T00:00:00Z");
    let of = |quarters: u64| {
        let to = from.plus(std::time::Duration::from_mins(15 * quarters));
        calendar.edges("UTC", BucketWidth::QuarterHour, from, to)
    };
    assert_eq!(of(MAX_EDGES as u64 - 1).map(|edges| edges.len()), Ok(MAX_EDGES));
    assert_eq!(of(MAX_EDGES as u64), Err(CalendarError::TooManyEdges));
    assert_eq!(of(1_000_000), Err(CalendarError::TooManyEdges));
}

#[test]
fn instants_outside_of_the_calendar_are_refused() {
    let calendar = ZonedCalendar::new();
    let (first, last) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
    let hour = std::time::Duration::from_hours(1);
    for bucket in BucketWidth::ALL {
        assert_eq!(calendar.edges("UTC", bucket, first, first.plus(hour)), Err(CalendarError::OutOfRange));
        assert_eq!(calendar.edges("UTC", bucket, last.minus(hour), last), Err(CalendarError::OutOfRange));
        assert_eq!(calendar.edges("UTC", bucket, first, last), Err(CalendarError::TooManyEdges));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn edges_of_every_zone_are_those_of_its_clock(
        zone in any::<Index>(),
        bucket in proptest::sample::select(BucketWidth::ALL.to_vec()),
        from in 315_532_800_000_000_i64..2_208_988_800_000_000,
        length in 1_i64..3_000_000_000_000,
    ) {
        let database = TimeZoneDatabase::bundled();
        let names: Vec<_> = database.available().collect();
        let (from, to) = (Timestamp::from_micros(from), Timestamp::from_micros(from + length / 8));
        assert_walked(zone.get(&names).as_str(), bucket, from, to, 60);
    }
}

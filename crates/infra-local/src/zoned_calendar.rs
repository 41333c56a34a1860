use application::ports::{Calendar, CalendarError, MAX_EDGES};
use domain::value_objects::{BucketWidth, Timestamp};
use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Span, ToSpan};

/// The clocks and calendars of the IANA time zone database that is compiled into the program.
#[derive(Debug, Clone)]
pub struct ZonedCalendar {
    zones: TimeZoneDatabase,
}

/// The seconds of a quarter of an hour.
const QUARTER: i64 = 15 * 60;
const DAY: i64 = 24 * 60 * 60;

impl ZonedCalendar {
    /// The calendar over the compiled database.
    pub fn new() -> Self {
        Self { zones: TimeZoneDatabase::bundled() }
    }
}

impl Default for ZonedCalendar {
    fn default() -> Self {
        Self::new()
    }
}

impl Calendar for ZonedCalendar {
    fn edges(
        &self,
        zone: &str,
        bucket: BucketWidth,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Timestamp>, CalendarError> {
        let zone = self.zones.get(zone).map_err(|_| CalendarError::UnknownZone)?;
        if from >= to {
            return Ok(Vec::new());
        }
        let longest = longest(bucket);
        if to.since(from).as_secs() / longest.unsigned_abs() > MAX_EDGES as u64 {
            return Err(CalendarError::TooManyEdges);
        }
        let dates = |period| -> Result<Vec<Timestamp>, CalendarError> {
            collect(Dates::until(&zone, period, from)?, from, to)
        };
        match bucket {
            BucketWidth::QuarterHour | BucketWidth::Hour => {
                collect(Clock::until(&zone, longest, from)?, from, to)
            }
            BucketWidth::Day => dates(Period::Day),
            BucketWidth::Week => dates(Period::Week),
            BucketWidth::Month => dates(Period::Month),
        }
    }
}

/// At least the seconds of the longest bucket.
fn longest(bucket: BucketWidth) -> i64 {
    match bucket {
        BucketWidth::QuarterHour => QUARTER,
        BucketWidth::Hour => 4 * QUARTER,
        // With a date that the zone skipped.
        BucketWidth::Day => 2 * DAY,
        BucketWidth::Week => 8 * DAY,
        BucketWidth::Month => 32 * DAY,
    }
}

/// Returns the edges around the range from those of a zone, of which the first is `from` or earlier and none is earlier
/// than the one before it, in seconds.
fn collect(
    edges: impl Iterator<Item = Result<i64, CalendarError>>,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Timestamp>, CalendarError> {
    let mut collected: Vec<Timestamp> = Vec::new();
    for edge in edges {
        let edge = Timestamp::from_micros(edge?.div_euclid(QUARTER) * QUARTER * 1_000_000);
        let is_full = collected.len() == MAX_EDGES;
        match collected.last_mut() {
            Some(last) if edge <= *last => continue,
            Some(first) if edge <= from => *first = edge,
            Some(_) if is_full => return Err(CalendarError::TooManyEdges),
            _ => collected.push(edge),
        }
        if edge >= to {
            break;
        }
    }
    Ok(collected)
}

/// The instants at which a local clock shows a multiple of `width`, or jumps.
struct Clock<'a> {
    zone: &'a TimeZone,
    width: i64,
    /// The next edge.
    edge: i64,
    /// The clock's next jump.
    jump: Option<i64>,
}

impl<'a> Clock<'a> {
    /// The edges from the last one until `from` on.
    fn until(zone: &'a TimeZone, width: i64, from: Timestamp) -> Result<Self, CalendarError> {
        let from = from.as_micros().div_euclid(1_000_000);
        let multiple = from - (from + offset(zone, from)?).rem_euclid(width);
        let mut clock = Self { zone, width, edge: multiple, jump: next_jump(zone, multiple)? };
        while let Some(jump) = clock.jump.filter(|jump| *jump <= from) {
            clock.edge = jump;
            clock.jump = next_jump(zone, jump)?;
        }
        Ok(clock)
    }

    /// The edge after `edge`.
    fn after(&mut self, edge: i64) -> Result<i64, CalendarError> {
        let multiple = edge + self.width - (edge + offset(self.zone, edge)?).rem_euclid(self.width);
        match self.jump {
            Some(jump) if jump <= multiple => {
                self.jump = next_jump(self.zone, jump)?;
                Ok(jump)
            }
            _ => Ok(multiple),
        }
    }
}

impl Iterator for Clock<'_> {
    type Item = Result<i64, CalendarError>;

    fn next(&mut self) -> Option<Self::Item> {
        let edge = self.edge;
        Some(self.after(edge).map(|next| {
            self.edge = next;
            edge
        }))
    }
}

/// The seconds that the local clock is ahead of UTC.
fn offset(zone: &TimeZone, second: i64) -> Result<i64, CalendarError> {
    Ok(i64::from(zone.to_offset(instant(second)?).seconds()))
}

/// The first instant after `second` at which the local clock jumps.
fn next_jump(zone: &TimeZone, second: i64) -> Result<Option<i64>, CalendarError> {
    let current = zone.to_offset(instant(second)?);
    let jump = zone.following(instant(second)?).find(|transition| transition.offset() != current);
    Ok(jump.map(|transition| transition.timestamp().as_second()))
}

fn instant(second: i64) -> Result<jiff::Timestamp, CalendarError> {
    jiff::Timestamp::from_second(second).map_err(|_| CalendarError::OutOfRange)
}

/// The first instants of the dates at which days, weeks or months begin.
struct Dates<'a> {
    zone: &'a TimeZone,
    period: Period,
    /// The date of the next edge.
    date: Date,
}

#[derive(Clone, Copy)]
enum Period {
    Day,
    Week,
    Month,
}

impl Period {
    /// The first date of the period of `date`.
    fn first(self, date: Date) -> Result<Date, jiff::Error> {
        match self {
            Self::Day => Ok(date),
            Self::Week => date.checked_sub(date.weekday().to_monday_zero_offset().days()),
            Self::Month => Ok(date.first_of_month()),
        }
    }

    fn span(self) -> Span {
        match self {
            Self::Day => 1.day(),
            Self::Week => 1.week(),
            Self::Month => 1.month(),
        }
    }
}

impl<'a> Dates<'a> {
    /// The edges from the last one until `from` on, or one before it where a clock went back to the day before.
    fn until(zone: &'a TimeZone, period: Period, from: Timestamp) -> Result<Self, CalendarError> {
        let from = instant(from.as_micros().div_euclid(1_000_000))?;
        let date = period.first(zone.to_datetime(from).date()).map_err(|_| CalendarError::OutOfRange)?;
        Ok(Self { zone, period, date })
    }

    fn advance(&mut self) -> Result<i64, jiff::Error> {
        let edge = first_instant(self.zone, self.date)?;
        self.date = self.date.checked_add(self.period.span())?;
        Ok(edge)
    }
}

impl Iterator for Dates<'_> {
    type Item = Result<i64, CalendarError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.advance().map_err(|_| CalendarError::OutOfRange))
    }
}

/// The first instant of a date; of a later date where the zone skipped this one.
fn first_instant(zone: &TimeZone, date: Date) -> Result<i64, jiff::Error> {
    let midnight = zone.to_ambiguous_timestamp(date.to_datetime(Time::midnight()));
    let AmbiguousOffset::Gap { .. } = midnight.offset() else {
        return Ok(midnight.earlier()?.as_second());
    };
    // No clock showed midnight: the date begins with the jump over it.
    let before = midnight.earlier()?;
    let jump = zone.following(before).next().map(|transition| transition.timestamp());
    Ok(jump.unwrap_or(before).as_second())
}

#[cfg(test)]
mod tests;

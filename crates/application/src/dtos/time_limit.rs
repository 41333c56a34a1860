use std::time::{Duration, Instant};

use crate::ports::Deadline;

/// How long a request may take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TimeLimit {
    /// As long as it takes.
    #[default]
    Unlimited,
    /// As long as its route allows.
    OfRoute {
        /// When the request had arrived.
        arrived: Instant,
        /// What the client allows, if that is less.
        at_most: Option<Duration>,
    },
}

impl TimeLimit {
    /// Returns the deadline on a route that allows `route`.
    pub fn deadline(self, route: Duration) -> Deadline {
        match self {
            Self::Unlimited => Deadline::Never,
            Self::OfRoute { arrived, at_most } => {
                Deadline::At(arrived + at_most.map_or(route, |most| most.min(route)))
            }
        }
    }

    /// Returns the deadline of each line of a stream, on a route that allows `line` for each.
    pub fn deadline_of_line(self, line: Duration) -> Deadline {
        match self {
            Self::Unlimited => Deadline::Never,
            Self::OfRoute { at_most, .. } => {
                Deadline::AfterQueueing(at_most.map_or(line, |most| most.min(line)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_may_only_shorten_the_time_of_the_route() {
        let (arrived, route) = (Instant::now(), Duration::from_secs(10));
        let of_route = |at_most| TimeLimit::OfRoute { arrived, at_most };
        assert_eq!(TimeLimit::Unlimited.deadline(route), Deadline::Never);
        assert_eq!(of_route(None).deadline(route), Deadline::At(arrived + route));
        let second = Duration::from_secs(1);
        assert_eq!(of_route(Some(second)).deadline(route), Deadline::At(arrived + second));
        assert_eq!(of_route(Some(route * 2)).deadline(route), Deadline::At(arrived + route));
        assert_eq!(of_route(Some(second)).deadline_of_line(route), Deadline::AfterQueueing(second));
        assert_eq!(of_route(None).deadline_of_line(route), Deadline::AfterQueueing(route));
        assert_eq!(TimeLimit::Unlimited.deadline_of_line(route), Deadline::Never);
    }
}

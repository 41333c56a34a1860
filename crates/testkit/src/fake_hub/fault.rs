use crate::fake_hub::request::HubRequest;

/// What a hub, or the network before it, does to an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubFault {
    /// Answers with this status.
    Status {
        /// The status.
        status: u16,
        /// The hub's `X-Error-Code`.
        error_code: Option<&'static str>,
        /// The seconds of `Retry-After`.
        retry_after: Option<u64>,
    },
    /// Ends the connection after so many bytes of the body.
    CutAfter(usize),
    /// Sends no more after so many bytes of the body, and leaves the connection open.
    StallAfter(usize),
    /// Omits so many bytes at the end of the body, with a length that fits.
    Short(usize),
    /// Changes a byte in the middle of the body.
    Garbled,
    /// Answers a request for a range with the whole body.
    RangeIgnored,
    /// Answers a request for a range with the whole body, and ends the connection after so many bytes of it.
    RangeIgnoredAndCutAfter(usize),
    /// Answers a request for a range with one that begins a byte later, and says so.
    RangeShifted,
}

impl HubFault {
    /// An answer of this status and nothing more.
    pub fn status(status: u16) -> Self {
        Self::Status { status, error_code: None, retry_after: None }
    }

    /// A refusal with the hub's error code.
    pub fn refusal(status: u16, error_code: &'static str) -> Self {
        Self::Status { status, error_code: Some(error_code), retry_after: None }
    }
}

/// The planned faults.
#[derive(Debug, Default)]
pub(super) struct PlannedFaults(Vec<(String, usize, HubFault)>);

impl PlannedFaults {
    pub(super) fn plan(&mut self, part: &str, times: usize, fault: HubFault) {
        self.0.push((part.to_owned(), times, fault));
    }

    /// The fault for `request`, if one is due; those planned first come first.
    pub(super) fn take(&mut self, request: &HubRequest) -> Option<HubFault> {
        let is_due = |(part, times, _): &&mut (String, usize, HubFault)| {
            *times > 0 && request.path.contains(part.as_str())
        };
        let (_, times, fault) = self.0.iter_mut().filter(|_| request.method == "GET").find(is_due)?;
        *times -= 1;
        Some(fault.clone())
    }
}

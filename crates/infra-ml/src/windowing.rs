use std::ops::Range;

use application::ports::{MlError, WindowInfo};
use domain::value_objects::{Overflow, ReadOptions};

use crate::load_error::UnfitSetting;

/// How a text's tokens are cut into windows; special tokens are not counted here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Windowing {
    tokens: usize,
    overlap: usize,
}

/// How one text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The tokens that are read, from the first on.
    pub(crate) tokens: usize,
    /// The windows that they are read in.
    pub(crate) windowing: Windowing,
}

impl Windowing {
    /// Windows of `window` tokens, at most `most`, each sharing `overlap` with the one before.
    pub(crate) fn try_new(
        window: Option<u32>,
        overlap: Option<u32>,
        most: usize,
    ) -> Result<Self, UnfitSetting> {
        let tokens = window.map_or(most, |window| window as usize);
        if tokens == 0 || tokens > most {
            return Err(UnfitSetting::Window { window: window.unwrap_or(0), most });
        }
        let overlap = overlap.unwrap_or(0);
        if overlap as usize >= tokens {
            return Err(UnfitSetting::Overlap { overlap, window: tokens });
        }
        Ok(Self { tokens, overlap: overlap as usize })
    }

    /// The windows of a text of `tokens` tokens, in reading order, never none: a text without tokens has one empty
    /// window. The last window is as short as what is left: moved back until it were full it would count its tokens
    /// twice, which scored no better (`docs/performance.md`).
    pub(crate) fn spans(self, tokens: usize) -> Vec<Range<usize>> {
        if tokens <= self.tokens {
            return std::iter::once(0..tokens).collect();
        }
        // A window that began within the last overlap would hold nothing new.
        let starts = (0..tokens - self.overlap).step_by(self.tokens - self.overlap);
        starts.map(|start| start..tokens.min(start + self.tokens)).collect()
    }

    /// How a text of `tokens` tokens is read under `options`.
    ///
    /// # Errors
    /// `TooManyTokens` where the text is longer than the caller allows and was to be refused then.
    pub(crate) fn cut(self, tokens: usize, options: ReadOptions) -> Result<Cut, MlError> {
        let Some(max) = options.max_tokens else { return Ok(Cut { tokens, windowing: self }) };
        let most = max.get() as usize;
        match options.overflow {
            Overflow::Window => Ok(Cut { tokens, windowing: self.narrowed(most) }),
            Overflow::Truncate => Ok(Cut { tokens: tokens.min(most), windowing: self }),
            Overflow::Reject if tokens > most => {
                Err(MlError::TooManyTokens { max: max.get(), actual: tokens as u32 })
            }
            Overflow::Reject => Ok(Cut { tokens, windowing: self }),
        }
    }

    /// The same with windows of at most `most` tokens, of which at most half are shared: reading a text costs no more
    /// than about twice its tokens.
    fn narrowed(self, most: usize) -> Self {
        if most >= self.tokens {
            return self;
        }
        Self { tokens: most, overlap: self.overlap.min(most / 2) }
    }

    pub(crate) fn info(self) -> WindowInfo {
        WindowInfo { tokens: self.tokens as u32, overlap: self.overlap as u32 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn windowing(window: u32, overlap: u32) -> Windowing {
        Windowing::try_new(Some(window), Some(overlap), 510).unwrap()
    }

    #[test]
    fn a_text_that_fits_has_one_window() {
        for tokens in [0, 3, 4] {
            assert_eq!(windowing(4, 1).spans(tokens), std::iter::once(0..tokens).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_longer_text_has_overlapping_windows_and_a_last_one_of_what_is_left() {
        assert_eq!(windowing(4, 1).spans(5), [0..4, 3..5]);
        assert_eq!(windowing(4, 1).spans(10), [0..4, 3..7, 6..10]);
        assert_eq!(windowing(4, 0).spans(9), [0..4, 4..8, 8..9]);
        assert_eq!(windowing(4, 0).spans(8), [0..4, 4..8]);
    }

    #[test]
    fn the_models_maximum_is_the_window_where_none_is_given() {
        let windowing = Windowing::try_new(None, None, 510).unwrap();
        assert_eq!(windowing.info(), WindowInfo { tokens: 510, overlap: 0 });
    }

    #[test]
    fn a_window_or_an_overlap_that_cannot_be_is_refused() {
        assert!(matches!(
            Windowing::try_new(Some(511), None, 510),
            Err(UnfitSetting::Window { most: 510, .. })
        ));
        assert!(matches!(Windowing::try_new(Some(0), None, 510), Err(UnfitSetting::Window { .. })));
        assert!(matches!(
            Windowing::try_new(Some(8), Some(8), 510),
            Err(UnfitSetting::Overlap { window: 8, .. })
        ));
    }

    fn options(max_tokens: u32, overflow: Overflow) -> ReadOptions {
        ReadOptions { max_tokens: std::num::NonZeroU32::new(max_tokens), overflow }
    }

    #[test]
    fn a_text_is_read_as_it_was_asked_for() {
        let own = windowing(8, 3);
        let cut = |tokens, options| own.cut(tokens, options).unwrap();
        assert_eq!(cut(20, ReadOptions::default()), Cut { tokens: 20, windowing: own });
        assert_eq!(cut(20, options(5, Overflow::Truncate)), Cut { tokens: 5, windowing: own });
        assert_eq!(cut(4, options(5, Overflow::Truncate)), Cut { tokens: 4, windowing: own });
        assert_eq!(cut(5, options(5, Overflow::Reject)), Cut { tokens: 5, windowing: own });
        let refused = own.cut(6, options(5, Overflow::Reject));
        assert!(matches!(refused, Err(MlError::TooManyTokens { max: 5, actual: 6 })));
        assert_eq!(cut(20, options(9, Overflow::Window)), Cut { tokens: 20, windowing: own });
        assert_eq!(cut(20, options(4, Overflow::Window)), Cut { tokens: 20, windowing: windowing(4, 2) });
        assert_eq!(cut(20, options(1, Overflow::Window)), Cut { tokens: 20, windowing: windowing(1, 0) });
    }

    proptest! {
        #[test]
        fn narrowed_windows_hold_every_token_at_no_more_than_twice_the_cost(
            most in 1_u32..40, tokens in 1_usize..2_000,
        ) {
            let cut = windowing(30, 20).cut(tokens, options(most, Overflow::Window)).unwrap();
            let spans = cut.windowing.spans(tokens);
            prop_assert!(spans.iter().all(|span| span.len() <= (most as usize).min(30)));
            prop_assert_eq!(spans.last().map(|span| span.end), Some(tokens));
            let read: usize = spans.iter().map(Range::len).sum();
            prop_assert!(most >= 30 || read <= 2 * tokens, "{} of {}", read, tokens);
        }

        #[test]
        fn every_token_is_in_a_window_and_no_window_is_too_long(
            window in 1_u32..200, part in 0.0..1.0_f64, tokens in 0_usize..5_000,
        ) {
            let overlap = (f64::from(window - 1) * part) as u32;
            let spans = windowing(window, overlap).spans(tokens);
            let mut read = 0;
            for span in &spans {
                prop_assert!(span.start <= read && span.len() <= window as usize);
                prop_assert!(span.end > read || tokens == 0);
                read = span.end;
            }
            prop_assert_eq!(read, tokens);
        }
    }
}

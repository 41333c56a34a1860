use std::ops::Range;

use application::ports::{MlError, WindowInfo};
use domain::value_objects::{Overflow, ReadOptions};

use crate::load_error::UnfitSetting;

/// How the tokens of a text are cut into windows; special tokens are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Windowing {
    tokens: usize,
    overlap: usize,
}

/// Which tokens of a text are used, and in which windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The number of tokens that are used, from the first on.
    pub(crate) tokens: usize,
    /// How they are cut.
    pub(crate) windowing: Windowing,
}

impl Windowing {
    /// Creates windows of `window` tokens, by default and at most `most`, each sharing `overlap` with the one before.
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

    /// Returns the windows of a text of `tokens` tokens, in order. A text without tokens has one empty window. The last
    /// window holds only the remaining tokens: extending it backwards scored no better (`docs/performance.md`).
    pub(crate) fn spans(self, tokens: usize) -> Vec<Range<usize>> {
        if tokens <= self.tokens {
            return std::iter::once(0..tokens).collect();
        }
        // A window that starts within the last overlap has no tokens of its own.
        let starts = (0..tokens - self.overlap).step_by(self.tokens - self.overlap);
        starts.map(|start| start..tokens.min(start + self.tokens)).collect()
    }

    /// Cuts a text of `tokens` tokens according to `options`.
    ///
    /// # Errors
    /// `TooManyTokens` if the text is longer than the options allow and they ask to reject it.
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

    /// Limits the windows to `most` tokens and the overlap to half of that, so that the windows of a text have at most
    /// about twice its tokens.
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
    fn a_longer_text_has_overlapping_windows_and_a_shorter_last_one() {
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
    fn an_invalid_window_or_overlap_is_refused() {
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
    fn the_options_limit_tokens_or_windows() {
        let windows = windowing(8, 3);
        let cut = |tokens, options| windows.cut(tokens, options).unwrap();
        assert_eq!(cut(20, ReadOptions::default()), Cut { tokens: 20, windowing: windows });
        assert_eq!(cut(20, options(5, Overflow::Truncate)), Cut { tokens: 5, windowing: windows });
        assert_eq!(cut(4, options(5, Overflow::Truncate)), Cut { tokens: 4, windowing: windows });
        assert_eq!(cut(5, options(5, Overflow::Reject)), Cut { tokens: 5, windowing: windows });
        let refused = windows.cut(6, options(5, Overflow::Reject));
        assert!(matches!(refused, Err(MlError::TooManyTokens { max: 5, actual: 6 })));
        assert_eq!(cut(20, options(9, Overflow::Window)), Cut { tokens: 20, windowing: windows });
        assert_eq!(cut(20, options(4, Overflow::Window)), Cut { tokens: 20, windowing: windowing(4, 2) });
        assert_eq!(cut(20, options(1, Overflow::Window)), Cut { tokens: 20, windowing: windowing(1, 0) });
    }

    proptest! {
        #[test]
        fn narrowed_windows_cover_every_token_at_no_more_than_twice_the_cost(
            most in 1_u32..40, tokens in 1_usize..2_000,
        ) {
            let cut = windowing(30, 20).cut(tokens, options(most, Overflow::Window)).unwrap();
            let spans = cut.windowing.spans(tokens);
            prop_assert!(spans.iter().all(|span| span.len() <= (most as usize).min(30)));
            prop_assert_eq!(spans.last().map(|span| span.end), Some(tokens));
            let cost: usize = spans.iter().map(Range::len).sum();
            prop_assert!(most >= 30 || cost <= 2 * tokens, "{} of {}", cost, tokens);
        }

        #[test]
        fn every_token_is_in_a_window_and_no_window_is_too_long(
            window in 1_u32..200, part in 0.0..1.0_f64, tokens in 0_usize..5_000,
        ) {
            let overlap = (f64::from(window - 1) * part) as u32;
            let spans = windowing(window, overlap).spans(tokens);
            let mut covered = 0;
            for span in &spans {
                prop_assert!(span.start <= covered && span.len() <= window as usize);
                prop_assert!(span.end > covered || tokens == 0);
                covered = span.end;
            }
            prop_assert_eq!(covered, tokens);
        }
    }
}

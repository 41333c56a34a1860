use std::ops::Range;

use application::ports::WindowInfo;

use crate::load_error::LoadError;

/// How a text's tokens are cut into windows; special tokens are not counted here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Windowing {
    tokens: usize,
    overlap: usize,
}

impl Windowing {
    /// Windows of `window` tokens, at most `most`, each sharing `overlap` with the one before.
    pub(crate) fn try_new(window: Option<u32>, overlap: Option<u32>, most: usize) -> Result<Self, LoadError> {
        let tokens = window.map_or(most, |window| window as usize);
        if tokens == 0 || tokens > most {
            return Err(LoadError::Window { window: window.unwrap_or(0), most });
        }
        let overlap = overlap.unwrap_or(0);
        if overlap as usize >= tokens {
            return Err(LoadError::Overlap { overlap, window: tokens });
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
        assert!(matches!(Windowing::try_new(Some(511), None, 510), Err(LoadError::Window { most: 510, .. })));
        assert!(matches!(Windowing::try_new(Some(0), None, 510), Err(LoadError::Window { .. })));
        assert!(matches!(
            Windowing::try_new(Some(8), Some(8), 510),
            Err(LoadError::Overlap { window: 8, .. })
        ));
    }

    proptest! {
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

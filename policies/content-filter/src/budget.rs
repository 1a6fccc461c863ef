//! What one decision may cost.

/// What a decision may cost, in steps: bytes that are searched for one expression, or words of phrases that are
/// found. A step costs 500 to 1,000 fuel with ordinary expressions, of which one decision may take 500 million.
pub const STEPS_MAX: usize = 400_000;

/// The steps that a decision may still take.
#[derive(Debug)]
pub struct Budget {
    left: usize,
}

/// A decision would take too many steps.
#[derive(Debug, PartialEq, Eq)]
pub struct Exceeded;

impl Default for Budget {
    fn default() -> Budget {
        Budget { left: STEPS_MAX }
    }
}

impl Budget {
    /// Takes steps.
    ///
    /// # Errors
    /// If fewer are left.
    pub fn spend(&mut self, steps: usize) -> Result<(), Exceeded> {
        self.left = self.left.checked_sub(steps).ok_or(Exceeded)?;
        Ok(())
    }

    /// How many steps were taken.
    #[cfg(test)]
    pub fn spent(&self) -> usize {
        STEPS_MAX - self.left
    }
}

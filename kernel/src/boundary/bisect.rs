//! Finds the items of a frame that stop a step, so that the others can be carried out. For who runs
//! the kernel: a step cannot find out what stops itself.
//!
//! Trial runs leave no trace: what they return is thrown away. The run that counts is an entry of
//! the journal and names the items that it leaves out.

use crate::boundary::codec;
use crate::boundary::input::Input;
use crate::rows::id::ConnectionNo;

/// More items than a frame can hold: each takes some bytes of the protocol's frame limit.
const ITEMS_MAX: u32 = 1 << 18;

/// Trial runs that may stop before the rest of the frame is given up: some for every item of a
/// bad handful.
const STOPS_MAX: u32 = 96;

/// As above for runs that use up their fuel, each of which takes seconds.
const FUEL_STOPS_MAX: u32 = 4;

/// How a trial run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It returned.
    Returned,
    /// It was stopped.
    Stopped,
    /// It was stopped because its fuel was used up.
    OutOfFuel,
}

/// Runs an input, by [`codec`], without leaving a trace.
pub type Trial<'a, E> = dyn FnMut(&[u8]) -> Result<Ended, E> + 'a;

/// A frame that was stopped.
#[derive(Debug)]
pub struct Bisect<'a> {
    /// Its connection.
    pub connection: ConnectionNo,
    /// Its bytes.
    pub body: &'a [u8],
    stops: u32,
    fuel_stops: u32,
}

impl<'a> Bisect<'a> {
    /// Starts bisecting a frame.
    #[must_use]
    pub fn new(connection: ConnectionNo, body: &'a [u8]) -> Bisect<'a> {
        Bisect {
            connection,
            body,
            stops: 0,
            fuel_stops: 0,
        }
    }

    /// The input that carries the frame out without its culprits, or sets the whole frame aside.
    ///
    /// # Errors
    /// Those of a trial run.
    pub fn remedy<E>(mut self, reason: &str, trial: &mut Trial<'_, E>) -> Result<Input, E> {
        let whole = (0, ITEMS_MAX);
        if self.stops_alone(&[whole], trial)? {
            return Ok(self.quarantine(reason));
        }
        let mut culprits = Vec::new();
        let mut suspects = vec![whole];
        while let Some((first, end)) = suspects.pop() {
            let is_over = self.stops >= STOPS_MAX || self.fuel_stops >= FUEL_STOPS_MAX;
            if end - first == 1 || is_over {
                culprits.push((first, end));
                continue;
            }
            let middle = first + (end - first) / 2;
            let left = self.stops_within((first, middle), trial)?;
            let right = self.stops_within((middle, end), trial)?;
            match (left, right) {
                // They stop only together.
                (false, false) => culprits.push((first, end)),
                _ => {
                    suspects.extend(right.then_some((middle, end)));
                    suspects.extend(left.then_some((first, middle)));
                }
            }
        }
        culprits.sort_unstable();
        if self.stops_alone(&culprits, trial)? {
            return Ok(self.quarantine(reason));
        }
        Ok(self.input(culprits))
    }

    /// Whether a frame stops of which only these items are carried out.
    fn stops_within<E>(
        &mut self,
        (first, end): (u32, u32),
        trial: &mut Trial<'_, E>,
    ) -> Result<bool, E> {
        self.stops_alone(&[(0, first), (end, ITEMS_MAX)], trial)
    }

    /// Whether a frame stops of which these items are left out.
    fn stops_alone<E>(&mut self, skip: &[(u32, u32)], trial: &mut Trial<'_, E>) -> Result<bool, E> {
        let ended = trial(&codec::encode_input(&self.input(skip.to_vec())))?;
        self.stops += u32::from(ended != Ended::Returned);
        self.fuel_stops += u32::from(ended == Ended::OutOfFuel);
        Ok(ended != Ended::Returned)
    }

    fn input(&self, skip: Vec<(u32, u32)>) -> Input {
        Input::Frame {
            connection: self.connection,
            body: self.body.to_vec(),
            skip,
        }
    }

    fn quarantine(&self, reason: &str) -> Input {
        Input::Quarantine {
            connection: self.connection,
            body: self.body.to_vec(),
            reason: reason.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stops when an item that is carried out is one of these.
    fn remedy(bad: &[u32], always: bool) -> (Input, u32) {
        let mut runs = 0;
        let mut trial = |bytes: &[u8]| -> Result<Ended, ()> {
            runs += 1;
            let Ok(Input::Frame { skip, .. }) = codec::decode_input(bytes) else {
                return Ok(Ended::Returned);
            };
            let runs_it = |item: &u32| !skip.iter().any(|(a, b)| (*a..*b).contains(item));
            let is_stopped = always || bad.iter().any(runs_it);
            Ok(if is_stopped {
                Ended::Stopped
            } else {
                Ended::Returned
            })
        };
        let bisect = Bisect::new(ConnectionNo(3), b"{}");
        let input = bisect.remedy("trap", &mut trial).unwrap();
        (input, runs)
    }

    fn skipped(bad: &[u32]) -> Vec<(u32, u32)> {
        match remedy(bad, false).0 {
            Input::Frame { skip, .. } => skip,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_the_culprits_are_left_out() {
        assert_eq!(skipped(&[0]), [(0, 1)]);
        assert_eq!(skipped(&[7, 31, 49]), [(7, 8), (31, 32), (49, 50)]);
        assert!(remedy(&[7, 31, 49], false).1 < 150);
    }

    #[test]
    fn a_frame_that_stops_without_its_items_is_set_aside_whole() {
        let (input, runs) = remedy(&[], true);
        assert!(matches!(input, Input::Quarantine { .. }));
        assert_eq!(runs, 1);
    }

    #[test]
    fn with_too_many_culprits_the_rest_is_left_out_too() {
        let bad: Vec<u32> = (0..200).map(|n| n * 3).collect();
        let skip = skipped(&bad);
        for item in bad {
            assert!(skip.iter().any(|(a, b)| (*a..*b).contains(&item)));
        }
    }
}

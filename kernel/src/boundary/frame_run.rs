//! The sequence of steps that carries out a frame, for whoever runs the kernel: which input follows the one
//! that was carried out or stopped. A step cannot find out what stops it.
//!
//! A frame with more items than a step takes is kept and continued in further parts. If a part stops its
//! step, the responsible item is found by bisection, starting with as many items as that part has; each half
//! that succeeds is carried out. An item that stops a step alone is set aside, and all others are carried
//! out. Every step is an entry of the journal, so a replay needs none of this.

use crate::boundary::input::{FramePart, Input};
use crate::boundary::output::Reply;
use crate::model::limits::{FRAME_ITEMS_PER_STEP_MAX, FRAME_STOPS_MAX};
use crate::rows::id::ConnectionNo;

/// A frame while its steps are carried out.
#[derive(Clone, Debug)]
pub struct FrameRun {
    connection: ConnectionNo,
    body: Vec<u8>,
    /// The current or last part.
    part: Part,
    /// Maximum number of items in that part.
    most: u32,
    /// Items left, according to the last step that reported it.
    left: u32,
    /// Number of next items that are known to stop a step together.
    suspects: u32,
    stops: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Kept,
    Items,
    SetAside,
    /// The frame as a whole.
    Quarantine,
}

impl FrameRun {
    /// A frame that arrives.
    #[must_use]
    pub fn new(connection: ConnectionNo, body: Vec<u8>) -> FrameRun {
        FrameRun {
            connection,
            body,
            part: Part::Whole,
            most: u32::MAX,
            left: u32::MAX,
            suspects: 0,
            stops: 0,
        }
    }

    /// The connection that sent the frame.
    #[must_use]
    pub fn connection(&self) -> ConnectionNo {
        self.connection
    }

    /// How many of its steps were stopped.
    #[must_use]
    pub fn stops(&self) -> u32 {
        self.stops
    }

    /// The first input.
    #[must_use]
    pub fn first(&self) -> Input {
        Input::Frame {
            connection: self.connection,
            body: self.body.clone(),
            skip: Vec::new(),
        }
    }

    /// The input after a step that returned; `None` if its reply is the answer to the frame.
    #[must_use]
    pub fn after_reply(&mut self, reply: &Reply) -> Option<Input> {
        let Reply::Unfinished { left } = reply else {
            return None;
        };
        let done = self.left.saturating_sub(*left);
        self.left = *left;
        self.suspects = match self.part {
            Part::Kept => self.left.min(FRAME_ITEMS_PER_STEP_MAX),
            _ => self.suspects.saturating_sub(done),
        };
        Some(self.items())
    }

    /// The input after a step that was stopped, for a reason; `None` if there is none.
    #[must_use]
    pub fn after_stop(&mut self, reason: &str) -> Option<Input> {
        self.stops = self.stops.saturating_add(1);
        match self.part {
            Part::Whole => {
                self.part = Part::Kept;
                Some(self.input(FramePart::Keep(self.body.clone())))
            }
            Part::Items if self.stops >= FRAME_STOPS_MAX => Some(self.set_aside(u32::MAX)),
            Part::Items => match self.most.min(self.left) {
                0 | 1 => Some(self.set_aside(1)),
                suspects => {
                    self.suspects = suspects;
                    Some(self.items())
                }
            },
            Part::Kept | Part::SetAside => {
                self.part = Part::Quarantine;
                Some(Input::Quarantine {
                    connection: self.connection,
                    body: self.body.clone(),
                    reason: reason.to_string(),
                })
            }
            Part::Quarantine => None,
        }
    }

    fn items(&mut self) -> Input {
        self.part = Part::Items;
        self.most = match self.suspects {
            0 => FRAME_ITEMS_PER_STEP_MAX,
            suspects => suspects.div_ceil(2),
        };
        self.input(FramePart::Items(self.most))
    }

    fn set_aside(&mut self, most: u32) -> Input {
        self.part = Part::SetAside;
        self.input(FramePart::SetAside(most))
    }

    fn input(&self, part: FramePart) -> Input {
        Input::FramePart {
            connection: self.connection,
            part,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The outcome of a frame.
    #[derive(Default)]
    struct Ran {
        taken: Vec<u32>,
        aside: Vec<u32>,
        is_quarantined: bool,
        stops: u32,
        steps: u32,
    }

    /// Runs a frame of `items` items; those for which `bad` holds stop every step that carries them out.
    fn run(items: u32, bad: impl Fn(u32) -> bool) -> Ran {
        let mut run = FrameRun::new(ConnectionNo(3), b"{}".to_vec());
        let mut ran = Ran::default();
        let mut next = 0;
        let mut input = run.first();
        loop {
            ran.steps += 1;
            let most = match &input {
                Input::Frame { .. } => FRAME_ITEMS_PER_STEP_MAX,
                Input::FramePart { part, .. } => match part {
                    FramePart::Keep(_) => 0,
                    FramePart::Items(most) => (*most).min(FRAME_ITEMS_PER_STEP_MAX),
                    FramePart::SetAside(most) => *most,
                },
                _ => {
                    ran.is_quarantined = true;
                    return ran;
                }
            };
            let end = items.min(next + most.min(items));
            let is_aside = matches!(
                &input,
                Input::FramePart {
                    part: FramePart::SetAside(_),
                    ..
                }
            );
            let follows = if !is_aside && (next..end).any(&bad) {
                run.after_stop("trap")
            } else {
                let done = if is_aside {
                    &mut ran.aside
                } else {
                    &mut ran.taken
                };
                done.extend(next..end);
                next = end;
                let left = items - next;
                run.after_reply(&match left {
                    0 => Reply::Done,
                    left => Reply::Unfinished { left },
                })
            };
            ran.stops = run.stops();
            match follows {
                Some(next) => input = next,
                None => return ran,
            }
        }
    }

    #[test]
    fn a_frame_takes_as_many_steps_as_its_items_ask_for() {
        assert_eq!(run(0, |_| false).steps, 1);
        assert_eq!(run(FRAME_ITEMS_PER_STEP_MAX, |_| false).steps, 1);
        let long = run(FRAME_ITEMS_PER_STEP_MAX * 10 + 1, |_| false);
        assert_eq!((long.steps, long.stops), (11, 0));
    }

    #[test]
    fn an_item_that_stops_a_step_goes_alone() {
        for items in [1, 2, 3, 7, 100, 1_900] {
            for bad in [0, items / 2, items - 1] {
                let ran = run(items, |it| it == bad);
                assert_eq!(ran.aside, [bad], "of {items}");
                assert_eq!(ran.taken.len() + 1, items as usize);
                assert!(ran.stops <= 9, "{} stops", ran.stops);
            }
        }
    }

    #[test]
    fn a_handful_of_them_takes_no_other_with_it() {
        let bad = [3, 31, 400];
        let ran = run(1_000, |it| bad.contains(&it));
        assert_eq!(ran.aside, bad);
        assert_eq!(ran.taken.len(), 997);
    }

    #[test]
    fn with_too_many_the_rest_is_set_aside_and_named_to_the_peer() {
        let ran = run(1_000, |it| it >= 500);
        assert_eq!(ran.taken, (0..500).collect::<Vec<_>>());
        assert_eq!(ran.aside, (500..1_000).collect::<Vec<_>>());
        assert_eq!(ran.stops, FRAME_STOPS_MAX);
    }

    #[test]
    fn a_frame_that_stops_without_its_items_is_set_aside_whole() {
        let mut run = FrameRun::new(ConnectionNo(3), b"{}".to_vec());
        let kept = run.after_stop("trap");
        assert!(matches!(
            kept,
            Some(Input::FramePart {
                part: FramePart::Keep(_),
                ..
            })
        ));
        assert!(matches!(
            run.after_stop("trap"),
            Some(Input::Quarantine { .. })
        ));
        assert_eq!(run.after_stop("trap"), None);
    }
}

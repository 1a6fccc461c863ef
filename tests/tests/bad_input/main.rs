//! Invalid input: each gets the error that the protocol specifies, or an entry in the list of errors,
//! changes nothing else, and is counted by its reason.

mod away;
mod claims;
mod codes;
mod files;
mod floods;
mod frames;
mod items;
mod policies;
mod repeated;
mod stage;
mod times;

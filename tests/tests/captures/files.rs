//! Files of the recorded server: their announcements and their bytes.

use causeway_tests::peer::Answered;

use crate::differences::Difference;
use crate::incoming::keys;
use crate::json::Json;
use crate::player::Player;
use crate::recording::{Answer, Exchange};

impl Player {
    /// The bytes of a file get the recorded answer.
    pub fn check_bytes(&mut self, recorded: &Answer, ours: &Answered) {
        let body = Json::parse(&ours.body).unwrap_or(Json::Null);
        let theirs = recorded.body.json();
        self.expect("the status", ours.status, recorded.status);
        // The id of the file, or of the error.
        self.expect("the id", body.get("id").text(), theirs.get("id").text());
        if recorded.status == 200 {
            for key in ["user_id", "name", "size", "extension", "delete_at"] {
                let mapped = self.live_json(theirs.get(key));
                self.expect(key, body.get(key), &mapped);
            }
        }
    }

    /// A file is taken if the recorded server took it, unless it is not its sender's.
    pub fn check_announced(&mut self, exchange: &Exchange, theirs: &Json, ours: &Json) {
        let told = ours.get("status").text();
        let recorded = theirs.get("status").text();
        if exchange.by_hand() && (told, recorded) == ("FAIL", "OK") {
            return self.differs(Difference::OwnershipOfFiles);
        }
        self.expect("an announced file", told, recorded);
        if told == "OK" {
            let (ours, theirs) = (ours.get("payload"), theirs.get("payload"));
            self.expect("the session's keys", keys(ours), keys(theirs));
            let offset = |session: &Json| session.get("file_offset").integer();
            self.expect("the offset", offset(ours), offset(theirs));
        }
    }
}

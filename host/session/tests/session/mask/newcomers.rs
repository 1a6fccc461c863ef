//! People of the other workspace whose profiles arrive.

use causeway_kernel::model::{User, UserClass};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;

use super::chapters::{LOUNGE, id};
use super::story::{Story, text_of};

pub fn hear_of_users(story: &mut Story) {
    for (letter, name, at) in [
        ('d', "dora", 5),
        ('e', "dora", 5),
        ('f', "Dora", 5),
        ('g', "dora", 5),
        ('h', "x:yz", 5),
        ('e', "dolly", 7),
        ('g', "dora-2", 9),
        ('k', "", 1),
        (
            'm',
            "maria-magdalena-of-the-long-winding-road-to-nowhere-at-all",
            1,
        ),
    ] {
        let user = id(letter);
        story.sync(0, &format!(
            r#""users":{{"{user}":{{"id":"{user}","username":"{name}","update_at":{at},"email":"dora@globex.example",
            "props":{{"mood":"wonderful","RemoteUsername":"eve"}},"timezone":{{"manualTimezone":"Europe/Vienna"}},"locale":"xx-long"}}}}"#
        ));
    }
    for (letter, more) in [
        (
            'd',
            r#""is_bot":true,"bot_description":"wonderful marmalade""#,
        ),
        ('g', r#""roles":"system_guest""#),
    ] {
        let user = id(letter);
        story.sync(0, &format!(
            r#""users":{{"{user}":{{"id":"{user}","username":"dora{}","update_at":11,{more}}}}}"#,
            if letter == 'g' { "-2" } else { "" }
        ));
    }
    let class = |letter| {
        let rows = &story.nodes[0].rows;
        let user = lookup::user(rows, &id(letter)).unwrap();
        rows.get::<UserClass>(&user)
    };
    assert!(class('d').is_some_and(|class| class.is_bot()));
    assert_eq!(class('g'), Some(UserClass::Guest));
    let name = |letter| {
        let rows = &story.nodes[0].rows;
        let user = lookup::user(rows, &id(letter)).unwrap();
        rows.get::<User>(&user).unwrap().username
    };
    assert_eq!([name('d'), name('g')], ["dora:globex", "dora-2:globex"]);
    let mention = story
        .write(
            0,
            LOUNGE,
            "@dora-2:globex, @dora:globex: @Dora-2: @carol.b.-_ wonderful",
        )
        .unwrap();
    assert!(text_of(story, 0, mention).contains("@dora-2:globex"));
}

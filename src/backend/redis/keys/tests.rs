//! Tests of names and slots.

use super::*;

#[test]
fn a_room_is_read_back_from_its_channel() {
    for keys in [Keys::new("adda:", 0), Keys::new("adda:", 12)] {
        for name in ["general", "আড্ডা", "}{", "100%", "%7B", "a b:c", "a}@12"] {
            let room = RoomName::from_trusted(name);
            let channel = Channel::Room(room.clone());
            assert_eq!(keys.bus(&channel), keys.channel(&room));
            assert_eq!(keys.read_bus(&keys.bus(&channel)), Some(channel));
            assert_eq!(keys.room_of_members(&keys.members(&room)), Some(room));
        }
    }
}

#[test]
fn the_name_of_a_channel_is_unique() {
    let user = UserId::parse("a}@12{%").expect("a user id");
    let channels = [
        Channel::Control,
        Channel::User(user.clone()),
        Channel::Room(RoomName::from_trusted("control")),
        Channel::Room(RoomName::from_trusted(&format!("user:{{{user}}}"))),
    ];
    for keys in [Keys::new("adda:", 0), Keys::new("adda:", 12)] {
        let names: Vec<String> = channels.iter().map(|channel| keys.bus(channel)).collect();
        let read: Vec<Option<Channel>> = names.iter().map(|name| keys.read_bus(name)).collect();
        assert_eq!(read, channels.each_ref().map(|channel| Some(channel.clone())), "{names:?}");
    }
}

#[test]
fn each_database_has_channels_of_its_own() {
    let (room, node) = (RoomName::from_trusted("general"), NodeId::random());
    let [zero, one, eleven] = [0, 1, 11].map(|database| Keys::new("adda:", database));
    assert_eq!(one.channel(&room), "adda:{general}@1");
    for (keys, other) in [(&zero, &one), (&one, &zero), (&one, &eleven), (&eleven, &one)] {
        assert_eq!(keys.read_bus(&other.channel(&room)), None);
        assert_ne!(keys.canary(node, None), other.canary(node, None));
        assert_eq!(slot_of(&keys.channel(&room)), slot_of(&keys.log_keys(&room).written[0]));
    }
}

#[test]
fn every_key_of_a_room_has_one_hash_tag() {
    let keys = Keys::new("adda:", 0);
    let room = RoomName::from_trusted("}x{");
    assert_eq!(keys.log_keys(&room).read[1], "adda:{%7Dx%7B}:log");
    assert_eq!(keys.channel(&RoomName::from_trusted("general")), "adda:{general}");
}

#[test]
fn a_prefix_is_no_pattern() {
    assert_eq!(Keys::new("[a]*?\\:", 0).all_members(), "\\[a\\]\\*\\?\\\\:{*}:members");
}

#[test]
fn the_keys_of_a_script_share_a_slot() {
    let keys = Keys::new("adda:", 0);
    let nodes = slot_of(&keys.nodes());
    let listed = [keys.node_rooms("a"), keys.reaper("b")];
    let kept = [keys.vitals(), keys.restored(), keys.clock(), keys.leave_schedule(), keys.sweeper()];
    for key in kept.into_iter().chain(listed) {
        assert_eq!(slot_of(&key), nodes, "{key}");
    }
    assert_eq!(slot_of(&keys.room_versions()), slot_of(&keys.rooms()));
    let user = UserId::guest();
    assert_eq!(slot_of(&keys.account(&user)), slot_of(&keys.names()));
    assert_eq!(slot_of(&keys.setup()), slot_of(&keys.names()));
    let channel = |channel| slot_of(&keys.bus(&channel));
    assert_eq!(slot_of(&keys.notifications(&user)), channel(Channel::User(user.clone())));
    assert_eq!(slot_of(&keys.broadcasts()), channel(Channel::Control));
    assert_eq!(slot_of(&keys.schedules()), slot_of(&keys.clock()));
    assert_eq!(slot_of(&keys.due_schedules()), slot_of(&keys.clock()));
    assert_eq!(slot_of(&keys.report_subjects()), slot_of(&keys.reports()));
    assert_eq!(slot_of(&keys.earlier_secrets()), slot_of(&keys.secret()));
}

#[test]
fn slots_are_those_of_redis() {
    // Replies of CLUSTER KEYSLOT.
    for (key, slot) in [
        ("foo", 12182),
        ("{foo}bar", 12182),
        ("x{foo}{bar}", 12182),
        ("foo{}bar", 14292),
        ("foo{}{bar}", 8363),
        ("a{b", 13340),
        ("", 0),
    ] {
        assert_eq!(slot_of(key), slot, "{key}");
    }
    assert_eq!(slot_of("adda:{আড্ডা}:log"), slot_of("আড্ডা"));
}

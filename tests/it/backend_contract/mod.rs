//! The contract of every backend, written once and run against each: a suite a trait of `adda::backend`. Each case gets a
//! cluster of its own.

mod cluster;
mod cluster_resync;
mod log;
mod log_pages;
mod nodes;
mod presence;
mod pubsub;

use std::sync::Arc;

use self::nodes::Cluster;
use crate::harness::RedisCluster;

macro_rules! contract {
    ($($subject:ident { $($case:ident)* })*) => {
        mod memory {
            use super::*;
            $($(
                #[tokio::test]
                async fn $case() {
                    $subject::$case(Cluster::memory()).await;
                }
            )*)*
        }

        mod redis {
            use super::*;
            $($(
                #[tokio::test]
                async fn $case() {
                    if let Some(cluster) = Cluster::redis().await {
                        $subject::$case(cluster).await;
                    }
                }
            )*)*
        }

        /// One Redis Cluster for all cases, each with keys of its own: it takes long to form.
        #[tokio::test]
        async fn in_a_redis_cluster_all_of_it_holds() {
            let Some(redis) = RedisCluster::start().await.map(Arc::new) else { return };
            $($(
                eprintln!("{}", stringify!($case));
                $subject::$case(Cluster::redis_cluster(&redis)).await;
            )*)*
        }
    };
}

contract! {
    log {
        concurrent_posts_are_numbered_without_holes
        drafts_are_numbered_in_the_order_of_calling
        an_acked_message_is_in_the_log_as_its_client_sees_it
        a_nonce_is_posted_once_on_any_node
        a_nonce_with_other_content_is_refused
        a_nonce_that_is_sent_many_times_at_once_is_one_message
        a_nonce_is_its_users_and_its_rooms_own
        a_room_has_its_epoch_before_its_first_message
        heads_come_in_the_order_of_asking
        the_log_keeps_so_many_messages
        the_log_keeps_messages_for_so_long
        a_message_outlives_those_before_it
    }
    log_pages {
        the_newest_page_ends_with_the_head
        a_page_before_a_number_is_the_nearest_below_it
        a_page_above_a_number_is_the_nearest_above_it
        a_page_after_a_place_goes_on_from_it
        an_empty_room_has_empty_pages
        a_place_that_the_log_gave_is_proven
        a_place_that_the_log_never_gave_is_not_proven
        what_the_log_has_dropped_is_a_hole
        a_page_has_a_bound_in_bytes
        no_number_is_too_large_to_ask_for
        a_room_that_is_only_peeked_into_has_no_epoch
        a_peek_goes_on_where_the_page_before_ended
    }
    pubsub {
        all_nodes_hear_one_order
        a_node_hears_only_the_rooms_that_it_subscribed_to
        a_notice_reaches_every_node_as_it_was_sent
        users_and_nodes_have_channels_beside_those_of_rooms
        quick_changes_of_mind_never_leave_a_deaf_room
        a_subscription_that_nobody_waited_for_harms_no_later_one
        a_node_that_reads_too_late_is_told_so_and_harms_no_other
        large_messages_that_are_read_too_late_are_left_out_before_the_queue_is_full_by_number
        any_room_name_is_as_good_as_another
    }
    presence {
        a_users_first_session_joins_and_the_last_one_leaves
        who_bears_a_users_id_in_the_name_is_somebody_else
        an_entrance_is_told_who_is_there
        an_entrance_is_told_of_so_many_members_at_most
        entering_or_leaving_twice_is_once
        a_session_that_broke_off_is_gone_at_once_and_said_so_later
        a_user_who_comes_back_in_time_has_never_left
        a_user_who_comes_back_too_late_joins_again
        a_big_room_tells_only_counts
        members_come_in_pages_in_the_order_of_their_nodes
        a_page_goes_on_although_its_last_member_has_left
        the_busiest_rooms_are_the_largest
        rooms_come_in_pages_in_the_order_of_their_names
        an_empty_room_is_no_room
    }
    cluster_resync {
        what_is_missing_is_put_back_and_the_rest_removed
        other_nodes_sessions_stay
        what_is_right_already_is_not_told
        who_was_said_to_be_gone_comes_back_aloud
    }
    cluster {
        a_node_is_ready_once_others_had_time_to_learn_of_it
        the_living_nodes_say_of_themselves_what_they_said_last
        a_node_that_retires_is_gone_at_once
        a_dead_nodes_users_are_said_to_be_gone_exactly_once
        a_node_that_was_taken_for_dead_learns_it_and_comes_back
        after_a_silence_of_all_nobody_is_dead_at_once
        the_first_secret_is_kept
        a_subscription_is_fresh
    }
}

//! The contract of every backend, written once and run against each: the traits of `adda::backend`, and these
//! suites, one a concern. Each case gets a cluster of its own.

mod accounts;
mod cluster;
mod cluster_resync;
mod cursors;
mod figures;
mod file_sweep;
mod files;
mod log;
mod log_changes;
mod log_changes_bounds;
mod log_pages;
mod moderation;
mod nodes;
mod notifications;
mod preferences;
mod presence;
mod pubsub;
mod quotas;
mod reports;
mod rooms;
mod schedules;
mod standing;

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

        mod redis_cluster {
            use super::*;
            $(
                /// One Redis Cluster for all cases, each with keys of its own: it takes long to form.
                #[tokio::test]
                async fn $subject() {
                    let Some(redis) = RedisCluster::start().await.map(Arc::new) else { return };
                    $(
                        eprintln!("{}", stringify!($case));
                        // On the heap: all of them together are too large for the stack.
                        Box::pin($subject::$case(Cluster::redis_cluster(&redis))).await;
                    )*
                }
            )*
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
        the_log_keeps_a_maximum_number_of_messages
        the_log_drops_messages_after_their_ttl
        a_message_outlives_those_before_it
    }
    log_changes {
        an_edit_is_a_message_of_the_log
        a_deleted_message_has_no_content
        reactions_are_counted_and_name_those_who_reacted_first
        a_reaction_that_changes_nothing_has_no_number
        a_message_has_a_bounded_number_of_kinds_of_reactions
        only_its_author_edits_a_message_and_only_while_it_is_editable
        what_is_no_message_can_not_be_changed
        changes_and_messages_share_their_nonces
        a_reply_shows_what_it_replies_to_as_it_is_now
        a_page_after_a_place_has_changes_in_order_and_other_pages_do_not
        a_stored_edit_has_the_content_that_its_message_has_now
        every_page_shows_messages_as_they_are_now
    }
    log_changes_bounds {
        changes_push_no_message_out_of_the_log
        a_changed_message_leaves_the_log_in_its_turn
        dropped_changes_are_a_hole
        many_reactions_to_one_message_fit_a_page
        a_message_that_was_deleted_frees_its_reactions
        pages_of_many_changes_go_on_where_the_page_before_ended
    }
    log_pages {
        the_newest_page_ends_with_the_head
        a_page_before_a_number_is_the_nearest_below_it
        a_page_above_a_number_is_the_nearest_above_it
        a_page_after_a_place_goes_on_from_it
        an_empty_room_has_empty_pages
        a_place_that_the_log_gave_is_proven
        a_place_that_the_log_never_gave_is_not_proven
        dropped_messages_are_a_hole
        a_page_has_a_bound_in_bytes
        no_number_is_too_large_to_ask_for
        a_room_that_is_only_peeked_into_has_no_epoch
        a_peek_goes_on_where_the_page_before_ended
    }
    cursors {
        a_cursor_moves_forward_and_to_the_head_at_most
        cursors_of_many_rooms_come_in_the_order_of_asking
        a_reader_without_a_cursor_begins_at_the_head
        texts_of_others_behind_the_cursor_are_unread
        the_last_text_is_the_newest_that_is_not_deleted
        more_texts_than_one_call_looks_at_are_counted
        a_count_is_of_the_head_that_it_tells
        a_new_member_has_read_what_was_posted_before
        unread_texts_follow_a_model_on_every_node
        a_guest_that_is_far_behind_gives_way_where_a_room_has_too_many_cursors
    }
    pubsub {
        all_nodes_receive_events_in_one_order
        a_node_receives_only_the_rooms_that_it_subscribed_to
        a_notice_reaches_every_node_as_it_was_sent
        users_and_nodes_have_channels_beside_those_of_rooms
        an_event_of_a_user_reaches_the_nodes_that_follow_the_user
        quick_resubscriptions_never_leave_a_room_without_events
        an_abandoned_subscription_does_not_affect_a_later_one
        a_slow_node_is_notified_of_dropped_events_and_delays_no_other
        large_messages_are_dropped_before_the_queue_is_full_by_number
        any_room_name_works
    }
    quotas {
        all_nodes_take_from_one_bucket
        a_bucket_gives_what_it_has_and_says_when_there_is_more
        tokens_that_were_spent_before_are_deducted
        a_bucket_owes_as_much_as_it_can_hold_at_most
        each_limit_and_each_subject_has_a_bucket_of_its_own
    }
    presence {
        a_users_first_session_joins_and_the_last_one_leaves
        a_name_that_contains_another_users_id_is_another_user
        an_enter_returns_the_members
        an_enter_returns_a_bounded_number_of_members
        an_enter_tells_where_the_log_stands
        a_second_enter_or_leave_has_no_effect
        a_lost_session_is_removed_at_once_and_announced_after_the_grace_period
        a_user_who_returns_within_the_grace_period_is_not_announced
        a_user_who_returns_after_the_grace_period_joins_again
        a_large_room_announces_only_counts
        members_come_in_pages_in_the_order_of_their_nodes
        a_page_goes_on_although_its_last_member_has_left
        the_busiest_rooms_are_the_largest
        rooms_come_in_pages_in_the_order_of_their_names
        an_empty_room_is_no_room
    }
    cluster_resync {
        missing_sessions_are_restored_and_others_removed
        other_nodes_sessions_stay
        a_resync_without_changes_announces_nothing
        a_restored_user_whose_leave_was_announced_is_announced_again
    }
    cluster {
        a_node_is_ready_once_others_have_had_time_to_discover_it
        the_living_nodes_have_their_latest_statistics
        a_node_that_retires_is_gone_at_once
        leaves_of_a_dead_nodes_users_are_announced_exactly_once
        a_reaped_node_that_resumes_restores_its_sessions
        after_a_pause_of_all_renewals_no_node_is_dead_at_once
        the_first_secret_is_kept
        a_subscription_becomes_live
    }
    figures {
        every_node_reads_the_figures_of_all_in_their_order
        a_read_goes_on_after_a_place
        figures_outlive_their_node_and_each_is_stored_once
        no_read_returns_more_than_a_page
    }
    accounts {
        an_account_is_found_by_name_and_by_id_on_any_node
        a_name_that_looks_like_an_accounts_is_taken
        one_of_many_concurrent_accounts_of_a_name_is_created
        a_password_is_replaced_only_if_it_is_the_expected_one
        the_first_admin_is_created_once
        all_nodes_have_one_setup_code_until_an_admin_exists
    }
    standing {
        a_user_of_whom_nothing_is_stored_has_the_default_standing
        a_change_of_standing_is_seen_on_every_node
        each_generation_is_larger_than_the_one_before
        a_ban_ends_by_itself
        a_later_ban_replaces_an_earlier_one
        bans_come_in_pages_with_the_newest_first
        the_last_admin_keeps_the_role
        a_log_out_voids_the_token_that_is_shown_and_no_later_one_takes_that_back
        only_the_log_outs_of_guests_are_forgotten
        every_node_is_told_of_a_change_of_standing
    }
    preferences {
        everybody_shares_what_it_has_read_until_it_says_otherwise
        what_a_guest_prefers_is_forgotten_with_its_tokens
    }
    rooms {
        the_record_of_a_private_room_is_one_on_every_node
        the_relation_of_a_user_follows_each_change
        a_room_that_is_created_at_once_on_many_nodes_is_one
        a_removal_is_published_before_every_later_message
        a_deleted_room_has_no_messages
        only_members_post_to_a_private_room
        the_system_posts_to_each_private_room_that_there_is
        a_private_room_has_a_bounded_number_of_members
        the_list_of_a_users_rooms_is_its_own_and_bounded
        the_name_of_a_user_without_an_account_is_known_for_as_long_as_a_token
        private_rooms_are_on_no_list_of_occupied_rooms
    }
    moderation {
        a_room_without_rules_lets_everybody_speak
        the_rules_of_a_room_are_its_own_and_those_of_every_node
        a_mute_ends_by_itself_and_is_replaced_by_a_later_one
        each_change_of_rules_raises_the_version_and_a_kick_bears_its_own
        a_room_has_a_bounded_number_of_rules
        the_nodes_in_a_room_are_told_of_changed_rules
        the_record_is_read_in_pages_with_the_newest_first
        the_record_keeps_a_maximum_number_of_entries
    }
    reports {
        a_report_is_kept_on_every_node_until_it_is_settled
        a_user_reports_the_same_once
        a_user_that_reports_much_pushes_out_its_own_reports
        reports_come_in_pages_with_the_newest_first_and_the_oldest_are_dropped
    }
    files {
        a_file_is_found_on_any_node_once_its_bytes_are_stored
        an_upload_that_fails_leaves_nothing
        all_nodes_count_uploads_against_one_quota
        an_upload_counts_against_all_its_quotas
        what_an_upload_does_not_need_is_given_back
        a_repeated_upload_is_the_first_file
        an_upload_that_fails_is_repeated_at_once
        files_are_claimed_by_one_message_all_or_none
        files_of_others_and_of_other_rooms_are_not_claimed
        a_message_that_was_not_posted_gives_its_files_back
        a_file_that_was_removed_is_not_settled
    }
    file_sweep {
        one_node_sweeps_at_a_time
        files_that_no_message_claims_expire
        an_upload_that_expires_gives_its_bytes_back
        a_claimed_file_is_never_expired
        an_upload_under_way_does_not_expire
        a_room_is_swept_while_it_has_files
        posted_files_are_listed_in_the_order_of_their_messages
        rooms_with_files_are_returned_in_turn
        bytes_that_could_not_be_deleted_come_again
        files_without_a_record_are_known
        the_first_listing_waits
    }
    notifications {
        a_notification_is_its_users_own_and_is_read_on_every_node
        a_notification_is_sent_once
        the_nodes_of_a_user_are_told_of_a_notification_and_that_it_was_seen
        a_notification_to_all_is_one_record_and_each_user_sees_it_for_itself
        a_notification_can_be_taken_back
        a_notification_ends_by_itself
        the_newest_notifications_are_kept
    }
    schedules {
        schedules_are_listed_on_every_node_until_they_are_removed
        a_schedule_that_can_not_be_kept_is_refused
        each_due_time_is_claimed_once_and_keeps_its_phase
        a_claim_that_is_not_completed_is_claimed_again
        times_that_have_passed_are_claimed_once
        few_times_of_a_schedule_wait
    }
}

/// Declares the one list of cases: the constant [`CASES`] and the macro that expands a test for each.
macro_rules! declare_cases {
    (
        $dollar:tt
        any_store { $($module:ident { $($case:ident),* $(,)? })* }
        reading { $($read_module:ident { $($read_case:ident),* $(,)? })* }
        with_schema { $($schema_module:ident { $($schema_case:ident),* $(,)? })* }
    ) => {
        /// The names of all cases.
        pub const CASES: &[&str] =
            &[$($(stringify!($case),)*)* $($(stringify!($read_case),)*)* $($(stringify!($schema_case),)*)*];

        /// Expands one named test a case, and a second one for each case that reads, for the given
        /// [`SchemaHarness`](crate::SchemaHarness); with `, without schema` those cases only that any
        /// [`StoreHarness`](crate::StoreHarness) can run.
        #[macro_export]
        macro_rules! store_contract {
            (@test $dollar harness:ty, $dollar module:ident, $dollar case:ident) => {
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $dollar case() {
                    let harness = <$dollar harness as $crate::StoreHarness>::start().await;
                    $crate::cases::$dollar module::$dollar case(&harness).await;
                }
            };
            ($dollar harness:ty) => {
                $crate::store_contract!($dollar harness, without schema);
                $($($crate::store_contract!(@test $dollar harness, $schema_module, $schema_case);)*)*
            };
            ($dollar harness:ty, without schema) => {
                $($($crate::store_contract!(@test $dollar harness, $module, $case);)*)*
                $($($crate::store_contract!(@test $dollar harness, $read_module, $read_case);)*)*

                /// The cases that read, over a store in which another tenant has look-alikes of their rows.
                mod with_a_second_tenant {
                    use super::*;

                    $($($crate::store_contract!(
                        @test $crate::WithSecondTenant<$dollar harness>, $read_module, $read_case
                    );)*)*
                }
            };
        }
    };
}

declare_cases! { $
    any_store {
        interleavings {
            no_interleaving_shows_one_tenant_the_rows_of_another,
        }
        tenants {
            tenants_do_not_see_each_other,
            two_tenants_may_use_the_same_id,
            events_carry_their_tenant,
        }
        unit_of_work {
            dropping_a_unit_of_work_writes_nothing,
            an_empty_unit_of_work_commits,
            a_committed_write_is_seen_at_once,
            a_set_of_a_thousand_predictions_commits_whole,
            an_existing_id_is_a_conflict,
            a_conflict_inside_one_set_writes_nothing,
            a_missing_row_inside_one_set_writes_nothing,
            a_conflict_fails_alone_inside_a_group,
            a_missing_row_fails_alone_inside_a_group,
            one_of_many_commits_of_one_id_wins,
            an_abandoned_commit_is_whole_or_absent,
            a_unit_of_work_past_its_deadline_is_not_written,
        }
        tenant_registry {
            the_default_tenant_exists,
            a_changed_tenant_is_seen_at_once,
            an_existing_name_is_a_conflict,
            a_status_changes_from_the_expected_one_only,
            the_limits_of_a_tenant_are_changed_at_once,
            erasing_a_tenant_removes_its_rows_and_no_others,
        }
        audit_chain {
            lines_of_the_audit_are_numbered_without_gaps,
            lines_are_sealed_in_a_chain,
            a_change_that_fails_leaves_no_line,
            lines_are_paged_in_both_directions,
        }
        idempotency {
            tenants_do_not_share_keys,
            a_purge_removes_only_old_keys,
            a_key_that_is_claimed_again_is_young,
            two_replicas_grant_a_key_once,
        }
        usage {
            two_replicas_exceed_a_quota_by_one_group_each,
            texts_of_another_replica_use_up_the_quota,
            a_purge_removes_only_the_counts_of_old_days,
        }
        leases {
            one_of_two_relays_holds_the_lease,
            a_holder_renews_its_lease,
            a_dead_relays_lease_is_granted_to_another,
            a_released_lease_is_free_at_once,
            releasing_a_lost_lease_changes_nothing,
            the_fence_grows_with_every_holder,
            one_of_many_concurrent_callers_gets_the_lease,
            leases_of_different_names_are_apart,
            a_lease_that_ends_too_far_ahead_has_expired,
        }
        outbox {
            positions_follow_the_order_of_the_write_sets,
            events_of_one_set_stay_in_order_beside_others,
            an_event_comes_back_as_it_was_appended,
            payloads_hold_the_events_fields_and_no_text,
            positions_have_no_gaps,
            a_position_is_given_once,
            a_lost_lease_sequences_nothing,
            the_feed_is_read_up_to_a_position,
            the_feed_of_a_tenant_has_its_events_alone,
            bounds_are_those_of_what_was_sequenced_and_purged,
            a_purge_removes_only_old_events_of_the_feed,
            a_purge_removes_at_most_its_limit,
            the_oldest_event_without_a_position_has_an_age,
        }
        sinks {
            a_new_sink_begins_at_the_last_position,
            a_sink_is_moved_by_the_last_who_opened_it,
            a_sink_is_moved_from_where_it_is,
            the_progress_of_a_sink_is_reported,
        }
        rollups {
            a_step_changes_rollups_and_cursor_together,
            a_step_of_a_lost_lease_changes_nothing,
            a_step_is_applied_once,
            a_rollup_that_becomes_zero_is_removed,
            nothing_is_counted_for_an_erased_tenant,
            admitted_values_are_returned_by_tenant_and_day,
        }
        recounts {
            a_recount_replaces_the_rollups_of_its_range,
            a_recount_leaves_the_rest_outdated,
            the_last_prediction_of_a_range_is_found,
            a_snapshot_shows_one_instant,
            a_snapshot_shows_the_predictions_of_its_range,
            a_restart_marks_every_history_outdated,
            a_restart_marks_the_bucket_of_a_deletion_without_a_position,
            a_history_is_marked_from_its_first_bucket_to_its_last,
        }
        trends {
            rollups_of_a_tenant_are_summed_alone,
            rollups_are_selected_by_value_sentiment_and_model,
            nothing_is_counted_before_the_first_run,
            progress_is_that_of_the_oldest_event_that_waits,
            an_outdated_range_is_reported_where_it_overlaps,
            rollups_are_summed_between_edges,
            the_largest_groups_are_named,
            groups_of_too_many_rollups_are_refused,
            rollups_are_summed_by_groups,
        }
    }
    reading {
        round_trips {
            a_prediction_comes_back_as_it_was_stored,
            a_prediction_that_was_not_stored_is_not_found,
            a_prediction_without_sentiment_and_confidence_comes_back,
            every_sentiment_and_every_set_of_scores_comes_back,
            references_of_any_script_and_none_come_back,
            metadata_of_every_kind_comes_back,
            instants_come_back_to_the_microsecond,
            usage_comes_back_up_to_the_largest_counts,
            names_of_models_and_labels_come_back,
            many_predictions_come_back_in_the_order_of_their_ids,
        }
        round_trips_of_scores {
            extreme_probabilities_come_back_to_the_bit,
            raw_scores_come_back_to_the_bit,
            labels_stay_in_their_order,
        }
        round_trips_of_options {
            as_many_labels_come_back_as_were_answered,
            logits_come_back_to_the_bit,
            sentences_come_back,
        }
        round_trips_of_texts {
            difficult_texts_come_back,
            a_sweep_over_unicode_comes_back,
            random_texts_come_back,
            a_text_of_fifty_thousand_characters_comes_back,
        }
        deletion {
            a_deleted_prediction_is_gone,
            deleting_twice_finds_nothing_the_second_time,
            deleting_twice_in_one_set_deletes_nothing,
            inserting_and_deleting_in_one_set_leaves_nothing,
            deleting_and_inserting_in_one_set_replaces,
            one_of_many_deletions_of_one_row_wins,
            a_deleted_id_can_be_inserted_again,
        }
        filters {
            every_filter_alone_selects_its_rows,
            every_two_filters_together_select_the_rows_of_both,
            all_filters_together_select_the_rows_of_all,
            every_filter_applies_to_every_page,
            time_bounds_are_exact_to_the_microsecond,
            time_bounds_may_lie_far_away,
            confidence_bounds_are_exact,
            the_model_filter_ignores_the_revision,
            references_are_compared_exactly,
        }
        listing {
            an_empty_store_lists_nothing,
            pages_are_ordered_by_id_descending,
            ids_are_compared_by_all_their_bits,
            a_page_has_at_most_its_limit,
            a_page_begins_below_the_last_row,
            a_walk_sees_every_row_once_while_rows_come_and_go,
            a_walk_sees_every_row_once_beside_concurrent_writes,
            ten_thousand_rows_are_paged_through,
            a_row_that_cannot_be_read_is_left_out_of_lists,
            a_walk_passes_rows_that_cannot_be_read,
            a_row_that_cannot_be_read_fails_alone_among_many,
        }
        walking {
            the_newest_id_is_the_highest,
            an_ascending_walk_selects_the_rows_of_its_filter,
            an_ascending_walk_sees_every_row_once_while_rows_come_and_go,
            an_ascending_walk_passes_rows_that_cannot_be_read,
            a_page_of_a_walk_looks_at_a_bounded_number_of_rows,
            a_page_of_a_walk_ends_when_its_texts_are_large,
        }
        search {
            a_search_finds_whole_terms_only,
            a_search_ignores_case,
            a_search_distinguishes_accents,
            addresses_and_hyphens_are_found_by_their_terms,
            a_run_without_spaces_is_one_term,
            emoji_separate_terms_and_are_none,
            every_term_must_be_in_the_text,
            no_word_and_no_sign_is_an_operator,
            terms_between_quotes_and_signs_are_found,
            a_text_of_fifty_thousand_characters_is_found_by_every_term,
            a_very_long_run_is_found_by_its_beginning,
            deleted_texts_are_not_found,
            a_search_combines_with_other_filters,
        }
        analytics {
            a_walk_over_ids_counts_each_matching_row_once,
            a_step_examines_at_most_its_limit,
            ids_are_sampled_by_their_last_bits,
            texts_come_back_by_their_ids,
        }
        seeding {
            every_row_of_a_filled_store_is_walked,
            the_texts_of_a_filled_store_are_found,
            a_filled_store_has_nothing_to_publish,
        }
        keys {
            a_key_comes_back_as_it_was_issued,
            keys_are_listed_newest_first,
            tenants_do_not_see_each_others_keys,
            an_existing_key_id_is_a_conflict,
            a_revoked_key_is_revoked_at_once,
            the_end_of_a_key_only_comes_closer,
            the_last_use_of_a_key_only_moves_forward,
            a_key_has_the_status_of_its_tenant,
        }
        idempotency {
            one_of_two_requests_claims_a_key,
            a_key_is_not_given_to_another_request,
            a_key_is_claimed_again_after_its_lease,
            a_released_key_is_free_for_any_request,
            a_late_holder_stores_nothing,
            an_answered_key_returns_its_answer,
            a_lost_claim_fails_alone_inside_a_group,
        }
        usage {
            the_texts_of_all_replicas_are_summed,
            tenants_are_counted_apart,
            texts_above_the_quota_are_not_stored,
            a_quota_is_exact_inside_a_group,
        }
        audit_lines {
            a_line_comes_back_as_it_was_written,
            tenants_do_not_see_each_others_lines,
        }
    }
    with_schema {
        schema {
            migrating_twice_changes_nothing,
            the_steps_of_the_schema_are_listed_in_order,
            the_last_step_can_be_reverted,
            all_the_way_down_and_up_again_leads_to_an_empty_store,
            many_may_migrate_at_once,
            an_unknown_step_is_listed_and_left_alone,
            no_step_below_an_unknown_one_is_reverted,
            a_step_above_an_unknown_one_is_reverted,
        }
        newer_releases {
            a_scope_of_a_newer_release_is_not_granted,
        }
    }
}

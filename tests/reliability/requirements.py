"""The requirements of reliability, security and privacy, each with the tests that prove it, and
what is still open of it.

A proof is ``path::test`` below ``tests``; of a script the test is the beginning of its title.
``python -m tests reliability`` runs all of them with the long forms of this folder.
"""

from __future__ import annotations

from typing import NamedTuple


class Requirement(NamedTuple):
    """``says`` is the promise in short, ``lacks`` what of it is not proven, and why."""

    says: str
    proofs: tuple[str, ...] = ()
    lacks: str = ""


SEVERAL_USERS = "Lamina serves one person so far; several people are an issue of their own."
KILLS = "reliability/test_kills.py::test_no_confirmed_step_is_lost_and_runs_go_on_with_equal_pixels"
DISK = "reliability/test_bad_days_of_the_disk.py::"
FUZZ = "reliability/test_fuzz.py::test_damaged_"
JOBS = "studio/jobs/test_jobs.py::"
SAVED = "studio/projects/test_projects.py::"
PICTURE = "scene/formats/test_picture_file.py::"
ARCHIVE = "scene/formats/test_archive.py::"
GUARD = "ui/test_guard.py::"
LOAD = "models/test_load.py::"

REQUIREMENTS: dict[int, Requirement] = {
    1: Requirement(
        "A save that was shown as saved survives kill -9.",
        (KILLS, "studio/storage/test_kill.py::test_no_confirmed_save_is_lost"),
    ),
    2: Requirement(
        "Whichever operation of the disk fails, the old or the new version is there.",
        (
            "studio/storage/test_disk.py::"
            "test_whichever_operation_fails_the_old_or_the_new_file_is_there",
            "studio/storage/test_full_disk.py::"
            "test_whichever_operation_fails_once_the_pictures_are_tried_again_and_kept",
            "studio/storage/test_blobs.py::"
            "test_whichever_operation_fails_nothing_is_left_and_the_next_try_stores_it",
        ),
    ),
    3: Requirement(
        "What is drawn is saved within moments, and before each run.",
        (
            "web/bridge.test.mjs::edits in quick succession are saved once, 150 ms after",
            "web/bridge.test.mjs::generate saves first, without waiting",
            "web/never_loses.test.mjs::",
        ),
    ),
    4: Requirement(
        "After an unclean end, what was not saved comes back or is offered.",
        (
            "browser/test_painting.py::"
            "test_a_stroke_that_the_server_never_saw_is_there_after_the_page_crashed",
            "web/bridge.test.mjs::edits that never reached the server come back after a reload",
            "web/bridge.test.mjs::older unsaved edits of a scene that went on elsewhere",
        ),
        lacks=(
            "There is no choice at the start and no marked copy: what was unsaved is one step that "
            "undo takes back, or, where the scene went on elsewhere, an offer."
        ),
    ),
    5: Requirement(
        "Earlier versions of a scene are kept and can be opened.",
        (
            "studio/projects/test_steps.py::test_steps_outlive_the_server_with_what_was_undone",
            "studio/projects/test_snapshots.py::test_a_named_version_comes_back_as_it_was",
            "studio/storage/test_backups.py::test_a_lost_database_comes_back_from_its_newest_copy",
        ),
        lacks="Where the newest version is damaged, Home exports it and offers no earlier one.",
    ),
    6: Requirement(
        "A damaged file is refused by name, and the original stays.",
        (
            SAVED + "test_one_wrong_byte_is_harmless_or_refused",
            DISK + "test_damaged_rows_hide_nothing_that_is_sound",
            ARCHIVE + "test_damage_inside_the_texts_raises_lamina_errors_only",
        ),
        lacks="Rows of the database have no checksum of their own: SQLite's and JSON's tell.",
    ),
    7: Requirement(
        "What a newer Lamina wrote is named, and what is known of it is kept.",
        (
            "scene/test_repair.py::test_a_newer_file_is_called_newer",
            "scene/test_record.py::test_newer_formats_and_too_many_layers_have_their_own_sentence",
            "studio/projects/test_file_settings.py::"
            "test_a_newer_sampler_is_named_and_all_else_is_kept",
            "studio/storage/test_database.py::test_a_newer_format_is_refused_and_left_alone",
        ),
        lacks="Fields that are not known are named and left out when the scene is saved again.",
    ),
    8: Requirement(
        "Two pages never overwrite one another in silence.",
        (
            SAVED + "test_two_writers_lose_nothing_in_silence",
            "browser/test_editing.py::test_two_pages_never_overwrite_one_another_in_silence",
            "browser/test_undo_journey.py::test_of_two_versions_both_are_kept",
        ),
    ),
    9: Requirement(
        "A store has one owner by a lock of the system, free when its owner dies.",
        (SAVED + "test_the_store_folder_is_private_and_has_one_owner", KILLS),
    ),
    10: Requirement(
        "A disk that is full, read-only or gone damages nothing, and work goes on by itself.",
        (
            "studio/storage/test_full_disk.py::"
            "test_a_full_database_refuses_a_save_and_keeps_the_old_one",
            "studio/storage/test_full_disk.py::test_a_nearly_full_disk_still_saves_the_scene",
            DISK + "test_a_store_that_becomes_read_only_refuses_in_words_and_goes_on_by_itself",
            DISK + "test_a_run_waits_for_a_read_only_store_and_loses_no_picture",
            DISK + "test_a_store_that_is_moved_away_is_said_and_nothing_is_split",
            JOBS + "test_a_run_that_cannot_be_stored_is_refused_before_it_begins",
            GUARD + "test_an_upload_for_which_there_is_no_room_is_refused_before_it_comes",
        ),
    ),
    11: Requirement(
        "Order is a count and no clock; times are UTC.",
        (
            DISK + "test_a_clock_that_is_set_back_changes_no_order",
            DISK + "test_ten_years_ahead_nothing_goes_that_nobody_deleted",
            DISK + "test_places_of_the_world_write_the_same_times",
        ),
    ),
    12: Requirement(
        "Jobs live in the store; after any reload the run is found again.",
        (
            "browser/test_runs.py::test_a_reload_in_the_middle_finds_the_job_again",
            "browser/test_runs.py::test_a_run_that_ends_while_nobody_looks_is_there_after_a_reload",
            "browser/test_queue_journey.py::"
            "test_runs_are_moved_paused_found_after_a_reload_and_ended",
        ),
    ),
    13: Requirement(
        "One run at a time on a device, whatever is stopped.",
        (
            "reliability/test_endurance.py::test_never_two_runs_at_once_in_a_storm_of_stops",
            "workers/test_local.py::test_two_threads_never_run_at_the_same_time",
        ),
    ),
    14: Requirement(
        "A stop works in each phase, within a step, and leaves no half picture.",
        (
            JOBS + "test_cancel_in_each_phase",
            "workers/test_local.py::test_cancel_takes_effect_within_a_step_and_closes_the_method",
            "browser/test_runs.py::test_cancel_takes_effect_within_a_step_and_leaves_no_picture",
        ),
        lacks="While weights are loaded the stop waits for the load: libraries give no way out.",
    ),
    15: Requirement(
        "After a restart runs go on; one with which Lamina ends again and again is set aside.",
        (
            KILLS,
            "studio/storage/test_kill.py::"
            "test_a_job_whose_process_was_killed_goes_on_and_then_the_next",
            "workers/test_kill_run.py::test_a_killed_run_goes_on_with_equal_pixels",
            JOBS + "test_a_job_with_which_lamina_ended_twice_is_set_aside",
        ),
    ),
    16: Requirement("The end of a worker is noticed, and others go on.", lacks=SEVERAL_USERS),
    17: Requirement(
        "Memory that is not enough is said with numbers, and a run of the same size is tried.",
        ("workers/test_local.py::test_memory_that_is_not_enough",),
        lacks="Nothing smaller is tried by itself: no ladder of batches, tiles and offloading yet.",
    ),
    18: Requirement(
        "No picture of nothing is ever stored as a success.",
        (
            "engine/test_decode.py::test_numbers_that_are_not_finite_are_refused",
            "engine/test_decode.py::test_a_decoder_that_overflows_is_refused",
            "engine/test_decode.py::test_flat_black_is_refused",
        ),
        lacks="The decoder is not tried again in 32 bits; flat colours but black pass.",
    ),
    19: Requirement("Waiting is fair between people.", lacks=SEVERAL_USERS),
    20: Requirement(
        "A run has a time limit.",
        (JOBS + "test_a_run_that_takes_too_long_is_stopped_in_words",),
        lacks="A native call that hangs cannot be ended inside the server's own process.",
    ),
    21: Requirement(
        "PNG, JPEG and WebP by content; all else is named for what it is.",
        (PICTURE + "test_other_files_are_named_for_what_they_are",),
    ),
    22: Requirement(
        "Sizes are refused by the header, before anything is decoded.",
        (
            PICTURE + "test_sizes_are_refused_by_the_header",
            PICTURE + "test_the_limits_themselves_are_allowed_and_files_are_weighed",
            PICTURE + "test_truncated_files_are_damaged",
        ),
        lacks="Decoding has no process, memory limit or time limit of its own.",
    ),
    23: Requirement(
        "Pixels are right: orientation, 16 bits, CMYK, profiles, palettes, transparency.",
        (
            PICTURE + "test_cameras_orientations",
            PICTURE + "test_sixteen_bits_are_divided_by_257",
            PICTURE + "test_cmyk_becomes_srgb_and_says_so",
            PICTURE + "test_palettes_grey_one_bit_and_transparent_colours",
            PICTURE + "test_rgba_survives_a_png_value_for_value",
            SAVED + "test_pictures_come_back_as_they_were",
        ),
    ),
    24: Requirement(
        "What a camera wrote into a file is dropped.",
        (PICTURE + "test_metadata_is_dropped",),
    ),
    25: Requirement(
        "Damaged pictures meet errors in words, and none takes long.", (FUZZ + "pictures",)
    ),
    26: Requirement(
        "Scenes and messages are strict, and damage meets errors in words.",
        (FUZZ + "scenes", FUZZ + "messages_to_a_whole_studio"),
    ),
    27: Requirement(
        "Ids are unique, groups are whole, layers have an end.",
        (
            "scene/formats/test_grouping.py::test_a_group_that_does_not_fit_its_layers_is_refused",
            "scene/test_record.py::test_records_that_are_no_scene",
        ),
    ),
    28: Requirement(
        "Doubled keys and endless nesting are refused.",
        (
            GUARD + "test_a_body_that_is_not_strict_json_is_refused",
            ARCHIVE + "test_records_that_are_none",
            "scene/test_record.py::test_nesting_without_end_is_refused",
        ),
    ),
    29: Requirement(
        "Texts of all scripts survive as they were written.",
        (
            "reliability/test_words.py::"
            "test_texts_survive_save_reload_and_file_as_they_were_written",
        ),
        lacks="Control characters of direction are kept and not shown as such.",
    ),
    30: Requirement(
        "Words that a model cannot read are named.",
        ("plan/test_phrases.py::test_words_beyond_the_row_are_named",),
    ),
    31: Requirement(
        "A layer's words that the prompt lacks are told, with the nearest ones.",
        (
            "plan/test_phrases.py::test_the_table",
            "plan/test_phrases.py::test_the_nearest_words_are_offered",
            "browser/test_runs.py::"
            "test_a_phrase_that_is_not_in_the_prompt_is_told_and_mended_with_one_click",
        ),
    ),
    32: Requirement(
        "Archives are measured while they are read, and their names are never paths.",
        (
            ARCHIVE + "test_a_bomb_is_measured_while_it_is_read",
            ARCHIVE + "test_sizes_that_lie_do_not_help",
            ARCHIVE + "test_names_are_never_paths",
            ARCHIVE + "test_two_members_of_one_name_are_refused",
            FUZZ + "archives",
        ),
    ),
    33: Requirement(
        "Weights are safetensors by content, and no code of a folder runs.",
        (
            LOAD + "test_pickles_alone_are_refused",
            LOAD + "test_pickle_under_a_safe_name_is_refused",
            LOAD + "test_code_in_the_folder_is_never_imported",
        ),
    ),
    34: Requirement(
        "Headers of weights are read first; one that does not fit leaves the model working.",
        (
            FUZZ + "headers_of_weights",
            "models/test_catalog.py::test_two_hundred_bad_files_are_a_sentence_each",
            "models/test_lora.py::test_another_family_is_refused_with_both_widths",
            "models/test_single_file.py::"
            "test_a_file_that_cannot_be_loaded_leaves_the_loaded_model_alone",
        ),
    ),
    35: Requirement(
        "Nobody uploads weights: models are folders of the machine.",
        (GUARD + "test_every_live_route_is_needed_or_shut",),
    ),
    36: Requirement(
        "A guard stands before every route there is.",
        (
            GUARD + "test_every_live_route_is_needed_or_shut",
            GUARD + "test_strangers_are_refused_at_every_route_by_every_method",
        ),
        lacks="Routes have no owners: " + SEVERAL_USERS,
    ),
    37: Requirement(
        "No address but this machine's own is listened on.",
        (
            "workers/test_settings.py::test_other_hosts_than_loopback_are_refused",
            "ui/test_serve.py::test_the_environment_opens_no_door",
        ),
        lacks="A log-in, after which others could be: " + SEVERAL_USERS,
    ),
    38: Requirement(
        "Foreign hosts and origins are refused, whatever they ask.",
        (
            GUARD + "test_strangers_are_refused_at_every_route_by_every_method",
            "browser/test_mounting.py::test_a_page_of_another_site_gets_nothing_and_leaves_nothing",
        ),
        lacks="There is no cookie, as there are no people to be told apart.",
    ),
    39: Requirement(
        "Names never become paths.",
        (
            ARCHIVE + "test_names_are_never_paths",
            "ui/test_uploads.py::test_no_path_leads_out_and_nothing_outside_is_deleted",
            SAVED + "test_every_name_gives_a_harmless_file_name",
        ),
    ),
    40: Requirement(
        "No address that a page names is fetched; the whole suite stays on this machine.",
        (GUARD + "test_no_file_and_no_address_is_fetched_for_a_page",),
    ),
    41: Requirement(
        "Texts of people are texts and no markup.",
        (
            "browser/test_editing.py::test_text_of_people_stays_text",
            "browser/test_layer_journeys.py::test_html_pasted_into_the_prompt_is_plain_text",
        ),
    ),
    42: Requirement("Each person has limits.", lacks=SEVERAL_USERS),
    43: Requirement(
        "No log has the words of a person.",
        ("reliability/test_words.py::test_no_log_has_the_words_of_a_person",),
    ),
    44: Requirement(
        "What is deleted is gone from the disk within the day.",
        (
            "studio/projects/test_home.py::"
            "test_within_the_day_a_deleted_scene_is_gone_and_what_others_use_stays",
            "studio/projects/test_gallery.py::"
            "test_a_deleted_picture_is_gone_from_the_disk_within_the_day",
            "reliability/test_endurance.py::"
            "test_hundreds_of_runs_leave_no_trace_but_their_pictures",
            "reliability/test_endurance.py::test_strokes_that_undo_does_not_need_leave_the_disk",
        ),
    ),
    45: Requirement("Work on other machines asks for a token.", lacks=SEVERAL_USERS),
    46: Requirement(
        "A library with a known hole stops a release.",
        lacks="The list of holes is on the network, where no test goes; releases look it up.",
    ),
    47: Requirement(
        "Every refusal says what, limit and remedy, and never a traceback.",
        (
            "reliability/test_words.py::test_every_refusal_says_what_and_how_to_go_on",
            "reliability/test_words.py::test_no_reply_shows_the_inside_of_a_failure",
            GUARD + "test_refusals_fit_the_house_rule",
            FUZZ + "messages_to_a_whole_studio",
        ),
    ),
    48: Requirement(
        "Memory, files and threads stay as they are over hundreds of runs.",
        (
            "reliability/test_endurance.py::"
            "test_hundreds_of_runs_leave_no_trace_but_their_pictures",
            "reliability/test_endurance.py::"
            "test_the_ten_thousandth_step_is_as_much_work_as_the_first",
        ),
    ),
}


def list_proofs(folder: str) -> list[str]:
    """All proofs below a folder of ``tests``, each once; of the others with an empty name."""
    named = {proof for one in REQUIREMENTS.values() for proof in one.proofs}
    special = ("browser", "web", "reliability")
    first = {proof: proof.split("/")[0] for proof in named}
    return sorted(
        proof
        for proof in named
        if first[proof] == folder or (not folder and first[proof] not in special)
    )

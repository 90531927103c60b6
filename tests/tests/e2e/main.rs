//! The whole local stack, through its front door: `infra/up` with the real models and a scripted provider.
//!
//! One test, because one stack is started, used, stopped and started again. `infra/test` runs it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that can't go on has failed, and a long one says where it is"
)]

mod client;
mod clients;
mod knowledge;
mod mails;
mod samples;
mod stack;
mod team;
mod turns;

use client::Client;
use stack::Stack;
use stand_ins::provider::ScriptedProvider;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_stack_from_the_first_command_to_the_second_start() {
    let provider = ScriptedProvider::start().await.expect("a provider");
    let stack = Stack::start(&provider.url).await;
    step("the printed commands work as they are");
    stack.paste_the_printed_commands().await;

    let mut ada = Client::new(&stack.api);
    ada.register_and_log_in("ada").await;
    step("everything is ready");
    turns::everything_is_ready(&ada).await;
    step("a person gets in by mail");
    let mut secrets = mails::a_person_gets_in_by_mail(&stack).await;
    step("a team shares a tenant");
    secrets.extend(team::a_team_shares_a_tenant(&stack, &provider).await);
    step("wrong requests get their problems");
    turns::wrong_requests_get_their_problems(&ada).await;
    step("text streams while the model still writes");
    turns::text_streams_while_the_model_writes(&ada).await;
    step("a provider that breaks off is told");
    turns::a_broken_provider_is_told(&ada).await;
    step("clients that leave lose nothing");
    turns::clients_that_leave_lose_nothing(&ada).await;
    step("a run is read on after a break");
    turns::a_run_is_read_on_after_a_break(&ada).await;
    step("a turn in the background is answered");
    turns::a_turn_in_the_background_is_answered(&ada).await;
    step("a conversation gets its title from a job");
    turns::a_conversation_gets_its_title_from_a_job(&ada).await;
    step("documents are found by their meaning");
    knowledge::documents_are_found_by_meaning(&ada).await;
    step("OpenAI's libraries work as they are");
    secrets.extend(clients::openais_libraries_work_as_they_are(&stack).await);
    step("the real model answers token by token");
    let conversation = turns::the_real_model_answers(&ada).await;
    step("cargo lambda invoke answers the samples");
    samples::invoke_answers(&stack, &ada).await;
    step("keys rotate, and what is signed stays good");
    stack.rotate("signing-keys");
    stack.rotate("data-keys");
    turns::everything_is_ready(&ada).await;
    step("the logs are JSON and hold no secret");
    secrets.extend(ada.secrets());
    stack.logs_hold_no(&secrets).await;
    step("a second start is refused while the first runs");
    stack.a_second_start_is_refused();

    step("it stops cleanly");
    let stack = stack.stop_and_start_again(&provider.url).await;
    step("the conversation is found again");
    turns::the_conversation_is_found_again(&mut ada, &conversation).await;
    stack.stop().await;
}

fn step(what: &str) {
    eprintln!("e2e: {what}");
}

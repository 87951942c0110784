//! The simulated SMS provider in a process of its own, for demos and for tests that kill the relay.
//!
//! It prints its address on one line and runs until its standard input ends, so that it never outlives whoever started it.
#![allow(clippy::print_stdout)]

use std::{io::Write, net::SocketAddr, path::PathBuf};

use clap::Parser;
use offdesk_relay::demo::provider::{Options, Provider, StartError};

/// A provider with Twilio's API, on loopback.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The account's id.
    #[arg(long, default_value_t = Options::default().account_sid)]
    account_sid: String,
    /// The account's secret.
    #[arg(long, default_value_t = Options::default().auth_token)]
    auth_token: String,
    /// The relay's webhook for inbound messages; it can be told later with PUT /control/inbound-url.
    #[arg(long)]
    inbound_url: Option<url::Url>,
    /// A file for the log of texts.
    #[arg(long)]
    log: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<(), StartError> {
    let Arguments { listen, account_sid, auth_token, inbound_url, log } = Arguments::parse();
    let options = Options { listen, account_sid, auth_token, inbound_url, log, ..Options::default() };
    let provider = Provider::start(options).await?;
    println!("{}", provider.url());
    std::io::stdout().flush()?;
    // Ends with the standard input of whoever started it.
    let ended = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    let _ = ended.await;
    provider.stop().await;
    Ok(())
}

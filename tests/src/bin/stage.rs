//! The stage for suites in other languages: relays, provider and network in a process that is told over HTTP what happens.
//! See [`offdesk_tests::stage`] for what it understands.

use std::io::{self, Write};

use offdesk_tests::stage::Stage;

#[tokio::main]
async fn main() -> io::Result<()> {
    let stage = Stage::start().await?;
    writeln!(io::stdout(), r#"{{"control":"{}"}}"#, stage.url())?;
    // Whoever started it holds its standard input: a suite that dies takes its stage with it.
    tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink())).await??;
    stage.stop().await;
    Ok(())
}

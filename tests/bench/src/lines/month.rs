//! A relay after a month: 10,000 conversations with 200,000 messages are what a company of twenty says in one. How large its
//! database is, what is in it, how much of that could go (docs/adr/0013), and whether it is slower than a young one.

use offdesk_relay::store::StoreError;

use crate::{
    Context,
    lines::throughput::{LOADS, run},
    measure::bytes,
    stage::Stage,
    table::Row,
};

/// Tables and indexes, and what share of the month's database they are.
pub(super) async fn after(context: &Context) -> Vec<Row> {
    let line = "relay after a month";
    let stage = Stage::open(&context.cache, 10_000).await;
    let messages = stage.office.messages as u64;
    let sizes = stage
        .app()
        .store
        .read(|tx| {
            let sql = "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_schema m ON m.name = s.name
                       WHERE s.aggregate = 1 GROUP BY m.tbl_name ORDER BY 2 DESC";
            let mut statement = tx.connection().prepare(sql)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok::<_, StoreError>(rows.collect::<Result<Vec<(String, u64)>, _>>()?)
        })
        .await
        .unwrap();
    let all: u64 = sizes.iter().map(|(_, size)| size).sum();
    let mut rows = vec![Row::new(
        line,
        "database",
        format!("{} for {messages} messages: {} each", bytes(all), bytes(all / messages)),
    )];
    for (table, size) in sizes.iter().take(10) {
        rows.push(Row::new(
            line,
            format!("of which {table}, indexes included"),
            format!("{}, {} %", bytes(*size), size * 100 / all),
        ));
    }
    let folded = folded(&stage).await;
    rows.push(Row::new(line, "changes that their document's snapshot holds", folded));
    for load in LOADS {
        let (count, cost) = run(&stage, load).await;
        let rate = count as f64 / cost.wall.as_secs_f64();
        rows.push(Row::new(line, format!("accepted a second: {}", load.what), format!("{rate:.0}/s")));
    }
    rows
}

/// How many of the stored changes are in a snapshot too, and their bytes.
async fn folded(stage: &Stage) -> String {
    let sql = "SELECT count(*), sum(length(c.bytes)), sum(c.seq <= coalesce(s.seq, 0)),
               sum(CASE WHEN c.seq <= coalesce(s.seq, 0) THEN length(c.bytes) ELSE 0 END)
               FROM changes c LEFT JOIN snapshots s ON s.document = c.document";
    let read = move |tx: &offdesk_relay::store::ReadTx<'_>| {
        Ok::<_, StoreError>(tx.connection().query_row(sql, [], |row| {
            Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?, row.get::<_, u64>(2)?, row.get::<_, u64>(3)?))
        })?)
    };
    let (all, all_bytes, folded, folded_bytes) = stage.app().store.read(read).await.unwrap();
    format!("{folded} of {all} ({} of {})", bytes(folded_bytes), bytes(all_bytes))
}

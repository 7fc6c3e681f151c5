//! Reads a query's rows with prusto, page by page, into its `Row`, and counts them.
//!
//! `prusto-reader PORT SQL` prints `{"rows": N}`. Pages are followed with `get` and `get_next`,
//! because `get_all` would keep the whole result in memory. prusto gives a page that it cannot
//! decode as a page without rows, so whoever runs this has to compare the count.

use std::error::Error;

use prusto::{ClientBuilder, Row};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(port), Some(sql)) = (arguments.next(), arguments.next()) else {
        return Err("usage: prusto-reader PORT SQL".into());
    };
    let port = port.parse()?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(read(port, sql))
}

async fn read(port: u16, sql: String) -> Result<(), Box<dyn Error>> {
    let client = ClientBuilder::new("bench", "127.0.0.1")
        .port(port)
        .build()?;
    let mut rows = 0;
    let mut page = client.get::<Row>(sql).await?;
    loop {
        if let Some(error) = page.error {
            return Err(error.message.into());
        }
        rows += page.data_set.map_or(0, |data| data.len());
        let Some(next) = page.next_uri else { break };
        page = client.get_next::<Row>(&next).await?;
    }
    println!("{{\"rows\": {rows}}}");
    Ok(())
}

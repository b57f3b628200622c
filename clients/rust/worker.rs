//! hmserve run table.json -- ./worker
mod table;

use std::io::{self, Write};

fn main() -> io::Result<()> {
    let mut lines = io::stdin().lines();
    while let Some(Ok(line)) = lines.next() {
        let count = match line.strip_prefix("Request ").map(str::parse) {
            Some(Ok(count)) => count,
            _ => break,
        };
        let mut reply = format!("{},Probes,Kilobytes\n", lines.next().unwrap()?);
        for row in lines.by_ref().take(count) {
            let row = row?;
            let cells: Vec<&str> = row.split(',').collect(); // load,growth,probing
            let found = table::measure(cells[0].parse().unwrap(), cells[1].parse().unwrap(), cells[2]);
            reply += &format!("{row},{},{}\n", found[0], found[1]);
        }
        io::stdout().write_all(reply.as_bytes())?;
        io::stdout().flush()?;
    }
    Ok(())
}

//! How fast and how small can a hash table be? Two objectives, ask-tell: the answer is a front.
mod hmserve;
mod table;

fn main() -> hmserve::Result<()> {
    let options = hmserve::Options { ask_tell: true, ..Default::default() };
    let mut client = hmserve::Client::with("table.json", &["Probes", "Kilobytes"], options)?;
    client.minimise(|trial| Some(table::measure(trial.real("load")?, trial.real("growth")?, trial.text("probing")?)))?;
    for best in client.best()? {
        let values: Vec<String> = best.items.iter().map(|(name, text)| format!("{name}={text}")).collect();
        println!("{}", values.join(" "));
    }
    client.close()
}

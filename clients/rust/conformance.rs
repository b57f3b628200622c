//! The driver for ../conformance: SCENARIO DIALECT OUTPUTS.
mod hmserve;

use hmserve::{Client, Error, Options, Result, Trial};

fn black_box(trial: &Trial, outputs: &[&str], epochs: f64) -> Option<Vec<f64>> {
    let c = trial.text("c").unwrap_or_default();
    if c == "fails" {
        return None;
    }
    let x = trial.real("x")?;
    let mut value = x * x + trial.real("n").unwrap_or(0.0) + trial.real("m").unwrap_or(0.0);
    value += 1.0 / epochs;
    for (place, k) in trial.permutation("p").unwrap_or_default().into_iter().enumerate() {
        value += ((place + 1) * k) as f64;
    }
    let valid = if c == "infeasible" { 0.0 } else { 1.0 };
    let answer = |name: &&str| match *name {
        "Value" => value,
        "Cost" => 1.0 - x,
        "epochs" => epochs,
        _ => valid,
    };
    Some(outputs.iter().map(answer).collect())
}

fn tell(client: &mut Client, trial: &Trial, outputs: &[&str], ask_tell: bool) -> Result<()> {
    let c = trial.text("c").unwrap_or_default();
    let mut epochs = trial.real("epochs").unwrap_or(f64::INFINITY);
    if ask_tell && c == "lost" {
        return client.drop_trial(trial);
    }
    if ask_tell && outputs.contains(&"epochs") && epochs > 1.0 {
        let so_far = black_box(trial, outputs, 1.0).map_or(f64::NAN, |answer| answer[0]);
        if !client.report(trial, 1.0, so_far)? {
            epochs = 1.0;
        }
    }
    match client.tell(trial, black_box(trial, outputs, epochs).as_deref()) {
        Err(Error::Refused(reason)) => println!("refused {reason}"),
        other => other?,
    }
    if c == "stops" {
        client.stop()?;
        println!("status {}", client.status()?);
    }
    Ok(())
}

fn converse(arguments: &[String]) -> Result<()> {
    let (scenario, dialect, list) = match arguments {
        [_, scenario, dialect, list] => (scenario, dialect, list),
        _ => panic!("SCENARIO DIALECT OUTPUTS"),
    };
    let outputs: Vec<&str> = list.split(',').collect();
    let ask_tell = dialect == "ask-tell";
    let mut client = Client::with(scenario, &outputs, Options { ask_tell, ..Options::default() })?;
    let mut held: Option<Trial> = None;
    while let Some(trials) = client.ask(2)? {
        let waits = trials.is_empty();
        for trial in trials {
            if let Some(held) = held.replace(trial) {
                tell(&mut client, &held, &outputs, ask_tell)?;
            }
        }
        if waits || !ask_tell {
            if let Some(held) = held.take() {
                tell(&mut client, &held, &outputs, ask_tell)?;
            }
        }
    }
    for (name, text) in client.best()?.iter().flat_map(|trial| &trial.items) {
        println!("best {name}={text}");
    }
    client.close()?;
    println!("end");
    Ok(())
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Err(error) = converse(&arguments) {
        eprintln!("conformance: {error}");
        std::process::exit(1);
    }
}

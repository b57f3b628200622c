//! A client of hmserve in one file: the standard library only.
//!
//! ```ignore
//! mod hmserve;
//! let mut client = hmserve::Client::new("app.json", &["Seconds", "Valid"])?;
//! client.minimise(|trial| Some(vec![measure(trial.integer("tile").unwrap()), 1.0]))?;
//! println!("{:?}", client.best()?);
//! ```
#![allow(dead_code)]

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Debug)]
pub enum Error {
    /// hmserve could not be started, ended early, or said what cannot be understood.
    Hmserve(String),
    /// hmserve did not take a row (ask-tell); nothing has changed, the run goes on.
    Refused(String),
    /// The caller did something that the protocol has no room for.
    Misuse(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Hmserve(text) | Error::Refused(text) | Error::Misuse(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}

pub type Result<T> = std::result::Result<T, Error>;

/// One configuration: values by name. The fidelity, if the scenario has one, is a value too.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Names and values as hmserve wrote them, in its order.
    pub items: Vec<(String, String)>,
}

impl Trial {
    /// The text of a value; None where a parameter is inactive, or there is none of this name.
    pub fn text(&self, name: &str) -> Option<&str> {
        let (_, text) = self.items.iter().find(|(each, _)| each == name)?;
        (!text.is_empty()).then_some(text.as_str())
    }

    pub fn real(&self, name: &str) -> Option<f64> {
        self.text(name)?.parse().ok()
    }

    pub fn integer(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    pub fn permutation(&self, name: &str) -> Option<Vec<usize>> {
        let text = self.text(name)?.strip_prefix('(')?.strip_suffix(')')?;
        let places = text.split(',').map(str::trim).filter(|place| !place.is_empty());
        places.map(|place| place.parse().ok()).collect()
    }
}

/// Cuts a line at its commas, but not at those of a permutation.
fn cut(line: &str) -> Vec<String> {
    let mut cells = Vec::new();
    let mut rest = line;
    loop {
        let inner = |c: char| c.is_ascii_digit() || c == ',' || c == ' ';
        let after = rest.strip_prefix('(').map(|inside| inside.trim_start_matches(inner));
        let permutation = after.filter(|after| after.starts_with(')')).map_or(0, |after| rest.len() - after.len());
        match rest[permutation..].find(',') {
            Some(comma) => {
                let (cell, others) = rest.split_at(permutation + comma);
                cells.push(cell.to_string());
                rest = &others[1..];
            }
            None => {
                cells.push(rest.to_string());
                return cells;
            }
        }
    }
}

/// How hmserve is started.
#[derive(Default)]
pub struct Options {
    /// Its path; else the environment variable HMSERVE, else `hmserve`.
    pub program: Option<String>,
    /// Whether results come one by one, in any order.
    pub ask_tell: bool,
    /// More of its arguments, such as `--resume`.
    pub arguments: Vec<String>,
}

/// hmserve as a child process, which ends with the object.
pub struct Client {
    outputs: Vec<String>,
    ask_tell: bool,
    child: Child,
    to: Option<ChildStdin>,
    from: Option<BufReader<ChildStdout>>,
    messages: File,
    begun: bool,
    open: usize,
    best: Vec<Trial>,
    ended: bool,
}

impl Client {
    /// Starts hmserve. `outputs` are the columns you answer: objectives, measured constraints, feasibility; and the
    /// fidelity if you tell how far an evaluation went.
    pub fn new(scenario: &str, outputs: &[&str]) -> Result<Client> {
        Client::with(scenario, outputs, Options::default())
    }

    pub fn with(scenario: &str, outputs: &[&str], options: Options) -> Result<Client> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let variable = std::env::var("HMSERVE").ok().filter(|text| !text.is_empty());
        let program = options.program.or(variable).unwrap_or_else(|| "hmserve".to_string());
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let path = std::env::temp_dir().join(format!("hmserve-{}-{number}-{clock}.txt", std::process::id()));
        let cannot = |error: std::io::Error| Error::Hmserve(format!("cannot start {program}: {error}"));
        let mut command = Command::new(&program);
        command.args(["--config", scenario]).args(&options.arguments);
        if options.ask_tell {
            command.args(["--protocol", "ask-tell"]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // A file of its own, which has no name any more once both have it open: nothing is left behind.
        let written = OpenOptions::new().write(true).create_new(true).open(&path).map_err(cannot)?;
        let messages = File::open(&path);
        let _ = std::fs::remove_file(&path);
        let messages = messages.map_err(cannot)?;
        let mut child = command.stderr(written).spawn().map_err(cannot)?;
        Ok(Client {
            outputs: outputs.iter().map(ToString::to_string).collect(),
            ask_tell: options.ask_tell,
            to: child.stdin.take(),
            from: child.stdout.take().map(BufReader::new),
            child,
            messages,
            begun: false,
            open: 0,
            best: Vec::new(),
            ended: false,
        })
    }

    /// Asks for trials; None when the run is over. Classic: all of the next request, when all of the last one are
    /// told. Ask-tell: at most `count`, and none until one that is out is told.
    pub fn ask(&mut self, count: usize) -> Result<Option<Vec<Trial>>> {
        if self.ended {
            return Ok(None);
        }
        if self.ask_tell {
            self.write(&format!("Ask {count}\n"))?;
        } else if self.open > 0 {
            return Err(Error::Misuse(format!("{} trials of the last request have no result yet", self.open)));
        }
        loop {
            let line = self.read()?;
            if let Some(rows) = counted(&line, "Request ") {
                self.open = rows;
                self.begun = false;
                self.pass_on();
                return self.rows(rows).map(Some);
            }
            if line == "End of HyperMapper" {
                self.ended = true;
                if !self.ask_tell {
                    self.close()?;
                }
                return Ok(None);
            }
            if self.ask_tell && counted(&line, "Wait ").is_some() {
                return Ok(Some(Vec::new()));
            }
            if self.ask_tell || !self.aside(&line)? {
                return Err(self.garbage("a request", &line));
            }
        }
    }

    /// Tells what came of a trial: a value for each output (feasibility: 0 or 1), or None if it failed, as NaN for
    /// an objective says too.
    pub fn tell(&mut self, trial: &Trial, values: Option<&[f64]>) -> Result<()> {
        if values.map_or(false, |values| values.len() != self.outputs.len()) {
            return Err(Error::Misuse("expected a value for each output".to_string()));
        }
        let inputs: Vec<_> = trial.items.iter().filter(|(name, _)| !self.outputs.contains(name)).collect();
        let mut names: Vec<&str> = inputs.iter().map(|(name, _)| name.as_str()).collect();
        names.extend(self.outputs.iter().map(String::as_str));
        let mut cells: Vec<String> = inputs.iter().map(|(_, text)| text.clone()).collect();
        cells.extend((0..self.outputs.len()).map(|k| values.map_or(String::new(), |values| values[k].to_string())));
        let (header, row) = (names.join(",") + "\n", cells.join(",") + "\n");
        if self.ask_tell {
            return self.confirm(&format!("Tell 1\n{header}{row}"));
        }
        self.open = self.open.saturating_sub(1);
        let begun = std::mem::replace(&mut self.begun, true);
        self.write(&if begun { row } else { header + &row })
    }

    /// Gives back a trial that was never evaluated (ask-tell).
    pub fn drop_trial(&mut self, trial: &Trial) -> Result<()> {
        let number = trial.text("trial").unwrap_or_default().to_string();
        self.confirm(&format!("Drop 1\ntrial\n{number}\n"))
    }

    /// Says how a trial stands (ask-tell). False: end the evaluation, and tell it with the fidelity it has reached.
    pub fn report(&mut self, trial: &Trial, fidelity: f64, objective: f64) -> Result<bool> {
        let number = trial.text("trial").unwrap_or_default().to_string();
        match self.say(&format!("Report {number},{fidelity},{objective}\n"))?.as_str() {
            "Continue" => Ok(true),
            "Stop" => Ok(false),
            other => Err(self.garbage("Continue or Stop", other)),
        }
    }

    /// How the run stands (ask-tell), as JSON.
    pub fn status(&mut self) -> Result<String> {
        let line = self.say("Status\n")?;
        line.strip_prefix("Status ").map(String::from).ok_or_else(|| self.garbage("Status", &line))
    }

    /// Has no more trials handed out (ask-tell).
    pub fn stop(&mut self) -> Result<()> {
        self.confirm("Stop\n")
    }

    /// The best trials with their outputs. Classic: at the end, with `"print_best": true`.
    pub fn best(&mut self) -> Result<Vec<Trial>> {
        if !self.ask_tell {
            return Ok(self.best.clone());
        }
        let line = self.say("Best\n")?;
        match counted(&line, "Best ") {
            Some(rows) => self.rows(rows),
            None => Err(self.garbage("Best", &line)),
        }
    }

    /// Evaluates until the run is over.
    pub fn minimise(&mut self, mut function: impl FnMut(&Trial) -> Option<Vec<f64>>) -> Result<()> {
        while let Some(trials) = self.ask(1)? {
            for trial in &trials {
                let values = function(trial);
                self.tell(trial, values.as_deref())?;
            }
        }
        Ok(())
    }

    /// Ends the conversation; an error if the exit status of hmserve is not 0.
    pub fn close(&mut self) -> Result<()> {
        match self.leave() {
            Ok(status) if status.success() => {
                self.pass_on();
                Ok(())
            }
            _ => Err(self.death()),
        }
    }

    fn rows(&mut self, count: usize) -> Result<Vec<Trial>> {
        let names = cut(&self.read()?);
        let mut trials = Vec::new();
        for _ in 0..count {
            let row = self.read()?;
            let cells = cut(&row);
            if cells.len() != names.len() {
                return Err(self.garbage(&format!("{} values", names.len()), &row));
            }
            trials.push(Trial { items: names.iter().cloned().zip(cells).collect() });
        }
        Ok(trials)
    }

    /// Reads a block before the end; returns whether `line` begins one.
    fn aside(&mut self, line: &str) -> Result<bool> {
        match line {
            "Best point found:" => self.best = self.rows(1)?,
            "Minimum of the posterior mean:" => drop(self.rows(1)?),
            "" | "Multiple objectives, there is no single best point." => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn say(&mut self, message: &str) -> Result<String> {
        self.write(message)?;
        let answer = self.read()?;
        match answer.strip_prefix("Error ") {
            Some(reason) => Err(Error::Hmserve(format!("hmserve refused the message: {reason}"))),
            None => Ok(answer),
        }
    }

    fn confirm(&mut self, message: &str) -> Result<()> {
        let answer = self.say(message)?;
        let counts = answer.strip_prefix("Ok ").and_then(|rest| rest.split_once(' '));
        let refused = match counts.and_then(|(_, refused)| refused.parse::<usize>().ok()) {
            Some(refused) => refused,
            None => return Err(self.garbage("Ok", &answer)),
        };
        if refused == 0 {
            return Ok(());
        }
        let line = self.read()?;
        Err(Error::Refused(line.splitn(3, ' ').last().unwrap_or_default().to_string()))
    }

    fn write(&mut self, text: &str) -> Result<()> {
        match self.to.as_mut().map(|to| to.write_all(text.as_bytes()).and_then(|()| to.flush())) {
            Some(Ok(())) => Ok(()),
            _ => Err(self.death()),
        }
    }

    fn read(&mut self) -> Result<String> {
        let mut line = String::new();
        match self.from.as_mut().map(|from| from.read_line(&mut line)) {
            Some(Ok(_)) if line.ends_with('\n') => {
                line.truncate(line.trim_end_matches(['\r', '\n']).len());
                Ok(line)
            }
            _ => Err(self.death()),
        }
    }

    fn garbage(&mut self, expected: &str, line: &str) -> Error {
        let _ = self.child.kill();
        let _ = self.leave();
        let start: String = line.chars().take(200).collect();
        Error::Hmserve(format!("expected {expected} from hmserve, came '{start}'"))
    }

    fn death(&mut self) -> Error {
        let how = self.leave().map_or_else(|error| error.to_string(), |status| status.to_string());
        Error::Hmserve(format!("hmserve ended with {how}: {}", self.said().trim()))
    }

    /// Closes the pipes, so that neither waits for the other, and waits for the end of hmserve.
    fn leave(&mut self) -> std::io::Result<ExitStatus> {
        self.to = None;
        self.from = None;
        self.child.wait()
    }

    /// What hmserve wrote on standard error since the last time.
    fn said(&mut self) -> String {
        let mut text = Vec::new();
        let _ = self.messages.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    fn pass_on(&mut self) {
        let text = self.said();
        let _ = std::io::stderr().write_all(text.as_bytes()); // not eprint, which panics where it is closed
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.leave();
        self.pass_on();
    }
}

fn counted(line: &str, word: &str) -> Option<usize> {
    line.strip_prefix(word)?.parse().ok()
}

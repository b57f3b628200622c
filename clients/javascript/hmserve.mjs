// A client of hmserve in one file: Node.js 16 or later, no package. Types: hmserve.d.mts.
//
//     import { minimise } from './hmserve.mjs';
//     const best = await minimise('app.json', ['Seconds'], (trial) => measure(trial.tile));
//
// Or own the loop: new Hmserve(...), ask, tell, best, close. What hmserve complains of is thrown
// as HmserveError, a row that it does not take (ask-tell) as Refused.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export class HmserveError extends Error {
  name = 'HmserveError';
}

export class Refused extends HmserveError {
  name = 'Refused';
}

const CELL = /,((?:\([\d, ]*\))?[^,]*)/gy; // a permutation has commas that part no values
const texts = new WeakMap(); // of each trial: its names, and its values as they came

export class Hmserve {
  #child;
  #lines = [];
  #rest = '';
  #waiting = []; // for something to happen
  #said = '';
  #exit = null; // how it ended
  #queue = Promise.resolve(); // ask-tell: one message, one answer
  #outputs;
  #askTell;
  #labels;
  #open = 0;
  #header = '';
  #best = [];
  #ended = false;

  constructor(scenario, outputs, { askTell = false, program, arguments: more = [] } = {}) {
    this.#outputs = [outputs].flat();
    this.#askTell = askTell;
    this.#labels = categorical(scenario);
    const words = ['--config', String(scenario), ...more];
    if (askTell) words.push('--protocol', 'ask-tell');
    this.#child = spawn(program || process.env.HMSERVE || 'hmserve', words);
    this.#child.stdout.setEncoding('utf8').on('data', (text) => this.#hear(text));
    this.#child.stderr.setEncoding('utf8').on('data', (text) => (this.#said += text));
    this.#child.stdin.on('error', () => {}); // it is gone, which its end will tell
    this.#child.on('error', (error) => this.#finish(`cannot start hmserve: ${error.message}`));
    this.#child.on('close', (status, signal) => {
      const how = status === null ? `signal ${signal}` : `exit status ${status}`;
      this.#finish(`hmserve ended with ${how}: ${this.#said.trim()}`, status === 0);
    });
  }

  get outputs() {
    return [...this.#outputs];
  }

  // Trials, or null when the run is over. Classic: all of the next request, when all of the last one are
  // told. Ask-tell: at most `count`, and none until one that is out is told.
  ask(count = 1) {
    return this.#next(async () => {
      if (this.#ended) return null;
      if (this.#askTell) this.#write(`Ask ${count}\n`);
      else if (this.#open) throw new Error(`${this.#open} trials of the last request have no result yet`);
      for (;;) {
        const line = await this.#read();
        const request = /^Request (\d+)$/.exec(line);
        if (request) {
          const trials = await this.#rows(Number(request[1]));
          this.#open = trials.length;
          this.#header = '';
          this.#passOn();
          return trials;
        }
        if (line === 'End of HyperMapper') {
          this.#ended = true;
          if (!this.#askTell) await this.close();
          return null;
        }
        if (this.#askTell && /^Wait \d+$/.test(line)) return [];
        if (this.#askTell || !(await this.#aside(line))) throw this.#garbage('a request', line);
      }
    });
  }

  // What came of a trial: a number, a value for each output in their order, or null if it failed.
  async tell(trial, result) {
    if (!texts.has(trial)) throw new TypeError('expected a trial as it came from ask');
    const values = result === null || result === undefined ? this.#outputs.map(() => '') : [result].flat();
    if (values.length !== this.#outputs.length) throw new TypeError('expected a value for each output');
    const inputs = texts.get(trial).filter(([name]) => !this.#outputs.includes(name));
    const header = [...inputs.map(([name]) => name), ...this.#outputs].join(',');
    const row = [...inputs.map(([, text]) => text), ...values].join(',');
    return this.#next(async () => {
      if (this.#askTell) return this.#confirm(`Tell 1\n${header}\n${row}\n`);
      this.#write(this.#header === header ? `${row}\n` : `${header}\n${row}\n`);
      this.#header = header;
      this.#open -= 1;
    });
  }

  // Gives back a trial that was never evaluated (ask-tell).
  drop(trial) {
    return this.#next(() => this.#confirm(`Drop 1\ntrial\n${trial.trial}\n`));
  }

  // Says how a trial stands (ask-tell). False: end the evaluation, and tell it with the fidelity it has reached.
  report(trial, fidelity, objective) {
    const message = `Report ${trial.trial},${fidelity},${objective}\n`;
    return this.#next(async () => {
      const answer = await this.#say(message);
      if (answer !== 'Continue' && answer !== 'Stop') throw this.#garbage('Continue or Stop', answer);
      return answer === 'Continue';
    });
  }

  // How the run stands (ask-tell), an object.
  status() {
    return this.#next(async () => {
      const answer = await this.#say('Status\n');
      if (!answer.startsWith('Status {')) throw this.#garbage('Status', answer);
      return JSON.parse(answer.slice(7));
    });
  }

  // Has no more trials handed out (ask-tell).
  stop() {
    return this.#next(() => this.#confirm('Stop\n'));
  }

  // The best trials with their outputs. Classic: at the end, with "print_best": true.
  best() {
    return this.#next(async () => {
      if (!this.#askTell) return this.#best;
      const line = await this.#say('Best\n');
      const count = /^Best (\d+)$/.exec(line);
      if (!count) throw this.#garbage('Best', line);
      return this.#rows(Number(count[1]));
    });
  }

  // Ends the conversation; throws if the exit status of hmserve is not 0.
  async close() {
    this.#child.stdin.end();
    this.#child.stdout.resume();
    while (!this.#exit) await this.#event();
    if (!this.#exit.well) throw new HmserveError(this.#exit.how);
    this.#passOn();
  }

  // Ends the conversation, whatever becomes of it.
  abandon() {
    this.#child.stdin.end();
    this.#child.kill();
  }

  // Shows what hmserve wrote on standard error; at its death that is in the error.
  #passOn() {
    process.stderr.write(this.#said);
    this.#said = '';
  }

  #next(message) {
    const answer = this.#queue.then(message);
    this.#queue = answer.catch(() => {});
    return answer;
  }

  #event() {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake() {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #hear(text) {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop();
    this.#lines.push(...lines.map((line) => line.replace(/\r$/, '')));
    this.#wake();
  }

  #finish(how, well = false) {
    this.#exit ??= { how, well };
    this.#wake();
  }

  #write(text) {
    if (this.#exit) throw new HmserveError(this.#exit.how);
    this.#child.stdin.write(text);
  }

  async #read() {
    while (!this.#lines.length) {
      if (this.#exit) throw new HmserveError(this.#exit.how);
      await this.#event();
    }
    return this.#lines.shift();
  }

  async #say(message) {
    this.#write(message);
    const answer = await this.#read();
    if (answer.startsWith('Error ')) throw new HmserveError(`hmserve refused the message: ${answer}`);
    return answer;
  }

  async #confirm(message) {
    const answer = await this.#say(message);
    const counts = /^Ok \d+ (\d+)$/.exec(answer);
    if (!counts) throw this.#garbage('Ok', answer);
    const reasons = [];
    while (reasons.length < Number(counts[1])) {
      reasons.push((await this.#read()).replace(/^Error \d+ /, ''));
    }
    if (reasons.length) throw new Refused(reasons.join('; '));
  }

  async #rows(count) {
    const header = await this.#read();
    const trials = [];
    while (trials.length < count) trials.push(this.#trial(header, await this.#read()));
    return trials;
  }

  #trial(header, row) {
    const names = header.split(',');
    const cells = [...`,${row}`.matchAll(CELL)].map((match) => match[1]);
    if (names.length !== cells.length) throw this.#garbage(`${names.length} values`, row);
    const trial = Object.fromEntries(names.map((name, k) => [name, value(cells[k], this.#labels.has(name))]));
    texts.set(trial, names.map((name, k) => [name, cells[k]]));
    return trial;
  }

  // Reads a block before the end; says whether `line` begins one.
  async #aside(line) {
    if (line === 'Best point found:') this.#best = await this.#rows(1);
    else if (line === 'Minimum of the posterior mean:') await this.#rows(1);
    else return line === '' || line === 'Multiple objectives, there is no single best point.';
    return true;
  }

  #garbage(expected, line) {
    this.abandon();
    return new HmserveError(`expected ${expected} from hmserve, came '${line.slice(0, 200)}'`);
  }
}

// Evaluates `evaluate`, which may be asynchronous, for each trial until the run is over; returns the best
// trials. Classic: all trials of a request at once. Ask-tell: as many as `workers` at any time.
export async function minimise(scenario, outputs, evaluate, { workers = 1, ...options } = {}) {
  const hmserve = new Hmserve(scenario, outputs, options);
  const running = new Set();
  const start = (trial) => {
    const told = Promise.resolve(trial).then(evaluate).then((result) => hmserve.tell(trial, result));
    const entry = told.then(() => running.delete(entry));
    entry.catch(() => {}); // it stays in `running`, where it is found
    running.add(entry);
  };
  try {
    for (;;) {
      const trials = await hmserve.ask(workers - running.size);
      if (trials === null) break;
      trials.forEach(start);
      if (!options.askTell) await Promise.all(running);
      else if (!trials.length || running.size >= workers) await Promise.race(running);
    }
    const best = await hmserve.best();
    if (options.askTell) await hmserve.close();
    return best;
  } catch (error) {
    hmserve.abandon();
    await Promise.allSettled(running);
    throw error;
  }
}

// The parameters whose values stay text.
function categorical(scenario) {
  try {
    const parameters = Object.entries(JSON.parse(readFileSync(scenario, 'utf8')).input_parameters);
    return new Set(parameters.filter(([, each]) => each.parameter_type === 'categorical').map(([name]) => name));
  } catch {
    return new Set(); // hmserve says what is wrong with it
  }
}

function value(text, label) {
  if (text === '') return null;
  if (label) return text;
  if (/^\([\d, ]*\)$/.test(text)) return text.match(/\d+/g).map(Number);
  return /^-?\d+(\.\d+)?(e[+-]\d+)?$/.test(text) ? Number(text) : text;
}

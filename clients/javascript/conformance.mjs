// The driver for ../conformance: SCENARIO DIALECT OUTPUTS.
import { Hmserve, HmserveError, Refused } from './hmserve.mjs';

const [scenario, dialect, outputs] = process.argv.slice(2);

function blackBox(trial, epochs) {
  if (trial.c === 'fails') return null;
  let value = trial.x ** 2 + (trial.n ?? 0) + (trial.m ?? 0);
  if (epochs) value += 1 / epochs;
  (trial.p ?? []).forEach((k, place) => (value += (place + 1) * k));
  const answer = { Value: value, Cost: 1 - trial.x, Valid: trial.c !== 'infeasible', epochs };
  return outputs.split(',').map((name) => answer[name]);
}

async function tell(hmserve, trial) {
  let { epochs } = trial;
  if (dialect === 'ask-tell' && trial.c === 'lost') return hmserve.drop(trial);
  if (dialect === 'ask-tell' && outputs.includes('epochs') && epochs > 1) {
    if (!(await hmserve.report(trial, 1, blackBox(trial, 1)[0]))) epochs = 1;
  }
  try {
    await hmserve.tell(trial, blackBox(trial, epochs));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    console.log(`refused ${error.message}`);
  }
  if (trial.c === 'stops') {
    await hmserve.stop();
    console.log(`status ${JSON.stringify(await hmserve.status())}`);
  }
}

async function converse(hmserve) {
  let held = null;
  for (let trials; (trials = await hmserve.ask(2)) !== null; ) {
    for (const trial of trials) {
      if (held) await tell(hmserve, held);
      held = trial;
    }
    if (held && (!trials.length || dialect === 'classic')) {
      await tell(hmserve, held);
      held = null;
    }
  }
  return hmserve.best();
}

const hmserve = new Hmserve(scenario, outputs.split(','), { askTell: dialect === 'ask-tell' });
try {
  const best = await converse(hmserve);
  await hmserve.close();
  for (const [name, value] of best.flatMap(Object.entries)) {
    console.log(`best ${name}=${Array.isArray(value) ? `(${value})` : value ?? ''}`);
  }
  console.log('end');
} catch (error) {
  if (!(error instanceof HmserveError)) throw error;
  hmserve.abandon();
  console.error(`conformance: ${error.message}`);
  process.exitCode = 1;
}

// The driver for ../conformance: SCENARIO DIALECT OUTPUTS.
import { Hmserve, HmserveError, Refused } from './hmserve.mjs';

const [scenario, dialect, outputs] = process.argv.slice(2);

function blackBox(trial) {
  if (trial.c === 'fails') return null;
  let value = trial.x ** 2 + (trial.n ?? 0) + (trial.m ?? 0);
  if (trial.epochs) value += 1 / trial.epochs;
  (trial.p ?? []).forEach((k, place) => (value += (place + 1) * k));
  const answer = { Value: value, Cost: 1 - trial.x, Valid: trial.c !== 'infeasible' };
  return outputs.split(',').map((name) => answer[name]);
}

async function tell(hmserve, trial) {
  try {
    await hmserve.tell(trial, blackBox(trial));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    console.log(`refused ${error.message}`);
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

try {
  const hmserve = new Hmserve(scenario, outputs.split(','), { askTell: dialect === 'ask-tell' });
  const best = await converse(hmserve);
  await hmserve.close();
  for (const [name, value] of best.flatMap(Object.entries)) {
    console.log(`best ${name}=${Array.isArray(value) ? `(${value})` : value ?? ''}`);
  }
  console.log('end');
} catch (error) {
  if (!(error instanceof HmserveError)) throw error;
  console.error(`conformance: ${error.message}`);
  process.exitCode = 1;
}

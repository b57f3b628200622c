/** A number, the label of a categorical, the places of a permutation, or null where inactive. */
export type Value = number | string | number[] | null;

/** Values by name; in ask-tell also the number of the trial, `trial`. */
export type Trial = Readonly<Record<string, Value>>;

/** Values in the order of the outputs (feasibility: a boolean), or null for a failed evaluation. */
export type Result = number | readonly (number | boolean)[] | null;

export interface Options {
  /** Results come one by one, in any order. */
  askTell?: boolean;
  /** Path of hmserve; else the environment variable HMSERVE, else `hmserve`. */
  program?: string;
  /** More arguments of hmserve, such as `--resume`. */
  arguments?: readonly string[];
}

/** hmserve could not be started, ended early, or said what cannot be understood. */
export class HmserveError extends Error {}

/** hmserve did not take a row (ask-tell); nothing has changed. */
export class Refused extends HmserveError {}

export class Hmserve {
  constructor(scenario: string, outputs: string | readonly string[], options?: Options);
  readonly outputs: string[];
  ask(count?: number): Promise<Trial[] | null>;
  tell(trial: Trial, result: Result): Promise<void>;
  drop(trial: Trial): Promise<void>;
  /** False: end the evaluation, and tell it with the fidelity it has reached. */
  report(trial: Trial, fidelity: number, objective: number): Promise<boolean>;
  status(): Promise<Record<string, unknown>>;
  stop(): Promise<void>;
  best(): Promise<Trial[]>;
  close(): Promise<void>;
  abandon(): void;
}

export function minimise(
  scenario: string,
  outputs: string | readonly string[],
  evaluate: (trial: Trial) => Result | Promise<Result>,
  options?: Options & { workers?: number },
): Promise<Trial[]>;

"""The driver for ../conformance: SCENARIO DIALECT OUTPUTS."""

import json
import sys

from hmserve_client import Hmserve, HmserveError, Refused


def black_box(trial, outputs, epochs):
    if trial.get("c") == "fails":
        return None
    value = trial["x"] ** 2 + (trial.get("n") or 0) + (trial.get("m") or 0)
    value += sum((place + 1) * k for place, k in enumerate(trial.get("p", ())))
    if epochs:
        value += 1 / epochs
    answers = {"Value": value, "Cost": 1 - trial["x"], "Valid": trial.get("c") != "infeasible"}
    answers["epochs"] = epochs
    return [answers[name] for name in outputs]


def tell(hmserve, trial):
    epochs = trial.get("epochs")
    if hmserve.ask_tell and trial.get("c") == "lost":
        hmserve.drop(trial)
        return
    if hmserve.ask_tell and "epochs" in hmserve.outputs and epochs > 1:
        so_far, _ = black_box(trial, ["Value", "epochs"], 1)
        if not hmserve.report(trial, 1, so_far):
            epochs = 1
    try:
        hmserve.tell(trial, black_box(trial, hmserve.outputs, epochs))
    except Refused as refusal:
        print("refused", refusal)
    if trial.get("c") == "stops":
        hmserve.stop()
        print("status", json.dumps(hmserve.run_status()))


def converse(hmserve):
    held = None
    while (trials := hmserve.ask(2)) is not None:
        if not trials:
            tell(hmserve, held)
            held = None
        for trial in trials:
            if held:
                tell(hmserve, held)
            held = trial
        if held and not hmserve.ask_tell:
            tell(hmserve, held)
            held = None
    return hmserve.best()


def main():
    scenario, dialect, outputs = sys.argv[1:]
    with Hmserve(scenario, outputs.split(","), ask_tell=dialect == "ask-tell") as hmserve:
        best = converse(hmserve)
    for trial in best:
        for name, text in zip(trial, trial.values()):
            print(f"best {name}={'' if text is None else text}")
    print("end")


if __name__ == "__main__":
    try:
        main()
    except HmserveError as error:
        sys.exit(f"conformance: {error}")

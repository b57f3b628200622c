# frozen_string_literal: true

# The driver for ../conformance: SCENARIO DIALECT OUTPUTS.
require_relative "hmserve"

SCENARIO, DIALECT, LIST = ARGV
OUTPUTS = LIST.split(",")

def black_box(trial)
  return if trial["c"] == "fails"

  value = trial["x"]**2 + (trial["n"] || 0) + (trial["m"] || 0)
  value += 1.0 / trial["epochs"] if trial["epochs"]
  value += (trial["p"] || []).each_with_index.sum { |k, place| (place + 1) * k }
  answer = { "Value" => value, "Cost" => 1 - trial["x"], "Valid" => trial["c"] != "infeasible" }
  answer.values_at(*OUTPUTS)
end

def tell(hmserve, trial)
  hmserve.tell(trial, black_box(trial))
rescue Hmserve::Refused => e
  puts "refused #{e.message}"
end

def converse(hmserve)
  held = nil
  while (trials = hmserve.ask(2))
    trials.each do |trial|
      tell(hmserve, held) if held
      held = trial
    end
    next unless held && (trials.empty? || DIALECT == "classic")

    tell(hmserve, held)
    held = nil
  end
  hmserve.best
end

begin
  ask_tell = DIALECT == "ask-tell"
  best = Hmserve.open(SCENARIO, OUTPUTS, ask_tell: ask_tell) { |hmserve| converse(hmserve) }
  best.each do |trial|
    trial.each { |name, value| puts "best #{name}=#{value.is_a?(Array) ? "(#{value.join(', ')})" : value}" }
  end
  puts "end"
rescue Hmserve::Error => e
  abort "conformance: #{e.message}"
end

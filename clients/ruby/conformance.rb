# frozen_string_literal: true

# The driver for ../conformance: SCENARIO DIALECT OUTPUTS.
require_relative "hmserve"

SCENARIO, DIALECT, LIST = ARGV
OUTPUTS = LIST.split(",")

def black_box(trial, epochs)
  return if trial["c"] == "fails"

  value = trial["x"]**2 + (trial["n"] || 0) + (trial["m"] || 0)
  value += 1.0 / epochs if epochs
  value += (trial["p"] || []).each_with_index.sum { |k, place| (place + 1) * k }
  answer = { "Value" => value, "Cost" => 1 - trial["x"], "Valid" => trial["c"] != "infeasible" }
  answer["epochs"] = epochs
  answer.values_at(*OUTPUTS)
end

def tell(hmserve, trial)
  epochs = trial["epochs"]
  ask_tell = DIALECT == "ask-tell"
  return hmserve.drop(trial) if ask_tell && trial["c"] == "lost"

  if ask_tell && OUTPUTS.include?("epochs") && epochs > 1
    epochs = 1 unless hmserve.report(trial, 1, black_box(trial, 1).first)
  end
  begin
    hmserve.tell(trial, black_box(trial, epochs))
  rescue Hmserve::Refused => e
    puts "refused #{e.message}"
  end
  return unless trial["c"] == "stops"

  hmserve.stop
  puts "status #{JSON.generate(hmserve.status)}"
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

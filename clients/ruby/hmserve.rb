# frozen_string_literal: true

# A client of hmserve in one file: Ruby 2.7 or later, standard library only.
#
#   require_relative "hmserve"
#
#   best = Hmserve.open("app.json", %w[Seconds Valid]) do |hmserve|
#     hmserve.minimise { |trial| [measure(trial["tile"]), true] }
#   end
#
# What hmserve complains of is raised as Hmserve::Error.

require "json"
require "tempfile"

class Hmserve
  # hmserve could not be started, ended early, or said what cannot be understood.
  class Error < StandardError; end

  # hmserve did not take a row (ask-tell); nothing has changed, the run goes on.
  class Refused < Error; end

  # Values by name: Integer, Float, String, an Array for a permutation, nil for what is inactive. The
  # fidelity, if the scenario has one, is a value too; in ask-tell `trial["trial"]` is the number.
  class Trial < Hash
    attr_reader :texts # by name, as they came

    def initialize(texts, values)
      super()
      @texts = texts
      replace(values)
    end
  end

  # Starts hmserve, yields it, and ends it; returns what the block returns.
  def self.open(*arguments, **options)
    hmserve = new(*arguments, **options)
    begin
      result = yield hmserve
    rescue Exception # also an interrupt, and exit
      hmserve.abandon
      raise
    end
    hmserve.close
    result
  end

  # outputs: names of the columns you answer (objectives, measured constraints, feasibility; and the fidelity if
  # you tell how far an evaluation went); program: path of hmserve, else $HMSERVE, else `hmserve`; arguments: more
  # of them, such as ["--resume"].
  def initialize(scenario, outputs, ask_tell: false, program: nil, arguments: [])
    @outputs = Array(outputs)
    @ask_tell = ask_tell
    @labels = labels(scenario)
    @open = 0
    @best = []
    variable = ENV.fetch("HMSERVE", "")
    program ||= variable.empty? ? "hmserve" : variable
    command = [program, "--config", scenario.to_s, *arguments]
    command += %w[--protocol ask-tell] if ask_tell
    @messages = Tempfile.new("hmserve")
    @pipe = IO.popen([*command, { err: @messages.path }], "r+", encoding: "UTF-8")
    @messages.unlink # open at both ends: nothing is left behind, whatever ends us
  rescue SystemCallError => e
    raise Error, "cannot start #{program}: #{e.message}"
  end

  # Returns trials, or nil when the run is over. Classic: all of the next request, when all of the last one
  # are told. Ask-tell: at most `count`, and none until one that is out is told.
  def ask(count = 1)
    return if @ended

    if @ask_tell
      write("Ask #{count}\n")
    elsif @open.positive?
      raise ArgumentError, "#{@open} trials of the last request have no result yet"
    end
    @begun = false
    loop do
      case line = read
      when /\ARequest (\d+)\z/
        @open = Regexp.last_match(1).to_i
        pass_on
        return rows(@open)
      when "End of HyperMapper" then return over
      else
        return [] if @ask_tell && line.match?(/\AWait \d+\z/)

        garbage("a request", line) if @ask_tell || !aside(line)
      end
    end
  end

  # Tells what came of a trial: a number, an array with a value for each output, or nil if it failed.
  def tell(trial, result)
    values = result.nil? ? @outputs.map { "" } : Array(result)
    raise ArgumentError, "expected a value for each output" if values.size != @outputs.size

    inputs = trial.texts.reject { |name, _| @outputs.include?(name) }
    header = "#{[*inputs.keys, *@outputs].join(',')}\n"
    row = "#{[*inputs.values, *values].join(',')}\n"
    return confirm("Tell 1\n#{header}#{row}") if @ask_tell

    write(@begun ? row : header + row)
    @begun = true
    @open -= 1
  end

  # Gives back a trial that was never evaluated (ask-tell).
  def drop(trial)
    confirm("Drop 1\ntrial\n#{trial['trial']}\n")
  end

  # Says how a trial stands (ask-tell). False: end the evaluation, and tell it with the fidelity it has reached.
  def report(trial, fidelity, objective)
    answer = say("Report #{trial['trial']},#{fidelity},#{objective}\n")
    garbage("Continue or Stop", answer) unless %w[Continue Stop].include?(answer)
    answer == "Continue"
  end

  # Returns how the run stands (ask-tell), a Hash.
  def status
    answer = say("Status\n")
    garbage("Status", answer) unless answer.start_with?("Status {")
    JSON.parse(answer.delete_prefix("Status "))
  end

  # Has no more trials handed out (ask-tell).
  def stop
    confirm("Stop\n")
  end

  # The best trials with their outputs. Classic: at the end, with "print_best": true.
  def best
    return @best unless @ask_tell

    line = say("Best\n")
    garbage("Best", line) unless line =~ /\ABest (\d+)\z/
    rows(Regexp.last_match(1).to_i)
  end

  # Evaluates the block for each trial until the run is over; returns the best trials.
  def minimise
    while (trials = ask)
      trials.each { |trial| tell(trial, yield(trial)) }
    end
    best
  end

  # Ends the conversation. Raises Error if the exit status of hmserve is not 0.
  def close
    death unless @status || leave.success?
    pass_on
  end

  # Ends the conversation, whatever becomes of it.
  def abandon
    leave
    pass_on
  end

  private

  def over
    @ended = true
    close unless @ask_tell
    nil
  end

  def rows(count)
    names = read.split(",")
    Array.new(count) { trial(names, read) }
  end

  def trial(names, row)
    cells = "#{row},".scan(/(\([\d, ]*\)|[^,]*),/).flatten # the commas of a permutation part no values
    garbage("#{names.size} values", row) if names.size != cells.size
    texts = names.zip(cells).to_h
    Trial.new(texts, texts.to_h { |name, text| [name, value(text, @labels.include?(name))] })
  end

  def value(text, label)
    return if text.empty?
    return text if label

    case text
    when /\A\([\d, ]*\)\z/ then text.scan(/\d+/).map(&:to_i)
    when /\A-?\d+\z/ then text.to_i
    when /\A-?\d+(\.\d+)?(e[+-]\d+)?\z/ then text.to_f
    else text
    end
  end

  # The parameters whose values stay text.
  def labels(scenario)
    parameters = JSON.parse(File.read(scenario, encoding: "UTF-8"))["input_parameters"]
    parameters.select { |_, each| each["parameter_type"] == "categorical" }.keys
  rescue SystemCallError, JSON::ParserError, TypeError, NoMethodError
    [] # hmserve says what is wrong with it
  end

  # Reads a block before the end; returns whether `line` begins one.
  def aside(line)
    case line
    when "Best point found:" then @best = rows(1)
    when "Minimum of the posterior mean:" then rows(1)
    else return ["", "Multiple objectives, there is no single best point."].include?(line)
    end
    true
  end

  def say(message)
    write(message)
    answer = read
    raise Error, "hmserve refused the message: #{answer}" if answer.start_with?("Error ")

    answer
  end

  def confirm(message)
    answer = say(message)
    garbage("Ok", answer) unless answer =~ /\AOk \d+ (\d+)\z/
    raise Refused, read.sub(/\AError \d+ /, "") unless Regexp.last_match(1) == "0"
  end

  def write(text)
    death if @status
    @pipe.write(text)
    @pipe.flush
  rescue SystemCallError
    death
  end

  def read
    line = @status ? nil : @pipe.gets
    line&.end_with?("\n") ? line.chomp : death
  end

  def garbage(expected, line)
    Process.kill("TERM", @pipe.pid) unless @status
    leave
    raise Error, "expected #{expected} from hmserve, came '#{line[0, 200]}'"
  end

  def death
    leave
    how = @status.signaled? ? "signal #{@status.termsig}" : "exit status #{@status.exitstatus}"
    raise Error, "hmserve ended with #{how}: #{said.strip}"
  end

  # What hmserve wrote on standard error since the last time.
  def said
    @messages.read.force_encoding("UTF-8").scrub
  end

  def pass_on
    $stderr.write(said)
    nil
  end

  # Closes everything; returns how hmserve ended.
  def leave
    return @status if @status

    begin
      @pipe.close
    rescue SystemCallError
      nil # it is gone
    end
    @status = $?
  end
end

package Hmserve;

# A client of hmserve in one file: Perl 5.10 or later, core modules only.
#
#     use Hmserve;
#     my $hmserve = Hmserve->new(scenario => 'app.json', outputs => ['Seconds', 'Valid']);
#     while (my $trials = $hmserve->ask) {
#         $hmserve->tell($_, [measure($_->{tile}), 1]) for @$trials;
#     }
#     print join(' ', %{$_}), "\n" for $hmserve->best;
#     $hmserve->close;
#
# What hmserve complains of is an exception, a text that begins with `hmserve:`.

use strict;
use warnings;
use Carp qw(croak);
use File::Temp;
use IPC::Open3 qw(open3);
use Scalar::Util qw(looks_like_number refaddr);
use Symbol qw(gensym);

# Starts hmserve. Arguments: scenario, a path; outputs, the names of the columns you answer
# (objectives, measured constraints, feasibility, and the fidelity if you tell how far an evaluation
# went); and if wanted ask_tell, true for results that come one by one; program, else $HMSERVE, else
# `hmserve`; arguments, more of them such as ['--resume'].
sub new {
    my ($class, %options) = @_;
    my $self = bless {outputs => $options{outputs}, ask_tell => $options{ask_tell},
                      open => 0, header => '', best => [], row => {}}, $class;
    my @command = ($options{program} || $ENV{HMSERVE} || 'hmserve', '--config', $options{scenario},
                   @{$options{arguments} || []}, $self->{ask_tell} ? qw(--protocol ask-tell) : ());
    # Its standard error goes to a file: a pipe that nobody reads may be full. The file has no name
    # for long, so that whatever ends us leaves nothing behind.
    $self->{errors} = File::Temp->new;
    open my $errors, '>>', $self->{errors}->filename or croak "hmserve: cannot write a temporary file: $!";
    unlink $self->{errors}->filename;
    local *ERRORS = $errors;
    $self->{from} = gensym;
    $self->{pid} = eval { open3($self->{to}, $self->{from}, '>&ERRORS', @command) }
        or croak "hmserve: cannot start $command[0]: $!";
    return $self;
}

# Returns a reference to an array of trials, or undef when the run is over. A trial is a hash from
# names to values: numbers and labels as they came, an array for a permutation, undef for what is
# inactive. Classic: all of the next request, when all of the last one are told. Ask-tell: at most
# $count, and none until one that is out is told.
sub ask {
    my ($self, $count) = @_;
    return undef if $self->{ended};
    if ($self->{ask_tell}) {
        $self->_write('Ask ' . ($count || 1) . "\n");
    } elsif ($self->{open}) {
        croak "hmserve: $self->{open} trials of the last request have no result yet";
    }
    while (1) {
        my $line = $self->_read;
        if ($line =~ /^Request (\d+)$/) {
            $self->{header} = '';
            $self->_pass_on;
            return $self->_rows($self->{open} = $1);
        }
        if ($line eq 'End of HyperMapper') {
            $self->{ended} = 1;
            $self->close if !$self->{ask_tell};
            return undef;
        }
        return [] if $self->{ask_tell} && $line =~ /^Wait \d+$/;
        $self->_garbage('a request', $line) if $self->{ask_tell} || !$self->_aside($line);
    }
}

# Tells what came of a trial: a number, a reference to an array with a value for each output, or
# undef if the evaluation failed. Returns why hmserve does not take it (ask-tell), else nothing.
sub tell {
    my ($self, $trial, $result) = @_;
    my ($header, $row) = @{$self->{row}{refaddr $trial} or croak 'hmserve: no trial that is out'};
    my @values = ref $result ? @$result : defined $result ? ($result) : ('') x @{$self->{outputs}};
    croak 'hmserve: expected a value for each output' if @values != @{$self->{outputs}};
    my %output = map { $_ => 1 } @{$self->{outputs}};
    my @inputs = grep { !$output{$header->[$_]} } 0 .. $#$header;
    $row = join ',', @{$row}[@inputs], map { _number($_) } @values;
    $header = join ',', @{$header}[@inputs], @{$self->{outputs}};
    if ($self->{ask_tell}) {
        my $reason = $self->_confirm("Tell 1\n$header\n$row\n");
        return $reason if defined $reason;    # the trial is still out
    } else {
        $self->_write($self->{header} eq $header ? "$row\n" : "$header\n$row\n");
        $self->{header} = $header;
        $self->{open}--;
    }
    delete $self->{row}{refaddr $trial};
    return undef;
}

# A number with as many digits as it takes to read it back.
sub _number {
    my ($value) = @_;
    return '' if !defined $value;
    return looks_like_number($value) && $value != "$value" ? sprintf '%.17g', $value : $value;
}

# Gives back a trial that was never evaluated (ask-tell).
sub drop {
    my ($self, $trial) = @_;
    delete $self->{row}{refaddr $trial};
    return $self->_confirm("Drop 1\ntrial\n$trial->{trial}\n");
}

# Says how a trial stands (ask-tell). False: end the evaluation, and tell it with the fidelity it has
# reached.
sub report {
    my ($self, $trial, $fidelity, $objective) = @_;
    my $cells = join ',', $trial->{trial}, map { _number($_) } $fidelity, $objective;
    my $answer = $self->_say("Report $cells\n");
    $self->_garbage('Continue or Stop', $answer) if $answer !~ /^(?:Continue|Stop)$/;
    return $answer eq 'Continue';
}

# Returns how the run stands (ask-tell), as JSON.
sub status {
    my ($self) = @_;
    my $line = $self->_say("Status\n");
    $self->_garbage('Status', $line) if $line !~ s/^Status //;
    return $line;
}

# Has no more trials handed out (ask-tell).
sub stop { return $_[0]->_confirm("Stop\n") }

# Returns the best trials with their outputs, a list. Classic: at the end, with "print_best": true.
sub best {
    my ($self) = @_;
    return @{$self->{best}} if !$self->{ask_tell};
    my $line = $self->_say("Best\n");
    $self->_garbage('Best', $line) if $line !~ /^Best (\d+)$/;
    return @{$self->_rows($1)};
}

# Ends the conversation; dies if the exit status of hmserve is not 0.
sub close {
    my ($self) = @_;
    $self->_death if $self->{pid} && $self->_leave;
    $self->_pass_on;
    return;
}

sub DESTROY { local ($?, $@, $!); $_[0]->_leave; $_[0]->_pass_on; return }

# Evaluates a function for each trial until the run is over; returns the best trials. What hmserve
# does not take is an exception.
sub minimise {
    my ($self, $function) = @_;
    while (my $trials = $self->ask) {
        for my $trial (@$trials) {
            my $reason = $self->tell($trial, $function->($trial));
            croak "hmserve: refused: $reason" if defined $reason;
        }
    }
    return $self->best;
}

sub _rows {
    my ($self, $count) = @_;
    my @names = split /,/, $self->_read;
    my @trials;
    for (1 .. $count) {
        my $row = $self->_read;
        # The commas of a permutation part no values.
        my @cells = "$row," =~ /(\([\d, ]*\)|[^,]*),/g;
        $self->_garbage(@names . ' values', $row) if @cells != @names;
        my %trial;
        @trial{@names} = map { !length ? undef : /^\(([\d, ]*)\)$/ ? [split /\s*,\s*/, $1] : $_ } @cells;
        push @trials, \%trial;
        $self->{row}{refaddr \%trial} = [\@names, \@cells];
    }
    return \@trials;
}

# Reads a block before the end; returns whether $line begins one.
sub _aside {
    my ($self, $line) = @_;
    if ($line eq 'Best point found:') {
        $self->{best} = $self->_rows(1);
    } elsif ($line eq 'Minimum of the posterior mean:') {
        $self->_rows(1);
    } else {
        return $line eq '' || $line eq 'Multiple objectives, there is no single best point.';
    }
    return 1;
}

sub _say {
    my ($self, $message) = @_;
    $self->_write($message);
    my $answer = $self->_read;
    croak "hmserve: refused the message: $1" if $answer =~ /^Error \d+ (.*)/;
    return $answer;
}

sub _confirm {
    my ($self, $message) = @_;
    my $answer = $self->_say($message);
    $self->_garbage('Ok', $answer) if $answer !~ /^Ok \d+ (\d+)$/;
    my @reasons = map { my $line = $self->_read; $line =~ s/^Error \d+ //; $line } 1 .. $1;
    return @reasons ? join '; ', @reasons : undef;
}

sub _write {
    my ($self, $text) = @_;
    local $SIG{PIPE} = 'IGNORE';    # a hmserve that is gone is an exception, not our own death
    my $to = $self->{to};
    while ($self->{pid} && length $text) {
        my $done = syswrite $to, $text;
        last if !defined $done && !$!{EINTR};
        substr $text, 0, $done // 0, '';
    }
    $self->_death if length $text;
    return;
}

sub _read {
    my ($self) = @_;
    local $/ = "\n";
    my $line = $self->{pid} ? readline $self->{from} : undef;
    $self->_death if !defined $line || $line !~ s/\r?\n\z//;
    return $line;
}

sub _garbage {
    my ($self, $expected, $line) = @_;
    kill 'TERM', $self->{pid} if $self->{pid};
    $self->_leave;
    croak "hmserve: expected $expected, came '" . substr($line, 0, 200) . "'";
}

sub _death {
    my ($self) = @_;
    $self->_leave;
    my $signal = $self->{status} & 127;
    my $how = $signal ? "signal $signal" : 'exit status ' . ($self->{status} >> 8);
    croak "hmserve: ended with $how: " . $self->_said;
}

# What hmserve wrote on standard error since the last time.
sub _said {
    my ($self) = @_;
    my $errors = $self->{errors} or return '';
    seek $errors, 0, 1;    # it may have grown
    local $/;
    return readline($errors) // '';
}

sub _pass_on { print STDERR $_[0]->_said; return }

# Closes everything; returns the status of hmserve as wait does.
sub _leave {
    my ($self) = @_;
    if (my $pid = delete $self->{pid}) {
        CORE::close $self->{to};
        CORE::close $self->{from};
        waitpid $pid, 0;
        $self->{status} = $?;
    }
    return $self->{status};
}

1;

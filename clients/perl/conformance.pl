#!/usr/bin/perl
# The driver for ../conformance: SCENARIO DIALECT OUTPUTS.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Hmserve;

my ($scenario, $dialect, $list) = @ARGV;
my @outputs = split /,/, $list;
my $hmserve = Hmserve->new(scenario => $scenario, outputs => \@outputs, ask_tell => $dialect eq 'ask-tell');

sub black_box {
    my ($trial, $epochs) = @_;
    my $c = $trial->{c} // '';
    return undef if $c eq 'fails';
    my $value = $trial->{x}**2 + ($trial->{n} // 0) + ($trial->{m} // 0);
    $value += 1 / $epochs if $epochs;
    my $place = 0;
    $value += ++$place * $_ for @{$trial->{p} || []};
    my %answer = (Value => $value, Cost => 1 - $trial->{x}, Valid => $c ne 'infeasible' ? 1 : 0, epochs => $epochs);
    return [@answer{@outputs}];
}

sub tell_it {
    my ($trial) = @_;
    my ($c, $epochs) = ($trial->{c} // '', $trial->{epochs});
    my $ask_tell = $dialect eq 'ask-tell';
    return $hmserve->drop($trial) if $ask_tell && $c eq 'lost';
    if ($ask_tell && $list =~ /epochs/ && $epochs > 1) {
        $epochs = 1 if !$hmserve->report($trial, 1, black_box($trial, 1)->[0]);
    }
    my $refusal = $hmserve->tell($trial, black_box($trial, $epochs));
    print "refused $refusal\n" if defined $refusal;
    if ($c eq 'stops') {
        $hmserve->stop;
        print 'status ', $hmserve->status, "\n";
    }
    return;
}

my $held;
while (my $trials = $hmserve->ask(2)) {
    for my $trial (@$trials) {
        tell_it($held) if $held;
        $held = $trial;
    }
    if ($held && (!@$trials || $dialect eq 'classic')) {
        tell_it($held);
        undef $held;
    }
}
for my $trial ($hmserve->best) {
    for my $name (sort keys %$trial) {
        my $value = $trial->{$name} // '';
        print "best $name=", ref $value ? '(' . join(', ', @$value) . ')' : $value, "\n";
    }
}
$hmserve->close;
print "end\n";

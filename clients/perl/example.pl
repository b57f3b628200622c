#!/usr/bin/perl
# How small can a Bloom filter be, and how often wrong? Two objectives: the answer is a front.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Bloom;
use Hmserve;

my $hmserve = Hmserve->new(scenario => 'bloom.json', outputs => ['Bytes', 'Errors'], ask_tell => 1);
my @best = $hmserve->minimise(sub {
    my ($trial) = @_;
    return [Bloom::measure(@{$trial}{qw(bits hashes split)})];
});
$hmserve->close;
for my $trial (sort { $a->{Bytes} <=> $b->{Bytes} } @best) {
    printf "%5d bytes  %7.1f errors in 10,000  %2d hashes, split: %s\n", @{$trial}{qw(Bytes Errors hashes split)};
}

#!/usr/bin/perl
# hmserve run bloom.json -- perl worker.pl
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Bloom;

$| = 1;
while (defined(my $line = <STDIN>)) {
    my ($count) = $line =~ /^Request (\d+)/ or last;
    chomp(my $names = <STDIN>);
    my $reply = "$names,Bytes,Errors\n";
    for (1 .. $count) {
        chomp(my $row = <STDIN>);
        $reply .= join(',', $row, Bloom::measure(split /,/, $row)) . "\n";
    }
    print $reply;
}

package Bloom;

# A Bloom filter of 4,000 words: what it takes, and what it lets pass of 20,000 others.
use strict;
use warnings;

# Two hashes of a word, from which all others are made (Kirsch and Mitzenmacher, 2006).
sub _hashes {
    my ($word) = @_;
    my ($h, $g) = (5381, 0);
    ($h, $g) = (($h * 33 + $_) & 0xffffffff, ($g * 65599 + $_) & 0xffffffff) for unpack 'C*', $word;
    return ($h, $g | 1);
}

# "split" gives each hash a part of the bits for itself. Returns bytes, and errors in 10,000.
sub measure {
    my ($bits, $hashes, $split) = @_;
    my ($filter, $errors) = ('', 0);
    my $part = $split eq 'yes' ? int($bits / $hashes) : $bits;
    my $places = sub {
        my ($h, $g) = _hashes($_[0]);
        return map { ($h + $_ * $g) % $part + ($split eq 'yes' ? $_ * $part : 0) } 0 .. $hashes - 1;
    };
    for my $n (1 .. 4000) {
        vec($filter, $_, 1) = 1 for $places->("word$n");
    }
    for my $n (1 .. 20000) {
        my $passed = 1;
        $passed &&= vec($filter, $_, 1) for $places->("other$n");
        $errors += $passed;
    }
    return (int(($bits + 7) / 8), $errors / 2);
}

1;

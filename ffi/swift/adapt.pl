#!/usr/bin/env perl
# Makes what UniFFI generates for Swift what Swift's users expect. `ffi/generate` runs it over `OffdeskBindings.swift`; each
# step that finds nothing to do fails, so that a new UniFFI can't silently undo one.
#
# 1. A cancelled task cancels the call. UniFFI's Swift ignores cancellation, though the library can cancel each of its futures
#    (Kotlin does): the future is told, its `poll` then ends, and `complete` answers "cancelled".
# 2. An error's cases begin with a small letter, as any enum's do, and its text is the sentence that the library has for it.
use strict;
use warnings;

local $/;
my $swift = <STDIN>;

sub must {
    my ($what, $times) = @_;
    die "adapt.pl: found nothing of \"$what\": UniFFI generates something else by now\n" unless $times;
}

must 'freeFunc: …', $swift =~ s/^( *)freeFunc: (ffi_\w+_rust_future_)free(_\w+),$/$1freeFunc: $2free$3,\n$1cancelFunc: $2cancel$3,/mg;
must 'parameter freeFunc', $swift =~ s/^( *)freeFunc: \(UInt64\) -> \(\),$/$1freeFunc: (UInt64) -> (),\n$1cancelFunc: \@escaping \@Sendable (UInt64) -> (),/mg;
must 'the loop over poll', $swift =~ s/
    ^\ {4}var\ pollResult:\ Int8;?\n
    (\ {4}repeat\ \{\n.*?\n\ {4}\}\ while\ pollResult\ !=\ UNIFFI_RUST_FUTURE_POLL_READY)\n
    /    await withTaskCancellationHandler {\n        var pollResult: Int8\n    $1\n    } onCancel: {\n        cancelFunc(rustFuture)\n    }\n/msx;
must 'cancelled calls', $swift =~ s/fatalError\("Cancellation not supported yet"\)/throw CancellationError()/;

my ($error) = $swift =~ /^(public\s+enum OffdeskError: Swift\.Error.*?)^#if compiler/ms;
must 'OffdeskError', defined $error;
my $names = join '|', $error =~ /^ {4}case (\w+)/mg;
my $adapted = lower($error);
must 'conformances of OffdeskError', $adapted =~ s/Foundation\.LocalizedError \{/Foundation.LocalizedError, CustomStringConvertible {/;
must 'errorDescription', $adapted =~ s/String\(reflecting: self\)/description/;
$swift =~ s/\Q$error\E/$adapted/;
must 'reading and writing OffdeskError', $swift =~ s/^(public struct FfiConverterTypeOffdeskError\b.*?^\})/lower($1)/mse;
print $swift;

sub lower {
    my ($text) = @_;
    $text =~ s{(case let |case |return )(\.?)($names)\b}{$1 . $2 . ($2 eq "" && $3 eq "Protocol" ? "`protocol`" : lcfirst $3)}ge;
    return $text;
}

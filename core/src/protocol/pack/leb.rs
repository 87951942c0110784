//! LEB128 as Automerge writes it: as short as can be. A longer form is not read, since it could not be written again.

/// Reads an unsigned number off the front.
pub(super) fn take_unsigned(from: &mut &[u8]) -> Option<u64> {
    let before = from.len();
    let number = leb128::read::unsigned(from).ok()?;
    (before - from.len() == unsigned_length(number)).then_some(number)
}

/// Reads a signed number off the front.
pub(super) fn take_signed(from: &mut &[u8]) -> Option<i64> {
    let before = from.len();
    let number = leb128::read::signed(from).ok()?;
    (before - from.len() == signed_length(number)).then_some(number)
}

pub(super) fn put_unsigned(to: &mut Vec<u8>, number: u64) {
    // Writing to memory can't fail.
    let _ = leb128::write::unsigned(to, number);
}

pub(super) fn put_signed(to: &mut Vec<u8>, number: i64) {
    let _ = leb128::write::signed(to, number);
}

/// Reads as many bytes off the front.
pub(super) fn take_bytes<'a>(from: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    let (bytes, rest) = from.split_at_checked(usize::try_from(length).ok()?)?;
    *from = rest;
    Some(bytes)
}

fn unsigned_length(number: u64) -> usize {
    (64 - (number | 1).leading_zeros() as usize).div_ceil(7)
}

fn signed_length(number: i64) -> usize {
    let bits = 65 - (number ^ (number >> 63)).leading_zeros() as usize;
    bits.div_ceil(7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_as_short_as_they_are_written(number in any::<u64>(), shift in 0u32..64) {
            let number = number >> shift;
            let (mut unsigned, mut signed) = (Vec::new(), Vec::new());
            put_unsigned(&mut unsigned, number);
            prop_assert_eq!(take_unsigned(&mut &unsigned[..]), Some(number));
            for number in [number.cast_signed(), number.cast_signed().wrapping_neg(), !number.cast_signed()] {
                signed.clear();
                put_signed(&mut signed, number);
                prop_assert_eq!(take_signed(&mut &signed[..]), Some(number));
            }
        }
    }

    #[test]
    fn a_longer_form_is_not_read() {
        assert_eq!(take_unsigned(&mut &[0x80, 0][..]), None);
        assert_eq!(take_signed(&mut &[0xff, 0x7f][..]), None);
    }
}

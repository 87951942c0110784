//! Reading what a newer version may have written: a list's unknown items are passed over, an unknown variant is said to be
//! one, and the frame around it is read all the same. What is read so is buffered, so that it can be looked at twice.

use serde::{Deserialize, Deserializer, de::IgnoredAny};

#[derive(Deserialize)]
#[serde(untagged)]
enum Read<T> {
    Known(T),
    Newer(IgnoredAny),
}

/// A type with a value for what only a newer version knows.
pub(crate) trait OrNewer {
    /// That value.
    const NEWER: Self;
}

/// Reads a value, or that it is of a newer version.
pub(crate) fn or_newer<'de, D: Deserializer<'de>, T: Deserialize<'de> + OrNewer>(from: D) -> Result<T, D::Error> {
    Ok(match Read::deserialize(from)? {
        Read::Known(value) => value,
        Read::Newer(_) => T::NEWER,
    })
}

/// Reads the items of a list that this version knows.
pub(crate) fn known<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    let all = Vec::<Read<T>>::deserialize(from)?;
    Ok(all.into_iter().filter_map(|item| if let Read::Known(item) = item { Some(item) } else { None }).collect())
}

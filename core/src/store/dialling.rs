//! What is dialled before a number inside its country. The phone library knows, but takes 75 ms to read its metadata: too
//! much before a first screen. So the answer stands here, and a test compares it with the library's.

/// Trunk prefixes with the country codes that have them, each list sorted.
const TRUNKS: [(&str, &[u16]); 5] = [
    (
        "",
        &[
            30, 34, 39, 45, 47, 48, 52, 56, 65, 216, 220, 221, 222, 223, 224, 225, 226, 227, 228, 229, 230, 235, 236,
            237, 238, 239, 240, 241, 242, 244, 245, 246, 247, 248, 253, 257, 258, 266, 267, 268, 269, 290, 297, 298,
            299, 350, 351, 352, 354, 356, 357, 371, 372, 376, 378, 420, 500, 501, 502, 503, 504, 505, 506, 507, 509,
            592, 597, 599, 670, 672, 673, 674, 675, 676, 677, 678, 679, 680, 681, 682, 683, 685, 687, 688, 689, 690,
            691, 852, 853, 960, 965, 968, 973, 974, 975, 979, 992, 998,
        ],
    ),
    (
        "0",
        &[
            20, 27, 31, 32, 33, 40, 41, 43, 44, 46, 49, 51, 53, 54, 55, 57, 58, 60, 61, 62, 63, 64, 66, 81, 82, 84, 86,
            90, 91, 92, 93, 94, 95, 98, 211, 212, 213, 218, 231, 232, 233, 234, 243, 249, 250, 251, 252, 254, 255, 256,
            260, 261, 262, 263, 264, 265, 291, 353, 355, 358, 359, 370, 373, 374, 377, 380, 381, 382, 383, 385, 386,
            387, 389, 421, 423, 508, 590, 591, 593, 594, 595, 596, 598, 686, 850, 855, 856, 880, 886, 961, 962, 963,
            964, 966, 967, 970, 971, 972, 976, 977, 994, 995, 996,
        ],
    ),
    ("06", &[36]),
    ("1", &[1, 692]),
    ("8", &[7, 375, 993]),
];

/// The trunk prefix of a country code, empty where there is none; `None` if it is no country code.
pub(super) fn trunk_prefix(code: u16) -> Option<&'static str> {
    TRUNKS.iter().find(|(_, codes)| codes.binary_search(&code).is_ok()).map(|(prefix, _)| *prefix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_table_is_the_librarys() {
        let mut plans: BTreeMap<u16, (bool, String)> = BTreeMap::new();
        for region in phonenumber::metadata::DATABASE.iter() {
            let known = plans.entry(region.country_code()).or_default();
            // Where several regions share a code, the main one's plan counts.
            if !known.0 {
                let prefix = region.national_prefix().unwrap_or_default();
                *known = (region.is_main_country_for_code(), crate::phone::digits(prefix));
            }
        }
        assert!(plans.len() > 200);
        for code in 0..=999 {
            let library = plans.get(&code).map(|(_, prefix)| prefix.as_str());
            assert_eq!(trunk_prefix(code), library, "country code {code}");
        }
    }
}

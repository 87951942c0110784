//! What a document holds, read in one pass: the root's values, each root map's values, and the fields of the entries in
//! them. One pass over the operations is many times faster than a search for each field of each message, and every accepted
//! change is followed by one.

use std::collections::HashMap;

use automerge::{
    Automerge, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, ValueRef,
    iter::{DocItem, MapRangeItem},
};

use crate::model::document::map;

/// The plain values of an object.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(String, ScalarValue)>);

impl Fields {
    /// The value of a key, if it is a plain one. Entries have five fields or so: a search is faster than a map.
    pub(crate) fn value(&self, key: &str) -> Option<&ScalarValue> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// The text of a key.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        match self.value(key)? {
            ScalarValue::Str(text) => Some(text),
            _ => None,
        }
    }
}

/// A root map: its plain values, and its entries with their fields.
#[derive(Debug, Default)]
struct Map {
    values: Fields,
    entries: Vec<(String, Fields)>,
}

/// Where an object stands.
#[derive(Clone, Copy)]
enum Place {
    Root,
    Map(usize),
    Entry(usize, usize),
    /// Deeper than our schema goes: a newer version's, passed over.
    Beyond,
}

/// All of a document.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    root: Fields,
    maps: Vec<(String, Map)>,
}

impl Contents {
    pub(crate) fn of(doc: &Automerge) -> Self {
        let mut contents = Contents::default();
        let mut places = HashMap::from([(ROOT, Place::Root)]);
        let mut last = (ROOT, Place::Root);
        // Objects come parents first, each in one piece.
        for found in doc.iter() {
            if last.0 != *found.obj {
                let place = places.get(&*found.obj).copied().unwrap_or(Place::Beyond);
                last = ((*found.obj).clone(), place);
            }
            if let DocItem::Map(item) = found.item {
                contents.take(last.1, item, &mut places);
            }
        }
        contents
    }

    fn take(&mut self, place: Place, item: MapRangeItem<'_>, places: &mut HashMap<ObjId, Place>) {
        let key = item.key.to_string();
        let id = matches!(item.value, ValueRef::Object(ObjType::Map)).then(|| item.id());
        match (id, item.value) {
            (Some(id), _) => {
                let place = match place {
                    Place::Root => {
                        self.maps.push((key, Map::default()));
                        Place::Map(self.maps.len() - 1)
                    }
                    Place::Map(map) => {
                        let entries = &mut self.maps[map].1.entries;
                        entries.push((key, Fields::default()));
                        Place::Entry(map, entries.len() - 1)
                    }
                    Place::Entry(..) | Place::Beyond => Place::Beyond,
                };
                places.insert(id, place);
            }
            (None, ValueRef::Scalar(value)) => {
                let fields = match place {
                    Place::Root => &mut self.root,
                    Place::Map(map) => &mut self.maps[map].1.values,
                    Place::Entry(map, entry) => &mut self.maps[map].1.entries[entry].1,
                    Place::Beyond => return,
                };
                fields.0.push((key, value.into()));
            }
            // Lists and texts are none of ours.
            (None, ValueRef::Object(_)) => {}
        }
    }

    /// The root's plain values.
    pub(crate) fn root(&self) -> &Fields {
        &self.root
    }

    fn map(&self, name: &str) -> Option<&Map> {
        self.maps.iter().find(|(known, _)| known == name).map(|(_, map)| map)
    }

    /// The plain values of a root map, sorted by key.
    pub(crate) fn scalars(&self, name: &str) -> impl Iterator<Item = (&str, &ScalarValue)> {
        self.map(name).into_iter().flat_map(|map| &map.values.0).map(|(key, value)| (key.as_str(), value))
    }

    /// The entries of a root map, sorted by key.
    pub(crate) fn entries(&self, name: &str) -> impl Iterator<Item = (&str, &Fields)> {
        self.map(name).into_iter().flat_map(|map| &map.entries).map(|(key, fields)| (key.as_str(), fields))
    }
}

/// The plain values of one root map, sorted by key.
pub(crate) fn scalars(doc: &impl ReadDoc, name: &'static str) -> Vec<(String, ScalarValue)> {
    let Ok(map) = map(doc, name) else { return Vec::new() };
    doc.map_range(&map, ..)
        .filter_map(|item| match item.value {
            ValueRef::Scalar(value) => Some((item.key.to_string(), value.into())),
            ValueRef::Object(_) => None,
        })
        .collect()
}

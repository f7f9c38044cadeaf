//! Who is called what: names within a VPC, names of the whole design, and AWS's ids.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use vpcsim_aws::devices::Vpc;
use vpcsim_aws::{AnyId, Id, Kind, Resource};

/// The names of a design under construction.
#[derive(Debug, Default)]
pub(crate) struct Names {
    by_name: BTreeMap<(Kind, Option<Id<Vpc>>, String), AnyId>,
    by_id: FxHashMap<String, AnyId>,
}

impl Names {
    /// Enters a resource; `Err` is the one that already has this name.
    pub(crate) fn enter(
        &mut self,
        any: AnyId,
        vpc: Option<Id<Vpc>>,
        name: &str,
        id: Option<&str>,
    ) -> Result<(), AnyId> {
        if let Some(id) = id {
            self.by_id.entry(id.to_owned()).or_insert(any);
        }
        let first = *self
            .by_name
            .entry((any.kind, vpc, name.to_owned()))
            .or_insert(any);
        if first == any { Ok(()) } else { Err(first) }
    }

    /// The resource of AWS's id `id`.
    pub(crate) fn with_id<T: Resource>(&self, id: &str) -> Option<Id<T>> {
        self.by_id.get(id).and_then(|any| any.downcast())
    }

    /// The resource of any kind that has AWS's id `id`.
    pub(crate) fn any_with_id(&self, id: &str) -> Option<AnyId> {
        self.by_id.get(id).copied()
    }

    /// What `text` means inside `vpc`: a name there, a name of the design, an id, or `vpc/name`.
    pub(crate) fn find<T: Resource>(&self, vpc: Option<Id<Vpc>>, text: &str) -> Option<Id<T>> {
        self.find_kind(T::KIND, vpc, text).and_then(AnyId::downcast)
    }

    /// As [`Names::find`], of a kind that is known only now.
    pub(crate) fn find_kind(&self, kind: Kind, vpc: Option<Id<Vpc>>, text: &str) -> Option<AnyId> {
        let named = |vpc, name: &str| self.by_name.get(&(kind, vpc, name.to_owned())).copied();
        let by_id = || self.any_with_id(text).filter(|any| any.kind == kind);
        let here = named(vpc, text).or_else(|| named(None, text));
        here.or_else(by_id).or_else(|| {
            // Either part may itself hold a slash.
            text.match_indices('/').find_map(|(at, _)| {
                let vpc = self.find_vpc(&text[..at])?;
                named(Some(vpc), &text[at + 1..])
            })
        })
    }

    fn find_vpc(&self, text: &str) -> Option<Id<Vpc>> {
        let named = self.by_name.get(&(Kind::Vpc, None, text.to_owned()));
        named
            .and_then(|any| any.downcast())
            .or_else(|| self.with_id(text))
    }

    /// The only resource of this name in any VPC.
    pub(crate) fn find_anywhere<T: Resource>(&self, text: &str) -> Option<Id<T>> {
        let all = self.by_name.range((T::KIND, None, String::new())..);
        let all = all.take_while(|((kind, _, _), _)| *kind == T::KIND);
        let mut named = all.filter(|((_, _, name), _)| name == text).map(|(_, any)| *any);
        let only = named.next().filter(|_| named.next().is_none());
        only.and_then(AnyId::downcast)
    }

    /// The names that would have meant something inside `vpc`.
    pub(crate) fn candidates(&self, kind: Kind, vpc: Option<Id<Vpc>>) -> impl Iterator<Item = &str> {
        let of = move |vpc| self.called(kind, vpc);
        of(vpc).chain(of(None).filter(move |_| vpc.is_some()))
    }

    /// The names of what stands in the VPC.
    pub(crate) fn candidates_inside(&self, kind: Kind, vpc: Id<Vpc>) -> impl Iterator<Item = &str> {
        self.called(kind, Some(vpc))
    }

    fn called(&self, kind: Kind, vpc: Option<Id<Vpc>>) -> impl Iterator<Item = &str> {
        let first = (kind, vpc, String::new());
        let same = move |key: &(Kind, Option<Id<Vpc>>, String)| key.0 == kind && key.1 == vpc;
        self.by_name
            .range(first..)
            .take_while(move |(key, _)| same(key))
            .map(|(key, _)| key.2.as_str())
    }
}

/// A file's name without folders and endings.
pub(crate) fn stem(path: &str) -> &str {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    file.split('.').next().unwrap_or(file)
}
